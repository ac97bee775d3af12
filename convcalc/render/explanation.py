"""An explained layer as text: each figure, its formula in names, and with the numbers in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from convcalc.arithmetic import value_of
from convcalc.costs import FIGURES
from convcalc.explain import Explanation, Formulas, Padded, Part, Standard, as_number
from convcalc.layers import fields_of, find
from convcalc.render.report import Report, Table, records_of
from convcalc.render.wrapping import screen_width, wrapped
from convcalc.visible import visible, width
from convcalc.words import PARTIAL, as_mathematics, counted, grouped, listed, short


def report(explanation: Explanation, si: bool = False) -> Report:
    """An explained layer: an object, a row a figure, or the derivations as text."""
    return Report(
        lambda: [explanation.to_dict()],
        lambda: _objects(explanation),
        lambda: records_of(_objects(explanation)),
        lambda: [_table(explanation, si)],
        lambda: _text(explanation, short if si else grouped, screen_width()),
    )


def heading(e: Explanation) -> str:
    """What is explained: a layer with its fields, or a block; in a network, its name there."""
    name = f"{e.position.network} {e.whole.name}: " if e.position is not None else ""
    return f"{name}{_title(e)}"


def answers(e: Explanation) -> Iterator[tuple[str, str]]:
    """What enters and leaves the layer and what it costs: a name and a text each."""
    return _answers(e, grouped)


#: How a number is written.
_Number = Callable[[int], str]


def _text(e: Explanation, number: _Number, columns: int) -> Iterator[str]:
    """The answer first, then how it came about."""
    if e.position is not None:
        yield from wrapped(f"{e.position.network} {e.whole.name}", columns, 2)
    yield from wrapped(_title(e), columns, 2)
    yield ""
    yield from _entries(_answers(e, number), columns)
    yield ""
    if e.whole.depth is None:
        (part,) = e.parts
        for name, steps in _derived(part, e):
            yield from _derivation(name, steps, columns)
        yield ""
    else:
        yield from _apart(e, number, columns)
    symbols = {**e.symbols, **e.meanings}
    if symbols:
        yield from _entries(symbols.items(), columns, prose=True)
        yield ""
    for line in _notes(e):
        yield from wrapped(line, columns, 2, prose=True)


def _answers(e: Explanation, number: _Number) -> Iterator[tuple[str, str]]:
    """Where the layer stands, what enters and leaves it, and its figures."""
    if e.position is not None:
        first, layers = e.position.first, e.position.layers
        last = first + len(e.whole.nodes) - 1
        which = f"layer {first:,}" if first == last else f"layers {first:,} to {last:,}"
        around = e.whole.groups if e.whole.depth is None else e.whole.groups[:-1]
        within = f", in {'.'.join(group.name for group in around)}" if around else ""
        yield "place", f"{which} of {layers:,}{within}"
        for index, (name, shape) in enumerate(zip(e.whole.inputs, e.inputs)):
            yield "" if index else "input", f"{name} {_shape(shape)}"
    else:
        yield "input", ", ".join(_shape(shape) for shape in e.inputs) or "none"
    yield "output", ", ".join(_shape(shape) for shape in e.outputs)
    if e.whole.is_borrowing:
        yield "weights", f"those of {_lenders(e)}, counted there"
    if e.whole.depth is None and (pads := e.parts[0].pads):
        yield "padding", f"{e.whole.config['padding']}: {_padding(pads)}"
    terms = e.parts[0].terms if e.whole.depth is None else ()
    for key, figure in e.figures.items():
        if key == "flops" and figure.value is None and terms:
            figure = terms[-1]
        if figure.value != 0 or not (key in _SELDOM or FIGURES[key].rare):
            yield _title_of(key, e), _result(figure, number) + _mark(key, e)


def _mark(key: str, e: Explanation) -> str:
    """What stands behind a figure of several layers that lacks some of unknown cost."""
    return PARTIAL if FIGURES[key].costs and e.whole.figures.are_partial else ""


def _lenders(e: Explanation) -> str:
    """The layers, or the block, whose weights are used."""
    owners = dict.fromkeys(node.weights_of or "" for node in e.whole.nodes if node.placed.borrowing)
    return e.whole.weights_of or _few([*owners])


#: Figures that are 0 for most layers, which then say nothing of them.
_SELDOM = ("buffers", "unknown")


def _padding(pads: Sequence[Padded]) -> str:
    """What a rule adds at either end of each axis."""
    ends = [
        f"{each.total.closed} in all"
        if each.before is None
        else f"{each.before} before, {each.after} after"
        for each in pads
    ]
    if len(set(ends)) == 1:
        return ends[0]
    return "; ".join(f"{each.total.name[-1]} {end}" for each, end in zip(pads, ends))


def _apart(e: Explanation, number: _Number, columns: int) -> Iterator[str]:
    """Part by part: a table of them, how each comes about, their sum, and what it replaces."""
    known = [part for part in e.parts if not part.row.unknown]
    if all(part.figures[key].value is not None for part in known for key in ("params", "macs")):
        yield from _parts_table(e, number, columns)
    alike: dict[tuple[str, tuple[str, ...]], list[Part]] = {}
    for part in e.parts:
        derived = _derived(part, e)
        lines = [each for of in derived for each in _derivation(*of, columns, short=True)]
        described = _described(part.row.type, part.row.config)
        alike.setdefault((described, tuple(lines)), []).append(part)
    for (described, derivations), parts in alike.items():
        names = [_own_name(part, e) for part in parts]
        title = described if names == [parts[0].row.type] else f"{_few(names)} ({described})"
        yield from wrapped(title, columns, 2)
        yield from derivations
        yield ""
    if e.position is None:
        yield "sum"
        for key, figure in e.figures.items():
            if figure.names not in _NOTHING:
                steps = _steps(figure)
                amounts = [part.figures[key].value for part in e.parts]
                if None not in amounts:
                    steps.insert(-1, " + ".join(str(amount) for amount in amounts if amount))
                yield from _derivation(_title_of(key, e), steps, columns, short=True)
        yield ""
    if e.standard is not None:
        yield from _compared(e.standard, e, columns)


def _few(names: list[str]) -> str:
    """The names of layers that cost the same."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {counted(more, 'other')}" if more > 0 else "")


