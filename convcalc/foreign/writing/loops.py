"""Lines that come again, one after the other, as `repeat` and `for_each`."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from typing import Any

from convcalc.foreign.writing.arguments import Switch
from convcalc.foreign.writing.line import Line, says_more
from convcalc.foreign.writing.merging import Merging, Solving, form_of, lifted, repeated_kinds
from convcalc.foreign.writing.yaml import Rows

#: The most lines that one turn of a loop is looked for in.
_LONGEST_TURN = 8


def looped(lines: list[Line], merging: Merging) -> list[Line]:
    """The same lines, with loops for those that come again."""
    found = _runs(lines, merging)
    found = _repeated(found)
    return _tables(found, merging)


def _is_free(line: Line) -> bool:
    """Whether no other line, and no reader, needs its name."""
    return not line.label and line.weights is None and not _keeps_name(line)


def _keeps_name(line: Line) -> bool:
    """Whether a line's name says more than which of several it is."""
    return line.is_named and says_more(line) and re.search("[0-9]", line.name) is None


def exact(line: Line) -> Any:
    """What equal lines have in common."""
    inner = tuple([tuple(map(exact, each)) for each in line.inner()])
    fields = tuple([(key, repr(value)) for key, value in line.fields.items()])
    name = line.name if _keeps_name(line) else ""
    free = None if not line.label and line.weights is None else id(line)
    return (line.kind, name, fields, line.from_, inner, free)


def _runs(lines: list[Line], merging: Merging) -> list[Line]:
    """Calls of a block one after the other, whose first differs from the rest, as one loop."""
    found: list[Line] = []
    at = 0
    while at < len(lines):
        end = _run(lines, at, merging)
        if end - at > 1:
            found.append(_loop(lines[at:end], merging))
        else:
            found.append(lines[at])
        at = max(end, at + 1)
    return found


def _run(lines: list[Line], at: int, merging: Merging) -> int:
    """Where a run ends that begins at a line."""
    head = lines[at]
    defaults = merging.defaults.get(head.kind)
    if defaults is None or head.from_ or not _is_free(head):
        return at + 1
    end = at + 1
    while end < len(lines):
        line = lines[end]
        if line.kind != head.kind or line.from_ or not _is_free(line):
            break
        if end == at + 1:
            own, rest = head.fields, line.fields
            keys = {key for key in (*own, *rest) if own.get(key) != rest.get(key)}
            if not all(key in defaults and key not in rest for key in keys):
                break
        elif line.fields != lines[at + 1].fields:
            break
        end += 1
    return end


def _loop(lines: list[Line], merging: Merging) -> Line:
    head, second = lines[0], lines[1]
    one = Line(head.kind, range(head.first, head.end), head.takes, head.makes)
    defaults = merging.defaults[head.kind]
    one.fields = {
        key: value if key in second.fields else Switch(value, defaults[key])
        for key, value in head.fields.items()
    }
    line = Line("repeat", range(head.first, lines[-1].end), head.takes, lines[-1].makes)
    line.fields, line.lists = {"times": len(lines)}, {"layers": [one]}
    return line


