"""Part of a network: what leads to some of its layers, or all but some. From graph to graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from convcalc.arithmetic import Refusal
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail
from convcalc.frozen import FrozenDict
from convcalc.graph import (
    DROP,
    UNTIL,
    Builder,
    Cut,
    Graph,
    Node,
    input_tensors,
    whole_name_in,
    with_owners,
)
from convcalc.layers.base import Placed, Weight
from convcalc.layers.composite import Composite
from convcalc.named import UnknownName
from convcalc.shape import Shape, Tensor
from convcalc.words import counted, listed, quoted


def part_of(
    graph: Graph,
    cut: Cut,
    look: Callable[[], None] = lambda: None,
    lacked: dict[str, ConvcalcError] | None = None,
) -> Graph:
    """A graph that is cut: up to some layers and groups (`until`), or without some (`drop`).

    Their names are whole, or the ends of one alone. What is left keeps its name and its fields.

    What leads to the names of `until` is kept, and they themselves; what they make leaves the
    network. What reads the output of a name of `drop` reads its input instead, and is placed anew;
    what fed the last layer leaves in its place. An input that nothing reads is gone.

    `look` is called before every name and every layer, and ends it by raising what it likes.

    Raises ConvcalcError for a name that several have, and for one that none has: where `lacked` is
    given, such a name is left out of the cut instead, and what is said of it goes there; where what
    is to be left out has not one input and one output, and is not the end; where a layer does not
    fit what it then reads; and where nothing would be left.
    """
    places = graph.places()
    names: dict[str, range] = {}
    for name in cut.names:
        look()
        try:
            whole = whole_name_in(graph, name, places)
        except UnknownName as error:
            if lacked is None:
                raise
            lacked[name] = error
        else:
            names[whole] = places[whole]
    if not names:
        return graph
    left = {UNTIL: _until, DROP: _without}[cut.way](graph, names, look)
    return left._replace(cuts=(*graph.cuts, Cut(cut.way, tuple(names))))


def _until(graph: Graph, chosen: Mapping[str, range], look: Callable[[], None]) -> Graph:
    """What is in some places of a graph, which their names have, and what leads there."""
    needed: set[int] = set()
    for place in chosen.values():
        look()
        needed.update(place)
    for index in range(len(graph.nodes) - 1, -1, -1):
        if index in needed:
            needed.update(tensor.node for tensor in graph.nodes[index].inputs)
    readers = {tensor: index for index, node in enumerate(graph.nodes) for tensor in node.inputs}
    readers |= dict.fromkeys(graph.outputs, len(graph.nodes))
    leaving: dict[Tensor, None] = {}
    for place in chosen.values():
        leaving |= dict.fromkeys(_leaving(graph, place, readers, look))
    reads = {index: graph.nodes[index].inputs for index in sorted(needed) if index >= 0}
    return _made(graph, reads, leaving, "", look)


def _leaving(
    graph: Graph, place: range, readers: Mapping[Tensor, int], look: Callable[[], None]
) -> list[Tensor]:
    """The tensors that a layer makes, or that a group hands on; `readers` are their last ones."""
    handed_on: list[Tensor] = []
    whole: list[Tensor] = []
    for index in place:
        look()
        made = enumerate(graph.nodes[index].outputs)
        whole = [Tensor(index, part, shape) for part, shape in made]
        handed_on += [tensor for tensor in whole if readers.get(tensor, 0) >= place.stop]
    return handed_on if handed_on and len(place) > 1 else whole


class _Gap(NamedTuple):
    """What is left out of a graph: its name, its place, and what stands for what it makes."""

    name: str
    place: range
    inputs: tuple[Tensor, ...]


def _without(graph: Graph, chosen: Mapping[str, range], look: Callable[[], None]) -> Graph:
    """A graph without what is in some places, which their names have."""
    gaps: dict[int, _Gap] = {}

    def instead(tensor: Tensor) -> tuple[Tensor, ...]:
        return gaps[tensor.node].inputs if tensor.node in gaps else (tensor,)

    # A group before what is in it, which is left out with it.
    for name, place in sorted(chosen.items(), key=lambda each: (each[1].start, -len(each[1]))):
        if place.start not in gaps:
            inputs: dict[Tensor, None] = {}
            for index in place:
                look()
                for tensor in graph.nodes[index].inputs:
                    if tensor.node < place.start:
                        inputs |= dict.fromkeys(instead(tensor))
            gaps |= dict.fromkeys(place, _Gap(name, place, tuple(inputs)))
    if len(gaps) == len(graph.nodes):
        message = f"nothing of {graph.name} is left without {listed(chosen)}"
        raise fail("bad-part", message, "leave out less than the whole")
    reads = {}
    read_of: dict[_Gap, Tensor] = {}
    for index, node in enumerate(graph.nodes):
        if index not in gaps:
            for tensor in node.inputs:
                gap = gaps.get(tensor.node)
                if gap and (len(gap.inputs) != 1 or read_of.setdefault(gap, tensor) != tensor):
                    raise _no_passage(graph, gap, node)
            reads[index] = tuple([instead(tensor)[0] for tensor in node.inputs])
    outputs = dict.fromkeys(each for tensor in graph.outputs for each in instead(tensor))
    return _made(graph, reads, outputs, f"without {listed(chosen)}, ", look)


def _no_passage(graph: Graph, gap: _Gap, reader: Node) -> ConvcalcError:
    """The error for what cannot be left out: no one tensor stands for what it makes."""
    count = len(gap.inputs)
    why = "has no input" if not count else f"reads {counted(count, 'tensor')}"
    if count == 1:
        why = "makes several tensors"
    message = f"{quoted(gap.name)} cannot be left out: it {why}, and {quoted(reader.name)} follows"
    if count > 1:
        shown = [_called(graph, tensor) for tensor in gap.inputs]
        message += f", which would not know whether to read {listed(shown, 6, 'or')}"
    help = "leave out what has one input and one output, or what nothing follows"
    if count == 0:
        help = f"leave {quoted(reader.name)} out as well"
    return fail("bad-part", message, help)


def _called(graph: Graph, tensor: Tensor) -> str:
    """What a tensor of a graph is called."""
    (name,) = graph._replace(outputs=(tensor,)).output_shapes()
    return name


def _made(
    graph: Graph,
    reads: Mapping[int, tuple[Tensor, ...]],
    outputs: Mapping[Tensor, None],
    why: str,
    look: Callable[[], None],
) -> Graph:
    """The graph of some nodes of another, each with what it reads; `why` begins a refusal.

    Tensors are those of the graph before, shapes included.
    """
    used = {tensor.node for tensors in (*reads.values(), outputs) for tensor in tensors}
    numbered = enumerate(graph.inputs.items())
    entering = {-1 - index: each for index, each in numbered if -1 - index in used}
    shapes = dict(entering.values()) or graph.inputs
    now: dict[int, tuple[Tensor, ...]] = {
        index: (tensor,) for index, tensor in zip(entering, input_tensors(shapes))
    }
    nodes: list[Node] = []
    parts: dict[int, Placed] = {}
    composites = _composites(graph.nodes, reads)
    for index, read in reads.items():
        look()
        node, number = graph.nodes[index], len(nodes)
        if index in composites:
            parts |= _parts_anew(graph, composites[index], reads, now, why)
        inputs = tuple([now[tensor.node][tensor.part] for tensor in read])
        given = tuple([tensor.shape for tensor in inputs])
        placed = parts.get(index, node.placed)
        if given != placed.inputs:
            try:
                placed = _held_as(node.placed, placed.written.placed(given))
            except Refusal as refusal:
                raise _does_not_fit(node.name, refusal, read, given, graph, why) from None
        nodes.append(node._replace(placed=placed, inputs=inputs))
        made = enumerate(placed.outputs)
        now[index] = tuple([Tensor(number, part, shape) for part, shape in made])
    leaving = tuple([now[tensor.node][tensor.part] for tensor in outputs])
    owned = with_owners(nodes)
    _require_owners(owned, why)
    return graph._replace(inputs=FrozenDict(shapes), nodes=owned, outputs=leaving)


def _held_as(before: Placed, placed: Placed) -> Placed:
    """A layer that is placed anew, its tensors another's and trained as they were."""
    return placed.holding(borrowing=before.borrowing, frozen=before.frozen)