#: Equal layers that are named.
_MOST_NAMES = 3


def _compared(standard: Standard, e: Explanation, columns: int) -> Iterator[str]:
    """The layer that a composite one stands in for, and the ratio to it."""
    placed = standard.placed
    yield from wrapped(f"standard: {_described(placed.type, placed.config)}", columns, 2)
    for key, figure in standard.figures.items():
        yield from _derivation(_title_of(key, e), _steps(figure), columns, short=True)
    yield ""
    yield "ratio to the standard"
    for key, ratio in standard.ratios.items():
        steps = [ratio.names, ratio.numbers]
        own, other = e.figures[key].value, standard.figures[key].value
        if own is not None and other is not None:
            steps.insert(0, f"{own}/{other}")
        if ratio.value is not None:
            steps.append(f"{_decimal(ratio.value)}{_times(ratio.value)}")
        yield from _derivation(_title_of(key, e), steps, columns, short=True)
    yield ""


def _decimal(ratio: Any) -> str:
    """A ratio to three digits; one that is rounded says so."""
    from fractions import Fraction  # which hardly a figure is

    text = f"{float(ratio):.3g}" if ratio < 1000 else str(round(ratio))
    return _separated(text if Fraction(text) == ratio else f"{_ABOUT}{text}")


#: What stands before a number that is rounded.
_ABOUT = "≈ "


def _times(ratio: Any) -> str:
    """How many times less or more a ratio is, where it is not about 1: ` (8.4 times less)`."""
    if not ratio:
        return ""
    times, which = (1 / ratio, "less") if ratio < 1 else (ratio, "more")
    shown = f"{float(times):.1f}" if times < 100 else grouped(round(times))
    return "" if shown == "1.0" else f" ({shown.removesuffix('.0')} times {which})"


def _table(e: Explanation, si: bool) -> Table:
    """One row a figure: its formula in names, with the numbers in it, and the result."""
    number = short if si else grouped
    rows = [
        (
            of + _title_of(key, e),
            figure.names,
            _separated(figure.numbers),
            _result(figure, number) + (_mark(key, e) if figure is e.figures.get(key) else ""),
        )
        for of, key, figure in _listed(e)
    ]
    header = ("Figure", "Formula", "With numbers", "Result")
    legend = (
        *_notes(e),
        *(f"{name}: {text}." for name, text in {**e.symbols, **e.meanings}.items()),
    )
    return Table(heading(e), header, (False, False, False, True), lambda: rows, (), legend)


