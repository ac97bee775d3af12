"""Networks as Keras 3 code, functional style: a function for the network and for each block."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.exporters import _keras_layers as table
from convcalc.exporters._keras_helpers import HELPERS, helpers_for
from convcalc.exporters._keras_text import (
    excluded,
    formatted,
    function_name,
    functions,
    may_be_float,
    negation,
    spelled,
)
from convcalc.exporters.base import Exporter, Model
from convcalc.exporters.python.expressions import quoted, text, tree
from convcalc.exporters.python.layout import INDENT, docstring
from convcalc.exporters.python.names import identifier
from convcalc.exporters.python.replay import Line, Replay, replay
from convcalc.expressions import Expression
from convcalc.language.scopes import TENSOR_NAMES
from convcalc.language.statements import REQUIRED, Call, Items, Stack, Statement, Value
from convcalc.layers.composite import Composite


def _content(model: Model) -> str:
    try:
        return _File(model).text()
    except _Odd as odd:
        message = f"{model.document.spec.name} cannot be written in Keras: it has {odd}"
        raise fail("cannot-export", message) from None


EXPORTER = Exporter("keras", "Keras", ".py", _content, of_document=True)

#: Names that stand for something in every file.
_TAKEN = frozenset(("keras", "layers", "ops", "math", "x", "inputs", "outputs", "name", "_"))


#: What Keras calls layers that nobody names, but for a number.
_OWN_NAMES = frozenset(
    (
        *("abs", "activation", "add", "clip", "concatenate", "dense", "dropout", "elu", "exp"),
        *("flatten", "functional", "get_item", "identity", "input_layer", "log", "matmul", "max"),
        *("maximum", "mean", "min", "minimum", "multiply", "pad", "parameter", "permute", "repeat"),
        *("reshape", "resize", "scale", "softmax", "split", "sqrt", "square", "subtract", "sum"),
        *("conv1d", "conv2d", "conv3d", "take", "transpose", "unfold", "fold"),
    )
)


class _Block(NamedTuple):
    """A block as a function: its name, its arguments' names in Python, and what else it takes."""

    name: str
    args: Mapping[str, str]
    #: The variables of the document that it, or what it calls, speaks of.
    variables: tuple[str, ...]


class _File:
    """The file: which functions there are, and what they need."""

    def __init__(self, model: Model) -> None:
        self.document, self.graph = model.document, model.graph
        self.spec = self.document.spec
        self.replay: Replay = replay(self.document, self.graph)
        #: Every run of each line, by the line's identity.
        self.runs: dict[int, list[Line]] = {}
        for line in self.replay.lines():
            self.runs.setdefault(id(line.st), []).append(line)
        self.helpers: set[str] = set()
        self.uses_ops = False
        self.axes = len(next(iter(self.graph.inputs.values()))) - 1
        self.functions = self._functions()
        #: What names of the spec are called, and the names that stand for something.
        self.called: dict[str, str] = {}
        self.names = {*_TAKEN, *HELPERS, *self.functions.values()}
        self.blocks = {name: self._block(name) for name in self.spec.blocks}
        #: How many tensors enter each block that is called; 0 where that varies: it takes a list.
        self.entering: dict[str, int] = {}
        self.counts = self._counts()
        self.titles = self._titles()
        self.titled = self._titled()

    def _functions(self) -> dict[str, str]:
        """The names of the functions of the blocks; that of the network is under ""."""
        found: dict[str, str] = {}
        for name in (*self.spec.blocks, ""):
            plain = function_name(name or self.graph.preset or self.spec.name)
            while plain in found.values() or plain in _TAKEN or plain in HELPERS:
                plain = f"build_{plain}" if name == "" else f"{plain}_block"
            found[name] = plain
        return found

    def _counts(self) -> dict[str, set[int]]:
        """How many tensors enter each block, wherever it is called."""
        found: dict[str, set[int]] = {}
        stacks = [self.spec.layers, *(block.layers for block in self.spec.blocks.values())]
        for st in [st for stack in stacks for st in _lines(stack)]:
            if st.type in self.spec.blocks:
                own = found.setdefault(st.type, set())
                runs = [run for run in self.runs.get(id(st), ()) if not run.left_out]
                own |= {len(run.inputs) for run in runs}
                if len(st.body.from_) > 1:
                    own.add(len(st.body.from_))
        return found

    def _titles(self) -> set[str]:
        """The names of the network's own lines that Keras can take, each for one layer."""
        counts = Counter(st.body.name for st in _lines(self.spec.layers) if st.body.name)
        names = [st.body.name for st in self.spec.layers if st.body.name]
        return {
            name
            for name in names
            if counts[name] == 1 and re.sub(r"_\d+$", "", name) not in _OWN_NAMES
        }

    def _titled(self) -> set[str]:
        """The blocks that are told a name, for the layer which makes what they hand on."""
        lent = {getattr(st.body, "weights", None) for st in self.spec.layers}
        called = [
            st
            for st in self.spec.layers
            if st.body.name in self.titles - lent and getattr(st.body, "weights", None) is None
        ]
        found = {st.type for st in called if st.type in self.spec.blocks}
        waiting = [*found]
        while waiting:
            stack = self.spec.blocks[waiting.pop()].layers
            if not stack:
                continue
            last = stack[-1]
            if last.type in self.spec.blocks and last.type not in found and last.body.when is True:
                found.add(last.type)
                waiting.append(last.type)
        return found

    def _block(self, name: str) -> _Block:
        block = self.spec.blocks[name]
        variables = [each for each in self.spec.variables if each in self._speaks(name)]
        args = {each: self.python_name(each) for each in block.args}
        return _Block(self.functions[name], args, tuple(variables))

    def _speaks(self, name: str) -> set[str]:
        """The names that a block's lines take from outside."""
        block = self.spec.blocks[name]
        inner = set(block.args)
        found: set[str] = set()
        for value in block.args.values():
            found |= _names(value) - inner
        for each, value in block.let.items():
            found |= _names(value) - inner
            inner.add(each)
        return found | (self._spoken(block.layers, inner))

    def _spoken(self, stack: Stack, inner: set[str]) -> set[str]:
        found: set[str] = set()
        for st in stack:
            body = st.body
            values = [body.when, body.trainable]
            own = inner
            if isinstance(body, Call):
                values += body.open.values()
                if st.type in self.spec.blocks:
                    found |= self._speaks(st.type)
            for field in ("times", "rows", "connect"):
                values.append(getattr(body, field, None))
            bound = {*(getattr(body, "bind", None) or ()), getattr(body, "index", None)}
            own = inner | {each for each in bound if each}
            for value in values:
                found |= _names(value) - inner
            for inside in _stacks(body):
                found |= self._spoken(inside, own)
        return found

    def python_name(self, name: str) -> str:
        """A name of the spec as Python and the file take it, which is that of no other one."""
        if name not in self.called:
            plain = identifier(name)
            while plain in self.names:
                plain += "_"
            self.names.add(plain)
            self.called[name] = plain
        return self.called[name]

    def text(self) -> str:
        """The file."""
        network = _Network(self)
        main = network.written()
        written: dict[str, str] = {}
        while missing := [name for name in self.entering if name not in written]:
            for name in missing:
                written[name] = _BlockBody(self, name, self.entering[name]).written()
        blocks = [written[name] for name in self.spec.blocks if name in written]
        parts = [*helpers_for(self.helpers), *blocks, main]
        code = "\n\n\n".join(parts)
        imports = []
        if re.search(r"\bmath\.", code):
            imports.append("import math\n")
        imports.append("import keras")
        used = [name for name in ("layers", "ops") if re.search(rf"\b{name}\.", code)]
        if used:
            imports.append(f"from keras import {', '.join(used)}")
        head = docstring(f"{self.spec.name} in Keras 3, channels last.", self.spec.source)
        return f"{head}\n\n" + "\n".join(imports) + f"\n\n\n{code}\n"


