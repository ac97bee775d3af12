"""The reference page of layer types, made from their classes and from the rules that run."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from convcalc import layers
from convcalc.diagnostics import ConvcalcError, Source
from convcalc.explain import Explanation, Formulas, Part, explain
from convcalc.language import reader
from convcalc.language.limits import Budget
from convcalc.layers import Layer

_HEAD = """\
# Layer types

What a spec can name in `layers`, with the fields, shapes and costs of each. The page is made from
the classes in `convcalc/layers/` (`python -m docs.generate`), and the formulas are the rules that
run, on symbols: `convcalc layer TYPE` prints them with your numbers in them.

A field has its PyTorch name and, for the common ones, a short one. Where it takes a number, a spec
may write an expression; [language.md](language.md) has these, and `name`, `from`, `when` and
`functional`, which every layer takes. Tensors are channels first, without the batch.

In the formulas `C`, `H`, `W` are channels, height and width (`F` the features of a flat tensor),
`_in` and `_out` of the input and the output, `k`, `s`, `p`, `d`, `g` the kernel, stride, padding,
dilation and groups. They are for a 2-D input where there is a choice, and for the defaults of
fields that are no numbers; where a field must be given and is none, for the example's. `MACs` are
multiply–accumulates; below them are the operations by kind, which the convention `exact` adds up. A
type without any computes nothing.
"""


def page() -> str:
    """docs/layers.md."""
    families: dict[str, list[type[Layer]]] = {}
    for name in layers.names():
        cls = layers.find(name)
        families.setdefault(cls.__module__, []).append(cls)
    lines = [_HEAD]
    for module, types in sorted(families.items()):
        lines.append(f"- {_title(module)}: {', '.join(f'[{t.type}](#{t.type})' for t in types)}")
    for module, types in sorted(families.items()):
        lines += ["", f"## {_title(module)}", "", inspect.getdoc(sys.modules[module]) or ""]
        for cls in types:
            lines += ["", *_entry(cls)]
    return "\n".join(lines) + "\n"


def _title(module: str) -> str:
    return module.rpartition(".")[2].capitalize()


def _entry(cls: type[Layer]) -> Iterator[str]:
    """One layer type: what it is, its fields, what it makes and costs, an example."""
    yield f"### {cls.type}"
    aliases = [name for name, other in layers.TYPES.items() if other is cls and name != cls.type]
    if aliases:
        yield from ("", f"Also {', '.join(f'`{name}`' for name in aliases)}.")
    yield from ("", *(text for text in (layers.summary(cls), layers.details(cls)) if text))
    fields = layers.written_fields(cls)
    if fields:
        yield from ("", "| field | short | values | default | |", "| --- | --- | --- | --- | --- |")
        yield from (_field_row(field) for field in fields)
    found = layers.example(cls)
    if found is None:
        return
    line, shape = found
    given = _fields(cls, line)
    yield from ("", "```", *_costs(_in_symbols(cls, given)), "```")
    inputs = [tuple(map(int, shape.split("x")))] if shape else []
    made = explain(cls.type, given, inputs).outputs
    shown = ", ".join("×".join(str(getattr(n, "value", n)) for n in out) for out in made)
    entering = f"{shape.replace('x', '×')} " if shape else ""
    yield from ("", "```yaml", f"- {line}  # {entering}→ {shown}", "```")


def _field_row(field: layers.Field) -> str:
    if field.required:
        default = "required"
    elif field.default is None:
        default = ""
    else:
        value = field.kind.show(field.default)
        default = f"`{str(value).lower() if isinstance(value, bool) else value}`"
    short = f"`{field.short}`" if field.short else ""
    return f"| `{field.name}` | {short} | {field.kind.expected} | {default} | {field.description} |"


def _fields(cls: type[Layer], line: str) -> dict[str, Any]:
    """The fields of an example, by canonical name."""
    (element,) = reader.read(Source(cls.type, f"- {line}"), Budget())
    given = element[cls.type] if isinstance(element, Mapping) else {}
    names = layers.canonical_names(cls)
    return {names[key]: value for key, value in given.items() if key in names}


def _in_symbols(cls: type[Layer], given: Mapping[str, Any]) -> Explanation:
    """The layer with all numbers open; an example's values where a rule needs one."""
    try:
        return explain(cls.type, {})
    except ConvcalcError:
        fixed = [field.name for field in layers.fields_of(cls) if not field.kind.symbolic]
        return explain(cls.type, {name: given[name] for name in fixed if name in given})


def _costs(explanation: Explanation) -> list[str]:
    """What comes out and what it costs, one figure a line."""
    parts = explanation.parts
    rows = [("output", ", ".join(_shape(shape) for shape in explanation.outputs))]
    for part in parts:
        rows += _sizes(part, prefix="" if len(parts) == 1 else f"{_own_name(part, explanation)}.")
    if len(parts) == 1:
        rows += [(name, _shape(shape)) for name, shape in parts[0].row.weights.items()]
    titles = {"params": "params", "buffers": "buffers", "macs": "MACs"}
    figures = explanation.figures
    rows += [(title, figures[key].names or figures[key].closed) for key, title in titles.items()]
    if len(parts) == 1:
        rows += [(name, figure.names) for name, figure in parts[0].operations.items()]
    else:
        rows.append((explanation.convention.unit, explanation.figures["flops"].names))
    kept = [(name, text) for name, text in rows if text != "0"]
    width = max(len(name) for name, _ in kept)
    return [f"{name.ljust(width)}  {text}" for name, text in kept]


def _own_name(part: Part, explanation: Explanation) -> str:
    return part.row.name.removeprefix(f"{explanation.type}.")


def _sizes(part: Part, prefix: str) -> Iterator[tuple[str, str]]:
    """The sizes that a layer works out; an axis that goes as the one before is said so."""
    before: Formulas | None = None
    for size in part.sizes:
        same = before is not None and size.names == before.names.replace(
            before.name[0], size.name[0]
        )
        yield prefix + size.name, "likewise" if same else size.names
        before = size


def _shape(shape: tuple[Any, ...]) -> str:
    return "×".join(_bracketed(str(size)) for size in shape)


def _bracketed(text: str) -> str:
    return f"({text})" if any(sign in text for sign in " /·") else text
