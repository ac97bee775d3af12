"""What must hold of a document.

Each invariant is a function of a case. It says how many times it was tried on it, 0 where there is
nothing to try, and raises Broken, or anything but that, where it does not hold.
"""

from __future__ import annotations

import copy
import csv
import io
import json
import pickle
import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial
from random import Random
from typing import Any, NamedTuple
from unicodedata import normalize

import jsonschema

import convcalc
from convcalc import conventions
from convcalc.analysis import SHARED, Analysis
from convcalc.api import Network
from convcalc.costs import FIGURES
from convcalc.diagnostics import ConvcalcError, Diagnostic, Source, render
from convcalc.language.limits import Budget
from convcalc.language.reader import read
from convcalc.language.schema import schema
from convcalc.reconcile import reconcile
from fuzz import printed
from fuzz.making import mistakes
from fuzz.making.document import Made
from fuzz.making.rewrites import REWRITES
from fuzz.making.text import on_one_line, write
from tests.conftest import run_convcalc


class Broken(Exception):  # noqa: N818 - it says what is broken
    """An invariant does not hold."""


class Case:
    """A document, and what convcalc makes of it. The seed settles the style and every choice."""

    def __init__(self, data: Any, seed: int, made: Made | None = None) -> None:
        self.data = data
        self.seed = seed
        #: What the document was made for; None where it is another one by now.
        self.made = made
        self.text = write(self.rng("style"), data)

    def rng(self, what: str) -> Random:
        """The choices of one purpose."""
        return Random(f"{self.seed} {what}")

    @cached_property
    def network(self) -> Network:
        """The network. Raises ConvcalcError."""
        return convcalc.loads(self.text)

    @cached_property
    def is_right(self) -> bool:
        """Whether convcalc accepts the document."""
        return _is_accepted(lambda: self.network)

    @cached_property
    def presets(self) -> list[str]:
        """The presets with which convcalc accepts it."""
        names = self.data.get("presets", ())
        return [name for name in names if _is_accepted(partial(self.network.at, preset=name))]


def _is_accepted(ask: Callable[[], Network]) -> bool:
    try:
        ask()
    except ConvcalcError:
        return False
    return True


class Invariant(NamedTuple):
    """What must hold of a document."""

    name: str
    holds: Callable[[Case], int]
    #: It is tried on one document in so many.
    every: int
    #: Whether it speaks of documents alone that convcalc accepts.
    of_right: bool


INVARIANTS: list[Invariant] = []
_Holds = Callable[[Case], int]


def invariant(name: str, every: int = 1, of_right: bool = True) -> Callable[[_Holds], _Holds]:
    """Add an invariant."""

    def add(holds: _Holds) -> _Holds:
        INVARIANTS.append(Invariant(name, holds, every, of_right))
        return holds

    return add


def same(what: str, found: Any, wanted: Any) -> None:
    """Raises Broken where two values differ."""
    if found != wanted:
        raise Broken(f"{what}:\n  found  {_cut(found)}\n  wanted {_cut(wanted)}")


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 1500 else f"{text[:1500]}…"


def answer(ask: Callable[[], Network]) -> Any:
    """What a network costs, a mapping; or what is said where there is none, a list."""
    try:
        return ask().analyze().to_dict()
    except ConvcalcError as error:
        return list(render(error.diagnostics, "full"))


# Reading


@invariant("what is read is what was written", every=8, of_right=False)
def reads(case: Case) -> int:
    raw = read(Source("text", case.text), Budget())
    same("values", _typed(raw), _typed(_composed(case.data)))
    return 1


def _composed(value: Any) -> Any:
    """A value with its texts as they are read, in Unicode's composed form."""
    if isinstance(value, dict):
        return {_composed(key): _composed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_composed(each) for each in value]
    return normalize("NFC", value) if isinstance(value, str) else value


def _typed(value: Any) -> Any:
    """What two values have in common where they are of the same types, in the same order."""
    if isinstance(value, dict):
        return [(key, _typed(each)) for key, each in value.items()]
    return [_typed(each) for each in value] if isinstance(value, list) else (type(value), value)


