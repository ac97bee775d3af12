"""From what was read to a document: every value checked against the language.

pydantic's core checks which fields a mapping has, by the models of forms.py; each layer is checked
against its own type as well, which its name chooses. A value is handed on with its place, so that a
mistake is noted where it is found. Names in expressions are checked too: a mistake in a block shows
whether or not the block is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.diagnostics import ENOUGH, ConvcalcError, Diagnostic, Mark, Source
from convcalc.dtypes import SIZES, meant
from convcalc.expressions import FUNCTIONS, Expression, ExpressionError, parse, unknown_name
from convcalc.language import built, reader
from convcalc.language.document import Document
from convcalc.language.limits import Budget
from convcalc.language.scopes import TENSOR_NAMES
from convcalc.language.statements import (
    MERGES,
    REQUIRED,
    SIZE,
    TIMES,
    Call,
    Items,
    Stack,
    Statement,
    Value,
    wrong_row,
)
from convcalc.layers.fields import Kind
from convcalc.shape import MOST_AXES, MOST_INPUT_AXES
from convcalc.visible import is_identifier, visible
from convcalc.words import NUMBERS, describe, did_you_mean, listed, nearest, quoted, shortened

if TYPE_CHECKING:
    from convcalc.language.forms import Block

#: Names are repeated for every layer that they are a part of.
_LONGEST_NAME = 60
#: Characters of a network's name and of its source, which titles repeat.
_LONGEST_TEXT = 2_000
#: Names that mean something in expressions already.
RESERVED = frozenset((*TENSOR_NAMES, *FUNCTIONS, "if", "else", "and", "or", "not", "true", "false"))
#: A name in expressions, a name for `from`, and what `from` names, as far as a pattern says it: of
#: what is not ASCII, `is_identifier` says more.
IDENTIFIER = r"[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*"
LAYER_NAME = r"[^\x00-@\[-^`{-\x7f][^\x00-,./:-@\[-^`{-\x7f]*"
TENSOR = LAYER_NAME + r"(\.[0-9]{1,6})?"


def check(raw: Any, source: Source, budget: Budget) -> Document:
    """The document of a value that `reader.read` made.

    Raises ConvcalcError with every independent mistake, in the order of the file, or where the
    budget is used up.
    """
    marks = reader.Marks()
    marks.append(Mark(1, 1))
    scope = _Scope(raw, source, budget)
    spec = _Placed("", raw, marks, 0, 0, scope).noting(_spec)
    scope.stop_if_wrong()
    return Document(spec, raw, {})


# Places and mistakes


class _MistakeError(ConvcalcError):
    """Mistakes that are noted by the next list or mapping around them, which goes on."""


class _Scope:
    """What is known while a document is checked: blocks, names in reach, mistakes so far."""

    def __init__(self, raw: Any, source: Source, budget: Budget) -> None:
        blocks = raw.get("blocks", {}) if isinstance(raw, dict) else None
        #: The raw blocks; None where they are no mapping, and nothing is known of them.
        self.blocks: Mapping[str, Any] | None = blocks if isinstance(blocks, dict) else None
        self.source = source
        self.bounds = budget.limits.bounds
        #: The names in reach, the innermost last.
        self.names: dict[str, None] = {}
        #: Whether they are all that there are: a mistake may leave some unknown.
        self.all_known = True
        #: The names that are defined further down in the mapping that is being checked.
        self.below: set[str] = set()
        #: The inputs that have names, with their places; and those that no layer may take here.
        self.inputs: dict[str, Mark] = {}
        self.taken: Mapping[str, Mark] = {}
        #: The names of layers so far, wherever they are seen.
        self.elements: set[str] = set()
        #: Line to its call, where it is the same wherever it stands.
        self.lines: dict[str, Call] = {}
        #: The checks of the blocks' arguments.
        self.calls: dict[str, _Checks] = {}
        self.budget = budget
        self.found: list[Diagnostic] = []

    def stop_if_wrong(self) -> None:
        if self.found:
            raise ConvcalcError.of(self.found)

    def reach(self, names: Iterable[str]) -> None:
        """Bring names into reach."""
        self.names.update(dict.fromkeys(names))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What comes into reach meanwhile is in reach no longer."""
        count, all_known = len(self.names), self.all_known
        try:
            yield
        finally:
            self.all_known = all_known
            while len(self.names) > count:
                self.names.popitem()


