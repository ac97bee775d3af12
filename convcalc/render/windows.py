"""The windows that take one size to another, as a report: a row a solution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from convcalc import layers
from convcalc.render.report import Records, Report, Table
from convcalc.search.windows import LayerSolution, LayerSolutions
from convcalc.words import counted, sizes

FORMAT = "convcalc.solution/1"


def report(
    solved: LayerSolutions, top: int | None, rows: int, code: Callable[[str], str] = lambda line: ""
) -> Report:
    """The first `top` solutions, or all; of these a table has `rows` at the most.

    `code` makes the code of a model of a line of a spec, or nothing.
    """
    shown = solved._replace(solutions=solved.solutions[:top])

    def objects() -> list[dict[str, Any]]:
        found: dict[str, Any] = {"format": FORMAT, "type": solved.type}
        found |= {"searched": dict(solved.searched)}
        found["solutions"] = [_as_json(each, solved) for each in shown.solutions]
        if not solved.solutions:
            found["nearest"] = [_as_json(each, solved, True) for each in solved.nearest]
        return [found]

    def lines() -> Iterator[Mapping[str, Any]]:
        return (_as_json(each, solved) for each in shown.solutions)

    def records() -> Records:
        each = ([_flat(value) for value in line.values()] for line in lines())
        return Records(_header(solved), each)

    return Report(objects, lines, records, lambda: [_table(solved, top or rows, code)])


def _header(solved: LayerSolutions, both: bool = False) -> list[str]:
    """The names of what a solution has: its fields; the sizes, where several are searched."""
    found = [name for name in solved.searched if name not in ("in", "out_size")]
    return found + [name for name in ("in", "out_size") if both or name in solved.open]


def _as_json(solution: LayerSolution, solved: LayerSolutions, both: bool = False) -> dict[str, Any]:
    """A solution by the short names of its fields; the sizes with it, where they are open."""
    shorts = {layers.short_name(name) or name: value for name, value in solution.fields.items()}
    found = {**shorts, "in": _one(solution.input), "out_size": _one(solution.output)}
    return {name: _listed(found[name]) for name in _header(solved, both)}


def _one(size: tuple[int, ...]) -> Any:
    """Sizes as one number where they are equal."""
    return size[0] if len({*size}) == 1 else size


def _listed(value: Any) -> Any:
    return [_listed(each) for each in value] if isinstance(value, (list, tuple)) else value


def _flat(value: Any) -> Any:
    return sizes(value) if isinstance(value, list) else value


def _table(solved: LayerSolutions, rows: int, code: Callable[[str], str]) -> Table:
    """A row a solution; below, the first as lines to copy, and what was searched."""
    found, header = solved.solutions, _header(solved, not solved.solutions)
    legend = [_headline(solved)]
    if len(found) > rows:
        legend.append(f"The first {rows:,} are shown; --top {len(found)} prints all.")
    if found:
        line = _line(found[0], solved)
        legend.append(f"In a spec:   - {line}")
        if module := code(line):
            legend.append(f"In PyTorch:  {module}")
    if not found and solved.are_apart:
        each = (
            "each axis alone may have some: --dims 1, and one number for each of --in, --out-size"
        )
        legend.append(f"No window does it on all axes; {each}.")
    tried = (f"{name} {text}" for name, text in solved.searched.items())
    legend.append(f"Searched:    {'; '.join(tried)}")
    shown = found[:rows] if found else solved.nearest
    values = [_as_json(each, solved, not found).values() for each in shown]
    cells = [tuple(str(_flat(value)) for value in each) for each in values]
    numeric = tuple(True for _ in header)
    return Table("", tuple(header), numeric, lambda: cells, legend=tuple(legend))


def _headline(solved: LayerSolutions) -> str:
    """What was found, in a sentence."""
    wanted = solved.searched["out_size"]
    is_open = "in" in solved.open
    does = f"make {wanted}" if is_open else f"take {solved.searched['in']} to {wanted}"
    if solved.solutions:
        count = counted(len(solved.solutions), "input" if is_open else "window")
        does = does if len(solved.solutions) > 1 else does.replace("e ", "es ", 1)
        return f"{count} of {solved.type} {does}."
    return f"No {solved.type} {does.replace('e ', 'es ', 1)}" + (
        "; these come nearest." if solved.nearest else "."
    )


def _line(solution: LayerSolution, solved: LayerSolutions) -> str:
    """A solution as a spec has it, with what else was given; defaults are left out."""
    said = []
    for field in layers.fields_of(layers.find(solved.type)):
        value = {**solved.given, **solution.fields}.get(field.name)
        if value is None and field.required:
            value = OPEN.get(field.name, field.name.upper())
        if value is None or not (field.required or field.kind.parse(value) != field.default):
            continue
        text = str(value).lower() if isinstance(value, bool) else str(_listed(value))
        said.append(f"{field.short or field.name}: {text}")
    return f"{solved.type}: {{{', '.join(said)}}}"


#: What stands for a field that is not given.
OPEN: Mapping[str, str] = {"out_channels": "C_out"}
