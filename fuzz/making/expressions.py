"""Values as texts of the expression language, written with everything that it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

#: What binds tighter than any operator.
_ATOM = re.compile(r"\w+|\d+\.\d+|'[^']*'")


def express(rng: Random, value: Any, names: Mapping[str, Any]) -> str:
    """An expression that has the value, where names stand for `names`.

    A value is a number, a truth value, a text or a tuple of these; an integer is made of integers.
    """
    return _Writer(rng, names, rng.randint(0, 2)).write(value)


def plain(value: Any) -> str:
    """A value as it is written without any operator."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(plain, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)


class _Writer(NamedTuple):
    """Writes values; what is in brackets is written by one of less `depth`."""

    rng: Random
    names: Mapping[str, Any]
    depth: int

    def write(self, value: Any) -> str:
        known = [name for name, each in self.names.items() if _same(each, value)]
        if known and self.rng.random() < 0.4:
            return self.rng.choice(known)
        if self.depth <= 0:
            return plain(value)
        ways = (*_WAYS, *_WAYS_OF[type(value)])
        return self.rng.choice(ways)(self._replace(depth=self.depth - 1), value)

    def part(self, value: Any) -> str:
        """A value as an operand."""
        text = self.write(value)
        return text if _ATOM.fullmatch(text) else f"({text})"

    def operand(self) -> tuple[str, int]:
        """An integer from among the names, or a small one, and its value."""
        known = [(name, each) for name, each in self.names.items() if type(each) is int]
        if known and self.rng.random() < 0.7:
            return self.rng.choice(known)
        number = self.rng.randint(1, 9)
        return str(number), number

    def other(self, value: Any) -> str:
        """What is never looked at: of the same kind, or none."""
        return plain(value) if self.rng.random() < 0.5 else "1 // 0"


def _same(a: Any, b: Any) -> bool:
    """Whether two values are equal, and of one kind."""
    return type(a) is type(b) and a == b


# Every way takes a writer and a value.


def _choice(w: _Writer, value: Any) -> str:
    if w.rng.random() < 0.5:
        return f"{w.part(value)} if {w.part(True)} else {w.other(value)}"
    return f"{w.other(value)} if {w.part(False)} else {w.part(value)}"


def _item(w: _Writer, value: Any) -> str:
    before, after = w.rng.randint(0, 2), w.rng.randint(0, 2)
    index = before if w.rng.random() < 0.7 else -1 - after
    items = [plain(value)] * before + [w.write(value)] + [plain(value)] * after
    return f"[{', '.join(items)}][{w.write(index)}]"


def _brackets(w: _Writer, value: Any) -> str:
    return f"({w.write(value)})"


def _sum(w: _Writer, value: int) -> str:
    text, number = w.operand()
    return f"{text} + {w.part(value - number)}"


def _difference(w: _Writer, value: int) -> str:
    text, number = w.operand()
    return f"{w.part(value + number)} - {text}"


def _product(w: _Writer, value: int) -> str:
    text, number = w.operand()
    if number and value % number == 0:
        return f"{text} * {w.part(value // number)}"
    return f"{w.part(value)} * 1"


def _quotient(w: _Writer, value: int) -> str:
    number = w.rng.randint(2, 9)
    return f"{w.part(value * number + w.rng.randint(0, number - 1))} // {number}"


def _remainder(w: _Writer, value: int) -> str:
    modulus = abs(value) + w.rng.randint(1, 9)
    if value < 0:
        return _difference(w, value)
    return f"{w.part(value + modulus * w.rng.randint(0, 3))} % {modulus}"


def _power(w: _Writer, value: int) -> str:
    root = round(abs(value) ** 0.5) if abs(value) < 10**15 else 0
    return f"{w.part(root)} ** 2" if root**2 == value else f"{w.part(value)} ** 1"


def _extreme(w: _Writer, value: int) -> str:
    others = [w.rng.randint(0, 5) for _ in range(w.rng.randint(1, 2))]
    if w.rng.random() < 0.5:
        return f"max({', '.join([w.write(value), *(plain(value - less) for less in others)])})"
    return f"min([{', '.join([*(plain(value + more) for more in others), w.write(value)])}])"


def _rounded(w: _Writer, value: int) -> str:
    if value < 0 or value >= 2**50:  # where a float would not hold it
        return _signed(w, value)
    ways = ("floor({}.4)", "int({}.75)", "round({}.25)", "ceil({}.0)", "abs(-{})")
    return w.rng.choice(ways).format(value)


def _divisible(w: _Writer, value: int) -> str:
    divisor = next((each for each in (8, 4, 2, 3) if value % each == 0), 1)
    if value < 1:
        return _sum(w, value)
    eight = divisor == 8 and w.rng.random() < 0.5
    return f"make_divisible({w.write(value)}{'' if eight else f', {divisor}'})"


def _length(w: _Writer, value: int) -> str:
    if not 0 <= value <= 8:
        return _extreme(w, value)
    return f"len([{', '.join(str(w.rng.randint(0, 9)) for _ in range(value))}])"


def _signed(w: _Writer, value: int) -> str:
    return f"-{w.part(-value)}" if w.rng.random() < 0.5 else f"- -{w.part(value)}"


def _settled(w: _Writer, value: int) -> str:
    if value and w.rng.random() < 0.5:
        return f"{w.part(value)} or {w.other(value)}"
    return f"{w.part(True)} and {w.part(value)}"


def _comparison(w: _Writer, value: bool) -> str:
    text, number = w.operand()
    signs = ("==", "<=", ">=") if value else ("!=", "<", ">")
    return f"{text} {w.rng.choice(signs)} {w.part(number)}"


def _chain(w: _Writer, value: bool) -> str:
    text, number = w.operand()
    last = f"{number + 1}" if value else f"{number}"
    return f"{number - w.rng.randint(0, 2)} <= {text} < {last}"


def _denial(w: _Writer, value: bool) -> str:
    return f"not {w.part(not value)}"


def _junction(w: _Writer, value: bool) -> str:
    if value:
        return w.rng.choice((f"true or {w.other(value)}", f"{w.part(value)} and {w.part(True)}"))
    return w.rng.choice((f"false and {w.other(value)}", f"{w.part(value)} or {w.part(False)}"))


def _equal_texts(w: _Writer, value: bool) -> str:
    return f"'a b' {'==' if value else '!='} {w.part('a b')}"


def _half(w: _Writer, value: float) -> str:
    return f"{plain(value * 2)} / 2"


def _listed(w: _Writer, value: tuple[Any, ...]) -> str:
    comma = "," if value and w.rng.random() < 0.2 else ""
    return f"[{', '.join(map(w.write, value))}{comma}]"


_Way = Callable[[_Writer, Any], str]
_WAYS: tuple[_Way, ...] = (_choice, _item, _brackets)
_WAYS_OF: Mapping[type, tuple[_Way, ...]] = {
    int: (
        *(_sum, _difference, _product, _quotient, _remainder, _power, _extreme, _rounded),
        *(_divisible, _length, _signed, _settled),
    ),
    bool: (_comparison, _chain, _denial, _junction, _equal_texts),
    float: (_half,),
    str: (),
    tuple: (_listed, _listed),
}
