"""What an element of a spec sees: names of values, names of tensors, and the blocks around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from convcalc.expressions import Expression
from convcalc.language.statements import Call, Statement
from convcalc.shape import Shape, Tensor

Known = tuple[Tensor, ...]
#: What one line hands to the next; None where a mistake leaves it unknown.
Tensors = Known | None

#: Names that the tensor which reaches a layer has in expressions.
TENSOR_NAMES = frozenset(
    ("in_channels", "in_height", "in_width", "in_length", "in_depth", "in_features")
)
#: Those of the spatial axes, by how many there are.
_AXIS_NAMES: Mapping[int, tuple[str, ...]] = {
    1: ("in_length",),
    2: ("in_height", "in_width"),
    3: ("in_depth", "in_height", "in_width"),
}


def tensor_values(shape: Shape) -> dict[str, int]:
    """The names that a tensor of a shape has in expressions."""
    if len(shape) == 1:
        return {"in_features": shape[0], "in_channels": shape[0]}
    names = _AXIS_NAMES.get(len(shape) - 1, ())
    return {"in_channels": shape[0], **dict(zip(names, shape.spatial))}


def asks_for_tensor(value: Any) -> bool:
    """Whether a value is an expression that speaks of the tensor which reaches the layer."""
    return isinstance(value, Expression) and not TENSOR_NAMES.isdisjoint(value.names)


class Made(NamedTuple):
    """What a line made: the nodes of the graph from `first` up to `end`, and the line.

    `depth` is how many of the parts of their names stand for the line and for what is around it.
    """

    st: Statement
    first: int
    end: int
    depth: int


class Scope:
    """What the lines of one `layers` list see; they add the tensors that they name."""

    __slots__ = ("_left_out", "_made", "_outer", "_tensors", "around", "values")

    def __init__(
        self,
        values: Mapping[str, Any],
        outer: Scope | None = None,
        around: tuple[Statement, ...] = (),
    ) -> None:
        self.values = values
        #: The lines whose lists it is inside of, outermost first; calls of blocks are among them.
        self.around = around
        #: The list around it, whose tensors it sees.
        self._outer = outer
        self._tensors: dict[str, Tensors] = {}
        self._made: dict[str, Made | None] = {}
        self._left_out: set[str] | None = None

    def inside(self, st: Statement, values: Mapping[str, Any] | None = None) -> Scope:
        """The scope of a list in a line, with other values where some are given."""
        values = self.values if values is None else values
        return Scope(values, self, (*self.around, st))

    def beside(self, st: Statement) -> Scope:
        """The scope of another list in the line that this one is in: neither sees the other."""
        return Scope(self.values, self._outer, (*self.around, st))

    def called(self, values: Mapping[str, Any], call: Statement) -> Scope:
        """The scope of a block that is called here; it sees no tensor of its caller."""
        return Scope(values, None, (*self.around, call))

    @property
    def calls(self) -> list[Statement]:
        """The calls of blocks around, outermost first."""
        return [st for st in self.around if isinstance(st.body, Call)]

    def names(self, inputs: Tensors) -> dict[str, Any]:
        """The values that expressions see by their names, on a line that takes `inputs`."""
        return {**self.values, **(tensor_values(inputs[0].shape) if inputs else {})}

    def add(self, name: str, tensors: Tensors) -> None:
        """Name tensors that enter, for the lines that follow."""
        self._tensors[name] = tensors

    def add_line(self, name: str, tensors: Tensors, made: Made | None) -> None:
        """Name what a line hands on and what it made; None where a mistake leaves that unknown."""
        self._tensors[name] = tensors
        self._made[name] = made

    def leave_out(self, name: str) -> None:
        """Note that the layer of a name is not there."""
        if self._left_out is None:
            self._left_out = set()
        self._left_out.add(name)

    def find(self, name: str) -> Tensors:
        """The tensors of a name, or the one part of it (`parts.1`). Raises KeyError."""
        whole, dot, part = name.partition(".")
        known = (each._tensors[whole] for each in self._lists() if whole in each._tensors)
        found = next(known, ())
        if dot and found:
            # What else has a dot is a name as tables have it.
            found = found[int(part) :][:1] if part.isdecimal() else ()
        if found == ():
            raise KeyError(name)
        return found

    def made(self, name: str) -> Made | None:
        """What the line of a name made; None where that is not known.

        Raises KeyError for what is no name of a line in reach.
        """
        for each in self._lists():
            if name in each._tensors:
                return each._made[name]
        raise KeyError(name)

    def lines(self) -> list[str]:
        """The names of all lines in reach."""
        return list(dict.fromkeys(name for scope in self._lists() for name in scope._made))

    def is_left_out(self, name: str) -> bool:
        """Whether a name is that of a layer which its `when` leaves out."""
        return any(name in (scope._left_out or ()) for scope in self._lists())

    def tensors(self) -> list[str]:
        """The names of all tensors in reach."""
        return list(dict.fromkeys(name for scope in self._lists() for name in scope._tensors))

    def _lists(self) -> Iterator[Scope]:
        """This list and those around it, whose tensors it sees."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope._outer
