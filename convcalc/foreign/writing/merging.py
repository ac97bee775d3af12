"""Stacks of one form as one, with the values in which they differ as arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.foreign.writing.arguments import (
    ANY,
    Arguments,
    Expression,
    Finished,
    Place,
    Switch,
    Vector,
    asks_for_turn,
    named,
)
from convcalc.foreign.writing.fields import shown_default
from convcalc.foreign.writing.line import Line, every, says_more

#: Fields whose values no argument stands for.
_FIXED = ("functional", "trainable", "merge", "split", "share_weights", "bind", "in")


class Merged:
    """A line of several stacks: what each has there, and in which values they differ."""

    def __init__(self, lines: Sequence[Line | None], defaults: dict[str, dict[str, Any]]) -> None:
        self.lines = lines
        self.one = next(line for line in lines if line is not None)
        self.present = tuple([line is not None for line in lines])
        known = defaults.get(self.one.kind)
        keys = dict.fromkeys(key for line in lines if line for key in line.fields)
        self.fields: dict[str, Vector] = {
            key: tuple(
                [
                    ANY if line is None else line.fields.get(key, _default(line, key, known))
                    for line in lines
                ]
            )
            for key in _ordered(self.one, keys)
        }
        self.lists: dict[str, list[Any]] = {}

    @property
    def is_optional(self) -> bool:
        return not all(self.present)


def _ordered(line: Line, keys: dict[str, None]) -> list[str]:
    """The fields of all in the order that the line has them, the common ones of a layer first."""
    order = ["when", "out", "k", "s", "p", "d", "g"]
    return sorted(keys, key=lambda key: order.index(key) if key in order else len(order))


def _default(line: Line, key: str, known: dict[str, Any] | None) -> Any:
    if key in ("when", "connect"):
        return True
    if known is not None:
        return known.get(key)
    return shown_default(line.kind, key) if line.kind in layers.TYPES else None


def key_of(line: Line) -> tuple[Any, ...]:
    """What lines have in common that are one line with other numbers."""
    fixed = tuple(
        [
            (key, str(value))
            for key, value in line.fields.items()
            if key in _FIXED or (isinstance(value, str) and not isinstance(value, Expression))
        ]
    )
    # A field that has no default is in all of them or in none.
    given: tuple[str, ...] = ()
    if line.kind in layers.TYPES:
        given = tuple([key for key in line.fields if _has_no_default(line.kind, key)])
    weights = line.weights.label if isinstance(line.weights, Line) else ""
    paths = len(line.lists.get("paths", ()))
    return (line.kind, line.from_, line.label, weights, fixed, given, paths)


def _has_no_default(kind: str, key: str) -> bool:
    return key != "when" and shown_default(kind, key) is None


def form_of(lines: Sequence[Line]) -> tuple[Any, ...]:
    """What stacks have in common that are one stack with other numbers."""
    return tuple([(key_of(line), tuple(map(form_of, line.inner()))) for line in lines])


class Merging(NamedTuple):
    """Makes one stack of several; `defaults` has those of the blocks' arguments by name."""

    defaults: dict[str, dict[str, Any]]

    def merged(self, stacks: Sequence[list[Line] | None]) -> list[Merged] | None:
        """The lines of stacks, side by side; None where a value differs that must not."""
        columns = _columns(stacks)
        found = []
        for column in columns:
            one = Merged(column, self.defaults)
            if any(None in vector for vector in one.fields.values()):
                return None
            for key in one.one.lists:
                if key == "paths":
                    count = len(one.one.lists[key])
                    inner: list[Any] = [
                        self.merged([line.lists[key][at] if line else None for line in column])
                        for at in range(count)
                    ]
                    if None in inner:
                        return None
                    one.lists[key] = inner
                else:
                    merged = self.merged([line.lists[key] if line else None for line in column])
                    if merged is None:
                        return None
                    one.lists[key] = merged
            found.append(one)
        return found


def _columns(stacks: Sequence[list[Line] | None]) -> list[list[Line | None]]:
    """The lines of stacks side by side, None where one has none."""
    forms, several = _forms(stacks)
    if len(several) > 1:
        stacks = _connected(_lifted(stacks))
        forms, several = _forms(stacks)
    base, *others = sorted(several.values(), key=lambda stack: -len(stack))
    # Of each form, the column that each of its lines is in.
    order: list[Line] = list(base)
    spots: dict[Any, list[Line]] = {form_of(base): list(base)}
    for other in others:
        order = _aligned(order, other, spots)
    places = {
        form: {id(spot): at for at, spot in enumerate(found)} for form, found in spots.items()
    }
    return [
        [
            None if stack is None or (at := places[form].get(id(spot))) is None else stack[at]
            for form, stack in zip(forms, stacks)
        ]
        for spot in order
    ]


