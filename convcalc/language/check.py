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
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.diagnostics import (
    ENOUGH,
    ConvcalcError,
    Diagnostic,
    Mark,
    Source,
)
from convcalc.expressions import FUNCTIONS, Expression, ExpressionError, parse, unknown_name
from convcalc.language import built, reader
from convcalc.language.document import Document
from convcalc.language.limits import DEFAULT, Clock, Limits, exceeded
from convcalc.language.scopes import TENSOR_NAMES
from convcalc.language.statements import (
    MERGES,
    REQUIRED,
    Call,
    Items,
    Stack,
    Statement,
    Value,
    expressions_in,
)
from convcalc.layers.fields import Kind
from convcalc.words import describe, did_you_mean, listed, nearest, quoted

if TYPE_CHECKING:
    from convcalc.language.forms import Block

#: Names are repeated for every layer that they are a part of.
_LONGEST_NAME = 60
#: Names that mean something in expressions already.
RESERVED = frozenset((*TENSOR_NAMES, *FUNCTIONS, "if", "else", "and", "or", "not", "true", "false"))
#: A name in expressions, a name for `from`, and what `from` names.
IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
LAYER_NAME = "[A-Za-z_][A-Za-z0-9_-]*"
TENSOR = LAYER_NAME + r"(\.[0-9]{1,6})?"


def check(raw: Any, source: Source, limits: Limits = DEFAULT) -> Document:
    """The document of a value that `reader.read` made.

    Raises ConvcalcError with every independent mistake, in the order of the file.
    """
    if not isinstance(raw, reader.Mapping):
        message = f"a spec is a mapping with `name`, `input` and `layers`, not {_shown(raw)}"
        help = "the README shows a spec, whole"
        raise ConvcalcError([Diagnostic("not-a-spec", message, source, Mark(1, 1), help=help)])
    scope = _Scope(raw.get("blocks", {}), source, limits)
    spec = scope.noting(_checked, _form("spec"), raw, "the spec", Mark(1, 1))
    scope.stop_if_wrong()
    return Document(spec, raw, {})


# Places and mistakes


class _Placed(NamedTuple):
    """A raw value with its key and the places of both; an item of a list is its own key's place."""

    key: str
    value: Any
    marks: reader.Marks
    at: int
    key_at: int

    @property
    def mark(self) -> Mark:
        """The place of the value."""
        return self.marks[self.at]

    @property
    def key_mark(self) -> Mark:
        """The place of the key."""
        return self.marks[self.key_at]

    def as_value(self) -> _Placed:
        """The key, as a value."""
        return self._replace(value=self.key, at=self.key_at)


def _entries(raw: reader.Mapping) -> Iterator[_Placed]:
    marks = raw.marks
    for index, (key, value) in enumerate(raw.items()):
        yield _Placed(key, value, marks, 2 * index + 1, 2 * index)


def _items(placed: _Placed) -> Iterator[_Placed]:
    marks = placed.value.marks
    for index, value in enumerate(placed.value):
        yield _Placed(placed.key, value, marks, index, index)


_Check = Callable[[_Placed, "_Scope"], Any]


class _MistakeError(ConvcalcError):
    """Mistakes that are noted by the next list or mapping around them, which goes on."""