@invariant("what is written to be right is, with the values and shapes meant", of_right=False)
def meant(case: Case) -> int:
    made = case.made
    if made is None or not (case.is_right or made.outputs):
        return 0
    network = case.network
    same("variables", _typed(network.variables), _typed(dict(made.variables)))
    if made.outputs is not None:
        same("outputs", tuple(tensor.shape for tensor in network.outputs), made.outputs)
    return 1


# Figures


@invariant("rows sum to totals at every depth and for each group")
def sums(case: Case) -> int:
    rng = case.rng("sums")
    name = rng.choice(conventions.names())
    analysis = case.network.analyze(name, rng.choice((1, 2, 7, 10**12)))
    deepest = max((len(row.groups) for row in analysis.rows), default=0)
    parts: dict[str, list[Any]] = {"layers": [row.figures for row in analysis.rows]}
    for depth in range(1, deepest + 2):
        parts[f"depth {depth}"] = [row.figures for row in analysis.folded(depth).rows]
    for by in SHARED:
        parts[by] = [share.totals for share in analysis.shares(by)]
    for what, figures in parts.items():
        for key, total in analysis.totals.items():
            if FIGURES[key].is_sum:
                known = [each for each in figures if not each.are_unknown] or figures
                added = known if FIGURES[key].costs else figures
                summed = _sum([each[key] for each in added], {} if key == "operations" else 0)
                same(f"{key} by {what} under {name}", summed, total)
    return len(parts)


def _sum(values: Sequence[Any], nothing: Any) -> Any:
    """The sum of numbers, or of tables of numbers; None where one is None, `nothing` of none."""
    if None in values:
        return None
    if nothing == 0:
        return sum(values)
    keys = dict.fromkeys(key for table in values for key in table)
    return {key: sum(table.get(key, 0) for table in values) for key in keys}


def _times(number: int | None, batch: int) -> int | None:
    return None if number is None else number * batch


@invariant("figures are for the batch, parameters are not", every=8)
def batches(case: Case) -> int:
    rng = case.rng("batches")
    batch = rng.randint(2, 9)
    one, many = case.network.analyze(), case.network.analyze(batch=batch)
    for a, b in zip(one.rows, many.rows, strict=True):
        for key in ("params", "buffers", "weight_bytes", "layers"):
            same(key, b.figures[key], a.figures[key])
        for key in ("macs", "flops", "activations", "activation_bytes"):
            same(key, b.figures[key], _times(a.figures[key], batch))
        if a.operations is not None:
            same("operations", b.operations, {key: n * batch for key, n in a.operations.items()})
            same("flops", a.flops, sum(a.operations.values()))
    other = case.network.analyze(rng.choice(conventions.names()), batch).totals
    same("params", other.params, one.totals.params)
    same("macs", other.macs, _times(one.totals.macs, batch))
    return 1


# Variables, presets, copies


@invariant("a variable that is set to its value changes nothing", every=8)
def defaults(case: Case) -> int:
    variables, wanted = case.network.variables, case.network.analyze().to_dict()
    for name, value in variables.items():
        found = answer(partial(case.network.at, {name: value}))
        same(f"with {name} = {value!r}", found, wanted)
    if variables:
        same("with all", answer(partial(convcalc.loads, case.text, variables=variables)), wanted)
    return len(variables)


@invariant("a preset is its settings", every=8)
def presets(case: Case) -> int:
    for name in case.presets:
        network = case.network.at(preset=name)
        settings = {key: network.variables[key] for key in case.data["presets"][name]}
        wanted = {**network.analyze().to_dict(), "preset": None}
        same(name, convcalc.loads(case.text, variables=settings).analyze().to_dict(), wanted)
    return len(case.presets)


