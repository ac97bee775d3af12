"""A reconciliation as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any

from convcalc.reconcile import Answer, Bridge, Item, Reading, Reconciliation
from convcalc.render.formats.table import aligned
from convcalc.render.heading import heading, shapes
from convcalc.render.report import Records, Report, Table
from convcalc.render.wrapping import screen_width, wrapped
from convcalc.words import grouped

FORMAT = "convcalc.reconciliation/1"

_LEGEND = (
    "Totals are for one input. A MAC is a product, summed up, of a convolution or a linear layer.",
    "Unseen: layers that do arithmetic, and that the tool without a word counts as 0."
    " ?: no number.",
    "inp and out are a layer's input and output elements; `convcalc conventions NAME` has all"
    " names.",
)


def report(found: Reconciliation, answer: Answer | None) -> Report:
    """A row a convention; as text and in documents the answer first, and the bridges last.

    Rows say of their own convention whether it gives the reported figure.
    """

    def lines() -> list[dict[str, Any]]:
        rows = [_bridge_object(bridge) for bridge in found.bridges]
        if answer is None:
            return rows
        return [{**row, "readings": _own_readings(row["name"], answer)} for row in rows]

    def records() -> Records:
        keys = ("name", "unit", "total", "params", "silent_layers")
        rows = ([each[key] for key in keys] for each in lines())
        if answer is None:
            return Records(("convention", *keys[1:]), rows)
        header = ("convention", *keys[1:], "reading", "factor", "comes_to")
        return Records(header, ([*row, *_first_reading(row[0], answer)] for row in rows))

    def text() -> Iterator[str]:
        columns = screen_width()
        if answer is not None:
            hang = len(answer.reported.text) + 4 if answer.matches else 0
            for line in _answer(answer):
                yield from wrapped(line, columns, hang, prose=True)
            yield ""
        totals = _totals(found)
        legend = (part for line in totals.legend for part in wrapped(line, columns, 0, prose=True))
        yield from aligned(totals._replace(legend=tuple(legend)))
        yield from _bridges(found, columns)

    return Report(
        lambda: [_object(found, answer)],
        lines,
        records,
        lambda: [*([] if answer is None else [_answered(answer)]), _totals(found), _steps(found)],
        text,
    )


def _readings(answer: Answer) -> Iterator[tuple[str, Reading]]:
    """What a figure may be, under the keys of JSON: the nearest total where none gives it."""
    for each in answer.matches:
        yield "matches", each
    for each in answer.near:
        yield "near", each
    if not answer.matches:
        yield "nearest", answer.nearest


def _own_readings(convention: str, answer: Answer) -> list[dict[str, Any]]:
    """The readings that are a convention's, as JSON lines have them."""
    return [
        {"reading": kind, **_reading_object(each)}
        for kind, each in _readings(answer)
        if each.convention.name == convention
    ]


def _first_reading(convention: str, answer: Answer) -> list[Any]:
    """The likeliest reading that is a convention's, as CSV has it: empty where there is none."""
    for reading in _own_readings(convention, answer):
        return [reading["reading"], reading["factor"], reading["total"]]
    return [None, None, None]


def _answered(answer: Answer) -> Table:
    """What a reported figure may be: a reading a row."""
    reported = answer.reported
    what = "what gives it" if answer.matches else "no convention's number, nor twice or half of one"

    def rows() -> Iterator[tuple[str, ...]]:
        for kind, reading in _readings(answer):
            gap = reading.value - reported.value
            off = f"{'+' if gap > 0 else '−'}{_shown(abs(gap))}" if gap else ""
            less = " and ".join(map(_item, reading.less))
            name = _reading(reading) + (" (the nearest)" if kind == "nearest" else "")
            yield name, less, _shown(reading.value), off

    header = ("Reading", "Without", "Comes to", "Off by")
    return Table(f"{reported.text}: {what}", header, (False, False, True, True), rows)


def _totals(found: Reconciliation) -> Table:
    """The totals side by side."""
    name = heading(found.graph, says_input=False)
    title = f"{name}, input {shapes(found.graph)}: {found.macs:,} MACs"
    header = ("Convention", "Prints", "Total", "/ MACs", "Params", "Unseen")

    def rows() -> Iterator[tuple[str, ...]]:
        for bridge in found.bridges:
            yield (
                bridge.convention.name,
                bridge.convention.unit,
                grouped(bridge.total),
                "" if bridge.total is None else _ratio(bridge.total, found.macs),
                "" if bridge.params is None else grouped(bridge.params),
                grouped(bridge.silent) if bridge.silent else "",
            )

    return Table(title, header, (False, False, True, True, True, True), rows, (), _LEGEND)


