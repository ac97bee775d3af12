"""From a document to a graph: variables set, blocks and loops written out, every shape worked out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.diagnostics import (
    MOST,
    ConvcalcError,
    Diagnostic,
    Mark,
    Source,
    did_you_mean,
    fail,
    listed,
)
from convcalc.graph import Graph, Group, Node, Tensor
from convcalc.layers.base import Join, Layer, per_type
from convcalc.layers.composite import Composite
from convcalc.layers.fields import Whole, describe
from convcalc.shape import Shape
from convcalc.spec.document import (
    TENSOR_NAMES,
    Block,
    Branches,
    Call,
    Document,
    ForEach,
    Items,
    Repeat,
    Residual,
    Sequential,
    Statement,
    check_block,
)
from convcalc.spec.expressions import Expression, ExpressionError, unknown_name
from convcalc.spec.limits import DEFAULT, Limits

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


class _Group:
    """A naming level while the graph grows: how often each name was used in it."""

    __slots__ = ("base", "counts", "full", "ordinal", "parent", "type")

    def __init__(self, parent: _Group | None, base: str, type: str) -> None:
        self.parent = parent
        self.base = base
        self.type = type
        self.counts: dict[str, int] = {}
        self.ordinal = parent.use(base) if parent else 0
        self.full: tuple[Group, ...] | None = None

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

    def groups(self) -> tuple[Group, ...]:
        """This level and those around it, outermost first, once all uses are counted."""
        if self.parent is None:
            return ()
        if self.full is None:
            own = Group(self.parent.name(self.base, self.ordinal), self.type)
            self.full = (*self.parent.groups(), own)
        return self.full


class _Names:
    """The tensors that `from` can name: those of this list, and of the lists around it."""

    __slots__ = ("known", "outer")

    def __init__(self, outer: _Names | None = None) -> None:
        self.outer = outer
        self.known: dict[str, Tensors] = {}

    def find(self, name: str) -> Tensors:
        """The tensors of a name. Raises KeyError."""
        scope: _Names | None = self
        while scope is not None:
            if name in scope.known:
                return scope.known[name]
            scope = scope.outer
        raise KeyError(name)

    def all(self) -> list[str]:
        """Every name in reach."""
        return [*self.known, *(self.outer.all() if self.outer else [])]


class _Frame(NamedTuple):
    """Where an element stands: the values and tensors in reach, its group, and the calls around it."""

    values: Mapping[str, Any]
    tensors: _Names
    group: _Group
    #: Block and place of each call around, outermost first.
    calls: tuple[tuple[str, Mark], ...] = ()
    depth: int = 0
    #: The place of the composite layer that this is a part of: its own text is not the user's.
    composite: Mark | None = None


class _Draft(NamedTuple):
    """A node before its name is known."""

    group: _Group
    base: str
    ordinal: int
    layer: Layer
    inputs: tuple[Tensor, ...]
    outputs: tuple[Shape, ...]
    functional: bool


class _UnsettledError(Exception):
    """A value depends on a tensor that a mistake leaves unknown."""


class _Expansion:
    def __init__(self, document: Document, source: Source, limits: Limits) -> None:
        self.document = document
        self.source = source
        self.limits = limits
        self.found: dict[tuple[str, Mark | None], Diagnostic] = {}
        self.drafts: list[_Draft] = []
        self.inputs: dict[str, Shape] = {}
        #: The spec's variables: all that a block's body sees of the outside.
        self.values: dict[str, Any] = {}
        self.steps = 0
        self.deadline = time.monotonic() + limits.seconds
        #: Statement, values and shapes to the layer that they make, and its outputs.
        self.made: dict[Any, tuple[Layer, tuple[Shape, ...]]] = {}

    def run(
        self, preset: str | None, settings: Mapping[str, Any], input: tuple[int, ...] | None
    ) -> Graph:
        document = self.document
        values = self.values = self.variables(preset, settings)
        self.inputs = self.input_shapes(values, input)
        self.stop_if_wrong()
        root = _Group(None, "", "")
        tensors = _Names()
        entering = tuple(Tensor(-1 - i, 0, shape) for i, shape in enumerate(self.inputs.values()))
        tensors.known["input"] = entering
        for name, tensor in zip(self.inputs, entering):
            tensors.known.setdefault(name, (tensor,))
        frame = _Frame(values, tensors, root)
        last = self.stack(document.layers, entering, frame)
        outputs = self.outputs(last, frame)
        self.stop_if_wrong()
        nodes = tuple(self.named_node(draft) for draft in self.drafts)
        leaving = outputs or ()
        return Graph(
            document.name, document.source, self.inputs, nodes, leaving, preset, dict(values)
        )

    def named_node(self, draft: _Draft) -> Node:
        """A node with its name, once all uses of names are counted."""
        groups = draft.group.groups()
        path = [*(group.name for group in groups), draft.group.name(draft.base, draft.ordinal)]
        return Node(
            ".".join(path), draft.layer, draft.inputs, draft.outputs, groups, draft.functional
        )

    # Mistakes

    def report(self, diagnostic: Diagnostic, frame: _Frame | None = None) -> None:
        """Note a mistake; the same one at the same place counts once, however often it is reached."""
        if frame is not None:
            chain = [
                f"in block `{block}`, called at line {at.line}"
                for block, at in reversed(frame.calls)
            ]
            diagnostic = diagnostic._replace(
                notes=(*chain, *diagnostic.notes), mark=frame.composite or diagnostic.mark
            )
        self.found.setdefault((diagnostic.code, diagnostic.mark), diagnostic)

    def stop(self, diagnostic: Diagnostic) -> NoReturn:
        self.report(diagnostic)
        raise self.error()

    def stop_if_wrong(self) -> None:
        if self.found:
            raise self.error()

    def error(self) -> ConvcalcError:
        found = sorted(self.found.values(), key=lambda d: d.mark or Mark(0, 0))
        return ConvcalcError(found[:MOST], more=max(0, len(found) - MOST))

    def place(self, tensor: Tensor) -> str:
        """What a tensor is called in a message."""
        if tensor.node < 0:
            return (
                "the input"
                if len(self.inputs) == 1
                else f"input `{list(self.inputs)[-1 - tensor.node]}`"
            )
        draft = self.drafts[tensor.node]
        groups = [group.name for group in draft.group.groups()]
        # Names are settled at the end; until then a message forgets what it worked out.
        level: _Group | None = draft.group
        while level is not None:
            level.full = None
            level = level.parent
        return f"`{'.'.join([*groups, draft.group.name(draft.base, draft.ordinal)])}`"

    # Values

    def variables(self, preset: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The variables with their values: defaults, then the preset's, then the given ones."""
        document, raw = self.document, self.document.variables
        if preset is not None and preset not in document.presets:
            known = listed(document.presets) if document.presets else "none"
            help = did_you_mean(preset, document.presets) or f"its presets are {known}"
            raise fail("unknown-preset", f"{self.source.name} has no preset `{preset}`", help)
        for name in settings:
            if name not in raw:
                known = f"its variables are {listed(raw)}" if raw else "it has no variables"
                help = did_you_mean(name, raw) or known
                raise fail("unknown-variable", f"{self.source.name} has no variable `{name}`", help)
        chosen = document.presets[preset] if preset is not None else {}
        values: dict[str, Any] = {}
        frame = _Frame(values, _Names(), _Group(None, "", ""))
        for name, default in raw.items():
            if name in settings:
                values[name] = settings[name]
                continue
            value = chosen.get(name, default)
            try:
                mark = self.document.mark_of("variables", name) if value is default else None
                if preset is not None and name in chosen:
                    mark = self.document.mark_of("presets", preset, name)
                values[name] = self.evaluate(value, mark, frame, ())
            except _UnsettledError:
                values[name] = 1
        return values

    def input_shapes(
        self, values: Mapping[str, Any], given: tuple[int, ...] | None
    ) -> dict[str, Shape]:
        shapes = {}
        frame = _Frame(values, _Names(), _Group(None, "", ""))
        raw = self.document.input
        if given is not None and len(raw) != 1:
            raise fail(
                "bad-value",
                f"{self.source.name} has {len(raw)} inputs, and one shape is given for them",
            )
        for name, value in raw.items():
            if given is not None:
                shapes[name] = Shape(*given)
                continue
            mark = self.document.mark_of("input", name) or self.document.mark_of("input")
            try:
                sizes = self.evaluate(value, mark, frame, ())
                shapes[name] = Shape(*(_SIZE.parse(size) for size in sizes))
            except Refusal as refusal:
                message = f"a size of the input {refusal.message}"
                self.report(Diagnostic(refusal.code, message, self.source, mark, help=refusal.help))
            except _UnsettledError:
                continue
        return shapes

    def evaluate(self, value: Any, mark: Mark | None, frame: _Frame, inputs: Tensors) -> Any:
        """The value of what a spec wrote. Raises _UnsettledError where a mistake is in the way."""
        if isinstance(value, Items):
            return tuple(
                self.evaluate(item, at, frame, inputs) for item, at in zip(value.items, value.marks)
            )
        if not isinstance(value, Expression):
            return value
        names = frame.values
        if not value.names.keys().isdisjoint(TENSOR_NAMES):
            if inputs is None:
                raise _UnsettledError
            names = {**names, **_tensor_values(inputs[0].shape if inputs else None)}
        try:
            return value.evaluate(names)
        except ExpressionError as error:
            within = mark and mark.within(error.offset, error.length)
            notes: tuple[str, ...] = ()
            if error.code == "unknown-name" and inputs:
                shape = inputs[0].shape
                error = unknown_name(
                    value.text[error.offset : error.offset + error.length], 0, names
                )
                notes = (f"the tensor here is {shape}, from {self.place(inputs[0])}",)
            elif note := _values_note(value, names):
                notes = (note,)
            diagnostic = Diagnostic(
                error.code, error.message, self.source, within, error.label, notes, error.help
            )
            self.report(diagnostic, frame)
            raise _UnsettledError from None

    def truth(self, value: Any, st: Statement, field: str, frame: _Frame, inputs: Tensors) -> bool:
        """A condition's value. Raises _UnsettledError."""
        if value is True:
            return True
        result = self.evaluate(value, st.mark_of(field), frame, inputs)
        if isinstance(result, (bool, int, float)):
            return bool(result)
        message = f"`{field}` must be true or false, not {describe(result)}"
        self.report(Diagnostic("bad-value", message, self.source, st.mark_of(field)), frame)
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
            diagnostic = Diagnostic(
                "limit-depth", message, self.source, mark, help="`--limit depth=N` allows N"
            )
            self.stop(diagnostic)
        changes.setdefault("tensors", _Names(frame.tensors))
        return frame._replace(depth=frame.depth + 1, **changes)

    def step(self, mark: Mark) -> None:
        self.steps += 1
        if self.steps > self.limits.steps:
            message = f"more than {self.limits.steps:,} turns of loops and calls of blocks"
            help = "`--limit steps=N` allows N"
            self.stop(Diagnostic("limit-steps", message, self.source, mark, help=help))
        if self.steps % 256 == 0 and time.monotonic() > self.deadline:
            message = f"this takes more than {self.limits.seconds} seconds"
            help = "`--limit seconds=N` allows N"
            self.stop(Diagnostic("limit-seconds", message, self.source, mark, help=help))

    def statement(self, st: Statement, current: Tensors, frame: _Frame) -> Tensors:
        """One element; what it hands on."""
        self.step(st.mark)
        inputs = self.from_tensors(st, frame) if st.from_ else current
        try:
            if not self.truth(st.when, st, "when", frame, inputs):
                return current
            result = self.element(st, inputs, frame)
        except _UnsettledError:
            result = None
        if st.name is not None:
            frame.tensors.known[st.name] = result
        return result

    def from_tensors(self, st: Statement, frame: _Frame) -> Tensors:
        """The tensors that `from` names."""
        result: list[Tensor] = []
        unknown = False
        for name in st.from_:
            try:
                found = self.named(name, frame.tensors)
            except KeyError:
                known = frame.tensors.all()
                mark = self.from_mark(st, name)
                self.report(
                    Diagnostic(
                        "unknown-tensor",
                        f"`from` names `{name}`, and no layer above has that name",
                        self.source,
                        mark,
                        did_you_mean(name, known),
                        help=f"known here: {listed(dict.fromkeys(known))}; a name is seen by what follows it",
                    ),
                    frame,
                )
                found = None
            if found is None:
                unknown = True
            else:
                result += found
        return None if unknown else tuple(result)

    def from_mark(self, st: Statement, name: str) -> Mark:
        raw = st.origin.get("from") if st.origin else None
        if isinstance(raw, list):
            return raw.marks[raw.index(name)]  # type: ignore[attr-defined,no-any-return]
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
            if st.type in self.document.blocks:
                return self.block(st, body, self.document.blocks[st.type], inputs, frame)
            return self.layer(st, body, inputs, frame)
        if inputs is None:
            return None
        grouped = st.name is not None or isinstance(body, Sequential)
        group = _Group(frame.group, st.name or st.type, st.type) if grouped else frame.group
        frame = self.inner(frame, st.mark, group=group)
        if isinstance(body, Sequential):
            return self.stack(body.layers, inputs, frame)
        if isinstance(body, Repeat):
            return self.repeat(st, body, inputs, frame)
        if isinstance(body, ForEach):
            return self.for_each(st, body, inputs, frame)
        if isinstance(body, Residual):
            return self.residual(st, body, inputs, frame)
        assert isinstance(body, Branches)
        return self.branches(st, body, inputs, frame)

    def repeat(self, st: Statement, body: Repeat, inputs: Tensors, frame: _Frame) -> Tensors:
        mark = st.mark_of("times")
        value = self.evaluate(body.times, mark, frame, inputs)
        try:
            times = _TIMES.parse(value)
        except Refusal as refusal:
            self.refused(refusal, st, "times", body.times, frame, inputs)
            raise _UnsettledError from None
        if times > self.limits.steps:
            message = f"{describe(times)} turns are more than the limit of {self.limits.steps:,}"
            self.report(
                Diagnostic(
                    "limit-steps", message, self.source, mark, help="`--limit steps=N` allows N"
                ),
                frame,
            )
            raise _UnsettledError
        for index in range(times):
            self.step(st.mark)
            values = {**frame.values, body.counter: index} if body.counter else frame.values
            turn = frame._replace(values=values, tensors=_Names(frame.tensors))
            inputs = self.stack(body.layers, inputs, turn)
        return inputs

    def for_each(self, st: Statement, body: ForEach, inputs: Tensors, frame: _Frame) -> Tensors:
        mark = st.mark_of("in")
        rows = self.evaluate(body.rows, mark, frame, inputs)
        if not isinstance(rows, tuple):
            message = f"`in` must be a list of rows, not {describe(rows)}"
            self.report(Diagnostic("bad-value", message, self.source, mark), frame)
            raise _UnsettledError
        names = body.bind
        for number, row in enumerate(rows):
            self.step(st.mark)
            cells = row if isinstance(row, tuple) and len(names) > 1 else (row,)
            if len(cells) != len(names):
                at = self.row_mark(st, number)
                message = f"this row has {len(cells)} values for the {len(names)} names of `bind`"
                help = f"the names are {listed(names)}"
                self.report(Diagnostic("bad-value", message, self.source, at, help=help), frame)
                raise _UnsettledError
            turn = frame._replace(
                values={**frame.values, **dict(zip(names, cells))}, tensors=_Names(frame.tensors)
            )
            inputs = self.stack(body.layers, inputs, turn)
        return inputs

    def row_mark(self, st: Statement, number: int) -> Mark:
        rows = st.origin.get("in") if st.origin else None
        return rows.marks[number] if isinstance(rows, list) else st.mark_of("in")  # type: ignore[attr-defined]

    def residual(self, st: Statement, body: Residual, inputs: Tensors, frame: _Frame) -> Tensors:
        connected = self.truth(body.connect, st, "connect", frame, inputs)
        result = self.stack(body.layers, inputs, frame)
        if not connected:
            return result
        shortcut = inputs
        if body.shortcut:
            group = _Group(frame.group, "shortcut", "shortcut")
            shortcut = self.stack(body.shortcut, inputs, self.inner(frame, st.mark, group=group))
        if result is None or shortcut is None:
            return None
        return self.join(st, "add", (*result, *shortcut), frame, _residual_help)

    def branches(self, st: Statement, body: Branches, inputs: Tensors, frame: _Frame) -> Tensors:
        entering: list[Tensors] = [inputs] * len(body.paths)
        if body.split and len(body.paths) > 1:
            parts = self.apply(
                st, layers.joining.Split(sections=len(body.paths)), inputs, frame, "split"
            )
            entering = [None] * len(body.paths) if parts is None else [(part,) for part in parts]
        results: list[Tensor] = []
        whole = True
        for path, tensors in zip(body.paths, entering):
            group = _Group(frame.group, "path", "path")
            made = self.stack(path, tensors, self.inner(frame, st.mark, group=group))
            whole = whole and made is not None
            results += made or ()
        if not whole:
            return None
        return self.join(st, body.merge, tuple(results), frame, _branches_help)

    def join(
        self, st: Statement, type: str, tensors: tuple[Tensor, ...], frame: _Frame, help: Any
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
            self.stop(Diagnostic("recursive-block", message, self.source, st.mark, help=help))
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
            group=_Group(frame.group, st.name or st.type, st.type),
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
                self.refused(refusal, st, field.name, raw, frame, inputs)
                unsettled = True
        if unsettled or inputs is None:
            return None
        if issubclass(cls, Composite):
            return self.composite(st, cls, values, inputs, frame)
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
        return self.add(st, made, inputs, frame, st.name or st.type)

    def composite(
        self,
        st: Statement,
        cls: type[Composite],
        values: dict[str, Any],
        inputs: Tensors,
        frame: _Frame,
    ) -> Tensors:
        """A block that comes with convcalc, its fields as names."""
        names = {
            field.name: values.get(field.name, field.default) for field in layers.fields_of(cls)
        }
        known = _composite_values(cls, names)
        inside = self.inner(
            frame,
            st.mark,
            values=known,
            tensors=_Names(),
            group=_Group(frame.group, st.name or st.type, st.type),
            composite=frame.composite or st.mark,
        )
        inside.tensors.known["input"] = inputs
        block = _composite_block(cls)
        for name, value in block.let.items():
            known[name] = self.evaluate(value, None, inside, inputs)
        return self.stack(block.layers, inputs, inside)

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
    ) -> tuple[Layer, tuple[Shape, ...]] | None:
        """The layer for its inputs, with its outputs; None (and a diagnostic) where it refuses them."""
        try:
            self.count_inputs(layer, inputs)
            shapes = tuple(tensor.shape for tensor in inputs)
            resolved = layer.resolved(shapes)
            return resolved, resolved.output_shapes(shapes)
        except Refusal as refusal:
            if help is not None:
                refusal.help = help(*(tensor.shape for tensor in inputs)) or refusal.help
            raw = call.open.get(refusal.field) if call and refusal.field else None
            self.refused(refusal, st, refusal.field, raw, frame, inputs, shape_error=True)
            return None

    def count_inputs(self, layer: Layer, inputs: tuple[Tensor, ...]) -> None:
        if isinstance(layer, Join):
            if len(inputs) < 2:
                raise Refusal(
                    f"{layer.type} joins two tensors or more, and gets {len(inputs)}",
                    code="input-count",
                    help="name them: `from: [a, b]`",
                )
        elif len(inputs) != 1:
            raise Refusal(
                f"{layer.type} takes one tensor, and gets {len(inputs)}",
                code="input-count",
                help="choose one: `from: NAME.0` for the first part of a split or the first input",
            )

    def refused(
        self,
        refusal: Refusal,
        st: Statement,
        field: str | None,
        raw: Any,
        frame: _Frame,
        inputs: Tensors,
        shape_error: bool = False,
    ) -> None:
        """Report what a rule or a field refuses, at the field's value."""
        message = refusal.message
        if field is not None and message.startswith(("must ", "has ")):
            message = f"`{st.key_of(field) or field}` {message}"
        notes: list[str] = []
        if isinstance(raw, Expression) and raw.names:
            names = {**frame.values, **_tensor_values(inputs[0].shape if inputs else None)}
            notes.append(
                f"`{raw.text}` is {describe(raw.evaluate(names))}, {_values_note(raw, names)}"
            )
        if shape_error and inputs:
            given = [f"{tensor.shape}, from {self.place(tensor)}" for tensor in inputs[:4]]
            what = "its input is" if len(given) == 1 else "its inputs are"
            notes.append(f"{what} {'; '.join(given)}")
        mark = st.mark_of(field) if field else st.mark
        diagnostic = Diagnostic(
            refusal.code, message, self.source, mark, refusal.label, tuple(notes), refusal.help
        )
        self.report(diagnostic, frame)

    def add(
        self,
        st: Statement,
        made: tuple[Layer, tuple[Shape, ...]],
        inputs: tuple[Tensor, ...],
        frame: _Frame,
        base: str,
    ) -> Tensors:
        """Add a node; its outputs."""
        index = len(self.drafts)
        if index >= self.limits.layers:
            message = f"the network has more than {self.limits.layers:,} layers"
            help = "`--limit layers=N` allows N"
            self.stop(Diagnostic("limit-layers", message, self.source, st.mark, help=help))
        layer, outputs = made
        group = frame.group
        self.drafts.append(
            _Draft(group, base, group.use(base), layer, inputs, outputs, st.functional)
        )
        return tuple(Tensor(index, part, shape) for part, shape in enumerate(outputs))

    def outputs(self, last: Tensors, frame: _Frame) -> Tensors:
        """The tensors that leave the network."""
        if not self.document.outputs:
            return last
        result: list[Tensor] = []
        for name in self.document.outputs:
            try:
                result += self.named(name, frame.tensors) or ()
            except KeyError:
                known = frame.tensors.all()
                message = f"`outputs` names `{name}`, and no layer of `layers` has that name"
                label = did_you_mean(name, known)
                mark = self.document.mark_of("outputs")
                self.report(Diagnostic("unknown-tensor", message, self.source, mark, label))
        return tuple(result)


