"""From a document to a graph: variables set, blocks and loops written out, shapes worked out."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from convcalc import layers
from convcalc.arithmetic import Refusal, ceil, ceil_div, floor, is_fraction, make_divisible
from convcalc.diagnostics import (
    ENOUGH,
    ConvcalcError,
    Diagnostic,
    Mark,
    Source,
    fail,
)
from convcalc.expressions import Expression, ExpressionError, fits
from convcalc.graph import Builder, Graph, input_tensors
from convcalc.language import reader
from convcalc.language.check import TENSOR_NAMES
from convcalc.language.document import Call, Document, Items, Statement, Value
from convcalc.language.limits import DEFAULT, Clock, Limits, exceeded
from convcalc.layers.base import Layer, Placed
from convcalc.layers.composite import Composite
from convcalc.layers.fields import Whole
from convcalc.layers.joining import Split
from convcalc.shape import Shape, Tensor
from convcalc.words import counted, describe, did_you_mean, grouped, listed

if TYPE_CHECKING:
    from convcalc.language.forms import Block, Branches, ForEach, Repeat, Residual, Sequential

_SIZE = Whole(1)
_TIMES = Whole(0)


def expand(
    document: Document,
    source: Source,
    *,
    preset: str | None = None,
    variables: Mapping[str, Any] | None = None,
    input: tuple[int, ...] | None = None,
    limits: Limits = DEFAULT,
) -> Graph:
    """The graph of a document.

    `preset` and then `variables` set the document's variables; `input` stands for its single input,
    `(channels, *spatial)`. Raises ConvcalcError with every independent mistake that is found.
    """
    return _Expansion(document, source, limits).run(preset, variables or {}, input)


#: The tensors that one line hands to the next; None where a mistake leaves them unknown.
Tensors = tuple[Tensor, ...] | None


class _Names:
    """The tensors that `from` can name: those of this list, and of the lists around it."""

    __slots__ = ("known", "left_out", "outer")

    def __init__(self, outer: _Names | None = None) -> None:
        self.outer = outer
        self.known: dict[str, Tensors] = {}
        #: Names of layers that their `when` leaves out.
        self.left_out: set[str] = set()

    def find(self, name: str) -> Tensors:
        """The tensors of a name. Raises KeyError."""
        scope: _Names | None = self
        while scope is not None:
            if name in scope.known:
                return scope.known[name]
            scope = scope.outer
        raise KeyError(name)

    def is_left_out(self, name: str) -> bool:
        """Whether a name is that of a layer which its `when` leaves out."""
        return name in self.left_out or (self.outer is not None and self.outer.is_left_out(name))

    def all(self) -> list[str]:
        """Every name in reach."""
        return [*self.known, *(self.outer.all() if self.outer else [])]


class _Frame(NamedTuple):
    """Where an element stands: values and tensors in reach, its group, the calls around it."""

    values: Mapping[str, Any]
    tensors: _Names
    #: Block and place of each call around, outermost first.
    calls: tuple[tuple[str, Mark], ...] = ()
    depth: int = 0
    #: The place of the composite layer that this is a part of: its own text is not the user's.
    composite: Mark | None = None


class _UnsettledError(Exception):
    """A value depends on a tensor that a mistake leaves unknown."""


class _Expansion:
    def __init__(self, document: Document, source: Source, limits: Limits) -> None:
        self.document = document
        self.spec = document.spec
        self.source = source
        self.limits = limits = limits.scaled(source.text)
        self.bounds = limits.bounds
        self.found: list[Diagnostic] = []
        #: The statements (and composite layers around them) in which a mistake was found: each is
        #: reported once, however often it is run.
        self.mistaken: set[tuple[int, Mark | None]] = set()
        self.builder = Builder()
        self.inputs: dict[str, Shape] = {}
        #: The spec's variables: all that a block's body sees of the outside.
        self.values: dict[str, Any] = {}
        self.steps = 0
        self.clock = Clock(limits)
        #: Statement, values and shapes to the layer that they make.
        self.made: dict[Any, Placed] = {}

    def run(
        self, preset: str | None, settings: Mapping[str, Any], input: tuple[int, ...] | None
    ) -> Graph:
        spec = self.spec
        values = self.values = self.variables(preset, settings)
        self.inputs = self.input_shapes(values, input)
        self.stop_if_wrong()
        tensors = _Names()
        entering = input_tensors(self.inputs)
        tensors.known["input"] = entering
        for name, tensor in zip(self.inputs, entering):
            tensors.known.setdefault(name, (tensor,))
        frame = _Frame(values, tensors)
        last = self.stack(spec.layers, entering, frame)
        outputs = self.outputs(last, frame)
        self.stop_if_wrong()
        nodes = self.builder.nodes()
        leaving = outputs or ()
        return Graph(spec.name, spec.source, self.inputs, nodes, leaving, preset, dict(values))

    # Mistakes

    def report(
        self,
        code: str,
        message: str,
        mark: Mark | None,
        frame: _Frame | None = None,
        *,
        label: str = "",
        notes: tuple[str, ...] = (),
        where: str = "",
        help: str = "",
    ) -> None:
        """Note a mistake, with the calls that lead to it; `where` says more of the place."""
        calls = reversed(frame.calls) if frame else ()
        chain = [f"in block `{block}`, called at line {at.line}" for block, at in calls]
        if frame and frame.composite:
            mark, label = frame.composite, ""
        if place := "; ".join([*chain, where] if where else chain):
            notes = (*notes, place)
        self.found.append(Diagnostic(code, message, self.source, mark, label, notes, help))
        if len(self.found) >= ENOUGH:
            self.stop_if_wrong()

    def stop(self, diagnostic: Diagnostic) -> NoReturn:
        self.found.append(diagnostic)
        raise ConvcalcError.of(self.found)

    def exceed(self, name: str, message: str, mark: Mark) -> NoReturn:
        """Stop at a limit."""
        self.stop(exceeded(name, message, self.source, mark))

    def exceed_steps(self, message: str, mark: Mark) -> NoReturn:
        help = "ten are allowed for each layer: `--limit layers=N` allows 10·N"
        self.stop(Diagnostic("limit-layers", message, self.source, mark, help=help))

    def stop_if_wrong(self) -> None:
        if self.found:
            raise ConvcalcError.of(self.found)

    def place(self, tensor: Tensor) -> str:
        """What a tensor is called in a message."""
        if tensor.node < 0:
            return (
                "the input"
                if len(self.inputs) == 1
                else f"input `{list(self.inputs)[-1 - tensor.node]}`"
            )
        return f"`{self.builder.name(tensor.node)}`"

    # Values

    def variables(self, preset: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The variables with their values: defaults, then the preset's, then the given ones."""
        document, spec, raw = self.document, self.spec, self.spec.variables
        if preset is not None and preset not in spec.presets:
            known = f"its presets are {listed(spec.presets)}" if spec.presets else "it has none"
            help = did_you_mean(preset, spec.presets) or known
            raise fail("unknown-preset", f"{self.source.name} has no preset `{preset}`", help)
        for name in settings:
            if name not in raw:
                known = f"its variables are {listed(raw)}" if raw else "it has no variables"
                help = did_you_mean(name, raw) or known
                raise fail("unknown-variable", f"{self.source.name} has no variable `{name}`", help)
        chosen = spec.presets[preset] if preset is not None else {}
        values: dict[str, Any] = {}
        frame = _Frame(values, _Names())
        for name, default in raw.items():
            try:
                mark = document.mark_of("variables", name)
                values[name] = self.evaluate(default, mark, frame, ())
                if name in chosen:
                    mark = document.mark_of("presets", str(preset), name)
                    values[name] = self.evaluate(chosen[name], mark, frame, ())
                if name in settings:
                    values[name] = _setting(name, settings[name], values[name])
            except _UnsettledError:
                # What follows is checked with a stand-in; the run ends before it is used.
                values[name] = 1
        return values

    def input_shapes(
        self, values: Mapping[str, Any], given: tuple[int, ...] | None
    ) -> dict[str, Shape]:
        """The shapes of the inputs by name."""
        raw = self.spec.input
        if given is not None:
            if len(raw) != 1:
                names = listed(raw)
                message = (
                    f"{self.source.name} has {len(raw)} inputs, {names}, and one shape is given"
                )
                raise fail("bad-value", message, "change the file's `input`")
            return dict.fromkeys(raw, Shape(*given))
        shapes = {}
        frame = _Frame(values, _Names())
        for name, value in raw.items():
            path = ("input", name) if self.document.mark_of("input", name) else ("input",)
            try:
                shapes[name] = self.input_shape(value, path, frame)
            except _UnsettledError:
                continue
        return shapes

    def input_shape(self, value: Any, path: tuple[str, ...], frame: _Frame) -> Shape:
        mark = self.document.mark_of(*path)
        assert mark is not None
        sizes = self.evaluate(value, mark, frame, ())
        if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= 4:
            message = f"`{path[-1]}` must be a list of one to four sizes, not {describe(sizes)}"
            self.report("bad-value", message, mark)
            raise _UnsettledError
        marks = self.document.item_marks(*path)
        parsed = []
        for index, size in enumerate(sizes):
            try:
                parsed.append(_SIZE.parse(size))
            except Refusal as refusal:
                message = f"a size of the input {refusal.message}"
                at = marks[index] if marks else mark
                self.report(refusal.code, message, at, help=refusal.help)
        if len(parsed) < len(sizes):
            raise _UnsettledError
        return Shape(*parsed)

    def evaluate(self, value: Any, mark: Mark | None, frame: _Frame, inputs: Tensors) -> Any:
        """The value of what a spec wrote. Raises _UnsettledError where a mistake is in the way."""
        if isinstance(value, Items):
            if self.clock.is_over(len(value.items)):
                self.exceed("seconds", self.clock.message(), mark or value.marks[0])
            items = tuple(
                [
                    self.evaluate(item, at, frame, inputs)
                    for item, at in zip(value.items, value.marks)
                ]
            )
            if not fits(items, self.bounds):
                message = f"this list has more than {self.limits.items:,} items"
                self.exceed("items", message, mark or value.marks[0])
            return items
        if not isinstance(value, Expression):
            return value
        names = frame.values
        if _asks_for_tensor(value):
            if inputs is None:
                raise _UnsettledError
            names = {**names, **_tensor_values(inputs[0].shape if inputs else None)}
        try:
            return value.evaluate(names)
        except ExpressionError as error:
            where = ""
            if error.code == "unknown-name" and inputs:
                # The check knows all names but those that only some tensors have.
                shape = inputs[0].shape
                where = f"the tensor here is {shape}, from {self.place(inputs[0])}"
                error.help = f"this tensor has {listed(_tensor_values(shape))}"
            self.report(
                error.code,
                error.message,
                mark and mark.within(error.start, error.end - error.start),
                frame,
                label=error.label,
                notes=_values_note(value, names),
                where=where,
                help=error.help,
            )
            raise _UnsettledError from None

    def truth(self, value: Any, st: Statement, field: str, frame: _Frame, inputs: Tensors) -> bool:
        """A condition's value. Raises _UnsettledError."""
        if value is True:
            return True
        result = self.evaluate(value, st.mark_of(field), frame, inputs)
        if isinstance(result, (bool, int, float)):
            return bool(result)
        message = f"`{field}` must be true or false, not {describe(result)}"
        self.report("bad-value", message, st.mark_of(field), frame)
        raise _UnsettledError

    # Elements

    def stack(self, statements: Iterable[Statement], current: Tensors, frame: _Frame) -> Tensors:
        """A list of layers, each fed by the one above; what the last one makes."""
        for statement in statements:
            current = self.statement(statement, current, frame)
        return current

    def inner(self, frame: _Frame, mark: Mark, **changes: Any) -> _Frame:
        """The frame of a list inside."""
        if frame.depth >= self.limits.depth:
            message = f"blocks, groups and loops are nested more than {self.limits.depth} deep"
            self.exceed("depth", message, mark)
        changes.setdefault("tensors", _Names(frame.tensors))
        return frame._replace(depth=frame.depth + 1, **changes)

    def step(self, mark: Mark) -> None:
        """Count a turn or an element, and stop at the limits of both their number and the time."""
        self.steps += 1
        if self.steps > self.limits.steps:
            message = f"more than {self.limits.steps:,} turns of loops and calls of blocks"
            self.exceed_steps(message, mark)
        if self.clock.is_over():
            self.exceed("seconds", self.clock.message(), mark)

    def statement(self, st: Statement, current: Tensors, frame: _Frame) -> Tensors:
        """One element; what it hands on."""
        self.step(st.mark)
        found, key = len(self.found), (id(st), frame.composite)
        result: Tensors = None
        if key not in self.mistaken:
            try:
                # What `when` leaves out need not have its input; so that is looked for after it,
                # unless the condition asks for the input's size.
                inputs = current
                if st.body.from_ and _asks_for_tensor(st.body.when):
                    inputs = self.from_tensors(st, frame)
                if not self.truth(st.body.when, st, "when", frame, inputs):
                    if st.body.name is not None:
                        frame.tensors.left_out.add(st.body.name)
                    return current
                if st.body.from_ and inputs is current:
                    inputs = self.from_tensors(st, frame)
                result = self.element(st, inputs, frame)
            except _UnsettledError:
                pass
            if len(self.found) > found:
                self.mistaken.add(key)
        if st.body.name is not None:
            frame.tensors.known[st.body.name] = result
        return result

    def from_tensors(self, st: Statement, frame: _Frame) -> Tensors:
        """The tensors that `from` names. Raises _UnsettledError where a name is unknown."""
        result: list[Tensor] = []
        unsettled = False
        for name in st.body.from_:
            try:
                found = self.named(name, frame.tensors)
            except KeyError:
                self.unknown_tensor(st, name, frame)
                raise _UnsettledError from None
            if found is None:
                unsettled = True
            else:
                result += found
        return None if unsettled else tuple(result)

    def unknown_tensor(self, st: Statement, name: str, frame: _Frame) -> None:
        known = list(dict.fromkeys(frame.tensors.all()))
        whole, _, part = name.rpartition(".")
        message = f"`from` names `{name}`, and no layer above has that name"
        help = f"known here: {listed(known)}; a name is seen by what follows it in its list"
        if frame.calls:
            help = f"a block sees nothing of its caller; known here: {listed(known)}"
        if whole in known:
            parts = len(frame.tensors.find(whole) or ())
            message = f"`from` names part {part} of `{whole}`, which has {counted(parts, 'part')}"
            help = f"parts are counted from 0: `{whole}.0`"
        if frame.tensors.is_left_out(name):
            message = f"`from` names `{name}`, which its `when` leaves out here"
            help = "give this line the same `when`, or name a layer that is there"
        label = "" if whole in known else did_you_mean(name, known)
        self.report(
            "unknown-tensor", message, self.from_mark(st, name), frame, label=label, help=help
        )

    def from_mark(self, st: Statement, name: str) -> Mark:
        raw = st.origin.get("from")
        if isinstance(raw, reader.Sequence):
            return raw.marks[raw.index(name)]
        return st.mark_of("from")

    def named(self, name: str, tensors: _Names) -> Tensors:
        """The tensors of a name, or the one part of it (`parts.1`). Raises KeyError."""
        try:
            return tensors.find(name)
        except KeyError:
            whole, dot, part = name.rpartition(".")
            if not dot:
                raise
            found = tensors.find(whole)
            if found is not None and int(part) >= len(found):
                raise
            return None if found is None else (found[int(part)],)

    def element(self, st: Statement, inputs: Tensors, frame: _Frame) -> Tensors:
        body = st.body
        if isinstance(body, Call):
            if st.type in self.spec.blocks:
                return self.block(st, body, self.spec.blocks[st.type], inputs, frame)
            return self.layer(st, body, inputs, frame)
        if inputs is None:
            return None
        grouped = st.body.name is not None or st.type == "sequential"
        frame = self.inner(frame, st.mark)
        if not grouped:
            return self.structure(st, body, inputs, frame)
        with self.builder.group(st.body.name or st.type, st.type):
            return self.structure(st, body, inputs, frame)

    def structure(self, st: Statement, body: Any, inputs: Tensors, frame: _Frame) -> Tensors:
        structure: Callable[[Statement, Any, Tensors, _Frame], Tensors] = getattr(self, st.type)
        return structure(st, body, inputs, frame)

    def sequential(
        self, st: Statement, body: Sequential, inputs: Tensors, frame: _Frame
    ) -> Tensors:
        return self.stack(body.layers, inputs, frame)

    def repeat(self, st: Statement, body: Repeat, inputs: Tensors, frame: _Frame) -> Tensors:
        mark = st.mark_of("times")
        value = self.evaluate(body.times, mark, frame, inputs)
        try:
            times = _TIMES.parse(value)
        except Refusal as refusal:
            self.refused(refusal, st, frame, inputs, "times", [body.times])
            raise _UnsettledError from None
        if times > self.limits.steps:
            turns = grouped(times) if times < 10**24 else describe(times)
            message = f"{turns} turns are more than the {self.limits.steps:,} allowed"
            self.exceed_steps(message, mark)
        for index in range(times):
            self.step(st.mark)
            values = {**frame.values, body.index: index} if body.index else frame.values
            turn = frame._replace(values=values, tensors=_Names(frame.tensors))
            inputs = self.stack(body.layers, inputs, turn)
        return inputs

    def for_each(self, st: Statement, body: ForEach, inputs: Tensors, frame: _Frame) -> Tensors:
        mark = st.mark_of("in")
        rows = self.evaluate(body.rows, mark, frame, inputs)
        if not isinstance(rows, tuple):
            message = f"`in` must be a list of rows, not {describe(rows)}"
            self.report("bad-value", message, mark, frame, help="in: [[1, 16], [6, 24]]")
            raise _UnsettledError
        names = body.bind
        for number, row in enumerate(rows):
            self.step(st.mark)
            cells = row if isinstance(row, tuple) and len(names) > 1 else (row,)
            if len(cells) != len(names):
                at = self.row_mark(st, number)
                given = counted(len(cells), "value")
                message = f"this row has {given} for the {counted(len(names), 'name')} of `bind`"
                self.report("bad-value", message, at, frame, help=f"the names are {listed(names)}")
                raise _UnsettledError
            turn = frame._replace(
                values={**frame.values, **dict(zip(names, cells))}, tensors=_Names(frame.tensors)
            )
            inputs = self.stack(body.layers, inputs, turn)
        return inputs

    def row_mark(self, st: Statement, number: int) -> Mark:
        rows = st.origin.get("in")
        return rows.marks[number] if isinstance(rows, reader.Sequence) else st.mark_of("in")

    def residual(self, st: Statement, body: Residual, inputs: Tensors, frame: _Frame) -> Tensors:
        connected = self.truth(body.connect, st, "connect", frame, inputs)
        result = self.stack(body.layers, inputs, frame)
        if not connected:
            return result
        shortcut = inputs
        if body.shortcut:
            with self.builder.group("shortcut", "shortcut"):
                shortcut = self.stack(body.shortcut, inputs, self.inner(frame, st.mark))
        if result is None or shortcut is None:
            return None
        return self.join(st, "add", (*result, *shortcut), frame, _residual_help)

    def branches(self, st: Statement, body: Branches, inputs: Tensors, frame: _Frame) -> Tensors:
        entering: list[Tensors] = [inputs] * len(body.paths)
        if body.split and len(body.paths) > 1:
            parts = self.apply(st, Split(sections=len(body.paths)), inputs, frame, "split")
            entering = [None] * len(body.paths) if parts is None else [(part,) for part in parts]
        results: list[Tensor] = []
        whole = True
        for path, tensors in zip(body.paths, entering):
            with self.builder.group("path", "path"):
                made = self.stack(path, tensors, self.inner(frame, st.mark))
            whole = whole and made is not None
            results += made or ()
        if not whole:
            return None
        return self.join(st, body.merge, tuple(results), frame)

    def join(
        self,
        st: Statement,
        type: str,
        tensors: tuple[Tensor, ...],
        frame: _Frame,
        help: Callable[..., str] | None = None,
    ) -> Tensors:
        """The row that joins the paths of a structure."""
        if len(tensors) == 1:
            return tensors
        return self.apply(st, layers.find(type)(), tensors, frame, type, help=help)

    def block(
        self, st: Statement, call: Call, block: Block, inputs: Tensors, frame: _Frame
    ) -> Tensors:
        if any(st.type == name for name, _ in frame.calls):
            chain = " → ".join([*(f"`{name}`" for name, _ in frame.calls), f"`{st.type}`"])
            message = f"block `{st.type}` calls itself: {chain}"
            help = "use `repeat` for a stack that comes several times"
            self.report("recursive-block", message, st.mark, frame, help=help)
            raise _UnsettledError
        values = dict(self.values)
        arguments: dict[str, Any] = {}
        unsettled = inputs is None
        for name, value in {**call.settled, **call.open}.items():
            try:
                arguments[name] = self.evaluate(value, st.mark_of(name), frame, inputs)
            except _UnsettledError:
                unsettled = True
        if unsettled:
            return None
        inside = self.inner(
            frame,
            st.mark,
            values=values,
            tensors=_Names(),
            calls=(*frame.calls, (st.type, st.mark)),
        )
        inside.tensors.known["input"] = inputs
        for name, default in block.args.items():
            given = name in arguments
            mark = self.document.mark_of("blocks", st.type, "args", name)
            values[name] = (
                arguments[name] if given else self.evaluate(default, mark, inside, inputs)
            )
        for name, value in block.let.items():
            mark = self.document.mark_of("blocks", st.type, "let", name)
            values[name] = self.evaluate(value, mark, inside, inputs)
        with self.builder.group(st.body.name or st.type, st.type):
            return self.stack(block.layers, inputs, inside)

    # Layers

    def layer(self, st: Statement, call: Call, inputs: Tensors, frame: _Frame) -> Tensors:
        cls = layers.find(st.type)
        values = dict(call.settled)
        unsettled = False
        for field in layers.fields_of(cls) if call.open else ():
            if field.name not in call.open:
                continue
            raw = call.open[field.name]
            try:
                value = self.evaluate(raw, st.mark_of(field.name), frame, inputs)
                values[field.name] = field.kind.parse(value)
            except _UnsettledError:
                unsettled = True
            except Refusal as refusal:
                self.refused(refusal, st, frame, inputs, field.name, [raw])
                unsettled = True
        if unsettled or inputs is None:
            return None
        if issubclass(cls, Composite):
            return self.composite(st, cls(**values), inputs, frame)
        key = (
            id(st),
            tuple(values[name] for name in call.open),
            tuple(tensor.shape for tensor in inputs),
        )
        made = self.made.get(key)
        if made is None:
            result = self.make(st, cls(**values), inputs, frame, call)
            if result is None:
                return None
            made = self.made[key] = result
        return self.add(st, made, inputs, frame, call.name or st.type, call.functional)

    def composite(self, st: Statement, layer: Composite, inputs: Tensors, frame: _Frame) -> Tensors:
        """The parts of a layer that stands for several."""
        assert inputs is not None
        try:
            with self.builder.group(st.body.name or st.type, st.type):
                return layer.build(self.builder, *inputs)
        except Refusal as refusal:
            refusal.label = ""
            self.refused(refusal, st, frame, inputs, None, [], of_shapes=True)
            return None

    def apply(
        self,
        st: Statement,
        layer: Layer,
        inputs: Tensors,
        frame: _Frame,
        base: str,
        help: Any = None,
    ) -> Tensors:
        """A layer that a structure implies."""
        assert inputs is not None
        made = self.make(st, layer, inputs, frame, None, help)
        return None if made is None else self.add(st, made, inputs, frame, base)

    def make(
        self,
        st: Statement,
        layer: Layer,
        inputs: tuple[Tensor, ...],
        frame: _Frame,
        call: Call | None,
        help: Any = None,
    ) -> Placed | None:
        """The layer on its inputs; None (and a report) where it refuses them."""
        try:
            placed = layer.placed(tuple(tensor.shape for tensor in inputs))
        except Refusal as refusal:
            if help is not None:
                refusal.help = help(*(tensor.shape for tensor in inputs)) or refusal.help
            raws = call.open.values() if call else ()
            self.refused(refusal, st, frame, inputs, refusal.field, raws, of_shapes=True)
            return None
        longest = max(
            (size for shape in placed.outputs for size in shape if isinstance(size, int)), default=0
        )
        if self.bounds.forbid(longest):
            message = f"a size of the output has more than {self.limits.digits} digits"
            self.exceed("digits", message, st.mark)
        return placed

    def refused(
        self,
        refusal: Refusal,
        st: Statement,
        frame: _Frame,
        inputs: Tensors,
        field: str | None,
        raws: Iterable[Value],
        of_shapes: bool = False,
    ) -> None:
        """Report what a rule or a field refuses; `raws` are the values that went into it."""
        message, help = refusal.message, refusal.help
        if field is not None and message.startswith(("must ", "has ")):
            message = f"`{st.key_of(field) or field}` {message}"
        names = {**frame.values, **_tensor_values(inputs[0].shape if inputs else None)}
        expressions = [each for raw in raws for each in _expressions(raw)]
        notes = dict.fromkeys(note for each in expressions for note in _result_note(each, names))
        if refusal.code == "not-whole" and len(expressions) == 1:
            text = expressions[0].text
            help = _roundings(text, expressions[0].evaluate(names)) or help
        where = ""
        if of_shapes and inputs:
            tensor = inputs[0]
            where = f"its input is {tensor.shape}, from {self.place(tensor)}"
            if len(inputs) > 1:
                given = [f"{tensor.shape} ({self.place(tensor)})" for tensor in inputs[:4]]
                where = f"its inputs are {', '.join(given)}{', …' if len(inputs) > 4 else ''}"
        mark = st.mark_of(field) if field else st.mark
        self.report(
            refusal.code, message, mark, frame,
            label=refusal.label, notes=tuple(notes)[:4], where=where, help=help,
        )  # fmt: skip

    def add(
        self,
        st: Statement,
        made: Placed,
        inputs: tuple[Tensor, ...],
        frame: _Frame,
        base: str,
        functional: bool = False,
    ) -> Tensors:
        """Add a node; its outputs."""
        if len(self.builder) >= self.limits.layers:
            message = f"the network has more than {self.limits.layers:,} layers"
            self.exceed("layers", message, st.mark)
        return self.builder.append(made, inputs, base, functional)

    def outputs(self, last: Tensors, frame: _Frame) -> Tensors:
        """The tensors that leave the network."""
        if not self.spec.outputs:
            return last
        result: list[Tensor] = []
        marks = self.document.item_marks("outputs")
        for index, name in enumerate(self.spec.outputs):
            try:
                result += self.named(name, frame.tensors) or ()
            except KeyError:
                message = f"`outputs` names `{name}`, and no layer of `layers` has that name"
                label = did_you_mean(name, frame.tensors.all())
                mark = marks[index] if marks else self.document.mark_of("outputs")
                self.report("unknown-tensor", message, mark, label=label)
        return tuple(result)