def _has_float(value: Any) -> bool:
    """Whether a value is no whole number, or a list with such."""
    if type(value) is tuple:
        return any(map(_has_float, value))
    return isinstance(value, (float, Fraction))


def _names(value: Any) -> set[str]:
    """The names in a value."""
    if isinstance(value, Expression):
        return set(value.names)
    if isinstance(value, Items) or type(value) in (tuple, list):
        items = value.items if isinstance(value, Items) else value
        return {name for item in items for name in _names(item)}
    return set()


def _values(stack: Stack) -> Iterator[Any]:
    """The values in the lines of a list."""
    for st in _lines(stack):
        yield from (st.body.when, st.body.trainable)
        if isinstance(st.body, Call):
            yield from st.body.open.values()
        for field in ("times", "rows", "connect"):
            yield getattr(st.body, field, None)


def _stacks(body: Any) -> Iterator[Stack]:
    """The lists of lines in a structure."""
    if isinstance(body, Call):
        return
    for field in ("layers", "shortcut"):
        if stack := getattr(body, field, None):
            yield stack
    yield from getattr(body, "paths", None) or ()


def _lines(stack: Stack) -> Iterator[Statement]:
    """All the lines of a list, those in structures too."""
    for st in stack:
        yield st
        for inside in _stacks(st.body):
            yield from _lines(inside)


#: The code of tensors, as lines hand them on.
Tensors = tuple[str, ...]


class _Scope:
    """The names of tensors that a list sees."""

    def __init__(self, outer: _Scope | None = None) -> None:
        self.outer = outer
        self.tensors: dict[str, Tensors] = {}
        #: The variables that stand for the names of this list.
        self.variables: dict[str, str] = {}

    def find(self, name: str) -> Tensors:
        """The code of the tensors of a name."""
        whole, dot, part = name.partition(".")
        scope: _Scope | None = self
        while scope is not None:
            if whole in scope.tensors:
                found = scope.tensors[whole]
                return (found[int(part)],) if dot else found
            scope = scope.outer
        raise KeyError(name)


class _Case(NamedTuple):
    """Lines of the spec that are there where a condition holds."""

    condition: str
    lines: list[Statement]


