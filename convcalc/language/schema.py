"""The JSON Schema (2020-12) of the spec language, made from the forms and the layer classes.

A schema sees structure: which fields there are, what kind of value each takes, whether a text reads
as an expression. It knows no name that a spec makes itself, in expressions, of a block with its
arguments, of a tensor, nor any shape; `convcalc validate` does. `python -m fuzz schema` measures
how many mistakes that leaves.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from convcalc import layers
from convcalc.amounts import PATTERN
from convcalc.budgets import metrics
from convcalc.dtypes import SIZES
from convcalc.expressions import FUNCTIONS
from convcalc.language.check import IDENTIFIER, LAYER_NAME, RESERVED, TENSOR, taken_names
from convcalc.language.forms import OTHERS, STRUCTURES, Form
from convcalc.language.statements import MERGES, Checked
from convcalc.shape import MOST_AXES, MOST_INPUT_AXES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_Schema = dict[str, Any]


def schema() -> _Schema:
    """The schema of a spec, whole."""
    return {
        "$schema": DIALECT,
        **_form(OTHERS["spec"]),
        "title": "convcalc spec",
        "allOf": [_unless_there_are("blocks", "layers", _ref("known_layers")), _NO_SETTINGS],
        "$defs": {
            **_values(),
            **_parts(),
            **{f"layer_{name}": _layer(layers.find(name)) for name in layers.names()},
            **{f"structure_{name}": _form(form) for name, form in STRUCTURES.items()},
        },
    }


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}"}


def _whole(pattern: str) -> _Schema:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _list(items: _Schema, **bounds: int | bool) -> _Schema:
    return {"type": "array", "items": items, **bounds}


def _mapping(names: _Schema, values: _Schema, **bounds: int) -> _Schema:
    return {"type": "object", **bounds, "propertyNames": names, "additionalProperties": values}


def _any(*schemas: _Schema) -> _Schema:
    return {"anyOf": list(schemas)}


def _or_expression(literal: _Schema) -> _Schema:
    """A literal, at any place of which an expression may stand."""
    if "anyOf" in literal:
        return _any(*map(_or_expression, literal["anyOf"]), _ref("expression"))
    if "items" in literal:
        literal = {**literal, "items": _or_expression(literal["items"])}
    return _any(literal, _ref("expression"))


def _unless_there_are(key: str, then: str, rule: _Schema) -> _Schema:
    """The rule of one key of a spec that has nothing under another."""
    filled = {"required": [key], "properties": {key: {"minProperties": 1}}}
    return {"if": filled, "else": {"properties": {then: rule}}}


#: Without variables there is none that a preset could set.
_NO_SETTINGS = _unless_there_are(
    "variables", "presets", {"additionalProperties": {"maxProperties": 0}}
)


def _expression() -> str:
    """The pattern of an expression: of every one, and of texts whose brackets do not match.

    Operands stand with one operator or comma between each two; signs and what opens a bracket stand
    before an operand, what closes one behind it. No comma stands before all brackets. No part can
    be read in two ways, so that a text is read once. All that is not ASCII passes for a letter, as
    in names.
    """
    no_letter = r"(?![^\x00-/:-@\[-^`{-\x7f])"
    functions = "|".join(FUNCTIONS)
    name = rf"(?!(?:if|else|and|or|not|{functions}){no_letter}){IDENTIFIER}{no_letter}"
    number = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
    text = r"'[^'\n]*'|" + r'"[^"\n]*"'
    before = rf"(?:(?:[-+\[]|not{no_letter}|(?:(?:{functions})\s*)?\()\s*)*"
    behind = r"(?:\s*(?:,\s*)?[\])])*"
    operand = rf"{before}(?:{number}|{text}|\[\s*\]|{name}){behind}"
    between = rf"(?:\*\*|//|[<>=!]=|[-+*/%<>,\[]|(?:if|else|and|or){no_letter})"
    no_bare_comma = r"""(?![^(\['"]*,)"""
    return rf"^{no_bare_comma}\s*(?:{operand}\s*(?:{between}\s*(?!$)|$))+$"


def _values() -> dict[str, _Schema]:
    """What `Checked` names in the forms, but for what has layers in it."""
    size = _or_expression({"type": "integer", "minimum": 1})
    taken = {"propertyNames": {"not": {"enum": sorted(taken_names())}}}
    return {
        "expression": {
            "type": "string",
            "pattern": _expression(),
            "description": "An expression.",
        },
        "value": _any({"type": ["number", "boolean"]}, _ref("expression"), _list(_ref("value"))),
        "values": _mapping(_ref("identifier"), _ref("value")),
        "arguments": {"allOf": [_ref("values"), taken]},
        "truth": {"type": "boolean"},
        "condition": _any({"type": ["boolean", "number"]}, _ref("expression")),
        "times": _or_expression({"type": "integer", "minimum": 0}),
        "rows": _any(_list(_ref("value")), _ref("expression")),
        "text": {"type": "string", "pattern": r"\S"},
        "identifier": {**_whole(IDENTIFIER), "not": {"enum": sorted(RESERVED)}},
        "index": _ref("identifier"),
        "bind": _list(_ref("identifier"), minItems=1, uniqueItems=True),
        "layer_name": {**_whole(LAYER_NAME), "not": {"const": "input"}},
        "tensors": _any(_whole(TENSOR), _list(_whole(TENSOR), minItems=1)),
        "weights": _whole(LAYER_NAME),
        "merge": {"enum": list(MERGES)},
        "dtype": {"enum": list(SIZES)},
        "shape": _any(_list(size, minItems=1, maxItems=MOST_INPUT_AXES), _ref("expression")),
        "output_shape": _any(_list(size, minItems=1, maxItems=MOST_AXES), _ref("expression")),
        "inputs": _any(_ref("shape"), _mapping(_ref("layer_name"), _ref("shape"), minProperties=1)),
        "presets": {"type": "object", "additionalProperties": _ref("values")},
        "budgets": _mapping(
            {"enum": list(metrics())}, _any({"type": "integer", "minimum": 0}, _whole(PATTERN))
        ),
        "notes": _mapping(_ref("layer_name"), _ref("text")),
    }


def _parts() -> dict[str, _Schema]:
    """Blocks, lists of layers, and what stands in them."""
    known = [*layers.TYPES, *STRUCTURES]
    types = {name: _ref(f"layer_{cls.type}") for name, cls in layers.TYPES.items()}
    structures = {name: _ref(f"structure_{name}") for name in STRUCTURES}
    bare = {name: layers.find(name) for name in layers.TYPES if not _asks(layers.find(name))}
    # An editor shows the first text that it finds, so there is none around those of the layers.
    alone = _any(
        *({"const": name, "description": _text(cls)} for name, cls in bare.items()),
        {**_whole(LAYER_NAME), "not": {"enum": known}, "description": "A block."},
    )
    with_fields = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {**types, **structures},
        "additionalProperties": _ref("block_call"),
    }
    block_name = {"allOf": [_ref("layer_name"), {"not": {"enum": known}}]}
    return {
        "block": _form(OTHERS["block"]),
        "blocks": _mapping(block_name, _ref("block")),
        "block_call": {
            "description": "A call of a block, with its arguments.",
            "type": ["object", "null"],
            "properties": _form(OTHERS["call"])["properties"],
            "propertyNames": _ref("identifier"),
            "additionalProperties": _ref("value"),
        },
        "element": _any(alone, with_fields),
        "layers": _list(_ref("element")),
        "network": _list(_ref("element"), minItems=1),
        "paths": _list(_ref("layers"), minItems=1),
        "known_element": {
            "if": {"type": "string"},
            "then": {"enum": known},
            "else": {
                "propertyNames": {"enum": known},
                "properties": {name: _known(form) for name, form in STRUCTURES.items()},
            },
        },
        "known_layers": _list(_ref("known_element")),
        "known_paths": _list(_ref("known_layers")),
    }


def _known(form: type[Form]) -> _Schema:
    """A structure in which no block is called."""
    lists = {
        field.alias or name: _ref(f"known_{check.name}")
        for name, field in form.model_fields.items()
        for check in field.metadata
        if isinstance(check, Checked) and check.name in ("layers", "paths")
    }
    return {"properties": lists}


def _required(cls: type[layers.Layer]) -> list[layers.Field]:
    return [field for field in layers.fields_of(cls) if field.required]


def _asks(cls: type[layers.Layer]) -> bool:
    """Whether a layer type must be given a field."""
    return bool(cls.one_of or _required(cls))


class _Generator(GenerateJsonSchema):
    """pydantic's, for forms that refer to the definitions in this module."""

    def get_schema_from_definitions(self, json_ref: Any) -> None:
        return None

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> _Schema:
        # The others stand for a field that is left out; written, most of them are refused.
        if isinstance(schema["default"], bool):
            return super().default_schema(schema)
        return self.generate_inner(schema["schema"])


def _form(form: type[Form]) -> _Schema:
    """The schema of a form: in place, not as a definition of pydantic's."""
    core = {key: value for key, value in form.__pydantic_core_schema__.items() if key != "ref"}
    return _Generator().generate_inner(core)


def _text(cls: type[layers.Layer]) -> str:
    return f"{layers.summary(cls)}\n\n{layers.details(cls)}".strip()


def _layer(cls: type[layers.Layer]) -> _Schema:
    """The schema of a layer type's fields, each under its canonical and its short name."""
    properties = _form(OTHERS["layer"])["properties"]
    rules: list[_Schema] = []
    for field in layers.written_fields(cls):
        spellings = [name for name in (field.name, field.short) if name]
        given = [{"required": [name]} for name in spellings]
        if field.required:
            rules.append({"oneOf": given} if field.short else given[0])
        elif field.short:
            # A line without fields is none of these.
            rules.append({"not": {"type": "object", "required": spellings}})
        schema = field.kind.schema()
        value = schema if field.kind.takes_text else _or_expression(schema)
        if field.description:
            value["description"] = field.description
        if not field.required and field.default is not None:
            value["default"] = field.kind.show(field.default)
        properties |= dict.fromkeys(spellings, value)
    if cls.one_of:
        rules.append(_any(*({"required": [name]} for name in cls.one_of)))
    return {
        "description": _text(cls),
        "type": "object" if _asks(cls) else ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        **({"allOf": rules} if rules else {}),
    }
