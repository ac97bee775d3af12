"""A PyTorch module, exported, read and checked against PyTorch's own count."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import inspect
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from convcalc import extras
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail
from convcalc.foreign.traced import Traced
from convcalc.words import did_you_mean, listed, quoted, shortened

Inputs = Mapping[str, tuple[int, ...]]


def read(target: str, arguments: Mapping[str, Any], inputs: Inputs) -> Traced:
    """The network of a `module:name`, made with arguments, on inputs of these sizes by name.

    The only one may be called "". Raises ConvcalcError.
    """
    torch = extras.require("torch", "torch", "importing PyTorch modules")
    from convcalc.importers.aten import building

    with _Telling(target, "imported"):
        thing = building.found(target)
    make = building.maker(target, thing, arguments)
    with _Telling(target, "made"):
        module = building.built(make)
        module.eval()
        sizes = _sizes(target, module, inputs)
    with torch.no_grad():
        with _Telling(target, "run"):
            program, module, device = _exported(target, make, module, sizes)
        from convcalc.importers.aten.walking import walked

        name = str(arguments.get("model_name", target.rpartition(":")[2].rpartition(".")[2]))
        walk, traced = walked(program, module, name, target)
        macs = _counted(module, sizes, device)
    notes = *traced.notes, *_differences(traced, module, macs, walk.unused(), walk.extra())
    return traced._replace(notes=notes)


class _Telling:
    """What the user's code raises here, it tells as a mistake in that code."""

    def __init__(self, target: str, doing: str) -> None:
        self.target = target
        self.doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, ConvcalcError):
            return
        raise _raised(self.target, self.doing, error) from None


def _raised(target: str, doing: str, error: BaseException) -> ConvcalcError:
    """The mistake that an exception of the user's code is."""
    whole = _said(error)
    said = next((line.strip() for line in whole.splitlines() if line.strip()), "")
    what = f"{type(error).__name__}: {shortened(said, 200)}" if said else type(error).__name__
    place = _place(error)
    at = (f"raised at {place}",) if place else ()
    if isinstance(error, SystemExit):
        what = f"it ends the program (SystemExit: {shortened(whole, 200)})"
    help = ""
    if _asks_for_values(error):
        what = f"it asks for the value of a tensor that depends on the input ({what})"
        help = "only networks whose layers do not depend on what enters them can be imported"
    elif isinstance(error, ModuleNotFoundError):
        help = f"`{error.name}` is imported there, and is not installed"
    message = f"{target} failed as it was {doing}: {what}"
    return ConvcalcError([Diagnostic("code-raised", message, notes=at, help=help)])


def _said(error: BaseException) -> str:
    """What an exception says; nothing where that raises another."""
    try:
        return str(error)
    except BaseException:
        return ""


def _asks_for_values(error: BaseException) -> bool:
    """Whether an exception of torch means that the code looked into a tensor."""
    text = f"{type(error).__name__} {_said(error)}"
    return any(
        sign in text
        for sign in ("DataDependent", "data-dependent", "on meta tensors", "out of meta tensor")
    )


def _place(error: BaseException) -> str:
    """`file:line` where the user's code raised: the last frame outside of torch and Python."""
    import torch

    own = (os.path.dirname(torch.__file__), os.path.dirname(os.__file__) + os.sep + "importlib")
    here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    frames = traceback.extract_tb(error.__traceback__)
    outer = [frame for frame in frames if not frame.filename.startswith((*own, here, "<"))]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    return f"{_short(outer[-1].filename)}:{outer[-1].lineno}" if outer else ""


def _short(path: str) -> str:
    """A path from here, where it is below."""
    try:
        short = os.path.relpath(path)
    except OSError:  # the code has removed the current directory
        return path
    return path if short.startswith("..") else short