class _Scope:
    """What is known while a document is checked: blocks, names in reach, mistakes so far."""

    def __init__(self, blocks: Any, source: Source, limits: Limits) -> None:
        #: The raw blocks; None where they are no mapping, and nothing is known of them.
        self.blocks: Mapping[str, Any] | None = blocks if isinstance(blocks, dict) else None
        self.source = source
        limits = limits.scaled(source.text)
        self.bounds = limits.bounds
        #: The names in reach; None where a mistake leaves them unknown.
        self.names: set[str] | None = set()
        #: The names that are defined further down in the mapping that is being checked.
        self.below: set[str] = set()
        #: Line to its call, where it is the same wherever it stands.
        self.lines: dict[str, Call] = {}
        #: The checks of the blocks' arguments.
        self.calls: dict[str, _Checks] = {}
        self.clock = Clock(limits)
        self.found: list[Diagnostic] = []

    def mistake(
        self, code: str, message: str, mark: Mark, help: str = "", label: str = ""
    ) -> _MistakeError:
        return _MistakeError([Diagnostic(code, message, self.source, mark, label, help=help)])

    def taken(self, name: str, why: str, mark: Mark) -> _MistakeError:
        """The mistake of a name that stands for something else."""
        return self.mistake("bad-name", f"`{name}` {why}", mark, "choose another name")

    def unlike(
        self, wanted: str, placed: _Placed, help: str = "", label: str = "", given: str = ""
    ) -> _MistakeError:
        """The mistake of a value that is not what its key takes."""
        message = f"`{placed.key}` must be {wanted}, not {given or _shown(placed.value)}"
        return self.mistake("bad-value", message, placed.mark, help, label)

    def checked(self, check: str, placed: _Placed) -> Any:
        """What a form's check makes of a value; see `statements.Checked`."""
        return self.noting(CHECKS[check], placed)

    def noting(self, check: Callable[..., Any], *arguments: Any) -> Any:
        """What a check makes of a value; None where it finds mistakes, which are noted."""
        try:
            return check(*arguments, self)
        except _MistakeError as mistake:
            self.found += mistake.diagnostics
            if len(self.found) >= ENOUGH:
                self.stop_if_wrong()
            return None

    def tick(self, placed: _Placed, steps: int = 1) -> None:
        """Stop where the time is over."""
        if self.clock.is_over(steps):
            late = exceeded("seconds", self.clock.message(), self.source, placed.mark)
            raise ConvcalcError.of([*self.found, late])

    def stop_if_wrong(self) -> None:
        if self.found:
            raise ConvcalcError.of(self.found)

    def reach(self, names: Iterable[str]) -> None:
        """Bring names into reach."""
        if self.names is not None:
            self.names = self.names | set(names)


# Values


def _value(placed: _Placed, scope: _Scope, words: tuple[str, ...] = ()) -> Value:
    """A raw value with its expressions parsed, their names known; `words` stand for themselves."""
    raw = placed.value
    if isinstance(raw, str):
        return raw if raw in words else _expression(placed, scope, words)
    if isinstance(raw, reader.Sequence):
        scope.tick(placed, len(raw))
        items = tuple([_value(item, scope, words) for item in _items(placed)])
        if any(isinstance(item, (Expression, Items)) for item in items):
            return Items(items, raw.marks)
        return items
    if isinstance(raw, dict):
        message = "a mapping stands where a value is meant"
        raise scope.mistake(
            "bad-value", message, placed.mark, "write a number, a list or an expression"
        )
    if raw is None:
        raise scope.mistake(
            "bad-value", "a value is missing here", placed.mark, "write a number or a text"
        )
    if isinstance(raw, float) and not math.isfinite(raw):
        message = f"{describe(raw)} is no value for a spec"
        raise scope.mistake("bad-value", message, placed.mark, "write a finite number")
    value: Value = raw
    return value


def _expression(placed: _Placed, scope: _Scope, words: tuple[str, ...]) -> Expression:
    try:
        expression = parse(placed.value, scope.bounds)
        for name, start in expression.names.items():
            if scope.names is None or name in scope.names or name in TENSOR_NAMES:
                continue
            error = unknown_name(name, start, [*words, *sorted(scope.names)])
            if name in scope.below:
                error.label, error.help = "it is defined below", "a value sees those above it"
            raise error
    except ExpressionError as error:
        at = placed.mark.within(error.start, error.end - error.start)
        raise scope.mistake(error.code, error.message, at, error.help, error.label) from None
    return expression


