"""The document: a spec that is right by the language, before any shape is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.diagnostics import Mark
from convcalc.expressions import Expression
from convcalc.language import reader

#: The default of a block's argument that must be given.
REQUIRED = "required"


class Items(NamedTuple):
    """A list in which at least one item is an expression."""

    items: tuple[Any, ...]
    marks: tuple[Mark, ...]


#: A value of a spec: a number, a text, a truth value, a tuple of these; or yet to be evaluated.
Value = int | float | str | bool | tuple[Any, ...] | Expression | Items | None


class Call(NamedTuple):
    """A layer or a block: its known values, and those to be evaluated, by canonical name."""

    settled: Mapping[str, Any]
    open: Mapping[str, Value]


class Statement(NamedTuple):
    """An element of a `layers` list. `type` is a layer type, a block or a structure.

    name: names the tensor that it makes, for `from`
    from: the name of the tensor that it takes, or a list of them; the line above when left out
    when: where this is false, the layer is left out
    functional: whether the modelled code calls a function for it instead of a module
    """

    type: str
    body: Call | Structure
    mark: Mark
    #: What stands under the type, with its marks.
    origin: reader.Mapping
    name: str | None = None
    from_: tuple[str, ...] = ()
    when: Value = True
    functional: bool = False

    def mark_of(self, field: str) -> Mark:
        """The place of a field's value; of the type where the field is left out."""
        key = self.key_of(field)
        return self.mark if key is None else self.origin.value_marks[key]

    def key_of(self, field: str) -> str | None:
        """The name that the field goes by in the file; None where it is left out."""
        for key in self.origin:
            if key == field or field in layers.SHORT_NAMES.get(key, ()):
                return key
        return None


#: A `layers` list.
Stack = tuple[Statement, ...]


class Sequential(NamedTuple):
    """A group under one name.

    layers: the layers of the group, one after the other
    """

    layers: Stack


class Repeat(NamedTuple):
    """The same layers several times, one after the other.

    times: how often
    index: the name of the turn's number in expressions, from 0
    layers: the layers of one turn
    """

    times: Value
    layers: Stack
    counter: str | None = None


class ForEach(NamedTuple):
    """The same layers once for each row of a table, whose cells get names.

    bind: the names of a row's cells
    in: the rows, each a list with one cell for every name
    layers: the layers of one turn
    """

    bind: tuple[str, ...]
    rows: Value
    layers: Stack


class Residual(NamedTuple):
    """A body plus a shortcut around it.

    layers: the body
    shortcut: the layers of the shortcut; the identity when left out
    connect: where this is false, the body stands alone; true when left out
    """

    layers: Stack
    shortcut: Stack = ()
    connect: Value = True


class Branches(NamedTuple):
    """Paths side by side, and what joins them.

    paths: the paths, each a list of layers; an empty one is the identity
    merge: what joins them: `concat`, `add` or `mul`
    split: whether each path gets an equal share of the channels, not all; false when left out
    """

    paths: tuple[Stack, ...]
    merge: str
    split: bool = False


Structure = Sequential | Repeat | ForEach | Residual | Branches

#: The structures by name.
STRUCTURES: Mapping[str, type[Structure]] = {
    "sequential": Sequential,
    "repeat": Repeat,
    "for_each": ForEach,
    "residual": Residual,
    "branches": Branches,
}


class Block(NamedTuple):
    """A stack of layers with arguments, which is used by its name.

    args: the arguments, each with its default, or `required`
    let: names for values that are worked out once, when the block is entered
    layers: the layers
    """

    layers: Stack
    args: Mapping[str, Value] = {}
    let: Mapping[str, Value] = {}


class Document(NamedTuple):
    """A network, or a family of networks.

    name: what tables call the network
    source: where the numbers can be checked
    description: free text
    input: `[channels, height, width]`, `[channels, length]` or `[features]`, without the batch; a
        mapping of names to such lists for several inputs
    variables: the numbers that a user may set, each with its default
    presets: named settings of variables
    blocks: stacks of layers that are used by name
    layers: the network
    outputs: the names of the layers whose tensors leave the network; the last layer's when left out
    """

    name: str
    layers: Stack
    input: Mapping[str, Value]
    source: str = ""
    description: str = ""
    variables: Mapping[str, Value] = {}
    presets: Mapping[str, Mapping[str, Value]] = {}
    blocks: Mapping[str, Block] = {}
    outputs: tuple[str, ...] = ()
    #: What was read, with its marks.
    origin: reader.Mapping | None = None

    def mark_of(self, *path: str) -> Mark | None:
        """The place of a value outside of `layers`, by its keys; None where it is left out."""
        value: Any = self.origin
        mark = None
        for key in path:
            if not isinstance(value, reader.Mapping) or key not in value:
                return None
            value, mark = value[key], value.value_marks[key]
        return mark

    def item_marks(self, *path: str) -> Sequence[Mark]:
        """The places of the items of a list outside of `layers`; empty where there is no list."""
        value: Any = self.origin
        for key in path:
            value = value.get(key) if isinstance(value, reader.Mapping) else None
        return value.marks if isinstance(value, reader.Sequence) else ()
