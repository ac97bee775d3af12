"""From a document to a graph: variables set, blocks and loops written out, shapes worked out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.diagnostics import ConvcalcError, Source
from convcalc.frozen import FrozenDict
from convcalc.graph import Builder, Graph, input_tensors
from convcalc.language.document import Document
from convcalc.language.limits import SHORT_WHILE, Budget
from convcalc.language.placing import Placing
from convcalc.language.refusals import Mistakes, Unknown
from convcalc.language.scopes import Known, Made, Scope, Tensors, asks_for_tensor
from convcalc.language.statements import TIMES, Call, Statement, is_sequential, wrong_row
from convcalc.language.values import Values
from convcalc.layers.joining import Split
from convcalc.shape import Shape, Tensor
from convcalc.words import describe, did_you_mean, grouped

if TYPE_CHECKING:
    from convcalc.language.forms import Branches, ForEach, Repeat, Residual, Sequential, Structure
    from convcalc.language.sharing import Sharing

#: Expands a line, whose body is a call or a structure.
_Expand = Callable[[Statement, Any, Any, Scope], Tensors]


def expand(
    document: Document,
    source: Source,
    budget: Budget,
    *,
    preset: str | None = None,
    variables: Mapping[str, Any] | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    curt: bool = False,
) -> Graph:
    """The graph of a document.

    `preset` and then `variables` set the document's variables; `inputs` are other sizes of its
    inputs, as `convcalc.inputs.resized` takes them. Raises ConvcalcError with every independent
    mistake that is found, or where the budget is used up; `curt`: with the first, in few words.
    """
    asked = _Asked(document, source, preset, variables or {}, inputs or {}, curt)
    made = asked.expanded(budget)
    mistakes = made.mistakes
    if mistakes.found:
        if len(made.inputs) == 1:
            from convcalc.language.fitting import advise  # what is right needs none

            (shape,) = made.inputs.values()
            advise(mistakes, shape, _Trials(asked, budget.part(_TRYING)))
        mistakes.stop_if_wrong()
    spec = document.spec
    return Graph(
        spec.name,
        spec.source,
        FrozenDict(made.inputs),
        mistakes.builder.nodes(),
        made.leaving,
        preset,
        FrozenDict(made.variables),
        notes=FrozenDict(spec.notes),
    )


class _Expanded(NamedTuple):
    """What a document comes to, or the mistakes in it."""

    inputs: dict[str, Shape]
    variables: dict[str, Any]
    leaving: Known
    mistakes: Mistakes


class _Asked(NamedTuple):
    """A document, and what is asked of it; see `expand`."""

    document: Document
    source: Source
    preset: str | None
    variables: Mapping[str, Any]
    inputs: Mapping[str, tuple[int, ...]]
    curt: bool = False

    def expanded(
        self,
        budget: Budget,
        *,
        instead: Mapping[int, Call] | None = None,
        input: Shape | None = None,
    ) -> _Expanded:
        """What it comes to; `instead` has other calls for some lines, by their identities, and
        `input` stands for its only input, whatever the document says of it.

        Raises ConvcalcError where the budget is used up.
        """
        document = self.document
        mistakes = Mistakes(self.source, budget, Builder(), self.curt)
        values = Values(document, mistakes)
        set_to = values.variables(self.preset, self.variables)
        inputs = values.inputs(set_to)
        mistakes.stop_if_wrong()
        if input is not None:
            inputs = dict.fromkeys(inputs, input)
        elif self.inputs:
            from convcalc.inputs import resized  # most networks are asked for as they are

            inputs = resized(self.source.name, inputs, self.inputs)
        mistakes.inputs = tuple(inputs)
        entering = input_tensors(inputs)
        scope = Scope(set_to)
        for name, tensor in zip(inputs, entering):
            scope.add(name, (tensor,))
        scope.add("input", entering)
        walk = _Walk(values, set_to, instead or {})
        last = walk.stack(document.spec.layers, entering, scope)
        return _Expanded(inputs, set_to, _outputs(document, last, scope, mistakes), mistakes)


#: Seconds that may be spent on what would be right.
_TRYING = 0.25


class _Trials(NamedTuple):
    """Tries a document otherwise, on one budget for all; see `fitting.Trials`."""

    asked: _Asked
    budget: Budget

    def mistakes(self, input: Shape) -> Mistakes | None:
        try:
            return self.asked.expanded(self.budget, input=input).mistakes
        except ConvcalcError:
            return None

    def takes_with(self, st: Statement, **fields: Any) -> bool:
        call = st.body._replace(settled={**st.body.settled, **fields})
        # What is kept is known by the calls, of which this one will be gone.
        document = self.asked.document._replace(made={})
        try:
            made = self.asked._replace(document=document).expanded(
                self.budget, instead={id(st): call}
            )
        except ConvcalcError:
            return False
        return not made.mistakes.found


def _outputs(document: Document, last: Tensors, scope: Scope, mistakes: Mistakes) -> Known:
    """The tensors that leave the network."""
    if not document.spec.outputs:
        return last or ()
    result: list[Tensor] = []
    for index, name in enumerate(document.spec.outputs):
        try:
            result += scope.find(name) or ()
        except KeyError:
            message = f"`outputs` names `{name}`, and no layer of `layers` has that name"
            label, help = did_you_mean(name, scope.tensors()), ""
            if called := mistakes.called_in_tables(name, scope):
                message, label, help = f"`outputs` names `{name}`, {called[0]}", "", called[1]
            mark = document.mark_of("outputs", index)
            mistakes.report("unknown-tensor", message, mark, label=label, help=help)
    return tuple(result)


class _Walk:
    """Goes through the lines of a document and adds the layers that they stand for.

    What a line makes is None where a mistake leaves it unknown: then what follows is checked as
    far as it does not depend on it.
    """

    def __init__(
        self, values: Values, variables: Mapping[str, Any], instead: Mapping[int, Call]
    ) -> None:
        self.document = values.document
        #: All that a block's body sees of the outside.
        self.variables = variables
        self.values = values
        self.mistakes = values.mistakes
        self.limits = self.mistakes.limits
        self.builder = self.mistakes.builder
        self.most_steps = self.limits.steps
        self.steps = 0
        #: The step at which limits are looked at.
        self.look_at = 1
        #: The lines in which a mistake was found: each is reported once, however often it is run.
        self.mistaken: set[int] = set()
        self.placing = Placing(values, instead)
        self.structures: Mapping[str, _Expand] = {
            "sequential": self.sequential,
            "repeat": self.repeat,
            "for_each": self.for_each,
            "residual": self.residual,
            "branches": self.branches,
        }
        #: The blocks that are module classes, unless they say so.
        self.joining = {
            name: not is_sequential(block.layers)
            for name, block in self.document.spec.blocks.items()
        }
        #: What expands a line, by its type; a layer's is not here.
        self.kinds: Mapping[str, _Expand] = {
            **dict.fromkeys(self.structures, self.structure),
            **dict.fromkeys(self.document.spec.blocks, self.block),
        }

    @cached_property
    def sharing(self) -> Sharing:
        """What lets lines use the weights of others."""
        from convcalc.language.sharing import Sharing  # most specs have none

        return Sharing(self.values)

    # Lines

    def stack(self, statements: Iterable[Statement], current: Tensors, scope: Scope) -> Tensors:
        """A list of layers, each fed by the one above; what the last one makes."""
        for statement in statements:
            current = self.statement(statement, current, scope)
        return current

    def step(self, st: Statement) -> None:
        """Count a turn."""
        self.steps += 1
        if self.steps >= self.look_at:
            self.look(st)

    def look(self, st: Statement) -> None:
        """Stop at the limits of turns and lines, and of time."""
        if self.steps > self.most_steps:
            message = f"more than {self.most_steps:,} turns of loops and calls of blocks"
            self.mistakes.exceed_steps(message, st.mark)
        self.mistakes.spend(SHORT_WHILE, st.mark)
        self.look_at = min(self.steps + SHORT_WHILE, self.most_steps + 1)

    def statement(self, st: Statement, current: Tensors, scope: Scope) -> Tensors:
        """One line; what it hands on."""
        self.steps += 1
        if self.steps >= self.look_at:
            self.look(st)
        body, found = st.body, len(self.mistakes.found)
        result: Tensors = None
        made: Made | None = None
        if not self.mistaken or id(st) not in self.mistaken:
            inputs, there = current, body.when
            try:
                if there is not True:
                    # What is left out need not have its input; so that is looked for only where
                    # the condition asks for its size.
                    if body.from_ and asks_for_tensor(there):
                        inputs = self.named(st, scope)
                    if not self.values.truth(there, scope, inputs, st, "when"):
                        if body.name is not None:
                            scope.leave_out(body.name)
                        return current
                if body.from_ and inputs is current:
                    inputs = self.named(st, scope)
                expand: _Expand = self.kinds.get(st.type, self.placing.layer)
                first = len(self.builder)
                if body.trainable is not True:
                    expand = partial(self.trained, expand)
                if body.dtype is not None:
                    expand = partial(self.typed, expand)
                result = expand(st, body, inputs, scope)
                shares = isinstance(body, Call) and body.weights is not None
                if shares or body.name is not None:
                    made = self.made(st, first, 1, result, found)
                    if shares and not self.sharing.line(st, made, scope):
                        result = made = None
            except Unknown:
                pass
            if len(self.mistakes.found) > found:
                self.mistaken.add(id(st))
        if body.name is not None:
            scope.add_line(body.name, result, made)
        return result

    def typed(
        self, expand: _Expand, st: Statement, body: Any, inputs: Tensors, scope: Scope
    ) -> Tensors:
        """A line that says of which type its numbers are."""
        with self.builder.typed(body.dtype):
            return expand(st, body, inputs, scope)

    def trained(
        self, expand: _Expand, st: Statement, body: Any, inputs: Tensors, scope: Scope
    ) -> Tensors:
        """A line that says whether it is trained."""
        if self.values.truth(body.trainable, scope, inputs, st, "trainable"):
            return expand(st, body, inputs, scope)
        with self.builder.frozen():
            return expand(st, body, inputs, scope)

    def made(self, st: Statement, first: int, own: int, result: Tensors, found: int) -> Made | None:
        """What a line made, whose own name is `own` parts of the names in it.

        `first` and `found` are how many layers and mistakes there were before. None where it is not
        known, for there are more of these.
        """
        if result is None or len(self.mistakes.found) > found:
            return None
        return Made(st, first, len(self.builder), self.builder.level.depth + own)

    def named(self, st: Statement, scope: Scope) -> Tensors:
        """The tensors that `from` names."""
        result: list[Tensor] = []
        known = True
        self.mistakes.spend(len(st.body.from_), st.mark)
        for name in st.body.from_:
            try:
                found = scope.find(name)
            except KeyError:
                self.mistakes.unknown_tensor(st, name, scope)
                return None
            known = known and found is not None
            result += found or ()
        return tuple(result) if known else None

    def enter(self, st: Statement, scope: Scope) -> None:
        """Stop at the limit of lists inside each other."""
        if len(scope.around) >= self.limits.depth:
            message = f"blocks, groups and loops are nested more than {self.limits.depth} deep"
            self.mistakes.exceed("depth", message, st.mark)

    # Structures

    def structure(self, st: Statement, body: Structure, inputs: Tensors, scope: Scope) -> Tensors:
        """A structure; a named one is a group."""
        if inputs is None:
            return None
        self.enter(st, scope)
        expand, scope = self.structures[st.type], scope.inside(st)
        if body.name is None and st.type != "sequential":
            return expand(st, body, inputs, scope)
        with self.builder.group(body.name or st.type, st.type):
            return expand(st, body, inputs, scope)

    def sequential(self, st: Statement, body: Sequential, inputs: Tensors, scope: Scope) -> Tensors:
        return self.stack(body.layers, inputs, scope)

    def repeat(self, st: Statement, body: Repeat, inputs: Tensors, scope: Scope) -> Tensors:
        try:
            times = TIMES.parse(self.values.evaluate(body.times, scope, inputs, st, "times"))
        except Refusal as refusal:
            raws = [body.times]
            raise self.mistakes.value(refusal, st, "times", raws, scope, inputs) from None
        if times > self.most_steps:
            turns = grouped(times) if times < 10**24 else describe(times)
            message = f"{turns} turns are more than the {self.most_steps:,} allowed"
            self.mistakes.exceed_steps(message, st.mark_of("times"))
        shared: Made | None = None
        for index in range(times):
            self.step(st)
            values = {**scope.values, body.index: index} if body.index else scope.values
            first, found = len(self.builder), len(self.mistakes.found)
            inputs = self.stack(body.layers, inputs, scope.inside(st, values))
            if body.share_weights and (made := self.made(st, first, 0, inputs, found)):
                if index == 0:
                    shared = made
                elif shared and not self.sharing.turn(shared, made, index, scope):
                    shared = None  # which is said once
        return inputs

    def for_each(self, st: Statement, body: ForEach, inputs: Tensors, scope: Scope) -> Tensors:
        rows = self.values.evaluate(body.rows, scope, inputs, st, "in")
        if not isinstance(rows, tuple):
            message = f"`in` must be a list of rows, not {describe(rows)}"
            help = "in: [[1, 16], [6, 24]]"
            raise self.mistakes.report("bad-value", message, st.mark_of("in"), scope, help=help)
        names = body.bind
        for number, row in enumerate(rows):
            self.step(st)
            cells = row if isinstance(row, tuple) else (row,)
            if wrong := wrong_row(len(cells), names):
                message, help = wrong
                mark = st.item_mark("in", number)
                raise self.mistakes.report("bad-value", message, mark, scope, help=help)
            values = {**scope.values, **dict(zip(names, cells))}
            inputs = self.stack(body.layers, inputs, scope.inside(st, values))
        return inputs

    def residual(self, st: Statement, body: Residual, inputs: Known, scope: Scope) -> Tensors:
        connected = self.values.truth(body.connect, scope, inputs, st, "connect")
        result = self.stack(body.layers, inputs, scope)
        if not connected:
            return result
        shortcut: Tensors = inputs
        if body.shortcut:
            self.enter(st, scope)
            with self.builder.group("shortcut", "shortcut"):
                shortcut = self.stack(body.shortcut, inputs, scope.beside(st))
        return self.join(st, "add", (result, shortcut), scope)

    def branches(self, st: Statement, body: Branches, inputs: Known, scope: Scope) -> Tensors:
        entering: list[Tensors] = [inputs] * len(body.paths)
        if body.split and len(body.paths) > 1:
            split = Split(sections=len(body.paths))
            try:
                entering = [(part,) for part in self.placing.implied(st, split, inputs, scope)]
            except Unknown:
                entering = [None] * len(body.paths)
        results = []
        for path, tensors in zip(body.paths, entering):
            self.enter(st, scope)
            with self.builder.group("path", "path"):
                results.append(self.stack(path, tensors, scope.inside(st)))
        return self.join(st, body.merge, results, scope)

    def join(self, st: Statement, type: str, results: Iterable[Tensors], scope: Scope) -> Tensors:
        """The layer that joins the paths of a structure; none for a single tensor."""
        tensors: list[Tensor] = []
        for result in results:
            if result is None:
                return None
            tensors += result
        if len(tensors) == 1:
            return tuple(tensors)
        return self.placing.implied(st, layers.find(type)(), tuple(tensors), scope)

    # Blocks

    def block(self, st: Statement, call: Call, inputs: Tensors, scope: Scope) -> Tensors:
        """The layers of a block, which sees the variables, its arguments and its `let`."""
        name, evaluate = st.type, self.values.evaluate
        around = [call.type for call in scope.calls]
        if name in around:
            chain = " → ".join([f"`{block}`" for block in (*around, name)])
            message = f"block `{name}` calls itself: {chain}"
            help = "use `repeat` for a stack that comes several times"
            raise self.mistakes.report("recursive-block", message, st.mark, scope, help=help)
        given = {**call.settled, **self.values.opened(st, scope, inputs)}
        if inputs is None:
            return None
        self.enter(st, scope)
        document, values = self.document, dict(self.variables)
        block = document.spec.blocks[name]
        inside = scope.called(values, st)
        inside.add("input", inputs)
        for kind, named in (("args", {**block.args, **given}), ("let", block.let)):
            for each, value in named.items():
                values[each] = evaluate(value, inside, inputs, document, "blocks", name, kind, each)
        if block.module is None:
            module = self.joining[name]
        else:
            module = self.values.truth(
                block.module, inside, inputs, document, "blocks", name, "module"
            )
        with self.builder.group(call.name or name, name, module=module):
            return self.stack(block.layers, inputs, inside)
