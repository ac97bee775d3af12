"""What is said where a spec cannot be expanded: the mistakes so far, and the words for each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from convcalc.arithmetic import Refusal, ceil, ceil_div, floor, is_fraction, make_divisible
from convcalc.diagnostics import ENOUGH, ConvcalcError, Diagnostic, Mark, Source
from convcalc.expressions import Expression, ExpressionError
from convcalc.graph import Builder
from convcalc.language.limits import Budget, exceeded
from convcalc.language.scopes import Known, Scope, Tensors, tensor_values
from convcalc.language.statements import Call, Statement, Value, expressions_in
from convcalc.shape import Shape, Tensor
from convcalc.words import counted, describe, did_you_mean, listed

if TYPE_CHECKING:
    from convcalc.language.joins import Rounding

#: A longer line is not written out in a cure.
_LONGEST_LINE = 100
#: So many layers are looked at for one that a table calls by a name.
_MOST_LOOKED_AT = 5000


class Unknown(Exception):  # noqa: N818 - the mistake is noted; this says what it leaves
    """A mistake, which is noted, or one before it leaves unknown what a line makes."""


class Refused(NamedTuple):
    """A layer that refused its inputs: which of the mistakes it is, and the inputs."""

    at: int
    code: str
    inputs: Known


class Mistakes:
    """The mistakes of one expansion. Where enough are found, or a limit is met, it ends.

    What notes one returns the Unknown that ends its line, to be raised where nothing follows.
    """

    def __init__(
        self, source: Source, budget: Budget, builder: Builder, is_curt: bool = False
    ) -> None:
        self.source = source
        #: Whether the first one ends it, in few words: whoever asks tries many settings.
        self.is_curt = is_curt
        self.budget = budget
        self.limits = budget.limits
        #: Knows what a node is called.
        self.builder = builder
        #: The inputs' names, for messages.
        self.inputs: tuple[str, ...] = ()
        self.found: list[Diagnostic] = []
        #: Those of them in which a layer refused its inputs.
        self.refused: list[Refused] = []
        #: The line that made each node, and the lines around that.
        self.lines: list[tuple[Statement, tuple[Statement, ...]]] = []

    def report(
        self,
        code: str,
        message: str,
        mark: Mark | None,
        scope: Scope | None = None,
        *,
        label: str = "",
        notes: tuple[str, ...] = (),
        where: str = "",
        more: tuple[str, ...] = (),
        help: str = "",
    ) -> Unknown:
        """Note a mistake, with the calls that lead to it.

        `where` says more of the place, and `more` are notes that follow that.
        """
        calls = reversed(scope.calls) if scope else ()
        chain = [f"in block `{call.type}`, called at line {call.mark.line}" for call in calls]
        if place := "; ".join([*chain, where] if where else chain):
            notes = (*notes, place)
        notes += more
        self.found.append(Diagnostic(code, message, self.source, mark, label, notes, help))
        if self.is_curt or len(self.found) >= ENOUGH:
            self.stop_if_wrong()
        return Unknown()

    def advise(self, refused: Refused, help: str, *, instead: bool = False) -> None:
        """Say what would be right in a mistake: before what it says of that, or instead of it."""
        found = self.found[refused.at]
        kept = "" if instead else found.help
        self.found[refused.at] = found._replace(help="; or ".join(filter(None, (help, kept))))

    def stop_if_wrong(self) -> None:
        """Raise ConvcalcError where there is a mistake."""
        if self.found:
            raise ConvcalcError.of(self.found)

    def spend(self, ticks: int, mark: Mark | None) -> None:
        """Stop where the time is over, so many small steps later."""
        if self.budget.is_over(ticks):
            self.late(mark)

    def late(self, mark: Mark | None) -> NoReturn:
        """Stop because the time is over."""
        self.stop(self.budget.late(self.source, mark))

    def exceed(self, name: str, message: str, mark: Mark | None) -> NoReturn:
        """Stop at a limit."""
        self.stop(exceeded(name, message, self.source, mark))

    def exceed_steps(self, message: str, mark: Mark) -> NoReturn:
        """Stop at the number of turns and calls."""
        help = "ten are allowed for each layer: `--limit layers=N` allows 10·N"
        self.stop(Diagnostic("limit-layers", message, self.source, mark, help=help))

    def stop(self, diagnostic: Diagnostic) -> NoReturn:
        """End with one more."""
        raise ConvcalcError.of([*self.found, diagnostic])

    # What there is a report of

    def expression(
        self,
        error: ExpressionError,
        expression: Expression,
        mark: Mark | None,
        scope: Scope,
        inputs: Tensors,
    ) -> Unknown:
        """An expression has no value."""
        if self.is_curt:
            return self.report(error.code, error.message, mark)
        where, help = "", error.help
        if inputs and error.code == "unknown-name":
            # The check knows all names but those that only some tensors have.
            where = f"the tensor here is {inputs[0].shape}, from {self._place(inputs[0])}"
            help = f"this tensor has {listed(tensor_values(inputs[0].shape))}"
        return self.report(
            error.code,
            error.message,
            mark and mark.within(error.start, error.end - error.start),
            scope,
            label=error.label,
            notes=_values_note(expression, scope.names(inputs)),
            where=where,
            help=help,
        )

    def shapes(
        self,
        refusal: Refusal,
        st: Statement,
        raws: Iterable[Value],
        scope: Scope,
        inputs: Known,
    ) -> Unknown:
        """A layer, in which the values `raws` are, refuses its inputs."""
        if self.is_curt:
            return self.report(refusal.code, refusal.message, st.mark)
        where = ""
        if len(inputs) > 1:
            given = [f"{tensor.shape} ({self._place(tensor)})" for tensor in inputs[:4]]
            where = f"its inputs are {', '.join(given)}{', …' if len(inputs) > 4 else ''}"
        elif inputs and (before := self._flattened(inputs[0])):
            made = f"{self._place(inputs[0])} makes of {before.shape}"
            where = f"its input is {inputs[0].shape}, which {made}, from {self._place(before)}"
        elif inputs:
            where = f"its input is {inputs[0].shape}, from {self._place(inputs[0])}"
        notes: list[str] = []
        if refusal.code == "shape-mismatch":
            from convcalc.language.joins import paths_of  # what is right needs none

            if paths := paths_of(self.builder, inputs):
                notes = [self._rounding(each) for each in islice(paths.roundings(), 2)]
            if st.type == "branches" or (st.type == "concat" and notes):
                refusal.help = ""  # paths have no `axis`, and where a remainder is, none is meant
        if refusal.code == "input-count" and refusal.help:
            refusal.help = refusal.help.replace("NAME.0", _first_of(inputs, scope))
        if st.type == "residual" and not notes:
            refusal.help = _residual_help(inputs[0].shape, inputs[-1].shape) or refusal.help
        self.refused.append(Refused(len(self.found), refusal.code, inputs))
        return self.value(refusal, st, refusal.field, raws, scope, inputs, where, notes)

    def _flattened(self, tensor: Tensor) -> Tensor | None:
        """What a flat tensor was, where the layer above flattens."""
        if tensor.node >= 0 and len(tensor.shape) == 1:
            placed = self.builder.placed(tensor.node)
            if placed.layer.moves and len(placed.entering) > 1:
                return self.builder.inputs(tensor.node)[0]
        return None

    def _rounding(self, found: Rounding) -> str:
        """Which layer has a remainder, on which path."""
        size, made, stride = found.before[found.axis], found.after[found.axis], found.stride
        does = f"drops a remainder of {size % stride}"
        if made * stride > size:
            does = f"rounds {size}/{stride} up to {made}"
        layer = f"`{self.builder.name(found.node)}` (line {self.lines[found.node][0].mark.line})"
        made_of = f"{layer} makes {found.after} of {found.before}: its stride of {stride} {does}"
        return f"on the way to {self._place(found.towards)}, {made_of}"

    def value(
        self,
        refusal: Refusal,
        st: Statement,
        field: str | None,
        raws: Iterable[Value],
        scope: Scope,
        inputs: Tensors,
        where: str = "",
        more: Iterable[str] = (),
    ) -> Unknown:
        """A field refuses a value, which the expressions in `raws` have; `more` are notes."""
        if self.is_curt:
            return self.report(refusal.code, refusal.message, st.mark)
        message, help = refusal.message, refusal.help
        if field is not None and message.startswith(("must ", "has ")):
            message = f"`{st.key_of(field) or field}` {message}"
        names = scope.names(inputs)
        expressions = [each for raw in raws for each in expressions_in(raw)]
        notes = dict.fromkeys(note for each in expressions for note in _result_note(each, names))
        if refusal.code == "not-whole" and len(expressions) == 1:
            text = expressions[0].text
            help = _roundings(text, expressions[0].evaluate(names)) or help
        return self.report(
            refusal.code,
            message,
            st.mark_of(field) if field else st.mark,
            scope,
            label=refusal.label,
            notes=tuple(notes)[:4],
            where=where,
            more=tuple(more),
            help=help,
        )

    def unknown_tensor(self, st: Statement, name: str, scope: Scope) -> None:
        """`from` names what is not in reach."""
        known = scope.tensors()
        whole, _, part = name.rpartition(".")
        if whole not in known:
            self.unknown_name(st, "from", name, scope, known)
            return
        parts = len(scope.find(whole) or ())
        message = f"`from` names part {part} of `{whole}`, which has {counted(parts, 'part')}"
        mark = st.item_mark("from", st.body.from_.index(name))
        help = f"parts are counted from 0: `{whole}.0`"
        self.report("unknown-tensor", message, mark, scope, help=help)

    def unknown_name(
        self, st: Statement, field: str, name: str, scope: Scope, known: Sequence[str]
    ) -> None:
        """A field of a line, `from` or `weights`, names no layer of those that are `known`."""
        message = f"`{field}` names `{name}`, and no layer above has that name"
        here = f"known here: {listed(known)}" if known else "no name is known here"
        help = f"{here}; a name is seen by what follows it in its list"
        if scope.calls:
            help = f"a block sees nothing of its caller; {here}"
        if scope.is_left_out(name):
            message = f"`{field}` names `{name}`, which its `when` leaves out here"
            help = "give this line the same `when`, or name a layer that is there"
        mark, code, label = st.mark_of("weights"), "unknown-weights", did_you_mean(name, known)
        if field == "from":
            mark, code = st.item_mark("from", st.body.from_.index(name)), "unknown-tensor"
        if called := self.called_in_tables(name, scope, field):
            message, label, help = f"`{field}` names `{name}`, {called[0]}", "", called[1]
        self.report(code, message, mark, scope, label=label, help=help)

    def called_in_tables(
        self, name: str, scope: Scope, field: str = "outputs"
    ) -> tuple[str, str] | None:
        """What is said of a name that a table has and no line: what it is, and the cure.

        `field` is what names it.

        None where no layer so far is called so, or its line has the name.
        """
        found = self._line_called(name)
        if found is None:
            return None
        st, around = found
        at_line = f"`{st.type}` at line {st.mark.line}"
        same = len(list(takewhile(lambda pair: pair[0] is pair[1], zip(around, scope.around))))
        if any(isinstance(each.body, Call) for each in scope.around[same:]):
            return None  # a block sees nothing of its caller, whatever it is called
        if same == len(around):
            if st.body.name is not None:
                return None
            own = name.replace(".", "_")
            line = st.written(name=own)
            cure = f"`{line}`" if len(line) <= _LONGEST_LINE else f"`name: {own}`"
            said = f"which is only what tables call the {at_line}: that has no name"
            return said, f"give it one: {cure}"
        outer = around[same]
        if outer.body.name is None:
            whole = f"name the `{outer.type}` at line {outer.mark.line}, and take that"
        else:
            whole = f"take `{outer.body.name}`, the `{outer.type}` at line {outer.mark.line}"
        help = f"a name is seen in its own list alone; {whole}"
        help += "" if field == "weights" else ": it hands on what its last layer makes"
        return f"which is what tables call the {at_line}, inside `{outer.type}`", help

    def _line_called(self, name: str) -> tuple[Statement, tuple[Statement, ...]] | None:
        """The line of a layer or a group by its name in tables, and the lines around it."""
        wanted = name.split(".")
        for node, (st, around) in enumerate(self.lines[:_MOST_LOOKED_AT]):
            parts = self.builder.parts_of_name(node)
            if len(parts) < len(wanted) or not all(
                part.is_called(each) for part, each in zip(parts, wanted)
            ):
                continue
            last = parts[len(wanted) - 1]
            lines = (*around, st)
            at = len(around)
            if last.type:
                groups = (i for i, line in enumerate(lines) if line.type == last.type)
                at = next(groups, at)
            return lines[at], lines[:at]
        return None

    def _place(self, tensor: Tensor) -> str:
        """What a tensor is called in a message."""
        if tensor.node >= 0:
            return f"`{self.builder.name(tensor.node)}`"
        return "the input" if len(self.inputs) == 1 else f"input `{self.inputs[-1 - tensor.node]}`"


def _first_of(inputs: Known, scope: Scope) -> str:
    """What `from` calls the first of several inputs; `NAME.0` where nothing has a name."""
    found = {name: scope.find(name) for name in scope.tensors()}
    alone = (name for name, tensors in found.items() if tensors == inputs[:1])
    together = (f"{name}.0" for name, tensors in found.items() if tensors == inputs)
    return next(chain(alone, together), "NAME.0")


def _residual_help(body: Shape, shortcut: Shape) -> str:
    """What a shortcut would have to do, for the shapes of the body and of the shortcut."""
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
