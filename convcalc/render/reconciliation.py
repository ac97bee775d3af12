"""A reconciliation as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from convcalc.reconcile import Bridge, Item, Reconciliation
from convcalc.render.formats.table import aligned
from convcalc.render.heading import heading, shapes
from convcalc.render.lacking import lacking_of
from convcalc.render.report import Records, Report, Table
from convcalc.render.wrapping import screen_width, wrapped
from convcalc.reported import Answer, Reading
from convcalc.visible import width
from convcalc.words import PARTIAL, counted, grouped, sizes

FORMAT = "convcalc.reconciliation/1"

_LEGEND = (
    "Totals are for one input. A MAC is a product, summed up, of a convolution, a linear layer or"
    " a matrix product.",
    "Unseen: layers that do arithmetic, and that the tool without a word counts as 0.",
    "inp and out are a layer's input and output elements; `convcalc conventions NAME` has all"
    " names.",
)
#: What stands there too where a convention has no total.
_NO_NUMBER = "?: no number."


def report(found: Reconciliation, answer: Answer | None) -> Report:
    """A row a convention; as text the totals side by side, and the bridges to them.

    As text an answer is told alone, with the bridges to what it names, and documents begin with it.
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
        if answer is None:
            totals = _totals(found)
            legend = (
                part for line in totals.legend for part in wrapped(line, columns, 0, prose=True)
            )
            yield from aligned(totals._replace(legend=tuple(legend)))
            yield from _bridges(found.bridges, found, columns)
            return
        hang = width(answer.reported.text) + 4 if answer.matches else 0
        for line in _answer(answer):
            yield from wrapped(line, columns, hang, prose=True)
        for line in lacking_of(found.unknown):
            yield from wrapped(line, columns, 0, prose=True)
        yield from _bridges(_told(found, answer), found, columns)
        yield ""
        yield from wrapped("Without --reported: what every tool counts.", columns, 0, prose=True)

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
    if not answer.matches and answer.nearest is not None:
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
            name = _reading(reading, answer) + (" (the nearest)" if kind == "nearest" else "")
            yield name, less, _shown(reading.value), off

    header = ("Reading", "Without", "Comes to", "Off by")
    return Table(f"{reported.text}: {what}", header, (False, False, True, True), rows)


def _totals(found: Reconciliation) -> Table:
    """The totals side by side."""
    name = heading(found.graph, says_input=False)
    mark = _mark(found)
    title = f"{name}, input {shapes(found.graph)}: {grouped(found.macs)}{mark} MACs"
    lacks_one = any(bridge.total is None for bridge in found.bridges)
    legend = (*_LEGEND, *([_NO_NUMBER] if lacks_one else []), *lacking_of(found.unknown))
    header = ("Convention", "Prints", "Total", "/ MACs", "Params", "Unseen")

    def rows() -> Iterator[tuple[str, ...]]:
        for bridge in found.bridges:
            yield (
                bridge.convention.name,
                bridge.convention.unit,
                grouped(bridge.total) + (mark if bridge.total is not None else ""),
                _ratio(bridge.total, found.macs),
                "" if bridge.params is None else grouped(bridge.params),
                grouped(bridge.silent) if bridge.silent else "",
            )

    return Table(title, header, (False, False, True, True, True, True), rows, (), legend)


def _mark(found: Reconciliation) -> str:
    """What stands behind sums that lack layers of unknown cost."""
    return PARTIAL if found.unknown and found.macs is not None else ""


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
        "unknown": len(found.unknown),
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
            "nearest": None if answer.nearest is None else _reading_object(answer.nearest),
        }
    return data


def _ratio(total: int | None, macs: int | None) -> str:
    if total is None or not macs:
        return ""
    thousandths = (2000 * total + macs) // (2 * macs)
    return f"{thousandths // 1000}.{thousandths % 1000:03}"


#: Totals whose bridges are shown beside an answer.
_TOLD = 3


def _told(found: Reconciliation, answer: Answer) -> Iterator[Bridge]:
    """The bridges to the likeliest totals of an answer, where those have something beside MACs."""
    asked = answer.subject
    counts = [each for each in answer.matches if each.subject == asked and each.what != "params"]
    named = {each.convention.name: each.value for each in counts}
    values = list(dict.fromkeys(named.values()))[:_TOLD]
    for bridge in found.bridges:
        if named.get(bridge.convention.name) in values and bridge.items:
            yield bridge