class _Placed(NamedTuple):
    """A raw value with its key and the places of both; an item of a list is its own key's place."""

    key: str
    value: Any
    marks: reader.Marks
    at: int
    key_at: int
    scope: _Scope

    @property
    def mark(self) -> Mark:
        """The place of the value."""
        return self.marks[self.at]

    def as_key(self) -> _Placed:
        """The key, as a value."""
        return self._replace(value=self.key, at=self.key_at)

    def entries(self) -> Iterator[_Placed]:
        """The values of a mapping."""
        marks, scope = self.value.marks, self.scope
        for index, (key, value) in enumerate(self.value.items()):
            yield _Placed(key, value, marks, 2 * index + 1, 2 * index, scope)

    def items(self) -> Iterator[_Placed]:
        """The items of a list."""
        marks, scope = self.value.marks, self.scope
        for index, value in enumerate(self.value):
            yield _Placed(self.key, value, marks, index, index, scope)

    def mistake(self, code: str, message: str, help: str = "", label: str = "") -> _MistakeError:
        """A mistake in the value."""
        return _mistake(code, message, self.scope, self.mark, help, label)

    def unlike(
        self, wanted: str, help: str = "", label: str = "", given: str = ""
    ) -> _MistakeError:
        """The mistake of a value that is not what its key takes."""
        message = f"`{self.key}` must be {wanted}, not {given or _shown(self.value)}"
        return self.mistake("bad-value", message, help, label)

    def taken(self, why: str) -> _MistakeError:
        """The mistake of a name that stands for something else."""
        return self.mistake("bad-name", f"`{self.value}` {why}", "choose another name")

    def noting(self, check: _Check) -> Any:
        """What a check makes of it; None where it finds mistakes, which are noted."""
        self.tick()
        try:
            return check(self)
        except _MistakeError as mistake:
            self.scope.found += mistake.diagnostics
            if len(self.scope.found) >= ENOUGH:
                self.scope.stop_if_wrong()
            return None

    def checked(self, check: str) -> Any:
        """What a form's check makes of it; see `statements.Checked`."""
        return self.noting(CHECKS[check])

    def tick(self, steps: int = 1) -> None:
        """Stop where the time is over."""
        scope = self.scope
        if scope.budget.is_over(steps):
            self.stop(scope.budget.late(scope.source, self.mark))

    def stop(self, diagnostic: Diagnostic) -> NoReturn:
        """End with one more."""
        raise ConvcalcError.of([*self.scope.found, diagnostic])


_Check = Callable[[_Placed], Any]


def _mistake(
    code: str, message: str, scope: _Scope, mark: Mark, help: str = "", label: str = ""
) -> _MistakeError:
    return _MistakeError([Diagnostic(code, message, scope.source, mark, label, help=help)])


# Values


def _value(placed: _Placed, words: tuple[str, ...] = (), nulls: bool = False) -> Value:
    """A raw value with its expressions parsed, their names known.

    `words` stand for themselves, and so does null in a list where `nulls` says so.
    """
    raw = placed.value
    if isinstance(raw, str):
        return raw if raw in words else _expression(placed, words)
    if isinstance(raw, reader.Sequence):
        placed.tick(len(raw))
        items = tuple(
            [
                None if nulls and item.value is None else _value(item, words, nulls)
                for item in placed.items()
            ]
        )
        if any(isinstance(item, (Expression, Items)) for item in items):
            return Items(items, raw.marks)
        return items
    if isinstance(raw, dict):
        message = "a mapping stands where a value is meant"
        raise placed.mistake("bad-value", message, "write a number, a list or an expression")
    if raw is None:
        raise placed.mistake("bad-value", "a value is missing here", "write a number or a text")
    if isinstance(raw, float) and not math.isfinite(raw):
        message = f"{describe(raw)} is no value for a spec"
        raise placed.mistake("bad-value", message, "write a finite number")
    value: Value = raw
    return value


def _expression(placed: _Placed, words: tuple[str, ...]) -> Expression:
    scope = placed.scope
    try:
        expression = parse(placed.value, scope.bounds)
        if not scope.budget.holds(expression.parts):
            placed.stop(scope.budget.full(scope.source, placed.mark))
        placed.tick(expression.parts)
        for name, start in expression.names.items():
            if name in scope.names or name in TENSOR_NAMES or not scope.all_known:
                continue
            error = unknown_name(name, start, [*words, *sorted(scope.names)])
            if name in scope.below:
                error.label, error.help = "it is defined below", "a value sees those above it"
            elif name in scope.elements or name in scope.inputs:
                error.label, error.help = _no_value(name, placed.key)
            raise error
    except ExpressionError as error:
        at = placed.mark.within(error.start, error.end - error.start)
        whole = _cut_by_comma(placed)
        help = f'quote it, as a comma ends a value here: `"{whole}"`' if whole else error.help
        raise _mistake(error.code, error.message, scope, at, help, error.label) from None
    return expression


def _no_value(name: str, key: str) -> tuple[str, str]:
    """The label and the help for the name of a tensor where a value is meant."""
    help = f"`{key}` takes values, such as numbers; `from` takes tensors"
    if key == "in":
        help += (
            ": one layer or block on several is a line for each, with `weights: NAME` of the first"
        )
    return f"`{name}` is a tensor", help


