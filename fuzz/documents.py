"""Whole documents, held against what must hold of each: `python -m fuzz documents`.

A document is made at random (`making/document.py`), uses the language in combination and is right
most of the time; what may turn out wrong is mended, nine times in ten. What must hold is in
`invariants.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

from fuzz.invariants import INVARIANTS, Broken, Case, Invariant
from fuzz.making.document import document
from fuzz.making.marks import repaired
from fuzz.making.reduction import reduced
from fuzz.making.text import on_one_line
from tests.conftest import run_convcalc

#: Findings of an invariant that are reduced and shown.
_SHOWN = 3
#: One document in so many is answered in another process as well.
_SAMPLED = 100


class Tally(NamedTuple):
    """How often an invariant was tried, and where it did not hold."""

    name: str
    tried: int
    findings: Sequence[str]


def run(examples: int, seed: int) -> int:
    """Try so many documents, print what was tried and found, and return the number of inputs.

    Ends with status 1 where an invariant does not hold.
    """
    found = tallies(examples, seed)
    for each in found:
        print(f"{each.tried:>12,}  {each.name}: {len(each.findings) or 'nothing'} found")
    for each in found:
        for finding in each.findings:
            print(f"\n{each.name}\n{finding}")
    if any(each.findings for each in found):
        sys.exit(1)
    return examples


def tallies(examples: int, seed: int, sampled: bool = True) -> list[Tally]:
    """What so many documents say of each invariant; the first tally counts the documents.

    `sampled`: what takes long is tried on a part of them.
    """
    tried = dict.fromkeys((each.name for each in INVARIANTS), 0)
    findings: dict[str, list[str]] = {name: [] for name in tried}
    right, lost = 0, []
    texts = []
    for number in range(seed * 10**6, seed * 10**6 + examples):
        try:
            case = case_of(number)
            right += case.is_right
        except Exception:
            lost.append(f"seed {number}: {traceback.format_exc(limit=-4)}")
            continue
        if not (sampled and number % _SAMPLED):
            texts.append(case.text)
        for each in INVARIANTS:
            if (sampled and number % each.every) or (each.of_right and not case.is_right):
                continue
            try:
                tried[each.name] += each.holds(case)
            except Exception:
                tried[each.name] += 1
                if len(findings[each.name]) < _SHOWN:
                    findings[each.name].append(_smallest(each, case))
    return [
        Tally(f"documents, {right:,} of them right", examples, lost[:_SHOWN]),
        *(Tally(name, tried[name], findings[name]) for name in tried),
        _compared(texts, seed),
    ]


def case_of(seed: int) -> Case:
    """The case of a seed."""
    rng = Random(seed)
    made = document(rng)
    case = Case(made.data, seed, made)
    if not case.is_right and made.outputs is None and rng.random() < 0.9:
        mended = repaired(made.data)
        case = case if mended is None else Case(mended, seed)
    if case.is_right and "presets" in case.data and rng.random() < 0.7:
        kept = {name: case.data["presets"][name] for name in case.presets}
        if kept != case.data["presets"]:
            case = Case({**case.data, "presets": kept}, seed, case.made)
    return case


# Findings


def _smallest(broken: Invariant, case: Case) -> str:
    """Where an invariant does not hold, on the smallest document that shows it."""

    def message(data: Any) -> str:
        tried = (_message(broken, Case(data, case.seed + more)) for more in range(3))
        return next(filter(None, tried), "")

    data = reduced(case.data, lambda data: bool(message(data)))
    return f"seed {case.seed}: {on_one_line(data)}\n{message(data) or _message(broken, case)}"


def _message(broken: Invariant, case: Case) -> str:
    """What an invariant says of a case; nothing where it holds, or does not speak of it."""
    try:
        if not broken.of_right or case.is_right:
            broken.holds(case)
    except Broken as error:
        return str(error)
    except Exception:
        return traceback.format_exc(limit=-4)
    return ""


# Another process

#: Commands whose answers are compared.
_COMMANDS = (
    ("analyze", "-", "--json", "--convention", "all"),
    ("analyze", "-", "--group-by", "kind"),
    ("reconcile", "-"),
    ("validate", "-"),
)


def answers(texts: Iterable[str]) -> list[list[Any]]:
    """What each command ends with and prints on each text."""
    return [[_said(text, command) for command in _COMMANDS] for text in texts]


def _said(text: str, command: Sequence[str]) -> list[Any]:
    try:
        return list(run_convcalc(*command, stdin=text.encode()))
    except Exception:
        return [traceback.format_exc(limit=-4)]


def _compared(texts: Sequence[str], seed: int) -> Tally:
    """The answers of a first run, a second one, and one in a process with another hash seed."""
    script = "import json, sys; from fuzz.documents import answers"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; print(json.dumps(answers(json.load(sys.stdin))))"],
        input=json.dumps(texts),
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONHASHSEED": str(seed % 1000 + 1)},
        check=True,
    )
    runs = zip(texts, answers(texts), answers(texts), json.loads(done.stdout))
    findings = [f"{text}\n{said}" for text, *said in runs if said.count(said[0]) < len(said)]
    name = "the same bytes on a second run and in another process"
    return Tally(name, len(texts), findings[:_SHOWN])
