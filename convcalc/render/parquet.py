"""Parquet: rows in typed columns, for data frames and query engines; by pyarrow.

It is of commands whose rows are data, and many. Of the other formats each is of every command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from convcalc.diagnostics import fail
from convcalc.extras import require
from convcalc.render.formats.base import Format
from convcalc.render.report import Report
from convcalc.words import describe, quoted

#: Rows of a group, which are held at once.
_GROUP = 1 << 16


class _Sink:
    """A file that gives what was written to it since it was asked last."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def flush(self) -> None:
        """There is nothing behind it."""

    def taken(self) -> list[bytes]:
        pieces, self._pieces = self._pieces, []
        return pieces


def render(report: Report) -> Iterator[bytes]:
    """The file, a group of rows at a time. Raises ConvcalcError where pyarrow is not there."""
    arrow = require("pyarrow", "parquet", "writing Parquet")
    parquet = require("pyarrow.parquet", "parquet", "writing Parquet")
    records = report.records()
    rows = iter(records.rows)
    first = list(islice(rows, _GROUP))
    schema = arrow.schema(
        [
            (name, _type(arrow, [row[at] for row in first], records.kinds.get(name)))
            for at, name in enumerate(records.header)
        ]
    )
    sink = _Sink()
    with parquet.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema) as writer:
        group: Sequence[Sequence[Any]] = first
        while group:
            columns = [
                _array(arrow, field, [row[at] for row in group]) for at, field in enumerate(schema)
            ]
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
            yield from sink.taken()
            group = list(islice(rows, _GROUP))
    yield from sink.taken()


def _type(arrow: Any, values: Sequence[Any], kind: type | None) -> Any:
    """The type of a column: that which is known, or that of the values that there are."""
    kinds = {kind} if kind else {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return arrow.bool_()
    if kinds == {int}:
        return arrow.int64()
    return arrow.float64() if kinds and kinds <= {int, float} else arrow.string()


def _array(arrow: Any, field: Any, values: Sequence[Any]) -> Any:
    """A column's values. Raises ConvcalcError for one that its type does not hold."""
    try:
        if field.type == arrow.string():
            values = [None if value is None else str(value) for value in values]
        elif field.type == arrow.float64():
            values = [None if value is None else float(value) for value in values]
        return arrow.array(values, field.type)
    except (arrow.ArrowException, OverflowError):
        other = next((each for each in values if not _holds(arrow, field, each)), None)
        message = f"the column {quoted(field.name)} is of the type {field.type}, which does not"
        help = "--csv and --format jsonl take any number"
        raise fail("bad-value", f"{message} hold {describe(other)}", help) from None


def _holds(arrow: Any, field: Any, value: Any) -> bool:
    try:
        arrow.array([value], field.type)
    except (arrow.ArrowException, OverflowError):
        return False
    return True


FORMAT = Format("parquet", (".parquet",), render, "records")