@invariant("a network at other variables is a fresh one, in any order", every=16)
def elsewhere(case: Case) -> int:
    rng = case.rng("at")
    before = case.network.analyze().to_dict()
    network = case.network
    asked: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    turns = rng.randint(1, 3)
    for _ in range(turns):
        more: dict[str, Any] = {}
        set_to: dict[str, Any] = {}
        if case.network.variables and rng.random() < 0.7:
            name, value = rng.choice(list(case.network.variables.items()))
            set_to[name] = rng.choice((value, 1, 2, 5, 0.5, -1, True, "same", (1, 2)))
        if case.data.get("presets") and rng.random() < 0.3:
            more["preset"] = rng.choice([*case.data["presets"], "nowhere"])
        if rng.random() < 0.2:
            more["input"] = rng.choice(("8x12x12", (3, 9, 9), (24,), "4x5x6x7"))
        asked, settings = {**asked, **more}, {**settings, **set_to}
        found = answer(partial(network.at, set_to, **more))
        wanted = answer(partial(convcalc.loads, case.text, variables=settings, **asked))
        same(f"at {settings}, {asked}", found, wanted)
        if isinstance(wanted, dict):
            same("settings", {key: found["variables"][key] for key in settings}, settings)
        if isinstance(wanted, dict) and rng.random() < 0.7:
            network = network.at(set_to, **more)
        else:
            network, asked, settings = case.network, {}, {}
    same("as it was", case.network.analyze().to_dict(), before)
    return turns


@invariant("a copy is the same", every=64)
def copies(case: Case) -> int:
    network, analysis = case.network, case.network.analyze()
    wanted = analysis.to_dict()
    twins = {
        "pickled": pickle.loads(pickle.dumps(network)),
        "deep copy": copy.deepcopy(network),
        "copy": copy.copy(network),
    }
    for what, twin in twins.items():
        same(what, twin, network)
        same(f"{what}, analyzed", twin.analyze().to_dict(), wanted)
        same(f"{what}, set", answer(twin.at), wanted)
    same("analysis, pickled", pickle.loads(pickle.dumps(analysis)).to_dict(), wanted)
    same("analysis, copied", copy.deepcopy(analysis), analysis)
    return len(twins) + 2


# Doors that must agree


@invariant("validate accepts what analyze accepts with every preset", every=8, of_right=False)
def validates(case: Case) -> int:
    accepted = case.is_right and case.presets == list(case.data.get("presets", ()))
    outcome = run_convcalc("validate", "-", stdin=case.text.encode())
    same("status", outcome.status, 0 if accepted else 2)
    same("standard output", outcome.out, "")
    same("whether something is said", bool(outcome.err), not accepted)
    return 1


@invariant("reconcile, one convention and all of them have the same totals", every=128)
def reconciles(case: Case) -> int:
    network = case.network
    every = network.analyze("all")
    bridges = {bridge.convention.name: bridge for bridge in reconcile(network).bridges}
    same("names", list(every.counts), [name for name in bridges if "@" not in name])
    for name, bridge in bridges.items():
        alone = network.analyze(name)
        same(name, bridge.total, alone.totals.flops)
        if name in every.counts:
            same(f"{name} of all", every.counts[name], alone.totals.flops)
            for row, other in zip(every.rows, alone.rows, strict=True):
                same(f"{name} of {row.name}", row.counts[name].flops, other.flops)
        same(f"{name}, silent", bridge.silent, sum(row.uncounted for row in alone.rows))
        if bridge.total is not None:
            steps = sum(item.amount for item in bridge.items)
            same(f"the bridge to {name}", alone.totals.macs + steps, bridge.total)
    said = run_convcalc("reconcile", "-", "--json", stdin=case.text.encode()).json
    totals = {each["name"]: each["total"] for each in said["conventions"]}
    same("--json", totals, {name: bridge.total for name, bridge in bridges.items()})
    return len(bridges)


@invariant("the JSON Schema accepts it", every=64)
def described(case: Case) -> int:
    error = next(validator().iter_errors(case.data), None)
    if error is not None:
        raise Broken(f"{list(error.absolute_path)}: {error.message[:300]}")
    return 1


@cache
def validator() -> jsonschema.Draft202012Validator:
    """What the JSON Schema says, by a validator that was not written here."""
    return jsonschema.Draft202012Validator(schema())


# Formats


