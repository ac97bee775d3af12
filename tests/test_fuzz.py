"""Whatever comes in, the answer is a result or a diagnostic, the same one twice."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.conftest import Outcome, run_convcalc

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def answered(outcome: Outcome) -> None:
    """A result on standard output, or diagnostics on standard error."""
    assert outcome.status in (0, 2)
    assert "Traceback" not in outcome.err
    assert "Error:" not in outcome.err
    if outcome.status == 2:
        assert outcome.out == ""
        assert outcome.err.strip()
    else:
        assert outcome.err == ""


def answer(text: bytes) -> None:
    first = run_convcalc("analyze", "-", "--json", stdin=text)
    answered(first)
    assert run_convcalc("analyze", "-", "--json", stdin=text) == first


@few
@given(strategies.noise)
def test_any_bytes(text: bytes) -> None:
    answer(text)


@few
@given(strategies.documents)
def test_documents(text: str) -> None:
    answer(text.encode("utf-8", "surrogatepass"))


@few
@given(strategies.mutants())
def test_mutants(text: str) -> None:
    answer(text.encode("utf-8", "surrogatepass"))


@few
@given(st.one_of(strategies.expressions, strategies.nearly_expressions))
def test_expressions_in_a_spec(expression: str) -> None:
    quoted = expression.replace("'", "''")
    answer(
        f"name: N\nvariables: {{a: 2, b: [1, 2], n: 3, alpha: 0.5, x: '{quoted}'}}\n"
        f"input: [8, 9, 9]\nlayers: [conv: {{out: '{quoted}', k: 1}}, relu: {{when: x}}]".encode()
    )


@few
@given(strategies.command_lines())
def test_command_lines(arguments: list[str]) -> None:
    text = b"name: N\nvariables: {alpha: 1}\ninput: [8, 9, 9]\nlayers: [conv: {out: 8, k: 1}]\n"
    first = run_convcalc(*arguments, stdin=text)
    assert first.status in (0, 2)
    assert first == run_convcalc(*arguments, stdin=text)
    if first.status == 2:
        assert first.out == ""
        assert first.err.strip()


class Watch:
    """What Python opens, starts or connects to, while it is on."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[tuple[str, Any]] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event.startswith(("open", "os.", "shutil.", "subprocess.", "socket.")):
            self.seen.append((event, arguments[0] if arguments else None))


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.on = False


@pytest.mark.parametrize("name", ["residual-channels-differ.ok.yaml", "several-mistakes.yaml"])
def test_nothing_but_the_named_file_is_read(watch: Watch, name: str) -> None:
    spec = str(Path(__file__).parent / "errors" / name)
    # What is imported is read before the watch, and so is the list of installed packages.
    run_convcalc("analyze", spec, "--json")
    watch.seen.clear()
    watch.on = True
    run_convcalc("analyze", spec, "--json")
    watch.on = False
    assert watch.seen == [("open", spec)]
