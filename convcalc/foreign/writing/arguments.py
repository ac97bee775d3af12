"""Numbers in which several stacks of one form differ: arguments, and what follows from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from convcalc.foreign.writing.line import Line
from convcalc.language.check import RESERVED, taken_names


class _Any(Enum):
    """What stands for the value of a line that is not there."""

    ANY = "any"


#: Agrees with every value.
ANY: Final = _Any.ANY
#: A value in each of several stacks.
Vector = tuple[Any, ...]


class Expression(str):
    """A text that is evaluated."""

    __slots__ = ()


class Switch(NamedTuple):
    """A value in the first turn of a loop, and in all others."""

    first: Any
    rest: Any


#: The name of a turn's number.
INDEX: Final = "i"
#: What fields are called as arguments, where that is not their own name.
_NAMES = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups"}
#: Fields that count channels or features, by the names of fields and of arguments.
_CHANNELS = frozenset(("out", "g", "groups", "squeeze", "hidden", "width", "in", "start", "stop"))
#: Fields that have the sizes of a tensor, axis by axis, or one of them.
_SIZES = frozenset(("shape", "size"))
#: How many times another number one is, at the most, where that is no accident: of two pairs, and
#: of more.
_MOST_TIMES, _MOST_TIMES_OF_MANY = 32, 4096


def agree(a: Vector, b: Vector) -> bool:
    """Whether two vectors are equal as far as both are known, and both are known somewhere."""
    met = False
    for x, y in zip(a, b):
        if x is not ANY and y is not ANY:
            if x != y or type(x) is not type(y):
                return False
            met = True
    return met


def constant(vector: Vector) -> bool:
    """Whether a vector has one value as far as it is known."""
    known = [value for value in vector if value is not ANY]
    return all(value == known[0] and type(value) is type(known[0]) for value in known)


class _Argument:
    """An argument, or a name that is worked out of others."""

    def __init__(self, token: str, values: Vector, role: str, wish: str) -> None:
        self.token, self.values, self.role, self.wish = token, values, role, wish
        #: What it is worked out from; empty for an argument.
        self.rule = ""


class Place(NamedTuple):
    """Where a value stands."""

    #: The field, and what its line is called.
    field: str
    name: str
    #: The channels that enter the line.
    entering: Vector
    #: What is said on the line so far, by field: as it is written, and as it comes out.
    said: dict[str, tuple[Any, Vector]]


class Arguments:
    """Finds the arguments of stacks of one form, one value after the other."""

    def __init__(self, count: int, entering: Vector | None) -> None:
        self.count = count
        #: The channels that enter each stack; None where nothing can be worked out of them first.
        self.entering = entering
        self.found: list[_Argument] = []
        #: The argument that the latest field `out` is.
        self.last_out = ""
        #: What the texts that are no argument come to.
        self.texts: dict[str, Vector] = {}
        #: Conditions that hold wherever they stand, by the stacks in which they do.
        self.asked: dict[Vector, str] = {}

    def value(self, place: Place, vector: Vector) -> Any:
        """A value as it is written: a literal, or an expression."""
        if any(isinstance(each, Switch) for each in vector):
            return self._switched(place, vector)
        known = [each for each in vector if each is not ANY]
        if constant(vector):
            return known[0]
        if place.field in _SIZES and _are_lists(known):
            return [self.value(place, sizes) for sizes in _by_item(vector, len(known[0]))]
        text = self._expression(place, vector)
        if place.field == "out":
            self.last_out = text
        return Expression(text)

    def _switched(self, place: Place, vector: Vector) -> Any:
        both = [each if isinstance(each, Switch) else Switch(each, each) for each in vector]
        # A single turn says nothing of the others.
        rest = tuple([each.rest for each in both])
        first = self.value(place, tuple([each.first for each in both]))
        if all(each is ANY for each in rest):
            return first
        later = self.value(place, rest)
        if first == later:
            return first
        return Expression(choice(first, later))

    def _expression(self, place: Place, vector: Vector) -> str:
        role = _role(place.field)
        for each in self.found:
            if each.role == role and agree(each.values, vector):
                each.values = _filled(each.values, vector)
                return each.token
        known = [value for value in vector if value is not ANY]
        if all(type(value) is int for value in known):
            for text, values in self._relations(place, role, vector):
                if agree(values, vector) and all(
                    value is ANY or other is not ANY for value, other in zip(vector, values)
                ):
                    self.texts[text] = values
                    return text
            worked_out = self._of_block(place, role, vector)
            if worked_out:
                return worked_out
        return self._new(place, role, vector)

    def _relations(self, place: Place, role: str, vector: Vector) -> Iterator[tuple[str, Vector]]:
        """What a number may be worked out from, the likeliest first."""
        if role in ("channels", "size"):
            yield "in_channels", place.entering
            others = [(each.token, each.values) for each in self.found if each.role == role]
            found = [
                multiple
                for text, values in [*others, ("in_channels", place.entering)]
                if (multiple := _multiple(text, values, vector)) is not None
            ]
            if role == "size":
                yield from _squares(others, vector)
            # The smaller the factor, the likelier it is meant.
            yield from sorted(found, key=lambda each: int(each[0].rpartition(" ")[2]))
        if role == "padding":
            yield from _paddings(place)

    def _of_block(self, place: Place, role: str, vector: Vector) -> str:
        """A name for what is worked out of the channels that enter the block; empty for none."""
        entering = self.entering
        if role != "channels" or entering is None or place.field in ("g", "groups"):
            return ""
        same = ("in_channels", entering) if agree(entering, vector) else None
        found = same or _multiple("in_channels", entering, vector)
        if found is not None:
            wish = "hidden" if place.field == "out" else place.field
            wish = "channels" if same else wish
            return self._rule(*found, wish).token
        pairs = [*zip(vector, entering)]
        if any(v is not ANY and (not e or v % e) for v, e in pairs):
            return ""
        ratios = tuple([ANY if v is ANY else v // e for v, e in pairs])
        distinct = {value for value in ratios if value is not ANY}
        if len(distinct) * 2 >= len(set(vector)) or len(distinct) < 2:
            return ""
        factor = self._argument(ratios, "factor", "expand")
        return self._rule(f"in_channels * {factor.token}", vector, "hidden").token

    def _rule(self, text: str, values: Vector, wish: str) -> _Argument:
        made = self._argument(values, "channels", wish)
        made.rule = text
        return made

    def _new(self, place: Place, role: str, vector: Vector) -> str:
        is_size = role == "size" and not any(isinstance(value, list) for value in vector)
        wish = "size" if is_size else _NAMES.get(place.field, place.field)
        if wish == "out" and place.name:
            wish = f"\0{place.name}"
        return self._argument(vector, role, wish).token

    def _argument(self, values: Vector, role: str, wish: str) -> _Argument:
        made = _Argument(f"\x01{len(self.found)}\x02", values, role, wish)
        self.found.append(made)
        return made

    def comes_to(self, value: Any) -> Vector:
        """What something written comes to in each stack."""
        if not isinstance(value, Expression):
            return (value,) * self.count
        for each in self.found:
            if each.token == value:
                return each.values
        return self.texts.get(value, (ANY,) * self.count)

    # Conditions

    def condition(self, present: Vector, place: Place) -> str:
        """What is true where a line is there; `present` has truth values."""
        if present not in self.asked:
            inverse = self.asked.get(tuple([not value for value in present]), "")
            is_one = " or " not in inverse and " and " not in inverse
            if inverse and is_one and ("!=" in inverse or "==" in inverse):
                swapped = {"!=": "==", "==": "!="}
                return re.sub("[!=]=", lambda found: swapped[found[0]], inverse)
            text = self._condition(present, place)
            if "in_channels" in text:
                return text
            self.asked[present] = text
        return self.asked[present]

    def _condition(self, present: Vector, place: Place) -> str:
        for each in self.found:
            if each.role == "flag":
                if each.values == present:
                    return each.token
                if tuple([not value for value in each.values]) == present:
                    return f"not {each.token}"
        for text, values in self._conditions(place):
            if values == present:
                return text
        for each in self.found:
            holes = tuple([value is not ANY for value in each.values])
            numbers = [value for value in each.values if value is not ANY]
            if holes == present and all(type(n) is int for n in numbers):
                neutral = 1 if each.role in ("factor", "k", "stride") else 0
                if neutral not in numbers:
                    each.values = tuple([neutral if v is ANY else v for v in each.values])
                    return f"{each.token} != {neutral}"
        wish = place.name or place.field
        return self._argument(present, "flag", wish).token

    def _conditions(self, place: Place) -> Iterator[tuple[str, tuple[bool, ...]]]:
        tests: list[tuple[str, tuple[bool, ...]]] = []
        for each in self.found:
            if each.role in ("stride", "factor") and self._is_known(each.values):
                tests.append((f"{each.token} != 1", tuple([v != 1 for v in each.values])))
        sizes: list[tuple[str, tuple[bool, ...]]] = []
        outs = [(each.token, each.values) for each in self.found if each.role == "channels"]
        if "out" in place.said:
            text, values = place.said["out"]
            if isinstance(text, (Expression, int)):
                outs.insert(0, (str(text), values))
        for text, values in outs:
            if self._is_known(values) and self._is_known(place.entering):
                differ = tuple([a != b for a, b in zip(place.entering, values)])
                sizes.append((f"in_channels != {text}", differ))
        yield from sizes
        yield from tests
        for test, values in tests:
            for size, others in sizes:
                either = tuple([a or b for a, b in zip(values, others)])
                yield f"{test} or {size}", either
        for text, values in (*tests, *sizes):
            yield text.replace("!=", "=="), tuple([not value for value in values])
        for test, values in tests:
            for size, others in sizes:
                both = tuple([not a and not b for a, b in zip(values, others)])
                yield f"{test} and {size}".replace("!=", "=="), both

    def _is_known(self, values: Vector) -> bool:
        return ANY not in values

    # Names

    def finish(self, taken: Iterable[str]) -> Finished:
        """The arguments with their names."""
        names = Counter(dict.fromkeys((*RESERVED, *taken_names(), *taken, INDEX), 1))
        tokens: dict[str, str] = {}
        outs = [each for each in self.found if each.wish == "out" or each.wish[0] == "\0"]
        last = next((each for each in outs if each.token == self.last_out), None)
        plain = sum(each.wish == "out" for each in outs)
        # What the last layer makes is called so first.
        for each in sorted(self.found, key=lambda each: each is not last):
            wish = each.wish
            if each in outs:
                wish = "out" if each is last or len(outs) == 1 else wish.lstrip("\0")
                if wish == "out" and each is not last and last:
                    wish = "hidden" if plain < 3 else "c1"
            tokens[each.token] = _unique(wish.replace("-", "_"), names)
        defaults: dict[str, Any] = {}
        values: dict[str, Vector] = {}
        rules: dict[str, str] = {}
        for each in sorted(self.found, key=lambda each: tokens[each.token] != "out"):
            name = tokens[each.token]
            if each.rule:
                rules[name] = named(each.rule, tokens)
                continue
            common, often = _commonest(each.values)
            values[name] = tuple([common if value is ANY else value for value in each.values])
            if often * 2 > self.count and not isinstance(common, (list, tuple)):
                defaults[name] = common
        return Finished(tokens, values, defaults, rules)


class Finished(NamedTuple):
    """Arguments: their names by what stood for them, their values, their defaults, and rules."""

    tokens: dict[str, str]
    values: dict[str, Vector]
    defaults: dict[str, Any]
    rules: dict[str, str]


def named(value: Any, tokens: dict[str, str]) -> Any:
    """A value in which arguments have their names."""
    if isinstance(value, list):
        return [named(each, tokens) for each in value]
    if not isinstance(value, str):
        return value
    text = re.sub("\x01\\d+\x02", lambda found: tokens.get(found[0], found[0]), value)
    return Expression(text) if isinstance(value, Expression) else text


def choice(first: Any, rest: Any) -> str:
    """A value that the first turn of a loop has, and another that the rest have."""
    if first is True and rest is False:
        return f"{INDEX} == 0"
    if first is False and rest is True:
        return f"{INDEX} != 0"
    return f"{_literal(first)} if {INDEX} == 0 else {_literal(rest)}"


def asks_for_turn(line: Line) -> bool:
    """Whether a value of a line is another in the first turn of the loop around it."""
    return any(
        isinstance(value, Switch)
        or (isinstance(value, Expression) and re.search(rf"\b{INDEX} [=!]= 0", value) is not None)
        for value in line.fields.values()
    )


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _are_lists(values: Sequence[Any]) -> bool:
    """Whether values are lists of one length."""
    are_lists = all(isinstance(value, (list, tuple)) for value in values)
    return are_lists and len({len(value) for value in values}) == 1


def _by_item(lists: Vector, count: int) -> list[Vector]:
    """For each item of lists of so many, what it is in each."""
    return [tuple([ANY if each is ANY else each[at] for each in lists]) for at in range(count)]


def _squares(others: list[tuple[str, Vector]], wanted: Vector) -> Iterator[tuple[str, Vector]]:
    """What numbers are that others are the roots of."""
    for text, values in others:
        if not all(value is ANY or type(value) is int for value in values):
            continue
        squares = tuple([v if v is ANY else v * v for v in values])
        if agree(squares, wanted):
            yield f"{text} * {text}", squares


def _role(field: str) -> str:
    if field in _SIZES:
        return "size"
    if field in _CHANNELS or field.endswith("_channels"):
        return "channels"
    return _NAMES.get(field, field)


def _filled(values: Vector, others: Vector) -> Vector:
    return tuple([b if a is ANY else a for a, b in zip(values, others)])


def _multiple(text: str, values: Vector, wanted: Vector) -> tuple[str, Vector] | None:
    """Numbers as so many times others, or these over a number; None where they are not."""
    pairs = [(v, w) for v, w in zip(values, wanted) if v is not ANY and w is not ANY]
    if not pairs or not all(type(v) is int and v > 0 and w > 0 for v, w in pairs):
        return None
    value, want = pairs[0]
    factor, over = want // value, value // want
    most = _MOST_TIMES if len(set(pairs)) < 3 else _MOST_TIMES_OF_MANY
    if 1 < factor <= most and all(v * factor == w for v, w in pairs):
        return f"{text} * {factor}", tuple([v if v is ANY else v * factor for v in values])
    if 1 < over <= most and all(w * over == v for v, w in pairs):
        known = all(v is ANY or v % over == 0 for v in values)
        return (
            (f"{text} // {over}", tuple([v if v is ANY else v // over for v in values]))
            if known
            else None
        )
    return None


def _paddings(place: Place) -> Iterator[tuple[str, Vector]]:
    """What keeps the size, by the kernel and the dilation."""
    kernel, kernels = place.said.get("k", (None, ()))
    dilation, dilations = place.said.get("d", (1, ()))
    if kernel is None or not all(value is ANY or type(value) is int for value in kernels):
        return
    if isinstance(kernel, Expression):
        text = _bracketed(kernel)
        yield f"{text} // 2", tuple([v if v is ANY else v // 2 for v in kernels])
        halves = tuple([v if v is ANY else (v - 1) // 2 for v in kernels])
        yield f"({text} - 1) // 2", halves
    if isinstance(dilation, Expression):
        if kernel == 3:
            yield dilation, dilations
        pairs = [*zip(kernels, dilations)]
        if all(type(k) is int and type(d) is int for k, d in pairs):
            both = tuple([d * (k // 2) for k, d in pairs])
            yield f"{_bracketed(dilation)} * ({kernel} // 2)", both


def _bracketed(text: Any) -> str:
    return str(text) if re.fullmatch("[\\w\x01\x02]+", str(text)) else f"({text})"


def _commonest(values: Vector) -> tuple[Any, int]:
    """The value that most have, the first of equals, and how many."""
    known = [value for value in values if value is not ANY]
    counts = Counter(map(repr, known))
    best = max(known, key=lambda value: counts[repr(value)])
    return best, counts[repr(best)] + len(values) - len(known)


def _unique(name: str, names: Counter[str]) -> str:
    """A name that is not taken yet: `width`, `width_2`; `c1`, `c2`."""
    counted = name.endswith("1")
    stem = name[:-1] if counted else f"{name}_"
    found, count = name, 1
    while found in names:
        count += 1
        found = f"{stem}{count}"
    names[found] = 1
    return found