def _cut_by_comma(placed: _Placed) -> str:
    """The whole of an expression that YAML has ended at a comma of its own; else empty.

    Inside braces, and in a list, a comma ends a value that has no quotes.
    """
    mark = placed.mark
    line = placed.scope.source.line(mark.line)[mark.column - 1 :]
    if mark.text_at != 0 or not line[mark.length :].lstrip().startswith(","):
        return ""
    depth = 0
    for at, char in enumerate(line):
        depth += (char in "([") - (char in ")]")
        if at == mark.length and depth < 1:
            return ""
        if at > mark.length and (depth < 0 or (depth == 0 and char in ",}")):
            return line[:at].rstrip()
    return ""


def _field_check(kind: Kind) -> _Check:
    """The check of a layer's field; what it refuses is said of the field."""

    def check(placed: _Placed) -> Any:
        value = placed.value
        is_text = kind.takes_text and isinstance(value, str)
        if value is not None and not is_text:
            # A word that is refused has a sentence of its own; none is offered.
            words = kind.words if value in kind.refused else kind.offered
            value = _value(placed, words, kind.nulls)
            if isinstance(value, Items):
                _require_items(placed, value, kind)
            if isinstance(value, (Expression, Items)):
                return value
        try:
            return kind.parse(value)
        except Refusal as refusal:
            message = f"`{placed.key}` {refusal.message}"
            raise placed.mistake(refusal.code, message, refusal.help, refusal.label) from None

    return check


#: Items of a list that are looked at for one that is wrong.
_MOST_LOOKED_AT = 100


class _Open:
    """What stands for a value that is yet to be evaluated."""


def _require_items(placed: _Placed, items: Items, kind: Kind) -> None:
    """Refuse a list that is no value of a kind whatever its expressions come to.

    What is open is taken for something like what is known beside it.
    """
    whole = _settled(items)
    if whole is _Open or kind.takes(whole):
        return
    found = _wrong_item(placed, items, kind.takes)
    if found is None or kind.takes(found.value):
        raise placed.unlike(kind.expected)  # it is no kind of lists
    refusal = kind.refuse(found.value)
    message = f"`{placed.key}` {refusal.message}"
    raise found.mistake(refusal.code, message, refusal.help, refusal.label)


def _wrong_item(
    placed: _Placed, items: Items, takes: Callable[[tuple[Any, ...]], bool]
) -> _Placed | None:
    """The item of a list, or of a list in it, which is not taken though all were like it."""
    count = min(len(items.items), _MOST_LOOKED_AT)

    def all_like(item: Any) -> bool:
        return takes((item,) * count)

    for each, item in islice(zip(placed.items(), items.items), count):
        known = _settled(item)
        if known is not _Open and not all_like(known):
            return _wrong_item(each, item, all_like) if isinstance(item, Items) else each
    return None


def _settled(value: Value) -> Any:
    """A value in which what is open is like what is known beside it; `_Open` where nothing is."""
    if isinstance(value, Expression):
        return _Open
    if not isinstance(value, Items):
        return value
    items = [_settled(item) for item in value.items]
    known = next((item for item in items if item is not _Open), _Open)
    return _Open if known is _Open else tuple([known if i is _Open else i for i in items])


def _condition(placed: _Placed) -> Value:
    """What says whether something is there."""
    value = _value(placed)
    if isinstance(placed.value, list):
        raise placed.unlike("true or false")
    return value


def _rows(placed: _Placed) -> Value:
    """The rows of a table: a list, or what makes one."""
    value = _value(placed)
    if not isinstance(placed.value, (list, str)):
        raise placed.unlike("a list of rows", "in: [[1, 16], [6, 24]]")
    return value


def _shown(raw: Any) -> str:
    """A raw value in a message."""
    if isinstance(raw, str) and raw:
        return quoted(raw)
    return "a list" if isinstance(raw, list) else describe(raw)


def _text(placed: _Placed) -> Any:
    if not isinstance(placed.value, str):
        raise placed.unlike("a text", "put it in quotes", given=describe(placed.value))
    if not placed.value.strip():
        raise placed.mistake("bad-value", f"`{placed.key}` must not be empty")
    if len(placed.value) > _LONGEST_TEXT:
        length = f"has {len(placed.value):,} characters, more than the {_LONGEST_TEXT:,} of a text"
        raise placed.mistake("bad-value", f"`{placed.key}` {length}")
    return placed.value


def _truth(placed: _Placed) -> Any:
    if not isinstance(placed.value, bool):
        raise placed.unlike("`true` or `false`")
    return placed.value


def _merge(placed: _Placed) -> Any:
    raw = placed.value
    if raw not in MERGES:
        label = did_you_mean(raw, MERGES) if isinstance(raw, str) else ""
        raise placed.unlike(f"one of {listed(MERGES)}", label=label)
    return raw


def _dtype(placed: _Placed) -> Any:
    raw = placed.value
    if not isinstance(raw, str) or raw not in SIZES:
        label = meant(raw) if isinstance(raw, str) else ""
        raise placed.unlike(f"one of {listed(SIZES)}", label=label)
    return raw


def _is_layer_name(text: str) -> bool:
    """Whether a text is a name for `from`, which may have `-` in it."""
    return not text.startswith("-") and is_identifier(text.replace("-", "_"))


