"""The largest network within budgets as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from convcalc.render.columns import find
from convcalc.render.heading import as_setting
from convcalc.render.report import Report, Table, records_of
from convcalc.render.settings import in_json
from convcalc.search.points import label
from convcalc.search.solving import Found, Solution
from convcalc.words import grouped, short

FORMAT = "convcalc.solution/1"


def report(found: Solution, title: str, si: bool = False) -> Report:
    """The best setting, and the next one up."""

    def objects() -> list[dict[str, Any]]:
        same = {name: [_in_json(end) for end in ends] for name, ends in found.same.items()}
        ends = {name: {"open": list(found.open.get(name, (False, False)))} for name in found.same}
        return [
            {
                "format": FORMAT,
                "name": found.name,
                "budgets": dict(found.budgets),
                "best": _object(found.best),
                "same": same,
                "same_ends": ends,
                "next": _object(found.next),
            }
        ]

    def lines() -> Sequence[Mapping[str, Any]]:
        return [
            {
                "which": which,
                **{label(name): value for name, value in in_json(each.variables).items()},
                **each.totals,
            }
            for which, each in (("best", found.best), ("next", found.next))
            if each is not None
        ]

    return Report(objects, lines, lambda: records_of(lines()), lambda: [_table(found, title, si)])


def _object(found: Found | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"variables": in_json(found.variables), "totals": dict(found.totals)}


def _in_json(value: Any) -> Any:
    """An end of an interval: an integer, a fraction as text, or a value as it was given."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    return list(value) if isinstance(value, tuple) else value


def _table(found: Solution, title: str, si: bool) -> Table:
    number = short if si else grouped
    either = found.best or found.next
    variables = [] if either is None else [*either.variables]
    metrics = [] if either is None else [*either.totals]
    known = [each for each in (found.best, found.next) if each is not None]

    def cells() -> Iterator[tuple[str, ...]]:
        for each in known:
            label = "largest that fits" if each is found.best else "next one up"
            if found.best is None:
                label = "smallest"
            yield (
                label,
                *(as_setting(each.variables[name]) for name in variables),
                *(number(each.totals[metric]) for metric in metrics),
            )

    header = ("", *variables, *(find(metric).title for metric in metrics))
    within = ", ".join(f"{metric} ≤ {most:,}" for metric, most in found.budgets.items())
    legend = [f"Within {within}" + ("." if found.best else " there is no network.")]
    legend += [
        f"The same network: {name} {_interval(found, name)}."
        for name, (low, high) in found.same.items()
        if low != high
    ]
    numeric = (False, *(True for _ in header[1:]))
    return Table(title, header, numeric, cells, (), tuple(legend))


def _interval(found: Solution, name: str) -> str:
    """The values that give the same: `from 39/40 to below 79/80`."""
    (low, high), ends = found.same[name], found.open.get(name, (False, False))
    first = f"above {_shown(low)}" if ends[0] else f"from {_shown(low)}"
    return f"{first} to {'below ' if ends[1] else ''}{_shown(high)}"


def _shown(value: Any) -> str:
    """An end; a fraction with its decimals, where it has few."""
    if not isinstance(value, Fraction) or value.denominator == 1:
        return str(value)
    decimal = float(value)
    is_short = Fraction(repr(decimal)) == value and len(repr(decimal)) < 12
    return f"{value} ({decimal})" if is_short else str(value)