def _field_check(kind: Kind) -> _Check:
    """The check of a layer's field; what it refuses is said of the field."""
    words = kind.words

    def check(placed: _Placed, scope: _Scope) -> Any:
        value = placed.value
        if value is not None:
            value = _value(placed, scope, words)
            if isinstance(value, (Expression, Items)):
                return value
        try:
            return kind.parse(value)
        except Refusal as refusal:
            message = f"`{placed.key}` {refusal.message}"
            raise scope.mistake(
                refusal.code, message, placed.mark, refusal.help, refusal.label
            ) from None

    return check


def _shown(raw: Any) -> str:
    """A raw value in a message."""
    if isinstance(raw, str) and raw:
        return quoted(raw)
    return "a list" if isinstance(raw, list) else describe(raw)


def _text(placed: _Placed, scope: _Scope) -> Any:
    if not isinstance(placed.value, str):
        raise scope.unlike("a text", placed, "put it in quotes", given=describe(placed.value))
    if not placed.value.strip():
        raise scope.mistake("bad-value", f"`{placed.key}` must not be empty", placed.mark)
    return placed.value


def _truth(placed: _Placed, scope: _Scope) -> Any:
    if not isinstance(placed.value, bool):
        raise scope.unlike("`true` or `false`", placed)
    return placed.value


def _merge(placed: _Placed, scope: _Scope) -> Any:
    raw = placed.value
    if raw not in MERGES:
        label = did_you_mean(raw, MERGES) if isinstance(raw, str) else ""
        raise scope.unlike(f"one of {listed(MERGES)}", placed, label=label)
    return raw


def _named(raw: Any, mark: Mark, scope: _Scope, pattern: str, letters: str) -> str:
    if not isinstance(raw, str) or not re.fullmatch(pattern, raw):
        message = f"{_shown(raw)} is not a name"
        raise scope.mistake("bad-name", message, mark, f"a name has letters, digits{letters}")
    if len(raw) > _LONGEST_NAME:
        message = f"a name has {_LONGEST_NAME} characters at the most, and this one {len(raw):,}"
        raise scope.mistake("bad-name", message, mark)
    return raw


def _identifier(raw: Any, mark: Mark, scope: _Scope) -> str:
    """A name in expressions."""
    name = _named(raw, mark, scope, IDENTIFIER, " and _")
    if name in RESERVED:
        raise scope.taken(name, "means something in expressions already", mark)
    return name


def _layer_name(placed: _Placed, scope: _Scope) -> str:
    """A name for `from`."""
    name = _named(placed.value, placed.mark, scope, LAYER_NAME, ", _ and -")
    if name == "input":
        raise scope.taken(name, "names what enters the network already", placed.mark)
    return name


def _tensors(placed: _Placed, scope: _Scope) -> tuple[str, ...]:
    """What `from` and `outputs` name."""
    names = []
    for each in _items(placed) if isinstance(placed.value, reader.Sequence) else [placed]:
        name = each.value
        if not isinstance(name, str) or not re.fullmatch(TENSOR, name):
            help = f"`{placed.key}` takes a layer's name, or a list of them"
            raise scope.mistake("bad-name", f"{_shown(name)} names no tensor", each.mark, help)
        names.append(name)
    if not names:
        message, help = f"`{placed.key}` names nothing", "leave it out to take the line above"
        raise scope.mistake("bad-value", message, placed.mark, help)
    return tuple(names)


def _mapping(placed: _Placed, scope: _Scope, what: str, help: str = "") -> reader.Mapping:
    if not isinstance(placed.value, reader.Mapping):
        raise scope.unlike(f"a mapping of {what}", placed, help)
    return placed.value


# The parts of a spec


