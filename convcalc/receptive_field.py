"""Receptive fields: which cells of the input of a network a cell of each of its layers sees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from convcalc.diagnostics import fail
from convcalc.graph import Graph, Node, whole_name_in
from convcalc.named import Named, UnknownName, whole_name
from convcalc.reach import ITSELF, KEPT, Along, Cells, Doubt, Number, Reach, Sight, Span
from convcalc.shape import Shape
from convcalc.visible import composed, visible
from convcalc.words import counted, quoted, shortened


class Seen(NamedTuple):
    """What a cell of a tensor sees: of each axis of where it is looked for, None: all of it.

    It is not aligned where paths have met that were centred otherwise.
    """

    spans: tuple[Span | None, ...]
    is_aligned: bool = True


def seen_by_nodes(
    graph: Graph,
    since: str | None = None,
    *,
    exactly: bool = False,
    found: dict[int, Seen | None] | None = None,
) -> Iterator[Seen | None]:
    """What a cell of each node sees of the inputs, or of the layer `since`; None: nothing.

    Of several inputs those with the most axes count, as though they lay on one another. A block
    stands for its last layer. `exactly` works out the sets as well. Of a node with several outputs
    it is what all of these see together. What is `found` goes there by the node, the inputs from -1
    downward. Raises ConvcalcError for a name that none or several have.
    """
    found = {} if found is None else found
    #: The parts of those nodes whose outputs do not all see the same.
    parts: dict[int, list[Seen | None]] = {}
    start = _starts(graph, since, found, ITSELF if exactly else None)
    for index, (_, placed, tensors, *_) in enumerate(graph.nodes):
        if index <= start.node:
            found[index] = start.seen if index == start.node else None
            yield None
            continue
        if len(tensors) == 1 and len(placed.outputs) == 1 and not parts:
            seen = found[tensors[0][0]]
            found[index] = None if seen is None else _before(seen, placed.sights[0][0])
        else:
            entering = [
                parts[tensor.node][tensor.part] if tensor.node in parts else found[tensor.node]
                for tensor in tensors
            ]
            outputs = [_met(map(_before, entering, sights)) for sights in placed.sights]
            found[index] = outputs[0]
            if len(outputs) > 1 and outputs.count(outputs[0]) < len(outputs):
                parts[index] = outputs
                found[index] = _met(outputs)
        yield found[index]


class _Start(NamedTuple):
    """The node that it begins at, and what a cell of that sees; -1 for the inputs."""

    node: int
    seen: Seen | None = None


def _starts(
    graph: Graph, since: str | None, found: dict[int, Seen | None], cells: Cells | None
) -> _Start:
    """Where it begins: what the inputs see goes into `found`. Raises ConvcalcError."""

    def itself(shape: Shape) -> Seen:
        axes = range(1, len(shape))
        return Seen(tuple([Span(axis, cells=cells) for axis in axes]))

    shapes = graph.inputs
    most = max(map(len, shapes.values()), default=0)
    is_input = since is not None and composed(since) in shapes
    for index, (name, shape) in enumerate(shapes.items()):
        asked = name == composed(since) if is_input and since else len(shape) == most
        found[-1 - index] = itself(shape) if asked and (since is None or is_input) else None
    if since is None or is_input:
        return _Start(-1)
    node = node_called(graph, since)
    return _Start(node, itself(graph.nodes[node].outputs[0]))


def node_called(graph: Graph, name: str) -> int:
    """The node of a name; of a block's, its last. Raises ConvcalcError."""
    places = graph.places()
    return places[whole_name_in(graph, name, places)].stop - 1


def _before(seen: Seen | None, sight: Sight) -> Seen | None:
    """What a cell sees that sees a tensor so, whose own cells see so much."""
    if seen is None or sight is KEPT[len(sight)]:
        return seen
    spans: list[Span | None] = []
    # Axes are mostly alike, and what is alike is worked out once.
    known: tuple[Span, Along, Span] | None = None
    for span in seen.spans:
        along = None if span is None else sight[span.axis - 1]
        if span is None or along is None:
            spans.append(None)
        elif known and known[0][1:] == span[1:] and known[1].rules == along.rules:
            spans.append(Span(along.axis, *known[2][1:]))
        else:
            known = span, along, span.through(along)
            spans.append(known[2])
    return Seen(tuple(spans), seen.is_aligned)


def _met(several: Iterable[Seen | None]) -> Seen | None:
    """What a cell sees where paths meet."""
    paths = [seen for seen in several if seen is not None]
    if not paths:
        return None
    first, *others = paths
    for seen in others:
        if seen is not first:
            first = _both(first, seen)
    return first


