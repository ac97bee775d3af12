"""A document, gone through once more along the graph that it made: what every line did, each time.

A code generator writes a line once, for all the times that it ran, and reads here with which values
and on which tensors that was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, cast

from convcalc import layers
from convcalc.exporters.python.names import Namespace, identifier
from convcalc.expressions import Expression
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph, Node, input_tensors
from convcalc.language import reader
from convcalc.language.document import Document
from convcalc.language.scopes import tensor_values
from convcalc.language.statements import Call, Items, Stack, Statement, Value
from convcalc.layers.composite import Composite
from convcalc.shape import Tensor

Tensors = tuple[Tensor, ...]


class Turn(NamedTuple):
    """One run of a `layers` list: of a block, of a turn of a loop, of a path."""

    #: The names of values that its lines see: variables, or arguments and `let`; loops' names.
    values: Mapping[str, Any]
    #: What entered the first line.
    inputs: Tensors
    lines: tuple[Line, ...]
    #: What the last line handed on.
    outputs: Tensors


class Line(NamedTuple):
    """One run of a line."""

    st: Statement
    #: The names of values that its expressions see, those of the tensor that reaches it included.
    values: Mapping[str, Any]
    inputs: Tensors
    outputs: Tensors
    #: The indices of its nodes.
    nodes: range
    #: Whether its `when` leaves it out; then it hands on what reached it.
    left_out: bool = False
    #: The runs of the lists in it: a block's, the turns of a loop, the body and the shortcut, the
    #: paths.
    turns: tuple[Turn, ...] = ()
    #: The node that joins a residual or branches; None where nothing is joined.
    join: int | None = None
    #: The node that takes branches apart.
    split: int | None = None


class Replay(NamedTuple):
    """A document's run: that of its `layers`, with all the others in it."""

    document: Document
    graph: Graph
    network: Turn

    def lines(self) -> Iterator[Line]:
        """Every run of every line, in the order in which they began."""
        waiting = [iter(self.network.lines)]
        while waiting:
            line = next(waiting[-1], None)
            if line is None:
                waiting.pop()
                continue
            yield line
            waiting += [iter(turn.lines) for turn in reversed(line.turns)]

    def calls(self) -> dict[str, list[Turn]]:
        """The runs of each block by its name, in order; none of a block that is not called."""
        found: dict[str, list[Turn]] = {}
        for line in self.lines():
            if isinstance(line.st.body, Call) and line.turns:
                found.setdefault(line.st.type, []).extend(line.turns)
        return found


def replay(document: Document, graph: Graph) -> Replay:
    """What every line of a document did on the way to the graph that it made.

    The graph is whole: it was not cut.
    """
    return Replay(document, graph, _Replaying(document, graph).network())


def evaluate(value: Value, names: Mapping[str, Any]) -> Any:
    """A value of a spec that is right, under these names."""
    if isinstance(value, Expression):
        return value.evaluate(names)
    if isinstance(value, Items):
        return tuple([evaluate(item, names) for item in value.items])
    return value


#: The names of tensors that a list sees: its own, and those of the lists around it.
_Known = list[dict[str, Tensors]]


