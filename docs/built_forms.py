"""Makes convcalc/language/built.py of the models in convcalc/language/forms.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.language import forms
from convcalc.language.statements import BuiltForm

#: What pydantic's core validates by; the rest of a model's core schema is for its JSON Schema, or
#: for printing it, and differs between versions.
_VALIDATING = (
    *("type", "cls", "config", "extra_fields_behavior", "schema", "fields"),
    *("validation_alias", "default", "function"),
)


def module() -> str:
    """The module that has the core schema of every form, so that a run need not build it."""
    return f'''"""The core schema of the models in forms.py, made by docs/built_forms.py."""
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from typing import Any

from convcalc.language.statements import built_field as field
from convcalc.language.statements import built_form as form

#: The structures of the language, by name.
STRUCTURES: dict[str, Any] = {{{_forms(forms.STRUCTURES)}}}
#: The other forms.
OTHERS: dict[str, Any] = {{{_forms(forms.OTHERS)}}}
'''


def validating(schema: Any, form: str = "") -> Any:
    """The part of a model's core schema that pydantic's core validates by, for built forms."""
    if isinstance(schema, type):
        return BuiltForm
    if not isinstance(schema, dict) or form == "default":
        return schema
    kept = schema if form == "fields" else filter(schema.__contains__, _VALIDATING)
    return {key: validating(schema[key], key) for key in kept}


def _forms(models: Mapping[str, type[forms.Form]]) -> str:
    """The built forms of models, one a line."""
    lines = []
    for form, model in models.items():
        fields = validating(model.__pydantic_core_schema__)["schema"]["fields"]
        inside = ", ".join([f"{name}={_field(**field)}" for name, field in fields.items()])
        lines.append(f"{form!r}: form({inside}),\n")
    return "\n" + "".join(lines)


def _field(type: str, schema: Mapping[str, Any], **alias: str) -> str:
    """The call that makes the core schema of a field."""
    default = [repr(schema["default"])] if "default" in schema else []
    check = schema["schema"] if default else schema
    named = [f"{key}={value!r}" for key, value in alias.items()]
    return f"field({', '.join([repr(check['function']['function'].name), *default, *named])})"
