"""The document: a spec checked against the language, before any shape is known.

pydantic checks the outer form and collects every mistake; each layer is checked against its own type,
chosen by its name first. Names in expressions are checked here too, so that a mistake in a block shows
whether or not the block is reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from pydantic_core import PydanticCustomError, SchemaValidator, ValidationError, core_schema

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.diagnostics import MOST, ConvcalcError, Diagnostic, Mark, Source, did_you_mean, listed
from convcalc.layers.fields import Kind, describe
from convcalc.spec import reader
from convcalc.spec.expressions import FUNCTIONS, Expression, ExpressionError, parse, unknown_name
from convcalc.spec.limits import DEFAULT, Limits

#: Names that the tensor which reaches a layer has in expressions.
TENSOR_NAMES = ("in_channels", "in_height", "in_width", "in_length", "in_depth", "in_features")
#: The default of a block's argument that must be given.
REQUIRED = "required"

_RESERVED = frozenset(
    (*TENSOR_NAMES, *FUNCTIONS, "if", "else", "and", "or", "not", "true", "false")
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LAYER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_TENSOR = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[0-9]+)?\Z")


class Items(NamedTuple):
    """A list in which at least one item is an expression."""

    items: tuple[Any, ...]
    marks: tuple[Mark, ...]


#: A value of a spec: a number, a text, a truth value, a tuple of these; or what is yet to be evaluated.
Value = int | float | str | bool | tuple[Any, ...] | Expression | Items | None


class Call(NamedTuple):
    """A layer or a block: the values that are known, and those to be evaluated, by canonical name."""

    settled: dict[str, Any]
    open: dict[str, Value]


class Statement(NamedTuple):
    """An element of a `layers` list. `type` is a layer type, a block or a structure."""

    type: str
    body: Call | Structure
    mark: Mark
    #: What stands under the type, with its marks; None where nothing does.
    origin: reader.Mapping | None
    name: str | None = None
    from_: tuple[str, ...] = ()
    when: Value = True
    functional: bool = False

    def mark_of(self, field: str) -> Mark:
        """The place of a field's value; of the type where the field is left out."""
        key = self.key_of(field)
        return self.mark if key is None or self.origin is None else self.origin.value_marks[key]

    def key_of(self, field: str) -> str | None:
        """The name that the field goes by in the file; None where it is left out."""
        for key in self.origin or ():
            if key == field or field in layers.SHORT_NAMES.get(key, ()):
                return key
        return None


class _Scope:
    """What is known while a document is checked: blocks, the names in reach, the limits."""

    def __init__(self, blocks: Mapping[str, Any], limits: Limits) -> None:
        self.blocks = blocks
        self.limits = limits
        self.names: set[str] = set()
        self.validators: dict[str, SchemaValidator] = {}


def _refuse(
    code: str, text: str, help: str = "", label: str = "", **place: int
) -> PydanticCustomError:
    """A mistake of ours as pydantic collects it: its texts travel as context."""
    context = {"text": text, "help": help, "label": label, **place}
    return PydanticCustomError(code, "{text}", context)


def _value(raw: Any, info: Any) -> Value:
    return _checked(raw, info.context)


def _checked(raw: Any, scope: _Scope, words: tuple[str, ...] = ()) -> Value:
    """A raw value with its expressions parsed and their names known; `words` stand for themselves."""
    if isinstance(raw, str):
        if raw in words:
            return raw
        try:
            expression = parse(raw, scope.limits)
            for name, offset in expression.names.items():
                if name not in scope.names and name not in TENSOR_NAMES:
                    raise unknown_name(name, offset, dict.fromkeys([*sorted(scope.names), *words]))
        except ExpressionError as error:
            place = {"offset": error.offset, "length": error.length}
            raise _refuse(error.code, error.message, error.help, error.label, **place) from None
        return expression
    if isinstance(raw, reader.Sequence):
        items = tuple(_checked(item, scope, words) for item in raw)
        if any(isinstance(item, (Expression, Items)) for item in items):
            return Items(items, tuple(raw.marks))
        return items
    if isinstance(raw, dict):
        raise _refuse("bad-value", "a mapping stands where a value is meant")
    if isinstance(raw, float) and (raw != raw or raw in (float("inf"), -float("inf"))):
        raise _refuse(
            "bad-value", f"{describe(raw)} is no value for a spec", "write a finite number"
        )
    value: Value = raw
    return value


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise _refuse("bad-value", f"must be a text, not {describe(raw)}", "put it in quotes")
    if not raw.strip():
        raise _refuse("bad-value", "must not be empty")
    return raw


