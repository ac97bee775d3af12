"""Makes convcalc/language/built.py of the models in convcalc/language/forms.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convcalc.language import forms

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

from convcalc.language.statements import BuiltForm, Checked

#: The structures of the language, by name.
STRUCTURES: dict[str, Any] = {{{_core_schemas(forms.STRUCTURES)}}}
#: The other forms.
OTHERS: dict[str, Any] = {{{_core_schemas(forms.OTHERS)}}}
'''


def _core_schemas(models: Mapping[str, type[forms.Form]]) -> str:
    schemas = {name: _code(form.__pydantic_core_schema__) for name, form in models.items()}
    return "\n" + "".join(f"{name!r}: {schema},\n" for name, schema in schemas.items())


def _code(schema: Any) -> str:
    """A core schema as Python reads it, one field a line."""
    if isinstance(schema, type):
        return "BuiltForm"
    if not isinstance(schema, dict):
        return repr(schema)
    parts = []
    for key in filter(schema.__contains__, _VALIDATING):
        if key == "fields":
            fields = [f"    {name!r}: {_code(field)},\n" for name, field in schema[key].items()]
            parts.append(f"{key!r}: {{\n{''.join(fields)}}}")
        else:
            parts.append(f"{key!r}: {_code(schema[key])}")
    return f"{{{', '.join(parts)}}}"
