"""What README and the pages of docs/ show is what the program does.

`UPDATE_DOCS=1 pytest tests/test_docs.py` writes the outputs in them anew; the difference is for
review. `pages.py` says how a page is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from convcalc import layers
from convcalc.language.limits import DEFAULT
from tests.conftest import Run
from tests.pages import Reader, missing_tools, snippets

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TRANSLATED = sorted((ROOT / "docs" / "zh").glob("*.md"))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Someone with a terminal of 80 columns, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"COLUMNS": "80", "LINES": "40", "TERM": "xterm", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    monkeypatch.setattr("convcalc.cli.progress.PATIENCE", 1e6)  # no bar, however slow it is
    before = set(layers.TYPES)
    yield Reader(tmp_path)
    for added in layers.TYPES.keys() - before:
        del layers.TYPES[added]
    layers.find.cache_clear()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_shows_what_is_printed(reader: Reader, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if missing := missing_tools(text):
        pytest.skip(f"there is no {', '.join(missing)}")
    rewritten = reader.rewritten(text)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(rewritten, encoding="utf-8")
    else:
        shown, printed = text.splitlines(), rewritten.splitlines()
        difference = "\n".join(unified_diff(shown, printed, "shown", "printed", lineterm=""))
        assert not difference, f"UPDATE_DOCS=1 writes it anew:\n{difference}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\((?!\w+:)([^)#]*)#?([^)]*)\)", prose(page)):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        assert not heading or heading in anchors(linked), f"{target}#{heading}"


@pytest.mark.parametrize("page", TRANSLATED, ids=name_of)
def test_a_translation_has_the_same_snippets(page: Path) -> None:
    original = page.parents[1] / page.name
    assert snippets(page.read_text(encoding="utf-8")) == snippets(
        original.read_text(encoding="utf-8")
    )


def test_own_network_costs_what_a_hand_count_says(reader: Reader, run: Run) -> None:
    """The spec of README, counted by hand."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (spec,) = (body for kind, body in snippets(readme) if body.startswith("# mine.yaml"))
    reader.yaml(spec)
    convolutions = 3 * 32 * 9 + 2 * 32 * 32 * 9
    totals = run("analyze", "mine.yaml", "--json").json["totals"]
    assert totals["params"] == convolutions + 3 * 64 + 32 * 10 + 10


def test_the_limits_are_those_of_the_program() -> None:
    page = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", page, re.MULTILINE)
    assert {name: int(text.replace(",", "")) for name, text in rows} == DEFAULT._asdict()


def test_the_list_of_pages_is_whole() -> None:
    listed = re.findall(r"\]\(([^)]+\.md)\)", (ROOT / "docs" / "README.md").read_text("utf-8"))
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]}
    assert {*listed, "README.md"} == pages


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The names that headings of a page have in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