def _is_dotted(text: str) -> bool:
    """Whether a text is a layer's name, a part of what it makes, or what a table calls it."""
    return all(_is_layer_name(part) or re.fullmatch("[0-9]{1,6}", part) for part in text.split("."))


def _has_selectors(text: str) -> bool:
    """Whether it would be a name but for marks that only choose how a character looks."""
    return not text.isascii() and text.replace("-", "_").isidentifier()


def _named(placed: _Placed, is_name: Callable[[str], bool], letters: str) -> str:
    name = placed.value
    if not isinstance(name, str) or not is_name(name):
        message = f"{_shown(name)} is not a name"
        help = f"a name has letters of any script, digits{letters}"
        if isinstance(name, str) and (visible(name) != name or _has_selectors(name)):
            message, help = f"{message}: a part of it cannot be seen", "type it anew"
        raise placed.mistake("bad-name", message, help)
    if len(name) > _LONGEST_NAME:
        message = f"a name has {_LONGEST_NAME} characters at the most, and this one {len(name):,}"
        raise placed.mistake("bad-name", message)
    return name


def _identifier(placed: _Placed) -> str:
    """A name in expressions."""
    name = _named(placed, is_identifier, " and _")
    if name in RESERVED:
        raise placed.taken("means something in expressions already")
    return name


def _layer_name(placed: _Placed) -> str:
    """A name for `from`."""
    name = _named(placed, _is_layer_name, ", _ and -")
    if name == "input":
        raise placed.taken("names what enters the network already")
    return name


def _element_name(placed: _Placed) -> str:
    """The name of an element of a `layers` list."""
    name = _layer_name(placed)
    at = placed.scope.taken.get(name)
    if at is not None:
        message, help = f"`{name}` names an input already", "choose another name"
        label = f"the input is at line {at.line}, column {at.column}"
        raise placed.mistake("bad-name", message, help, label)
    placed.scope.elements.add(name)
    return name


def _tensors(placed: _Placed) -> tuple[str, ...]:
    """What `from` and `outputs` name."""
    names = []
    for each in placed.items() if isinstance(placed.value, reader.Sequence) else [placed]:
        name = each.value
        if not isinstance(name, str) or not _is_dotted(name):
            help = f"`{placed.key}` takes a layer's name, or a list of them"
            raise each.mistake("bad-name", f"{_shown(name)} names no tensor", help)
        names.append(name)
    if not names:
        message, help = f"`{placed.key}` names nothing", "leave it out to take the line above"
        raise placed.mistake("bad-value", message, help)
    return tuple(names)


def _weights(placed: _Placed) -> str:
    """What `weights` names."""
    name = placed.value
    if not isinstance(name, str) or not _is_dotted(name):
        help = "`weights` takes the name of a layer or block above"
        raise placed.mistake("bad-name", f"{_shown(name)} names no layer", help)
    return name


def _entries(placed: _Placed, what: str, help: str = "") -> Iterator[_Placed]:
    """The values of what must be a mapping."""
    if not isinstance(placed.value, reader.Mapping):
        raise placed.unlike(f"a mapping of {what}", help)
    return placed.entries()


# The parts of a spec


def _spec(placed: _Placed) -> Any:
    if not isinstance(placed.value, reader.Mapping):
        given = _shown(placed.value)
        message = f"a spec is a mapping with `name`, `input` and `layers`, not {given}"
        raise placed.mistake("not-a-spec", message, "the README shows a spec, whole")
    return _checked(_form("spec"), placed, "the spec")


def _values(placed: _Placed) -> dict[str, Value]:
    """Named values, each of which sees those above it and stays in reach for what follows."""
    scope, result = placed.scope, {}
    if not isinstance(placed.value, reader.Mapping):
        scope.all_known = False
    entries = _entries(placed, "names to values", "one `name: value` a line, indented")
    scope.below = set(placed.value)
    for each in entries:
        each.as_key().noting(_identifier)
        result[each.key] = each.noting(_value)
        scope.reach([each.key])
        scope.below.remove(each.key)
    return result


def _arguments(placed: _Placed) -> dict[str, Value]:
    """The arguments of a block, with their defaults."""
    scope, result = placed.scope, {}
    if not isinstance(placed.value, reader.Mapping):
        scope.all_known = False
    what, help = "names to defaults, or to `required`", "args: {out: required, k: 3}"
    for each in _entries(placed, what, help):
        each.as_key().noting(_argument_name)
        result[each.key] = REQUIRED if each.value == REQUIRED else each.noting(_value)
        scope.reach([each.key])
    return result


def _argument_name(placed: _Placed) -> None:
    if _identifier(placed) in taken_names():
        raise placed.taken("is said of every layer and block, and cannot name an argument")


def taken_names() -> frozenset[str]:
    """The names that no argument of a block can have."""
    call = _form("call")
    return frozenset((*call.shown, *call.fields))


def _presets(placed: _Placed) -> dict[str, dict[str, Value]]:
    help = "presets: {small: {alpha: 0.5}}"
    entries = _entries(placed, "preset names to settings", help)
    return {each.key: each.noting(_preset) for each in entries}


