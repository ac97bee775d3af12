"""The graph: every layer with its inputs and shapes, in the order it runs, and what makes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

from convcalc.frozen import FrozenDict
from convcalc.layers.base import Layer, Placed
from convcalc.named import name_ending, near_name, unknown_name
from convcalc.shape import Shape, Tensor
from convcalc.visible import composed, visible
from convcalc.words import counted, listed, shortened


class Group(NamedTuple):
    """A block, a named structure or a composite layer that a node is in.

    Its name there, and its type; and the layer, where it is one that stands for its nodes.
    """

    name: str
    type: str
    layer: Layer | None = None
    #: Whether the code that is modelled has a module class of its own for it, whose output is what
    #: the last of its nodes makes.
    module: bool = False


class Node(NamedTuple):
    """One layer of a graph."""

    name: str
    #: The layer on its inputs.
    placed: Placed
    #: What enters it: the index of a node, negative for an input, which of its outputs, the shape.
    inputs: tuple[Tensor, ...]
    #: The groups that it is in, outermost first; their names and the node's own make up `name`.
    groups: tuple[Group, ...] = ()
    #: Whether the code that is modelled calls a function, which some tools do not see.
    functional: bool = False
    #: The node whose layer it is once more, with the same tensors; None: they are its own.
    weights_of: str | None = None
    #: The type of a number in its tensors and in what it makes; None: that of the whole network.
    dtype: str | None = None

    @property
    def layer(self) -> Layer:
        """The layer, with a value for every spatial axis."""
        return self.placed.layer

    @property
    def type(self) -> str:
        """The layer type."""
        return self.placed.layer.type

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the inputs."""
        return self.placed.inputs

    @property
    def outputs(self) -> tuple[Shape, ...]:
        """The shapes of the outputs."""
        return self.placed.outputs


#: How a network is made a part of itself: what leads to some names is kept, or all but them.
Way = Literal["until", "drop"]
UNTIL: Final = "until"
DROP: Final = "drop"
WAYS: tuple[Way, ...] = (UNTIL, DROP)


class Cut(NamedTuple):
    """How a network is made a part of itself, and by which names of layers and groups."""

    way: Way
    names: tuple[str, ...]


class Graph(NamedTuple):
    """A network: its nodes, in an order in which every input comes before its use."""

    name: str
    #: Where its numbers can be checked.
    source: str
    #: The shapes of the inputs by name.
    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    #: What leaves it: the index of a node, which of its outputs, and the shape.
    outputs: tuple[Tensor, ...]
    #: The preset that was chosen.
    preset: str | None
    #: Every variable with its value.
    variables: Mapping[str, Any]
    #: How it was made of a larger one, cut by cut, by whole names; see `convcalc.parts`.
    cuts: tuple[Cut, ...] = ()
    #: What to know of the sizes that a tool prints of it, by the name of the definition.
    notes: Mapping[str, str] = FrozenDict()

    @property
    def settings(self) -> Mapping[str, Any]:
        """The variables that were set to another value than their spec's, by name."""
        return FrozenDict()

    @property
    def has_other_input(self) -> bool:
        """Whether its input is another than its spec's."""
        return False

    def places(self) -> dict[str, range]:
        """Every group and every layer by its name: which of the nodes it is made of."""
        found: dict[str, range] = {}
        for index, node in enumerate(self.nodes):
            path = ""
            for group in node.groups:
                path += f".{group.name}" if path else group.name
                found[path] = range(found.get(path, range(index, index)).start, index + 1)
            found[node.name] = range(index, index + 1)
        return found

    def input_names(self) -> Iterator[tuple[str, ...]]:
        """The names of the tensors that enter each node.

        A tensor is called as its layer, `NAME.1` for a part of what leaves that, or as an input.
        """
        names = {-1 - index: name for index, name in enumerate(self.inputs)}
        parts: dict[int, list[str]] = {}
        for index, node in enumerate(self.nodes):
            if parts:
                yield tuple(
                    [parts[i][part] if i in parts else names[i] for i, part, _ in node.inputs]
                )
            else:
                yield tuple([names[tensor.node] for tensor in node.inputs])
            names[index] = name = node.name
            count = len(node.placed.outputs)
            if count != 1:
                parts[index] = [f"{name}.{part}" for part in range(count)]

    def output_shapes(self) -> dict[str, Shape]:
        """The shapes of the outputs, by the names that `input_names` has for such tensors."""
        inputs = list(self.inputs)
        found = {}
        for node, part, shape in self.outputs:
            name = inputs[-1 - node] if node < 0 else self.nodes[node].name
            is_whole = node < 0 or len(self.nodes[node].outputs) == 1
            found[name if is_whole else f"{name}.{part}"] = shape
        return found

    def to_dict(self) -> dict[str, Any]:
        """What JSON says of a network, whatever else is asked of it."""
        shapes = {name: list(shape) for name, shape in self.inputs.items()}
        return {
            "name": self.name,
            "source": self.source,
            "preset": self.preset,
            "variables": dict(self.variables),
            "input": shapes["input"] if list(shapes) == ["input"] else shapes,
            **self.cut_by(),
        }

    def cut_by(self) -> dict[str, list[str]]:
        """The names that it was cut by, as JSON has them: `until` and `drop`, each if it was so.

        Those of `until` are the last such cut's.
        """
        found = {way: [cut.names for cut in self.cuts if cut.way == way] for way in WAYS}
        found[UNTIL] = found[UNTIL][-1:]
        return {way: [*chain.from_iterable(names)] for way, names in found.items() if names}

    def __repr__(self) -> str:
        shapes = [f"{visible(name)} {shape}" for name, shape in self.inputs.items()]
        if len(shapes) > _MOST_INPUTS:
            shapes = [counted(len(shapes), "input")]
        layers = counted(len(self.nodes), "layer")
        said = ", ".join([f"'{visible(shortened(self.name))}'", layers, *shapes])
        return f"{type(self).__name__}({said})"