def _objects(explanation: Explanation) -> list[dict[str, Any]]:
    """One object a figure."""
    return [
        {
            "figure": of + key,
            "value": as_number(figure.value),
            "formula": figure.names,
            "numbers": figure.numbers,
            "closed": figure.closed,
        }
        for of, key, figure in _listed(explanation)
    ]


#: What a figure's formula is that is not worth a line.
_NOTHING = ("", "0")


def _title_of(key: str, e: Explanation) -> str:
    """What a figure or a size is called."""
    macs, unit = FIGURES["macs"].title, e.convention.unit
    flops = f"{unit} ({e.convention.name})" if unit == macs else unit
    return {"macs": macs, "flops": flops}.get(key, key)


def _listed(e: Explanation) -> list[tuple[str, str, Formulas]]:
    """The figures that a formula makes, for tables: of what (with a dot), its key, and the figure.

    A layer's sizes come first, and before a composite's figures those of its parts.
    """
    found: list[tuple[str, str, Formulas]] = []
    for part in e.parts:
        of = "" if e.whole.depth is None else f"{_own_name(part, e)}."
        figures = {} if e.whole.depth is None else part.figures
        found += [(of, size.name, size) for size in part.sizes]
        found += [(of, each.total.name, each.total) for each in part.pads]
        found += [(of, key, figure) for key, figure in figures.items()]
    found += [("", key, figure) for key, figure in e.figures.items()]
    if e.standard is not None:
        found += [("standard.", key, figure) for key, figure in e.standard.figures.items()]
        found += [("ratio.", key, figure) for key, figure in e.standard.ratios.items()]
    return [each for each in found if each[2].names not in _NOTHING]


def _derived(part: Part, e: Explanation) -> Iterator[tuple[str, list[str]]]:
    """The sizes and figures of a part that a formula makes, and how each comes about."""
    for size in part.sizes:
        yield size.name, _steps(size)
    for each in part.pads:
        yield each.total.name, _steps(each.total)
    for key, figure in part.figures.items():
        title = _title_of(key, e)
        if key == "flops" and part.terms:
            *terms, total = part.terms
            for term in terms:
                same = term.names == part.figures["macs"].names
                yield term.name, [_title_of("macs", e), term.closed] if same else _steps(term)
            yield title, _steps(total)
        elif figure.names not in _NOTHING:
            yield title, _steps(figure)


def _steps(figure: Formulas) -> list[str]:
    """The formula in names, with the numbers in it, and what it comes to."""
    steps = [figure.names, figure.numbers]
    if sorted(figure.closed.split(" + ")) != sorted(figure.numbers.split(" + ")):
        steps.append(figure.closed)  # more than another order
    return steps


def _result(figure: Formulas, number: _Number) -> str:
    """What a figure comes to."""
    if isinstance(figure.value, int):
        return number(figure.value)
    return _separated(figure.closed) if figure.value is None else _decimal(figure.value)


def _separated(formula: str) -> str:
    """A formula with thousands separators."""
    return re.sub(
        r"(?<![A-Za-z0-9_.])\d{4,}(?![A-Za-z0-9_.])", lambda number: f"{int(number[0]):,}", formula
    )


def _derivation(
    name: str, steps: Iterable[str], columns: int, short: bool = False
) -> Iterator[str]:
    """A figure step by step, no step twice, a line each; `short`: on one line where that holds it.

    What is longer than a line goes on below, further in.
    """
    shown = [_separated(step) for step in dict.fromkeys(steps)]
    shown = [step if step.startswith(_ABOUT) else f"= {step}" for step in shown]
    line = f"  {name} {' '.join(shown)}"
    if short and width(line) <= columns:
        yield line
        return
    for index, step in enumerate(shown):
        begin = name if index == 0 else " " * len(name)
        yield from wrapped(f"  {begin} {step}", columns, len(name) + 7)


def _entries(
    entries: Iterable[tuple[str, str]], columns: int, prose: bool = False
) -> Iterator[str]:
    """Names and texts in two columns."""
    known = [(visible(name), text) for name, text in entries]
    wide = max(width(name) for name, _ in known)
    for name, text in known:
        space = " " * (wide - width(name))
        yield from wrapped(f"  {name}{space}  {text}", columns, wide + 4, prose)


