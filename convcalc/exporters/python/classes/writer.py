"""A class that is being written: what has been said, and how values of the document are said."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.classes.signature import Param, Signature, channels_name, input_names
from convcalc.exporters.python.classes.turns import Turns
from convcalc.exporters.python.facts import Facts
from convcalc.exporters.python.names import Attributes, Namespace, identifier
from convcalc.exporters.python.replay import Line, Turn, evaluate
from convcalc.exporters.python.use import Dialect, Held, Ran, Use
from convcalc.expressions import Expression
from convcalc.graph import Graph
from convcalc.language.scopes import TENSOR_NAMES
from convcalc.language.statements import Stack, Value
from convcalc.layers.base import Placed


class Classes(Protocol):
    """The classes of a network, of which this is one."""

    facts: Facts
    dialect: Dialect
    graph: Graph
    #: Names that stand for classes and functions of the file.
    reserved: set[str]
    #: The document's blocks.
    blocks: Mapping[str, Any]
    #: The texts of those that are written, callees first.
    classes: list[list[str]]

    def helper(self, name: str) -> str:
        """The name of a class or function beside; it is added."""

    def block(self, name: str, turn: Turn) -> Signature:
        """The class of a block, for such tensors as enter in a run; it is written once."""

    def lifted(
        self, outer: Writer, stack: Stack, turns: Turns, name: str, bound: Iterable[str] = ()
    ) -> Signature:
        """A class for a list in another one, whose names are its arguments."""


class Writer:
    """Writes a class: its arguments, `__init__` and `forward`."""

    def __init__(
        self,
        file: Classes,
        name: str,
        block: str,
        runs: Sequence[Turn],
        *,
        args: Mapping[str, Value],
        let: Mapping[str, Value],
        is_function: bool = False,
        outer: Writer | None = None,
        bound: Iterable[str] = (),
    ) -> None:
        #: What the lines around say of training.
        self.trainings: tuple[str, ...] = ()
        self.file, self.name, self.block, self.runs = file, name, block, runs
        self.dialect = file.dialect
        self.args, self.let, self.is_function, self.outer = args, let, is_function, outer
        self.late: set[str] = set(file.facts.late[block]) | (
            set(bound) & (outer.late if outer else set())
        )
        self.init: list[str] = []
        self.body: list[str] = []
        count = len(runs[0].inputs)
        self.locals = Namespace(
            "layers", *file.reserved, *[channels_name(index) for index in range(64)]
        )
        #: Whether inputs go by the names that the document has for them.
        self.has_named_inputs = not block and outer is None and count > 1
        called = map(identifier, file.graph.inputs) if self.has_named_inputs else input_names(count)
        self.inputs = [self.locals.new(each) for each in called]
        self.attributes = Attributes(*self.dialect.taken)
        #: Python's names for those of the language.
        self.python: dict[str, str] = {}
        self.stored: dict[str, str] = {}
        self.extras: list[Param] = []
        self.captured: dict[str, list[Held]] = {}
        self.given: dict[str, str] = {}
        self.pinned: set[str] = set()
        #: Channels that take working out, and what they would be called.
        self.worked_out: dict[str, str] = {}
        self.mutable: set[str] = set()
        self.referenced: set[str] = set()
        self.modules: list[dict[str, str]] = [{}]
        #: The names of loops, which are no arguments.
        self.bound: set[str] = set()
        #: The names that hide variables: those of a block and of the loops in it.
        self.own: set[str] = set()
        if block:
            self.own |= {*file.blocks[block].args, *file.blocks[block].let}
        self.own |= set(bound) | (outer.own if outer else set())
        entering = [Held(code, ast.Name(channels_name(i))) for i, code in enumerate(self.inputs)]
        if not block and outer is None:
            entering = [
                Held(code, expressions.number(tensor.shape[0]))
                for code, tensor in zip(self.inputs, runs[0].inputs)
            ]
        self.entering = entering
        self.tensors: list[dict[str, list[Held]]] = [{} if outer else {"input": entering}]

    def placed(self, line: Line) -> Placed:
        """The layer of a line on its inputs."""
        return self.file.facts.placed(line)

    def helper(self, name: str) -> str:
        """The name of a class or function beside; it is added."""
        return self.file.helper(name)

    def py(self, name: str) -> str:
        """What Python calls a name of the language."""
        found = self.python.get(name)
        if found is None:
            found = identifier(name)
            while found in self.python.values() or found in self.locals.taken:
                found += "_"
            self.locals.taken.add(found)
            self.python[name] = found
        return found

    def tree(
        self,
        raw: Value | ast.expr,
        ran: Ran,
        entering: Sequence[Held],
        *,
        forward: bool,
        whole: bool = False,
    ) -> ast.expr:
        """A value of the document as code of a phase. Raises Unsayable."""
        node = raw if isinstance(raw, ast.expr) else expressions.tree(raw)
        if "make_divisible" in expressions.functions_in(node):
            self.file.helper("make_divisible")

        def named(name: str) -> ast.expr:
            if name in self.file.facts.fixed and name not in self.own:
                return expressions.tree(self.file.facts.fixed[name])
            return (
                self.late_name(name, ran, entering)
                if forward
                else self.early_name(name, ran, entering)
            )

        if whole and isinstance(node, ast.Constant) and isinstance(node.value, float):
            node = ast.Constant(int(node.value))
        made = expressions.folded(expressions.renamed(node, named))
        if whole and ran and not isinstance(raw, ast.expr):
            values = [evaluate(raw, self.whole(line.values)) for _, line in ran]
            if any(isinstance(each, float) for each in values):
                made = ast.Call(ast.Name("int"), [made], [])
            elif any(
                isinstance(each, tuple) and any(isinstance(i, float) for i in each)
                for each in values
            ):
                if not isinstance(made, ast.Tuple):
                    raise Unsayable
                made = ast.Tuple(
                    [
                        ast.Call(ast.Name("int"), [each], [])
                        if any(isinstance(value[i], float) for value in values)
                        else each
                        for i, each in enumerate(made.elts)
                    ]
                )
        return made

    def whole(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values of names, those that count as whole numbers."""
        names = self.file.facts.counts[self.block] & self.own
        return {
            name: int(value)
            if name in names and isinstance(value, float) and value.is_integer()
            else value
            for name, value in values.items()
        }

    def early_name(self, name: str, ran: Ran, entering: Sequence[Held]) -> ast.expr:
        is_flat = all(len(line.inputs[0].shape) == 1 for _, line in ran if line.inputs)
        if name == "in_channels" or (name == "in_features" and is_flat):
            return self.channels(entering[0], 0, ran)
        if name in TENSOR_NAMES or name in self.late or self.is_function:
            raise Unsayable
        return ast.Name(self.py(name))

    def late_name(self, name: str, ran: Ran, entering: Sequence[Held]) -> ast.expr:
        if name in TENSOR_NAMES:
            rank = Use.one({len(line.inputs[0].shape) for _, line in ran})
            axes = {"in_channels": 0, "in_features": 0, "in_length": 1, "in_depth": 1}
            axis = axes.get(name, {"in_height": -2, "in_width": -1}.get(name, 0))
            axis = axis if axis >= 0 else rank + axis
            return ast.Name(self.dialect.size(entering[0].code, axis))
        if name in self.late or self.is_function:
            if name not in self.let:
                self.given.setdefault(name, self.py(name))
            return ast.Name(self.py(name))
        return self.kept(self.py(name))

    def kept(self, name: str) -> ast.expr:
        """A name of `__init__`, as `forward` has it."""
        if self.is_function:
            return ast.Name(name)
        if name not in self.stored:
            taken = name in self.dialect.taken or name.startswith("_")
            self.stored[name] = self.attributes.new(name) if taken else name
            self.attributes.taken.add(name)
        return ast.Name(f"self.{self.stored[name]}")

    def channels(self, held: Held, index: int, ran: Ran) -> ast.expr:
        """The channels of what enters a line. Raises Unsayable."""
        if held.channels is not None:
            return held.channels
        values = [line.inputs[index].shape[0] for _, line in ran]
        return self.fallback("channels", None, ran, values, forward=False)

    def fallback(
        self, field: str, raw: Value, ran: Ran, values: list[Any], *, forward: bool
    ) -> ast.expr:
        """A value that cannot be said: what it always is, or an argument more. Raises Unsayable."""
        if len(set(values)) == 1:
            return expressions.tree(values[0])
        if self.is_function:
            raise Unsayable
        by_run: dict[int, Any] = {}
        for (run, _), value in zip(ran, values):
            if by_run.setdefault(run, value) != value:
                raise Unsayable
        found = tuple([by_run.get(run, values[0]) for run in range(len(self.runs))])
        known = next((each for each in self.extras if each.values == found), None)
        if known is None:
            name = raw.text if isinstance(raw, Expression) and raw.text.isidentifier() else field
            name = self.locals.new(identifier(name))
            known = Param(name, "", values=found)
            self.extras.append(known)
        node: ast.expr = ast.Name(known.name)
        return self.kept(known.name) if forward else node

    def holds(self, node: Tree, ran: Ran, channels: int) -> bool:
        """Whether a tree is so many channels wherever a line ran."""
        if node is None:
            return False
        names = {python: name for name, python in self.python.items()}
        for run, line in ran:
            known: dict[str, Any] = {
                python: line.values[name] for python, name in names.items() if name in line.values
            }
            for index, tensor in enumerate(self.runs[run].inputs):
                known[channels_name(index)] = tensor.shape[0]
            try:
                if expressions.value_of(node, known) != line.inputs[0].shape[0]:
                    return False
            except (LookupError, TypeError, ValueError):
                return False
        return True
