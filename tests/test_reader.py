"""Reading YAML: values and their places, the traps of YAML 1.1, limits, files that mean harm."""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import convcalc
from convcalc import ConvcalcError, Limits
from convcalc.diagnostics import Source
from convcalc.language.limits import DEFAULT, Budget
from convcalc.language.reader import Mapping, Sequence, read
from tests.conftest import Run

ZOO = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))
HEAD = "name: N\ninput: [3, 8, 8]\n"


def value(text: str) -> Any:
    return read(Source("text", text), Budget())


def refusal(text: str | bytes, limits: Limits = DEFAULT) -> convcalc.Diagnostic:
    """The one mistake of a spec."""
    with pytest.raises(ConvcalcError) as caught:
        convcalc.loads(text, limits=limits)
    (found,) = caught.value.diagnostics
    return found


# Values


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", 1),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("yes", "yes"),
        ("off", "off"),
        ("True", "True"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("'1'", "1"),
        ('"a\\nb"', "a\nb"),
        ("[1, [2, x]]", [1, [2, "x"]]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_scalars_by_yaml_1_2(text: str, meant: Any) -> None:
    read_back = value(text)
    assert read_back == meant
    assert type(read_back) is type(meant) or isinstance(read_back, (Mapping, Sequence))


def test_characters_in_halves_as_json_writes_them() -> None:
    named = {"😀": "1 😀 \\ud83d\u00e9\n𝄞", "b": ["𐀀", "\U0010ffff"]}
    assert value(json.dumps(named)) == named
    assert value(r"'\ud83d\ude00': \ud83d") == {r"\ud83d\ude00": r"\ud83d"}
    read_so = read(Source("text", r'{"\ud83d\ude00": é, "b": 1}'), Budget())
    assert [read_so.mark_of(key).column for key in read_so] == [18, 26]


@pytest.mark.parametrize(
    ("text", "half", "column", "length"),
    [
        (r'name: "a \uD83D"', "D83D", 10, 6),
        (r'name: "\\ud83d \ud83d\ude00\ude01"', "DE01", 28, 6),
        (r'name: "\ud83d\ud83d\ude00"', "D83D", 8, 6),
        (r'"\U0000DEAD": 1', "DEAD", 2, 10),
    ],
)
def test_half_a_character_is_a_mistake(text: str, half: str, column: int, length: int) -> None:
    found = refusal(f"# é\n{text}\n")
    assert found.message == f"the text has half a character in it, U+{half}"
    assert found.mark is not None
    assert found.mark[:3] == (2, column, length)


def test_infinity_and_nan() -> None:
    first, second = value("[-.inf, .NaN]")
    assert first == -math.inf
    assert math.isnan(second)


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_reads_what_pyyaml_reads(path: Path) -> None:
    """The zoo is written so that YAML 1.1 and 1.2 agree on it."""
    assert value(path.read_text(encoding="utf-8")) == yaml.safe_load(path.read_bytes())


def test_places_of_keys_and_values() -> None:
    text = 'name: "N"\nlayers:\n  - conv: {out: 8, k: [3, 5]}\n'
    raw = value(text)

    def marked(mark: convcalc.diagnostics.Mark) -> str:
        return text.splitlines()[mark.line - 1][mark.column - 1 :][: mark.length]

    assert marked(raw.mark_of("name")) == '"N"'
    conv = raw["layers"][0]
    assert marked(conv.key_mark("conv")) == "conv"
    assert marked(conv.mark_of("conv")) == "{out: 8, k: [3, 5]}"
    fields = conv["conv"]
    assert marked(fields.key_mark("k")) == "k"
    assert marked(fields.mark_of("k")) == "[3, 5]"
    assert [marked(fields["k"].mark_of(index)) for index in range(2)] == ["3", "5"]


# Traps


def test_byte_order_mark_is_passed_over() -> None:
    text = b"\xef\xbb\xbf" + HEAD.encode() + b"layers: [relu]\n"
    assert len(convcalc.loads(text).nodes) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_unicode_encodings(encoding: str) -> None:
    found = refusal((HEAD + "layers: [relu]\n").encode(encoding))
    assert found.code == "encoding"
    assert found.help == "save it as UTF-8"


def test_latin_1_names_the_byte() -> None:
    assert refusal("# café\n".encode("latin-1")).message == (
        "byte 6 of line 1, 0xe9, is not UTF-8 text"
    )


def test_character_that_yaml_leaves_out() -> None:
    found = refusal("# é\nname: \x01\n")
    assert found.message == "the character U+0001 is not allowed in a YAML file"
    assert found.mark is not None
    assert (found.mark.line, found.mark.column) == (2, 7)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x85", "\u2028"])
def test_every_line_end_of_yaml_counts(end: str) -> None:
    found = refusal((HEAD + "layers:\n  - rellu\n").replace("\n", end))
    assert found.mark is not None
    assert found.source is not None
    assert found.source.line(found.mark.line) == "  - rellu"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[1, 2", "bad-yaml"),
        ("a: b: c", "bad-yaml"),
        ("%YAML 3.0\n--- a", "bad-yaml"),
        ("a: *b", "bad-yaml"),
        ("&a [*a]", "bad-yaml"),
        ("\x07", "bad-yaml"),
        ("? [a]\n: 1", "bad-key"),
        ("? {a: 1}\n: 1", "bad-key"),
        ("&k a: 1\n*k : 2", "bad-key"),
        ("null: 1", "bad-key"),
        ("1.5: 1", "bad-key"),
        ("a: 1\na: 2", "duplicate-key"),
        ('a: 1\n"a": 2', "duplicate-key"),
        ("<<: {a: 1}", "merge-key"),
        ("!!set {a, b}", "tag"),
        ("!!binary aGk=", "tag"),
        ("!<tag:x> a", "tag"),
        ("a\n---\nb", "several-documents"),
        ("", "empty-file"),
        ("# nothing\n---\n", "not-a-spec"),
    ],
)
def test_what_a_spec_may_not_be(text: str, code: str) -> None:
    assert refusal(text).code == code


def test_duplicate_key_shows_both_places() -> None:
    found = refusal(HEAD + "layers: [relu]\nname: M\n")
    assert (found.mark and found.mark.line, found.label) == (4, "the first is at line 1, column 1")


# Limits: what is just allowed, and what is one more


def nested(depth: int) -> str:
    """A spec whose lists and mappings nest `depth` deep; every third level is a group."""
    groups, rest = divmod(depth - 2, 3)
    inner = ["relu", "relu: ", "relu: {}"][rest]
    return HEAD + f"layers: [{'sequential: {layers: [' * groups}{inner}{']}' * groups}]\n"


LIMITS: list[tuple[str, str, Limits, Limits]] = [
    ("bytes", HEAD + "layers: [relu]\n", Limits(bytes=40), Limits(bytes=39)),
    ("depth", nested(20), Limits(depth=20), Limits(depth=19)),
    (
        "layers",
        HEAD + "layers: [repeat: {times: 9, layers: [relu]}]",
        Limits(layers=9),
        Limits(layers=8),
    ),
    (
        "expression",
        HEAD + "layers: [relu: {when: 1 + 1 + 1}]",
        Limits(expression=9),
        Limits(expression=8),
    ),
    (
        "brackets",
        HEAD + "layers: [relu: {when: ((1))}]",
        Limits(brackets=3),
        Limits(brackets=2),
    ),
    (
        "items",
        HEAD + "variables: {a: '[[1, 2], [3]]'}\nlayers: [relu]",
        Limits(items=5),
        Limits(items=4),
    ),
    (
        "digits",
        HEAD + "layers: [conv: {out: 10**9, k: 1}]",
        Limits(digits=10),
        Limits(digits=9),
    ),
]


@pytest.mark.parametrize(
    ("name", "text", "enough", "short"), LIMITS, ids=[limit[0] for limit in LIMITS]
)
def test_limit(name: str, text: str, enough: Limits, short: Limits) -> None:
    assert convcalc.loads(text, limits=enough).nodes
    found = refusal(text, short)
    assert found.code == f"limit-{name}"
    assert f"--limit {name}=N" in found.help


def test_aliases_count_as_what_they_stand_for() -> None:
    text = (
        HEAD + "variables: {a: &a [1, 2, 3], b: [*a, *a], c: [*a, *a]}\nlayers: [relu]\n" + "#" * 9
    )
    assert convcalc.loads(text, limits=Limits(nodes=len(text))).nodes
    bomb = HEAD + "variables:\n  a0: &a0 [1, 1]\n"
    bomb += "".join(f"  a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 9))
    assert refusal(bomb + "layers: [relu]\n", Limits(nodes=500)).code == "limit-nodes"


def test_more_layers_may_have_more_values() -> None:
    written = HEAD + "layers:\n" + "  - relu6\n" * 21_000
    limits = Limits(layers=21_000, nodes=30_000)
    assert len(convcalc.loads(written, limits=limits).nodes) == 21_000


def test_time_is_bounded() -> None:
    text = HEAD + "layers: [repeat: {times: 1000, layers: [relu]}]"
    found = refusal(text, Limits(seconds=0))
    assert found.code == "limit-seconds"
    assert "--limit seconds=N" in found.help


def test_limits_are_options(run: Run) -> None:
    text = HEAD + "layers: [repeat: {times: 20001, layers: [relu]}]\n"
    assert "--limit layers=N" in run("analyze", "-", stdin=text.encode()).err
    args = ("analyze", "-", "--json", "--depth", "1", "--limit", "layers=30000")
    assert run(*args, stdin=text.encode()).json["totals"]["layers"] == 20_001


@pytest.mark.parametrize("depth", [62, 63, 64])
def test_deepest_nesting_that_is_allowed_works(depth: int) -> None:
    assert convcalc.loads(nested(depth)).outputs


def test_deepest_nesting_that_can_be_asked_for_works(run: Run) -> None:
    levels = 99
    blocks = "".join(f"  b{i}: {{layers: [b{i + 1}]}}\n" for i in range(levels - 1))
    deep = "(" * 58 + "1" + ")" * 58
    last = f"  b{levels - 1}: {{layers: [conv: {{out: '{deep}', k: 1}}]}}\n"
    text = f"{HEAD}blocks:\n{blocks}{last}layers: [b0]\n"
    limits = ("--limit", "depth=100", "--limit", "brackets=60")
    assert run("analyze", "-", "--json", *limits, stdin=text.encode()).json["totals"]["layers"] == 1


# Files that mean harm: each is refused within a second, and none has read or written anything else

BOMB = "\n".join(
    ["  a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"  a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 11)]
)
GROWING = "\n".join(
    ["  a0: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    + [f"  a{i}: [{', '.join([f'a{i - 1}'] * 10)}]" for i in range(1, 11)]
)
DEEP_BLOCKS = "".join(f"  b{i}: {{layers: [b{i + 1}]}}\n" for i in range(500))
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "alias bomb of ten levels": (f"{HEAD}variables:\n{BOMB}\nlayers: [relu]\n", "limit-nodes"),
    "list bomb of ten levels": (f"{HEAD}variables:\n{GROWING}\nlayers: [relu]\n", "limit-items"),
    "repeat of 10**12": (
        f"{HEAD}layers: [repeat: {{times: 10**12, layers: [relu]}}]",
        "limit-layers",
    ),
    "nested repeats": (
        f"{HEAD}layers: [{'repeat: {times: 9999, layers: [' * 9}relu{']}' * 9}]",
        "limit-layers",
    ),
    "a hundred thousand brackets": ("[" * 100_000, "limit-depth"),
    "a hundred thousand closed brackets": ("[" * 100_000 + "]" * 100_000, "limit-depth"),
    "a hundred thousand braces": ("{a: " * 100_000, "limit-depth"),
    "a hundred thousand dashes": ("- " * 100_000, "limit-depth"),
    "expression of a megabyte": (
        f"{HEAD}layers: [conv: {{out: {'1+' * 500_000}1, k: 3}}]",
        "limit-expression",
    ),
    "name of a megabyte": (f"{HEAD}layers: [{'x' * 1_000_000}]", "unknown-layer"),
    "long name for many layers": (
        f"{HEAD}layers: [repeat: {{times: 20000, layers: [relu: {{name: {'n' * 50_000}}}]}}]",
        "bad-name",
    ),
    "ten thousand digits": (f"{HEAD}layers: [conv: {{out: {'9' * 10_000}, k: 3}}]", "limit-digits"),
    "digits in an expression": (
        f"{HEAD}layers: [conv: {{out: 1 + {'9' * 1_900}, k: 3}}]",
        "limit-digits",
    ),
    "9**9**9": (f"{HEAD}variables: {{x: 9**9**9}}\nlayers: [relu]", "limit-digits"),
    "squares of squares": (
        f"{HEAD}variables: {{a: 10**200, b: a * a}}\nlayers: [relu]",
        "limit-digits",
    ),
    "rounding far to the left": (
        f"{HEAD}variables: {{x: 'round(5, -10**9)'}}\nlayers: [relu]",
        "bad-value",
    ),
    "block that calls itself through another": (
        f"{HEAD}blocks: {{a: {{layers: [b]}}, b: {{layers: [a]}}}}\nlayers: [a]",
        "recursive-block",
    ),
    "five hundred nested blocks": (
        f"{HEAD}blocks:\n{DEEP_BLOCKS}  b500: {{layers: [relu]}}\nlayers: [b0]",
        "limit-depth",
    ),
    "merge keys": ("a: &a {b: 1}\nc: {<<: [*a, *a]}", "merge-key"),
    "tag that runs code": ("!!python/object/apply:os.system ['touch pwned']", "tag"),
    "NUL byte": (f"{HEAD}layers: [re\0lu]", "bad-yaml"),
    "NUL bytes": (b"\0" * 4096, "encoding"),
    "binary file": (bytes(range(255, -1, -1)) * 64, "encoding"),
    "empty file": (b"", "empty-file"),
    "huge input": (
        "name: N\ninput: [10**299, 10**299, 10**299]\nlayers: [flatten]",
        "limit-digits",
    ),
    "growing output": (
        f"{HEAD}layers: [repeat: {{times: 99, layers: [upsample: {{scale: 10**9}}]}}]",
        "limit-digits",
    ),
    "a thousand million parts": (
        "name: N\ninput: [10**9, 8, 8]\nlayers: [split: {sections: 10**9}]",
        "bad-value",
    ),
    "tensor of a thousand axes": (
        f"{HEAD}layers: [reshape: {{shape: [192{', 1' * 999}]}}]",
        "bad-value",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_at_once(
    run: Run, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text, code = HOSTILE[name]
    spec = tmp_path / "spec.yaml"
    spec.write_bytes(text if isinstance(text, bytes) else text.encode())
    start = time.process_time()
    outcome = run("analyze", "spec.yaml")
    assert time.process_time() - start < 1
    assert outcome.err.startswith(f"error[{code}]: ")
    assert len(outcome.err) < 2000
    assert (outcome.status, outcome.out) == (2, "")
    assert list(tmp_path.iterdir()) == [spec]


def test_directory_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").touch()
    outcome = run("analyze", str(tmp_path))
    assert (outcome.status, outcome.out) == (2, "")
    assert "net.yaml" in outcome.err


# The worst that was found for less than 64 KB

WORST: dict[str, str] = {
    "different layers": (
        "layers: [repeat: {times: 20000, layers: [conv: {out: in_channels + 1, k: 1}]}]"
    ),
    "turns that make nothing": "layers: [relu, repeat: {times: 400, layers: ["
    "repeat: {times: 400, layers: []}]}]",
    "layers of many inputs": "layers: [relu: {name: a}, repeat: {times: 20000, layers: ["
    f"concat: {{from: [{', '.join(['a'] * 9000)}]}}]}}]",
    "names that nest": "layers: ["
    + "".join(f"sequential: {{name: {'n' * 58}{i}, layers: [" for i in range(10, 29))
    + "repeat: {times: 20000, layers: [relu]}"
    + "]}" * 19
    + "]",
    "many mistaken names": "blocks:\n"
    + "".join(f"  block_number_{i}: {{layers: [relu]}}\n" for i in range(700))
    + "layers:\n"
    + "".join(f"  - block_numbr_{i}\n" for i in range(1400)),
    "rows of aliases": f"variables: {{r: &r [{', '.join(['1 + 1'] * 2000)}]}}\n"
    f"layers: [for_each: {{bind: [a], in: [{'*r , ' * 95}1], layers: [relu]}}]",
}


@pytest.mark.parametrize("name", WORST)
def test_worst_case_is_bounded(name: str, tmp_path: Path) -> None:
    """In a process of its own, which may take 5 seconds and 512 MB."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(HEAD + WORST[name], encoding="utf-8")
    assert spec.stat().st_size < 65_536

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
        resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))

    # Where the machine does other work too, processor time is more.
    sooner = ["--limit", "seconds=1"]
    command = [sys.executable, "-m", "convcalc", "analyze", str(spec), "--json", *sooner]
    done = subprocess.run(command, preexec_fn=bounded, capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stderr[-500:]
    assert done.stderr.startswith("error[limit-" if done.returncode else "") or "mistaken" in name
