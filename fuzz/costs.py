"""A search that climbs towards the smallest inputs that cost the most processor time, or memory.

    FUZZ_KEEP=FOLDER python -m fuzz costs --examples 1000 --seed 1

Of every command, and of the Python API, it keeps the costliest input and changes it. A run is a
child of a process that has imported convcalc, so that only the work is measured: starting Python
and importing takes another third of a second. Nothing is left behind unless `FUZZ_KEEP` names a
folder, which gets the worst inputs.

An input is a finding when it takes more than `SECONDS` or `MEMORY`, or ends in anything but an
answer or a diagnostic.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import pkgutil
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import convcalc
import convcalc.cli
import convcalc.language
import convcalc.render
from convcalc import conventions
from convcalc.api import Network
from convcalc.cli import main
from convcalc.render import formats
from fuzz.pieces import PIECES, RAW, Genome

#: What any input may take: seconds of processor time, and megabytes of the process at its peak.
SECONDS, MEMORY = 5.0, 300.0
#: Bytes of what counts as a small input: the spec, and what is said on the command line.
SMALL = 4096
#: The exit status of a child that ends in neither an answer nor a diagnostic.
_BROKEN = 70

#: Stands in a command line for the paths of the specs and the options that a draft has, and for
#: the type and the fields that `layer` takes.
_SPECS, _TYPE = "SPECS", "TYPE"


def _analyze(*options: str) -> dict[str, tuple[str, ...]]:
    return {" ".join(("analyze", *options)): ("analyze", *options, _SPECS)}


#: The command lines that are tried, by name.
LINES: Mapping[str, tuple[str, ...]] = {
    **_analyze(),
    **{
        name: line
        for format in ("json", "csv", "jsonl", "markdown", "latex", "html")
        for name, line in _analyze("--format", format).items()
    },
    **_analyze("--convention", "thop"),
    **_analyze("--convention", "onnx-tool"),
    **_analyze("--convention", "flax"),
    **_analyze("--convention", "all"),
    **_analyze("--convention", "all", "--format", "json"),
    **_analyze("--convention", "all", "--format", "html"),
    **_analyze("--depth", "1"),
    **_analyze("--depth", "9", "--format", "json"),
    **_analyze("--group-by", "type"),
    **_analyze("--group-by", "kind"),
    **_analyze("--group-by", "block"),
    **_analyze("--sort", "macs"),
    "reconcile": ("reconcile", _SPECS),
    "reconcile --json": ("reconcile", "--json", _SPECS),
    "reconcile --reported": ("reconcile", "--reported", "1.23456789M", _SPECS),
    "validate": ("validate", _SPECS),
    "validate --format json": ("validate", "--format", "json", _SPECS),
    "validate --format github": ("validate", "--format", "github", _SPECS),
    "layer": ("layer", _TYPE),
    "layer --json": ("layer", _TYPE, "--json"),
    "layer --convention onnx-tool": ("layer", _TYPE, "--convention", "onnx-tool"),
    "list": ("list",),
    "schema": ("schema",),
    "conventions": ("conventions",),
    "completion": ("completion",),
    "no command": (),
}


def _every_way(network: Network) -> list[Any]:
    """What a program may ask of one network, all of it kept."""
    analysis = network.analyze("all", batch=8, dtype="float16")
    return [analysis, analysis.to_dict(), analysis.folded(1).to_dict(), network.at().totals]


#: What is asked in Python of the network of a spec, by name.
CALLS: Mapping[str, Callable[[Network], Any]] = {
    "load()": lambda network: network,
    "load().analyze()": lambda network: network.analyze(),
    "load().analyze().to_dict()": lambda network: network.analyze().to_dict(),
    "load().analyze().shares()": lambda network: network.analyze().shares("block"),
    "load().analyze()._repr_html_()": lambda network: network.analyze()._repr_html_(),
    "load() and all that there is": _every_way,
}
COMMANDS = (*LINES, *CALLS)
#: Those that read no spec.
SPECLESS = tuple(name for name, line in LINES.items() if _SPECS not in line)


class Cost(NamedTuple):
    """What an input took: seconds of processor time, megabytes at the peak, and how it ended."""

    seconds: float
    memory: float
    #: The exit status; None where it was killed, or anything but an answer or a diagnostic came.
    status: int | None
    #: The first line of what was said on standard error.
    said: str

    @property
    def is_finding(self) -> bool:
        """Whether the input is more than convcalc promises to take."""
        return self.seconds > SECONDS or self.memory > MEMORY or self.status is None


def in_child(work: Callable[[], Any], seconds: float, said: str = os.devnull) -> tuple[int, Any]:
    """Do something in a child of this process: how it ended, and what it took.

    It is stopped after so many seconds of processor time. What it says on standard error goes to
    the file `said`, what it answers nowhere.
    """
    child = os.fork()
    if not child:
        _be_child(work, math.ceil(seconds), said)
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage


def _be_child(work: Callable[[], Any], seconds: int, said: str) -> None:
    """Work, and end."""
    status = _BROKEN
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Address space is more than what is resident; this is only to protect the machine.
        resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
        for stream, path in ((0, os.devnull), (1, os.devnull), (2, said)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), stream)
        work()
        status = 0
    except convcalc.ConvcalcError as error:
        print(error, file=sys.stderr)
        status = 2
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(status)


class Tried(NamedTuple):
    """An input with what it cost; its size is that of the spec and of the command line."""

    genome: Genome
    size: int
    cost: Cost

    @property
    def share(self) -> float:
        """How much of what it may take it does."""
        return max(self.cost.seconds / SECONDS, self.cost.memory / MEMORY)

    def fitness(self, of: str) -> float:
        """How costly it is, `seconds` or `memory`; of two that cost the same, the smaller is."""
        shares = {"seconds": self.cost.seconds / SECONDS, "memory": self.cost.memory / MEMORY}
        return min(shares[of], 1.1) - 0.002 * math.log2(max(self.size, 1))


def attempt(genome: Genome, folder: Path) -> Tried:
    """Try an input; `folder` is for its files."""
    spec, line, said = (folder / name for name in ("spec.yaml", "line.json", "said.txt"))
    # What is made in this process stays in its memory, which every later child would begin with.
    status, _ = in_child(partial(write, genome, spec, line), 60)
    assert not status, f"{genome} cannot be made"
    arguments = json.loads(line.read_bytes())
    size = (0 if genome.command in SPECLESS else spec.stat().st_size) + sum(map(len, arguments))
    status, usage = in_child(
        partial(ask, genome.command, spec, arguments), 1.2 * SECONDS, str(said)
    )
    cost = Cost(
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        status if status in (0, 1, 2) else None,
        said.read_bytes()[:120].decode(errors="replace").split("\n")[0],
    )
    return Tried(genome, size, cost)


def write(genome: Genome, spec: Path, line: Path) -> None:
    """Write the files of an input: the spec, and the arguments of the command line."""
    draft = genome.draft()
    spec.write_bytes(draft.spec())
    arguments: list[str] = []
    for argument in LINES.get(genome.command, ()):
        if argument == _SPECS:
            arguments += [str(spec)] * draft.specs
        elif argument == _TYPE:
            arguments += [draft.type, *draft.fields]
        else:
            arguments.append(argument)
    line.write_text(json.dumps([*arguments, *draft.options]), encoding="utf-8")


def ask(command: str, spec: Path, arguments: list[str]) -> None:
    """Ask convcalc. Raises SystemExit, or ConvcalcError, as it does."""
    if command in CALLS:
        CALLS[command](convcalc.load(str(spec)))
    else:
        main(arguments)


#: Sizes at which something changes: the limits, and a little less.
_EDGES = (
    *(0, 1, 2, 3, 9, 20, 58, 60, 62, 64, 99, 100, 140, 295, 299, 300, 660, 900, 1_900, 4_096),
    *(6_600, 9_900, 10_000, 19_000, 19_900, 20_000, 66_000, 99_000, 149_000, 199_000, 299_000),
    *(400_000, 999_000, 1_900_000, 3_999_000),
)
#: Pieces that say something of a command that takes no spec.
_SPECLESS_PIECES = ("type", "field", "field", "field", "in", "option", "word")


def _piece(command: str, most: float, dice: random.Random) -> tuple[str, int, int]:
    """A piece of sizes of any magnitude up to 10 to the power of `most`."""
    names = _SPECLESS_PIECES if command in SPECLESS else tuple(PIECES)
    return dice.choice(names), int(10 ** dice.uniform(0, most)), int(10 ** dice.uniform(0, most))


def fresh(tried: int, dice: random.Random) -> Genome:
    """An input to begin with: any, or one that was known to be costly; a small one at first."""
    command = dice.choice(COMMANDS)
    if command in SPECLESS or dice.random() < 0.5:
        most = min(6, 2.5 + tried / 200)
        return Genome(
            command, tuple(_piece(command, most, dice) for _ in range(dice.randint(1, 4)))
        )
    less = 2 ** max(0, 11 - tried // 30)
    smaller = [
        (name, a // less if a > 99 else a, b // less if b > 99 else b)
        for name, a, b in dice.choice(KNOWN)
    ]
    return Genome(command, tuple(smaller))


def _resized(size: int, dice: random.Random) -> int:
    changes = (size * 2, size // 2, size * 10, size // 10, size + 1, size - 1, size * 5 // 4)
    return min(max(0, dice.choice((*changes, size * 4 // 5, dice.choice(_EDGES)))), 10**8)


def changed(genome: Genome, other: Genome, dice: random.Random) -> Genome:
    """An input not far from one, with something of another now and then."""
    command, pieces = genome.command, list(genome.pieces)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = dice.randrange(len(pieces) + 1)
        what = dice.randrange(10)
        if what < 5 and at < len(pieces):
            name, a, b = pieces[at]
            a, b = (_resized(a, dice), b) if dice.random() < 0.6 else (a, _resized(b, dice))
            pieces[at] = name, a, b
        elif what == 5 and len(pieces) > 1:
            pieces.pop(min(at, len(pieces) - 1))
        elif what == 6:
            pieces.insert(at, _piece(command, 4, dice))
        elif what == 7 and at < len(pieces):
            pieces[at] = (_piece(command, 4, dice)[0], *pieces[at][1:])
        elif what == 8:
            pieces[at:] = other.pieces[-2:]
        else:
            command = dice.choice((other.command, dice.choice(COMMANDS)))
    return Genome(command, tuple(pieces[:8]))


#: What was found by hand: where a search begins, by and by.
KNOWN = tuple(
    tuple((name, int(a), int(b)) for name, a, b in map(str.split, text.split(", ")))
    for text in (
        "growing 0 0, repeat 19900 0",
        "growing 1 0, repeat 19900 0",
        "split 4096 1, repeat 1400 0",
        "split 900 0, repeat 9000 0",
        "list 9990 0, condition 0 200, repeat 900 0",
        "list 9990 0, computed 1 30",
        "condition 0 200, repeat 900 0",
        "computed 1 2",
        "variables 20000 0",
        "raw 0 1700000, unknown 20 0",
        "lines 2000000 0, space 0 0",
        "lines 2000000 0",
        "lines 20 0, unknown 20 0, space 15000000 1",
        "raw_name 55 4000000",
        "raw_name 5 4000000",
        "raw 10 4000000",
        f"raw {len(RAW) + 20} 4000000",
        "unknown 100 3000",
        "unknown_fields 2000 2000",
        "unknown_names 100 3000",
        "unknown_tensors 100 3000",
        "unknown_settings 2000 2000",
        "lines 1 0, repeat 19000 0, blocks 62 60",
        "huge 297 7, repeat 7000 0, digits 296 2",
        "inputs 4000 0, repeat 500 0",
        "inputs 59000 0",
        "growing 0 0, repeat 19900 0, columns 1000 0",
        "growing 0 0, repeat 19900 0, specs 100 0",
        "growing 0 0, repeat 19000 0, presets 9 0",
        "example 40 0, repeat 400 0",
        "join 1300 0, repeat 19900 0",
        "paths 900 0, repeat 9900 0",
        "lines 1 0, fan 12 3",
    )
)


class Search:
    """The costliest inputs so far, by command, by what they cost, and by whether they are small."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.best: dict[tuple[str, str, bool], Tried] = {}
        self.findings: list[Tried] = []
        self.tried = 0

    def next(self) -> Genome:
        """What to try."""
        dice = self.dice
        if len(self.best) < 2 or dice.random() < 0.15:
            return fresh(self.tried, dice)
        known = [each.genome for each in self.best.values()]
        if dice.random() < 0.3:
            # What one command finds costly, another may too.
            costly = sorted(self.best.values(), key=lambda each: each.share)
            genome = dice.choice(costly[-20:]).genome
            return genome._replace(command=dice.choice(COMMANDS))
        return changed(dice.choice(known), dice.choice(known), dice)

    def note(self, tried: Tried) -> None:
        """Keep what is the costliest of its kind."""
        self.tried += 1
        if tried.cost.is_finding:
            self.findings.append(tried)
        for of in _FIGURES.values():
            key = (tried.genome.command, of, tried.size <= SMALL)
            if key not in self.best or tried.fitness(of) > self.best[key].fitness(of):
                self.best[key] = tried

    def lines(self) -> Iterator[str]:
        """The worst of each command: seconds and megabytes, and how large the input is."""
        for command in dict.fromkeys(command for command, *_ in sorted(self.best)):
            cells = [
                self._cell(command, of, small) for small in (True, False) for of in ("s", "MB")
            ]
            yield f"{command:40}  {'  '.join(cells)}"

    def _cell(self, command: str, of: str, small: bool) -> str:
        tried = self.best.get((command, _FIGURES[of], small))
        if tried is None:
            return " " * 24
        figure = getattr(tried.cost, _FIGURES[of])
        return f"{figure:6.{2 if of == 's' else 0}f} {of:2} {f'({tried.size:,} B)':14}"