def _sizes(target: str, module: Any, inputs: Inputs) -> dict[str, tuple[int, ...]]:
    """The sizes of each input by the name that the forward has for it, a batch of 1 in front."""
    names = [
        each.name
        for each in inspect.signature(module.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    found = dict(inputs)
    if not found:
        known = getattr(module, "pretrained_cfg", None) or {}
        size = known.get("input_size") if hasattr(known, "get") else None
        if size is None:
            help = "give it as `--input 3x224x224`"
            raise fail("missing-input", f"{target} does not say the size of its input", help)
        found = {"": tuple(size)}
    if "" in found:
        if len(found) > 1:
            raise fail("usage", "an input without a name stands beside others", "name them all")
        found = {(names or ["x"])[0]: found[""]}
    for name in found:
        if name not in names and names:
            help = f"{did_you_mean(name, names)} it has {listed(names)}".strip()
            raise fail("unknown-input-name", f"{target} has no input {quoted(name)}", help)
    return {name: (1, *size) for name, size in found.items()}


def _tensors(sizes: Mapping[str, tuple[int, ...]], device: str) -> dict[str, Any]:
    import torch

    return {name: torch.empty(size, device=device) for name, size in sizes.items()}


def _exported(
    target: str, make: Callable[[], Any], module: Any, sizes: Mapping[str, tuple[int, ...]]
) -> tuple[Any, Any, str]:
    """The exported program, the module that it is of, and the device that it was exported on.

    Where the forward asks for values of tensors that it makes, the meta device has none, and the
    module is made again on the processor. Raises ConvcalcError.
    """
    import torch

    try:
        with torch.device("meta"):
            program = torch.export.export(module, (), _tensors(sizes, "meta"), strict=False)
        return program, module, "meta"
    except Exception as error:
        if _is_of_the_shapes(error) and not _asks_for_values(error):
            raise _raised(target, "run", error) from None
    module = make().eval()
    program = torch.export.export(module, (), _tensors(sizes, "cpu"), strict=False)
    return program, module, "cpu"


def _is_of_the_shapes(error: Exception) -> bool:
    """Whether an exception says that sizes do not fit, which is so on any device."""
    text = _said(error)
    return isinstance(error, (RuntimeError, ValueError, AssertionError)) and any(
        sign in text for sign in ("size", "shape", "channels", "dimension")
    )


def _counted(module: Any, sizes: Mapping[str, tuple[int, ...]], device: str) -> int | None:
    """PyTorch's own count of the multiply–accumulates; None where it cannot run the module."""
    from contextlib import ExitStack

    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    module.requires_grad_(False)  # it stops where a parameter that could learn enters a module
    try:
        with ExitStack() as stack:
            if device == "cpu":
                # A fused attention is not counted on a processor; products are.
                stack.enter_context(sdpa_kernel(SDPBackend.MATH))
                stack.callback(torch.backends.mha.set_fastpath_enabled, True)
                torch.backends.mha.set_fastpath_enabled(False)
            stack.enter_context(torch.device(device))
            stack.enter_context(counter)
            module(**_tensors(sizes, device))
    except BaseException:  # of the user's code, as it has run before
        return None
    return int(counter.get_total_flops()) // 2


def _differences(
    traced: Traced,
    module: Any,
    macs: int | None,
    unused: Mapping[str, int],
    extra: Mapping[str, int],
) -> Iterator[str]:
    """What PyTorch says otherwise of a network, and what of it is never called.

    `unused` are modules and parameters that nothing uses, each with its parameters; `extra` are
    parameters that are counted more than once, each with how many too many.
    """
    placed = [call.placed for call in traced.calls]
    unknown = any(each.operations is None for each in placed)
    own = sum(each.operations.macs for each in placed if each.operations is not None)
    if macs is None:
        yield "FlopCounterMode cannot run it, so its MACs are not checked"
    elif macs != own:
        reason = ""
        if unknown:
            reason = ": operators whose cost is not known here may be in the first"
        elif any(each.type == "deform_conv" for each in placed):
            reason = ": it leaves deformable convolutions out"
        yield f"PyTorch's FlopCounterMode counts {macs:,} MACs, and here are {own:,}{reason}"
    idle = sum(unused.values())
    if unused:
        yield f"never used, and not counted: {listed(unused, 8)}, of {idle:,} parameters"
    learned = sum(w.size for each in placed for w in each.weights if w.trainable)
    all_of_it = sum(each.numel() for each in module.parameters())
    if extra:
        too_many = sum(extra.values())
        yield (
            f"no layers share {listed(extra, 8)} as the module does: {too_many:,} parameters are"
            " counted more than once"
        )
    if learned != all_of_it - idle + sum(extra.values()):
        yield f"the module uses {all_of_it - idle:,} parameters, and here are {learned:,}"