def _values(placed: _Placed, scope: _Scope) -> dict[str, Value]:
    """Named values, each of which sees those above it and stays in reach for what follows."""
    if not isinstance(placed.value, reader.Mapping):
        scope.names = None
    raw = _mapping(placed, scope, "names to values", "one `name: value` a line, indented")
    result: dict[str, Value] = {}
    scope.below = set(raw)
    for each in _entries(raw):
        name = scope.noting(_identifier, each.key, each.key_mark)
        value = scope.noting(_value, each)
        scope.reach([each.key])
        scope.below.remove(each.key)
        if name is not None:
            result[name] = value
    return result


def _arguments(placed: _Placed, scope: _Scope) -> dict[str, Value]:
    """The arguments of a block, with their defaults."""
    if not isinstance(placed.value, reader.Mapping):
        scope.names = None
    raw = _mapping(
        placed, scope, "names to defaults, or to `required`", "args: {out: required, k: 3}"
    )
    result: dict[str, Value] = {}
    for each in _entries(raw):
        scope.noting(_argument_name, each.key, each.key_mark)
        if each.value == REQUIRED:
            result[each.key] = REQUIRED
        else:
            result[each.key] = scope.noting(_value, each)
        scope.reach([each.key])
    return result


def _argument_name(raw: Any, mark: Mark, scope: _Scope) -> None:
    name = _identifier(raw, mark, scope)
    if name in taken_names():
        why = "is said of every layer and block, and cannot name an argument"
        raise scope.taken(name, why, mark)


def taken_names() -> frozenset[str]:
    """The names that no argument of a block can have."""
    element = _form("element")
    return frozenset((*element.shown, *element.fields))


def _presets(placed: _Placed, scope: _Scope) -> dict[str, dict[str, Value]]:
    raw = _mapping(placed, scope, "preset names to settings", "presets: {small: {alpha: 0.5}}")
    return {each.key: scope.noting(_preset, each) for each in _entries(raw)}


def _preset(placed: _Placed, scope: _Scope) -> dict[str, Value]:
    raw = _mapping(placed, scope, "variables to values", f"{placed.key}: {{alpha: 0.5}}")
    return {each.key: scope.noting(_setting, placed.key, each) for each in _entries(raw)}


def _setting(preset: str, placed: _Placed, scope: _Scope) -> Value:
    if scope.names is not None and placed.key not in scope.names:
        message = f"preset `{preset}` sets `{placed.key}`, which is no variable of this spec"
        label = did_you_mean(placed.key, scope.names)
        raise scope.mistake("unknown-variable", message, placed.key_mark, label=label)
    return _value(placed, scope)


def _inputs(placed: _Placed, scope: _Scope) -> dict[str, Value]:
    """The inputs by name; a single one is called `input`."""
    raw = placed.value
    if not isinstance(raw, reader.Mapping):
        return {"input": _shape(placed, scope)}
    if not raw:
        message, help = "`input` has no shape in it", "write [channels, height, width]"
        raise scope.mistake("bad-value", message, placed.mark, help)
    inputs = {}
    for each in _entries(raw):
        scope.noting(_layer_name, each.as_value())
        inputs[each.key] = scope.noting(_shape, each)
    return inputs


def _shape(placed: _Placed, scope: _Scope) -> Value:
    raw = placed.value
    if not isinstance(raw, str) and not (isinstance(raw, list) and 1 <= len(raw) <= 4):
        given = f"a list of {len(raw)}" if isinstance(raw, list) else describe(raw)
        help = "[channels, height, width], [channels, length] or [features]; no batch"
        raise scope.unlike("a list of one to four sizes", placed, help, given=given)
    return _value(placed, scope)


def _blocks(placed: _Placed, scope: _Scope) -> dict[str, Block]:
    raw = _mapping(placed, scope, "block names to blocks", "a block has `args`, `let` and `layers`")
    result = {}
    for each in _entries(raw):
        scope.noting(_block_name, each)
        result[each.key] = scope.noting(_block, each)
    return result