#: What is kept the costliest of, by its unit.
_FIGURES = {"s": "seconds", "MB": "memory"}


def search(examples: int, seed: int) -> Search:
    """Try so many inputs."""
    _warm_up()
    found = Search(seed)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(examples):
            found.note(attempt(found.next(), Path(folder)))
    return found


def _warm_up() -> None:
    """Import all that a run imports, which no child has to do then."""
    for package in (convcalc.cli, convcalc.language, convcalc.render):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for names in (conventions, formats):
        names.names()


def keep(found: Search, folder: Path) -> None:
    """Write the worst inputs to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, tried in enumerate(dict.fromkeys([*found.best.values(), *found.findings])):
        spec = folder / f"{number:04}.yaml"
        write(tried.genome, spec, spec.with_suffix(".json"))
        spec.with_suffix(".txt").write_text(f"{tried.genome}\n{tried.cost}\n", encoding="utf-8")


def run(examples: int, seed: int) -> int:
    """Search, and print the worst of each command; the number of inputs tried.

    Ends with status 1 where an input takes more than it may, which is said with its pieces.
    """
    found = search(examples, seed)
    print(f"{'':40}  {f'up to {SMALL:,} bytes':50}  more")
    print("\n".join(found.lines()))
    if folder := os.environ.get("FUZZ_KEEP"):
        keep(found, Path(folder))
    for tried in found.findings:
        print(f"\n{tried.genome}\n{tried.cost}", file=sys.stderr)
    if found.findings:
        sys.exit(1)
    return examples