class _Replaying:
    """Goes through the lines, and takes the nodes that each one made."""

    def __init__(self, document: Document, graph: Graph) -> None:
        self.spec = document.spec
        self.graph = graph
        self.nodes: tuple[Node, ...] = graph.nodes
        self.at = 0
        #: How many groups are open.
        self.depth = 0

    def network(self) -> Turn:
        inputs = input_tensors(self.graph.inputs)
        named = {name: (tensor,) for name, tensor in zip(self.graph.inputs, inputs)}
        known = [{**named, "input": inputs}]
        turn = self.turn(self.spec.layers, self.graph.variables, inputs, known)
        assert self.at == len(self.nodes)
        return turn

    def turn(self, stack: Stack, values: Mapping[str, Any], inputs: Tensors, known: _Known) -> Turn:
        lines = []
        current = inputs
        for st in stack:
            line = self.line(st, values, current, known)
            if st.body.name is not None and not line.left_out:
                known[-1][st.body.name] = line.outputs
            lines.append(line)
            current = line.outputs
        return Turn(values, inputs, tuple(lines), current)

    def line(self, st: Statement, values: Mapping[str, Any], above: Tensors, known: _Known) -> Line:
        body, inputs = st.body, above
        if body.when is not True:
            with suppress(StopIteration):  # what is left out need not have its input
                inputs = self.named(st, above, known)
            if not evaluate(body.when, _seen(values, inputs)):
                return Line(st, _seen(values, above), above, above, range(self.at, self.at), True)
        inputs = self.named(st, above, known)
        seen, first = _seen(values, inputs), self.at
        line = Line(st, seen, inputs, inputs, range(0))
        if st.type in self.spec.blocks:
            line = self.block(line)
        elif hasattr(self, f"_{st.type}") and not isinstance(body, Call):
            is_group = body.name is not None or st.type == "sequential"
            self.depth += is_group
            line = getattr(self, f"_{st.type}")(line, values, known)
            self.depth -= is_group
        else:
            line = self.layer(line)
        return line._replace(nodes=range(first, self.at))

    def named(self, st: Statement, above: Tensors, known: _Known) -> Tensors:
        """The tensors that enter a line."""
        if not st.body.from_:
            return above
        found: list[Tensor] = []
        for name in st.body.from_:
            whole, dot, part = name.partition(".")
            tensors = next(each[whole] for each in reversed(known) if whole in each)
            found += tensors[int(part) :][:1] if dot else tensors
        return tuple(found)

    def taken(self, count: int = 1) -> Tensors:
        """What leaves the last of the next nodes, which are passed."""
        self.at += count
        index = self.at - 1
        outputs = self.nodes[index].outputs
        return tuple([Tensor(index, part, shape) for part, shape in enumerate(outputs)])

    def layer(self, line: Line) -> Line:
        count = 1
        if issubclass(layers.find(line.st.type), Composite):
            group = self.nodes[self.at].groups[: self.depth + 1]
            rest = self.nodes[self.at :]
            count = next(
                (n for n, each in enumerate(rest) if each.groups[: len(group)] != group), len(rest)
            )
        return line._replace(outputs=self.taken(count))

    def block(self, line: Line) -> Line:
        call, block = line.st.body, self.spec.blocks[line.st.type]
        given = {
            name: evaluate(v, line.values) for name, v in {**call.settled, **call.open}.items()
        }
        values = dict(self.graph.variables)
        for named in ({**block.args, **given}, block.let):
            for name, value in named.items():
                values[name] = evaluate(value, _seen(values, line.inputs))
        self.depth += 1
        turn = self.turn(block.layers, values, line.inputs, [{"input": line.inputs}])
        self.depth -= 1
        return line._replace(outputs=turn.outputs, turns=(turn,))

    # Structures

    def _sequential(self, line: Line, values: Mapping[str, Any], known: _Known) -> Line:
        turn = self.turn(line.st.body.layers, values, line.inputs, [*known, {}])
        return line._replace(outputs=turn.outputs, turns=(turn,))

    def _repeat(self, line: Line, values: Mapping[str, Any], known: _Known) -> Line:
        body = line.st.body
        times = int(evaluate(body.times, line.values))
        rows = [{body.index: index} if body.index else {} for index in range(times)]
        return self.turns(line, values, known, rows)

    def _for_each(self, line: Line, values: Mapping[str, Any], known: _Known) -> Line:
        body = line.st.body
        found = evaluate(body.rows, line.values)
        cells = [row if isinstance(row, tuple) else (row,) for row in found]
        return self.turns(line, values, known, [dict(zip(body.bind, row)) for row in cells])

    def turns(
        self, line: Line, values: Mapping[str, Any], known: _Known, rows: list[dict[str, Any]]
    ) -> Line:
        turns = []
        current = line.inputs
        for row in rows:
            turn = self.turn(line.st.body.layers, {**values, **row}, current, [*known, {}])
            turns.append(turn)
            current = turn.outputs
        return line._replace(outputs=current, turns=tuple(turns))

    def _residual(self, line: Line, values: Mapping[str, Any], known: _Known) -> Line:
        body, inputs = line.st.body, line.inputs
        connected = evaluate(body.connect, line.values)
        turns = [self.turn(body.layers, values, inputs, [*known, {}])]
        if not connected:
            return line._replace(outputs=turns[0].outputs, turns=tuple(turns))
        shortcut = inputs
        if body.shortcut:
            self.depth += 1
            turns.append(self.turn(body.shortcut, values, inputs, [*known, {}]))
            self.depth -= 1
            shortcut = turns[1].outputs
        return self.joined(line, turns, (*turns[0].outputs, *shortcut))

    def _branches(self, line: Line, values: Mapping[str, Any], known: _Known) -> Line:
        body = line.st.body
        entering = [line.inputs] * len(body.paths)
        if body.split and len(body.paths) > 1:
            line = line._replace(split=self.at)
            entering = [(part,) for part in self.taken()]
        turns = []
        for path, inputs in zip(body.paths, entering):
            self.depth += 1
            turns.append(self.turn(path, values, inputs, [*known, {}]))
            self.depth -= 1
        return self.joined(line, turns, tuple([t for turn in turns for t in turn.outputs]))

    def joined(self, line: Line, turns: list[Turn], tensors: Tensors) -> Line:
        line = line._replace(turns=tuple(turns))
        if len(tensors) == 1:
            return line._replace(outputs=tensors)
        join = self.at
        return line._replace(outputs=self.taken(), join=join)