def _require_owners(nodes: Sequence[Node], why: str) -> None:
    """Refuse layers that use the weights of others, which have other shapes now."""
    tensors: dict[str, tuple[Weight, ...]] = {}
    for node in nodes:
        if tensors.setdefault(node.weights_of or node.name, node.placed.tensors) != (
            node.placed.tensors
        ):
            owner = quoted(node.weights_of or "")
            message = f"{why}{quoted(node.name)} cannot use the weights of {owner}"
            note = "their shapes are not the same on what the two then read"
            help = "leave one of them out as well"
            raise ConvcalcError([Diagnostic("other-weights", message, notes=(note,), help=help)])


def _composites(nodes: Sequence[Node], kept: Mapping[int, object]) -> dict[int, range]:
    """The places of composite layers that are whole, by their first nodes."""
    found: dict[int, range] = {}
    start, around = 0, None
    for index, node in enumerate(nodes):
        depth = next((i for i, group in enumerate(node.groups, 1) if group.layer), 0)
        groups = node.groups[:depth] or None
        if groups is None or groups != around:
            start, around = index, groups
        if groups is not None:
            found[start] = range(start, index + 1)
    return {start: place for start, place in found.items() if all(i in kept for i in place)}


def _parts_anew(
    graph: Graph,
    place: range,
    reads: Mapping[int, tuple[Tensor, ...]],
    now: Mapping[int, tuple[Tensor, ...]],
    why: str,
) -> dict[int, Placed]:
    """The parts of a composite layer, made anew where it reads another shape than before."""
    before = {each for index in place for each in graph.nodes[index].inputs}
    read = {each for index in place for each in reads[index] if each.node < place.start}
    was = {each.shape for each in before if each.node < place.start}
    entering = [now[each.node][each.part] for each in read]
    if len(entering) != 1 or was == {entering[0].shape}:
        return {}
    groups = graph.nodes[place.start].groups
    depth = next(i for i, group in enumerate(groups, 1) if group.layer)
    layer = groups[depth - 1].layer
    assert isinstance(layer, Composite)
    try:
        made = _parts_of(layer, entering[0].shape)
    except Refusal as refusal:
        name = ".".join([group.name for group in groups[:depth]])
        given = (entering[0].shape,)
        raise _does_not_fit(name, refusal, tuple(read), given, graph, why) from None
    parts = [graph.nodes[index].placed for index in place]
    if [each.type for each in made] != [each.type for each in parts]:
        return {}
    return dict(zip(place, map(_held_as, parts, made)))


