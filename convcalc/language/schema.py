"""The JSON Schema (2020-12) of the spec language, made from the layer classes and the forms.

A schema sees structure: which fields there are, and what kind of value each takes. It sees neither
the names in expressions, nor the arguments of blocks, nor shapes; `convcalc validate` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc import layers
from convcalc.language.check import (
    COMMON,
    FORMS,
    IDENTIFIER,
    LAYER_NAME,
    MERGES,
    OF_LAYERS,
    RESERVED,
    TENSOR,
    Field,
)
from convcalc.language.document import STRUCTURES, Block, Document, Statement
from convcalc.layers.base import descriptions

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_Schema = dict[str, Any]


def schema() -> _Schema:
    """The schema of a spec, whole."""
    return {
        "$schema": DIALECT,
        "title": "convcalc spec",
        **_form(Document),
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


def _or_expression(literal: _Schema) -> _Schema:
    """A literal, at any place of which an expression may stand."""
    if "anyOf" in literal:
        return {"anyOf": [*map(_or_expression, literal["anyOf"]), _ref("expression")]}
    if "items" in literal:
        literal = {**literal, "items": _or_expression(literal["items"])}
    return {"anyOf": [literal, _ref("expression")]}


def _values() -> dict[str, _Schema]:
    """The values of a spec."""
    identifier = {**_whole(IDENTIFIER), "not": {"enum": sorted(RESERVED)}}
    expression = {"type": "string", "pattern": r"\S", "description": "An expression."}
    size = _or_expression({"type": "integer", "minimum": 1})
    shape = {"anyOf": [_list(size, minItems=1, maxItems=4), _ref("expression")]}
    value = {"anyOf": [{"type": ["number", "boolean"]}, _ref("expression"), _list(_ref("value"))]}
    names = {"propertyNames": _ref("identifier"), "additionalProperties": _ref("value")}
    return {
        "expression": expression,
        "value": value,
        "values": {"type": "object", **names},
        "truth": {"type": "boolean"},
        "condition": {"anyOf": [{"type": ["boolean", "number"]}, _ref("expression")]},
        "times": _or_expression({"type": "integer", "minimum": 0}),
        "rows": {"anyOf": [_list(_ref("value")), _ref("expression")]},
        "text": {"type": "string", "pattern": r"\S"},
        "identifier": identifier,
        "identifiers": _list(_ref("identifier"), minItems=1, uniqueItems=True),
        "layer_name": {**_whole(LAYER_NAME), "not": {"const": "input"}},
        "tensors": {"anyOf": [_whole(TENSOR), _list(_whole(TENSOR), minItems=1)]},
        "merge": {"enum": list(MERGES)},
        "shape": shape,
        "inputs": {
            "anyOf": [
                _ref("shape"),
                {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": _ref("layer_name"),
                    "additionalProperties": _ref("shape"),
                },
            ]
        },
        "presets": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": _ref("value")},
        },
    }


def _parts() -> dict[str, _Schema]:
    """Blocks, lists of layers, and what stands in them."""
    known = [*layers.TYPES, *STRUCTURES]
    types = {name: _ref(f"layer_{cls.type}") for name, cls in layers.TYPES.items()}
    structures = {name: _ref(f"structure_{name}") for name in STRUCTURES}
    bare = [name for name in layers.TYPES if not _required(layers.find(name))]
    alone = {
        "description": "A layer type or a block, where no field is needed.",
        "anyOf": [
            {"enum": bare},
            {**_whole(LAYER_NAME), "not": {"enum": known}, "description": "A block."},
        ],
    }
    with_fields = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {**types, **structures},
        "additionalProperties": _ref("block_call"),
    }
    call = _fields(COMMON, descriptions(Statement))
    return {
        "block": _form(Block),
        "blocks": {
            "type": "object",
            "propertyNames": {"allOf": [_ref("layer_name"), {"not": {"enum": known}}]},
            "additionalProperties": _ref("block"),
        },
        "block_call": {
            "description": "A call of a block, with its arguments.",
            "type": ["object", "null"],
            "properties": call,
            "additionalProperties": _ref("value"),
        },
        "element": {"anyOf": [alone, with_fields]},
        "layers": _list(_ref("element")),
        "network": _list(_ref("element"), minItems=1),
        "paths": _list(_ref("layers"), minItems=1),
    }


def _required(cls: type[layers.Layer]) -> list[layers.Field]:
    return [field for field in layers.fields_of(cls) if field.required]


def _fields(fields: Mapping[str, Field], texts: Mapping[str, str]) -> dict[str, _Schema]:
    return {
        name: {**_ref(field.schema), **({"description": texts[name]} if name in texts else {})}
        for name, field in fields.items()
    }


def _form(form: type) -> _Schema:
    """The schema of a structure, a block or a document, described by its class."""
    fields = FORMS[form]
    texts = {**descriptions(Statement), **descriptions(form)}
    return {
        "description": " ".join((form.__doc__ or "").split("\n\n")[0].split()),
        "type": "object",
        "properties": _fields(fields, texts),
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _layer(cls: type[layers.Layer]) -> _Schema:
    """The schema of a layer type's fields, each under its canonical and its short name."""
    properties = _fields(OF_LAYERS, descriptions(Statement))
    rules: list[_Schema] = []
    for field in layers.fields_of(cls):
        spellings = [name for name in (field.name, field.short) if name]
        given = [{"required": [name]} for name in spellings]
        if field.required:
            rules.append({"oneOf": given} if field.short else given[0])
        elif field.short:
            rules.append({"not": {"required": spellings}})
        value = _or_expression(field.kind.schema())
        if field.description:
            value["description"] = field.description
        if not field.required and field.default is not None:
            value["default"] = field.kind.show(field.default)
        properties |= dict.fromkeys(spellings, value)
    text = f"{layers.summary(cls)}\n\n{layers.details(cls)}".strip()
    return {
        "description": text,
        "type": "object" if _required(cls) else ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        **({"allOf": rules} if rules else {}),
    }
