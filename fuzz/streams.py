"""Command lines on streams, files, disks and signals that fail, in processes of their own.

Most are forked from a process that has imported everything, which takes milliseconds; one of fifty
starts from nothing, imports included. `problems` says what must hold whatever happens: the answer
is whole or there is a line of message, no traceback, and no file is spoilt.
"""

from __future__ import annotations

import contextlib
import csv
import gc
import importlib
import json
import os
import pkgutil
import random
import re
import shlex
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import convcalc
from convcalc.cli import main
from fuzz.world import (
    ERRORS,
    INPUTS,
    LINKS,
    OUTPUTS,
    PATIENCE,
    PIPE,
    TOO_EARLY,
    Example,
    Outcome,
    World,
)

#: One example of so many is a process that starts from nothing.
WHOLE = 50
#: Findings that are shown.
SHOWN = 20

COMMANDS = (
    *("analyze {}", "analyze {}", "analyze {}", "analyze {} {}", "reconcile {}", "validate {}"),
    *("reconcile {} --reported 0.7M", "validate {} {}", "list", "list lenet", "conventions thop"),
    *("layer conv --k 3 --in 8", "layer squeeze_excite --squeeze 4 --in 16x8x8", "conventions"),
    *("completion bash", "--help", "--version", "analyze --help", "layer relu -h", "layer", ""),
    "analyse {}",
)
#: Commands that take long, once in a while.
SLOW_COMMANDS = ("schema", "analyze sparse.yaml", "analyze /dev/zero", "analyze resnet18")
OPTIONS = (
    *("--json", "--json", "--csv", "--si", "--format html", "--format jsonl", "--format latex"),
    *("--format markdown", "--format x", "--convention all", "--convention thop", "--depth 1"),
    *("--group-by kind", "--sort macs", "--sort nothing", "--columns name,macs", "--columns ,"),
    *("--dtype int8", "--batch 3", "--batch x", "--set a=2", "--set b=2", "--limit layers=5"),
    *("--limit bytes=100", "--error-format json", "--error-format concise", "--input 3x9x9"),
    *("--error-format github", "--preset wide", "--depth 0", "--nothing", "--in 8", "--help"),
)
SPECS = (
    *("spec.yaml", "spec.yaml", "mistaken.yaml", "long.yaml", "link.yaml", "hard.yaml", "lenet"),
    *("-", "-", f"/dev/fd/{PIPE}", "/dev/stdin", "nothing.yaml", "folder", "lost.yaml"),
    *("secret.yaml", "empty.yaml", "noise.yaml", "pipe", "lenett", "\udcff.yaml"),
)
TARGETS = (
    *("old.json", "old.json", "old.csv", "old", "new.json", "new.csv", "new.html", "new.dat"),
    *("link.json", "lost.json", "spec.yaml", "hard.yaml", "link.yaml", "folder", "folder/new.json"),
    *("locked/old.json", "locked/new.json", "no/new.json", "new/", ".", "n" * 300, "-", "pipe"),
    *("/dev/null", "/dev/full", "/dev/stdout", "/dev/fd/1", "/dev/stderr", "/dev/fd/77", "''"),
)
ENCODINGS = ("utf_8", "ascii", "latin_1")
#: Commands that answer on standard output.
ANSWERING = ("analyze", "reconcile", "list", "conventions", "layer", "schema", "completion")


