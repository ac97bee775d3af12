"""Networks as trees on a screen: as wide as that, what is alike once, and nothing left out."""

from __future__ import annotations

import pytest

import convcalc
from convcalc import zoo
from convcalc.render.analysis import layers
from convcalc.render.tree import branches, lines_of
from tests.networks import a_network_each, network

NETWORKS = [each["name"] for each in zoo.index()]


@pytest.mark.parametrize("name", a_network_each(NETWORKS))
def test_a_network_is_as_wide_as_the_screen(name: str) -> None:
    (fitted,) = layers([network(name).analyze()]).fitted or ()
    for columns in (60, 80, 120, 200):
        # On 60 columns frozen parameters have a table of their own.
        tables = fitted(columns, 24)
        assert all(table.width() <= columns for table in tables)
        if columns >= 80:
            (table,) = tables
            assert not any("…" in cell for row in table.rows() for cell in row)


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet152", "unet", "densenet121", "lenet"])
@pytest.mark.parametrize("deepest", [0, 1, 2, 9])
def test_the_lines_of_closed_blocks_and_layers_sum_to_the_totals(name: str, deepest: int) -> None:
    analysis = convcalc.load(name).analyze()
    found = [
        (line.times, line.branch.row)
        for line in lines_of(branches(analysis.rows), 0, deepest)
        if not line.is_open
    ]
    for figure in ("layers", "params", "macs", "flops", "activations"):
        total = sum(times * row.figures[figure] for times, row in found)
        assert total == analysis.totals[figure]


def test_a_long_network_is_a_screen() -> None:
    (fitted,) = layers([convcalc.load("resnet152").analyze()]).fitted or ()
    (table,) = fitted(80, 24)
    labels = [row[0] for row in table.rows()]
    assert len(labels) <= 40
    assert "  bottleneck_block_2 ×35" in labels


def test_every_convention_is_in_tables_below_each_other() -> None:
    analysis = convcalc.load("lenet").analyze("all")
    (fitted,) = layers([analysis]).fitted or ()
    tables = fitted(80, 24)
    assert all(table.width() <= 80 for table in tables)
    assert {*analysis.counts} - {"macs"} <= {title for table in tables for title in table.header}
    assert [bool(table.legend) for table in tables] == [*[False] * (len(tables) - 1), True]


def test_folded_blocks_and_shortened_numbers_are_explained_where_they_are() -> None:
    report = layers([convcalc.load("resnet152").analyze()])
    ((narrow,), (wide,)) = [
        fit(columns, 24) for fit in report.fitted or () for columns in (60, 200)
    ]
    for table in (narrow, wide):
        assert any("sums of its layers" in line for line in table.legend)
    short = "k is 1,000; a wider screen or fewer --columns have the numbers in full."
    assert (short in narrow.legend, short in wide.legend) == (True, False)
    (fitted,) = layers([convcalc.load("resnet152").analyze()], si=True).fitted or ()
    assert all(short not in table.legend for table in fitted(60, 24))