def _identifier(raw: Any) -> str:
    if not isinstance(raw, str) or not _NAME.match(raw):
        shown = raw if isinstance(raw, str) else describe(raw)
        raise _refuse("bad-name", f"`{shown}` is not a name", "a name has letters, digits and _")
    if raw in _RESERVED:
        raise _refuse(
            "bad-name", f"`{raw}` means something in expressions already", "choose another name"
        )
    return raw


def _layer_name(raw: Any) -> str:
    if not isinstance(raw, str) or not _LAYER_NAME.match(raw):
        shown = raw if isinstance(raw, str) else describe(raw)
        raise _refuse("bad-name", f"`{shown}` is not a name", "a name has letters, digits, _ and -")
    if raw == "input":
        raise _refuse(
            "bad-name", "`input` names what enters the network already", "choose another name"
        )
    return raw


def _from(raw: Any) -> tuple[str, ...]:
    names = raw if isinstance(raw, list) else [raw]
    if not names:
        raise _refuse("bad-value", "`from` names nothing", "leave it out to take the line above")
    for name in names:
        if not isinstance(name, str) or not _TENSOR.match(name):
            shown = name if isinstance(name, str) else describe(name)
            help = "`from` takes a layer's name, or a list of them"
            raise _refuse("bad-name", f"`{shown}` names no tensor", help)
    return tuple(names)