def _parts_of(layer: Composite, x: Shape) -> list[Placed]:
    """The parts that a composite layer is made of where `x` enters it. Raises Refusal."""
    builder = Builder()
    (entering,) = input_tensors({"input": x})
    layer.require(x)
    layer.build(builder, entering)
    return [builder.placed(index) for index in range(len(builder))]


def is_whole(layer: Composite, nodes: Sequence[Node]) -> bool:
    """Whether nodes are all that a composite layer stands for; of a cut network, some may lack."""
    try:
        made = _parts_of(layer, nodes[0].placed.entering)
    except Refusal:  # what is left reads what the whole could not
        return False
    return [(each.type, each.inputs) for each in made] == [
        (node.type, node.input_shapes) for node in nodes
    ]


def _does_not_fit(
    name: str,
    refusal: Refusal,
    read: Sequence[Tensor],
    given: Sequence[Shape],
    graph: Graph,
    why: str,
) -> ConvcalcError:
    """The error for a layer that refuses what it would read."""
    message = refusal.message
    if refusal.field is not None and message.startswith(("must ", "has ")):
        message = f"`{refusal.field}` {message}"
    pairs = list(zip(given, read))
    shown = [f"{shape} (`{_called(graph, tensor)}`)" for shape, tensor in pairs[:4]]
    shown += ["…"] if len(pairs) > 4 else []
    are = "its input is" if len(pairs) == 1 else "its inputs are"
    help = "leave that out as well, or stop before it with `until`"
    said = f"{why}{quoted(name)} does not fit: {message}"
    note = f"{are} then {', '.join(shown)}"
    return ConvcalcError([Diagnostic(refusal.code, said, notes=(note,), help=help)])