def _steps(found: Reconciliation) -> Table:
    """The steps from the MACs to each total."""

    def rows() -> Iterator[tuple[str, ...]]:
        for bridge in found.bridges:
            name = bridge.convention.name
            for item in bridge.items:
                yield name, f"{item.amount:+,}", item.what, item.formula, f"{item.layers:,}"

    header = ("Convention", "Beside MACs", "What", "Formula", "Layers")
    return Table("From the MACs to each", header, (False, True, False, False, True), rows)


def _object(found: Reconciliation, answer: Answer | None) -> dict[str, Any]:
    """A reconciliation as JSON has it."""
    data: dict[str, Any] = {
        "format": FORMAT,
        **found.graph.to_dict(),
        "macs": found.macs,
        "conventions": [_bridge_object(bridge) for bridge in found.bridges],
    }
    if answer is not None:
        reported = answer.reported
        data["reported"] = {
            "text": reported.text,
            "low": _number(reported.low),
            "high": _number(reported.high),
            "matches": [_reading_object(each) for each in answer.matches],
            "near": [_reading_object(each) for each in answer.near],
            "nearest": _reading_object(answer.nearest),
        }
    return data


def _ratio(total: int, macs: int) -> str:
    if not macs:
        return ""
    thousandths = (2000 * total + macs) // (2 * macs)
    return f"{thousandths // 1000}.{thousandths % 1000:03}"


def _bridges(found: Reconciliation, columns: int) -> Iterator[str]:
    """A bridge a paragraph, no wider than `columns`; conventions with the same one share it."""
    names: dict[tuple[int | None, tuple[Item, ...], tuple[str, ...]], list[Bridge]] = {}
    for bridge in found.bridges:
        names.setdefault((bridge.total, bridge.items, bridge.without), []).append(bridge)
    for (total, items, without), bridges in names.items():
        title = ", ".join(bridge.convention.name for bridge in bridges)
        yield ""
        if total is None:
            text = f"{title}: no number for {', '.join(without)}"
            yield from wrapped(text, columns, 2, prose=True)
            continue
        width = len(f"{max([total, found.macs, *(abs(item.amount) for item in items)]):,}")
        yield from wrapped(f"{title}:", columns, 2, prose=True)
        yield f"    {found.macs:>{width},}  MACs"
        for item in items:
            sign = "+" if item.amount > 0 else "−"
            line = f"  {sign} {abs(item.amount):>{width},}  {_item(item)}"
            yield from wrapped(line, columns, width + 6, prose=True)
        yield f"  = {total:>{width},}"


def _item(item: Item) -> str:
    plural = "" if item.layers == 1 else "s"
    return f"{item.what}: {item.formula} ({item.layers:,} layer{plural})"


def _answer(answer: Answer) -> Iterator[str]:
    reported = answer.reported
    said = f"{reported.text} is"
    if answer.matches:
        for value, readings in groupby(answer.matches, key=lambda reading: reading.value):
            yield f"{said} {', '.join(map(_reading, readings))} = {_shown(value)}"
            said = " " * (len(reported.text) + 1) + "or"
        return
    yield f"{reported.text} is no convention's number, nor twice or half of one."
    for reading in answer.near:
        less = " and ".join(_item(item) for item in reading.less)
        yield f"It is {_reading(reading)} without {less}: {_shown(reading.value)}."
    gap = reported.value - answer.nearest.value
    more = "more" if gap > 0 else "less"
    yield (
        f"The nearest is {_reading(answer.nearest)} = {_shown(answer.nearest.value)};"
        f" {_shown(abs(gap))} {more} is reported."
    )


def _reading(reading: Reading) -> str:
    factor = {Fraction(1): "", Fraction(2): "2 × ", Fraction(1, 2): "½ × "}[reading.factor]
    return f"{factor}{reading.convention.name}"


def _shown(value: Fraction) -> str:
    return f"{_number(value):,}"


def _number(value: Fraction) -> int | float:
    """A whole number as it is, a fraction as a decimal where one is exact enough to show it."""
    if value.denominator == 1 or value > 2**50:
        return round(value)
    return float(value)


def _bridge_object(bridge: Bridge) -> dict[str, Any]:
    return {
        "name": bridge.convention.name,
        "unit": bridge.convention.unit,
        "total": bridge.total,
        "params": bridge.params,
        "silent_layers": bridge.silent,
        "without": list(bridge.without),
        "bridge": [item._asdict() for item in bridge.items],
    }


def _reading_object(reading: Reading) -> dict[str, Any]:
    return {
        "convention": reading.convention.name,
        "factor": float(reading.factor),
        "total": _number(reading.value),
        "without": [item._asdict() for item in reading.less],
    }