class _Body:
    """Writes the body of a function."""

    def __init__(self, file: _File, stack: Stack, others: Iterable[str] = ()) -> None:
        self.file = file
        self.lines: list[str] = []
        self.depth = 1
        #: Names of values of the spec, and their code.
        self.values: dict[str, str] = {}
        self.taken: set[str] = set()
        #: The names that lines take tensors or weights from.
        self.named = {name.partition(".")[0] for name in others}
        for st in _lines(stack):
            self.named |= {name.partition(".")[0] for name in st.body.from_}
        #: The names of values that Python may have as floats.
        self.floats = {
            name for name in file.spec.variables if _has_float(file.graph.variables[name])
        }
        #: The names of lines whose weights others use.
        self.lent = {getattr(st.body, "weights", None) for st in _lines(stack)} - {None}
        #: The variables of the layers and models that named lines call.
        self.objects: dict[str | None, tuple[str, ...]] = {}
        #: Whether the layer that makes what leaves has the name that it is told.
        self.is_titled = False
        #: Whether the lists around say that they are trained: True, or the code of whether.
        self.around: list[Value] = [True]
        #: Whether what has weights is made once for all turns of a loop, and where.
        self.is_kept = False
        self.kept_at = self.kept_depth = 0

    # Lines of code

    def write(self, code: str) -> None:
        self.lines.append(INDENT * self.depth + code)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """What is written inside of `if …:`, `for …:`."""
        self.write(head)
        self.depth += 1
        at = len(self.lines)
        yield
        if len(self.lines) == at:
            self.write("pass")
        self.depth -= 1

    def assign(self, target: str, code: str) -> None:
        if target != code:
            self.write(f"{target} = {code}")

    def free(self, wanted: str) -> str:
        """A variable that nothing else is in."""
        name, count = wanted, 1
        while name in self.taken:
            count += 1
            name = f"{wanted}_{count}"
        self.taken.add(name)
        return name

    # Values

    def spell(self, value: Value, tensor: str, axes: int) -> str:
        """The code of a value, on a line that takes a tensor."""
        if isinstance(value, (Expression, Items)) and "make_divisible" in functions(value):
            self.file.helpers.add("make_divisible")
        return spelled(value, self.values, tensor, axes)

    def whole(self, value: Value, tensor: str, axes: int) -> str:
        """The code of a value that counts, which Python may have as a float: `24 * 0.5`."""
        code = self.spell(value, tensor, axes)
        if not isinstance(value, Expression) or not may_be_float(tree(value), self.floats):
            return code
        if isinstance(tree(value), ast.Tuple):
            return code
        return f"int({code})"

    def axes_of(self, st: Statement) -> int:
        """The spatial axes of what enters a line."""
        for run in self.file.runs.get(id(st), ()):
            if run.inputs and not run.left_out:
                return len(run.inputs[0].shape) - 1
        return self.file.axes

    # Lists

    def stack(self, stack: Stack, current: Tensors, flow: str, scope: _Scope) -> Tensors:
        """The lines of a list; the tensors that leave it. `flow` is the variable for them."""
        at = 0
        while at < len(stack):
            st = stack[at]
            if st.body.when is True:
                rest = stack[at + 1] if at + 1 < len(stack) else None
                if rest is not None and self.is_flattened(st, rest):
                    current = self.layer(st, current, flow, scope, flattened=rest)
                    at += 2
                    continue
                current = self.statement(st, current, flow, scope)
                at += 1
                continue
            if st.body.when is False:
                at += 1
                continue
            cases = self.cases(stack, at, current)
            at += sum(len(case.lines) for case in cases)
            current = self.choose(cases, current, flow, scope)
        return current

    def is_flattened(self, st: Statement, after: Statement) -> bool:
        """Whether a global pool's maps are only flattened, for which Keras has one layer."""
        body, next_ = st.body, after.body
        one = st.type in ("global_avg_pool", "global_max_pool") or (
            st.type in ("adaptive_avg_pool", "adaptive_max_pool")
            and table.one_or_all(body.settled.get("output_size")) == 1
        )
        return (
            one
            and after.type == "flatten"
            and next_.when is True
            and not next_.from_
            and next_.settled.get("start_axis", 0) == 0
            and not next_.open
            and body.name not in self.named
        )

    def condition(self, st: Statement, current: Tensors, scope: _Scope) -> str:
        inputs = current
        if st.body.from_:
            with suppress(KeyError):  # where it is left out it need not have its input
                inputs = self.tensors_of(st, current, scope)
        return self.spell(st.body.when, inputs[0], self.axes_of(st))

    def cases(self, stack: Stack, at: int, current: Tensors) -> list[_Case]:
        """Lines with conditions, one after the other, of which one case at the most holds."""
        first = stack[at]
        condition = self.spell(first.body.when, current[0], self.axes_of(first))
        cases = [_Case(condition, [first])]
        for st in stack[at + 1 :]:
            if st.body.when is True or not TENSOR_NAMES.isdisjoint(_names(st.body.when)):
                break
            own = self.spell(st.body.when, current[0], self.axes_of(st))
            if own == cases[-1].condition:
                cases[-1].lines.append(st)
            elif all(excluded(own, case.condition) for case in cases):
                cases.append(_Case(own, [st]))
            else:
                break
        speaks = not TENSOR_NAMES.isdisjoint(_names(first.body.when))
        return [_Case(condition, [first])] if speaks else cases

    def choose(self, cases: list[_Case], current: Tensors, flow: str, scope: _Scope) -> Tensors:
        """`if`, `elif`, and `else` where the last case is the contrary of the only other."""
        is_total = len(cases) == 2 and negation(cases[0].condition) == cases[1].condition
        if len(cases) == 1 and len(cases[0].lines) == 1:
            cases = [cases[0]._replace(condition=self.condition(cases[0].lines[0], current, scope))]
        if is_total and cases[0].condition.startswith("not "):
            cases.reverse()
        if not is_total and len(current) == 1 and current != (flow,):
            self.assign(flow, current[0])
            current = (flow,)
        ends: list[tuple[int, Tensors]] = []
        for number, case in enumerate(cases):
            head = f"{'elif' if number else 'if'} {case.condition}:"
            with self.block("else:" if number and is_total else head):
                made = current
                for st in case.lines:
                    made = self.statement(st, made, flow, scope)
                ends.append((len(self.lines), made))
        results = {made for _, made in ends}
        if not is_total:
            results.add(current)
        if len(results) == 1:
            return ends[0][1]
        if any(len(made) != 1 for made in results):
            raise _Odd("lines with a `when` that hand on more tensors than the ones around them")
        for at, (code,) in reversed(ends):
            if code != flow:
                self.lines.insert(at, INDENT * (self.depth + 1) + f"{flow} = {code}")
        return (flow,)

    def tensors_of(self, st: Statement, current: Tensors, scope: _Scope) -> Tensors:
        """The code of what enters a line."""
        if not st.body.from_:
            return current
        return tuple([code for name in st.body.from_ for code in scope.find(name)])

    def target(self, st: Statement, flow: str, scope: _Scope) -> str:
        """The variable for what a line makes."""
        name = st.body.name
        if name is None or name not in self.named:
            return flow
        if name not in scope.variables:
            scope.variables[name] = self.free(self.file.python_name(name))
        return scope.variables[name]

    def statement(self, st: Statement, current: Tensors, flow: str, scope: _Scope) -> Tensors:
        """A line, whose condition holds; the tensors that it hands on."""
        inputs = self.tensors_of(st, current, scope)
        target = self.target(st, flow, scope)
        if st.type in self.file.spec.blocks:
            made = self.call(st, inputs, target)
        elif isinstance(st.body, Call):
            return self.layer(st, current, flow, scope)
        else:
            own = self.trainable(st) if st.body.trainable is True else self.spell_frozen(st, inputs)
            self.around.append(own)
            made = getattr(self, f"_{st.type}")(st, inputs, target, scope)
            self.around.pop()
            if st.body.name in self.named and made != (target,) and len(made) == 1:
                self.assign(target, made[0])
                made = (target,)
        if st.body.name is not None:
            scope.tensors[st.body.name] = made
        return made

    def title(self, st: Statement) -> str:
        """The code of the name of the layer that makes what a line hands on; empty for none."""
        return ""

    # Layers

    def layer(
        self,
        st: Statement,
        current: Tensors,
        flow: str,
        scope: _Scope,
        *,
        flattened: Statement | None = None,
    ) -> Tensors:
        """A layer, and with it the line that flattens what it makes, where there is one."""
        last = flattened or st
        inputs = self.tensors_of(st, current, scope)
        target = self.target(last, flow, scope)
        site = self.site(st, inputs)
        try:
            steps = table.steps(site)
        except table.Unsayable as why:
            raise self.refuse(st, str(why)) from None
        if flattened:
            steps = [str(steps[0]).replace("keepdims=True", "")]
        title = self.title(last)
        if title and steps and isinstance(steps[-1], (str, table.Joining)):
            steps[-1] = _with_option(steps[-1], f"name={title}")
            self.is_titled = True
        learned = [n for n, step in enumerate(steps) if self.learns(st, step)]
        objects = iter(self.objects.get(st.body.weights, ()))
        kept: list[str] = []
        code = inputs[0]
        for number, step in enumerate(steps):
            if isinstance(step, table.Only):
                self.only(step, code, target)
            elif number in learned:
                if st.body.weights is not None:
                    layer = next(objects)
                else:
                    layer = self.layer_of(st, step, code, inputs)
                kept.append(layer)
                self.write(f"{target} = {layer}({code})")
            else:
                self.write(f"{target} = {_applied(step, code)}")
            code = target
        if not steps and target == flow:
            target = code
        elif not steps:
            self.assign(target, code)
        if st.body.name is not None:
            self.objects[st.body.name] = tuple(kept)
        made: Tensors = (target,)
        if st.type == "split":
            made = tuple([f"{target}[{part}]" for part in range(self.parts(st))])
        if last.body.name is not None:
            scope.tensors[last.body.name] = made
        return made

    def only(self, step: table.Only, code: str, target: str) -> None:
        """A step where its condition holds, and another, or none, where it does not."""
        if step.other is None:
            self.assign(target, code)
            code = target
        with self.block(f"if {step.condition}:"):
            self.write(f"{target} = {_applied(step.step, code)}")
        if step.other is not None:
            with self.block("else:"):
                self.write(f"{target} = {_applied(step.other, code)}")

    def learns(self, st: Statement, step: table.Step | table.Only) -> bool:
        """Whether a step has weights that the line shares, lends or does not train."""
        is_plain = st.body.weights is None and st.body.name not in self.lent
        if is_plain and not self.is_kept and self.trainable(st) is True:
            return False
        if isinstance(step, table.Only):
            if step.other is not None:
                raise self.refuse(st, "is one of two layers, and shares its weights or is frozen")
            return False
        if isinstance(step, table.Built):
            return True
        cls = layers.find(st.type)
        has_weights = cls.owns_tensors() or issubclass(cls, Composite)
        return has_weights and isinstance(step, str) and not table.is_bare(step)

    def layer_of(self, st: Statement, step: table.Step, x: str, inputs: Tensors) -> str:
        """The code of a layer with weights, which is kept where it is called again."""
        frozen = self.trainable(st)
        option = "" if frozen is True else self.spell_frozen(st, inputs)
        if isinstance(step, table.Built):
            code = self.model_of(st, step.function, (x,), step.arguments)
        else:
            code = _with_option(str(step), f"trainable={option}") if option else str(step)
        if st.body.name not in self.lent and not self.is_kept and isinstance(step, str):
            return code
        name = self.free(f"{identifier(st.body.name or st.type)}_layer")
        self.keep(name, code)
        if isinstance(step, table.Built) and option:
            self.keep(f"{name}.trainable", option)
        return name

    def keep(self, name: str, code: str) -> None:
        """Write what is made once, before the turns that share it."""
        if not self.is_kept:
            self.write(f"{name} = {code}")
            return
        self.lines.insert(self.kept_at, INDENT * self.kept_depth + f"{name} = {code}")
        self.kept_at += 1

    def trainable(self, st: Statement) -> Value:
        """Whether a line is trained, as it and what is around it say."""
        own: Value = st.body.trainable
        return self.around[-1] if own is True else own

    def spell_frozen(self, st: Statement, inputs: Tensors) -> str:
        """The code of that."""
        said = [each for each in (self.around[-1], st.body.trainable) if each is not True]
        codes = [
            each if isinstance(each, str) else self.spell(each, inputs[0], self.axes_of(st))
            for each in said
        ]
        return "False" if "False" in codes else " and ".join(codes)

    def model_of(
        self, st: Statement, function: str, inputs: Tensors, arguments: Iterable[str]
    ) -> str:
        """The code of a function's layers as a model, which can be called again."""
        if len(inputs) > 1:
            raise self.refuse(st, "takes several tensors, and shares its weights or is frozen")
        self.file.helpers.add("as_model")
        (x,) = inputs
        shapes = {run.inputs[0].shape for run in self.sharing(st) if run.inputs}
        shape = f"{x}.shape[1:]"
        if len(shapes) > 1:
            axes = self.axes_of(st)
            shape = f"({'None, ' * axes}{x}.shape[-1])"
        return table.call("as_model", function, shape, *arguments)

    def sharing(self, st: Statement) -> Iterator[Line]:
        """The runs of a line, and of those that use its weights."""
        for run in (run for runs in self.file.runs.values() for run in runs if not run.left_out):
            borrows = run.st.type == st.type and getattr(run.st.body, "weights", None) is not None
            if run.st is st or borrows:
                yield run

    def parts(self, st: Statement) -> int:
        for run in self.file.runs.get(id(st), ()):
            if not run.left_out:
                return len(run.outputs)
        body = st.body
        for field in ("sections", "sizes"):
            value = body.settled.get(field)
            if isinstance(value, int):
                return value
            if type(value) is tuple:
                return len(value)
        raise self.refuse(st, "has a number of parts that is not known here")

    def site(self, st: Statement, inputs: Tensors) -> table.Site:
        nodes = self.file.graph.nodes
        runs = [run for run in self.file.runs.get(id(st), ()) if not run.left_out]
        uses = tuple(nodes[index].placed for run in runs for index in run.nodes)
        axes = self.axes_of(st)
        fields = {**st.body.settled, **st.body.open}
        reals = [id(fields.get(name)) for name in ("rate", "value", "min", "max", "scale")]

        def spell(value: Value) -> str:
            code = self.spell if id(value) in reals else self.whole
            return code(value, inputs[0], axes)

        return table.Site(
            st.type,
            fields,
            spell,
            inputs,
            uses,
            axes,
            self.file.helpers,
            after_relu=self.follows_relu(runs),
        )

    def follows_relu(self, runs: list[Line]) -> bool:
        """Whether what enters a line is always what a ReLU made."""
        nodes = self.file.graph.nodes
        entering = [tensor.node for run in runs for tensor in run.inputs]
        return bool(entering) and all(
            node >= 0 and nodes[node].type in ("relu", "relu6") for node in entering
        )

    def refuse(self, st: Statement, why: str) -> ConvcalcError:
        what = f"`{st.body.name}`, " if st.body.name else ""
        message = f"{what}{st.type} at line {st.mark.line}, cannot be written in Keras: it {why}"
        return fail("cannot-export", message)

    # Blocks

    def call(self, st: Statement, inputs: Tensors, target: str) -> Tensors:
        file, call = self.file, st.body
        block = file.blocks[st.type]
        varies = len(file.counts[st.type]) > 1
        count = file.entering.setdefault(st.type, 0 if varies else len(inputs))
        if count not in (0, len(inputs)):
            raise self.refuse(st, f"takes {count} tensors elsewhere, and {len(inputs)} here")
        given = {**call.settled, **call.open}
        axes = self.axes_of(st)
        spec = file.spec.blocks[st.type]
        required = [name for name in spec.args if spec.args[name] == REQUIRED]
        arguments = list(inputs) if count else [f"[{', '.join(inputs)}]"]
        positional = required if len(required) <= 3 else required[:0]
        for name in positional:
            arguments.append(self.spell(given[name], inputs[0], axes))
        for name in spec.args:
            if name in given and name not in positional:
                value = self.spell(given[name], inputs[0], axes)
                arguments.append(f"{block.args[name]}={value}")
        for name in block.variables:
            arguments.append(f"{file.python_name(name)}={self.values[name]}")
        is_plain = call.weights is None and call.name not in self.lent and not self.is_kept
        if is_plain and self.trainable(st) is True:
            if st.type in file.titled and (title := self.title(st)):
                arguments.append(f"name={title}")
                self.is_titled = True
            self.write(f"{target} = {table.call(block.name, *arguments)}")
        else:
            model = (
                self.objects[call.weights][0] if call.weights else self.model(st, inputs, arguments)
            )
            self.objects[call.name] = (model,)
            self.write(f"{target} = {model}({inputs[0]})")
        return self.handed(st, target)

    def model(self, st: Statement, inputs: Tensors, arguments: list[str]) -> str:
        """The variable of a model that is made of a block."""
        model = self.free(f"{identifier(st.body.name or st.type)}_model")
        own = arguments[len(inputs) :]
        self.keep(model, self.model_of(st, self.file.blocks[st.type].name, inputs, own))
        if self.trainable(st) is not True:
            self.keep(f"{model}.trainable", self.spell_frozen(st, inputs))
        return model

    def handed(self, st: Statement, target: str) -> Tensors:
        """What a block hands on, which may be several tensors."""
        runs = [run for run in self.file.runs.get(id(st), ()) if not run.left_out]
        counts = {len(run.outputs) for run in runs}
        if counts == {1} or not counts:
            return (target,)
        if len(counts) > 1:
            raise self.refuse(st, "hands on a number of tensors that varies")
        return tuple([f"{target}[{part}]" for part in range(counts.pop())])

    # Structures

    def _sequential(self, st: Statement, inputs: Tensors, target: str, scope: _Scope) -> Tensors:
        return self.stack(st.body.layers, inputs, target, _Scope(scope))

    def _repeat(self, st: Statement, inputs: Tensors, target: str, scope: _Scope) -> Tensors:
        body = st.body
        times = self.whole(body.times, inputs[0], self.axes_of(st))
        with self.loop(st, (body.index,) if body.index else ()) as names:
            head = f"for {names[0] if names else '_'} in range({times}):"
            with self.shared(st):
                return self.turns(st, head, inputs, target, scope)

    @contextmanager
    def shared(self, st: Statement) -> Iterator[None]:
        """What turns share is made before the loop, while it is written."""
        if not st.body.share_weights or self.is_kept:
            yield
            return
        if st.body.index and any(st.body.index in _names(v) for v in _values(st.body.layers)):
            raise self.refuse(st, "shares its weights between turns that speak of their number")
        self.is_kept, self.kept_at, self.kept_depth = True, len(self.lines), self.depth
        yield
        self.is_kept = False

    def _for_each(self, st: Statement, inputs: Tensors, target: str, scope: _Scope) -> Tensors:
        body = st.body
        rows = self.spell(body.rows, inputs[0], self.axes_of(st))
        rows = _as_list(rows)
        if len(body.bind) == 1:
            rows = _unwrapped(body.rows, rows)
        with self.loop(st, body.bind) as names:
            return self.turns(st, f"for {', '.join(names)} in {rows}:", inputs, target, scope)

    @contextmanager
    def loop(self, st: Statement, bound: tuple[str, ...]) -> Iterator[list[str]]:
        """The names of a loop, while it is written."""
        outer = dict(self.values)
        names: list[str] = []
        for name in bound:
            code = self.file.python_name(name)
            while code in self.taken:
                code += "_"
            names.append(code)
            self.taken.add(code)
            self.values[name] = code
        floats = self.floats
        self.floats = floats - {*bound} | {
            name
            for run in self.file.runs.get(id(st), ())
            for turn in run.turns
            for name in bound
            if _has_float(turn.values[name])
        }
        yield names
        self.values, self.floats = outer, floats
        self.taken.difference_update(names)

    def turns(
        self, st: Statement, head: str, inputs: Tensors, target: str, scope: _Scope
    ) -> Tensors:
        if len(inputs) != 1:
            raise self.refuse(st, "is a loop that several tensors enter")
        self.assign(target, inputs[0])
        with self.block(head):
            made = self.stack(st.body.layers, (target,), target, _Scope(scope))
            if len(made) != 1:
                raise self.refuse(st, "is a loop that hands on several tensors")
            self.assign(target, made[0])
        return (target,)

    def _residual(self, st: Statement, inputs: Tensors, target: str, scope: _Scope) -> Tensors:
        body = st.body
        if len(inputs) != 1:
            raise self.refuse(st, "is a residual that several tensors enter")
        (x,) = inputs
        if body.connect is False:
            return self.stack(body.layers, inputs, target, _Scope(scope))
        shortcut, own = x, None
        if body.shortcut or x == target:
            shortcut = own = self.free("shortcut")
            self.assign(shortcut, x)
        made = self.stack(body.layers, (x,), target, _Scope(scope))
        axes = self.axes_of(st)
        connect = self.spell(body.connect, shortcut, axes)
        if body.connect is not True and made != (target,):
            self.assign(target, made[0])
            made = (target,)
        with self.maybe(body.connect is not True, connect):
            other: Tensors = (shortcut,)
            if body.shortcut:
                other = self.stack(body.shortcut, (shortcut,), shortcut, _Scope(scope))
            name = self.join_title(st) if body.connect is True else ""
            self.write(f"{target} = layers.Add({name})([{', '.join([*made, *other])}])")
        if own:
            self.taken.discard(own)
        return (target,)

    def join_title(self, st: Statement) -> str:
        """The option of a join's name."""
        title = self.title(st)
        self.is_titled = self.is_titled or bool(title)
        return f"name={title}" if title else ""

    @contextmanager
    def maybe(self, asked: bool, condition: str) -> Iterator[None]:
        if asked:
            with self.block(f"if {condition}:"):
                yield
        else:
            yield

    def _branches(self, st: Statement, inputs: Tensors, target: str, scope: _Scope) -> Tensors:
        body = st.body
        entering = [inputs] * len(body.paths)
        owned: list[str] = []
        if body.split and len(body.paths) > 1:
            parts = [self.free(f"part_{n}") for n in range(1, len(body.paths) + 1)]
            owned += parts
            self.write(f"{', '.join(parts)} = ops.split({inputs[0]}, {len(parts)}, axis=-1)")
            entering = [(part,) for part in parts]
        filled = [path for path in body.paths if path]
        made: list[str] = []
        for number, (path, tensors) in enumerate(zip(body.paths, entering), 1):
            if not path:
                made += tensors
                continue
            if body.split:
                flow = tensors[0]
            else:
                flow = self.free("y" if len(filled) == 1 else f"branch_{number}")
                owned.append(flow)
            made += self.stack(path, tensors, flow, _Scope(scope))
        self.taken.difference_update(owned)
        if len(made) == 1:
            return tuple(made)
        name = {"concat": "Concatenate", "add": "Add", "mul": "Multiply"}[body.merge]
        self.write(f"{target} = layers.{name}({self.join_title(st)})([{', '.join(made)}])")
        return (target,)