def _block_name(placed: _Placed, scope: _Scope) -> None:
    name = _layer_name(placed.as_value(), scope)
    if name in layers.TYPES or name in built.STRUCTURES:
        what = "a structure of the language" if name in built.STRUCTURES else "a layer type"
        raise scope.taken(name, f"is {what}, and cannot name a block", placed.key_mark)


def _block(placed: _Placed, scope: _Scope) -> Block:
    raw = _mapping(placed, scope, "`args`, `let` and `layers`")
    outer = scope.names
    try:
        text = f"block `{placed.key}`"
        block: Block = _checked(_form("block"), raw, text, placed.key_mark, scope)
        return block
    finally:
        scope.names = outer


def _stack(placed: _Placed, scope: _Scope) -> Stack:
    if not isinstance(placed.value, reader.Sequence):
        help = "write one layer a line, each with `- ` before it"
        raise scope.unlike("a list of layers", placed, help)
    return tuple([scope.noting(_statement, each) for each in _items(placed)])


def _network(placed: _Placed, scope: _Scope) -> Stack:
    stack = _stack(placed, scope)
    if not stack:
        message, help = "`layers` has no layer in it", "a network has at least one layer"
        raise scope.mistake("bad-value", message, placed.mark, help)
    return stack


def _paths(placed: _Placed, scope: _Scope) -> tuple[Stack, ...]:
    if not isinstance(placed.value, reader.Sequence) or not placed.value:
        help = "each path is a list of layers; an empty one, [], is the identity"
        raise scope.unlike("a list of paths", placed, help)
    return tuple([scope.noting(_path, each) for each in _items(placed)])


def _path(placed: _Placed, scope: _Scope) -> Stack:
    if not isinstance(placed.value, reader.Sequence):
        message = f"a path is a list of layers, not {_shown(placed.value)}"
        help = "a path of one layer is written `- - relu`, or `- [relu]`"
        raise scope.mistake("bad-value", message, placed.mark, help)
    return _stack(placed, scope)


def _index(placed: _Placed, scope: _Scope) -> str:
    name = _identifier(placed.value, placed.mark, scope)
    scope.reach([name])
    return name


def _bind(placed: _Placed, scope: _Scope) -> tuple[str, ...]:
    if not isinstance(placed.value, reader.Sequence) or not placed.value:
        scope.names = None
        raise scope.unlike("a list of names", placed, "bind: [channels, stride]")
    names: list[str] = []
    for each in _items(placed):
        if each.value in names:
            message = f"`bind` names `{each.value}` twice"
            raise scope.mistake("duplicate-key", message, each.mark, "give each cell its own name")
        names.append(_identifier(each.value, each.mark, scope))
    scope.reach(names)
    return tuple(names)


# Layers, blocks' calls and structures


def _statement(placed: _Placed, scope: _Scope) -> Statement:
    """One element of a `layers` list."""
    scope.tick(placed)
    raw, content = placed.value, None
    if isinstance(raw, reader.Mapping) and len(raw) == 1:
        (placed,) = _entries(raw)
        name, content = placed.key, placed.value
    elif isinstance(raw, str):
        name = raw
    else:
        raise _no_layer(placed, scope)
    fields = content if isinstance(content, reader.Mapping) else _NO_FIELDS
    at = placed.marks, placed.key_at
    is_block = scope.blocks is not None and name in scope.blocks
    if not (is_block or name in built.STRUCTURES or layers.is_known(name)):
        raise _unknown_layer(name, placed.key_mark, scope)
    if fields is not content and content is not None:
        message = f"the fields of `{name}` are a mapping, not {describe(content)}"
        raise scope.mistake(
            "bad-layer", message, placed.mark, f"write `- {name}: {{field: value}}`"
        )
    if name in built.STRUCTURES:
        outer = scope.names
        try:
            structure = _checked(_form(name), fields, f"`{name}`", placed.key_mark, scope)
            return Statement(name, structure, *at, fields)
        finally:
            scope.names = outer
    line = f"{name}: {fields!r}"
    if line in scope.lines:
        return Statement(name, scope.lines[line], *at, fields)
    found = len(scope.found)
    checks = _call_checks(name, fields, scope) if is_block else _layer_checks(name)
    text = f"block `{name}`" if is_block else f"`{name}`"
    values = _checked(checks, fields, text, placed.key_mark, scope)
    common = {key: values.pop(key) for key in checks.common}
    open_ = {key: v for key, v in values.items() if isinstance(v, (Expression, Items))}
    settled = {key: v for key, v in values.items() if key not in open_} if open_ else values
    read = {name for v in open_.values() for each in expressions_in(v) for name in each.names}
    call = Call(settled, open_, tuple(read - TENSOR_NAMES), **common)
    if not open_ and isinstance(call.when, bool) and len(scope.found) == found:
        # Nothing in it depends on where it stands: equal lines are this call as well.
        scope.lines[line] = call
    return Statement(name, call, *at, fields)


