"""Budgets: how much of each figure a network may take, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc import passes
from convcalc.amounts import parse_amount
from convcalc.analysis import Analysis
from convcalc.costs import FIGURES
from convcalc.diagnostics import Diagnostic, Mark, Source, fail
from convcalc.words import counted, describe, did_you_mean, listed, quoted, shortened

#: Where a budget comes from: the command line, a spec, an earlier answer.
ASKED, SPEC, EARLIER = "max", "spec", "against"


class Budget(NamedTuple):
    """The most that a figure of the totals may come to, which is allowed itself."""

    #: The key of the figure.
    metric: str
    #: What it may come to.
    most: int
    #: Where it comes from: `max`, `spec` or `against`.
    origin: str = ASKED
    #: The spec or the file that has it.
    source: Source | None = None
    #: Where it stands in a spec.
    mark: Mark | None = None
    #: How many layers `most` lacks because what they cost is not known.
    unknown: int = 0

    def __repr__(self) -> str:
        return f"Budget({self.metric}={self.most}, {self.origin})"


#: What people call a memory, to the metric that comes near it, and what that is.
_MEMORIES: Mapping[str, str] = {
    **dict.fromkeys(("flash", "rom", "size", "model_size"), "weight_bytes"),
    **dict.fromkeys(("ram", "sram", "memory", "vram", "peak", "live"), "live_bytes"),
    "arena": "arena_bytes",
    **dict.fromkeys(("train", "training"), "train_bytes"),
}
_NEAR: Mapping[str, str] = {
    "weight_bytes": "`weight_bytes` is the bytes of parameters and running statistics",
    "live_bytes": "`live_bytes` is the peak of the tensors that are alive at once, weights apart;"
    " `in_place_bytes` that where layers overwrite their inputs",
    "arena_bytes": "`arena_bytes` is the block of memory that a planner fills",
    "train_bytes": "`train_bytes` is what a training step holds at the most",
}


class Verdict(NamedTuple):
    """A budget, and what a network takes of it: None where the convention has no total.

    `unknown` is how many layers the value lacks because what they cost is not known.
    """

    budget: Budget
    value: int | None
    unknown: int = 0

    @property
    def passed(self) -> bool:
        """Whether it is known to be enough."""
        return self.value is not None and self.value <= self.budget.most and not self.unknown

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        metric, most, origin, *_ = self.budget
        verdict = {"metric": metric, "most": most, "value": self.value, "passed": self.passed}
        return verdict | {"unknown": self.unknown, "from": origin}


class Checked(NamedTuple):
    """A network that was held against budgets; `spec` is what it was asked for by."""

    spec: str
    #: What it takes.
    analysis: Analysis
    #: The type of a number that bytes are of.
    dtype: str
    #: Each budget, with what the network takes of it.
    verdicts: tuple[Verdict, ...]
    #: The text that the network comes from, and where its name stands there.
    place: tuple[Source, Mark | None]

    def __repr__(self) -> str:
        return f"Checked({self.spec!r}, {'passed' if self.passed else 'not passed'})"

    @property
    def passed(self) -> bool:
        """Whether all budgets hold."""
        return all(each.passed for each in self.verdicts)

    @property
    def is_of_steps(self) -> bool:
        """Whether a budget is of what is in memory as it runs."""
        return any(FIGURES[each.budget.metric].of_steps for each in self.verdicts)

    def _type_of(self, metric: str) -> str:
        """Behind the value of a metric in bytes, the type of a number and whether it is fused."""
        figure = FIGURES[metric]
        if figure.unit != "B":
            return ""
        dtype = self.analysis.totals.dtype or "several types"
        return f" ({dtype}{', fused' if figure.of_steps and self.analysis.fuse else ''})"

    def over(self) -> Iterator[Diagnostic]:
        """A mistake for each budget that does not hold."""
        for budget, value, unknown in self.verdicts:
            metric, most = budget.metric, budget.most
            code, least = "over-budget", " at least" if unknown else ""
            help = f"at most {most:,} is allowed"
            if value is not None and value > most and budget.origin == EARLIER:
                assert budget.source is not None
                message = f"{metric} is{least} {value:,}, {value - most:,} more than before"
                help = f"{budget.source.name} has {most:,}"
            elif value is not None and value > most:
                message = f"{metric} is{least} {value:,}{self._type_of(metric)},"
                message += f" over by {value - most:,}"
            elif unknown:
                code = "unknown-cost"
                message = f"whether {metric} is within its budget is not known: {value or 0:,}, and"
                message += f" what {counted(unknown, 'layer')} of unknown cost "
                message += "takes" if unknown == 1 else "take"
            elif value is None:
                message = f"{metric} has no total under `{self.analysis.convention.name}`"
                if not FIGURES[metric].costs:
                    message = f"{metric} is not known of this network: there is no bound of it"
            else:
                continue
            source, mark = self.place
            source = Source(self.spec, source.text)
            if budget.origin == SPEC:
                mark = budget.mark
            yield Diagnostic(code, message, source, mark, help=help)


def metrics() -> tuple[str, ...]:
    """The figures that have budgets: every number of the totals."""
    passes.known()  # they register theirs
    return tuple(key for key, each in FIGURES.items() if each.column and each.numeric)


def parse_budget(text: str) -> Budget:
    """`macs=300M` as a budget. Raises ConvcalcError for an unknown metric, or what is no amount."""
    metric, equals, amount = (part.strip() for part in text.partition("="))
    if not equals or metric.endswith(("<", ">")):
        message = f"{shortened(text)!r} is no budget"
        raise fail("bad-value", message, "write METRIC=AMOUNT: macs=300M, or weight_bytes=256KiB")
    require_metric(metric)
    return Budget(metric, parse_amount(amount))


def require_metric(metric: str) -> None:
    """Refuse the name of a figure that has no budgets. Raises ConvcalcError."""
    known = metrics()
    if metric not in known:
        near = _MEMORIES.get(metric.lower())
        help = did_you_mean(metric, known) if near is None else f"{_NEAR[near]};"
        help = f"{help} the metrics are {listed(known, 20)}".strip()
        raise fail("unknown-metric", f"there is no metric {quoted(metric)}", help)


def budgets_of(amounts: Mapping[str, int | str]) -> tuple[Budget, ...]:
    """Amounts by metric as budgets. Raises ConvcalcError."""
    if not isinstance(amounts, Mapping):
        message = f"budgets are amounts by metric, not {describe(amounts)}"
        raise fail("bad-value", message, 'for example {"macs": "300M"}')
    return tuple(parse_budget(f"{metric}={amount}") for metric, amount in amounts.items())


def checked(
    source: Source,
    mark: Mark | None,
    analysis: Analysis,
    dtype: str,
    budgets: Sequence[Budget],
) -> Checked:
    """What a network takes of budgets; `mark` is where it is in its `source`."""
    totals = analysis.totals
    verdicts = tuple(
        Verdict(
            budget,
            totals[budget.metric],
            max(0, totals.unknown * FIGURES[budget.metric].costs - budget.unknown),
        )
        for budget in budgets
    )
    return Checked(source.name, analysis, dtype, verdicts, (source, mark))
