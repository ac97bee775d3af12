"""An explained layer as text: each figure, its formula in names, and with the numbers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from convcalc.arithmetic import value_of
from convcalc.costs import FIGURES
from convcalc.explain import Explanation, Formulas, Part
from convcalc.render.report import Report, Table, records_of
from convcalc.words import as_mathematics, grouped, short


def report(explanation: Explanation, si: bool = False) -> Report:
    """An explained layer: an object, a row a figure, or the derivations as text."""
    return Report(
        lambda: [explanation.to_dict()],
        lambda: _objects(explanation),
        lambda: records_of(_objects(explanation)),
        lambda: [_table(explanation, si)],
        lambda: _text(explanation, si),
    )


def _text(explanation: Explanation, si: bool) -> Iterator[str]:
    """The answer first, then how it came about."""
    e = explanation
    number = short if si else grouped
    yield f"{e.type}{_fields(e)}"
    yield ""
    answers = [("input", ", ".join(_shape(shape) for shape in e.inputs))]
    answers.append(("output", ", ".join(_shape(shape) for shape in e.outputs)))
    for title, figure in _figures(e):
        if figure.name != "buffers" or figure.value != 0:
            answers.append((title, _result(figure, number)))
    width = max(len(name) for name, _ in answers)
    yield from (f"  {name.ljust(width)}  {value}" for name, value in answers)
    yield ""
    if len(e.parts) > 1:
        yield from _parts(e, number)
    else:
        for title, figure in _derived(e):
            yield from _derivation(title, figure)
    yield ""
    yield from _legend(e)


def _table(explanation: Explanation, si: bool) -> Table:
    """One row a figure: its formula in names, with the numbers in it, and the result."""
    number = short if si else grouped
    rows = [
        (title, figure.names, figure.numbers, _result(figure, number))
        for title, figure in _derived(explanation)
    ]
    header = ("Figure", "Formula", "With numbers", "Result")
    title = f"{explanation.type}{_fields(explanation)}"
    return Table(title, header, (False, False, False, True), lambda: rows, (), _legend(explanation))


def _objects(explanation: Explanation) -> list[dict[str, Any]]:
    """One object a figure."""
    return [
        {
            "figure": figure.name,
            "value": figure.value,
            "formula": figure.names,
            "numbers": figure.numbers,
            "closed": figure.closed,
        }
        for _, figure in _derived(explanation)
    ]


def _figures(e: Explanation) -> list[tuple[str, Formulas]]:
    """The figures of the whole layer, with their titles."""
    titles = {"macs": FIGURES["macs"].title, "flops": e.convention.unit}
    return [(titles.get(key, key), figure) for key, figure in e.figures.items()]


def _derived(e: Explanation) -> list[tuple[str, Formulas]]:
    """The figures that a formula makes, the sizes of the output first."""
    sizes = e.parts[0].sizes if len(e.parts) == 1 else ()
    found = [*((figure.name, figure) for figure in sizes), *_figures(e)]
    return [(title, figure) for title, figure in found if figure.names not in ("", "0")]


def _result(figure: Formulas, number: Callable[[int], str]) -> str:
    return figure.closed if figure.value is None else number(figure.value)


def _legend(e: Explanation) -> tuple[str, ...]:
    convention = e.convention
    lines = [
        f"{convention.unit} as `{convention.name}` counts them: {convention.summary};"
        f" batch {e.batch}."
    ]
    lines += [f"{name}: {text}." for name, text in e.meanings.items()]
    if e.gap:
        lines.append(
            f"{convention.tool} has no number for this layer where {as_mathematics(e.gap)}."
        )
    return tuple(lines)


def _fields(e: Explanation) -> str:
    if len(e.parts) > 1:
        return f": {', '.join(_own_name(part, e) for part in e.parts)}"
    shown = [
        f"{name} {_value(value)}" for name, value in e.whole.config.items() if value is not None
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


def _derivation(name: str, figure: Formulas) -> list[str]:
    """The formula in names, with the numbers in it, and what it comes to; no line twice."""
    steps = dict.fromkeys([figure.names, figure.numbers, _result(figure, grouped)])
    indent = " " * len(name)
    return [f"  {name if i == 0 else indent} = {step}" for i, step in enumerate(steps)]


def _own_name(part: Part, e: Explanation) -> str:
    return part.row.name.removeprefix(f"{e.type}.")


def _parts(e: Explanation, number: Any) -> list[str]:
    """One line a part of a composite layer."""

    def cells(part: Part) -> tuple[str, ...]:
        figures = (part.figures[key] for key in ("params", "macs", "flops"))
        shown = (_result(figure, number) for figure in figures)
        return (_own_name(part, e), _shape(part.row.output_shapes[0]), *shown)

    rows = [("part", "output", "params", "MACs", e.convention.unit), *map(cells, e.parts)]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in rows
    ]
