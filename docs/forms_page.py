"""The reference page of the spec language's forms, made from their models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from convcalc.dtypes import SIZES
from convcalc.language import forms
from convcalc.language.statements import MERGES, Checked

_HEAD = """\
# Forms

Every key that a spec can have outside of its layers' own fields. The page is made from the models
in `convcalc/language/forms.py` (`python -m docs.generate`), as are the check of a spec and the
schema that `convcalc schema` prints. [language.md](language.md) teaches the language,
[layers.md](layers.md) has the fields of each layer type.

A key that is not required may be left out. Where a value is meant, an
[expression](language.md#expressions) may stand.
"""
_STRUCTURES = (
    "Layers inside an element, each of which takes the keys of an [element](#elements) too."
)
#: The forms that are no structures, with their titles.
_TITLES = {
    forms.Spec: "Spec",
    forms.Block: "Blocks",
    forms.Element: "Elements",
    forms.Call: "Layers and calls of blocks",
    forms.Layer: "Layers",
}
#: What each check of the language takes, in words.
_TAKES = {
    "arguments": "names with a value each, or `required`",
    "bind": "a list of names",
    "blocks": "names with a block each",
    "budgets": "metrics with an amount each",
    "condition": "`true`, `false` or an expression",
    "index": "a name",
    "inputs": "a list of sizes, or names with such a list each",
    "layer_name": "a name, which may have `-` in it",
    "layers": "a list of layers",
    "dtype": f"one of {', '.join(f'`{name}`' for name in SIZES)}",
    "merge": f"one of {', '.join(f'`{word}`' for word in MERGES)}",
    "network": "a list of layers, one at least",
    "notes": "names with a text each",
    "output_shape": "a list of sizes",
    "paths": "a list of lists of layers",
    "presets": "names with values of variables each",
    "rows": "a list of rows",
    "tensors": "a name, or a list of names",
    "text": "a text",
    "times": "a whole number, 0 or more",
    "truth": "`true` or `false`",
    "values": "names with a value each",
    "weights": "a name",
}


def page() -> str:
    """docs/forms.md."""
    lines = [_HEAD.rstrip()]
    for form, title in _TITLES.items():
        lines += ["", f"## {title}", "", *_entry(form)]
    lines += ["", "## Structures", "", _STRUCTURES]
    for name, structure in forms.STRUCTURES.items():
        lines += ["", f"### {name}", "", *_entry(structure)]
    return "\n".join(lines) + "\n"


def _entry(form: type[forms.Form]) -> Iterator[str]:
    """What a form is, and its own fields."""
    yield from (form.__doc__ or "", "")
    yield from ("| key | takes | default | | example |", "| --- | --- | --- | --- | --- |")
    above = [base for base in form.__mro__[1:] if issubclass(base, forms.Form)]
    inherited = {name for base in above for name in base.model_fields}
    for name, field in form.model_fields.items():
        if name not in inherited:
            yield _row(field.alias or name, field)


def _row(key: str, field: FieldInfo) -> str:
    (check,) = [each for each in field.metadata if isinstance(each, Checked)]
    examples = "<br>".join([f"`{_written(key, each)}`" for each in field.examples or ()])
    text = " ".join((field.description or "").split())
    cells = (f"`{key}`", _TAKES[check.name], _default(field), text, examples)
    return f"| {' | '.join(map(str, cells))} |"


def _default(field: FieldInfo) -> str:
    """A default that says something; an empty one is only left out."""
    if field.is_required():
        return "required"
    return f"`{str(field.default).lower()}`" if isinstance(field.default, bool) else ""


def _written(key: str, value: Any) -> str:
    """A key with a value, on one line of YAML."""
    text = yaml.safe_dump({key: value}, default_flow_style=True, sort_keys=False, width=10**6)
    return text.strip()[1:-1]
