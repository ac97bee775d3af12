"""Options that the commands share which try many settings of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.cli import candidates, options
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.costs import Figure
    from convcalc.search.counting import Within
    from convcalc.search.solving import Solution

_F = TypeVar("_F", bound=Callable[..., Any])


def metrics() -> Mapping[str, Figure]:
    """The figures that settings have, by key."""
    from convcalc.budgets import metrics as known
    from convcalc.costs import FIGURES

    return {key: FIGURES[key] for key in known()}


def var_option(function: _F) -> _F:
    """`--var`: the command gets what is given as `texts`."""
    return click.option(
        "--var",
        "texts",
        multiple=True,
        metavar="NAME=VALUES",
        shell_complete=candidates.variables,
        help="The values of a variable: a list 128,160,192, or a range first:last:step; once for"
        " each variable.",
    )(function)


def where_option(function: _F) -> _F:
    """`--where`."""
    return click.option(
        "--where",
        type=options.Text(),
        metavar="CONDITION",
        help="The settings alone for which it holds: 'macs <= 300M and params <= 4M'.",
    )(function)


def max_option(function: _F) -> _F:
    """`--max`: the command gets what is given as `budgets`; see `budgets_of`."""
    return click.option(
        "--max",
        "budgets",
        multiple=True,
        metavar="METRIC=AMOUNT",
        shell_complete=candidates.metrics,
        help="The most that a figure may come to: macs=300M, weight_bytes=256KiB; once for each"
        " figure.",
    )(function)


def budgets_of(texts: Sequence[str]) -> dict[str, int]:
    """`METRIC=AMOUNT` texts as amounts. Raises ConvcalcError, also where a metric has two."""
    from convcalc.budgets import parse_budget

    found: dict[str, int] = {}
    for budget in map(parse_budget, texts):
        if budget.metric in found:
            message = f"`--max {budget.metric}` is given twice"
            raise fail("usage", message, "leave one of them out")
        found[budget.metric] = budget.most
    return found


def require_heard(fuse: bool | None, figures: Sequence[str]) -> None:
    """Refuse `--fuse` where no figure is about what runs. Raises ConvcalcError."""
    known = metrics()
    if fuse is not None and not any(known[key].of_steps for key in figures):
        message = "`--fuse` is about what is in memory as a network runs, and no metric is"
        raise fail("usage", message, "live_bytes and moved_bytes are such metrics")


def require_values(texts: Sequence[str], command: str) -> None:
    """Refuse a search without variables. Raises ConvcalcError."""
    if not texts:
        help = "--var alpha=0.5,0.75,1 gives a variable values, --var 'w[0..8]=8:320:8' a list"
        raise fail("usage", f"`convcalc {command}` needs values for a variable", help)


def within(
    network: Network,
    texts: Sequence[str],
    budgets: Sequence[str],
    where: str | None,
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
) -> Within:
    """What is asked of the space of `NAME=VALUES` texts. Raises ConvcalcError."""
    from convcalc.api import search_settings
    from convcalc.search import counting
    from convcalc.search.space import parse_space

    family = network.family()
    return counting.within(
        family,
        parse_space(texts, family.defaults),
        max=budgets_of(budgets),
        where=where,
        settings=search_settings(convention, batch, dtype or "float32", fuse),
        convention=convention,
    )


def solved(
    network: Network,
    texts: Sequence[str],
    budgets: Sequence[str],
    where: str | None,
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
) -> Solution:
    """The largest network within budgets; of `NAME=VALUES` texts, or of one `NAME`.

    Raises ConvcalcError.
    """
    from convcalc.api import search_settings
    from convcalc.search import solving

    free = [text for text in texts if "=" not in text]
    if not free:
        return solving.solve(within(network, texts, budgets, where, batch, convention, dtype, fuse))
    if len(texts) > 1 or where is not None:
        what = (
            "one variable without values is the only one"
            if len(texts) > 1
            else ("`--where` chooses among values, and there are none")
        )
        raise fail("usage", what, f"give it values: --var {free[0].strip()}=first:last:step")
    family = network.family()
    settings = search_settings(convention, batch, dtype or "float32", fuse)
    return solving.solve_free(family, free[0].strip(), budgets_of(budgets), settings, convention)