def _bridges(bridges: Iterable[Bridge], found: Reconciliation, columns: int) -> Iterator[str]:
    """A bridge a paragraph, no wider than `columns`; conventions with the same one share it."""
    macs, mark = found.macs, _mark(found)
    names: dict[tuple[int | None, tuple[Item, ...], tuple[str, ...]], list[Bridge]] = {}
    for bridge in bridges:
        names.setdefault((bridge.total, bridge.items, bridge.without), []).append(bridge)
    for (total, items, without), bridges in names.items():
        title = ", ".join(bridge.convention.name for bridge in bridges)
        yield ""
        if total is None or macs is None:
            text = f"{title}: no number for {', '.join(without)}"
            yield from wrapped(text, columns, 2, prose=True)
            continue
        wide = len(f"{max([total, macs, *(abs(item.amount) for item in items)]):,}")
        yield from wrapped(f"{title}:", columns, 2, prose=True)
        yield f"    {macs:>{wide},}{mark}  MACs"
        for item in items:
            sign = "+" if item.amount > 0 else "−"
            line = f"  {sign} {abs(item.amount):>{wide},}{' ' * len(mark)}  {_item(item)}"
            yield from wrapped(line, columns, wide + len(mark) + 6, prose=True)
        yield f"  = {total:>{wide},}{mark}"


def _item(item: Item) -> str:
    plural = "" if item.layers == 1 else "s"
    return f"{item.what}: {item.formula} ({item.layers:,} layer{plural})"


def _answer(answer: Answer) -> Iterator[str]:
    reported = answer.reported
    if answer.matches:
        said = f"{reported.text} {'is' if answer.is_certain else 'may be'}"
        same: dict[Fraction, list[str]] = {}
        for each in answer.matches:
            same.setdefault(each.value, []).append(_reading(each, answer))
        for value, readings in same.items():
            yield f"{said} {', '.join(readings)} = {_shown(value)}"
            said = " " * (width(said) - 2) + "or"
        return
    yield f"{reported.text} is no convention's number, nor twice or half of one."
    for reading in answer.near:
        less = " and ".join(_item(item) for item in reading.less)
        yield f"It is {_reading(reading, answer)} without {less}: {_shown(reading.value)}."
    if answer.near:
        chance = min(answer.tried * reported.chance(), 1.0)
        tried = counted(answer.tried, "total")
        meets = f"chance meets one {chance:.2%} of the time"
        yield f"{tried} without an item or two were tried; {meets}."
    if answer.nearest is None:
        yield "No total is near it: what the layers cost is not known."
        return
    gap = reported.value - answer.nearest.value
    more = "more" if gap > 0 else "less"
    yield (
        f"The nearest is {_reading(answer.nearest, answer)} = {_shown(answer.nearest.value)};"
        f" {_shown(abs(gap))} {more} is reported."
    )


def _reading(reading: Reading, answer: Answer) -> str:
    """What a reading counts, and of what, where that is not what was asked."""
    factor = {Fraction(1): "", Fraction(2): "2 × ", Fraction(1, 2): "½ × "}[reading.factor]
    text = f"{factor}{reading.convention.name}"
    if reading.what == "params":
        own = reading.convention.name in ("exact", "macs")
        text = (
            "the parameters" if own else f"the parameters as {reading.convention.name} counts them"
        )
    for part in reading.leaving_out:
        text += f" without {part}"
    asked = answer.subject
    if reading.subject.cut_by != asked.cut_by:
        text += " of the whole network"
    elif reading.subject.name != asked.name:
        text += f" of {reading.subject.name}"
    elif reading.subject.preset != asked.preset:
        preset = reading.subject.preset
        text += f" of preset {preset}" if preset else " without a preset"
    elif reading.subject.input != asked.input:
        shapes = ", ".join(
            sizes(shape).replace("x", "×") for shape in reading.subject.input.values()
        )
        text += f" at {shapes}"
    return text


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
    shapes = reading.subject.input
    without = {"leaving_out": list(reading.leaving_out)} if reading.leaving_out else {}
    return {
        "convention": reading.convention.name,
        "factor": _number(reading.factor),
        "as": reading.what,
        "total": _number(reading.value),
        "network": reading.subject.name,
        "preset": reading.subject.preset,
        "input": shapes["input"] if list(shapes) == ["input"] else dict(shapes),
        **reading.subject.cut_by,
        **without,
        "without": [item._asdict() for item in reading.less],
    }