def _notes(placed: _Placed) -> dict[str, str]:
    """Texts by names."""
    result = {}
    for each in _entries(placed, "names of definitions to texts", 'torchsummary: "…"'):
        each.as_key().noting(_layer_name)
        result[each.key] = each.noting(_text)
    return result


def _budgets(placed: _Placed) -> dict[str, int]:
    """The most that figures may come to, by their names."""
    result = {}
    for each in _entries(placed, "metrics to amounts", "budgets: {macs: 300M, params: 4M}"):
        each.as_key().noting(_metric)
        result[each.key] = each.noting(_amount)
    return result


def _metric(placed: _Placed) -> None:
    from convcalc.budgets import require_metric  # most specs have no budget

    try:
        require_metric(placed.key)
    except ConvcalcError as error:
        raise _said_of(placed, error) from None


def _amount(placed: _Placed) -> int:
    """An amount: a whole number, or a text that says one."""
    from convcalc.amounts import parse_amount

    if isinstance(placed.value, bool) or not isinstance(placed.value, (int, str)):
        raise placed.unlike("an amount", "write a whole number, with k, M or G after it: 300M")
    try:
        return parse_amount(str(placed.value))
    except ConvcalcError as error:
        raise _said_of(placed, error) from None


def _said_of(placed: _Placed, error: ConvcalcError) -> _MistakeError:
    """What is wrong with a value, said of its place."""
    (said,) = error.diagnostics
    return placed.mistake(said.code, said.message, said.help)


def _preset(placed: _Placed) -> dict[str, Value]:
    entries = _entries(placed, "variables to values", f"{placed.key}: {{alpha: 0.5}}")
    return {each.key: each.noting(partial(_setting, placed.key)) for each in entries}


def _setting(preset: str, placed: _Placed) -> Value:
    scope = placed.scope
    if placed.key not in scope.names and scope.all_known:
        message = f"preset `{preset}` sets `{placed.key}`, which is no variable of this spec"
        label = did_you_mean(placed.key, scope.names)
        raise placed.as_key().mistake("unknown-variable", message, label=label)
    return _value(placed)


def _inputs(placed: _Placed) -> dict[str, Value]:
    """The inputs by name; a single one is called `input`."""
    if not isinstance(placed.value, reader.Mapping):
        return {"input": _shape(placed)}
    if not placed.value:
        message, help = "`input` has no shape in it", "write [channels, height, width]"
        raise placed.mistake("bad-value", message, help)
    inputs = {}
    for each in placed.entries():
        each.as_key().noting(_layer_name)
        inputs[each.key] = each.noting(_shape)
        placed.scope.inputs[each.key] = each.marks[each.key_at]
    return inputs


def _shape(placed: _Placed, most: int = MOST_INPUT_AXES) -> Value:
    raw = placed.value
    if not isinstance(raw, str) and not (isinstance(raw, list) and 1 <= len(raw) <= most):
        given = f"a list of {len(raw)}" if isinstance(raw, list) else ""
        help = "[channels, height, width], [channels, length] or [features]; no batch"
        raise placed.unlike(f"a list of one to {NUMBERS[most]} sizes", help, given=given)
    sizes = _value(placed)
    for each in placed.items() if isinstance(raw, list) else ():
        each.noting(_size)
    return sizes


def _size(placed: _Placed) -> None:
    """A size of a shape, as far as it is known."""
    if not isinstance(placed.value, str):
        try:
            SIZE.parse(placed.value)
        except Refusal as refusal:
            message = f"a size of `{placed.key}` {refusal.message}"
            raise placed.mistake(refusal.code, message, refusal.help) from None


def _blocks(placed: _Placed) -> dict[str, Block]:
    result = {}
    for each in _entries(placed, "block names to blocks", "a block has `args`, `let` and `layers`"):
        each.as_key().noting(_block_name)
        result[each.key] = each.noting(_block)
    return result


def _block_name(placed: _Placed) -> None:
    name = _layer_name(placed)
    if name in layers.TYPES or name in built.STRUCTURES:
        what = "a structure of the language" if name in built.STRUCTURES else "a layer type"
        raise placed.taken(f"is {what}, and cannot name a block")


def _block(placed: _Placed) -> Any:
    _entries(placed, "`args`, `let` and `layers`")
    return _inside(_form("block"), placed, f"block `{placed.key}`")


def _stack(placed: _Placed) -> Stack:
    if not isinstance(placed.value, reader.Sequence):
        raise placed.unlike("a list of layers", "write one layer a line, each with `- ` before it")
    return tuple([each.noting(_statement) for each in placed.items()])


def _network(placed: _Placed) -> Stack:
    placed.scope.taken = placed.scope.inputs  # which no block sees
    stack = _stack(placed)
    if not stack:
        message, help = "`layers` has no layer in it", "a network has at least one layer"
        raise placed.mistake("bad-value", message, help)
    return stack