def _asks_for_tensor(value: Any) -> bool:
    """Whether an expression speaks of the tensor that reaches the layer."""
    return isinstance(value, Expression) and not value.names.keys().isdisjoint(TENSOR_NAMES)


_AXIS_NAMES: Mapping[int, tuple[str, ...]] = {
    1: ("in_length",),
    2: ("in_height", "in_width"),
    3: ("in_depth", "in_height", "in_width"),
}


def _tensor_values(shape: Shape | None) -> dict[str, int]:
    """The names that a tensor has in expressions."""
    if shape is None:
        return {}
    if len(shape) == 1:
        return {"in_features": shape[0], "in_channels": shape[0]}
    return {
        "in_channels": shape[0],
        **dict(zip(_AXIS_NAMES.get(len(shape) - 1, ()), shape.spatial)),
    }


def _values_note(expression: Expression, names: Mapping[str, Any]) -> tuple[str, ...]:
    """`with alpha = 0.7 and c = 32`, for the names in an expression; nothing where it has none."""
    known = [f"{name} = {_written(names[name])}" for name in expression.names if name in names]
    return (f"with {' and '.join(known)}",) if known else ()


def _result_note(expression: Expression, names: Mapping[str, Any]) -> tuple[str, ...]:
    """``c * alpha` is 22.4, with c = 32 and alpha = 0.7``; nothing where there are no names."""
    values = _values_note(expression, names)
    if expression.text.strip() in expression.names:
        return values
    result = f"`{expression.text}` is {_written(expression.evaluate(names))}"
    return tuple(f"{result}, {each}" for each in values)


