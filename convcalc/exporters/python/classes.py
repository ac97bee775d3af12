"""A document as classes of Python: one for the network, each block and what a loop repeats.

What is written of a framework comes from a `Dialect`; the rest is here. A line is written once, for
all the times that it ran: a value comes as the document says it wherever that is known when the
class is made, else as the number that it always is, else as one more argument of the class.

A class has two phases. What it is made of is said in `__init__`, from arguments; what it does, in
its `forward`, where the sizes of tensors are known too. Names that speak of such sizes
(`{rows: in_height // window}`) are of the second phase, and so are arguments that are given them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable, channels_after
from convcalc.exporters.python.code import end_with, mentions, merged, names_read, without_unused
from convcalc.exporters.python.facts import Facts
from convcalc.exporters.python.items import (
    Code,
    For,
    If,
    Item,
    count_of,
    rendered,
    replaced,
    step_of,
)
from convcalc.exporters.python.layout import INDENT, broken
from convcalc.exporters.python.names import Namespace, class_name, identifier
from convcalc.exporters.python.references import (
    expressions_of,
    is_outside,
    loop_name,
    references,
    speaks_of,
)
from convcalc.exporters.python.replay import Line, Replay, Turn, evaluate
from convcalc.exporters.python.use import Dialect, Held, Ran, Use
from convcalc.expressions import Expression
from convcalc.language.scopes import TENSOR_NAMES, tensor_values
from convcalc.language.statements import REQUIRED, Call, Items, Stack, Statement, Value
from convcalc.layers.base import Placed


class Param(NamedTuple):
    """An argument of a class."""

    name: str
    #: The name of the language that it is; empty for channels, and for what was added.
    meant: str
    #: Its default as code; None where it must be given.
    default: str | None = None
    #: Which input's channels it is; None: none.
    input: int | None = None
    #: Its value in each run, where it was added.
    values: tuple[Any, ...] | None = None


class Signature(NamedTuple):
    """A class, or a function, as callers see it."""

    name: str
    is_function: bool
    params: tuple[Param, ...]
    #: The arguments of a call, beside tensors, by the language's names and Python's.
    given: tuple[tuple[str, str], ...]
    #: The tensors of callers that it takes by their names, after those that enter it.
    captured: tuple[str, ...]
    outputs: tuple[Held, ...]
    #: The index of each run.
    runs: Mapping[int, int]


class File:
    """The classes of a network, written one after the other."""

    def __init__(self, replay: Replay, dialect: Dialect, helpers: Mapping[str, str]) -> None:
        self.facts, self.dialect = Facts(replay, dialect), dialect
        self.document, self.graph = replay.document, replay.graph
        self.blocks = self.document.spec.blocks
        self.names = Namespace(*helpers, "make_divisible")
        #: The texts of the classes, callees first.
        self.classes: list[list[str]] = []
        #: The classes and functions beside that they use.
        self.helped: dict[str, None] = {}
        self.signatures: dict[tuple[str, tuple[int, ...]], Signature] = {}

    def helper(self, name: str) -> str:
        """The name of a class or function beside; it is added."""
        self.helped[name] = None
        return name

    # Writing

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
        return writer.written(spec.layers, spec.outputs)

    def block(self, name: str, turn: Turn) -> Signature:
        """The class of a block, for such tensors as enter in a run; it is written once."""
        kind = _kind(turn)
        key = (name, kind)
        if key not in self.signatures:
            block, is_function = self.blocks[name], name in self.facts.stateless
            kinds = [*dict.fromkeys(map(_kind, self.facts.calls[name]))]
            runs = [each for each in self.facts.calls[name] if _kind(each) == kind]
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
            self.signatures[key] = writer.written(block.layers)
        return self.signatures[key]


def _kind(turn: Turn) -> tuple[int, ...]:
    """What tells apart the runs of a block that one class cannot stand for: their inputs' axes."""
    return tuple([len(tensor.shape) for tensor in turn.inputs])