class _Odd(Exception):  # noqa: N818 - it becomes a ConvcalcError
    """What these functions are not made for."""


def _applied(step: table.Step, x: str) -> str:
    return f"{step}({x})" if isinstance(step, str) else step(x)


def _with_option(step: Any, option: str) -> Any:
    """A step with one more option of its layer."""
    if isinstance(step, table.Joining):
        return step._replace(layer=_with_option(step.layer, option))
    return f"{step[:-1]}{'' if step.endswith('()') else ', '}{option})"


def _as_list(rows: str) -> str:
    """The rows of a loop, as a list."""
    if rows.startswith("(") and rows.endswith(")") and rows != "()":
        made = ast.parse(rows, mode="eval").body
        if isinstance(made, ast.Tuple):
            return f"[{rows[1:-1].rstrip(',')}]"
    return rows


def _unwrapped(rows: Value, code: str) -> str:
    """Rows of one cell each, without the lists around them."""
    items = rows.items if isinstance(rows, Items) else rows
    if type(items) is tuple and any(
        (type(item) is tuple or isinstance(item, Items)) for item in items
    ):
        made = ast.parse(code, mode="eval").body
        assert isinstance(made, (ast.List, ast.Tuple))
        cells = [
            each.elts[0] if isinstance(each, (ast.List, ast.Tuple)) else each for each in made.elts
        ]
        return f"[{', '.join(map(text, cells))}]"
    return code