def _repeated(lines: list[Line]) -> list[Line]:
    """Equal lines one after the other as loops, the shortest turns first."""
    numbers: dict[Any, int] = {}

    def number(line: Line) -> int:
        return numbers.setdefault(exact(line), len(numbers))

    ids = [*map(number, lines)]
    for length in range(1, min(_LONGEST_TURN, len(lines) // 2) + 1):
        found: list[Line] = []
        left: list[int] = []
        at = 0
        while at < len(lines):
            times = 1
            turn = ids[at : at + length]
            while ids[at + times * length : at + (times + 1) * length] == turn:
                times += 1
            if times > 1 and times * length > 2 and len(turn) == length:
                end = at + times * length
                found.append(_repeat(lines[at:end], times))
                left.append(number(found[-1]))
                at = end
            else:
                found.append(lines[at])
                left.append(ids[at])
                at += 1
        lines, ids = found, left
    return lines


def _repeat(lines: list[Line], times: int) -> Line:
    first, last = lines[0], lines[-1]
    line = Line("repeat", range(first.first, last.end), first.takes, last.makes)
    line.fields = {"times": times}
    line.lists = {"layers": [_nameless(each) for each in lines[: len(lines) // times]]}
    line.from_, first.from_ = first.from_, ()
    return line


def _nameless(line: Line) -> Line:
    """A line of a loop, where a name with a number says nothing."""
    if not _keeps_name(line):
        line.is_named = False
    return line


def _tables(lines: list[Line], merging: Merging) -> list[Line]:
    """Lines that come again with other numbers as loops over a table."""
    for length in range(1, min(_LONGEST_TURN, len(lines) // 2) + 1):
        repeated = repeated_kinds([lines])
        kinds = [_turn_kind(line, repeated) for line in lines]
        found: list[Line] = []
        at = 0
        while at < len(lines):
            line, end = lines[at], at + 1
            if kinds[at : at + length] == kinds[at + length : at + 2 * length]:
                line, end = _table(lines, at, length, repeated, merging)
            found.append(line)
            at = end
        lines = found
    return lines


def _turn_kind(line: Line, repeated: Set[str]) -> str:
    """What a line is in a turn of a loop, where single calls are loops of one turn."""
    return "repeat" if line.kind in repeated else line.kind


def _table(
    lines: list[Line], at: int, length: int, repeated: Set[str], merging: Merging
) -> tuple[Line, int]:
    """A loop that begins at a line, whose turns have so many, or that line; where it ends.

    The kinds that are `repeated` elsewhere are compared as loops of one turn.
    """
    first = lines[at : at + length]
    if len(first) < length or not all(map(_may_be_in_a_table, first)):
        return lines[at], at + 1

    def raised(stack: Sequence[Line]) -> list[Line]:
        return [lifted(line) if line.kind in repeated else line for line in stack]

    form = form_of(raised(first))
    turns = [raised(first)]
    end = at + length
    while end + length <= len(lines):
        turn = lines[end : end + length]
        if not all(map(_may_be_in_a_table, turn)) or form_of(raised(turn)) != form:
            break
        turns.append(raised(turn))
        end += length
    size = _size(turns[0])
    if len(turns) < 2 or len(turns) * size <= len(turns) + size + _HEAD:
        return lines[at], at + 1
    made = _loop_over(turns, merging)
    return (made, end) if made is not None else (lines[at], at + 1)


#: The lines of a loop over a table that are neither rows nor layers.
_HEAD = 4


def _size(lines: Sequence[Line]) -> int:
    """About how many lines of text they are."""
    return sum(
        1 if not line.lists else 2 + len(line.lists) + sum(map(_size, line.inner()))
        for line in lines
    )


def _may_be_in_a_table(line: Line) -> bool:
    return not line.label and line.weights is None and not (line.is_named and says_more(line))


def _loop_over(turns: list[list[Line]], merging: Merging) -> Line | None:
    merged = merging.merged(turns)
    if merged is None:
        return None
    solving = Solving(len(turns), None)
    body = solving.lines(merged, tuple([turn[0].channels for turn in turns]))
    if solving.conditions:
        return None
    found = solving.finish(body)
    first, last = turns[0][0], turns[-1][-1]
    line = Line("for_each", range(first.first, last.end), first.takes, last.makes)
    if not found.values:
        line.kind, line.fields = "repeat", {"times": len(turns)}
    elif len(found.values) > _MOST_COLUMNS:
        return None
    else:
        rows = [*zip(*found.values.values())]
        table = Rows([list(row) if len(row) > 1 else row[0] for row in rows])
        line.fields = {"bind": [*found.values], "in": table}
    line.lists = {"layers": body}
    line.from_, body[0].from_ = body[0].from_, ()
    return line


#: The columns of a table, at the most.
_MOST_COLUMNS = 8