#: How many inputs are named where a graph is named.
_MOST_INPUTS = 3


#: What PyTorch's networks call modules that have another name here, and their type.
_ELSEWHERE = {
    "fc": "linear",
    "classifier": "linear",
    "head": "linear",
    "heads": "linear",
    "avgpool": "adaptive_avg_pool",
}


#: How many names are told apart that are given as one.
_MOST_SEVERAL = 8


def whole_name_in(graph: Graph, name: str, places: Collection[str]) -> str:
    """The whole name of a layer or a group of a graph, whose `places` these are.

    It is as it is asked for, or ends so where no other does. Raises UnknownName for a name that
    none has, and ConvcalcError for one that several may mean.
    """
    asked = composed(name)
    owner = f"what is left of {graph.name}" if graph.cuts else graph.name
    found = name_ending(asked, places, owner, "layer")
    if found is None:
        raise unknown_name(asked, owner, "layer", _help(graph, asked, places))
    return found


def _help(graph: Graph, asked: str, places: Collection[str]) -> str:
    """What may be meant by a name that nothing has in a graph."""
    lists = "`convcalc analyze` lists the names of its layers"
    several = [part.strip() for part in asked.split(",", _MOST_SEVERAL)]
    if len(several) > 1 and all(_is_end(part, places) for part in several):
        said = f"{listed(several)} are names by themselves"
        return f"{said}: give one at a time, and an option once for each"
    type = _ELSEWHERE.get(asked)
    last = next((node.name for node in reversed(graph.nodes) if node.type == type), None)
    if last is not None:
        return f"did you mean {listed([last])}? {lists}"
    near = near_name(asked, places)
    if near:
        return f"{near} {lists}"
    outermost = dict.fromkeys(name.partition(".")[0] for name in places)
    return f"its blocks and layers are {listed(map(shortened, outermost))}; {lists}"


def _is_end(name: str, places: Collection[str]) -> bool:
    """Whether a layer or a group is called so, or one whose name ends so."""
    return name in places or any(each.endswith(f".{name}") for each in places)


