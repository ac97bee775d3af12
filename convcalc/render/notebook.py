"""Results as a notebook shows them: HTML without a page around it, a script or a style sheet.

What style there is stands in the elements, in words that a notebook's sanitizer lets pass; without
it the text reads on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from convcalc.graph import Graph
from convcalc.render.formats.html import escaped, fragment
from convcalc.render.report import Table
from convcalc.visible import visible, width
from convcalc.words import shortened

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.explain import Explanation
    from convcalc.render.tree import Line

#: Lines of a tree, and rows of a table: more is not read, and makes a notebook slow.
MOST = 1000
#: What a network's own tree has; an analysis has more.
_OF_LAYERS = ("output_shape", "params")
#: Letters that the names of layers and a cell may take.
_LONGEST, _WIDEST = 48, 40
#: The width of a letter and of a level, in `em`.
_LETTER, _LEVEL = 0.62, 1.25
#: Formulas of a layer of so many parts are open at first.
_FEW_PARTS = 4
#: How many variables of a network are told.
_MOST_VARIABLES = 20


def of_analysis(analysis: Analysis) -> str:
    """The figures of every layer, block by block, each of which folds."""
    from convcalc.render.analysis import outline
    from convcalc.render.columns import TABLE

    keys = [key for key in TABLE if key not in ("name", "type")]
    return "".join(_tree(*outline(analysis, keys, MOST)))


def of_network(graph: Graph, analysis: Analysis) -> str:
    """The layers with the shapes that leave them, block by block; variables and source below."""
    from convcalc.render.analysis import outline

    table, lines, opened = outline(analysis, _OF_LAYERS, MOST)
    inputs = ", ".join(f"{name} {shape}" for name, shape in islice(graph.inputs.items(), MOST))
    legend = [f"inputs: {inputs}" if len(graph.inputs) > 1 else inputs]
    if graph.variables:
        shown = [f"{name} = {value}" for name, value in graph.variables.items()]
        more = ["…"] if len(shown) > _MOST_VARIABLES else []
        legend.append(f"variables: {', '.join([*shown[:_MOST_VARIABLES], *more])}")
    if graph.source:
        legend.append(f"source: {graph.source}")
    return "".join(_tree(table._replace(legend=tuple(legend)), lines, opened))


def of_explanation(explanation: Explanation) -> str:
    """What the layer costs, and each figure's formula."""
    from convcalc.render.explanation import answers, heading, report

    (formulas,) = report(explanation).tables()
    cells = [
        f'<tr><th style="text-align: left">{escaped(name)}</th>'
        f'<td style="text-align: left">{escaped(shortened(text, MOST))}</td></tr>\n'
        for name, text in answers(explanation)
    ]
    is_open = len(explanation.parts) <= _FEW_PARTS
    return (
        f"<div><b>{escaped(heading(explanation))}</b></div>\n"
        f"<table><tbody>\n{''.join(cells)}</tbody></table>\n"
        f"<details{' open' if is_open else ''}><summary>Formulas</summary>\n"
        f"{_flat(formulas)}</details>\n"
    )


def of_networks(networks: Sequence[Mapping[str, Any]]) -> str:
    """A row a network."""
    from convcalc.render.networks import report

    (table,) = report(networks).tables()
    return _flat(table)


def _flat(table: Table) -> str:
    """A table without its title, as many rows of it as are read, and its legend below."""
    rows = list(islice(table.rows(), MOST + 1))
    note = (f"The first {MOST:,} rows are shown.",) if len(rows) > MOST else ()
    drawn = fragment(table._replace(title="", rows=lambda: rows[:MOST], legend=()))
    return drawn + _legend((*note, *table.legend))


def _legend(lines: Iterable[str]) -> str:
    return "".join(f"<div>{escaped(shortened(line, MOST))}</div>\n" for line in lines)


def _tree(table: Table, lines: Sequence[Line], opened: int) -> Iterator[str]:
    """A table whose rows are a tree: a block is what opens and closes; `opened` levels are open."""
    rows = list(islice(table.rows(), MOST))
    cell = _cells(table, rows, lines)
    yield '<div style="overflow-x: auto">\n'
    yield f"<div><b>{escaped(table.title)}</b></div>\n"
    yield _line(f"<b>{cell(table.header, 0)}</b>")
    around: list[int] = []
    for line, row in zip(lines, rows):
        while around and around[-1] >= line.depth:
            yield _CLOSING
            around.pop()
        text = cell(row, line.depth)
        if line.is_open:
            yield _opening(text, line.depth < opened)
            around.append(line.depth)
        else:
            yield _line(text)
    yield _CLOSING * len(around)
    yield _line(f"<b>{cell(table.totals, 0)}</b>")
    yield "</div>\n"
    legend = list(table.legend)
    if len(lines) > MOST:
        legend.insert(0, f"{len(lines) - MOST:,} more lines: `analysis.rows` has every layer.")
    elif any(line.branch.inside and not line.is_open for line in lines):
        legend.insert(0, "Deeper blocks are left folded: `analysis.rows` has every layer.")
    yield _legend(legend)


def _cells(
    table: Table, rows: Sequence[tuple[str, ...]], lines: Sequence[Line]
) -> Callable[[tuple[str, ...], int], str]:
    """How a row is drawn whose name stands so many levels deep: columns of one width each."""
    letters = [0] * len(table.header)
    depths = chain([0, 0], (line.depth for line in lines))
    for depth, cells in zip(depths, chain([table.header, table.totals], rows)):
        sizes = [width(visible(text)) for text in cells]
        sizes[0] = min(sizes[0], _LONGEST) + round(depth * _LEVEL / _LETTER)
        letters = [min(max(pair), _WIDEST * 2) for pair in zip(letters, sizes)]

    def draw(cells: tuple[str, ...], depth: int) -> str:
        drawn = []
        for index, (text, size, numeric) in enumerate(zip(cells, letters, table.numeric)):
            wide = size * _LETTER + 1 - (0 if index else depth * _LEVEL)
            side = "right" if numeric else "left"
            shown = shortened(text, _WIDEST if index else _LONGEST)
            told = f' title="{escaped(shortened(text, MOST))}"' if shown != text else ""
            drawn.append(
                f'<span style="{_CELL}; width: {wide:.2f}em; text-align: {side}"{told}>'
                f"{escaped(shown)}</span>"
            )
        return " ".join(drawn)

    return draw


_CELL = "display: inline-block; vertical-align: bottom"


def _line(text: str) -> str:
    """A line that is no block, its text where a block's is."""
    return f'<div style="white-space: nowrap; margin-left: {_LEVEL}em">{text}</div>\n'


def _opening(text: str, is_open: bool) -> str:
    """The line of a block, and the beginning of what is in it."""
    return (
        f"<details{' open' if is_open else ''}>"
        '<summary style="white-space: nowrap; list-style-position: outside;'
        f' margin-left: {_LEVEL}em">{text}</summary>\n'
        f'<div style="margin-left: {_LEVEL}em">\n'
    )


_CLOSING = "</div></details>\n"