@invariant("every format, and the API, have the same numbers", every=128)
def formats(case: Case) -> int:
    rng = case.rng("formats")
    asked: dict[str, Any] = {
        "convention": rng.choice(("exact", *conventions.names())),
        "batch": rng.choice((1, 3, 1000)),
        "dtype": rng.choice(("float32", "int8")),
    }
    arguments = [word for key, value in asked.items() for word in (f"--{key}", str(value))]
    network = case.network
    if case.presets and rng.random() < 0.5:
        preset = rng.choice(case.presets)
        network = case.network.at(preset=preset)
        arguments += ["--preset", preset]
    for name, value in network.variables.items():
        arguments += ["--set", f"{name}={_as_option(value)}"]
    analysis: Analysis = network.analyze(**asked)
    if rng.random() < 0.5:
        depth = rng.randint(1, 3)
        analysis = analysis.folded(depth)
        arguments += ["--depth", str(depth)]
    by = rng.choice((None, None, *SHARED))
    sort = rng.choice((None, "params", "activations"))
    arguments += [*(["--group-by", by] if by else []), *(["--sort", sort] if sort else [])]

    shown = _shown(case, arguments)
    wanted = json.loads(json.dumps(_object(analysis, by, sort), default=str))
    same("JSON", json.loads(shown["json"]), wanted)
    rows = wanted["groups" if by else "layers"]
    same("JSON lines", [json.loads(line) for line in shown["jsonl"].splitlines()], rows)
    _same_csv(shown["csv"], rows, by)
    cells = printed.aligned(shown["table"])
    _same_table(cells, [*rows, wanted["totals"]], by)
    same("Markdown", printed.markdown(shown["markdown"]), cells)
    same("HTML", printed.html(shown["html"]), cells)
    return 1


def _as_option(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_as_option, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(case: Case, arguments: Sequence[str]) -> dict[str, str]:
    """What `analyze` prints in each format."""
    shown = {}
    for name in ("json", "jsonl", "csv", "table", "markdown", "html"):
        command = ("analyze", "-", "--format", name, *arguments)
        outcome = run_convcalc(*command, stdin=case.text.encode())
        if outcome.status != 0 or outcome.err:
            raise Broken(f"{' '.join(command)} ends with {outcome.status}: {outcome.err}")
        shown[name] = outcome.out
    return shown


def _object(analysis: Analysis, by: str | None, sort: str | None) -> dict[str, Any]:
    """What JSON says, put together here from the API."""
    if by:
        shares = [{"group": s.group, **s.totals.columns()} for s in analysis.shares(by)]
        return {**analysis.head(), "group_by": by, "groups": _sorted(shares, sort)}
    data = analysis.to_dict()
    return {**data, "layers": _sorted(data["layers"], sort)}


def _sorted(rows: list[dict[str, Any]], sort: str | None) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -row[sort]) if sort else rows


def _same_csv(text: str, rows: Sequence[Any], by: str | None) -> None:
    """The cells of CSV are the values of JSON."""
    found = list(csv.DictReader(io.StringIO(text)))
    same("rows of CSV", len(found), len(rows))
    for record, row in zip(found, rows):
        for key, cell in record.items():
            value = row["group" if key == by else key]
            if key == "output_shape" and value is None:
                value = row["output_shapes"]
            same(f"CSV, {key}", cell, _cell(value))


def _cell(value: Any) -> str:
    """A value of JSON as CSV has it."""
    if isinstance(value, list) and any(isinstance(each, list) for each in value):
        return " ".join(map(_cell, value))
    if isinstance(value, list):
        names = any(isinstance(each, str) for each in value)
        return (" " if names else "x").join(map(str, value))
    return "" if value is None else str(value)


def _same_table(cells: printed.Cells, rows: Sequence[Any], by: str | None) -> None:
    """The numbers of a table are those of the rows, the last of which has the totals."""
    header, macs = cells[0], cells[0].index("MACs")
    # Shares stand between; the title of FLOPs is the convention's.
    columns = {"params": header.index("Params"), "macs": macs, "flops": macs + (2 if by else 1)}
    same("rows of the table", len(cells), 1 + len(rows))
    for line, row in zip(cells[1:], rows):
        for key, column in columns.items():
            text = line[column].removesuffix("+?").rstrip("*").replace(",", "")
            same(f"the table's {key}", None if text == "?" else int(text), row[key])


