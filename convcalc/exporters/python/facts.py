"""What is known of a document's run before anything is written of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc import layers
from convcalc.exporters.python.references import speaks_of
from convcalc.exporters.python.replay import Line, Replay
from convcalc.exporters.python.use import Dialect, counts_something
from convcalc.expressions import Expression
from convcalc.graph import Node
from convcalc.language.statements import Call, Statement
from convcalc.layers.base import Placed, fields_of


class Facts:
    """What is known of a document's run before anything is written."""

    def __init__(self, replay: Replay, dialect: Dialect) -> None:
        self.replay, self.dialect = replay, dialect
        self.graph = replay.graph
        self.blocks = replay.document.spec.blocks
        #: The runs of each block.
        self.calls = replay.calls()
        #: The names of each block that are known only where tensors are.
        self.late = self._late()
        #: The variables that a condition asks which always turns out the same, with their values.
        self.fixed = self._fixed()
        #: The names of each block that count something.
        self.counts = self._counts()
        #: The blocks in which nothing is a module.
        self.stateless = {name for name in self.calls if self._is_stateless(name)}

    def placed(self, line: Line) -> Placed:
        """The layer of a line on its inputs; one that stands for others, too."""
        node: Node = self.graph.nodes[line.nodes[0]]
        if len(line.nodes) == 1 and node.type == layers.find(line.st.type).type:
            return node.placed
        layer = next(group.layer for group in reversed(node.groups) if group.layer is not None)
        shapes = tuple([tensor.shape for tensor in line.inputs])
        axes = len(shapes[0]) - 1
        spread = {each.name: layer.resolved(each, axes) for each in fields_of(type(layer))}
        outputs = tuple([tensor.shape for tensor in line.outputs])
        return Placed(type(layer)(**spread), shapes, outputs, layer)

    def _statements(self) -> Iterator[tuple[str, Line]]:
        """The runs of lines, each with the block that it is written in; the network's is empty."""
        waiting = [("", line) for line in reversed(self.replay.network.lines)]
        while waiting:
            owner, line = waiting.pop()
            yield owner, line
            inner = line.st.type if line.st.type in self.blocks else owner
            waiting += [
                (inner, each) for turn in reversed(line.turns) for each in reversed(turn.lines)
            ]

    def _late(self) -> dict[str, set[str]]:
        """The names of each block that are known only where tensors are."""
        late: dict[str, set[str]] = {name: set() for name in ("", *self.blocks)}
        seen = {
            id(line.st): (owner, line) for owner, line in self._statements() if not line.left_out
        }
        calls = [(owner, line.st) for owner, line in seen.values() if line.st.type in self.blocks]
        before = -1
        while sum(map(len, late.values())) != before:
            before = sum(map(len, late.values()))
            for owner, st in calls:
                block, inner = self.blocks[st.type], late[st.type]
                for name, raw in st.body.open.items():
                    if speaks_of(raw, late[owner]):
                        inner.add(name)
                for name, raw in (*block.args.items(), *block.let.items()):
                    if speaks_of(raw, inner):
                        inner.add(name)
        return late

    def _counts(self) -> dict[str, set[str]]:
        """The names of each block that count something: they come whole, if as 24.0."""
        counts: dict[str, set[str]] = {name: set() for name in ("", *self.blocks)}
        lines = {id(line.st): (owner, line.st) for owner, line in self._statements()}
        before = -1
        while sum(map(len, counts.values())) != before:
            before = sum(map(len, counts.values()))
            for owner, st in lines.values():
                if not isinstance(st.body, Call):
                    continue
                if st.type in self.blocks:
                    counting = counts[st.type]
                else:
                    fields = fields_of(layers.find(st.type))
                    counting = {each.name for each in fields if counts_something(each.kind)}
                for field, raw in st.body.open.items():
                    name = raw.text.strip() if isinstance(raw, Expression) else ""
                    if field in counting and name.isidentifier():
                        counts[owner].add(name)
        return counts

    def _fixed(self) -> dict[str, Any]:
        """The variables that a condition asks which always turns out the same, with their values.

        What it keeps out is not written, so that other values would make another network.
        """
        variables = self.graph.variables
        seen: dict[int, tuple[Statement, set[bool]]] = {}
        for _, line in self._statements():
            raw = line.st.body.when
            if isinstance(raw, Expression) and not set(variables).isdisjoint(raw.names):
                seen.setdefault(id(line.st), (line.st, set()))[1].add(line.left_out)
        return {
            name: variables[name]
            for st, left_out in seen.values()
            for name in st.body.when.names
            if name in variables
            and len(left_out) == 1
            and (True in left_out or set(st.body.when.names) <= set(variables))
        }

    def _is_stateless(self, block: str) -> bool:
        """Whether a block is a function: nothing in it is a module."""
        return all(self._is_function(line) for turn in self.calls[block] for line in turn.lines)

    def _is_function(self, line: Line) -> bool:
        if line.left_out:
            return True
        st = line.st
        if st.type in ("repeat", "for_each"):
            return False
        if line.turns or not isinstance(st.body, Call):
            return all(self._is_function(each) for turn in line.turns for each in turn.lines)
        rule = self.dialect.rule(st.type)
        if rule.function is None or self.placed(line).tensors or rule.holds:
            return False
        return rule.module is None or st.body.functional