def _both(one: Seen, other: Seen) -> Seen:
    """What a cell sees that sees what either does."""
    is_aligned = one.is_aligned and other.is_aligned
    spans: list[Span | None] = []
    known: tuple[Span, Span, Span] | None = None
    for a, b in zip(one.spans, other.spans):
        if a is None or b is None:
            spans.append(None)
        elif known and a.axis == b.axis and known[0][1:] == a[1:] and known[1][1:] == b[1:]:
            spans.append(Span(a.axis, *known[2][1:]))
        else:
            joined = a.joined(b)
            known = (a, b, joined) if a.axis == b.axis else None
            spans.append(joined)
            is_aligned = is_aligned and a.is_aligned_with(b)
    return Seen(tuple(spans), is_aligned)


class ReceptiveField(NamedTuple):
    """What a cell of a layer sees of the input, or of another layer.

    Cell y sees none but the cells from y·stride − padding on, `size` of them; `centre` is the
    middle of what cell 0 sees. `cells` are how many there are from the first to the last that a
    cell really sees, of the cell that sees most. Each is a tuple with an entry for an axis, whole
    numbers or fractions. An axis that is seen whole, wherever the cell is, has None in all of them;
    so has one that has no such bound, which `doubts` say the reason for.
    """

    name: str
    type: str
    #: The shapes of what the layer puts out.
    output_shapes: tuple[Shape, ...]
    #: What is seen of each axis; None: all of it.
    spans: tuple[Span | None, ...]
    #: Whether all paths that met are centred alike.
    aligned: bool

    @property
    def size(self) -> tuple[Number | None, ...]:
        """How many cells of each axis are seen."""
        return tuple(span and span.size for span in self.spans)

    @property
    def stride(self) -> tuple[Number | None, ...]:
        """How much further on the next cell sees."""
        return tuple(span and span.stride for span in self.spans)

    @property
    def padding(self) -> tuple[Number | None, ...]:
        """How far before the first cell of the input cell 0 begins to see."""
        return tuple(span and span.padding for span in self.spans)

    @property
    def centre(self) -> tuple[Number | None, ...]:
        """The middle of what cell 0 sees."""
        return tuple(span and span.centre for span in self.spans)

    @property
    def cells(self) -> tuple[int | None, ...]:
        """How many cells the cell sees that sees most, from the first to the last.

        At the most so many where `is_least` has False.
        """
        return tuple(span and span.most for span in self.spans)

    @property
    def is_least(self) -> tuple[bool, ...]:
        """Whether some cell sees as many of each axis as `cells` say."""
        return tuple(span is None or span.is_least for span in self.spans)

    @property
    def doubts(self) -> frozenset[Doubt]:
        """Why a bound is lacking, or exact sets, or why these do not hold at a border."""
        return frozenset().union(*(span.doubts for span in self.spans if span))

    @property
    def is_global(self) -> bool:
        """Whether all of every axis is seen."""
        return not any(self.spans)

    @property
    def phases(self) -> tuple[tuple[tuple[int, ...], ...] | None, ...] | None:
        """The exact sets, where they are not on each axis all cells of a whole-numbered interval.

        For each axis None, or the cells that the cells 0, 1, … of a period see; the next period
        sees the same moved on by as many strides.
        """
        found = tuple(span and span.phases() for span in self.spans)
        return found if any(found) else None

    @property
    def is_exact(self) -> bool:
        """Whether the exact sets of all axes with a bound were worked out."""
        return all(span is None or span.stride is None or span.is_exact for span in self.spans)

    def __repr__(self) -> str:
        aligned = "" if self.aligned else ", not aligned"
        return f"ReceptiveField({_called(self)}, {self.type}, {_sides(self)}{aligned})"


def _called(field: ReceptiveField) -> str:
    """The name of a layer in a repr."""
    return f"'{visible(shortened(field.name))}'"


def _sides(field: ReceptiveField) -> str:
    """What is seen in a repr: `99×99`, `≤7×all`."""
    if field.is_global:
        return "global"
    words = []
    for span, cells, is_least in zip(field.spans, field.cells, field.is_least):
        known = "no bound" if cells is None else f"{'' if is_least else '≤'}{cells}"
        words.append("all" if span is None else known)
    return "×".join(words)


class ReceptiveFields(Named[ReceptiveField]):
    """The receptive fields of layers, in the order in which these run.

    They are a tuple, and each is found by the name of its layer as well, or by the end of that
    where no other ends so: `fields["conv_2.conv"]`. The name of a block finds that of its last
    layer.
    """

    def _whole_name(self, asked: str) -> str:
        lists = "`.names` lists the names of the layers that see anything"
        try:
            return whole_name(asked, self._places, "the list of receptive fields", "layer", lists)
        except UnknownName:
            inside = [name for name in self._places if name.startswith(f"{asked}.")]
            if not inside:
                raise
            return inside[-1]

    def __repr__(self) -> str:
        return f"<{counted(len(self), 'receptive field')}>"


