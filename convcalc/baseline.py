"""An earlier answer in JSON, than which networks are to take no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from convcalc import zoo
from convcalc.analysis import Analysis
from convcalc.budgets import EARLIER, Budget
from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, fail
from convcalc.graph import WAYS
from convcalc.language.limits import DEFAULT, Limits, exceeded
from convcalc.words import describe, listed, quoted, shortened

#: The figures that are compared.
COMPARED = ("params", "macs", "flops", "activations")
#: Digits of an integer in the file; a figure may have more than those of a spec.
_DIGITS = 4_000
#: What an earlier answer is written by.
_WRITE = "`convcalc analyze SPEC --json -o before.json` writes one"


class Earlier(NamedTuple):
    """A network in an earlier answer: None, and no figure, for what it does not say."""

    name: str
    preset: str | None
    figures: Mapping[str, int]
    #: How many layers of unknown cost the figures lack.
    unknown: int
    convention: str
    batch: int
    dtype: str | None
    #: The names that it was cut by, of each way.
    cuts: Mapping[str, Any]
    spec: str | None
    variables: Any
    input: Any


class Baseline(NamedTuple):
    """An earlier answer: the networks in a file."""

    file: str
    networks: tuple[Earlier, ...]

    def budgets(self, spec: str, analysis: Analysis, dtype: str) -> tuple[Budget, ...]:
        """What a network took then, as budgets; `spec` is what it is asked for by.

        Raises ConvcalcError where the file does not have it, or not under the same convention,
        batch, type of number and cuts.
        """
        found = self._same(spec, analysis)
        graph, own = analysis.graph, analysis.totals.dtype
        # Layers may have types of their own: all of them one, or several, of which none is said.
        is_alike = own is None or found.dtype in (None, own)
        for what, option, then, now in (
            ("the convention", "--convention", found.convention, analysis.convention.name),
            ("a batch of", "--batch", found.batch, analysis.batch),
            ("numbers of", "--dtype", found.dtype, found.dtype if is_alike else dtype),
        ):
            if then != now:
                shown = shortened(str(then))
                message = f"{self.file} is for {what} {shown}, and this is for {now}"
                raise self._fail("not-comparable", message, f"give {option} {shown}")
        if found.cuts != graph.cut_by():
            message = f"{self.file} has another part of {quoted(graph.name)}"
            raise self._fail("not-comparable", message, "cut both by the same --until and --drop")
        if not found.figures:
            message = f"{self.file} has none of {listed(COMPARED, joiner='and')}"
            raise self._fail("not-comparable", message, _WRITE)
        source = Source(self.file, "")
        return tuple(
            Budget(metric, most, EARLIER, source, unknown=found.unknown)
            for metric, most in found.figures.items()
        )

    def _same(self, spec: str, analysis: Analysis) -> Earlier:
        """The network by its name and preset; of several that whose spec, variables and input are
        the same. Raises ConvcalcError.
        """
        graph = analysis.graph
        said = json.loads(json.dumps(graph.to_dict(), default=str))
        found = [each for each in self.networks if each.name == graph.name]
        shown = quoted(graph.name)
        if not found:
            names = dict.fromkeys(shortened(each.name) for each in self.networks)
            help = f"it has {listed(names)}; " if names else "it has none; "
            help += "write it anew with this one in it"
            raise self._fail("not-comparable", f"{self.file} has no network {shown}", help)
        own = [each for each in found if each.preset == graph.preset]
        if not own:
            asked = f"at the preset {quoted(graph.preset)}" if graph.preset else "without a preset"
            message = f"{self.file} does not have {shown} {asked}"
            presets = dict.fromkeys(shortened(each.preset) for each in found if each.preset)
            help = f"it has {listed(presets)}" if presets else "it has the network without one"
            raise self._fail("not-comparable", message, help)
        for key, value in (
            ("spec", spec),
            ("variables", said["variables"]),
            ("input", said["input"]),
        ):
            if len(own) > 1:
                own = [each for each in own if getattr(each, key) == value] or own
        if len(own) > 1 and any(each != own[0] for each in own):
            message = f"{self.file} has {len(own)} networks called {shown}, and none is this one"
            raise self._fail("not-comparable", message, "give them names of their own")
        return own[0]

    def _fail(self, code: str, message: str, help: str) -> ConvcalcError:
        return fail(code, message, help, Source(self.file, ""))


def load(file: str, limits: Limits = DEFAULT) -> Baseline:
    """The networks in a file that `analyze`, `check` or `list` wrote with `--json`.

    Raises ConvcalcError where it cannot be read, has another content, or more bytes than allowed.
    """
    data, source = zoo.read_bytes(file, file, limits.bytes), Source(file, "")
    if len(data) > limits.bytes:
        message = f"{file} has more than {limits.bytes:,} bytes"
        raise ConvcalcError([exceeded("bytes", message, source, None)])
    raw = _parsed(data, file)
    try:
        return Baseline(file, tuple(_networks(raw)))
    except _OtherError as other:
        raise fail("bad-baseline", f"{file} {other}", _WRITE, source) from None


class _OtherError(Exception):
    """What is in a file that is no earlier answer, as the end of a sentence."""


def _parsed(data: bytes, file: str) -> Any:
    """What JSON says. Raises ConvcalcError with the place for what is none."""
    source, help = Source(file, ""), _WRITE
    try:
        text = data.decode("utf-8-sig")
        source = Source(file, text)
        return json.loads(text, parse_int=_integer)
    except UnicodeDecodeError:
        raise fail("encoding", f"{file} is not UTF-8 text", help, source) from None
    except RecursionError:
        raise fail("bad-baseline", f"{file} is nested too deep", help, source) from None
    except json.JSONDecodeError as error:
        mark = Mark(error.lineno, error.colno)
        ends = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        message = "the file ends before its JSON does" if ends else "this is no JSON"
        if not text.strip():
            message = "the file is empty"
        raise ConvcalcError([Diagnostic("bad-json", message, source, mark, help=help)]) from None
    except OverflowError:
        message = f"{file} has a number of more than {_DIGITS:,} digits"
        raise fail("bad-baseline", message, help, source) from None


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise OverflowError
    return int(text)


def _networks(raw: Any) -> Iterator[Earlier]:
    """The networks of an answer, or of several. Raises _OtherError."""
    for answer in raw if isinstance(raw, list) else [raw]:
        format = answer.get("format") if isinstance(answer, dict) else None
        if not isinstance(format, str):
            raise _OtherError("is no answer of `convcalc analyze --json`, nor of `check` or `list`")
        if format not in _READERS:
            raise _OtherError(f"is of {quoted(shortened(format))}, which has no totals to compare")
        yield from _READERS[format](answer)


def _analysis(answer: Mapping[str, Any]) -> Iterator[Earlier]:
    totals = _a(dict, answer, "totals")
    convention = _a(str, _a(dict, answer, "convention"), "name")
    asked = {**answer, "dtype": totals.get("dtype")}
    yield _earlier(answer, asked, totals, convention)


def _check(answer: Mapping[str, Any]) -> Iterator[Earlier]:
    yield _earlier(answer, answer, _a(dict, answer, "totals"), _a(str, answer, "convention"))


def _list(answer: Mapping[str, Any]) -> Iterator[Earlier]:
    for each in _a(list, answer, "networks"):
        if not isinstance(each, dict):
            raise _OtherError("has a network that is none")
        name, family = each.get("name"), each.get("family")
        # A preset of the zoo is asked for by its name.
        preset = each.get("preset", name if family not in (None, name) else None)
        own = {**each, "name": each.get("network"), "preset": preset, "spec": name}
        yield _earlier(own, answer, each, _a(str, answer, "convention", "exact"))


def _earlier(
    own: Mapping[str, Any], asked: Mapping[str, Any], totals: Mapping[str, Any], convention: str
) -> Earlier:
    """A network, `asked` for under what, with its totals."""
    figures = {metric: _whole(totals, metric) for metric in COMPARED}
    return Earlier(
        name=_a(str, own, "name"),
        preset=_a(str, own, "preset", None),
        figures={metric: most for metric, most in figures.items() if most is not None},
        unknown=_whole(totals, "unknown") or 0,
        convention=convention,
        batch=1 if "batch" not in asked else _whole(asked, "batch") or 0,
        dtype=_a(str, asked, "dtype", None),
        cuts={way: own[way] for way in WAYS if own.get(way)},
        spec=_a(str, own, "spec", None),
        variables=own.get("variables"),
        input=own.get("input"),
    )


def _whole(holder: Mapping[str, Any], key: str) -> int | None:
    """A whole number, 0 or more; None where there is none. Raises _OtherError."""
    value = holder.get(key)
    if value is not None and (type(value) is not int or value < 0):
        raise _OtherError(f"has {describe(value)} as its `{key}`")
    return value


def _a(kind: type, holder: Mapping[str, Any], key: str, *default: Any) -> Any:
    """What an answer has under a key, or the default for nothing. Raises _OtherError."""
    value = holder.get(key)
    if value is None and default:
        return default[0]
    if not isinstance(value, kind):
        raise _OtherError(f"has no right `{key}`, as each such answer has")
    return value


#: What reads the answers of a format.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Earlier]]] = {
    "convcalc.analysis/1": _analysis,
    "convcalc.check/1": _check,
    "convcalc.networks/1": _list,
}