class _BlockBody(_Body):
    """Writes the function of a block."""

    def __init__(self, file: _File, name: str, entering: int) -> None:
        self.block_name, self.form = name, file.spec.blocks[name]
        super().__init__(file, self.form.layers)
        self.entering = entering

    def written(self) -> str:
        file, form = self.file, self.form
        block = file.blocks[self.block_name]
        if self.entering == 1:
            inputs = ["inputs" if "input" in self.named else "x"]
        else:
            inputs = [f"input_{n}" for n in range(self.entering)]
        parameters = list(inputs)
        if self.entering == 0:
            parameters = ["inputs"]
            inputs = [f"inputs[{n}]" for n in range(max(file.counts[self.block_name]))]
        self.taken.update(parameters, block.args.values(), {"x"})
        late: list[str] = []
        for name, code in block.args.items():
            if form.args[name] == REQUIRED:
                parameters.append(code)
        for name in block.variables:
            code = file.python_name(name)
            self.values[name] = code
            self.taken.add(code)
            if name not in block.args:
                parameters.append(code)
        scope = _Scope()
        scope.tensors["input"] = tuple(inputs)
        first, axes = inputs[0], self.block_axes()
        for name in block.args:
            self.floats.discard(name)
            if self.may_be_float(name):
                self.floats.add(name)
        for name, code in block.args.items():
            default = form.args[name]
            if default != REQUIRED:
                if _names(default):
                    late.append(f"{code}=None")
                    with self.block(f"if {code} is None:"):
                        self.write(f"{code} = {self.spell(default, first, axes)}")
                else:
                    late.append(f"{code}={_constant(self.spell(default, first, axes))}")
            self.values[name] = code
        lets = []
        for name, value in form.let.items():
            code = file.python_name(name)
            while code in self.taken:
                code += "_"
            self.taken.add(code)
            lets.append((len(self.lines), code))
            self.write(f"{code} = {self.spell(value, first, axes)}")
            self.values[name] = code
            self.floats.discard(name)
            if isinstance(value, (Expression, Items)) and may_be_float(tree(value), self.floats):
                self.floats.add(name)
        made = self.stack(form.layers, tuple(inputs), "x", scope)
        if self.block_name in file.titled:
            late.append("name=None")
            if not self.is_titled and len(made) == 1:
                self.write(f"{made[0]} = layers.Identity(name=name)({made[0]})")
        self.write(f"return {', '.join(made)}")
        for at, code in reversed(lets):
            rest = "\n".join(self.lines[at + 1 :])
            if not re.search(rf"(?<![\w.]){code}\b(?! ?=[^=])", rest):
                del self.lines[at]
        head = f"def {block.name}({', '.join([*parameters, *late])}):"
        return formatted([head, *_returned(self.lines)])

    def may_be_float(self, name: str) -> bool:
        """Whether an argument may be a float, by its default and what the block is called with."""
        given = [self.form.args[name]]
        spec = self.file.spec
        stacks = [spec.layers, *(block.layers for block in spec.blocks.values())]
        for st in [st for stack in stacks for st in _lines(stack)]:
            if st.type == self.block_name:
                given.append({**st.body.settled, **st.body.open}.get(name))
                for run in self.file.runs.get(id(st), ()):
                    given += [turn.values[name] for turn in run.turns]
        return any(
            may_be_float(tree(value), self.floats)
            if isinstance(value, Expression)
            else _has_float(value)
            for value in given
        )

    def title(self, st: Statement) -> str:
        is_last = st is self.form.layers[-1] and st.body.when is True
        return "name" if is_last and self.block_name in self.file.titled else ""

    def block_axes(self) -> int:
        for runs in self.file.runs.values():
            for run in runs:
                if run.st.type == self.block_name and run.inputs and not run.left_out:
                    return len(run.inputs[0].shape) - 1
        return self.file.axes