def receptive_fields(
    graph: Graph, since: str | None = None, look: Callable[[], None] = lambda: None
) -> ReceptiveFields:
    """The receptive field of every layer that sees anything of the inputs, or of `since`.

    The exact sets of all together have no more than `MOST_LISTED` cells: those of later layers are
    left out. `look` is called before every layer. Raises ConvcalcError for a name that none or
    several have.
    """
    found = []
    left = MOST_LISTED
    counts: dict[int, int] = {}
    for node, seen in zip(graph.nodes, seen_by_nodes(graph, since, exactly=True)):
        look()
        if seen is None:
            continue
        if id(seen) not in counts:
            counts[id(seen)] = sum(span.phases_count() for span in seen.spans if span)
        if counts[id(seen)] <= left:
            left -= counts[id(seen)]
        else:
            spans = (span and span.without_cells() for span in seen.spans)
            seen = seen._replace(spans=tuple(spans))
        found.append(_row(node, seen))
    return ReceptiveFields(found)


#: How many cells the exact sets of a list have, all its layers together.
MOST_LISTED = 1_000_000


def _row(node: Node, seen: Seen) -> ReceptiveField:
    return ReceptiveField(node.name, node.type, node.outputs, seen.spans, seen.is_aligned)


class Jump(NamedTuple):
    """A layer on the way from the input to another, at which what a cell sees changes.

    `rules` are, for each axis, those by which its cells see the tensor that comes along the way,
    None where they see all of it; `others` are how many tensors it joins with that one, and
    `entering` is what a cell of that sees.
    """

    field: ReceptiveField
    entering: tuple[Span | None, ...]
    rules: tuple[tuple[Reach, ...] | None, ...]
    others: int = 0

    def __repr__(self) -> str:
        return f"Jump({_called(self.field)}, {self.field.type}, {_sides(self.field)})"


class Way(NamedTuple):
    """How the receptive field of a layer comes about: jump by jump, from the input on."""

    field: ReceptiveField
    jumps: tuple[Jump, ...]

    @property
    def global_since(self) -> str | None:
        """The name of the first layer on the way that sees all; None where none does."""
        fields = [*(jump.field for jump in self.jumps), self.field]
        return next((field.name for field in fields if field.is_global), None)

    def __repr__(self) -> str:
        jumps = counted(len(self.jumps), "jump")
        return f"Way({_called(self.field)}, {_sides(self.field)}, {jumps})"


def way_to(
    graph: Graph, name: str, since: str | None = None, look: Callable[[], None] = lambda: None
) -> Way:
    """How the receptive field of a layer comes about; of a block, that of its last layer.

    Where paths meet, the way goes along the one that sees most. `look` is called before every
    layer. Raises ConvcalcError for a name that none or several have, for a layer that sees nothing,
    and for the layer `since` itself.
    """
    last = node_called(graph, name)
    first = -1 if since is None or composed(since) in graph.inputs else node_called(graph, since)
    if last == first:
        message = f"`{graph.nodes[last].name}` is what is looked at, and each cell sees itself"
        raise fail("sees-nothing", message, "name a layer behind it")
    known: dict[int, Seen | None] = {}
    for _ in seen_by_nodes(graph, since, exactly=True, found=known):
        look()
    own = known[last]
    if own is None:
        of = "the input" if since is None else quoted(since)
        message = f"`{graph.nodes[last].name}` sees nothing of {of}"
        raise fail("sees-nothing", message, "`convcalc receptive-field` lists the layers that do")
    jumps: list[Jump] = []
    at, part, seen = last, 0, own
    while at > first:
        node = graph.nodes[at]
        sights = zip(node.inputs, node.placed.sights[part])
        paths = [(t, known[t.node], sight) for t, sight in sights if known[t.node] is not None]
        tensor, before, sight = max(paths, key=lambda path: _width(path[1]))
        assert before is not None
        if before != seen:
            along = [None if span is None else sight[span.axis - 1] for span in before.spans]
            rules = tuple([None if each is None else each.rules for each in along])
            jumps.append(Jump(_row(node, seen), before.spans, rules, len(paths) - 1))
        at, part, _ = tensor
        seen = before
    return Way(_row(graph.nodes[last], own), tuple(reversed(jumps)))


def _width(seen: Seen | None) -> tuple[bool, Number]:
    """How much is seen: what has no bound is more than what has one."""
    sizes = [None if span is None else span.size for span in seen.spans] if seen else []
    return None in sizes, sum([size for size in sizes if size is not None])