# Documents that mean the same


@invariant("another style changes nothing", every=32)
def styles(case: Case) -> int:
    wanted = case.network.analyze().to_dict()
    for text in (write(case.rng("another style"), case.data), on_one_line(case.data)):
        same(f"as\n{text}\n", answer(partial(convcalc.loads, text)), wanted)
    return 2


def _add_rewrite(what: str, rewrite: Callable[[Random, Any], Any]) -> None:
    """Add the invariant of one way to write a document otherwise."""

    @invariant(f"{what} changes no figure", every=8)
    def rewritten(case: Case) -> int:
        rng = case.rng(what)
        data = rewrite(rng, case.data)
        if data is None:
            return 0
        text = write(rng, data)
        name = rng.choice(conventions.names())
        try:
            found = _figures(convcalc.loads(text).analyze(name))
        except ConvcalcError as error:
            raise Broken(f"{error}, in\n{text}") from None
        if found != _figures(case.network.analyze(name)):
            raise Broken(f"other figures under {name} of\n{text}")
        return 1


def _figures(analysis: Analysis) -> list[Any]:
    """What the layers of a network are and cost, their names aside."""
    return [
        (row.type, row.config, row.weights, row.input_shapes, row.output_shapes, dict(row.figures))
        for row in analysis.rows
    ]


for _what, _rewrite in REWRITES.items():
    _add_rewrite(_what, _rewrite)


# Mistakes


@invariant("a mistake is answered where it is, the same twice", every=4, of_right=False)
def mistaken(case: Case) -> int:
    rng = case.rng("mistake")
    data = mistakes.mistake(rng, case.data, rng.choice(list(mistakes.KINDS)))
    if data is None:
        return 0
    answered(write(rng, data) if rng.random() < 0.5 else on_one_line(data))
    return 1


@invariant("a slip in the text is answered where it is, the same twice", every=4, of_right=False)
def slipped(case: Case) -> int:
    answered(mistakes.slip(case.rng("slip"), case.text))
    return 1


def answered(text: str) -> None:
    """Raises Broken where a text is neither analyzed nor refused as it should be."""
    found = _diagnostics(text)
    if not found:
        return
    same(f"what is said of\n{text}\n", _diagnostics(text), found)
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    for each in found:
        problem = _misplaced(each, lines)
        if problem:
            raise Broken(f"{each.message!r} {problem} in\n{text}")
    for style in ("full", "concise", "github", "json"):
        if not all(said.strip() for said in render(found, style)):
            raise Broken(f"nothing is said as {style} in\n{text}")


def _diagnostics(text: str) -> tuple[Diagnostic, ...]:
    """What is wrong with a text; nothing where it is analyzed."""
    try:
        convcalc.loads(text).analyze()
    except ConvcalcError as error:
        if not error.diagnostics:
            raise Broken(f"an error says nothing of\n{text}") from None
        return error.diagnostics
    return ()


_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_QUOTED = re.compile("`([^`]*)`")


def _misplaced(diagnostic: Diagnostic, lines: Sequence[str]) -> str:
    """What is wrong with the place of a diagnostic; nothing most of the time."""
    mark = diagnostic.mark
    if mark is None:
        return "has no place"
    line = lines[mark.line - 1] if 1 <= mark.line <= len(lines) else None
    end = mark.column - 1 + mark.length
    if line is None or not 1 <= mark.column <= end <= len(line) + 1:
        return f"is at {mark}, which is outside,"
    marked = line[mark.column - 1 : end]
    names = [name.removesuffix("…") for name in _QUOTED.findall(diagnostic.message)]
    # An alias, an anchor and a text of several lines are not written as they read.
    if diagnostic.code.startswith("unknown-") and marked[:1] not in ("&", "*") and len(marked) > 1:
        return "" if any(name in marked for name in names) else f"marks {marked!r}"
    return ""
