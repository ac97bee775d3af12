"""Diagnostics as data and as text: lines, carets, what they cost, copies."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
import random
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import convcalc
from convcalc.arithmetic import Refusal
from convcalc.cli import main
from convcalc.diagnostics import Diagnostic, Mark, Source, render
from convcalc.expressions import ExpressionError, parse
from convcalc.render.wrapping import wrapped
from convcalc.visible import visible, width
from tests.conftest import run_convcalc

LINE_END = "\r\n|[\n\r\x85\u2028\u2029]"  # YAML 1.1, 5.4


def shown(text: str, mark: Mark) -> tuple[str, str]:
    """A source line and the line of carets below it, as `full` has them."""
    (said,) = render([Diagnostic("code", "message", Source("f", text), mark)], "full")
    _, _, _, source, carets, *_ = said.split("\n")
    return source, carets


# Lines


@pytest.mark.parametrize("seed", range(20))
def test_a_line_is_what_stands_between_two_ends(seed: int) -> None:
    chosen = random.Random(seed)
    pieces = ["a", "é漢", "\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x1c"]
    text = "".join(chosen.choices(pieces, k=chosen.choice([0, 1, 9, 70_000])))
    lines = re.split(LINE_END, text)
    source = Source("f", text)
    for number in {1, 2, len(lines), *(chosen.randint(1, len(lines)) for _ in range(50))}:
        assert source.line(number) == (lines[number - 1] if number <= len(lines) else "")
    assert source.line(len(lines) + 1) == source.line(len(lines) + 10**6) == ""


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028"])
@pytest.mark.parametrize("before", [2**14 - 2, 2**14 - 1, 2**14, 2**15 - 1])
def test_a_line_may_end_anywhere(end: str, before: int) -> None:
    source = Source("f", "a" * before + end + "b" + end + end + "c")
    assert [source.line(number)[-1:] for number in range(1, 6)] == ["a", "b", "", "c", ""]


def used(function: Callable[[], Any]) -> float:
    """The seconds of processor time that it takes."""
    start = time.process_time()
    function()
    return time.process_time() - start


@pytest.mark.parametrize(
    ("line", "times"), [("- relu\n", 2_200_000), ("\r\n", 8_000_000), ("x" * 16_000_000, 1)]
)
def test_a_text_is_not_gone_through_for_each_mistake(line: str, times: int) -> None:
    """16 MB and 20 mistakes took 13 seconds, and 23 where they are in one line."""
    source = Source("f", line * times)
    length = len(line) * 19 // 20
    found = [
        Diagnostic("code", "message", source, Mark(times * i // 20 or 1, length * i // 20 or 1))
        for i in range(1, 21)
    ]
    assert used(lambda: list(render(found, "full"))) < 2


# Carets


@pytest.mark.parametrize(
    ("before", "marked", "after"),
    [
        ("- ", "rellu", ""),
        ("漢字: ", "rellu", " # 漢"),
        ("- ", "漢字", ": 1"),
        ("e\u0301a\u0308: ", "rellu", ""),
        ("- ", "re\u0301llu", " x"),
        ("ｆｕｌｌ: ", "ﾊﾝ", ""),
        ("\t- ", "rellu", ""),
        ("a\tb\t", "\t", "c"),
        ("\u202e\x1b- ", "rellu", "\u202c"),
        ("- ", "\u202erellu", ""),
        ("👍 ❤: ", "rellu", ""),
    ],
)
def test_carets_are_under_what_is_marked(before: str, marked: str, after: str) -> None:
    """Measured as rich measures, in columns of a terminal."""
    source, carets = shown(before + marked + after, Mark(1, len(before) + 1, len(marked)))
    upto, through = (shown(text + "|", Mark(1, 1))[0][:-1] for text in (before, before + marked))
    assert source.startswith(through)
    assert carets == " " * 2 + "|" + " " * (cell_len(upto) - 3) + "^" * (
        cell_len(through) - cell_len(upto)
    )


@pytest.mark.parametrize("around", ["漢", "\t", "e\u0301", "\u202e"])
def test_carets_are_right_where_a_line_is_cut(around: str) -> None:
    source, carets = shown(around * 90 + "rellu" + around * 90, Mark(1, 90 * len(around) + 1, 5))
    assert source.count("…") == 2
    assert carets.index("^") == cell_len(source[: source.index("rellu")])
    assert carets.count("^") == 5


def test_a_long_line_is_shown_around_its_mark() -> None:
    source, carets = shown("a" * 1000 + "bc" + "d" * 1000, Mark(1, 1001, 2))
    assert source == "1 | …" + "a" * 50 + "bc" + "d" * 48 + "…"
    assert carets.split() == ["|", "^^"]
    assert source[carets.index("^") :][:2] == "bc"


def test_a_mark_behind_the_end_of_its_line_has_a_caret() -> None:
    assert shown("ab\ncd", Mark(1, 9, 3)) == ("1 | ab", "  |   ^")


# Copies


def same(error: convcalc.ConvcalcError, other: convcalc.ConvcalcError) -> bool:
    def parts(each: convcalc.ConvcalcError) -> tuple[Any, ...]:
        return type(each), each.diagnostics, each.more, str(each), each.args

    return parts(error) == parts(other)


def raised(text: str) -> convcalc.ConvcalcError:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads(text, name="a.yaml")
    return caught.value


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
@pytest.mark.parametrize(
    "text", ["name: N", "- [", "name: N\ninput: [4]\nlayers: [" + "rellu, " * 30 + "]"]
)
def test_an_error_survives_copies(copied: Callable[[Any], Any], text: str) -> None:
    error = raised(text)
    list(render(error.diagnostics, "full"))  # which looks for the lines
    other = copied(error)
    assert same(error, other)
    assert list(render(other.diagnostics, "full")) == list(render(error.diagnostics, "full"))


def test_a_note_on_an_error_survives_pickle() -> None:
    error = raised("name: N")
    error.asked_by = "somebody"  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(error)).asked_by == "somebody"


def test_a_pickled_source_is_as_long_as_its_text() -> None:
    source = Source("f", "a\n" * 10_000)
    source.line(9_000)
    assert len(pickle.dumps(source)) < 21_000
    assert pickle.loads(pickle.dumps(source)) == source
    assert hash(source) == hash(copy.deepcopy(source))


def test_an_error_comes_back_from_another_process() -> None:
    """One that cannot be unpickled leaves a pool waiting for ever."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(convcalc.ConvcalcError) as caught:
            pool.apply_async(convcalc.load, ("nowhere.yaml",)).get(timeout=60)
        with pytest.raises(convcalc.ConvcalcError) as here:
            convcalc.load("nowhere.yaml")
        assert same(caught.value, here.value)
        assert pool.apply_async(abs, (-1,)).get(timeout=60) == 1