def _paths(placed: _Placed) -> tuple[Stack, ...]:
    if not isinstance(placed.value, reader.Sequence) or not placed.value:
        help = "each path is a list of layers; an empty one, [], is the identity"
        raise placed.unlike("a list of paths", help)
    return tuple([each.noting(_path) for each in placed.items()])


def _path(placed: _Placed) -> Stack:
    if not isinstance(placed.value, reader.Sequence):
        message = f"a path is a list of layers, not {_shown(placed.value)}"
        help = "a path of one layer is written `- - relu`, or `- [relu]`"
        raise placed.mistake("bad-value", message, help)
    return _stack(placed)


def _index(placed: _Placed) -> str:
    name = _identifier(placed)
    placed.scope.reach([name])
    return name


def _cells(fields: _Placed, table: Any) -> None:
    """The rows of a table, as far as they are known: a cell for each name."""
    rows, names = getattr(table, "rows", None), getattr(table, "bind", None)
    if rows is None or not names:
        return
    (raw,) = (each for each in fields.entries() if each.key == "in")
    for each in raw.items() if isinstance(raw.value, list) else ():
        if not isinstance(each.value, str):
            cells = len(each.value) if isinstance(each.value, list) else 1
            if wrong := wrong_row(cells, names):
                fields.scope.found += each.mistake("bad-value", *wrong).diagnostics


def _bind(placed: _Placed) -> tuple[str, ...]:
    if not isinstance(placed.value, reader.Sequence) or not placed.value:
        placed.scope.all_known = False
        raise placed.unlike("a list of names", "bind: [channels, stride]")
    names: list[str] = []
    for each in placed.items():
        if each.value in names:
            message = f"`bind` names `{each.value}` twice"
            raise each.mistake("duplicate-key", message, "give each cell its own name")
        names.append(_identifier(each))
    placed.scope.reach(names)
    return tuple(names)


# Layers, blocks' calls and structures


def _statement(placed: _Placed) -> Statement:
    """One element of a `layers` list."""
    scope, raw = placed.scope, placed.value
    if isinstance(raw, reader.Mapping) and len(raw) == 1:
        (placed,) = placed.entries()
    elif isinstance(raw, str):
        placed = _Placed(raw, _NO_FIELDS, placed.marks, placed.at, placed.at, scope)
    else:
        raise _no_layer(placed)
    name, fields = placed.key, placed.value
    is_block = scope.blocks is not None and name in scope.blocks
    if not (is_block or name in built.STRUCTURES or layers.is_known(name)):
        raise _unknown_layer(placed)
    if fields is None:
        fields = _NO_FIELDS
        placed = placed._replace(value=fields)
    elif not isinstance(fields, reader.Mapping):
        message = f"the fields of `{name}` are a mapping, not {describe(fields)}"
        line = f"- {name}: {_as_fields(placed, is_block)}".removesuffix(": {}")
        help = f"write `{line}`"
        if name == "scale" and not isinstance(fields, list):
            help = _constant_help(fields)
        raise placed.mistake("bad-layer", message, help)
    at = placed.marks, placed.key_at
    if name in built.STRUCTURES:
        body = _inside(_form(name), placed, f"`{name}`")
        if name == "for_each":
            placed.noting(partial(_cells, table=body))
        return Statement(name, body, *at, fields)
    line = f"{name}: {fields!r}"
    if line in scope.lines:
        return Statement(name, scope.lines[line], *at, fields)
    found = len(scope.found)
    checks = _call_checks(placed) if is_block else _layer_checks(name)
    values = _checked(checks, placed, f"block `{name}`" if is_block else f"`{name}`")
    common = {key: values.pop(key) for key in checks.common}
    call = Call.of(values, common)
    fixed = all(isinstance(each, bool) for each in (call.when, call.trainable))
    fixed = fixed and not isinstance(call.output_shape, (Expression, Items))
    fixed = fixed and call.name not in scope.inputs
    if fixed and not call.open and len(scope.found) == found:
        # Nothing in it depends on where it stands: equal lines are this call as well.
        scope.lines[line] = call
    return Statement(name, call, *at, fields)


_NO_FIELDS = reader.Mapping()


def _inside(checks: _Checks, placed: _Placed, text: str) -> Any:
    """A block or a structure, whose names are in reach inside it alone."""
    with placed.scope.inside():
        return _checked(checks, placed, text)


#: The fields of structures that are lists.
_LISTS = ("layers", "paths", "bind", "in")


def _as_fields(placed: _Placed, is_block: bool) -> str:
    """Fields in the place of a value that stands for them: `{layers: […]}`, `{k: 2}`.

    They are those that must be there, or else the first of all; a plain value is the first.
    """
    value, known = placed.value, dict(_own_fields(placed, is_block))
    texts = {key: "…" for key, is_required in known.items() if is_required}
    texts = texts or dict.fromkeys([*known][:1], "…")
    if placed.key in built.STRUCTURES:
        texts |= {key: "[…]" for key in texts if key in _LISTS}
    first = next(iter(texts), "")
    if texts.get(first) == "…" and not isinstance(value, list):
        texts[first] = shortened(value) if isinstance(value, str) else describe(value)
    return f"{{{', '.join(f'{key}: {text}' for key, text in texts.items())}}}"


