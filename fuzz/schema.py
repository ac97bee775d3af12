"""How many mistakes the JSON Schema sees: `python -m fuzz schema`.

The specs are those of the zoo and the right ones of `tests/errors`, each as likely as another; the
kinds of mistake (`making/mistakes.py`) come in turn. A mistake counts where `convcalc validate`
refuses the spec for what is written at the place that it marks. It does not count where all that is
wrong is

- a name that the spec makes itself and a schema cannot look up: of a value in an expression, of a
  variable in a preset, of a tensor in `from`, of an argument in the call of a block;
- a value that an expression has, or a shape: what only working the network out can tell.

A layer type that does not exist counts, although a schema cannot tell it from a block where the
spec has any.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.diagnostics import ConvcalcError, Diagnostic, Source
from convcalc.language.built import STRUCTURES
from convcalc.language.check import check
from convcalc.language.expand import expand
from convcalc.language.limits import Budget
from convcalc.language.reader import read
from fuzz.invariants import validator
from fuzz.making.marks import element_at, value_at
from fuzz.making.mistakes import KINDS, mistake
from fuzz.making.places import at
from fuzz.making.text import on_one_line

_ROOT = Path(__file__).parent.parent
#: Why a spec is refused.
LANGUAGE, NAMES, VALUES = "the language", "names of its own", "values and shapes"
_REFERENCES = ("unknown-name", "unknown-variable", "unknown-tensor", "recursive-block")
#: Where a value stands that is looked at when the network is worked out, and by the schema too.
_LOOKED_AT_LATE = frozenset(("input", "times", "in", "when", "connect"))


class Seen(NamedTuple):
    """Mistakes of one kind, or for one reason: how many the schema sees, of how many."""

    caught: int
    made: int

    @property
    def share(self) -> float:
        """The part that it sees."""
        return self.caught / self.made if self.made else 1.0


class Measure(NamedTuple):
    """What the schema sees of mistakes: those that count by their kind, all by their reason.

    `alarms` are documents that convcalc accepts and the schema does not.
    """

    kinds: dict[str, Seen]
    reasons: dict[str, Seen]
    alarms: tuple[str, ...]

    @property
    def share(self) -> float:
        """The part of the mistakes that count."""
        return self.reasons[LANGUAGE].share


def run(examples: int, seed: int) -> int:
    """Make so many mistakes, print what the schema sees of them, and return their number.

    Ends with status 1 where it refuses a document that convcalc accepts.
    """
    found = measure(examples, seed)
    for what, seen in (*found.kinds.items(), *found.reasons.items()):
        print(f"{seen.caught:>8,} of {seen.made:>8,}  {seen.share:6.1%}  {what}")
    for text in found.alarms:
        print(f"refused by the schema alone: {text}")
    if found.alarms:
        sys.exit(1)
    return examples


def measure(examples: int, seed: int) -> Measure:
    """What the schema sees of so many mistakes."""
    rng = Random(seed)
    specs = _specs()
    counts: Counter[tuple[str, str, bool]] = Counter()
    alarms = []
    for number in range(examples):
        kind = list(KINDS)[number % len(KINDS)]
        data = mistake(rng, rng.choice(specs), kind)
        if data is None:
            continue
        reason, caught = refusal(data), not validator().is_valid(data)
        if reason is not None:
            counts[kind, reason, caught] += 1
        elif caught:
            alarms.append(on_one_line(data))
    kinds = {kind: _seen(counts, kind=kind, reason=LANGUAGE) for kind in KINDS}
    reasons = {reason: _seen(counts, reason=reason) for reason in (LANGUAGE, NAMES, VALUES)}
    return Measure(kinds, reasons, tuple(alarms))


def _seen(counts: Counter[tuple[str, str, bool]], reason: str, kind: str = "") -> Seen:
    found = {
        caught: sum(
            number
            for (of, why, was), number in counts.items()
            if why == reason and was is caught and kind in ("", of)
        )
        for caught in (True, False)
    }
    return Seen(found[True], sum(found.values()))


@cache
def _specs() -> list[Any]:
    """The specs that mistakes are made in, as plain values."""
    files = [*_ROOT.glob("specs/*.yaml"), *_ROOT.glob("tests/errors/*.ok.yaml")]
    texts = [path.read_text(encoding="utf-8") for path in sorted(files)]
    return [_plain(read(Source("", text), Budget())) for text in texts]


def _plain(value: Any) -> Any:
    """What was read, without its marks."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def refusal(data: Any) -> str | None:
    """Why convcalc refuses a document, with any of its presets; None where it accepts it."""
    reasons = set()
    for reason in _reasons(data):
        if reason == LANGUAGE:
            return reason  # whatever else is wrong
        reasons.add(reason)
    return next((each for each in (NAMES, VALUES) if each in reasons), None)


def _reasons(data: Any) -> Iterator[str]:
    """The reason of each diagnostic."""
    source, budget = Source("", on_one_line(data)), Budget()
    try:
        spec = check(read(source, budget), source, budget)
    except ConvcalcError as error:
        yield from (NAMES if _is_reference(data, d) else LANGUAGE for d in error.diagnostics)
        return
    for preset in (None, *spec.spec.presets):
        try:
            expand(spec, source, budget, preset=preset)
        except ConvcalcError as error:
            for each in error.diagnostics:
                if each.code in _REFERENCES:
                    yield NAMES
                else:
                    yield LANGUAGE if _is_written(data, each) else VALUES


def _is_reference(data: Any, diagnostic: Diagnostic) -> bool:
    """Whether what is wrong is a name that stands for something elsewhere in the document."""
    if diagnostic.code in _REFERENCES:
        return True
    if diagnostic.code not in ("unknown-field", "missing-field") or diagnostic.mark is None:
        return False
    path = element_at(data, diagnostic.mark)
    line = at(data, path) if path else None
    type = next(iter(line), None) if isinstance(line, dict) else line
    return isinstance(type, str) and not (layers.is_known(type) or type in STRUCTURES)


def _is_written(data: Any, diagnostic: Diagnostic) -> bool:
    """Whether what is wrong is a value as it is written, and no expression."""
    path = diagnostic.mark and value_at(data, diagnostic.mark)
    if not path or isinstance(at(data, path), str):
        return False
    return path[0] == "input" or not _LOOKED_AT_LATE.isdisjoint(path[-2:])