def _expressions(raw: Value) -> Iterator[Expression]:
    """The expressions that a value is made of."""
    if isinstance(raw, Expression):
        yield raw
    elif isinstance(raw, Items):
        for item in raw.items:
            yield from _expressions(item)


def _written(value: Any) -> str:
    """A value as a spec writes it."""
    return describe(value).removeprefix("the text ").removeprefix("the list ")


def _roundings(text: str, value: Any) -> str:
    """What each way of rounding makes of an expression; empty where it is no fraction."""
    if not is_fraction(value) and not (isinstance(value, float) and math.isfinite(value)):
        return ""
    below, above, nearest = map(describe, (floor(value), ceil(value), make_divisible(value)))
    ways = [f"`floor({text})` gives {below}", f"`ceil({text})` {above}"]
    # The papers round channels so; a small number counts something else.
    return ", ".join([*ways, f"`make_divisible({text}, 8)` {nearest}"] if value > 8 else ways)


def _setting(name: str, value: Any, default: Any) -> Any:
    """A variable's value as a user gives it, of the kind that its default has.

    Raises ConvcalcError for another kind.
    """
    if isinstance(value, list):
        value = tuple(value)
    elif not isinstance(value, (bool, int)) and hasattr(value, "__index__"):
        value = operator.index(value)  # numpy's integers
    kind = next((kind for kind, is_one in _KINDS.items() if is_one(default)), "")
    if not kind or _KINDS[kind](value):
        return value
    message = f"the variable `{name}` is {kind}, and {describe(value)} is not"
    raise fail("bad-value", message, f"its value in the spec is {describe(default)}")


#: The kinds of value that a variable has.
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "true or false": lambda value: isinstance(value, bool),
    "a number": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and math.isfinite(value))
    ),
    "a text": lambda value: isinstance(value, str),
    "a list": lambda value: isinstance(value, tuple),
}


def _residual_help(*shapes: Shape) -> str:
    """What a shortcut would have to do."""
    body, shortcut = shapes[0], shapes[-1]
    if len(body) != len(shortcut) or len(body) == 1:
        return ""
    strides = [ceil_div(a, b) for a, b in zip(shortcut.spatial, body.spatial)]
    if any(ceil_div(a, s) != b for a, b, s in zip(shortcut.spatial, body.spatial, strides)):
        before, after = Shape(*shortcut.spatial), Shape(*body.spatial)
        return f"the body makes {after} of {before}: padding keeps the size (p: 1 for k: 3)"
    step = strides[0] if len(set(strides)) == 1 else strides
    stride = "" if step == 1 else f", s: {step}"
    shortcut_line = f"`shortcut: [conv: {{out: {body.channels}, k: 1{stride}}}]`"
    return f"{shortcut_line} makes the shortcut {body} as well"
