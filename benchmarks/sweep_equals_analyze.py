"""Whether a sweep is an analysis of each of its settings: points drawn from all families.

    python benchmarks/sweep_equals_analyze.py --points 20000

Every family with variables gets as many points, drawn from a grid around what its variables are:
less and more, odd ones, and ones that are refused. Printed is how many are valid, how many were
traced, and what differs; the exit status is 1 where something does.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import convcalc
from convcalc.search.evaluation import Evaluated, Evaluator
from convcalc.search.family import Family
from convcalc.search.groups import Asked

METRICS = ("params", "macs", "flops", "activations")
#: Variables that say how many layers there are: each value is a structure.
_SHAPES = ("depth", "blocks", "levels", "stages", "convs", "per_block", "pools", "rates")


def families() -> Iterator[Family]:
    """The families of the zoo that have a variable."""
    for family in sorted({each.family for each in convcalc.networks()}):
        found = convcalc.load(family).family()
        if found.defaults:
            yield found


def axes(family: Family) -> dict[str, Any]:
    """What can be set of a family, entries of lists apart, and the values that they have."""
    found: dict[str, Any] = {}
    for name, value in family.defaults.items():
        if isinstance(value, (tuple, list)):
            numbers = [each for each in value if isinstance(each, (int, float))]
            if len(numbers) == len(value):
                found |= {f"{name}[{place}]": each for place, each in enumerate(value)}
        else:
            found[name] = value
    return found


def points(family: Family, count: int, random: Random) -> dict[str, list[Any]]:
    """Columns of settings, drawn from a grid around the family's own values."""
    own = axes(family)
    values = {name: _around(name, value, random) for name, value in own.items()}
    columns: dict[str, list[Any]] = {name: [] for name in own}
    for _ in range(count):
        for name, value in own.items():
            share = 0.08 if name.startswith(_SHAPES) or not _is_plain(value) else 0.5
            is_moved = random.random() < share
            columns[name].append(random.choice(values[name]) if is_moved else value)
    return columns


def _is_plain(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _around(name: str, value: Any, random: Random) -> list[Any]:
    """Values that an axis may have instead."""
    if isinstance(value, bool):
        return [True, False]
    if isinstance(value, float):
        return [value * share for share in (0.25, 0.4, 0.65, 0.9, 1.1, 1.35, 2)] + [1, 0.0, -value]
    if not isinstance(value, int):
        return [value]
    if value < 24:
        return [max(value - 1, 0), value + 1, value + random.choice((2, 4)), 1, 2 * value]
    step = random.choice((1, 7, 8, 32))
    return [value // 4, value // 2, value - step, value + step, value * 2, 33, 7, 1, 0, -8]


def differences(
    family: Family, columns: Mapping[str, Sequence[Any]], evaluator: Evaluator
) -> list[str]:
    """Where a sweep says another thing than an analysis."""
    return _compared(family, columns, evaluator, evaluator.evaluate(columns))


def _compared(
    family: Family, columns: Mapping[str, Sequence[Any]], evaluator: Evaluator, found: Evaluated
) -> list[str]:
    wrong = []
    for at, values in enumerate(zip(*columns.values())):
        point = dict(zip(columns, values))
        try:
            expected: Any = dict(evaluator.totals(point, curt=True))
        except convcalc.ConvcalcError:
            expected = None
        valid = bool(found.valid[at])
        got = {metric: figure[at] for metric, figure in found.figures.items()} if valid else None
        if got != expected:
            wrong.append(f"{family.name} at {point}: {got}, analysis {expected}")
    return wrong


def main() -> None:
    """Draw, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=20_000, help="over all families")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", default="auto", help="auto, python, numpy or numba")
    parser.add_argument("--only", default="", help="families whose name begins so")
    parser.add_argument("--part", default="1/1", help="K/N: the Kth of N parts of the families")
    asked = parser.parse_args()
    random = Random(asked.seed)
    known = list(families())
    part, parts = map(int, asked.part.split("/"))
    each = -(-asked.points // len(known))
    start, count, valid, traces = time.perf_counter(), 0, 0, 0
    wrong: list[str] = []
    for family in known[part - 1 :: parts]:
        if not family.name.lower().startswith(asked.only):
            continue
        columns = points(family, each, random)
        evaluator = Evaluator(Asked(family, METRICS), asked.engine)
        found = evaluator.evaluate(columns)
        own = _compared(family, columns, evaluator, found)
        count, traces = count + each, traces + evaluator.traces
        valid += sum(map(bool, found.valid))
        wrong += own
        for line in own[:3]:
            print(line, flush=True)
    seconds = time.perf_counter() - start
    said = f"{count} points, {valid} valid, {traces} traces, {len(wrong)} differences"
    print(f"{said}, {seconds:.0f} s")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