def _own_fields(placed: _Placed, is_block: bool) -> Iterator[tuple[str, bool]]:
    """The fields of a structure, a layer type or a block, and whether each must be there."""
    name, blocks = placed.key, placed.scope.blocks
    if is_block:
        block = blocks and blocks[name]
        arguments = block.get("args") if isinstance(block, dict) else None
        for key, default in arguments.items() if isinstance(arguments, dict) else ():
            yield key, default == REQUIRED
    elif name in built.STRUCTURES:
        checks = _form(name)
        for key, field in zip(checks.shown, checks.fields.values()):
            yield key, field["schema"]["type"] != "default"
    else:
        for each in layers.fields_of(layers.find(name)):
            yield each.short or each.name, each.required


def _no_layer(placed: _Placed) -> _MistakeError:
    """The error for an element that is neither a name nor a mapping of one key."""
    raw = placed.value
    if not isinstance(raw, dict):
        help = "write `- relu`, or `- conv: {out: 32, k: 3}`"
        return placed.mistake("bad-layer", f"a layer stands here, not {describe(raw)}", help)
    which = f" ({listed(raw, 4)})" if raw else ""
    message = f"a layer is one key, and this has {len(raw)}{which}"
    help = "write `- conv: {out: 32, k: 3}`, with the fields in braces or indented deeper"
    if raw and next(iter(raw.values())) is None:
        help = f"indent the fields deeper than `{next(iter(raw))}`, or put them into braces"
    return placed.mistake("bad-layer", message, help)


def _unknown_layer(placed: _Placed) -> _MistakeError:
    name, blocks = placed.key, placed.scope.blocks
    if blocks is None:
        return _MistakeError([])  # it may be one of the blocks, which are a mistake already
    from convcalc.language import elsewhere

    known = [*layers.TYPES, *built.STRUCTURES, *blocks]
    meant = elsewhere.layer_meant(name, known)
    near = elsewhere.in_steps(name) or did_you_mean(name, known)
    label = f"did you mean `{meant}`?" if meant else near
    message = f"unknown layer type or block {quoted(name)}"
    help = "`convcalc layer --help` lists the layer types"
    help += f"; the structures are {listed(built.STRUCTURES)}"
    if blocks:
        help += f"; the spec's own blocks are {listed(blocks)}"
    return placed.as_key().mistake("unknown-layer", message, help, label)


# Which fields there are, and how each is checked


class _Checks(NamedTuple):
    """Checks the fields of a mapping: of a form, a layer type or the call of a block."""

    validator: SchemaValidator
    #: The names that messages have for the fields.
    shown: tuple[str, ...]
    #: pydantic's core schema of each field of a form.
    fields: Mapping[str, Any] = {}
    #: The fields that a layer or the call of a block has beside its own.
    common: tuple[str, ...] = ()
    #: Every name that a field of a layer goes by, to its canonical name.
    spellings: Mapping[str, str] = {}
    noun: str = "field"


@cache
def _form(name: str) -> _Checks:
    """The checks of a form: its model's own core schema, built ahead."""
    schema = {**built.STRUCTURES, **built.OTHERS}[name]
    try:
        validator = SchemaValidator(schema)
    except SchemaError:
        # Another version of pydantic's core than built.py was made with; it builds its own.
        from convcalc.language import forms

        schema = {**forms.STRUCTURES, **forms.OTHERS}[name].__pydantic_core_schema__
        validator = SchemaValidator(schema)
    fields = schema["schema"]["fields"]
    shown = tuple([field.get("validation_alias", name) for name, field in fields.items()])
    return _Checks(validator, shown, fields)


@cache
def _layer_checks(name: str) -> _Checks:
    """The checks of a layer type."""
    cls = layers.find(name)
    fields = layers.written_fields(cls)
    own = {field.name: (_field_check(field.kind), field.required) for field in fields}
    checks = _joined("layer", own, [each.short or each.name for each in layers.fields_of(cls)])
    return checks._replace(spellings=layers.canonical_names(cls))


def _call_checks(call: _Placed) -> _Checks:
    """The checks of a block's arguments; all are right where the block is not."""
    name, scope = call.key, call.scope
    if name not in scope.calls:
        block = scope.blocks and scope.blocks[name]
        arguments = block.get("args", {}) if isinstance(block, dict) else None
        known = arguments if isinstance(arguments, dict) else dict.fromkeys(call.value)
        taken = taken_names()
        own = {
            key: (_value, default == REQUIRED) for key, default in known.items() if key not in taken
        }
        scope.calls[name] = _joined("call", own, known)._replace(noun="argument")
    return scope.calls[name]