def _returned(lines: list[str]) -> list[str]:
    """The lines, of which the last returns what the one before it makes."""
    last = lines[-1].strip().removeprefix("return ")
    if len(lines) > 1 and lines[-2].startswith(f"    {last} = "):
        code = lines[-2].removeprefix(f"    {last} = ")
        return [*lines[:-2], f"    return {code}"]
    return lines


def _constant(code: str) -> str:
    """A default of a parameter: a list is a tuple, which nothing can change."""
    if not code.startswith("["):
        return code
    made = ast.parse(code, mode="eval").body
    assert isinstance(made, ast.List)
    return text(ast.Tuple(made.elts, ast.Load()))


class _Network(_Body):
    """Writes the function of the network."""

    def __init__(self, file: _File) -> None:
        spec = file.spec
        super().__init__(file, spec.layers, (*spec.outputs,))

    def written(self) -> str:
        file, spec, graph = self.file, self.file.spec, self.file.graph
        spoken = file._spoken(spec.layers, set())
        names = list(spec.variables)
        for name in reversed(names):
            if name in spoken:
                spoken |= _names(spec.variables[name])
        parameters, late = [], []
        for name in names:
            if name not in spoken:
                continue
            code = file.python_name(name)
            value, default = graph.variables[name], spec.variables[name]
            computed = isinstance(default, (Expression, Items)) and _names(default)
            if computed and _evaluated(default, graph.variables) == value:
                parameters.append(f"{code}=None")
                late.append((code, self.spell(default, "x", file.axes)))
            else:
                parameters.append(f"{code}={_constant(self.spell(value, 'x', file.axes))}")
            self.values[name] = code
            self.taken.add(code)
        self.taken.update(("x", "inputs", "outputs"))
        for code, default in late:
            with self.block(f"if {code} is None:"):
                self.write(f"{code} = {default}")
        scope = _Scope()
        inputs = self.inputs(scope, parameters, spoken)
        current = self.stack(spec.layers, inputs, "x", scope)
        if spec.outputs:
            current = tuple([code for name in spec.outputs for code in scope.find(name)])
        function = file.functions[""]
        entering = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
        if len(current) == 1:
            leaving = current[0]
            if leaving == "x" and self.lines[-1].startswith("    x = "):
                self.lines[-1] = self.lines[-1].replace("x", "outputs", 1)
                leaving = "outputs"
        else:
            leaving = f"[{', '.join(current)}]"
        self.write(f'return keras.Model({entering}, {leaving}, name="{function}")')
        head = f"def {function}({', '.join(parameters)}):"
        return formatted([head, *self.lines])

    def title(self, st: Statement) -> str:
        own = any(st is each for each in self.file.spec.layers)
        is_named = own and st.body.name in self.file.titles and st.body.name not in self.lent
        return quoted(st.body.name) if is_named else ""

    def inputs(self, scope: _Scope, parameters: list[str], spoken: set[str]) -> Tensors:
        file, spec, graph = self.file, self.file.spec, self.file.graph
        found = []
        several = len(graph.inputs) > 1
        for name, shape in graph.inputs.items():
            variable = self.free(file.python_name(name)) if several else "inputs"
            parameter = f"{variable}_shape" if several else "input_shape"
            sizes = (*shape.spatial, shape.channels)
            code = f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"
            value = spec.input.get(name, next(iter(spec.input.values())))
            if _names(value) & spoken:
                items = value.items if isinstance(value, Items) else ()
                cells = [
                    self.spell(item, "x", file.axes)
                    if _names(item) & spoken == _names(item)
                    else str(size)
                    for item, size in zip(items, shape)
                ]
                if items:
                    ordered = [*cells[1:], cells[0]]
                    code = f"({', '.join(ordered)}{',' if len(ordered) == 1 else ''})"
                parameters.append(f"{parameter}=None")
                with self.block(f"if {parameter} is None:"):
                    self.write(f"{parameter} = {code}")
            else:
                parameters.append(f"{parameter}={code}")
            own = f', name="{variable}"' if several else ""
            self.write(f"{variable} = keras.Input({parameter}{own})")
            scope.tensors[name] = (variable,)
            found.append(variable)
        scope.tensors["input"] = tuple(found)
        return tuple(found)


def _evaluated(value: Value, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Expression):
        return value.evaluate(names)
    if isinstance(value, Items):
        return tuple([_evaluated(item, names) for item in value.items])
    return value
