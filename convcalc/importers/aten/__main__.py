"""The process that imports torch and the user's code, and answers one request."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from convcalc.diagnostics import ConvcalcError


def answer(folder: Path) -> None:
    """Read the request in a folder, and write the answer beside it: a network or a mistake."""
    request = pickle.loads((folder / "request").read_bytes())
    made: Any
    try:
        from convcalc.importers.aten.reading import read

        made = read(*request)
    except ConvcalcError as error:
        made = error
    whole = folder / "whole"
    whole.write_bytes(pickle.dumps(made))
    whole.rename(folder / "answer")


if __name__ == "__main__":
    answer(Path(sys.argv[1]))
