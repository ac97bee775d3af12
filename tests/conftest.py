"""What the tests share: the command line as a function."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from convcalc.cli import main

# Programs that tests start keep their bytecode, as a user's do: compiling is half of a short run.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says how busy the machine is; benchmarks/ measures speed.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


class Outcome(NamedTuple):
    """What a run of the command line ended with."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Outcome]


class _Input(io.TextIOWrapper):
    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8")


def run_convcalc(*args: str, stdin: bytes = b"") -> Outcome:
    """Run the command line in this process, with streams that are no terminal."""
    out, err = io.StringIO(), io.StringIO()
    status: Any = None
    before, sys.stdin = sys.stdin, _Input(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(list(args))
            except SystemExit as end:
                status = end.code
    finally:
        sys.stdin = before
    return Outcome(int(status or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def run() -> Run:
    return run_convcalc
