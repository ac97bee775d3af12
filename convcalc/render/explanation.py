"""An explained layer as text: each figure, its formula in names, and with the numbers in it."""

from __future__ import annotations

from typing import Any

from convcalc.arithmetic import value_of
from convcalc.explain import Explanation, Figure, Part
from convcalc.render.columns import grouped, short

_TITLES = {
    "params": "params",
    "buffers": "buffers",
    "macs": "MACs",
    "activations": "activations",
}


def text(explanation: Explanation, si: bool = False) -> str:
    """The answer first, then how it came about."""
    e = explanation
    number = short if si else grouped
    unit = e.convention.unit
    titles = _TITLES | {"flops": unit}
    lines = [f"{e.type}{_fields(e)}", ""]
    answers = [("input", ", ".join(_shape(shape) for shape in e.inputs))]
    answers.append(("output", ", ".join(_shape(shape) for shape in e.outputs)))
    for key in ("params", "buffers", "macs", "flops", "activations"):
        figure = e.figures[key]
        if key == "buffers" and figure.value == 0:
            continue
        shown = number(figure.value) if figure.value is not None else figure.closed
        answers.append((titles[key], shown))
    width = max(len(name) for name, _ in answers)
    lines += [f"  {name.ljust(width)}  {value}" for name, value in answers]
    lines += [""]
    if len(e.parts) > 1:
        lines += _parts(e, number)
    else:
        for figure in e.parts[0].sizes:
            lines += _derivation(figure.name, figure)
        for key in ("params", "buffers", "macs", "flops", "activations"):
            figure = e.figures[key]
            if figure.names not in ("", "0"):
                lines += _derivation(titles[key], figure)
    lines += [
        "",
        f"{unit} as `{e.convention.name}` counts them: {e.convention.summary}; batch {e.batch}.",
        "",
    ]
    return "\n".join(lines)


def _fields(e: Explanation) -> str:
    if len(e.parts) > 1:
        return f": {', '.join(part.name.removeprefix(e.type + '.') for part in e.parts)}"
    shown = [
        f"{name} {_value(value)}" for name, value in e.parts[0].config.items() if value is not None
    ]
    return f": {', '.join(shown)}" if shown else ""


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        items = [_value(item) for item in value]
        return items[0] if len(set(items)) == 1 else f"[{', '.join(items)}]"
    known = value_of(value)
    return str(value if known is None else known)


def _shape(shape: tuple[Any, ...]) -> str:
    return "×".join(str(size if value_of(size) is None else value_of(size)) for size in shape)


def _derivation(name: str, figure: Figure) -> list[str]:
    """The formula in names, with the numbers in it, and what it comes to; no line twice."""
    result = grouped(figure.value) if figure.value is not None else figure.closed
    steps = list(dict.fromkeys([figure.names, figure.numbers, result]))
    indent = " " * len(name)
    return [f"  {name if i == 0 else indent} = {step}" for i, step in enumerate(steps)]


def _parts(e: Explanation, number: Any) -> list[str]:
    """One line a part of a composite layer."""

    def cells(part: Part) -> tuple[str, ...]:
        figures = (part.figures[key] for key in ("params", "macs", "flops"))
        shown = (number(f.value) if f.value is not None else f.closed for f in figures)
        return (part.name.removeprefix(e.type + "."), _shape(part.outputs[0]), *shown)

    rows = [("part", "output", "params", "MACs", e.convention.unit), *map(cells, e.parts)]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]
