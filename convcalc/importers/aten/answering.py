"""The process that imports torch and the user's code, and answers one request."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from convcalc.diagnostics import ConvcalcError


def answer(path: str) -> None:
    """Read the request in a folder, and write the answer beside it: a network or a mistake."""
    folder = Path(path)
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