def test_other_errors_survive_copies() -> None:
    with pytest.raises(ExpressionError) as expression:
        parse("1 + nmae").evaluate({"name": 1})
    refusal = Refusal("must be 1", code="bad", field="k", label="here", help="write 1")
    for error in (expression.value, refusal):
        for other in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            assert type(other) is type(error)
            assert str(other) == str(error)
            assert vars(other) == vars(error)


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_sentences_are_broken_between_words_on_a_screen(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    lines = b"conv: {out: 32, k: 3}, linear: {out: 10}"
    spec = b"name: x\ninput: [3, 64, 64]\nlayers: [" + lines + b"]  # " + b"long " * 40 + b"\n"
    whole = run_convcalc("analyze", "-", stdin=spec).err
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = _Screen()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(spec), encoding="utf-8"))
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(SystemExit):
        main(["analyze", "-"])
    text = screen.getvalue()
    # The same words; the line of the file stays whole.
    assert text.split() == whole.split()
    for line in text.splitlines():
        assert len(line) <= columns or line.startswith(("3 |", "  |"))


@given(st.text(max_size=200), st.integers(30, 90), st.integers(0, 200), st.booleans())
def test_wrapping_ends_at_any_indent(text: str, columns: int, hang: int, prose: bool) -> None:
    lines = list(wrapped(text, columns, hang, prose))
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(lines).split()) == "".join(visible(text).split())