def _seen(values: Mapping[str, Any], inputs: Tensors) -> Mapping[str, Any]:
    """The values that expressions see on a line that takes `inputs`."""
    return {**values, **tensor_values(inputs[0].shape)} if inputs else values


class _FlatSpec(NamedTuple):
    """A spec whose lines are the nodes of a graph."""

    name: str
    source: str
    input: Mapping[str, Any]
    layers: Stack
    outputs: tuple[str, ...]
    variables: Mapping[str, Any] = FrozenDict()
    blocks: Mapping[str, Any] = FrozenDict()


def flat(graph: Graph) -> Replay:
    """A graph as the run of a document without blocks and loops: a line a node.

    For what cannot be said otherwise, and for networks that were cut.
    """
    names = Namespace("input", *graph.inputs)
    called = [names.new(identifier(node.name.replace(".", "_"))) for node in graph.nodes]
    inputs = input_tensors(graph.inputs)
    own = {node.name: name for node, name in zip(graph.nodes, called)}

    def name_of(tensor: Tensor) -> str:
        if tensor.node < 0:
            return "input" if len(inputs) == 1 else f"input.{-1 - tensor.node}"
        several = len(graph.nodes[tensor.node].outputs) > 1
        return f"{called[tensor.node]}.{tensor.part}" if several else called[tensor.node]

    lines, above = [], inputs
    for index, (node, name) in enumerate(zip(graph.nodes, called)):
        from_ = () if node.inputs == above else tuple(map(name_of, node.inputs))
        call = Call(
            FrozenDict(),
            FrozenDict(),
            (),
            name=name,
            from_=from_,
            trainable=not node.placed.frozen,
            weights=own[node.weights_of] if node.weights_of and node.placed.tensors else None,
            functional=node.functional,
        )
        st = Statement(node.type, call, reader.Marks(), 0, reader.Mapping())
        outputs = tuple([Tensor(index, part, shape) for part, shape in enumerate(node.outputs)])
        values = _seen({}, node.inputs)
        lines.append(Line(st, values, node.inputs, outputs, range(index, index + 1)))
        above = outputs
    ends = tuple(map(name_of, graph.outputs))
    spec = _FlatSpec(
        graph.name, graph.source, graph.inputs, tuple([line.st for line in lines]), ends
    )
    document = Document(cast(Any, spec), reader.Mapping(), {})
    return Replay(document, graph, Turn({}, inputs, tuple(lines), above))
