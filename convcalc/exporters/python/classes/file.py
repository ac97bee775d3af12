"""The classes of a network, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from convcalc.exporters.python import expressions
from convcalc.exporters.python.classes import joins, loops, sequences  # noqa: F401 - they register
from convcalc.exporters.python.classes.signature import Signature, kind_of
from convcalc.exporters.python.classes.text import write
from convcalc.exporters.python.classes.turns import Turns
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.facts import Facts
from convcalc.exporters.python.names import Namespace, class_name, identifier
from convcalc.exporters.python.references import expressions_of
from convcalc.exporters.python.replay import Replay, Turn, evaluate
from convcalc.exporters.python.use import Dialect, Held
from convcalc.language.statements import Stack


class File:
    """The classes of a network, written one after the other."""

    def __init__(self, replay: Replay, dialect: Dialect, helpers: Mapping[str, str]) -> None:
        self.facts, self.dialect = Facts(replay, dialect), dialect
        self.document, self.graph = replay.document, replay.graph
        self.blocks: Mapping[str, Any] = self.document.spec.blocks
        self.names = Namespace(*helpers, "make_divisible")
        #: What no variable is called: the names of classes and functions.
        self.reserved = {*self.names.taken, *map(class_name, self.blocks)}
        self.reserved |= {identifier(name) for name in self.facts.stateless}
        #: The texts of the classes, callees first.
        self.classes: list[list[str]] = []
        #: The classes and functions beside that they use.
        self.helped: dict[str, None] = {}
        self.signatures: dict[tuple[str, tuple[int, ...]], Signature] = {}

    def helper(self, name: str) -> str:
        """The name of a class or function beside; it is added."""
        self.helped[name] = None
        return name

    def network(self, name: str) -> Signature:
        """Write the network, and all that it calls."""
        self.names.taken.add(name)
        spec, graph = self.document.spec, self.graph
        values, computed = {}, {}
        for each, raw in spec.variables.items():
            names = {name for one in expressions_of(raw) for name in one.names}
            if names and evaluate(raw, graph.variables) == graph.variables[each]:
                computed[each] = raw
            else:
                values[each] = graph.variables[each]
        writer = Writer(self, name, "", [self.facts.replay.network], args=values, let=computed)
        for index, input in enumerate(graph.inputs):
            (tensor,) = self.facts.replay.network.inputs[index : index + 1]
            held = Held(writer.inputs[index], expressions.number(tensor.shape[0]))
            writer.tensors[0][input] = [held]
        return write(writer, spec.layers, spec.outputs)

    def block(self, name: str, turn: Turn) -> Signature:
        """The class of a block, for such tensors as enter in a run; it is written once."""
        kind = kind_of(turn)
        key = (name, kind)
        if key not in self.signatures:
            block, is_function = self.blocks[name], name in self.facts.stateless
            kinds = [*dict.fromkeys(map(kind_of, self.facts.calls[name]))]
            runs = [each for each in self.facts.calls[name] if kind_of(each) == kind]
            called = identifier(name) if is_function else class_name(name)
            if kinds.index(kind):
                called += f"{'_' if is_function else ''}{len(kind)}"
            writer = Writer(
                self,
                self.names.new(called),
                name,
                runs,
                args=block.args,
                let=block.let,
                is_function=is_function,
            )
            self.signatures[key] = write(writer, block.layers)
        return self.signatures[key]

    def lifted(
        self, outer: Writer, stack: Stack, turns: Turns, name: str, bound: Iterable[str] = ()
    ) -> Signature:
        """A class for a list in another one, whose names are its arguments."""
        runs = [turn for _, turn in turns]
        called = self.names.new(name)
        writer = Writer(self, called, outer.block, runs, args={}, let={}, outer=outer, bound=bound)
        writer.late = set(outer.late)
        return write(writer, stack)