def _forms(stacks: Sequence[list[Line] | None]) -> tuple[list[Any], dict[Any, list[Line]]]:
    """The form of each stack, and the first stack of each form."""
    forms = [None if stack is None else form_of(stack) for stack in stacks]
    several: dict[Any, list[Line]] = {}
    for form, stack in zip(forms, stacks):
        if stack is not None:
            several.setdefault(form, stack)
    return forms, several


def _aligned(base: list[Line], other: list[Line], spots: dict[Any, list[Line]]) -> list[Line]:
    """The base with the lines that only the other has; `spots` has each line's in the base."""
    n, m = len(base), len(other)
    best = [[0] * (m + 1) for _ in range(n + 1)]
    keys, others = [*map(key_of, base)], [*map(key_of, other)]
    likeness = [
        [_likeness(a, b) if key == another else 0 for b, another in zip(other, others)]
        for a, key in zip(base, keys)
    ]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            score = max(best[i + 1][j], best[i][j + 1])
            if likeness[i][j]:
                score = max(score, best[i + 1][j + 1] + likeness[i][j])
            best[i][j] = score
    result: list[Line] = []
    own: list[Line] = []
    i = j = 0
    while i < n or j < m:
        # What can be left out is left out early, so that ends meet.
        if i < n and best[i][j] == best[i + 1][j]:
            result.append(base[i])
            i += 1
        elif j < m and best[i][j] == best[i][j + 1]:
            result.append(other[j])
            own.append(other[j])
            j += 1
        else:
            result.append(base[i])
            own.append(base[i])
            i, j = i + 1, j + 1
    spots[form_of(other)] = own
    return result


def _likeness(a: Line, b: Line) -> int:
    """How alike two lines are that may be one."""
    same = sum(bool(b.fields.get(key) == value) for key, value in a.fields.items())
    depthwise = ("g" in a.fields or "groups" in a.fields) == (
        "g" in b.fields or "groups" in b.fields
    )
    # A number may only say how many there are before it.
    named = 0 if not a.name or a.name != b.name else 1 if a.name[-1].isdigit() else 4
    return 20 + same + 3 * depthwise + named


def _lifted(stacks: Sequence[list[Line] | None]) -> list[list[Line] | None]:
    """The same, with single calls as loops of one turn where others have several."""
    repeated = repeated_kinds(stacks)
    return [
        None
        if stack is None
        else [lifted(line) if line.kind in repeated else line for line in stack]
        for stack in stacks
    ]


def repeated_kinds(stacks: Iterable[Sequence[Line] | None]) -> set[str]:
    """The kinds of lines that some loops consist of, other loops apart: those have no end."""
    bodies = [
        line.lists["layers"] for stack in stacks for line in stack or () if line.kind == "repeat"
    ]
    return {body[0].kind for body in bodies if len(body) == 1} - {"repeat"}


def lifted(line: Line) -> Line:
    """A line as a loop of one turn."""
    one = Line(line.kind, range(line.first, line.end), line.takes, line.makes)
    one.lists, one.fields = line.lists, dict(line.fields)
    if not line.lists:
        one.fields = {
            key: value if isinstance(value, (Switch, str)) else Switch(value, ANY)
            for key, value in line.fields.items()
        }
    made = Line("repeat", range(line.first, line.end), line.takes, line.makes)
    made.fields, made.lists = {"times": 1}, {"layers": [one]}
    made.from_, made.label, made.weights = line.from_, line.label, line.weights
    return made


def _connected(stacks: Sequence[list[Line] | None]) -> list[list[Line] | None]:
    """The same, with bodies in a `residual` that is not connected where others have one."""
    with_one = [
        (at, stack)
        for stack in stacks
        if stack
        for at in [_only_residual(stack)]
        if at is not None and not stack[at].lists["shortcut"]
    ]
    if not with_one:
        return list(stacks)
    at, stack = with_one[0]
    after = len(stack) - 1 - at
    result: list[list[Line] | None] = []
    for each in stacks:
        if each and _only_residual(each) is None and len(each) > at + after:
            body = each[at : len(each) - after]
            calls = range(body[0].first, body[-1].end)
            line = Line("residual", calls, body[0].takes, body[-1].makes)
            line.fields, line.lists = {"connect": False}, {"layers": body, "shortcut": []}
            line.from_ = body[0].from_
            each = [*each[:at], line, *each[len(each) - after :]]
        result.append(each)
    return result


def _only_residual(stack: list[Line]) -> int | None:
    found = [at for at, line in enumerate(stack) if line.kind == "residual"]
    return found[0] if len(found) == 1 else None