def _notes(e: Explanation) -> Iterator[str]:
    """How operations are counted."""
    convention = e.convention
    yield (
        f"{convention.unit} as `{convention.name}` counts them: {convention.summary};"
        f" batch {e.batch}."
    )
    if e.whole.is_borrowing:
        yield f"The weights are those of {visible(_lenders(e))}, and counted there."
    if e.standard is not None:
        yield f"standard: the one layer that does the job of a {e.type}."
    if e.whole.uncounted:
        passed = [part for part in e.parts if part.row.uncounted]
        lost = [_own_name(part, e) for part in passed if convention.loses(part.row.nodes[0])]
        which = "this layer" if len(e.parts) == 1 else "all of these layers"
        unseen = f"does not know {which}, and counts 0 for what it does not know"
        if lost and len(e.parts) == 1:
            unseen = f"does not see {which} inside an attention, and counts 0 for it"
        yield f"{convention.tool} {unseen}."
        if lost and len(e.parts) > 1:
            yield f"Inside an attention it does not see {visible(listed(lost))}."
    if e.whole.unknown:
        from convcalc.render.lacking import lacking_of  # most layers lack nothing

        names = (_own_name(part, e) for part in e.parts if part.row.unknown)
        yield from lacking_of(names) if len(e.parts) > 1 else [_COMPUTES_WHAT]
    if e.gap:
        yield f"{convention.tool} has no number for this layer where {as_mathematics(e.gap)}."


_COMPUTES_WHAT = "What this layer computes is not known, and so what it costs."


def _title(e: Explanation) -> str:
    if e.whole.depth is not None and e.position is not None:
        return f"{e.type}: {counted(len(e.parts), 'layer')}"
    return _described(e.type, e.fields)


def _described(type: str, fields: Mapping[str, Any]) -> str:
    """A layer with what its fields are."""
    given = {name: value for name, value in fields.items() if value is not None}
    if not given:
        return type
    per_axis = {each.name for each in fields_of(find(type)) if each.kind.per_axis}
    shown = [f"{name} {_value(value, name in per_axis)}" for name, value in given.items()]
    return f"{type}: {', '.join(shown)}"


def _value(value: Any, per_axis: bool) -> str:
    """A field's value; where it is one for each axis, equal ones as one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        items = [_value(item, per_axis) for item in value]
        return items[0] if per_axis and len(set(items)) == 1 else f"[{', '.join(items)}]"
    if value is None:
        return "null"
    known = value_of(value)
    return str(value if known is None else known)


def _shape(shape: tuple[Any, ...]) -> str:
    return "×".join(str(size if value_of(size) is None else value_of(size)) for size in shape)


def _own_name(part: Part, e: Explanation) -> str:
    return part.row.name.removeprefix(f"{e.whole.name}.")


def _parts_table(e: Explanation, number: _Number, columns: int) -> Iterator[str]:
    """One line a part, and their sum; shorter numbers and less of them where it is narrow."""
    for write, outputs in ((number, True), (short, True), (number, False), (short, False)):
        rows = list(_cells(e, write, outputs))
        widths = [max(width(visible(row[i])) for row in rows) for i in range(len(rows[0]))]
        if sum(widths) + 2 * len(widths) <= columns:
            break
    else:
        return
    for row in rows:
        line = "  ".join(
            cell.ljust(wide - width(cell) + len(cell)) if i < len(row) - 3 else cell.rjust(wide)
            for i, (cell, wide) in enumerate(zip(map(visible, row), widths))
        )
        yield f"  {line}".rstrip()
    yield ""


def _cells(e: Explanation, number: _Number, outputs: bool) -> Iterator[tuple[str, ...]]:
    """The head of the table of parts, the parts, and the sum."""

    def line(name: str, output: str, figures: Iterable[str]) -> tuple[str, ...]:
        return (name, output, *figures) if outputs else (name, *figures)

    keys = ("params", "macs", "flops")
    yield line("part", "output", [_title_of(key, e) for key in keys])
    for part in e.parts:
        shown = [_result(part.figures[key], number) + " " * len(_mark(key, e)) for key in keys]
        yield line(_own_name(part, e), _shape(part.row.output_shapes[0]), shown)
    yield line("sum", "", [_result(e.figures[key], number) + _mark(key, e) for key in keys])