_NO_FIELDS = reader.Mapping()


def _no_layer(placed: _Placed, scope: _Scope) -> _MistakeError:
    """The error for an element that is neither a name nor a mapping of one key."""
    raw = placed.value
    if not isinstance(raw, dict):
        help = "write `- relu`, or `- conv: {out: 32, k: 3}`"
        message = f"a layer stands here, not {describe(raw)}"
        return scope.mistake("bad-layer", message, placed.mark, help)
    which = f" ({listed(raw, 4)})" if raw else ""
    message = f"a layer is one key, and this has {len(raw)}{which}"
    help = "write `- conv: {out: 32, k: 3}`, with the fields in braces or indented deeper"
    if raw and next(iter(raw.values())) is None:
        help = f"indent the fields deeper than `{next(iter(raw))}`, or put them into braces"
    return scope.mistake("bad-layer", message, placed.mark, help)


def _unknown_layer(name: str, mark: Mark, scope: _Scope) -> _MistakeError:
    if scope.blocks is None:
        return _MistakeError([])  # it may be one of the blocks, which are a mistake already
    from convcalc.language import elsewhere

    known = [*layers.TYPES, *built.STRUCTURES, *scope.blocks]
    meant = elsewhere.LAYERS.get(_folded(name)) or next(
        (each for each in known if _folded(each) == _folded(name)), None
    )
    label = f"did you mean `{meant}`?" if meant else did_you_mean(name, known)
    message = f"unknown layer type or block {quoted(name)}"
    help = "`convcalc layer --help` lists the layer types"
    if scope.blocks:
        help += f"; the spec's own blocks are {listed(scope.blocks)}"
    return scope.mistake("unknown-layer", message, mark, help, label)


def _folded(name: str) -> str:
    """A name as every spelling of it reads: `Conv2d`, `conv_2d` and `CONV` are `conv`."""
    return re.sub(r"[123]d$|[^a-z]", "", name[:_LONGEST_NAME].lower())


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
    fields = layers.fields_of(cls)
    own = {field.name: (_field_check(field.kind), field.required) for field in fields}
    checks = _joined("layer", own, [field.short or field.name for field in fields])
    return checks._replace(spellings=layers.canonical_names(cls))


def _call_checks(name: str, given: reader.Mapping, scope: _Scope) -> _Checks:
    """The checks of a block's arguments; those `given` are right where the block is not."""
    assert scope.blocks is not None
    if name not in scope.calls:
        block = scope.blocks[name]
        arguments = block.get("args", {}) if isinstance(block, dict) else None
        known = arguments if isinstance(arguments, dict) else dict.fromkeys(given)
        own = {
            key: (_value, default == REQUIRED)
            for key, default in known.items()
            if key not in taken_names()
        }
        scope.calls[name] = _joined("element", own, known)._replace(noun="argument")
    return scope.calls[name]