def _truth(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise _refuse("bad-value", f"must be true or false, not {describe(raw)}")
    return raw


def _shape(raw: Any, info: Any) -> Value:
    if not isinstance(raw, list) or not 1 <= len(raw) <= 4:
        given = f"a list of {len(raw)}" if isinstance(raw, list) else describe(raw)
        raise _refuse(
            "bad-value",
            f"must be a list of one to four sizes, not {given}",
            "[channels, height, width], [channels, length] or [features]; no batch",
        )
    return _value(raw, info)


def _inputs(raw: Any, info: Any) -> dict[str, Value]:
    """The inputs by name; a single one is called `input`."""
    if not isinstance(raw, dict):
        return {"input": _shape(raw, info)}
    if not raw:
        raise _refuse("bad-value", "the input has no shape", "write [channels, height, width]")
    return _INPUTS.validate_python(raw, context=info.context)  # type: ignore[no-any-return]


def _in_order(raw: Any, info: Any) -> dict[str, Value]:
    """Named values, each of which sees those above it and stays in reach for what follows."""
    if not isinstance(raw, dict):
        raise _refuse("bad-value", f"must be a mapping of names to values, not {describe(raw)}")
    scope: _Scope = info.context
    names = set(raw)
    result: dict[str, Value] = {}
    problems = []
    scope.names -= names
    for name, value in raw.items():
        try:
            result[_identifier(name)] = _checked(value, scope)
        except PydanticCustomError as error:
            problems.append({"type": error, "loc": (name,), "input": value})
        scope.names.add(name)
    if problems:
        raise ValidationError.from_exception_data("values", problems)  # type: ignore[arg-type]
    return result


def _presets(raw: Any, info: Any) -> dict[str, dict[str, Value]]:
    if not isinstance(raw, dict):
        raise _refuse("bad-value", f"must be a mapping of preset names, not {describe(raw)}")
    scope: _Scope = info.context
    result: dict[str, dict[str, Value]] = {}
    problems: list[Any] = []
    for name, settings in raw.items():
        if not isinstance(settings, dict):
            error = _refuse("bad-value", f"a preset sets variables, it is not {describe(settings)}")
            problems.append({"type": error, "loc": (name,), "input": settings})
            continue
        result[name] = {}
        for variable, value in settings.items():
            try:
                if variable not in scope.names:
                    raise _refuse(
                        "unknown-variable",
                        f"preset `{name}` sets `{variable}`, which is no variable of this spec",
                        label=did_you_mean(variable, scope.names),
                        at_key=1,
                    )
                result[name][variable] = _checked(value, scope)
            except PydanticCustomError as error:
                problems.append({"type": error, "loc": (name, variable), "input": value})
    if problems:
        raise ValidationError.from_exception_data("presets", problems)
    return result


def _block(raw: Any, info: Any) -> Block:
    if not isinstance(raw, dict):
        help = "a block has `args`, `let` and `layers`"
        raise _refuse("bad-value", f"must be a mapping, not {describe(raw)}", help)
    scope: _Scope = info.context
    outer = scope.names
    scope.names = set(outer)
    try:
        return Block(**_form_validator(Block).validate_python(raw, context=scope))
    finally:
        scope.names = outer


def _arguments(raw: Any, info: Any) -> dict[str, Value]:
    if not isinstance(raw, dict):
        raise _refuse("bad-value", f"must be a mapping of names to defaults, not {describe(raw)}")
    defaults = {name: None if value == REQUIRED else value for name, value in raw.items()}
    values = _in_order(defaults, info)
    return {name: REQUIRED if raw[name] == REQUIRED else value for name, value in values.items()}


def _block_name(raw: Any) -> str:
    name = _layer_name(raw)
    if name in layers.TYPES or name in _STRUCTURES:
        what = "a structure of the language" if name in _STRUCTURES else "a layer type"
        raise _refuse(
            "bad-name", f"`{name}` is {what}, and cannot name a block", "choose another name"
        )
    return name


def _blocks(raw: Any, info: Any) -> dict[str, Block]:
    if not isinstance(raw, dict):
        raise _refuse(
            "bad-value", f"must be a mapping of block names to blocks, not {describe(raw)}"
        )
    return _BLOCKS.validate_python(raw, context=info.context)  # type: ignore[no-any-return]


def _bind(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or not raw:
        raise _refuse("bad-value", f"must be a list of names, not {describe(raw)}")
    return tuple(_identifier(name) for name in raw)


def _merge(raw: Any) -> str:
    if raw not in ("concat", "add", "mul"):
        label = did_you_mean(raw, ("concat", "add", "mul")) if isinstance(raw, str) else ""
        raise _refuse(
            "bad-value", f"must be one of `concat`, `add`, `mul`, not {describe(raw)}", label=label
        )
    return str(raw)


def _stack(raw: Any, info: Any) -> tuple[Statement, ...]:
    """A list of layers; each element is handed on with its place."""
    if not isinstance(raw, reader.Sequence):
        help = "write one layer a line, each with `- ` before it"
        raise _refuse("bad-value", f"must be a list of layers, not {describe(raw)}", help)
    placed = list(zip(raw, raw.marks))
    return _STATEMENTS.validate_python(placed, context=info.context)  # type: ignore[no-any-return]


def _network(raw: Any, info: Any) -> tuple[Statement, ...]:
    stack = _stack(raw, info)
    if not stack:
        raise _refuse("bad-value", "has no layer in it", "a network has at least one layer")
    return stack


def _paths(raw: Any, info: Any) -> tuple[tuple[Statement, ...], ...]:
    if not isinstance(raw, reader.Sequence) or not raw:
        raise _refuse(
            "bad-value", f"must be a list of paths, each a list of layers, not {describe(raw)}"
        )
    return _PATHS.validate_python(raw, context=info.context)  # type: ignore[no-any-return]


def _statement(placed: tuple[Any, Mark], info: Any) -> Statement:
    """One element of a `layers` list."""
    raw, mark = placed
    scope: _Scope = info.context
    content: Any = None
    if isinstance(raw, str):
        name = raw
    elif isinstance(raw, reader.Mapping) and len(raw) == 1:
        ((name, content),) = raw.items()
        mark = raw.key_marks[name]
    elif isinstance(raw, dict):
        help = "write `- conv: {out: 32, k: 3}`, with the fields in braces or indented deeper"
        which = f" ({listed(raw, 4)})" if raw else ""
        raise _refuse("bad-layer", f"a layer is one key, and this has {len(raw)}{which}", help)
    else:
        help = "write `- relu`, or `- conv: {out: 32, k: 3}`"
        raise _refuse("bad-layer", f"a layer stands here, not {describe(raw)}", help)
    if name not in layers.TYPES and name not in scope.blocks and name not in _STRUCTURES:
        raise _refuse(
            "unknown-layer",
            f"unknown layer type or block `{name}`",
            label=did_you_mean(name, [*layers.TYPES, *_STRUCTURES, *scope.blocks]),
            help=_foreign(name) or "`convcalc layer --help` lists the layer types",
        )
    if content is None:
        content = reader.Mapping(mark)
    elif not isinstance(content, reader.Mapping):
        help = f"write `- {name}: {{field: value}}`"
        message = f"the fields of `{name}` are a mapping, not {describe(content)}"
        raise _refuse("bad-layer", message, help, at_value=1)
    if name in _STRUCTURES:
        return _structure(name, content, mark, scope)
    values = _validator(name, scope).validate_python(
        _canonical(name, content, scope), context=scope
    )
    common = {key: values.pop(key, default) for key, default in _COMMON_DEFAULTS.items()}
    settled = {key: v for key, v in values.items() if not isinstance(v, (Expression, Items))}
    open_: dict[str, Value] = {
        key: v for key, v in values.items() if isinstance(v, (Expression, Items))
    }
    return Statement(name, Call(settled, open_), mark, content, *common.values())


#: Fields whose name is no attribute that a tuple can have.
_ATTRIBUTES = {"in": "rows", "index": "counter"}
_COMMON_DEFAULTS: Mapping[str, Any] = {"name": None, "from": (), "when": True, "functional": False}


def _structure(name: str, content: reader.Mapping, mark: Mark, scope: _Scope) -> Statement:
    outer = scope.names
    scope.names = outer | _bound_names(name, content)
    form = _STRUCTURES[name]
    try:
        values = _form_validator(form).validate_python(content, context=scope)
    finally:
        scope.names = outer
    common = {key: values.pop(key, default) for key, default in _COMMON_DEFAULTS.items()}
    body = form(**{_ATTRIBUTES.get(key, key): value for key, value in values.items()})
    return Statement(name, body, mark, content, *common.values())


def _bound_names(name: str, content: Mapping[str, Any]) -> set[str]:
    """The names that a loop gives to what is inside it."""
    bound = content.get("index") if name == "repeat" else content.get("bind")
    each = bound if isinstance(bound, list) else [bound]
    return {one for one in each if isinstance(one, str)}


def _canonical(name: str, content: reader.Mapping, scope: _Scope) -> Mapping[str, Any]:
    """The fields under their canonical names."""
    if name in scope.blocks:
        return content
    names = layers.canonical_names(layers.find(name))
    result: dict[str, Any] = {}
    for key, value in content.items():
        field = names.get(key, key)
        if field in result:
            first = next(other for other in content if names.get(other, other) == field)
            message = f"`{first}` and `{key}` are the same field"
            error = _refuse("duplicate-key", message, "keep one of them", at_key=1)
            problem: Any = {"type": error, "loc": (key,), "input": value}
            raise ValidationError.from_exception_data("layer", [problem])
        result[field] = value
    return result


def _foreign(name: str) -> str:
    """Advice on what other tools call a layer."""
    word = re.sub(r"[^a-z]", "", name.lower())
    for ending in ("1d", "2d", "3d"):
        word = word.removesuffix(ending[1])
    meant = {
        "dense": "linear",
        "fc": "linear",
        "fullyconnected": "linear",
        "bn": "batch_norm",
        "convolution": "conv",
        "deconv": "conv_transpose",
        "deconvolution": "conv_transpose",
        "gap": "global_avg_pool",
        "cat": "concat",
        "concatenate": "concat",
        "se": "squeeze_excite",
        "lrn": "local_response_norm",
        "if": "when",
        "for": "for_each",
        "loop": "repeat",
    }.get(word)
    return f"it is called `{meant}` here" if meant else ""


def _info(function: Any) -> core_schema.CoreSchema:
    return core_schema.with_info_plain_validator_function(function)


def _no_info(function: Any) -> core_schema.CoreSchema:
    return core_schema.no_info_plain_validator_function(function)


def _validator(name: str, scope: _Scope) -> SchemaValidator:
    """The validator of a block's arguments, or of a layer type's fields."""
    if name not in scope.blocks:
        return _layer_validator(name)
    if name not in scope.validators:
        block = scope.blocks[name]
        arguments = block.get("args") if isinstance(block, dict) else None
        fields = arguments.items() if isinstance(arguments, dict) else ()
        own = {
            key: _required(_info(_value)) if default == REQUIRED else _optional(_info(_value))
            for key, default in fields
        }
        scope.validators[name] = _strict({**_COMMON, **own})
    return scope.validators[name]


@cache
def _layer_validator(name: str) -> SchemaValidator:
    fields = layers.fields_of(layers.find(name))
    checks = {
        field.name: core_schema.typed_dict_field(
            _info(_field_check(field.kind)), required=field.required
        )
        for field in fields
    }
    return _strict({**_COMMON, **checks, "functional": _optional(_no_info(_truth))})


def _strict(fields: dict[str, core_schema.TypedDictField]) -> SchemaValidator:
    """A validator of a mapping with these fields and no others."""
    return SchemaValidator(core_schema.typed_dict_schema(fields, extra_behavior="forbid"))


def _field_check(kind: Kind) -> Any:
    def check(raw: Any, info: Any) -> Any:
        value = _checked(raw, info.context, kind.words)
        if isinstance(value, (Expression, Items)):
            return value
        try:
            return kind.parse(value)
        except Refusal as refusal:
            raise _refuse(refusal.code, refusal.message, refusal.help, refusal.label) from None

    return check


#: A `layers` list.
Stack = tuple[Statement, ...]


class Sequential(NamedTuple):
    """A group under one name."""

    layers: Stack


class Repeat(NamedTuple):
    """A stack, `times` times; `counter` is the name of the turn's number, from 0."""

    times: Value
    layers: Stack
    counter: str | None = None


class ForEach(NamedTuple):
    """A stack for each of some rows, whose items get the names of `bind`."""

    bind: tuple[str, ...]
    rows: Value
    layers: Stack


class Residual(NamedTuple):
    """A body plus a shortcut (the identity when left out); where `connect` is false, the body alone."""

    layers: Stack
    shortcut: Stack = ()
    connect: Value = True


class Branches(NamedTuple):
    """Paths side by side, joined by `merge`; with `split` each gets an equal share of the channels."""

    paths: tuple[Stack, ...]
    merge: str
    split: bool = False


Structure = Sequential | Repeat | ForEach | Residual | Branches

_STRUCTURES: Mapping[str, type[Structure]] = {
    "sequential": Sequential,
    "repeat": Repeat,
    "for_each": ForEach,
    "residual": Residual,
    "branches": Branches,
}


class Block(NamedTuple):
    """A reusable stack: `args` (name to default, or `required`), `let` (computed on entry), `layers`."""

    layers: Stack
    args: Mapping[str, Value] = {}
    let: Mapping[str, Value] = {}


class Document(NamedTuple):
    """A spec, whole. `origin` is what was read, with its marks."""

    name: str
    layers: Stack
    input: Mapping[str, Value]
    source: str = ""
    description: str = ""
    variables: Mapping[str, Value] = {}
    presets: Mapping[str, Mapping[str, Value]] = {}
    blocks: Mapping[str, Block] = {}
    outputs: tuple[str, ...] = ()
    origin: reader.Mapping | None = None

    def mark_of(self, *path: str) -> Mark | None:
        """The place of a value outside of `layers`, by its keys; None where it is left out."""
        value: Any = self.origin
        mark = None
        for key in path:
            if not isinstance(value, reader.Mapping) or key not in value:
                return None
            value, mark = value[key], value.value_marks[key]
        return mark


def _required(schema: core_schema.CoreSchema) -> core_schema.TypedDictField:
    return core_schema.typed_dict_field(schema, required=True)


def _optional(schema: core_schema.CoreSchema) -> core_schema.TypedDictField:
    return core_schema.typed_dict_field(schema, required=False)


#: What every element of a `layers` list takes.
_COMMON: Mapping[str, core_schema.TypedDictField] = {
    "name": _optional(_no_info(_layer_name)),
    "from": _optional(_no_info(_from)),
    "when": _optional(_info(_value)),
}
#: The fields of each form, in the order in which they are checked and names come into reach.
_FIELDS: Mapping[type, dict[str, core_schema.TypedDictField]] = {
    Sequential: {**_COMMON, "layers": _required(_info(_stack))},
    Repeat: {
        **_COMMON,
        "times": _required(_info(_value)),
        "index": _optional(_no_info(_identifier)),
        "layers": _required(_info(_stack)),
    },
    ForEach: {
        **_COMMON,
        "bind": _required(_no_info(_bind)),
        "in": _required(_info(_value)),
        "layers": _required(_info(_stack)),
    },
    Residual: {
        **_COMMON,
        "layers": _required(_info(_stack)),
        "shortcut": _optional(_info(_stack)),
        "connect": _optional(_info(_value)),
    },
    Branches: {
        **_COMMON,
        "paths": _required(_info(_paths)),
        "merge": _required(_no_info(_merge)),
        "split": _optional(_no_info(_truth)),
    },
    Block: {
        "args": _optional(_info(_arguments)),
        "let": _optional(_info(_in_order)),
        "layers": _required(_info(_stack)),
    },
    Document: {
        "name": _required(_no_info(_text)),
        "source": _optional(_no_info(_text)),
        "description": _optional(_no_info(_text)),
        "variables": _optional(_info(_in_order)),
        "presets": _optional(_info(_presets)),
        "input": _required(_info(_inputs)),
        "blocks": _optional(_info(_blocks)),
        "layers": _required(_info(_network)),
        "outputs": _optional(_no_info(_from)),
    },
}


_VALIDATORS: dict[type, SchemaValidator] = {}


def _form_validator(form: type) -> SchemaValidator:
    """The validator of a form, made when the first spec needs it."""
    if form not in _VALIDATORS:
        _VALIDATORS[form] = _strict(_FIELDS[form])
    return _VALIDATORS[form]


_STATEMENTS = SchemaValidator(core_schema.tuple_variable_schema(_info(_statement)))
_PATHS = SchemaValidator(core_schema.tuple_variable_schema(_info(_stack)))
_BLOCKS = SchemaValidator(core_schema.dict_schema(_no_info(_block_name), _info(_block)))
_INPUTS = SchemaValidator(core_schema.dict_schema(_no_info(_layer_name), _info(_shape)))


def check(raw: Any, source: Source, limits: Limits = DEFAULT) -> Document:
    """The document of a value that `reader.read` made.

    Raises ConvcalcError with every independent mistake, in the order of the file.
    """
    if not isinstance(raw, reader.Mapping):
        message = f"a spec is a mapping with `name`, `input` and `layers`, not {describe(raw)}"
        help = "the README shows a spec, whole"
        raise ConvcalcError([Diagnostic("not-a-spec", message, source, Mark(1, 1), help=help)])
    blocks = raw.get("blocks")
    scope = _Scope(blocks if isinstance(blocks, dict) else {}, limits)
    try:
        return Document(**_form_validator(Document).validate_python(raw, context=scope), origin=raw)
    except ValidationError as error:
        found = [_diagnostic(each, raw, source) for each in error.errors(include_url=False)]
    except RecursionError:
        message = "the spec is nested too deep"
        raise ConvcalcError([Diagnostic("limit-depth", message, source)]) from None
    found.sort(key=lambda d: d.mark or Mark(0, 0))
    raise ConvcalcError(found[:MOST], more=max(0, len(found) - MOST))


def check_block(text: str, name: str) -> Block:
    """The block of a composite layer type, from its text in the spec language."""
    raw, _ = reader.read(text, name)
    scope = _Scope({}, DEFAULT)
    scope.names = {field.name for field in layers.fields_of(layers.find(name))}
    return Block(**_form_validator(Block).validate_python(raw, context=scope))


def _diagnostic(error: Any, raw: reader.Mapping, source: Source) -> Diagnostic:
    """A mistake that pydantic collected, in words for people, at its place."""
    context: Mapping[str, Any] = error.get("ctx") or {}
    place = _Place(raw)
    for step in error["loc"]:
        place.enter(step)
    kind, last = error["type"], str(error["loc"][-1]) if error["loc"] else ""
    if kind == "missing":
        short = layers.short_name(last)
        shown = f"`{last}`" + (f" (short: `{short}`)" if short else "")
        help = _EXAMPLES.get(last, "") if place.owner is Document else ""
        return Diagnostic(
            "missing-field", f"{place.subject} needs {shown}", source, place.mark, help=help
        )
    if kind == "extra_forbidden":
        known = place.known_fields()
        help = f"it takes {listed(known, 20)}"
        message = f"{place.subject} has no field `{last}`"
        label = did_you_mean(last, known)
        return Diagnostic("unknown-field", message, source, place.key_mark, label, help=help)
    message = str(context.get("text", error["msg"]))
    if message.startswith(("must ", "has ")):
        message = f"`{place.field}` {message}"
    mark = (
        place.key_mark
        if "at_key" in context
        else place.value_mark
        if "at_value" in context
        else place.mark
    )
    if "offset" in context:
        mark = mark.within(context["offset"], context["length"])
    label, help = context.get("label", ""), context.get("help", "")
    return Diagnostic(kind, message, source, mark, label, help=help)


_EXAMPLES = {
    "name": "`name: LeNet`",
    "input": "`input: [3, 224, 224]`: channels, height, width",
    "layers": "`layers:`, and below it one layer a line: `  - conv: {out: 32, k: 3}`",
}


class _Place:
    """A walk through the raw values along the path of an error, which has canonical names."""

    def __init__(self, raw: reader.Mapping) -> None:
        self.blocks = raw.get("blocks")
        self.value: Any = raw
        self.mark = self.key_mark = self.value_mark = Mark(1, 1)
        #: The field that the walk stands on, and what has it.
        self.field = "the spec"
        self.subject = "the spec"
        self.owner: Any = Document

    def enter(self, step: str | int) -> None:
        """Go one step inwards, as far as there is anything."""
        value = self.value
        if step == "[key]":
            self.mark = self.key_mark
        elif isinstance(value, reader.Sequence) and isinstance(step, int):
            self.mark = self.key_mark = self.value_mark = value.marks[step]
            self.value = value[step]
            if isinstance(self.value, reader.Mapping) and len(self.value) == 1:
                self._enter_element(self.value)
            elif isinstance(self.value, str):
                self.subject, self.owner, self.value = f"`{self.value}`", self.value, None
        elif isinstance(value, reader.Mapping):
            key = next(
                (key for key in value if step in (key, *layers.SHORT_NAMES.get(key, ()))), None
            )
            self.field = key or str(step)
            if key is None:
                return
            if self.owner is Document and self.subject == "`blocks`":
                self.subject, self.owner = f"block `{key}`", Block
            elif (
                self.owner is Document
                and self.subject == "the spec"
                and key in ("blocks", "presets")
            ):
                self.subject = f"`{key}`"
            self.mark = self.value_mark = value.value_marks[key]
            self.key_mark = value.key_marks[key]
            self.value = value[key]

    def _enter_element(self, element: reader.Mapping) -> None:
        ((name, content),) = element.items()
        self.mark = self.key_mark = element.key_marks[name]
        self.value_mark = element.value_marks[name]
        self.subject, self.owner, self.value = f"`{name}`", name, content

    def known_fields(self) -> list[str]:
        """The fields that the owner takes."""
        owner = (
            _STRUCTURES.get(self.owner, self.owner) if isinstance(self.owner, str) else self.owner
        )
        if isinstance(owner, type):
            return list(_FIELDS[owner])
        if isinstance(self.blocks, dict) and owner in self.blocks:
            block = self.blocks[owner]
            arguments = block.get("args") if isinstance(block, dict) else None
            own = list(arguments) if isinstance(arguments, dict) else []
        else:
            own = [field.short or field.name for field in layers.fields_of(layers.find(owner))]
        return [*own, "name", "from", "when"]
