"""Foreign networks, read: one file a format, whose networks are written as specs.

To add one, add a file with an `IMPORTER` in it. Another package adds one by an entry point in the
group `convcalc.importers`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from convcalc import zoo
from convcalc.diagnostics import ConvcalcError, Diagnostic, Source, fail
from convcalc.frozen import FrozenDict
from convcalc.language.limits import SHORT_WHILE, Budget, Limits, exceeded
from convcalc.registry import Registry
from convcalc.words import counted

if TYPE_CHECKING:
    from convcalc.importers.base import Importer, Request

_REGISTRY: Registry[Importer] = Registry(__name__, __path__, "IMPORTER", "importer", first=())
add = _REGISTRY.add
find = _REGISTRY.find
names = _REGISTRY.names
all_names = _REGISTRY.all_names

#: A module, and what is in it.
_CODE = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*")
#: Files that hold no network that can be read, and what can be done instead.
_ELSEWHERE: Mapping[tuple[str, ...], str] = {
    (".pt", ".pth", ".ckpt", ".safetensors", ".bin"): "it holds weights, or code that is not run: "
    "`convcalc import my.module:Net --input 3x224x224` imports the module that they are of",
    (".h5", ".keras", ".pb", ".tflite"): "write it as ONNX first: "
    "`python -m tf2onnx.convert --help` says how",
}


class Imported(NamedTuple):
    """The spec of a foreign network, and what is to be said beside it."""

    text: str
    doubts: tuple[Diagnostic, ...]
    #: How many layers have a cost that is not known.
    unknown: int


def is_code(target: str) -> bool:
    """Whether a target is `module:name`, and no file."""
    return _CODE.fullmatch(target) is not None and not os.path.exists(target)


def importer_of(target: str) -> Importer | None:
    """What takes a target; None where nothing does.

    A file is told by its suffix, code by its `module:name`.
    """
    if is_code(target):
        return next((each for each in map(find, names()) if not each.suffixes), None)
    suffix = os.path.splitext(target)[1].lower()
    if not suffix or suffix in zoo.SUFFIXES:
        return None
    for known in (names, all_names):
        found = next((each for each in map(find, known()) if suffix in each.suffixes), None)
        if found is not None:
            return found
    return None


def imported(request: Request, *, is_flat: bool = False) -> Imported:
    """The spec of a foreign network, as blocks and loops, or as a plain list.

    Raises ConvcalcError for a target that nothing takes, and for what it holds.
    """
    importer = importer_of(request.target)
    if importer is None:
        refuse_other_files(request.target)
        raise _unknown(request.target)
    for name in request.options:
        if name not in importer.options:
            has = [each.title for each in map(find, names()) if name in each.options]
            message = f"`--{name}` is for {' and '.join(has)}, and {request.target} is not"
            raise fail("usage", message, "leave it out")
    if importer.suffixes and not os.path.isfile(request.target):
        raise zoo.missing(request.target, importer.suffixes)
    from convcalc.foreign.patterns import recognised
    from convcalc.foreign.writing import text_of

    traced = recognised(importer.read(request), request.look)
    unknown = sum(call.placed.operations is None for call in traced.calls)
    return Imported(
        text_of(traced, flat=is_flat, tick=request.look), _doubts(request, traced.notes), unknown
    )


def _doubts(request: Request, notes: tuple[str, ...]) -> tuple[Diagnostic, ...]:
    """What is to be said beside a network, as one warning."""
    if not notes:
        return ()
    first, *others = notes
    source = Source(request.target, "")
    return (Diagnostic("imported", first, source, notes=tuple(others), severity="warning"),)


def locate(
    name: str, limits: Limits, inputs: Mapping[str, tuple[int, ...]] = FrozenDict()
) -> zoo.Found:
    """The spec of a path or of a name in the zoo, as `zoo.locate` finds it, or of a foreign file.

    `inputs` is what is asked of its inputs, which a foreign file may leave open. Code is not run:
    `module:name` is for `convcalc import` alone. Raises ConvcalcError.
    """
    if is_code(name):
        help = f"`convcalc import {name} -o FILE.yaml` runs it, and writes the spec of its network"
        raise fail("no-such-spec", f"{name} is code, not a spec", help)
    if importer_of(name) is None:
        refuse_other_files(name)
        return zoo.locate(name, limits.bytes)
    from convcalc.importers.base import Request

    found = imported(Request(name, inputs, look=clock(name, limits)))
    return zoo.Found(found.text, name, name, doubts=found.doubts)


def clock(name: str, limits: Limits) -> Callable[[], None]:
    """What ends an import that takes too long: to be called now and then. It raises ConvcalcError.

    The time is the thread's own.
    """
    budget = Budget(limits)

    def look() -> None:
        if budget.is_over(_STEP):
            most = counted(budget.limits.seconds, "second")
            message = f"{name} takes more than {most} to read"
            raise ConvcalcError([exceeded("seconds", message, Source(name, ""), None)])

    return look


#: Small steps that a look at the clock counts for: every sixteenth is one.
_STEP = SHORT_WHILE // 16


def refuse_other_files(target: str) -> None:
    """Refuse a file whose suffix says that no network can be read of it. Raises ConvcalcError."""
    suffix = os.path.splitext(target)[1].lower()
    for suffixes, help in _ELSEWHERE.items():
        if suffix in suffixes:
            raise fail("no-such-spec", f"a {suffix} file is no spec, and cannot be imported", help)


def _unknown(target: str) -> ConvcalcError:
    """The error for what no importer takes."""
    if target.endswith(zoo.SUFFIXES) or zoo.has(target):
        shown = "" if target.endswith(zoo.SUFFIXES) else f"`convcalc show {target}` prints it"
        return fail("usage", f"{target} is a spec already", shown)
    path = target.rstrip(os.sep)
    stem = path.removesuffix(".py")
    if os.path.isdir(path) or (stem != path and os.path.isfile(path)):
        module = stem.replace(os.sep, ".").lstrip(".")
        help = f"name what makes the network, too: `convcalc import {module}:NAME`"
        return fail("usage", f"{target} is a whole module", help)
    known = [find(name) for name in names()]
    files = [
        f"files of {each.title} ({', '.join(each.suffixes)})" for each in known if each.suffixes
    ]
    help = f"it takes {' and '.join([*files, 'code, as module:name'])}"
    return fail("usage", f"{target} is nothing that can be imported", help)
