"""Text from outside is data: nothing that prints it is commanded by it, and it is still told.

Texts that would command a terminal, a CI log, Markdown, HTML, LaTeX or a spreadsheet are put into
every place that takes text, and what comes out in every format and style is read as its reader
reads it.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import convcalc
from convcalc.render import analysis as reports
from convcalc.render import formats
from tests.conftest import Run

TERMINAL = (
    "\x1b[31mred\x1b[0m",
    "\x9b2Jcleared",
    "\x7fdeleted",
    "gnp\u202egnp.exe",
    "a\u2066b\u2069c",
    "left\u200eright\u200f\u061c",
    "zero\u200bwidth\u2060\ufeff",
    "tag\U000e0041\U000e007f",
    "filled\u3164\u115f\u034f",
    "chosen\U000e0100",
    "half\udcff",
    "two\nlines",
    "back\rover",
    "tab\there",
    "next\x85line",
    "sep\u2028arated\u2029",
)
LOG = (
    "::error::pwn",
    "  ::add-mask::pwn",
    "\u3000::error::pwn",
    "a\n::error::pwn",
    "%0A::error::pwn",
    "##[error]pwn",
    "a ##[add-path]pwn",
    "###[error]pwn",
    "##vso[task.setvariable variable=a]pwn",
    "##teamcity[buildStop]",
)
MARKUP = (
    "<script>alert(1)</script>",
    "![image](http://x.y/z.png)",
    "[link](javascript:alert)",
    "<https://x.y>",
    "https://x.y and www.x.y",
    "*a* **b** _c_ __d__ ~~e~~ a_b_",
    "# heading ##",
    "`code` ``",
    "a | b",
    "a\\| b\\",
    "&lt;&#60;&copy;",
    "$x^2$",
    '" onload="alert(1)',
    "--- \\input{secret} {} ~",
    "a\n\\input{secret}",
    "[1000pt]",
    "*",
    "% comment",
)
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1", "＝1+1", "a;=1+1")
HOSTILE = (*TERMINAL, *LOG, *MARKUP, *FORMULAS)
HARMLESS = ("Réseau é×漢 2²", "a::b", "C# 100 %", "conv_1", "ResNet-50 (v1.5)", "❤️ e\u0301", "-1")


def unseen(text: str) -> set[str]:
    """The characters of a text that a terminal obeys, or that have no picture; but line ends."""
    return {
        char
        for char in set(text) - {"\n"}
        if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        or char in "\u034f\u115f\u3164\U000e0100"
    }


def obeyed(text: str) -> list[str]:
    """The lines that a CI service takes for commands (actions/runner, ActionCommand.cs)."""
    return [
        line
        for line in text.split("\n")
        if line.strip().startswith("::") or re.search(r"##\w*\[", line)
    ]


def check_printed(text: str) -> None:
    """What no medium may print."""
    text.encode("utf-8")
    assert unseen(text) == set()
    assert obeyed(text) == []


def test_every_character_that_is_unseen_is_escaped() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert unseen(str(convcalc.ConvcalcError([convcalc.Diagnostic("code", every)]))) == set()


# Answers


def network(text: str) -> convcalc.Network:
    """A network that is called by a text, and its preset and its layers too."""
    made = convcalc.loads("name: N\ninput: [3, 8, 8]\nlayers: [conv: {out: 4, k: 3}, relu]")
    nodes = [node._replace(name=f"{text}{i}" if i else text) for i, node in enumerate(made.nodes)]
    return made._replace(name=text, preset=text, nodes=tuple(nodes))


def printed(format: str, *texts: str) -> str:
    analyses = [network(text).analyze() for text in texts]
    return "".join(formats.find(format).render(reports.layers(analyses)))


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
@pytest.mark.parametrize("format", formats.names())
def test_a_format_prints_no_command(format: str, text: str) -> None:
    check_printed(printed(format, text))
    check_printed(printed(format, text, "other"))


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("format", ["table", "csv", "json", "jsonl", "html"])
def test_a_format_leaves_harmless_text_as_it_is(format: str, text: str) -> None:
    assert text in printed(format, text)


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_json_has_the_text_itself(text: str) -> None:
    answer = json.loads(printed("json", text))
    assert (answer["name"], answer["preset"], answer["layers"][0]["name"]) == (text,) * 3


def shown(text: str) -> str:
    """A text as it is shown where nothing but what is unseen is escaped: read of a message."""
    diagnostic = convcalc.Diagnostic("code", f"<{text}>")
    found = str(convcalc.ConvcalcError([diagnostic])).removeprefix("<").removesuffix(">")
    return found.replace("#\\#", "##").strip()


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_a_table_has_a_line_a_row(text: str) -> None:
    assert len(printed("table", text).split("\n")) == len(printed("table", "plain").split("\n"))


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_csv_has_a_line_a_row_and_no_formula(text: str) -> None:
    lines = printed("csv", text, "other").splitlines()
    rows = list(csv.reader(lines))
    assert len(rows) == len(lines) == 5
    assert {len(row) for row in rows} == {len(rows[0])}
    for cell in (cell for row in rows for cell in re.split("[,;]", ",".join(row))):
        assert not re.match(r"\s*[=+\-@＝＋－＠]", cell) or re.fullmatch(r"-\d+", cell)


class Page(HTMLParser):
    """The texts of a page's cells, and its tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = [""]
        self.texts = [""]
        self.attributes: list[list[tuple[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(attrs)
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_html_shows_a_cell_as_it_is(text: str) -> None:
    page, plain = Page(printed("html", text)), Page(printed("html", "plain"))
    assert (page.tags, page.attributes) == (plain.tags, plain.attributes)
    cells = dict(zip(page.tags, map(str.strip, page.texts)))
    assert cells["caption"] == cells["title"] == shown(f"{text} ({text})")
    assert shown(text) in map(str.strip, page.texts)


def words(token: Token) -> str:
    """The text of a piece of Markdown, of which nothing but text is made."""
    assert {child.type for child in token.children or ()} <= {"text", "text_special", "strong_open"}
    return "".join(child.content for child in token.children or ())


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_markdown_shows_a_cell_as_it_is(text: str) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = reader.parse(printed("markdown", text))
    assert [t.type for t in tokens].count("tr_open") == 4
    heading = tokens[[t.type for t in tokens].index("heading_open") + 1]
    assert words(heading) == shown(f"{text} ({text})")
    first = tokens[[t.type for t in tokens].index("td_open") + 1]
    assert words(first) == shown(text)


@pytest.mark.parametrize("text", ["https://x.y", "www.x.y", "a $x$ b"])
def test_markdown_makes_no_link_without_marks_and_no_formula(text: str) -> None:
    assert text not in printed("markdown", text)


LATEX = re.compile(
    r"\\text[a-z]+\{\}|\\[&%$#_{}]|\$(\\times|\\cdot|-|\\[lr](floor|ceil)|\\[lg]e|\^[0-9])\$|\{\}"
)


@pytest.mark.parametrize("text", [*HOSTILE, *HARMLESS])
def test_latex_has_no_command_of_a_text(text: str) -> None:
    lines = printed("latex", text).splitlines()
    inside = lines.index(r"\begin{tabular}{lllrrr}")
    assert all(line.startswith("% ") for line in lines[:inside])
    assert lines[-1] == r"\end{tabular}"
    rows = [line for line in lines[inside + 1 : -1] if not re.fullmatch(r"\\\w+rule", line)]
    assert len(rows) == 4
    for row in rows:
        assert not row.startswith(("[", "*"))
        cells = row.removesuffix(r" \\").split(" & ")
        assert len(cells) == 6
        assert not re.search(r"[\\&%$#_{}~^<>|]", LATEX.sub("", "".join(cells)))


# Mistakes


class Asked(NamedTuple):
    """A command line, and what stands in the file that it reads."""

    arguments: list[str]
    stdin: str = ""


def spec(**keys: object) -> str:
    data = {"name": "N", "input": [3, 8, 8], "layers": ["relu"], **keys}
    return json.dumps(data, ensure_ascii=False)


#: Every place of a command line, or of a spec, that is answered with a mistake that repeats it.
PLACES: dict[str, Callable[[str], Asked]] = {
    "command": lambda text: Asked([text]),
    "file": lambda text: Asked(["analyze", f"{text}.yaml"]),
    "folder": lambda text: Asked(["analyze", f"{text}/a.yaml"]),
    "spec of the zoo": lambda text: Asked(["analyze", text]),
    "option": lambda text: Asked(["analyze", "lenet", f"--{text}"]),
    "option's prefix": lambda text: Asked(["analyze", "lenet", f"--conv{text}"]),
    "preset option": lambda text: Asked(["analyze", "lenet", "--preset", text]),
    "variable option": lambda text: Asked(["analyze", "mobilenet_v1", "--set", f"{text}=1"]),
    "value option": lambda text: Asked(["analyze", "mobilenet_v1", "--set", f"alpha={text}"]),
    "input option": lambda text: Asked(["analyze", "lenet", "--input", text]),
    "batch option": lambda text: Asked(["analyze", "lenet", "--batch", text]),
    "columns": lambda text: Asked(["analyze", "lenet", "--columns", f"name,{text}"]),
    "column to sort by": lambda text: Asked(["analyze", "lenet", "--sort", text]),
    "groups": lambda text: Asked(["analyze", "lenet", "--group-by", text]),
    "convention": lambda text: Asked(["analyze", "lenet", "--convention", text]),
    "type of number": lambda text: Asked(["analyze", "lenet", "--dtype", text]),
    "format": lambda text: Asked(["analyze", "lenet", "--format", text]),
    "limit": lambda text: Asked(["analyze", "lenet", "--limit", f"{text}=1"]),
    "limit's number": lambda text: Asked(["analyze", "lenet", "--limit", f"layers={text}"]),
    "output": lambda text: Asked(["analyze", "lenet", "-o", f"nowhere/{text}"]),
    "figure": lambda text: Asked(["reconcile", "lenet", "--reported", text]),
    "layer type": lambda text: Asked(["layer", text]),
    "layer's option": lambda text: Asked(["layer", "conv", f"--{text}", "1"]),
    "layer's value": lambda text: Asked(["layer", "conv", "--k", text]),
    "layer's input": lambda text: Asked(["layer", "conv", "--in", text]),
    "family": lambda text: Asked(["list", text]),
    "name of a convention": lambda text: Asked(["conventions", text]),
    "shell": lambda text: Asked(["completion", text]),
    "argument too many": lambda text: Asked(["schema", text]),
    "key": lambda text: Asked(["analyze", "-"], spec(**{text: 1})),
    "layer": lambda text: Asked(["analyze", "-"], spec(layers=[text])),
    "call": lambda text: Asked(["analyze", "-"], spec(layers=[{text: {"out": 1}}])),
    "field": lambda text: Asked(["analyze", "-"], spec(layers=[{"conv": {text: 1, "out": 1}}])),
    "word": lambda text: Asked(["analyze", "-"], spec(layers=[{"upsample": {"mode": text}}])),
    "expression": lambda text: Asked(["analyze", "-"], spec(layers=[{"relu": {"when": text}}])),
    "layer's name": lambda text: Asked(["analyze", "-"], spec(layers=[{"relu": {"name": text}}])),
    "tensor": lambda text: Asked(["analyze", "-"], spec(layers=[{"relu": {"from": text}}])),
    "block": lambda text: Asked(["analyze", "-"], spec(blocks={text: {"layers": []}})),
    "input's name": lambda text: Asked(["analyze", "-"], spec(input={text: [1]})),
    "variable": lambda text: Asked(["analyze", "-"], spec(variables={text: 1})),
    "preset's variable": lambda text: Asked(["analyze", "-"], spec(presets={"a": {text: 1}})),
    "preset that is meant": lambda text: Asked(
        ["analyze", "-", "--preset", f"{text}?"], spec(presets={text: {}})
    ),
    "preset that is wrong": lambda text: Asked(
        ["validate", "-"],
        spec(variables={"a": 1}, presets={text: {"a": 0}}, layers=[{"conv": {"out": "a", "k": 1}}]),
    ),
    "text of a variable": lambda text: Asked(
        ["analyze", "-", "--set", "a=1"], spec(variables={"a": text})
    ),
    "merge": lambda text: Asked(
        ["analyze", "-"], spec(layers=[{"branches": {"paths": [[]], "merge": text}}])
    ),
    "tag": lambda text: Asked(
        ["analyze", "-"], "name: !e" + re.sub(r"[^\w:!.-]", percent, text) + " b\n"
    ),
    "alias": lambda text: Asked(["analyze", "-"], f"name: *{text}\n"),
    "source line": lambda text: Asked(["analyze", "-"], f"{text}: [\n{text} {text}"),
    "comment": lambda text: Asked(["analyze", "-"], f"{text.strip()}: rellu # {text}\n"),
}


def percent(found: re.Match[str]) -> str:
    """A character as a tag has it, which is a part of an address."""
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogateescape"))


def asked(run: Run, place: str, text: str, style: str) -> str:
    """What standard error says."""
    arguments, stdin = PLACES[place](text)
    option = "--format" if arguments[0] == "validate" else "--error-format"
    data = stdin.encode("utf-8", "surrogateescape")
    outcome = run(*arguments, f"{option}={style}", stdin=data)
    assert "Traceback" not in outcome.err
    assert outcome.status == 2
    return outcome.err


#: One of each kind: a mistake has one way to be told.
KINDS = (
    *("\x1b[31mred\x1b[0m", "\x9b2J", "gnp\u202egnp.exe", "zero\u200bwidth", "half\udcff"),
    *("sep\u2028arated", "tab\there", "a\n::error::pwn", "::error::pwn", "a ##[error]pwn"),
)


@pytest.mark.parametrize("text", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_a_mistake_is_told_without_a_command(run: Run, place: str, text: str) -> None:
    for style in ("full", "concise"):
        check_printed(asked(run, place, text, style))
    told = asked(run, place, text, "json")
    check_printed(told)
    mistakes = json.loads(told)
    said = asked(run, place, text, "github")
    assert unseen(said) == set()
    assert len(obeyed(said)) == len(said.splitlines()) == len(mistakes)
    assert all(line.startswith("::error ") for line in said.splitlines())


#: Where the text itself is in the message, and a harmless one is a mistake too.
REPEATED = (
    *("command", "file", "preset option", "columns", "convention", "format", "limit", "family"),
    *("key", "call", "field", "variable option"),
)


@pytest.mark.parametrize("text", ["é×漢", "a::b", "C#"])
@pytest.mark.parametrize("style", ["full", "concise", "github", "json"])
@pytest.mark.parametrize("place", REPEATED)
def test_a_mistake_tells_harmless_text_as_it_is(
    run: Run, place: str, style: str, text: str
) -> None:
    assert text in asked(run, place, text, style)


@pytest.mark.parametrize("text", ["é×漢", "a::b", "C#"])
@pytest.mark.parametrize("place", ["comment", "preset that is wrong", "preset that is meant"])
def test_source_and_notes_tell_harmless_text_as_it_is(run: Run, place: str, text: str) -> None:
    assert text in asked(run, place, text, "full")


@pytest.mark.parametrize("text", [text for text in (*TERMINAL, *LOG) if "/" not in text])
def test_a_file_is_named_without_a_command(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / f"{text}.yaml").write_text("name: N\ninput: [3, 8, 8]\nlayers: [rellu]\n")
    for style in ("full", "concise", "json"):
        check_printed(run("analyze", f"{tmp_path}/{text}.yaml", "--error-format", style).err)
        # It is the nearest to one that is not there, and the first in its folder.
        check_printed(run("analyze", f"{tmp_path}/{text}_.yaml", "--error-format", style).err)
        check_printed(run("analyze", str(tmp_path), "--error-format", style).err)


@pytest.mark.parametrize("text", [*TERMINAL, *LOG])
def test_an_exception_can_be_printed(text: str) -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads("name: N\ninput: [4]\nlayers: [relu]", name=text, preset=text)
    check_printed(str(caught.value))
    assert text in caught.value.diagnostics[0].message


def test_the_tag_of_the_log(run: Run) -> None:
    """A tag's escapes are undone by YAML, so that it has a line end."""
    said = run("validate", "-", "--format", "github", stdin=b"name: !e%0A::error::pwn b\n").err
    assert len(said.splitlines()) == 1
    assert r"the tag !e\n::error::pwn is not part of the spec language" in said


@pytest.mark.parametrize("text", ["a\u202eb", "two\nlines", "::error::pwn", "##[error]pwn"])
def test_a_name_in_a_spec_is_printed_by_every_command(run: Run, text: str) -> None:
    data = spec(name=text, presets={text: {}}).encode()
    for command in ("analyze -", "analyze - --group-by kind", "reconcile -"):
        for format in formats.names():
            outcome = run(*command.split(), "--preset", text, "--format", format, stdin=data)
            assert outcome.status == 0
            check_printed(outcome.out)


def test_a_drawn_table_prints_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from convcalc.render.terminal import drawn

    monkeypatch.setenv("COLUMNS", "200")
    for text in (*TERMINAL, *LOG):
        out = "".join(drawn(reports.layers([network(text).analyze()]), color=False))
        check_printed(out)
        assert "Layer" in out