class Writer:
    """Writes a class: its arguments, `__init__` and `forward`."""

    def __init__(
        self,
        file: File,
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
        self.file, self.name, self.block, self.runs = file, name, block, runs
        self.dialect = file.dialect
        self.args, self.let, self.is_function, self.outer = args, let, is_function, outer
        self.late: set[str] = set(file.facts.late[block]) | (
            set(bound) & (outer.late if outer else set())
        )
        self.init: list[str] = []
        self.body: list[str] = []
        count = len(runs[0].inputs)
        self.locals = Namespace("layers", *[_channels_name(index) for index in range(64)])
        self.inputs = [self.locals.new(each) for each in _input_names(count)]
        self.attributes = Namespace(*self.dialect.taken)
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
        entering = [Held(code, ast.Name(_channels_name(i))) for i, code in enumerate(self.inputs)]
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

    # Names

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
                self._late_name(name, ran, entering)
                if forward
                else self._early_name(name, ran, entering)
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

    def _early_name(self, name: str, ran: Ran, entering: Sequence[Held]) -> ast.expr:
        is_flat = all(len(line.inputs[0].shape) == 1 for _, line in ran if line.inputs)
        if name == "in_channels" or (name == "in_features" and is_flat):
            return self.channels(entering[0], 0, ran)
        if name in TENSOR_NAMES or name in self.late or self.is_function:
            raise Unsayable
        return ast.Name(self.py(name))

    def _late_name(self, name: str, ran: Ran, entering: Sequence[Held]) -> ast.expr:
        if name in TENSOR_NAMES:
            rank = Use.one({len(line.inputs[0].shape) for _, line in ran})
            axes = {"in_channels": 0, "in_features": 0, "in_length": 1, "in_depth": 1}
            axis = axes.get(name, {"in_height": -2, "in_width": -1}.get(name, 0))
            axis = axis if axis >= 0 else rank + axis
            return ast.Name(self.dialect.size(entering[0].code, axis))
        if name in self.late or self.is_function:
            if name not in self.let and not self._is_let_outside(name):
                self.given.setdefault(name, self.py(name))
            return ast.Name(self.py(name))
        return self.kept(self.py(name))

    def _is_let_outside(self, name: str) -> bool:
        return False

    def kept(self, name: str) -> ast.expr:
        """A name of `__init__`, as `forward` has it."""
        if self.is_function:
            return ast.Name(name)
        if name not in self.stored:
            taken = name in self.dialect.taken
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
                known[_channels_name(index)] = tensor.shape[0]
            try:
                if expressions.value_of(node, known) != line.inputs[0].shape[0]:
                    return False
            except (LookupError, TypeError, ValueError):
                return False
        return True

    # A class as a whole

    def written(self, stack: Stack, outputs: tuple[str, ...] = ()) -> Signature:
        """Write the class; what callers see of it."""
        self.referenced = set(references(stack)) | {each.partition(".")[0] for each in outputs}
        for name in (
            "input",
            *(self.file.graph.inputs if not self.block and not self.outer else ()),
        ):
            if name in self.referenced:
                self.pinned.update(self.inputs)
        lets = self._lets()
        ran = [(index, turn) for index, turn in enumerate(self.runs)]
        is_chain = (
            (self.block != "" or self.outer is not None)
            and len(self.inputs) == 1
            and not self.is_function
            and self.is_pure(stack, ran)
        )
        if is_chain:
            items, channels = self.chain(stack, ran, self.entering[0].channels, own=True)
            held = [Held("", channels)]
            listed = rendered(items, self.init)
            self.init.append(f"super().__init__({listed})")
            base = self.dialect.sequential
            if channels is None or not self._is_open(channels):
                held = self._announced(held, ran)
        else:
            held = self.stack(stack, ran, list(self.entering))
            if outputs:
                held = [each for name in outputs for each in self.named(name)]
            returned = ", ".join([each.code for each in held])
            end_with(self.body, returned)
            base = self.dialect.module
            if not self.is_function and self.block + str(self.outer or ""):
                held = self._announced(held, ran)
        return self._finished(base, lets, held, is_chain)

    def _is_open(self, channels: ast.expr) -> bool:
        """Whether callers can say such channels: by arguments alone."""
        names = expressions.names_in(channels)
        given = {python for name, python in self.python.items() if name not in self.let}
        lets = {self.python[name] for name in self.let if name in self.python} - given
        known = {self.python[name] for name in self.python} - lets
        known |= {_channels_name(index) for index in range(len(self.inputs))}
        known |= {each.name for each in self.extras}
        return names <= known - self.mutable and not any("." in each for each in names)

    def _announced(self, held: list[Held], ran: list[tuple[int, Turn]]) -> list[Held]:
        """The outputs, with channels that callers can say, or an attribute that says them."""
        found = []
        for index, each in enumerate(held):
            channels = each.channels
            if channels is not None:
                channels = self._inlined(channels)
            if channels is not None and not self._is_open(channels):
                name = "out_channels" if index == 0 else f"out_channels_{index}"
                self.init.append(f"self.{name} = {expressions.text(each.channels)}")  # type: ignore[arg-type]
                channels = ast.Name(f".{name}")
            found.append(each._replace(channels=channels))
        return found

    def _inlined(self, channels: ast.expr) -> ast.expr:
        """Channels with `let` written out."""
        lets = {
            self.python[n]: raw
            for n, raw in self.let.items()
            if n in self.python and n not in self.late
        }
        for _ in lets:
            if not expressions.names_in(channels) & set(lets):
                break

            def named(name: str) -> ast.expr:
                if name not in lets or name in self.mutable:
                    return ast.Name(name)
                return self.tree(lets[name], [], self.entering, forward=False)

            try:
                channels = expressions.renamed(channels, named)
            except Unsayable:
                return channels
        return expressions.gathered(channels)

    def _lets(self) -> list[tuple[str, str]]:
        """The `let` of `__init__`: names and code. Those of `forward` stand at its beginning."""
        found = []
        ran = [(index, _entered(turn)) for index, turn in enumerate(self.runs)]
        for name, raw in self.let.items():
            is_late = name in self.late or self.is_function
            try:
                whole = name in self.file.facts.counts[self.block]
                node = self.tree(raw, ran, self.entering, forward=is_late, whole=whole)
            except Unsayable:
                values = [turn.values.get(name) for turn in self.runs]
                node = self.fallback(name, None, ran, values, forward=is_late)
            if self._is_alias(node) and not is_late:
                self.python[name] = node.id  # type: ignore[attr-defined]
                continue
            code = f"{self.py(name)} = {expressions.text(node)}"
            if is_late:
                self.body.append(code)
                self.pinned.update(self.inputs[:0])
            else:
                found.append((self.py(name), code))
        return found

    def _is_alias(self, node: ast.expr) -> bool:
        """Whether a `let` is the channels that enter, which stay what they are."""
        stack = self.file.blocks[self.block].layers if self.block else ()
        loops = any(st.type in ("repeat", "for_each") for st in stack)
        return isinstance(node, ast.Name) and "." not in node.id and not loops

    def _finished(
        self, base: str, lets: list[tuple[str, str]], held: list[Held], is_chain: bool
    ) -> Signature:
        self._numbered()
        self._named_once()
        self.init, self.body = merged(self.init), merged(self.body)
        body = without_unused(
            self.body, [self.py(n) for n in self.let if n in self.late or self.is_function]
        )
        self.body = body
        kept = [
            name
            for name, attribute in self.stored.items()
            if mentions([*body, *self.init], f"self.{attribute}")
        ]
        stores = [f"self.{self.stored[name]} = {name}" for name in kept]
        used = names_read([*self.init, *stores])
        used |= (
            names_read([code for code in body if self.is_function]) if self.is_function else set()
        )
        needed: list[str] = []
        for name, code in reversed(lets):
            if name in used:
                needed.insert(0, code)
                used |= names_read([code])
        params = self._params(used)
        for param in params:
            default = self.args.get(param.meant)
            if param.default == "None" and default is not None:
                node = self.tree(default, [], self.entering, forward=self.is_function)
                needed.insert(0, f"    {param.name} = {expressions.text(node)}")
                needed.insert(0, f"if {param.name} is None:")
                used |= names_read([expressions.text(node)])
        params = self._params(used)
        given = tuple(
            [
                (name, python)
                for name, python in self.given.items()
                if mentions(body, python) and not self.is_function
            ]
        )
        lines = self._lines(base, params, [*needed], stores, given, is_chain)
        self.file.classes.append([each for line in lines for each in broken(line)])
        runs = {id(turn): index for index, turn in enumerate(self.runs)}
        return Signature(
            self.name,
            self.is_function,
            tuple(params),
            given,
            tuple(self.captured),
            tuple(held),
            runs,
        )

    def _named_once(self) -> None:
        """Give channels that are worked out, and needed several times, a name."""
        for text, name in self.worked_out.items():
            names = names_read([text])
            if names & self.mutable or names & {self.python.get(each) for each in self.bound}:
                continue
            pattern = re.compile(rf"(?<![\w.]){re.escape(text)}")
            found = [at for at, line in enumerate(self.init) if pattern.search(line)]
            if sum(len(pattern.findall(line)) for line in self.init) < 2 or "self." in text:
                continue
            assigned = next((v for v in sorted(self.mutable) if f"{v} = {text}" in self.init), None)
            if assigned is not None:
                self.init.remove(f"{assigned} = {text}")
            called = assigned or self.locals.new(name)
            self.init = [pattern.sub(called, line) for line in self.init]
            at = found[0]
            while self.init[at].startswith(INDENT):
                at -= 1
            self.init.insert(at, f"{called} = {text}")

    def _numbered(self) -> None:
        """Number what comes several times from 1, as tables do."""
        for name in {
            each for each in self.attributes.taken if f"{each}_2" in self.attributes.taken
        }:
            if name not in self.stored and f"{name}_1" not in self.attributes.taken:
                pattern = re.compile(rf"\bself\.{name}\b")
                self.init = [pattern.sub(f"self.{name}_1", line) for line in self.init]
                self.body = [pattern.sub(f"self.{name}_1", line) for line in self.body]

    def _params(self, used: set[str]) -> list[Param]:
        """The arguments that are used: those that must be given come first."""
        params = [
            Param(_channels_name(index), "", input=index)
            for index in range(len(self.inputs) + sum(map(len, self.captured.values())))
            if _channels_name(index) in used and (self.block or self.outer)
        ]
        for name, python in [*self.python.items()]:
            if (
                python not in used
                or python in {each.name for each in params}
                or name in self.bound
                or name in self.let
                or (name in self.late and not self.is_function)
            ):
                continue
            default = self.args.get(name)
            if name not in self.args or default == REQUIRED:
                params.append(Param(python, name))
            elif isinstance(default, (Expression, Items)):
                node = self.tree(default, [], self.entering, forward=self.is_function)
                plain = isinstance(node, ast.Constant)
                params.append(Param(python, name, expressions.text(node) if plain else "None"))
            else:
                params.append(Param(python, name, expressions.text(expressions.tree(default))))
        params += [each for each in self.extras if each.name in used]
        order = [*self.args]
        return sorted(
            params,
            key=lambda each: (
                each.default is not None,
                each.input is None,
                each.values is not None,
                order.index(each.meant) if each.meant in order else len(order),
            ),
        )

    def _lines(
        self,
        base: str,
        params: list[Param],
        first: list[str],
        stores: list[str],
        given: tuple[tuple[str, str], ...],
        is_chain: bool,
    ) -> list[str]:
        arguments = [
            each.name if each.default is None else f"{each.name}={each.default}" for each in params
        ]
        inputs = [*self.inputs, *[each.code for held in self.captured.values() for each in held]]
        if self.is_function:
            head = f"def {self.name}({', '.join([*inputs, *arguments])}):"
            return [head, *[INDENT + line for line in (*first, *self.body)]]
        lines = [f"class {self.name}({base}):"]
        start = [] if is_chain else ["super().__init__()"]
        init = [*start, *first, *stores, *self.init]
        if init != ["super().__init__()"]:
            lines.append(f"{INDENT}def __init__({', '.join(['self', *arguments])}):")
            lines += [INDENT * 2 + line for line in init]
        elif is_chain:
            lines.append(f"{INDENT}pass")
        if not is_chain:
            if init != ["super().__init__()"]:
                lines.append("")
            names = [python for _, python in given]
            lines.append(
                f"{INDENT}def {self.dialect.forward}({', '.join(['self', *inputs, *names])}):"
            )
            lines += [INDENT * 2 + line for line in self.body]
        return lines

    # Lists of lines

    def stack(self, stack: Stack, ran: list[tuple[int, Turn]], current: list[Held]) -> list[Held]:
        """A list of lines, one after the other, as statements of `forward`."""
        ways = _Ways(self, current[0].channels if current else None, len(ran))
        for index, st in enumerate(stack):
            lines = [(run, turn.lines[index]) for run, turn in ran]
            there = [at for at, (_, line) in enumerate(lines) if _does(line)]
            if len(current) == 1 and there:
                current = [current[0]._replace(channels=ways.among(there, lines))]
            made = self.line(st, lines, current)
            if len(made) == 1:
                if len(there) < len(lines) and len(current) == 1 and there:
                    ways.put(made[0].channels, there, self._test(st, lines, current))
                elif there:
                    ways.put(made[0].channels, range(len(lines)))
            current = made
        if len(current) == 1:
            ended = [(run, _left(turn)) for run, turn in ran]
            current = [current[0]._replace(channels=ways.among(range(len(ran)), ended))]
        return current

    def _test(self, st: Statement, ran: Ran, current: list[Held]) -> Tree:
        """The condition of a line, as `__init__` has it; None where it has none."""
        if st.body.when is True:
            return None
        try:
            return self.tree(st.body.when, ran, self.resolved(st, current, ran), forward=False)
        except Unsayable:
            return None

    def line(self, st: Statement, ran: Ran, current: list[Held]) -> list[Held]:
        """One line, under its condition."""
        alive = [(run, line) for run, line in ran if not line.left_out]
        if not alive:
            return current
        raw = self.condition(st, ran, alive)
        if raw is None:
            return self.unconditional(st, alive, current)
        if len(current) != 1:
            raise Unsayable
        (before,) = current
        init, body = len(self.init), len(self.body)
        made = self.unconditional(st, alive, current)
        if len(made) != 1:
            raise Unsayable
        (after,) = made
        inits, bodies = self.init[init:], self.body[body:]
        del self.init[init:], self.body[body:]
        inputs = self.resolved(st, current, alive)
        is_module = (
            len(inits) == 1
            and inits[0].startswith("self.")
            and bodies == [f"{after.code} = {inits[0].partition(' = ')[0]}({before.code})"]
        )
        early = self._early_condition(raw, ran, inputs, bool(inits), st)
        if is_module and early is not None:
            attribute = inits[0].partition(" = ")[0]
            self.init += [
                f"if {expressions.text(early)}:",
                INDENT + inits[0],
                "else:",
                f"{INDENT}{attribute} = {self.dialect.identity}",
            ]
            self.body += bodies
            return [Held(after.code, after.channels, before.single and after.single)]
        code = before.code
        if code in self.pinned or not code.isidentifier():
            is_named = st.body.name is not None and st.body.name in self.referenced
            code = self.fresh() if is_named or after.code in self.pinned else after.code
            self.body.append(f"{code} = {before.code}")
        if after.code != code:
            bodies.append(f"{code} = {after.code}")
        condition = self._late_condition(raw, ran, inputs, early, inits, st)
        if inits:
            assert early is not None
            self.init += [f"if {expressions.text(early)}:", *[INDENT + each for each in inits]]
        self.body += [f"if {condition}:", *[INDENT + each for each in bodies]]
        return [Held(code, after.channels, before.single and after.single)]

    def condition(self, st: Statement, ran: Ran, alive: Ran) -> Value:
        """What the document says of when a line is there; None where that need not be asked."""
        raw = st.body.when
        if raw is True or not isinstance(raw, Expression):
            return None
        if len(alive) == len(ran):
            own = {*self.args, *self.let} if self.block else set()
            asks = (
                TENSOR_NAMES
                | own
                | {name for each in ran[:1] for name in each[1].values}
                - set(self.file.graph.variables)
            )
            if asks.isdisjoint(raw.names):
                return None
        return raw

    def _early_condition(
        self, raw: Value, ran: Ran, inputs: list[Held], needed: bool, st: Statement
    ) -> Tree:
        try:
            return self.tree(raw, ran, inputs, forward=False)
        except Unsayable:
            if not needed or self.is_function:
                return None
        values = [not line.left_out for _, line in ran]
        return self.fallback(
            f"use_{identifier(st.body.name or st.type)}", None, ran, values, forward=False
        )

    def _late_condition(
        self, raw: Value, ran: Ran, inputs: list[Held], early: Tree, inits: list[str], st: Statement
    ) -> str:
        if early is None or self.is_function:
            return expressions.text(self.tree(raw, ran, inputs, forward=True))
        if isinstance(early, ast.Name):
            return expressions.text(self.kept(early.id))
        node: ast.expr = early
        if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Name):
            return f"not {expressions.text(self.kept(node.operand.id))}"
        if (
            isinstance(node, ast.Compare)
            and isinstance(node.left, ast.Name)
            and isinstance(node.comparators[0], ast.Constant)
            and len(node.ops) == 1
        ):
            kept = self.kept(node.left.id)
            return expressions.text(ast.Compare(kept, node.ops, node.comparators))
        name = self.attributes.new(f"has_{identifier(st.body.name or st.type)}")
        self.init.append(f"self.{name} = {expressions.text(early)}")
        return f"self.{name}"

    def unconditional(self, st: Statement, ran: Ran, current: list[Held]) -> list[Held]:
        """A line that is there; what it hands on."""
        inputs = self.resolved(st, current, ran)
        if isinstance(st.body, Call):
            made = (
                self.call(st, ran, inputs)
                if st.type in self.file.blocks
                else self.layer(st, ran, inputs)
            )
        else:
            made = getattr(self, f"_{st.type}")(st, ran, inputs)
        for each in made[:1]:
            self.note(each.channels, st)
        name = st.body.name
        if name is not None:
            self.tensors[-1][name] = made
            if name in self.referenced:
                self.pinned.update([each.code for each in made])
        return made

    def note(self, channels: Tree, st: Statement) -> None:
        """Remember channels that take working out."""
        if channels is not None and "(" in (text := expressions.text(channels)):
            name = identifier(f"{st.body.name or st.type}_channels")
            self.worked_out.setdefault(text, name)

    def resolved(self, st: Statement, current: list[Held], ran: Ran) -> list[Held]:
        """What enters a line."""
        if st.body.from_:
            return [each for name in st.body.from_ for each in self.named(name)]
        return current

    def named(self, name: str) -> list[Held]:
        """The tensors of a name."""
        whole, dot, part = name.partition(".")
        for known in reversed(self.tensors):
            if whole in known:
                return known[whole][int(part) :][:1] if dot else known[whole]
        if self.outer is None:
            raise Unsayable
        found = self.captured.get(name)
        if found is None:
            held = self.outer.named(name)
            found = []
            taken = sum(map(len, self.captured.values())) + len(self.inputs)
            for index, each in enumerate(held):
                python = self.locals.new(
                    identifier(name.replace(".", "_")) + (f"_{index}" if index else "")
                )
                channels = ast.Name(_channels_name(taken + index))
                found.append(Held(python, channels, each.single))
                self.pinned.add(python)
            self.captured[name] = found
        return found

    # What forward calls things

    def fresh(self) -> str:
        """A name for a tensor that has none."""
        for each in (self.inputs[0], "y", "z"):
            if each not in self.pinned:
                self.locals.taken.add(each)
                return each
        return self.locals.new("y")

    def target(self, st: Statement, inputs: list[Held]) -> str:
        """What the tensor that a line makes is called."""
        name = st.body.name
        if name is not None and name in self.referenced:
            return self.locals.new(identifier(name))
        for each in inputs[:1]:
            if each.code.isidentifier() and each.code not in self.pinned:
                return each.code
        return self.fresh()

    def attribute(self, st: Statement, name: str = "") -> str:
        """A new attribute for a line."""
        return self.attributes.new(identifier(name or st.body.name or st.type))

    def trained(self, st: Statement, ran: Ran, inputs: list[Held]) -> str:
        """Whether a line is trained, as code; empty where it is."""
        raw = st.body.trainable
        if raw is True:
            return ""
        try:
            return expressions.text(self.tree(raw, ran, inputs, forward=False))
        except Unsayable:
            return str(Use.one([bool(evaluate(raw, line.values)) for _, line in ran]))

    def frozen(self, code: str, st: Statement, ran: Ran, inputs: list[Held]) -> str:
        """A module as the line says that it is trained."""
        for trained in (*self.trainings, self.trained(st, ran, inputs)):
            if trained:
                code = self.dialect.frozen(code, trained)
        return code

    #: What the lines around say of training.
    trainings: tuple[str, ...] = ()

    # Layers

    def layer(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        rule = self.dialect.rule(st.type)
        type = layers.find(st.type)
        if type.arity == 0 and not st.body.from_:
            entering = inputs
            inputs = []
        else:
            entering = inputs
        is_function = rule.function is not None and (st.body.functional or rule.module is None)
        use = Use(self, st, ran, entering, forward=is_function and not rule.holds)
        operands = self.operands(inputs, st, ran)
        if rule.is_tensor:
            assert rule.module is not None
            attribute = self.owner(st) or self.made(st, rule.module(use), ran, inputs)
            code = self.dialect.constant(f"self.{attribute}")
        elif rule.module is not None and not is_function:
            attribute = self.owner(st) or self.made(st, rule.module(use), ran, inputs)
            code = f"self.{attribute}({', '.join(operands)})"
        elif rule.holds:
            assert rule.function is not None
            assert rule.module is not None
            attribute = self.owner(st) or self.made(st, rule.module(use), ran, inputs)
            code = rule.function(use, [f"self.{attribute}", *operands])
        else:
            assert rule.function is not None
            code = rule.function(use, operands)
        outputs = len(use.placed[0].outputs)
        channels = channels_after(
            Use(self, st, ran, entering, forward=False), [each.channels for each in inputs]
        )
        single = all(each.single for each in inputs)
        target = self.target(st, inputs or entering)
        self.body.append(f"{target} = {code}")
        if outputs == 1:
            return [Held(target, channels[0], single)]
        return [Held(f"{target}[{part}]", channels[part], single) for part in range(outputs)]

    def made(self, st: Statement, modules: list[str], ran: Ran, inputs: list[Held]) -> str:
        """A new attribute that is these modules."""
        attribute = self.attribute(st)
        code = (
            modules[0] if len(modules) == 1 else f"{self.dialect.sequential}({', '.join(modules)})"
        )
        self.init.append(f"self.{attribute} = {self.frozen(code, st, ran, inputs)}")
        if st.body.name is not None:
            self.modules[-1][st.body.name] = attribute
        return attribute

    def owner(self, st: Statement) -> str | None:
        """The attribute of which a line uses the weights; None where it has its own."""
        if st.body.weights is None:
            return None
        for known in reversed(self.modules):
            if st.body.weights in known:
                found = known[st.body.weights]
                if st.body.name is not None:
                    self.modules[-1][st.body.name] = found
                return found
        raise Unsayable

    def operands(self, inputs: list[Held], st: Statement, ran: Ran) -> list[str]:
        """What enters a line, as code; where it joins, each with the whole batch."""
        batched = next((each for each in inputs if not each.single), None)
        if batched is None or st.type != "concat":
            return [each.code for each in inputs]
        axes = len(self._shapes(ran)[0])
        return [
            self.dialect.whole(each.code, batched.code, axes) if each.single else each.code
            for each in inputs
        ]

    def _shapes(self, ran: Ran) -> list[Any]:
        return [tensor.shape for tensor in ran[0][1].inputs]

    def call(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        """The call of a block."""
        turns = [line.turns[0] for _, line in ran]
        Use.one(map(_kind, turns))
        return self.invoked(self.file.block(st.type, turns[0]), st, ran, inputs, turns)

    def invoked(
        self,
        signature: Signature,
        st: Statement,
        ran: Ran,
        inputs: list[Held],
        turns: list[Turn],
        name: str = "",
    ) -> list[Held]:
        """A class, made and called."""
        captured = [each for name in signature.captured for each in self.named(name)]
        operands = [each.code for each in (*inputs, *captured)]
        operands += [
            f"{python}={self.given_as(st, meant, ran, inputs, forward=True)}"
            for meant, python in signature.given
        ]
        attribute = ""
        if signature.is_function:
            operands += self.arguments(
                signature, st, ran, [*inputs, *captured], turns, forward=True
            )
            code = f"{signature.name}({', '.join(operands)})"
        else:
            attribute = (self.owner(st) or "") if isinstance(st.body, Call) else ""
            if not attribute:
                made = self.constructed(signature, st, ran, [*inputs, *captured], turns)
                attribute = self.attribute(st, name)
                self.init.append(f"self.{attribute} = {self.frozen(made, st, ran, inputs)}")
                if st.body.name is not None:
                    self.modules[-1][st.body.name] = attribute
            code = f"self.{attribute}({', '.join(operands)})"
        target = self.target(st, inputs)
        self.body.append(f"{target} = {code}")
        found = self.outputs(signature, st, ran, [*inputs, *captured], turns, f"self.{attribute}")
        if len(found) == 1:
            return [found[0]._replace(code=target)]
        return [each._replace(code=f"{target}[{part}]") for part, each in enumerate(found)]

    def constructed(
        self, signature: Signature, st: Statement, ran: Ran, inputs: list[Held], turns: list[Turn]
    ) -> str:
        """The code that makes an instance of a class."""
        arguments = self.arguments(signature, st, ran, inputs, turns, forward=False)
        return f"{signature.name}({', '.join(arguments)})"

    def arguments(
        self,
        signature: Signature,
        st: Statement,
        ran: Ran,
        inputs: list[Held],
        turns: list[Turn],
        *,
        forward: bool,
    ) -> list[str]:
        """The arguments of a class, the first ones by their places."""
        found: list[str] = []
        places = True
        for param in signature.params:
            code = self.argument(param, signature, st, ran, inputs, turns, forward=forward)
            if code is None:
                places = False
                continue
            first = param.input is not None or not any(
                each.input is None for each in signature.params[: signature.params.index(param)]
            )
            if places and first and param.default is None and code not in ("True", "False"):
                found.append(code)
            else:
                places = False
                found.append(f"{param.name}={code}")
        return found

    def argument(
        self,
        param: Param,
        signature: Signature,
        st: Statement,
        ran: Ran,
        inputs: list[Held],
        turns: list[Turn],
        *,
        forward: bool,
    ) -> str | None:
        """An argument as code; None where its default holds."""
        if param.input is not None:
            held = inputs[param.input]
            if held.channels is not None:
                return expressions.text(held.channels)
            values = [
                turn.inputs[param.input].shape[0] if param.input < len(turn.inputs) else None
                for turn in turns
            ]
            if None in values:
                raise Unsayable
            return expressions.text(self.fallback("channels", None, ran, values, forward=forward))
        if param.values is not None:
            values = [param.values[signature.runs[id(turn)]] for turn in turns]
            return expressions.text(self.fallback(param.name, None, ran, values, forward=forward))
        call = st.body
        if (
            isinstance(call, Call)
            and param.meant in self.file.blocks[st.type].args
            and not (param.meant in call.settled or param.meant in call.open)
        ):
            return None
        return self.given_as(st, param.meant, ran, inputs, forward=forward)

    def given_as(
        self, st: Statement, meant: str, ran: Ran, inputs: list[Held], *, forward: bool
    ) -> str:
        """What a call gives for a name of what it calls."""
        if isinstance(st.body, Call):
            block = self.file.blocks[st.type]
            if meant in block.args:
                raw = st.body.open.get(meant, st.body.settled.get(meant, block.args[meant]))
                whole = meant in self.file.facts.counts[st.type]
                try:
                    return expressions.text(
                        self.tree(raw, ran, inputs, forward=forward, whole=whole)
                    )
                except Unsayable:
                    values = [evaluate(raw, line.values) for _, line in ran]
                    return expressions.text(self.fallback(meant, raw, ran, values, forward=forward))
        node = (
            self._late_name(meant, ran, inputs) if forward else self._early_name(meant, ran, inputs)
        )
        return expressions.text(node)

    def outputs(
        self,
        signature: Signature,
        st: Statement,
        ran: Ran,
        inputs: list[Held],
        turns: list[Turn],
        attribute: str,
    ) -> list[Held]:
        """What a class hands on, its channels said by the caller."""
        params = {each.name: each for each in signature.params}
        found = []
        for each in signature.outputs:
            channels = each.channels
            if isinstance(channels, ast.Name) and channels.id.startswith("."):
                channels = ast.Name(f"{attribute}{channels.id}") if attribute else None
            elif channels is not None:

                def named(name: str) -> ast.expr:
                    for index, held in enumerate(inputs):
                        if name == _channels_name(index) and held.channels is not None:
                            return held.channels
                    param = params.get(name)
                    if param is None:
                        raise Unsayable
                    code = self.argument(param, signature, st, ran, inputs, turns, forward=False)
                    if code is None:
                        if param.default in (None, "None"):
                            raise Unsayable
                        code = param.default
                    return expressions.parsed(code)

                try:
                    channels = expressions.gathered(expressions.renamed(channels, named))
                except Unsayable:
                    channels = None
            if channels is None and len(signature.outputs) == 1 and _keeps(turns):
                channels = inputs[0].channels
            single = each.single or bool(inputs and all(held.single for held in inputs))
            found.append(Held("", channels, single))
        return found

    # Structures

    def _within(self, st: Statement, ran: Ran, inputs: list[Held]) -> _Within:
        return _Within(self, self.trained(st, ran, inputs))

    def turns(self, ran: Ran, index: int) -> list[tuple[int, Turn]]:
        """The runs of a list in a line."""
        return [(run, line.turns[index]) for run, line in ran]

    def _sequential(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        turns = self.turns(ran, 0)
        if not self.is_function and len(inputs) == 1 and self.is_pure(st.body.layers, turns):
            return self.sequence(st, ran, turns, st.body.layers, inputs, st.body.name or "layers")
        if st.body.name is not None and not self.is_function:
            signature = self.lifted(st.body.layers, turns, class_name(st.body.name))
            return self.invoked(signature, st, ran, inputs, [turn for _, turn in turns])
        with self._within(st, ran, inputs):
            return self.stack(st.body.layers, turns, inputs)

    def sequence(
        self,
        st: Statement,
        ran: Ran,
        turns: list[tuple[int, Turn]],
        stack: Stack,
        inputs: list[Held],
        name: str,
    ) -> list[Held]:
        """A list that is modules one after the other, as one of them."""
        items, channels = self.chain(stack, turns, inputs[0].channels)
        if not items:
            return inputs
        attribute = self.attributes.new(identifier(name))
        self.assigned(attribute, items, (*self.trainings, self.trained(st, ran, inputs)))
        target = self.target(st, inputs)
        self.body.append(f"{target} = self.{attribute}({inputs[0].code})")
        return [Held(target, channels, inputs[0].single)]

    def sequence_of(
        self, stack: Stack, turns: list[tuple[int, Turn]], entering: Held
    ) -> tuple[str, Tree]:
        """A list that is modules one after the other, as code; empty for none."""
        items, channels = self.chain(stack, turns, entering.channels)
        listed = rendered(items, self.init)
        if not items:
            return "", channels
        if len(items) == 1 and isinstance(items[0], str):
            return items[0], channels
        return f"{self.dialect.sequential}({listed})", channels

    def _residual(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        body = st.body
        if len(inputs) != 1:
            raise Unsayable
        (entering,) = inputs
        connected = [(run, line) for run, line in ran if line.join is not None]
        with self._within(st, ran, inputs):
            if not connected:
                code, made = self.path(body.layers, self.turns(ran, 0), entering, "body", st)
                if len(made) != 1 or code.isidentifier():
                    return made
                target = self.target(st, [entering])
                self.body.append(f"{target} = {code}")
                return [made[0]._replace(code=target)]
            raw = body.connect
            flag = ""
            if len(connected) < len(ran) or (isinstance(raw, Expression) and self._asks(raw, ran)):
                flag = self._flag(raw, ran, inputs, [line.join is not None for _, line in ran])
            pinned = set(self.pinned)
            self.pinned.add(entering.code)
            code, made = self.path(body.layers, self.turns(ran, 0), entering, "body", st)
            if len(made) != 1:
                raise Unsayable
            if flag and not (code.isidentifier() and code not in pinned):
                kept = self.fresh()
                self.body.append(f"{kept} = {code}")
                code = kept
            self.pinned.add(code)
            init, at = len(self.init), len(self.body)
            shortcut: tuple[str, list[Held]] = (entering.code, [entering])
            if body.shortcut and any(len(line.turns) > 1 for _, line in connected):
                turns = self.turns(connected, 1)
                shortcut = self.path(body.shortcut, turns, entering, "shortcut", st)
            if len(shortcut[1]) != 1:
                raise Unsayable
            self.pinned = pinned
            if flag:
                inits, bodies = self.init[init:], self.body[at:]
                del self.init[init:], self.body[at:]
                if inits:
                    self.init += [f"if {flag}:", *[INDENT + each for each in inits]]
                if bodies:
                    bodies.append(f"{code} = {code} + {shortcut[0]}")
                    self.body += [f"if {flag}:", *[INDENT + each for each in bodies]]
                    return [made[0]._replace(code=code)]
                target = self.target(st, [entering])
                self.body.append(f"{target} = {code} + {shortcut[0]} if {flag} else {code}")
                return [made[0]._replace(code=target)]
            (code,) = self.before(at, [code], "body")
            channels = min(
                [
                    each
                    for each in (made[0].channels, shortcut[1][0].channels)
                    if each is not None and self.holds_out(each, connected)
                ],
                key=lambda each: len(ast.dump(each)),
                default=made[0].channels,
            )
            target = self.target(st, [entering])
            single = entering.single and made[0].single
            self.body.append(f"{target} = {code} + {shortcut[0]}")
            return [Held(target, channels, single)]

    def holds_out(self, node: ast.expr, ran: Ran) -> bool:
        """Whether a tree is the channels that leave a line, wherever that is known to be so."""
        moved = [(run, line._replace(inputs=line.outputs)) for run, line in ran]
        return self.holds(node, moved, 0) or bool(self.mutable & expressions.names_in(node))

    def _asks(self, raw: Expression, ran: Ran) -> bool:
        own = TENSOR_NAMES | set(self.args) | set(self.let)
        return bool(self.block or self.outer) and not own.isdisjoint(raw.names)

    def _flag(self, raw: Value, ran: Ran, inputs: list[Held], values: list[bool]) -> str:
        """Whether a shortcut is there, as `forward` asks."""
        if self.is_function:
            return expressions.text(self.tree(raw, ran, inputs, forward=True))
        try:
            early = self.tree(raw, ran, inputs, forward=False)
        except Unsayable:
            early = self.fallback("use_shortcut", None, ran, values, forward=False)
        name = self.attributes.new("use_shortcut")
        self.init.append(f"self.{name} = {expressions.text(early)}")
        return f"self.{name}"

    def path(
        self, stack: Stack, turns: list[tuple[int, Turn]], entering: Held, name: str, st: Statement
    ) -> tuple[str, list[Held]]:
        """A list beside others: the code of what it makes, and that. What enters is kept."""
        live = any(not line.left_out for _, turn in turns for line in turn.lines)
        if not live:
            return entering.code, [entering]
        if not self.is_function and self.is_pure(stack, turns):
            items, channels = self.chain(stack, turns, entering.channels)
            there = [
                inner
                for index, inner in enumerate(stack)
                if any(not turn.lines[index].left_out for _, turn in turns)
            ]
            if len(there) == 1 and isinstance(there[0].body, Call) and name == "body":
                name = there[0].body.name or there[0].type
            attribute = self.attributes.new(identifier(name))
            self.assigned(attribute, items, self.trainings)
            made = f"self.{attribute}({entering.code})"
            return made, [Held(made, channels, entering.single)]
        self.tensors.append({})
        self.modules.append({})
        held = self.stack(stack, turns, [entering])
        self.tensors.pop()
        self.modules.pop()
        self.pinned.update([each.code for each in held])
        return ", ".join([each.code for each in held]), held

    def before(self, at: int, codes: list[str], name: str) -> list[str]:
        """What paths make, said before the lines of another one that begin at an index."""
        if len(self.body) == at:
            return codes
        lines, found = [], []
        for code in codes:
            if not code.isidentifier() and "(" in code:
                called = self.locals.new(name)
                lines.append(f"{called} = {code}")
                code = called
            found.append(code)
        self.body[at:at] = lines
        return found

    def assigned(self, attribute: str, items: list[Item], trainings: Iterable[str]) -> None:
        """Make an attribute of modules that come one after the other."""

        def frozen(code: str) -> str:
            for trained in trainings:
                code = self.dialect.frozen(code, trained) if trained else code
            return code

        (only,) = items if len(items) == 1 else (None,)
        if isinstance(only, str):
            self.init.append(f"self.{attribute} = {frozen(only)}")
        elif isinstance(only, If) and len(only.items) == 1 and isinstance(only.items[0], str):
            self.init += [
                f"if {only.condition}:",
                f"{INDENT}self.{attribute} = {frozen(only.items[0])}",
                "else:",
                f"{INDENT}self.{attribute} = {self.dialect.identity}",
            ]
        else:
            listed = rendered(items, self.init)
            self.init.append(f"self.{attribute} = {frozen(f'{self.dialect.sequential}({listed})')}")

    def _branches(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        body = st.body
        paths = body.paths
        (entering,) = inputs if len(inputs) == 1 else (None,)
        if entering is None:
            raise Unsayable
        taken = [entering] * len(paths)
        with self._within(st, ran, inputs):
            if body.split and len(paths) > 1:
                parts = self.locals.new("parts")
                self.body.append(f"{parts} = {self.dialect.chunks(entering.code, len(paths))}")
                channels = entering.channels and expressions.quotient(
                    entering.channels, expressions.number(len(paths))
                )
                taken = [
                    Held(f"{parts}[{index}]", channels, entering.single)
                    for index in range(len(paths))
                ]
            pinned = set(self.pinned)
            self.pinned.add(entering.code)
            codes: list[str] = []
            held: list[Held] = []
            for index, path in enumerate(paths):
                name = f"path_{index + 1}"
                at = len(self.body)
                code, made = self.path(path, self.turns(ran, index), taken[index], name, st)
                codes = self.before(at, codes, "path")
                codes += [code] if len(made) == 1 else [each.code for each in made]
                held += made
            self.pinned = pinned
            if len(held) == 1:
                if codes[0].isidentifier():
                    return held
                target = self.target(st, [entering])
                self.body.append(f"{target} = {codes[0]}")
                return [held[0]._replace(code=target)]
            codes = [
                self.dialect.whole(code, entering.code, len(ran[0][1].outputs[0].shape))
                if each.single and not all(one.single for one in held) and body.merge == "concat"
                else code
                for code, each in zip(codes, held)
            ]
            known = [each.channels for each in held if each.channels is not None]
            merged: Tree = None
            if body.merge == "concat":
                merged = expressions.total(known) if len(known) == len(held) else None
            else:
                merged = next((each for each in known if self.holds_out(each, ran)), None)
            target = self.target(st, [entering])
            self.body.append(f"{target} = {self.dialect.merged(body.merge, codes)}")
            return [Held(target, merged, all(each.single for each in held))]

    def _repeat(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        if not st.body.share_weights:
            return self._loop(st, ran, inputs)
        return self._shared(st, ran, inputs)

    def _shared(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        """The same modules in all turns."""
        body, stack = st.body, st.body.layers
        turns = [(run, turn) for run, line in ran for turn in line.turns]
        if not turns:
            return inputs
        if body.index or len(inputs) != 1 or self.is_function:
            raise Unsayable
        (entering,) = inputs
        name = self.attributes.new(
            identifier(body.name or loop_name(st, self.file.blocks, one=True))
        )
        trainings = (*self.trainings, self.trained(st, ran, inputs))
        if self.is_pure(stack, turns):
            items, _ = self.chain(stack, turns, entering.channels)
            self.assigned(name, items, trainings)
        else:
            signature = self.lifted(stack, turns, self._lifted_name(st))
            if signature.captured or signature.given or signature.is_function:
                raise Unsayable
            lines = [(run, _entered(turn)) for run, turn in turns]
            code = self.constructed(signature, st, lines, inputs, [turn for _, turn in turns])
            self.assigned(name, [code], trainings)
        times = expressions.text(self.tree(body.times, ran, inputs, forward=True, whole=True))
        target = self.target(st, inputs)
        if target != entering.code:
            self.body.append(f"{target} = {entering.code}")
        self.body += [f"for _ in range({times}):", f"{INDENT}{target} = self.{name}({target})"]
        return [Held(target, entering.channels, entering.single)]

    def _for_each(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        return self._loop(st, ran, inputs)

    def _loop(self, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
        if not any(line.turns for _, line in ran):
            return inputs
        if len(inputs) != 1 or self.is_function:
            raise Unsayable
        name = st.body.name or loop_name(st, self.file.blocks)
        items, channels, captured, given = self.loop(st, ran, inputs[0].channels)
        if not items:
            return inputs
        code = f"{self.dialect.sequential}({rendered(items, self.init)})"
        (entering,) = inputs
        attribute = self.attributes.new(identifier(name))
        target = self.target(st, inputs)
        if captured or given:
            listed = code[len(self.dialect.sequential) + 1 : -1]
            listed = (
                listed[1:]
                if listed.startswith("*")
                and "," not in listed.partition("[")[0]
                and items.__len__() == 1
                else f"[{listed}]"
            )
            code = f"{self.dialect.module_list}({listed})"
            self.init.append(f"self.{attribute} = {self.frozen(code, st, ran, inputs)}")
            one = self.locals.new("layer")
            if target != entering.code:
                self.body.append(f"{target} = {entering.code}")
            operands = ", ".join([target, *[each.code for each in captured], *given])
            self.body += [
                f"for {one} in self.{attribute}:",
                f"{INDENT}{target} = {one}({operands})",
            ]
        else:
            self.init.append(f"self.{attribute} = {self.frozen(code, st, ran, inputs)}")
            self.body.append(f"{target} = self.{attribute}({entering.code})")
        return [Held(target, channels, entering.single)]

    # Modules one after the other

    def is_pure(self, stack: Stack, ran: list[tuple[int, Turn]]) -> bool:
        """Whether a list is modules one after the other, whatever is in them."""
        names = {st.body.name for st in stack if st.body.name is not None}
        if names & {*references(stack)} or (not self.outer and names & self.referenced):
            return False
        return all(
            self._is_module(st, [(run, turn.lines[index]) for run, turn in ran])
            for index, st in enumerate(stack)
        )

    def _is_module(self, st: Statement, ran: Ran) -> bool:
        alive = [(run, line) for run, line in ran if not line.left_out]
        if not alive:
            return True
        body = st.body
        if body.from_ or any(len(line.inputs) != 1 or len(line.outputs) != 1 for _, line in alive):
            return False
        if self.condition(st, ran, alive) is not None and speaks_of(body.when, self.late):
            return False
        if st.type in ("repeat", "for_each"):
            if st.type == "repeat" and body.share_weights:
                return False
            inner = [(run, turn) for run, line in alive for turn in line.turns]
            times = body.times if st.type == "repeat" else body.rows
            if speaks_of(times, self.late):
                return False
            return self._stays_inside(body.layers) and bool(inner)
        if st.type == "sequential":
            return self.is_pure(body.layers, self.turns(alive, 0))
        if not isinstance(body, Call) or body.weights is not None:
            return False
        if st.type in self.file.blocks:
            turns = [line.turns[0] for _, line in alive]
            if len(set(map(_kind, turns))) > 1:
                return False
            signature = self.file.block(st.type, turns[0])
            return not (signature.is_function or signature.given)
        rule = self.dialect.rule(st.type)
        if rule.module is None or rule.is_tensor or (body.functional and rule.function is not None):
            return False
        return not any(speaks_of(raw, self.late) for raw in body.open.values())

    def _stays_inside(self, stack: Stack) -> bool:
        """Whether what a list refers to is in it."""
        return not is_outside(stack, self.late)

    def chain(
        self, stack: Stack, ran: list[tuple[int, Turn]], channels: Tree, *, own: bool = False
    ) -> tuple[list[Item], Tree]:
        """A list that is modules one after the other: these, and the channels after them."""
        items: list[Item] = []
        ways = _Ways(self, channels, len(ran))
        for index, st in enumerate(stack):
            lines = [(run, turn.lines[index]) for run, turn in ran]
            alive = [(run, line) for run, line in lines if not line.left_out]
            there = [at for at, (_, line) in enumerate(lines) if _does(line)]
            if not there:
                continue
            raw = self.condition(st, lines, alive)
            entering = ways.among(there, lines)
            made, after = self.links(st, alive, entering, own=own)
            self.note(after, st)
            if not made:
                continue
            test: Tree = None
            if raw is not None:
                test = self._early_condition(raw, lines, [Held("x", entering)], True, st)
                assert test is not None
                text = expressions.text(test)
                if items and isinstance(items[-1], If) and items[-1].condition == text:
                    items[-1].items.extend(made)
                else:
                    items.append(If(text, list(made)))
            else:
                items += made
            if isinstance(after, ast.Name) and after.id in self.mutable:
                there = [at for at, (_, line) in enumerate(lines) if not line.left_out]
            ways.put(after, there, test)
        ended = [(run, _left(turn)) for run, turn in ran]
        return items, ways.among(range(len(ran)), ended)

    def links(
        self, st: Statement, ran: Ran, channels: Tree, *, own: bool = False
    ) -> tuple[list[Item], Tree]:
        """The modules of a line, and the channels after it."""
        entering = [Held("x", channels)]
        if st.type == "sequential":
            trained = self.trained(st, ran, entering)
            if not trained:
                return self.chain(st.body.layers, self.turns(ran, 0), channels)
            code, after = self.sequence_of(st.body.layers, self.turns(ran, 0), entering[0])
            return [self.frozen(code, st, ran, entering)] if code else [], after
        if st.type in ("repeat", "for_each"):
            items, after, _, _ = self.loop(st, ran, channels, own=own)
            trained = self.trained(st, ran, entering)
            return self.all_frozen(items, trained) if trained else items, after
        if st.type in self.file.blocks:
            turns = [line.turns[0] for _, line in ran]
            signature = self.file.block(st.type, turns[0])
            code = self.constructed(signature, st, ran, entering, turns)
            code = self.frozen(code, st, ran, entering)
            held = self.outputs(signature, st, ran, entering, turns, "")
            if signature.outputs[0].channels is not None and held[0].channels is None:
                name = signature.outputs[0].channels
                if isinstance(name, ast.Name) and name.id.startswith("."):
                    one = self.locals.new(identifier(st.body.name or st.type))
                    return [Code(f"{one} = {code}"), one], ast.Name(f"{one}{name.id}")
            return [code], held[0].channels
        rule = self.dialect.rule(st.type)
        assert rule.module is not None
        use = Use(self, st, ran, entering, forward=False)
        modules = [self.frozen(code, st, ran, entering) for code in rule.module(use)]
        (after,) = channels_after(use, [channels])
        return list(modules), after

    def all_frozen(self, items: list[Item], trained: str) -> list[Item]:
        """Modules that are trained where `trained` says so."""
        return [
            self.dialect.frozen(each, trained)
            if isinstance(each, str) and not each.isidentifier()
            else each._replace(items=self.all_frozen(each.items, trained))
            if isinstance(each, (If, For))
            else Code(f"{each.text}.requires_grad_({trained})")
            if isinstance(each, Code) and "(" in each.text and not each.text.startswith("channels")
            else each
            for each in items
        ]

    def loop(
        self, st: Statement, ran: Ran, channels: Tree, *, own: bool = False
    ) -> tuple[list[Item], Tree, list[Held], list[str]]:
        """The modules of all turns of a loop, and the channels after them.

        And the tensors and names that each of them takes, beside what the one before it makes.
        """
        body, stack = st.body, st.body.layers
        turns = [(run, turn) for run, line in ran for turn in line.turns]
        entering = [Held("x", channels)]
        if st.type == "repeat" and body.share_weights:
            raise Unsayable
        bound = [body.index] if st.type == "repeat" and body.index else []
        bound = list(body.bind) if st.type == "for_each" else bound
        self.bound.update(bound)
        self.own.update(bound)
        header = self._header(st, ran, entering)
        variable = ""
        started: list[Item] = []
        known = dict(self.python)
        signature: Signature | None = None
        if not self.is_pure(stack, turns):
            signature = self.lifted(stack, turns, self._lifted_name(st), bound=bound)

        def made(entering: Tree) -> tuple[list[Item], Tree]:
            if signature is None:
                return self.chain(stack, turns, entering)
            inputs = [
                Held("x", entering),
                *[each for name in signature.captured for each in self.named(name)],
            ]
            lines = [(run, _entered(turn)) for run, turn in turns]
            code = self.constructed(signature, st, lines, inputs, [turn for _, turn in turns])
            held = self.outputs(signature, st, lines, inputs, [turn for _, turn in turns], "")
            name = signature.outputs[0].channels
            if held[0].channels is None and isinstance(name, ast.Name) and name.id.startswith("."):
                one = self.locals.new("layer")
                return [Code(f"{one} = {code}"), one], ast.Name(f"{one}{name.id}")
            return [code], held[0].channels

        tried = self._kept_state()
        items, after = made(channels)
        if not items:
            return [], channels, [], []
        differs = not expressions.same(after, channels) and any(
            len(line.turns) > 1 for _, line in ran
        )
        if differs and channels is None:
            raise Unsayable
        if differs:
            assert channels is not None
            self._restore(tried)
            is_inner = isinstance(channels, ast.Name) and channels.id in self.mutable
            if isinstance(channels, ast.Name) and is_inner:
                variable = channels.id
            elif own and isinstance(channels, ast.Name) and channels.id == _channels_name(0):
                variable = channels.id
                self.mutable.add(variable)
            else:
                variable = self.locals.new("channels")
                self.mutable.add(variable)
                started.append(Code(f"{variable} = {expressions.text(channels)}"))
            items, after = made(ast.Name(variable))
            if after is None:
                raise Unsayable
            text = expressions.text(after)
            repeated = None if isinstance(after, (ast.Name, ast.Constant)) else text
            step = step_of(after, variable)
            if step is not None:
                items.append(Code(f"{variable} += {expressions.text(step)}"))
            elif (
                repeated
                and sum(count_of(item, repeated) for item in items) == 1
                and not set(expressions.names_in(after)) & {variable}
            ):
                name = self.locals.new("out_channels")
                items = [replaced(item, repeated, name) for item in items]
                items = [Code(f"{name} = {repeated}"), *items, Code(f"{variable} = {name}")]
            elif text != variable:
                items.append(Code(f"{variable} = {text}"))
        result = after
        if variable:
            names = expressions.names_in(after) if after is not None else set()
            inner = {self.python.get(each) for each in bound} | {variable}
            is_own = any(
                isinstance(item, Code) and item.text.partition(" = ")[0] in names for item in items
            )
            if names & inner or is_own or is_inner or any("." in each for each in names):
                result = ast.Name(variable)
        elif after is not None:
            inner = {self.python.get(each) for each in bound}
            if expressions.names_in(after) & inner or any(
                "." in n for n in expressions.names_in(after)
            ):
                raise Unsayable
        # A loop that has no turns at times hands on what came.
        if variable and any(not line.turns for _, line in ran):
            result = ast.Name(variable)
        loop = For(header, items)
        captured: list[Held] = []
        given: list[str] = []
        if signature is not None:
            captured = [each for name in signature.captured for each in self.named(name)]
            for meant, python in signature.given:
                if meant in bound:
                    raise Unsayable
                given.append(f"{python}={self.given_as(st, meant, ran, entering, forward=True)}")
        del known
        return [*started, loop], result, captured, given

    def _kept_state(self) -> Any:
        """What writing changes, to write once more from here."""
        names = (set(self.locals.taken), set(self.attributes.taken), set(self.mutable))
        return names, list(self.init), list(self.extras)

    def _restore(self, state: Any) -> None:
        (self.locals.taken, self.attributes.taken, self.mutable), self.init, self.extras = state

    def _header(self, st: Statement, ran: Ran, entering: list[Held]) -> str:
        body = st.body
        if st.type == "repeat":
            index = self.py(body.index) if body.index else "_"
            try:
                times = self.tree(body.times, ran, entering, forward=False, whole=True)
            except Unsayable:
                values = [len(line.turns) for _, line in ran]
                times = self.fallback("times", body.times, ran, values, forward=False)
            return f"for {index} in range({expressions.text(times)})"
        try:
            rows = self.tree(body.rows, ran, entering, forward=False)
        except Unsayable:
            rows = self.fallback(
                "rows",
                body.rows,
                ran,
                [evaluate(body.rows, line.values) for _, line in ran],
                forward=False,
            )
        names = ", ".join([self.py(each) for each in body.bind])
        if len(body.bind) == 1:
            cells = [row for _, line in ran for row in evaluate(body.rows, line.values)]
            if isinstance(rows, ast.Tuple):
                rows.elts = [
                    row.elts[0] if isinstance(row, ast.Tuple) and isinstance(cell, tuple) else row
                    for row, cell in zip(rows.elts, cells)
                ]
            elif cells and all(isinstance(cell, tuple) for cell in cells):
                names += ","
            elif any(isinstance(cell, tuple) for cell in cells):
                raise Unsayable
        text = expressions.text(rows)
        if isinstance(rows, ast.Tuple):
            text = f"[{', '.join(map(expressions.text, rows.elts))}]"
        return f"for {names} in {text}"

    def _lifted_name(self, st: Statement) -> str:
        stack = st.body.layers
        named = [each.body.name for each in stack if each.body.name is not None]
        if len(stack) == 1 and named:
            return class_name(named[0])
        if st.body.name is not None:
            return class_name(st.body.name)
        return f"{self.name}Layer"

    def lifted(
        self, stack: Stack, turns: list[tuple[int, Turn]], name: str, bound: Iterable[str] = ()
    ) -> Signature:
        """A class for a list in this one, whose names are its arguments."""
        runs = [turn for _, turn in turns]
        writer = Writer(
            self.file,
            self.file.names.new(name),
            self.block,
            runs,
            args={},
            let={},
            outer=self,
            bound=bound,
        )
        writer.late = set(self.late)
        return writer.written(stack)


class _Ways:
    """The channels of what goes from line to line, which may differ by what was left out."""

    def __init__(self, writer: Writer, channels: Tree, count: int) -> None:
        self.writer = writer
        self.at: list[Tree] = [channels] * count
        #: The condition of the last line that was put, and what it made.
        self.test: Tree = None
        self.made: Tree = None

    def put(self, channels: Tree, positions: Iterable[int], test: Tree = None) -> None:
        """Say what leaves a line, in the runs in which it is there."""
        for position in positions:
            self.at[position] = channels
        self.test, self.made = test, channels

    def among(self, positions: Iterable[int], lines: Ran) -> Tree:
        """The channels of what enters lines at some of the runs; None where that is not known."""
        found: list[tuple[Tree, list[int]]] = []
        for position in positions:
            tree = self.at[position]
            known = next((each for each in found if expressions.same(each[0], tree)), None)
            if known is None:
                found.append((tree, known_at := []))
            else:
                known_at = known[1]
            known_at.append(position)
        trees = [tree for tree, _ in found if tree is not None]
        if len(trees) < len(found):
            return None if len(found) > 1 or not trees else trees[0]
        if len(trees) == 1:
            return trees[0]
        for tree, own in reversed(found):
            others = [lines[at] for _, each in found for at in each if each is not own]
            if self.writer.holds(tree, others, 0):
                return tree
        if len(found) == 2 and self.test is not None:
            (before, after) = trees
            if expressions.same(before, self.made):
                before, after = after, before
            return ast.IfExp(self.test, after, before)
        return None


def _does(line: Line) -> bool:
    """Whether a line is there, and has a turn where it is a loop."""
    return not line.left_out and (bool(line.turns) or line.st.type not in ("repeat", "for_each"))


def _left(turn: Turn) -> Line:
    """What leaves a turn, as a line that it enters."""
    return _entered(turn)._replace(inputs=turn.outputs)


class _Within:
    """What lines around say of training, and the names of a list, while it is written."""

    def __init__(self, writer: Writer, trained: str) -> None:
        self.writer, self.trained = writer, trained

    def __enter__(self) -> None:
        self.before = self.writer.trainings
        self.writer.trainings = (*self.before, self.trained)
        self.writer.tensors.append({})
        self.writer.modules.append({})

    def __exit__(self, *error: object) -> None:
        self.writer.trainings = self.before
        self.writer.tensors.pop()
        self.writer.modules.pop()


def _keeps(turns: Sequence[Turn]) -> bool:
    """Whether runs hand on as many channels as enter them."""
    return all(
        len(turn.outputs) == 1
        and bool(turn.inputs)
        and turn.inputs[0].shape[0] == turn.outputs[0].shape[0]
        for turn in turns
    )


def _entered(turn: Turn) -> Line:
    """A turn, as a line that has its inputs and names."""
    seen = {**turn.values, **(tensor_values(turn.inputs[0].shape) if turn.inputs else {})}
    return Line(None, seen, turn.inputs, turn.outputs, range(0), turns=(turn,))  # type: ignore[arg-type]


def _input_names(count: int) -> list[str]:
    return ["x"] if count == 1 else [f"x{index + 1}" for index in range(count)]


def _channels_name(index: int) -> str:
    return "in_channels" if index == 0 else f"in_channels_{index}"