class Solving:
    """Writes merged lines, with arguments for what differs."""

    def __init__(self, count: int, entering: Vector | None) -> None:
        self.arguments = Arguments(count, entering)
        #: Where lines are that are not in every stack.
        self.conditions: set[Vector] = set()
        self.made: dict[int, Line] = {}

    def lines(self, merged: list[Merged], entering: Vector) -> list[Line]:
        """The lines as they are written; `entering` has the channels that enter each stack."""
        self._solve(merged, optional=False)
        self._solve(merged, optional=True)
        return self._written(merged, (True,) * len(entering), entering)

    def _solve(
        self, merged: list[Merged], *, optional: bool, inside: bool = False, turns: bool = False
    ) -> None:
        """Find arguments for the values of lines: first of those that are in every stack.

        They are `inside` of what is not, and in what has several `turns`.
        """
        for each in merged:
            own = inside or each.is_optional
            if own == optional:
                self.made[id(each)] = self._line(each, turns)
            loops = turns or each.one.kind in ("repeat", "for_each")
            for key, inner in each.lists.items():
                for stack in inner if key == "paths" else [inner]:
                    self._solve(stack, optional=optional, inside=own, turns=loops)

    def _line(self, each: Merged, turns: bool) -> Line:
        one = each.one
        line = Line(one.kind, range(one.first, one.end), one.takes, one.makes, cls=one.cls)
        names = {other.name for other in each.lines if other is not None}
        line.name = one.name if len(names) == 1 else ""
        line.is_named = one.is_named and bool(line.name) and says_more(line)
        line.label, line.from_, line.weights = one.label, one.from_, one.weights
        # What enters a loop's body may be another thing at every turn.
        entering = tuple(
            [ANY if other is None or turns else other.channels for other in each.lines]
        )
        place = Place("", line.name if line.is_named else "", entering, {})
        for key, vector in each.fields.items():
            if key in _FIXED:
                line.fields[key] = one.fields[key]
            elif key == "connect":
                line.fields[key] = True  # it is asked when all other values are known
            else:
                value = self.arguments.value(place._replace(field=key), vector)
                place.said[key] = (value, vector)
                line.fields[key] = value
        return line

    def _condition(
        self, present: Vector, wish: str, flow: Vector, said: dict[str, Any]
    ) -> Expression:
        self.conditions.add(present)
        return Expression(self.arguments.condition(present, Place("", wish, flow, said)))

    def _written(self, merged: list[Merged], around: Vector, flow: Vector) -> list[Line]:
        """Lines in a list that is there in the stacks that `around` says.

        `flow` are the channels that enter the list in each.
        """
        result: list[Line] = []
        at = 0
        while at < len(merged):
            end = at + 1
            present = merged[at].present
            while end < len(merged) and merged[end].present == present:
                end += 1
            lines = [line for each in merged[at:end] for line in self._with_lists(each)]
            if present != around:
                lines = self._conditional(merged[at], lines, flow)
            result += lines
            last = merged[end - 1]
            flow = tuple(
                [
                    line.makes[0].shape.channels if line is not None and line.makes else before
                    for line, before in zip(last.lines, flow)
                ]
            )
            at = end
        return result

    def _with_lists(self, each: Merged) -> list[Line]:
        line = self.made[id(each)]
        flow = tuple([ANY if other is None else other.channels for other in each.lines])
        for key, inner in each.lists.items():
            if key == "paths":
                line.lists[key] = [self._written(path, each.present, flow) for path in inner]
            else:
                line.lists[key] = self._written(inner, each.present, flow)
        if "connect" in each.fields:
            vector = each.fields["connect"]
            line.fields["connect"] = self._condition(vector, "connect", flow, {})
        is_once = line.kind == "repeat" and line.fields.get("times") == 1
        if is_once and not any(map(asks_for_turn, every(line.lists["layers"]))):
            (once,) = line.lists.values()
            once[0].from_, once[-1].label = line.from_, line.label
            return once
        return [line]

    def _conditional(self, first: Merged, lines: list[Line], flow: Vector) -> list[Line]:
        """Lines that are not everywhere: one with a condition, or several in a group with one."""
        head = lines[0]
        outs = [line.fields["out"] for line in lines if "out" in line.fields]
        said = {"out": (outs[-1], self.arguments.comes_to(outs[-1]))} if outs else {}
        wish = head.name if head.is_named else head.kind
        if outs and str(outs[0]).startswith("in_channels *"):
            wish = "expand"
        # Lines that others name stand in the list itself, where other tensors enter each.
        apart = len(lines) > 1 and any(line.label for line in lines)
        flow = (ANY,) * len(flow) if apart else flow
        condition = self._condition(first.present, wish, flow, said)
        if apart or len(lines) == 1:
            for line in lines:
                line.fields = {"when": condition, **line.fields}
            return lines
        group = Line("sequential", range(head.first, lines[-1].end), head.takes, lines[-1].makes)
        group.fields, group.lists = {"when": condition}, {"layers": lines}
        group.from_, head.from_ = head.from_, ()
        return [group]

    def finish(self, lines: list[Line], taken: Sequence[str] = ()) -> Finished:
        """Give the arguments their names, also in the lines."""
        found = self.arguments.finish(taken)
        for line in every(lines):
            line.fields = {key: named(value, found.tokens) for key, value in line.fields.items()}
        return found
