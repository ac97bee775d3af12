"""Writes the pages that are made from the code: `python docs/generate.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from convcalc.render import conventions, layers_page

#: Page to the function that makes its text.
PAGES: dict[str, Callable[[], str]] = {
    "conventions.md": conventions.page,
    "layers.md": layers_page.page,
}


def main() -> None:
    """Write every page beside this file."""
    for name, make in PAGES.items():
        (Path(__file__).parent / name).write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