def _joined(form: str, own: Mapping[str, tuple[_Check, bool]], shown: Iterable[str]) -> _Checks:
    """The checks of a form's fields and of others, which are required or not."""

    def noting(check: _Check) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            lambda placed, info: info.context.noting(check, placed)
        )

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
    return _Checks(validator, (*shown, *_form("element").shown), common=tuple(common))


def _checked(checks: _Checks, raw: reader.Mapping, text: str, mark: Mark, scope: _Scope) -> Any:
    """What its checks make of a mapping, which messages call by `text`.

    Raises _MistakeError for fields that are missing or unknown.
    """
    fields: dict[str, _Placed] = {}
    for each in _entries(raw):
        field = checks.spellings.get(each.key, each.key)
        if field in fields:
            message = f"`{fields[field].key}` and `{each.key}` are the same field"
            raise scope.mistake("duplicate-key", message, each.key_mark, "keep one of them")
        fields[field] = each
    try:
        return checks.validator.validate_python(fields, context=scope)
    except ValidationError as error:
        # What the checks of single fields find is noted by now; these two are left.
        names: dict[str, list[str]] = {"missing": [], "extra_forbidden": []}
        for each_error in error.errors(include_url=False, include_input=False):
            names[each_error["type"]].append(str(each_error["loc"][0]))
        meant = {key: _meant(key, checks) for key in names["extra_forbidden"]}
        # A field that is there under a mistyped name is not missing.
        found = {checks.spellings.get(each, each) for each in meant.values()}
        missing = [key for key in names["missing"] if key not in found]
        raise _MistakeError(
            [
                *(_unknown(fields[key], meant[key], checks, text, scope) for key in meant),
                *(_missing(key, checks, text, mark, scope) for key in missing),
            ]
        ) from None


def _meant(key: str, checks: _Checks) -> str:
    """The field that an unknown one is likeliest to be; empty where there is none."""
    from convcalc.language import elsewhere

    meant = elsewhere.FIELDS.get(key, "")
    if meant in checks.spellings:
        return meant
    return next(iter(nearest(key, [*checks.shown, *checks.spellings])), "")


def _missing(field: str, checks: _Checks, text: str, mark: Mark, scope: _Scope) -> Diagnostic:
    short = layers.short_name(field) if checks.spellings else None
    shown = f"`{field}`" + (f" (short: `{short}`)" if short else "")
    help = _EXAMPLES.get(field, "") if text == "the spec" else ""
    return Diagnostic("missing-field", f"{text} needs {shown}", scope.source, mark, help=help)


def _unknown(placed: _Placed, meant: str, checks: _Checks, text: str, scope: _Scope) -> Diagnostic:
    label = f"did you mean `{meant}`?" if meant else ""
    help = f"it takes {listed(checks.shown, 20)}"
    if checks.spellings and placed.key in ("in_channels", "in_features", "num_features"):
        label, help = "", "leave it out: what reaches the layer is known"
    message = f"{text} has no {checks.noun} {quoted(placed.key)}"
    return Diagnostic("unknown-field", message, scope.source, placed.key_mark, label, help=help)


_EXAMPLES = {
    "name": "`name: LeNet`",
    "input": "`input: [3, 224, 224]`: channels, height, width",
    "layers": "`layers:`, and below it one layer a line: `  - conv: {out: 32, k: 3}`",
}


#: What `statements.Checked` names.
CHECKS: Mapping[str, _Check] = {
    "arguments": _arguments,
    "bind": _bind,
    "blocks": _blocks,
    "condition": _value,
    "index": _index,
    "inputs": _inputs,
    "layer_name": _layer_name,
    "layers": _stack,
    "merge": _merge,
    "network": _network,
    "paths": _paths,
    "presets": _presets,
    "rows": _value,
    "tensors": _tensors,
    "text": _text,
    "times": _value,
    "truth": _truth,
    "values": _values,
}
