"""A long answer is never in memory as text, and is no longer than what it says."""

from __future__ import annotations

import tracemalloc

import pytest
from rich.cells import cell_len

import convcalc
from convcalc.render import analysis as reports
from convcalc.render import formats
from convcalc.render.report import Report
from tests.conftest import Run

LAYERS = 1_000


def deep(layers: str) -> str:
    """A spec with layers in 60 blocks of long names: no name becomes longer."""
    blocks = [f"{'b' * 58}{number:02}" for number in range(60)]
    inside = [f"{block}: {{}}" for block in blocks[1:]] + [layers]
    lines = [f"  {block}: {{layers: [{each}]}}" for block, each in zip(blocks, inside)]
    return "\n".join(["name: N", "input: [8]", "blocks:", *lines, f"layers: [{blocks[0]}: {{}}"])


MANY = f"repeat: {{times: {LAYERS}, layers: [relu]}}"


@pytest.fixture(scope="module")
def report() -> Report:
    return reports.layers([convcalc.loads(deep(MANY) + "]").analyze()])


@pytest.mark.parametrize("format", formats.names())
def test_a_format_prints_piece_by_piece(report: Report, format: str) -> None:
    render = formats.find(format).render
    next(iter(render(report)))  # what is imported and worked out once
    tracemalloc.start()
    try:
        size = sum(map(len, render(report)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 3_600 * LAYERS
    assert peak < size // 10


def test_one_long_name_does_not_widen_every_row(run: Run) -> None:
    lines = run("analyze", "-", stdin=f"{deep('relu')}, {MANY}]".encode()).out.splitlines()
    lengths = [len(line) for line in lines if "relu" in line]
    assert lengths[0] > 3_600
    assert len(lengths) == LAYERS + 1
    assert set(lengths[1:]) == {len(lines[3])} == {len(lines[2])}
    assert len(lines[3]) < 300


def test_columns_are_as_wide_as_their_cells() -> None:
    """Measured as rich measures, in columns of a terminal."""
    made = convcalc.loads("name: N\ninput: [8]\nlayers: [relu, relu, relu, relu]")
    names = ("a", "漢字漢字", "n" * 150, "e\u0301")
    nodes = tuple(node._replace(name=name) for node, name in zip(made.nodes, names))
    analysis = made._replace(nodes=nodes).analyze()
    lines = "".join(formats.find("table").render(reports.layers([analysis]))).splitlines()
    for name, line in zip(names, lines[4:8]):
        assert line.startswith(f"{name}{' ' * (150 - cell_len(name))}  relu")
    assert {cell_len(line) for line in lines[2:8]} == {len(lines[3])}