def expand_composite(cls: type[Composite], values: dict[str, Any], shape: Shape) -> list[Node]:
    """The layers that a composite one stands for, on an input of `shape`; numbers may be symbols.

    Raises ConvcalcError.
    """
    document = Document(cls.type, (), {})
    expansion = _Expansion(document, Source(cls.type, ""), DEFAULT)
    expansion.inputs = {"input": shape}
    statement = Statement(cls.type, Call({}, {}), Mark(1, 1), None)
    frame = _Frame({}, _Names(), _Group(None, "", ""))
    expansion.composite(statement, cls, values, (Tensor(-1, 0, shape),), frame)
    expansion.stop_if_wrong()
    return [expansion.named_node(draft) for draft in expansion.drafts]


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
    return {"in_channels": shape[0], **dict(zip(_AXIS_NAMES[len(shape) - 1], shape.spatial))}


def _values_note(expression: Expression, names: Mapping[str, Any]) -> str:
    """`with alpha = 0.7 and c = 32`, for the names in an expression."""
    known = [f"{name} = {_short(names[name])}" for name in expression.names if name in names]
    return f"with {', '.join(known)}" if known else ""


def _short(value: Any) -> str:
    return repr(value) if isinstance(value, float) else describe(value)


def _residual_help(*shapes: Shape) -> str:
    """What a shortcut would have to do."""
    body, shortcut = shapes[0], shapes[-1]
    if len(body) != len(shortcut) or len(body) == 1:
        return f"the body ends in {body}, the shortcut in {shortcut}"
    strides = [-(-a // b) for a, b in zip(shortcut.spatial, body.spatial)]
    fits = all(-(-a // s) == b for a, b, s in zip(shortcut.spatial, body.spatial, strides) if s)
    if not fits or 0 in strides:
        return f"the body ends in {body}, the shortcut in {shortcut}; does the body lack padding?"
    stride = strides[0] if len(set(strides)) == 1 else strides
    step = "" if stride == 1 else f", s: {stride}"
    return (
        f"the body ends in {body}, the shortcut in {shortcut}:"
        f" `shortcut: [conv: {{out: {body.channels}, k: 1{step}}}]` would make them the same"
    )


def _branches_help(*shapes: Shape) -> str:
    return f"the paths end in {', '.join(map(str, shapes))}"


def _composite_values(cls: type[Composite], names: dict[str, Any]) -> dict[str, Any]:
    """The fields of a composite as its stack's expressions see them."""
    kinds = {field.name: field.kind for field in layers.fields_of(cls)}
    shown = {name: kinds[name].show(value) for name, value in names.items()}
    return {name: _as_tuple(value) for name, value in shown.items()}


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(item) for item in value) if isinstance(value, list) else value


@per_type
def _composite_block(cls: type[Composite]) -> Block:
    return check_block(cls.body, cls.type)