def _joined(form: str, own: Mapping[str, tuple[_Check, bool]], shown: Iterable[str]) -> _Checks:
    """The checks of a form's fields and of others, which are required or not."""

    def noting(check: _Check) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(lambda placed: placed.noting(check))

    common = _form(form).fields
    schema: dict[str, Any] = {
        name: {**field, "type": "typed-dict-field", "required": False}
        for name, field in common.items()
    }
    schema |= {
        name: core_schema.typed_dict_field(noting(check), required=required)
        for name, (check, required) in own.items()
    }
    validator = SchemaValidator(core_schema.typed_dict_schema(schema, extra_behavior="forbid"))
    return _Checks(validator, (*shown, *_form(form).shown), common=tuple(common))


def _checked(checks: _Checks, placed: _Placed, text: str) -> Any:
    """What its checks make of a mapping, which messages call by `text`.

    Raises _MistakeError for fields that are missing or unknown.
    """
    fields: dict[str, _Placed] = {}
    for each in placed.entries():
        field = checks.spellings.get(each.key, each.key)
        if field in fields:
            message = f"`{fields[field].key}` and `{each.key}` are the same field"
            raise each.as_key().mistake("duplicate-key", message, "keep one of them")
        fields[field] = each
    try:
        return checks.validator.validate_python(fields)
    except ValidationError as error:
        # What the checks of single fields find is noted by now; these two are left.
        names: dict[str, list[str]] = {"missing": [], "extra_forbidden": []}
        for detail in error.errors(include_url=False, include_input=False):
            names[detail["type"]].append(str(detail["loc"][0]))
    meant = {key: _meant(key, checks) for key in names["extra_forbidden"][:ENOUGH]}
    # A field that is there under a mistyped name is not missing.
    found = {checks.spellings.get(each, each) for each in meant.values()}
    mistakes = [
        *(_unknown(fields[key], meant[key], checks, text) for key in meant),
        *(_missing(key, placed, checks, text) for key in names["missing"] if key not in found),
    ][:ENOUGH]
    raise _MistakeError([each for mistake in mistakes for each in mistake.diagnostics])


def _meant(key: str, checks: _Checks) -> str:
    """The field that an unknown one is likeliest to be; empty where there is none."""
    from convcalc.language import elsewhere

    meant = elsewhere.FIELDS.get(key, "")
    if meant in checks.spellings or meant in checks.common:
        return meant
    return next(iter(nearest(key, [*checks.shown, *checks.spellings])), "")


def _missing(field: str, owner: _Placed, checks: _Checks, text: str) -> _MistakeError:
    short = layers.short_name(field) if checks.spellings else None
    shown = f"`{field}`" + (f" (short: `{short}`)" if short else "")
    help = _EXAMPLES.get(field, "") if text == "the spec" else ""
    if owner.key in built.STRUCTURES and not help:
        from convcalc.language.samples import STRUCTURES  # what is right needs none

        help = f"write `{STRUCTURES[owner.key]}`"
    return owner.as_key().mistake("missing-field", f"{text} needs {shown}", help)


def _unknown(field: _Placed, meant: str, checks: _Checks, text: str) -> _MistakeError:
    from convcalc.language import elsewhere

    label = f"did you mean `{meant}`?" if meant else ""
    help = f"it takes {listed(checks.shown, 20)}"
    if checks.spellings and field.key in elsewhere.INPUTS:
        label, help = "", "leave it out: what reaches the layer is known"
    elif elsewhere.is_constant(text.strip("`"), field.key):
        label, help = "", _constant_help(field.value)
    elif field.value is None and field.key.count(")") > field.key.count("("):
        label, help = "", "quote the expression that this ends: a comma ends a value here"
    message = f"{text} has no {checks.noun} {quoted(field.key)}"
    return field.as_key().mistake("unknown-field", message, help, label)


def _constant_help(value: Any) -> str:
    """What is said to who wants `scale` to multiply by a constant."""
    shown = "0.5"
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        shown = shortened(value) if isinstance(value, str) else describe(value)
    return f"its factors are learned; to multiply by a constant is `mul: {{value: {shown}}}`"


_EXAMPLES = {
    "name": "add `name: MyNet`: what tables call the network",
    "input": "add `input: [3, 224, 224]`: channels, height, width",
    "layers": "add `layers:`, and below it one layer a line: `  - conv: {out: 32, k: 3}`",
}


#: What `statements.Checked` names.
CHECKS: Mapping[str, _Check] = {
    "arguments": _arguments,
    "bind": _bind,
    "blocks": _blocks,
    "budgets": _budgets,
    "condition": _condition,
    "dtype": _dtype,
    "index": _index,
    "inputs": _inputs,
    "layer_name": _element_name,
    "layers": _stack,
    "merge": _merge,
    "network": _network,
    "paths": _paths,
    "notes": _notes,
    "presets": _presets,
    "rows": _rows,
    "output_shape": partial(_shape, most=MOST_AXES),
    "shape": _shape,
    "tensors": _tensors,
    "text": _text,
    "times": _field_check(TIMES),
    "truth": _truth,
    "values": _values,
    "weights": _weights,
}
