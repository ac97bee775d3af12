"""What the user's code raises, told as a mistake in that code: what, in which layer and line."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

from convcalc.diagnostics import ConvcalcError, Diagnostic
from convcalc.words import shortened

#: Folders of what is installed, which may lie in that of Python's own modules.
_INSTALLED = ("site-packages", "dist-packages")


class Telling:
    """What the user's code raises here, it tells as a mistake in that code.

    `doing` is what failed: "importing nets".
    """

    def __init__(self, doing: str) -> None:
        self.doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or isinstance(error, ConvcalcError):
            return
        raise raised(self.doing, error) from None


def raised(doing: str, error: BaseException, module: Any = None) -> ConvcalcError:
    """The mistake that an exception of the user's code is; `module` is what was run, if it was."""
    text = next((line.strip() for line in said(error).splitlines() if line.strip()), "")
    what = f"{type(error).__name__}: {shortened(text, 200)}" if text else type(error).__name__
    layer = "" if module is None else _layer(error, module)
    place = _place(error)
    at = [f"in {layer}"] if layer else []
    at += [f"raised at {place}"] if place else []
    if isinstance(error, SystemExit):
        what = f"it ends the program (SystemExit: {shortened(said(error), 200)})"
    help = ""
    if asks_for_values(error):
        what = f"it asks for the value of a tensor that depends on the input ({what})"
        help = "only networks whose layers do not depend on what enters them can be imported"
    elif isinstance(error, ModuleNotFoundError):
        help = f"`{error.name}` is imported there, and is not installed"
    message = f"{doing} failed: {what}"
    return ConvcalcError([Diagnostic("code-raised", message, notes=tuple(at), help=help)])


def said(error: BaseException) -> str:
    """What an exception says; nothing where that raises another."""
    try:
        return str(error)
    except BaseException:
        return ""


def asks_for_values(error: BaseException) -> bool:
    """Whether an exception of torch means that the code looked into a tensor."""
    text = f"{type(error).__name__} {said(error)}"
    return any(
        sign in text
        for sign in ("DataDependent", "data-dependent", "on meta tensors", "out of meta tensor")
    )


def _layer(error: BaseException, module: Any) -> str:
    """The innermost module whose call raised: "`layer1.0.conv1` (Conv2d)"; "" for the whole."""
    paths = {id(each): path for path, each in module.named_modules()}
    calls = [frame.f_locals.get("self") for frame in _frames(error)]
    inner = [each for each in calls if paths.get(id(each))]
    return f"`{paths[id(inner[-1])]}` ({type(inner[-1]).__name__})" if inner else ""


def _frames(error: BaseException) -> Iterator[FrameType]:
    """The frames that an exception went through, outermost first."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield frame


def _place(error: BaseException) -> str:
    """`file:line` where the user's code raised: the last frame outside of torch and Python."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    outer = [frame for frame in frames if _is_the_users(frame.filename)]
    return f"{_short(outer[-1].filename)}:{outer[-1].lineno}" if outer else ""


def _is_the_users(path: str) -> bool:
    """Whether a file is neither torch's nor Python's nor ours."""
    import torch

    here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    within = [os.path.dirname(torch.__file__), here]
    if not any(folder in path.split(os.sep) for folder in _INSTALLED):
        within.append(sysconfig.get_path("stdlib"))
    return not path.startswith(("<", *(folder + os.sep for folder in within)))


def _short(path: str) -> str:
    """A path from here, where it is below."""
    try:
        short = os.path.relpath(path)
    except OSError:  # the code has removed the current directory
        return path
    return path if short.startswith("..") else short
