"""The lines of a network: its modules as groups, in which joined paths are structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc import layers
from convcalc.foreign.traced import Call, Traced
from convcalc.foreign.writing.composites import Found, composites
from convcalc.foreign.writing.fields import (
    Names,
    as_name,
    fields_of,
    owns_maps,
    says_something,
    snake_case,
)
from convcalc.foreign.writing.line import DEEPEST, Line, every, says_more
from convcalc.foreign.writing.paths import Users, structured
from convcalc.foreign.writing.units import with_idioms, with_units
from convcalc.shape import Tensor

#: Modules of PyTorch that only hold others.
CONTAINERS = frozenset(("Sequential", "ModuleList", "ModuleDict", "Module"))


def lines_of(traced: Traced, inputs: tuple[str, ...]) -> tuple[list[Line], tuple[str, ...]]:
    """The lines of a network whose inputs have these names, and what its outputs are called.

    The latter are empty where they are the last line's. Modules are `sequential` lines.
    """
    tree = _Tree(traced)
    body = tree.lines(0, len(traced.calls), 0)
    has_modules = any(call.scopes for call in traced.calls)
    if not has_modules:
        body = with_idioms(body, tree.users)
    body = structured(body, tree.users)
    if not has_modules:
        body = with_units(body, tree.users)
    entering = tuple([Tensor(-1 - at, 0, shape) for at, shape in enumerate(traced.inputs.values())])
    names = dict(zip(entering, inputs))
    leaving = traced.outputs if not body or traced.outputs != body[-1].makes else ()
    outputs = _Names(names, has_modules, taken=inputs).name(body, entering, leaving)
    return body, outputs


class _Tree:
    """Makes lines of calls, by the modules that they are in."""

    def __init__(self, traced: Traced) -> None:
        self.calls = traced.calls
        self.users = Users(traced)
        #: The layers that stand for several calls, by the first of these.
        self.composites = composites(traced.calls, self.users.of)
        self.modules: dict[tuple[int, int], Line] = {}

    def lines(self, first: int, end: int, depth: int) -> list[Line]:
        """The lines of some calls, which are in so many modules."""
        found: list[Line] = []
        at = first
        while at < end:
            call = self.calls[at]
            composite = self.composites.get(at)
            if composite is not None and self._is_here(composite, end, depth):
                found.append(self._composite(composite))
                at = composite.calls.stop
                continue
            if len(call.scopes) <= depth or depth >= DEEPEST:
                found.append(self._layer(at, call))
                at += 1
                continue
            scope, stop = call.scopes[depth], at + 1
            while stop < end and self._is_in(self.calls[stop], depth, scope):
                stop += 1
            found += self._module(at, stop, depth)
            at = stop
        return found

    def _is_here(self, found: Found, end: int, depth: int) -> bool:
        """Whether a layer that stands for several is in a module itself, and not in one in that."""
        scopes = {self.calls[at].scopes[: depth + 1] for at in found.calls}
        return found.calls.stop <= end and (len(scopes) > 1 or len(scopes.pop()) <= depth)

    def _composite(self, found: Found) -> Line:
        """A layer that stands for several as a line."""
        first, last = self.calls[found.calls[0]], found.calls[-1]
        shapes = self.calls[last].placed.outputs
        makes = tuple([Tensor(last, part, shape) for part, shape in enumerate(shapes)])
        line = Line(found.layer.type, found.calls, first.inputs, makes)
        line.fields = fields_of(first, found.layer)
        line.weights = found.weights_of
        return line

    def _is_in(self, call: Call, depth: int, scope: Any) -> bool:
        return len(call.scopes) > depth and call.scopes[depth] == scope

    def _layer(self, at: int, call: Call) -> Line:
        makes = tuple([Tensor(at, part, s) for part, s in enumerate(call.placed.outputs)])
        calls = range(at, at + 1)
        line = Line(call.placed.type, calls, call.inputs, makes, name=as_name(call.name))
        line.fields = fields_of(call)
        line.is_named = owns_maps(call) and says_something(line.name, line.kind)
        if call.weights_of is not None and call.placed.tensors:
            line.weights = call.weights_of
        return line

    def _module(self, first: int, end: int, depth: int) -> list[Line]:
        """A module as a line, or what is in it where it cannot be one, or need not."""
        scope = self.calls[first].scopes[depth]
        cls = "" if scope.type in CONTAINERS else scope.type
        name = "" if scope.name.isdigit() else as_name(scope.name)
        inner = structured(self.lines(first, end, depth + 1), self.users)
        while len(inner) == 1 and inner[0].is_module and not inner[0].cls and not inner[0].weights:
            inner = inner[0].lists["layers"]
        if len(inner) == 1 and inner[0].kind in layers.TYPES:
            inner[0].name, inner[0].is_named = name or inner[0].name, bool(name)
            return inner
        if scope.type in CONTAINERS and (not name or len(inner) == 1):
            if len(inner) == 1 and name and inner[0].end - inner[0].first > 1:
                inner[0].name = inner[0].name or name
            return inner
        leaving = self.users.leaving(first, end)
        is_deep = max(line.depth for line in inner) >= DEEPEST
        if is_deep or not set(leaving) <= set(inner[-1].makes):
            return inner
        takes = self.users.entering(first, end)
        line = Line(
            "sequential",
            range(first, end),
            takes,
            inner[-1].makes,
            name=name,
            lists={"layers": inner},
            cls=cls,
        )
        line.is_named = bool(name)
        if not name and not cls:
            # The modules of a list: what they are is known by the one around it.
            around = [scope.name for scope in self.calls[first].scopes[:depth]]
            named = next((as_name(each) for each in reversed(around) if not each.isdigit()), "")
            line.cls = f"{named}[]"
        self._share(line)
        self.modules[first, end] = line
        return [line]

    def _share(self, line: Line) -> None:
        """Let a module use the weights of another, where all that is in it does."""
        owners = {
            at - owner
            for at in range(line.first, line.end)
            if self.calls[at].placed.tensors
            for owner in [self.calls[at].weights_of]
            if owner is not None
        }
        owning = any(
            call.placed.tensors and call.weights_of is None
            for call in self.calls[line.first : line.end]
        )
        if len(owners) != 1 or owning:
            return
        (offset,) = owners
        owner = self.modules.get((line.first - offset, line.end - offset))
        if owner is not None:
            for each in every(line.lists["layers"]):
                each.weights = None
            line.weights = owner


#: What attention calls the thirds of a linear layer's features (Vaswani et al. 2017).
_THIRDS = ("q", "k", "v")
#: How far below the split they are called so.
_MOST_OF_A_THIRD = 6


class _Names:
    """Names what is taken from elsewhere than the line above, in one network or module."""

    def __init__(
        self, entering: dict[Tensor, str], has_modules: bool, taken: Sequence[str] = ()
    ) -> None:
        self.entering = entering
        #: Whether names are those of modules, and not of the whole network.
        self.has_modules = has_modules
        #: Tensor to the line that makes it, of those in reach.
        self.made: dict[Tensor, Line] = {}
        self.by_call: dict[int, Line] = {}
        self.lines: list[Line] = []
        self.needed: set[int] = set()
        self.reads_input = False
        self.asked: list[tuple[Line, tuple[Tensor, ...]]] = []
        self.given = Names(taken)

    def name(
        self, body: list[Line], above: tuple[Tensor, ...], leaving: tuple[Tensor, ...] = ()
    ) -> tuple[str, ...]:
        """Set `from_` and `label` of all lines; the names of what leaves."""
        self._walk(body, above)
        for tensor in leaving:
            if tensor not in self.entering:
                self.needed.add(id(self.made[tensor]))
        for line in self.lines:
            if id(line) in self.needed:
                name = line.name if self.has_modules else ""
                if not (name and says_more(line)):
                    name = self._of_attention(line) or name
                line.label = self.given.new(
                    name or snake_case(line.cls.removesuffix("[]")) or line.kind
                )
        for line, tensors in self.asked:
            line.from_ = self._said(tensors)
        return self._said(leaving)

    def _of_attention(self, line: Line) -> str:
        """`q`, `k` or `v` for what is made of a third of a linear layer's features; else empty."""
        for _ in range(_MOST_OF_A_THIRD):
            if len(line.takes) != 1 or line.takes[0] not in self.made:
                break
            (tensor,) = line.takes
            line = self.made[tensor]
            if line.kind == "split" and len(line.makes) == len(_THIRDS):
                before = self.made.get(line.takes[0])
                is_linear = before is not None and before.kind == "linear"
                return _THIRDS[line.makes.index(tensor)] if is_linear else ""
        return ""

    def _walk(self, body: list[Line], above: tuple[Tensor, ...]) -> None:
        for line in body:
            self.lines.append(line)
            self.by_call[line.first] = line
            if line.takes != above and line.takes:
                self.asked.append((line, line.takes))
                for tensor in line.takes:
                    if tensor in self.entering:
                        self.reads_input = True
                    elif tensor in self.made:
                        self.needed.add(id(self.made[tensor]))
            if isinstance(line.weights, int):
                line.weights = self.by_call.get(line.weights)
            if line.weights is not None:
                self.needed.add(id(line.weights))
            if line.is_module:
                self._module(line)
            else:
                for at, inner in enumerate(line.inner()):
                    self._walk(inner, line.parts[at : at + 1] or line.takes)
            for tensor in line.makes:
                self.made[tensor] = line
            above = line.makes

    def _module(self, line: Line) -> None:
        """The lines of a module, which knows what enters it as `input`."""
        count = len(line.takes)
        known = {
            tensor: "input" if count == 1 else f"input.{at}" for at, tensor in enumerate(line.takes)
        }
        inside = _Names(known, self.has_modules)
        inside.name(line.lists["layers"], line.takes)
        line.reads_input = inside.reads_input

    def _said(self, tensors: tuple[Tensor, ...]) -> tuple[str, ...]:
        found: list[str] = []
        at = 0
        while at < len(tensors):
            tensor = tensors[at]
            line = self.made.get(tensor)
            if line is None:
                found.append(self.entering.get(tensor, "input"))
            elif tensors[at : at + len(line.makes)] == line.makes:
                found.append(line.label)
                at += len(line.makes) - 1
            else:
                found.append(f"{line.label}.{line.makes.index(tensor)}")
            at += 1
        return tuple(found)