def made(count: int, seed: int) -> Iterator[Example]:
    """So many examples; the same ones for the same seed."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        yield _example(chance, number % WHOLE == 0)


def _example(chance: random.Random, is_whole: bool) -> Example:
    line = chance.choice(COMMANDS if chance.random() < 0.98 else SLOW_COMMANDS)
    line = re.sub("{}", lambda _: chance.choice(SPECS), line)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        line += f" {chance.choice(OPTIONS)}"
    if chance.random() < 0.4:
        line += f" -o {chance.choice(TARGETS)}"
    arguments = shlex.split(line)
    if chance.random() < 0.05:
        chance.shuffle(arguments)
    sent = None
    # Who reads a pipe that nobody writes to waits for ever.
    if "pipe" in arguments or chance.random() < 0.1:
        number = chance.choice((signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        longest = 0.3 if is_whole else chance.choice((0.002, 0.01, 0.05))
        sent = (int(number), chance.random() * longest)
    return Example(
        arguments,
        _mostly(chance, "spec", INPUTS),
        _mostly(chance, "kept", OUTPUTS),
        _mostly(chance, "kept", ERRORS),
        chance.choice(ENCODINGS),
        chance.choice((0, 100, 1000, 5000, 20000)) if chance.random() < 0.08 else None,
        sent,
        # Whoever starts from nothing must be able to read python.
        not is_whole and chance.random() < 0.05,
        is_whole,
    )


def _mostly(chance: random.Random, usual: str, others: tuple[str, ...]) -> str:
    return usual if chance.random() < 0.6 else chance.choice(others)


def run(examples: int, seed: int) -> int:
    """Try so many, and say what was found; ends the program with status 1 where there is any."""
    _prepare()
    ends: Counter[int] = Counter()
    how: Counter[str] = Counter()
    found = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        world = World(Path(folder) / "world")
        for example in made(examples, seed):
            outcome = world.run(example)
            ends[outcome.status] += 1
            how[_manner(example)] += 1
            for problem in problems(example, outcome):
                found += 1
                if found <= SHOWN:
                    print(f"{problem}\n  {example}\n  {_shortened(outcome)}", file=sys.stderr)
    statuses = ", ".join(f"{times:,} with {status}" for status, times in sorted(ends.items()))
    manners = ", ".join(f"{times:,} {manner}" for manner, times in sorted(how.items()))
    print(f"{manners}; ended {statuses}; {found} problems")
    if found:
        sys.exit(1)
    return examples


def _manner(example: Example) -> str:
    if example.is_whole:
        return "from nothing"
    return "forked" if example.needs_a_process else "in this process"


def _shortened(outcome: Outcome) -> Outcome:
    return outcome._replace(out=outcome.out[:200], err=outcome.err[-1500:], changed={})


def _prepare() -> None:
    """Import what any command does, so that a fork has it, be it a user who may not read it."""
    for module in pkgutil.walk_packages(convcalc.__path__, "convcalc."):
        importlib.import_module(module.name)
    for name in ("select", "tempfile", *(f"encodings.{name}" for name in ENCODINGS)):
        importlib.import_module(name)
    with open(os.devnull, "w") as nowhere:
        for line in (*COMMANDS, *SLOW_COMMANDS, *(f"analyze lenet {option}" for option in OPTIONS)):
            with (
                contextlib.redirect_stdout(nowhere),
                contextlib.redirect_stderr(nowhere),
                contextlib.suppress(SystemExit),
            ):
                main(line.format("lenet", "lenett").split())
    gc.freeze()


# --- What must hold -------------------------------------------------------------------------------


def problems(example: Example, outcome: Outcome) -> list[str]:
    """What is wrong with how an example ended."""
    if _is_too_early(example, outcome):
        return []
    checks = (_of_status, _of_errors, _of_output, _of_files)
    return [problem for check in checks for problem in check(example, outcome)]


def _is_too_early(example: Example, outcome: Outcome) -> bool:
    """Whether a signal came before the program's first words: what is said then is python's own."""
    if outcome.status == TOO_EARLY:
        return True
    could_be = example.signal is not None and outcome.status in (1, -signal.SIGINT)
    if not (example.is_whole and could_be) or b"/convcalc/" in outcome.err:
        return False
    is_unheard = example.errors != "kept" or example.disk is not None
    return is_unheard or re.search(b"Traceback|Fatal Python error", outcome.err) is not None


def _of_status(example: Example, outcome: Outcome) -> Iterator[str]:
    allowed = {0, 2}
    if "reconcile" in example.arguments:
        allowed.add(1)
    if example.signal is not None:
        allowed |= {-example.signal[0], 130 if example.signal[0] == signal.SIGINT else 0}
    if outcome.status == -signal.SIGALRM:
        yield f"takes more than {PATIENCE} seconds"
    elif outcome.status not in allowed:
        yield f"ends with {outcome.status}"
    if _answers(example) and outcome.status in (0, 1):
        if example.output in ("closed", "full", "unwritable"):
            yield "loses its answer, and does not say so"
        if example.output in ("kept", "pipe", "hasty") and not outcome.out:
            yield "has no answer"


def _of_errors(example: Example, outcome: Outcome) -> Iterator[str]:
    for word in ("Traceback", "Exception ignored", "Error:", "Warning:"):
        if word.encode() in outcome.err:
            yield f"says {word}"
    if example.errors == "kept" and example.disk is None:
        if outcome.status == 2 and not re.search(
            rb'error\[|"severity"|::error|Usage:', outcome.err
        ):
            yield "fails, and does not say why"
        is_said = b"unknown-suffix" in outcome.err or "/dev/stderr" in example.arguments
        if outcome.status in (0, 1) and outcome.err and not is_said:
            yield "complains of nothing"


def _of_output(example: Example, outcome: Outcome) -> Iterator[str]:
    if outcome.status == 2 and outcome.out and example.disk is None and example.output != "leaving":
        yield "fails after a part of its answer"
    if outcome.status in (0, 1) and outcome.out and example.output != "leaving":
        format = "" if _HELP & {*example.arguments} else _format(example)
        encoding = "utf-8" if format else example.encoding
        yield from _of_answer(outcome.out.decode(encoding, "replace"), format)


def _of_files(example: Example, outcome: Outcome) -> Iterator[str]:
    target = _target(example)
    written = None if outcome.status == 2 or target is None else LINKS.get(target, target)
    for name, text in outcome.changed.items():
        if name != written:
            yield f"leaves another {name}"
        elif _SAME & {name} and _SAME & {*example.arguments[:-1]}:
            yield "overwrites what it reads"
        else:
            yield from _of_answer(text, _format(example))


def _of_answer(text: str, format: str) -> Iterator[str]:
    """What is wrong with an answer that should be whole."""
    try:
        if format == "json":
            json.loads(text)
        elif format == "jsonl":
            [json.loads(line) for line in text.splitlines()]
        elif format == "csv":
            rows = list(csv.reader(text.splitlines()))
            assert {len(row) for row in rows} == {len(rows[0])}
        elif format == "html":
            assert text.endswith("</html>\n")
        assert text.endswith("\n")
    except (ValueError, AssertionError):
        yield f"breaks off {format or 'text'}: {text[:100]}…{text[-100:]}"


_HELP = {"-h", "--help", "--version"}
#: Names of one file.
_SAME = {"spec.yaml", "hard.yaml", "link.yaml"}


def _answers(example: Example) -> bool:
    """Whether a command line that succeeds has something for standard output."""
    is_asked = example.arguments[:1] in [[name] for name in ANSWERING]
    return is_asked and _target(example) is None


def _target(example: Example) -> str | None:
    """The file that is written to; None for standard output."""
    words = example.arguments
    target = words[words.index("-o") + 1] if "-o" in words[:-1] else None
    return None if target in ("-", "/dev/stdout", "/dev/fd/1") else target


def _format(example: Example) -> str:
    """The format of the answer; empty for text."""
    words = example.arguments
    if "schema" in words or "--json" in words:
        return "json"
    if "--csv" in words:
        return "csv"
    if "--format" in words[:-1]:
        return words[words.index("--format") + 1]
    return {".json": "json", ".csv": "csv", ".html": "html"}.get(
        os.path.splitext(_target(example) or "")[1], ""
    )
