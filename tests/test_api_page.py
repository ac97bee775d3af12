"""docs/api.md: made from the code, and its examples run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import convcalc
from docs.generate import PAGES

TEXT = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = [
    text for text in re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S) if ">>>" in text
]


def test_the_page_is_made_from_the_code() -> None:
    assert PAGES["api.md"]() == TEXT


def test_it_has_every_public_name() -> None:
    assert {*re.findall(r"^## (\w+)$", TEXT, re.M), "__version__"} == set(convcalc.__all__)


def test_its_examples_say_what_comes_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(EXAMPLES) > 6
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    known = {"convcalc": convcalc}
    for index, text in enumerate(EXAMPLES):
        example = doctest.DocTestParser().get_doctest(text, known, f"example {index}", None, 0)
        runner.run(example, clear_globs=False)
        known = example.globs  # those below may go on with what is above
    assert runner.summarize().failed == 0, capsys.readouterr().out