def with_owners(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Some of the nodes of a graph, where the owner of tensors may not be among them.

    The first that uses these has them then; the others that do use its own.
    """
    owners: dict[str, str] = {}
    found = []
    for node in nodes:
        owner = node.weights_of
        if owner is not None:
            owner = owners.setdefault(owner, node.name)
        if owner == node.name:
            placed = node.placed.holding(borrowing=False, frozen=node.placed.frozen)
            node = node._replace(placed=placed, weights_of=None)
        elif owner is None:
            owners[node.name] = node.name
        else:
            node = node._replace(weights_of=owner)
        found.append(node)
    return tuple(found)


def input_tensors(shapes: Mapping[str, Shape]) -> tuple[Tensor, ...]:
    """The tensors that enter a graph with these inputs."""
    return tuple(Tensor(-1 - index, 0, shape) for index, shape in enumerate(shapes.values()))


class _Level:
    """A naming level while a graph grows: how often each name was used in it."""

    __slots__ = (
        "base",
        "counts",
        "depth",
        "functional",
        "layer",
        "module",
        "ordinal",
        "parent",
        "type",
        "width",
    )

    def __init__(
        self,
        parent: _Level | None,
        base: str,
        type: str,
        layer: Layer | None = None,
        functional: bool = False,
        module: bool = False,
    ) -> None:
        self.parent = parent
        self.base = base
        self.type = type
        self.layer = layer
        self.module = module
        #: Whether all that is in it is called as functions.
        self.functional: bool = functional or (parent is not None and parent.functional)
        self.counts: dict[str, int] = {}
        self.ordinal = parent.use(base) if parent else 0
        #: How many levels are around it.
        self.depth: int = parent.depth + 1 if parent else 0
        #: About how many characters the names of nodes in it begin with.
        self.width: int = parent.width + len(base) + 1 if parent else 0

    def use(self, base: str) -> int:
        """Count one more use of a name; which one it is, from 1."""
        count = self.counts.get(base, 0) + 1
        self.counts[base] = count
        return count

    def name(self, base: str, ordinal: int) -> str:
        """A name in this level: numbered where it repeats, and never one that is written so."""
        if self.counts[base] == 1:
            return base
        name = f"{base}_{ordinal}"
        while name in self.counts:
            name += "_"
        return name

    def groups(self, known: dict[_Level, tuple[Group, ...]]) -> tuple[Group, ...]:
        """This level and those around it, outermost first; `known` are worked out already."""
        if self.parent is None:
            return ()
        found = known.get(self)
        if found is None:
            name = self.parent.name(self.base, self.ordinal)
            own = Group(name, self.type, self.layer, self.module)
            found = known[self] = (*self.parent.groups(known), own)
        return found

    def prefix(self, known: dict[_Level, str]) -> str:
        """What the names of nodes in this level begin with; `known` are worked out already."""
        if self.parent is None:
            return ""
        found = known.get(self)
        if found is None:
            own = self.parent.name(self.base, self.ordinal)
            found = known[self] = f"{self.parent.prefix(known)}{own}."
        return found


#: A node before its name is known: its level, its name there and the which of that name it is, and
#: the rest of it.
_Draft = tuple[_Level, str, int, Placed, tuple[Tensor, ...], bool, str | None]


class NamePart(NamedTuple):
    """A part of a node's name: its group's or its own, the which of that name, the group's type."""

    base: str
    ordinal: int
    type: str

    def is_called(self, name: str) -> bool:
        """Whether a table calls it so, or will when the name comes again."""
        return name == f"{self.base}_{self.ordinal}" or (self.ordinal == 1 and name == self.base)


class Builder:
    """Makes the nodes of a graph, one after the other.

    A node is called as it is added, in the groups that are open then; a name that comes several
    times in its group is numbered, which only the last use settles.
    """

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        self.level = _Level(None, "", "")
        #: The tensors that enter and leave the nodes, and about how many characters name these.
        self.tensors = 0
        self.characters = 0
        #: Whether what is added is not trained.
        self.is_frozen = False
        #: The type of a number in what is added; None: that of the whole network.
        self.dtype: str | None = None
        #: The nodes that use another's tensors, and the one that owns them.
        self._owners: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._drafts)

    def group(
        self,
        name: str,
        type: str,
        layer: Layer | None = None,
        functional: bool = False,
        module: bool = False,
    ) -> _Inside:
        """A group that everything is in which is added while it is entered (`with`).

        `layer` is the one that what is in it is made of; where it is called as a function
        (`functional`), so is all of that. `module`: the modelled code has a class for the group.
        """
        level = _Level(self.level, name, type, layer, functional, module)
        return _Inside(self, level, self.is_frozen, self.dtype)

    def frozen(self) -> _Inside:
        """Nothing is trained that is added while it is entered (`with`)."""
        return _Inside(self, self.level, True, self.dtype)

    def typed(self, dtype: str) -> _Inside:
        """Numbers are of a type in all that is added while it is entered (`with`)."""
        return _Inside(self, self.level, self.is_frozen, dtype)

    def place(self, layer: Layer, shapes: tuple[Shape, ...]) -> Placed:
        """A layer on its inputs. Raises Refusal."""
        return layer.placed(shapes)

    def add(self, layer: Layer, *inputs: Tensor, name: str = "") -> tuple[Tensor, ...]:
        """Place a layer on tensors and add it, called by its type without a `name`; its outputs.

        Raises Refusal where the inputs do not fit the layer.
        """
        placed = self.place(layer, tuple(tensor.shape for tensor in inputs))
        return self.append(placed, inputs, name or layer.type)

    def append(
        self, placed: Placed, inputs: tuple[Tensor, ...], name: str, functional: bool = False
    ) -> tuple[Tensor, ...]:
        """Add a layer that is placed on `inputs`; its outputs."""
        index, level, outputs = len(self._drafts), self.level, placed.outputs
        functional = functional or level.functional
        if self.is_frozen:
            placed = placed.holding(borrowing=False, frozen=True)
        self._drafts.append((level, name, level.use(name), placed, inputs, functional, self.dtype))
        count = len(outputs)
        self.tensors += len(inputs) + count
        self.characters += (level.width + len(name)) * count
        if count == 1:
            return (Tensor(index, 0, outputs[0]),)
        return tuple([Tensor(index, part, shape) for part, shape in enumerate(outputs)])

    def lend(self, owner: int, user: int) -> None:
        """Let a node use the tensors of an earlier one, which then are trained or not as there.

        Where that one uses another's itself, these are meant.
        """
        owner = self.owner(owner)
        draft = self._drafts[user]
        placed = self.placed(user).holding(borrowing=True, frozen=self.placed(owner).frozen)
        self._drafts[user] = (*draft[:3], placed, *draft[4:])
        self._owners[user] = owner

    def owner(self, index: int) -> int:
        """The node that owns the tensors of a node: another, or itself."""
        return self._owners.get(index, index)

    def placed(self, index: int) -> Placed:
        """The layer of a node."""
        return self._drafts[index][3]

    def inputs(self, index: int) -> tuple[Tensor, ...]:
        """The tensors that enter a node."""
        return self._drafts[index][4]

    def name(self, index: int) -> str:
        """What a node is called by the names so far."""
        level, base, ordinal, *_ = self._drafts[index]
        return level.prefix({}) + level.name(base, ordinal)

    def parts_of_name(self, index: int) -> list[NamePart]:
        """What the name of a node is made of, outermost first."""
        level, base, ordinal, *_ = self._drafts[index]
        parts = [NamePart(base, ordinal, "")]
        while level.parent is not None:
            parts.append(NamePart(level.base, level.ordinal, level.type))
            level = level.parent
        return parts[::-1]

    def composite(self, index: int) -> Layer | None:
        """The innermost composite layer that a node is a part of; None where it is part of none."""
        level: _Level | None = self._drafts[index][0]
        while level is not None and level.layer is None:
            level = level.parent
        return None if level is None else level.layer

    def are_placed_alike(
        self, node: int, depth: int, other: int, other_depth: int, known: dict[Any, Any]
    ) -> bool:
        """Whether two nodes are called the same, in groups called the same and of the same types.

        So many of the first parts of each name are left out. `known` are levels that were compared.
        """
        (level, base, *_), (another, other_base, *_) = self._drafts[node], self._drafts[other]
        if (level.depth < depth) != (another.depth < other_depth):
            return False
        if level.depth >= depth and base != other_base:
            return False
        if known.get(level) is another:
            return True
        inner, inner_other = level, another
        while level.depth > depth and another.depth > other_depth:
            assert level.parent is not None
            assert another.parent is not None
            if (level.base, level.type) != (another.base, another.type):
                return False
            level, another = level.parent, another.parent
        if level.depth > depth or another.depth > other_depth:
            return False
        known[inner] = inner_other
        return True

    def nodes(self) -> tuple[Node, ...]:
        """The nodes, with the names that all uses have settled."""
        groups: dict[_Level, tuple[Group, ...]] = {}
        prefixes: dict[_Level, str] = {}
        nodes: list[Node] = []
        for level, base, ordinal, placed, inputs, functional, dtype in self._drafts:
            name = level.prefix(prefixes) + level.name(base, ordinal)
            inside = level.groups(groups)
            nodes.append(Node(name, placed, inputs, inside, functional, None, dtype))
        for user, owner in self._owners.items():
            nodes[user] = nodes[user]._replace(weights_of=nodes[owner].name)
        return tuple(nodes)


class _Inside:
    """The level that is filled while it is entered, whether that is trained, and its type."""

    __slots__ = ("builder", "inner", "outer")

    def __init__(self, builder: Builder, level: _Level, is_frozen: bool, dtype: str | None) -> None:
        self.builder = builder
        self.inner = level, is_frozen, dtype
        self.outer = builder.level, builder.is_frozen, builder.dtype

    def __enter__(self) -> None:
        self.builder.level, self.builder.is_frozen, self.builder.dtype = self.inner

    def __exit__(self, *error: object) -> None:
        self.builder.level, self.builder.is_frozen, self.builder.dtype = self.outer
