"""The kinds of field that layers have: what a spec may write there, and what it becomes.

A kind stands in a field's annotation (`kernel_size: PerAxis`). From it come the check of a value in
a spec, the option of `convcalc layer`, the JSON Schema and the reference page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from convcalc.arithmetic import Refusal, Symbolic, exact, holds, is_fraction
from convcalc.words import describe, near_integers

#: Short names, for the canonical ones that a layer has.
SHORT_NAMES: Mapping[str, tuple[str, ...]] = {
    "out": ("out_channels", "out_features"),
    "k": ("kernel_size",),
    "s": ("stride",),
    "p": ("padding",),
    "d": ("dilation",),
    "g": ("groups",),
}


class Kind:
    """What the values of a field are. `parse` and `resolve` are all that a kind must have."""

    #: Plain texts that stand for themselves; any other text in a spec is an expression.
    words: tuple[str, ...] = ()
    #: What is meant, after "must be".
    expected: ClassVar[str] = "a value"
    #: The stand-in for the value in a usage line.
    metavar: ClassVar[str] = "VALUE"
    #: Whether rules calculate with it, so that it can be a symbol in a formula.
    symbolic: bool = False

    def parse(self, value: Any) -> Any:
        """The canonical form of a value from a spec. Raises Refusal, which says what is right."""
        raise NotImplementedError

    def resolve(self, value: Any, axes: int) -> Any:
        """The value for an input of `axes` spatial axes. Raises Refusal for another number."""
        return value

    def show(self, value: Any) -> Any:
        """The value as JSON and users see it."""
        return value

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a literal value (an expression is allowed everywhere)."""
        raise NotImplementedError

    def refuse(self, value: Any) -> Refusal:
        """The refusal of a value, in words for people."""
        return Refusal(f"must be {self.expected}, not {describe(value)}", code="bad-value")

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(self.parse)


def whole(value: Any) -> int | None:
    """The integer that a number is, exactly (24.0 is 24); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, Symbolic)):
        return value  # type: ignore[return-value]
    if isinstance(value, float) and value.is_integer():
        return int(exact(value))
    return None


class Whole(Kind):
    """A whole number, `minimum` at least."""

    metavar = "N"

    def __init__(self, minimum: int, symbolic: bool = True) -> None:
        self.minimum = minimum
        self.symbolic = symbolic

    @property
    def expected(self) -> str:  # type: ignore[override]
        return (
            "a whole number, 1 or more"
            if self.minimum == 1
            else (f"a whole number, {self.minimum} or more")
        )

    def parse(self, value: Any) -> int:
        number = whole(value)
        if number is None or not holds(number >= self.minimum):
            raise self.refuse(value)
        return number

    def refuse(self, value: Any) -> Refusal:
        if is_fraction(value) or (
            isinstance(value, float) and math.isfinite(value) and not value.is_integer()
        ):
            return Refusal(
                f"must be a whole number, not {describe(value)}",
                code="not-whole",
                help=near_integers(value),
            )
        return super().refuse(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum}


class EachAxis(Kind):
    """A whole number for every spatial axis, or one for all; kept as a tuple of one or of all."""

    def __init__(self, minimum: int) -> None:
        self.one = Whole(minimum)

    metavar = "N[,N…]"
    symbolic = True

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"{self.one.expected}, or a list with one for each spatial axis"

    def parse(self, value: Any) -> tuple[int, ...]:
        if isinstance(value, (list, tuple)):
            if not value:
                raise self.refuse(value)
            return tuple(self.one.parse(item) for item in value)
        if whole(value) is None and not isinstance(value, float) and not is_fraction(value):
            raise self.refuse(value)
        return (self.one.parse(value),)

    def resolve(self, value: tuple[int, ...], axes: int) -> tuple[int, ...]:
        return _each_axis(value, axes)

    def show(self, value: Any) -> Any:
        return value[0] if len(value) == 1 else list(value)

    def schema(self) -> dict[str, Any]:
        return {
            "anyOf": [
                self.one.schema(),
                {"type": "array", "items": self.one.schema(), "minItems": 1},
            ]
        }


class Pads(Kind):
    """Padding: a number, one per axis, a pair per axis, or a rule's name."""

    words = ("same", "same_lower", "valid")
    expected = (
        "a whole number, 0 or more, or a list with one (or a [before, after] pair) for each spatial"
        " axis, or one of `same`, `same_lower` and `valid`"
    )
    metavar = "N[,N…]|same|same_lower|valid"
    symbolic = True

    def parse(self, value: Any) -> tuple[tuple[int, int], ...] | str:
        if isinstance(value, str):
            if value not in self.words:
                raise self.refuse(value)
            return "same_lower" if value == "same_lower" else value
        if isinstance(value, (list, tuple)) and value:
            return tuple(self._pair(item, value) for item in value)
        return (self._pair(value, value),)

    def _pair(self, item: Any, value: Any) -> tuple[int, int]:
        pair = tuple(item) if isinstance(item, (list, tuple)) else (item, item)
        numbers = tuple(whole(one) for one in pair)
        if len(numbers) != 2 or any(number is None or not holds(number >= 0) for number in numbers):
            for one, number in zip(pair, numbers):
                wrong = number is None or not holds(number >= 0)
                number_like = isinstance(one, (int, float)) or is_fraction(one)
                if wrong and number_like and not isinstance(one, bool):
                    raise Whole(0).refuse(one)
            raise self.refuse(value)
        return numbers  # type: ignore[return-value]

    def resolve(self, value: Any, axes: int) -> Any:
        if value == "valid":
            return ((0, 0),) * axes
        return value if isinstance(value, str) else _each_axis(value, axes)

    def show(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if all(before == after for before, after in value):
            sizes = [before for before, _ in value]
            return sizes[0] if len(sizes) == 1 else sizes
        return [list(pair) for pair in value]

    def schema(self) -> dict[str, Any]:
        size = {"type": "integer", "minimum": 0}
        pair = {"type": "array", "items": size, "minItems": 2, "maxItems": 2}
        return {
            "anyOf": [
                {"enum": list(self.words)},
                size,
                {"type": "array", "items": {"anyOf": [size, pair]}, "minItems": 1},
            ]
        }


class Truth(Kind):
    """true or false."""

    expected = "true or false"
    metavar = "true|false"

    def parse(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(value)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Real(Kind):
    """A finite number, within bounds."""

    metavar = "X"

    def __init__(self, minimum: float = -math.inf, maximum: float = math.inf) -> None:
        self.minimum = minimum
        self.maximum = maximum

    @property
    def expected(self) -> str:  # type: ignore[override]
        if math.isinf(self.minimum):
            return "a number"
        if math.isinf(self.maximum):
            return f"a number, {self.minimum:g} or more"
        return f"a number from {self.minimum:g} to {self.maximum:g}"

    def parse(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(value)
        try:
            number = float(value)
        except OverflowError:
            raise self.refuse(value) from None
        if not math.isfinite(number) or not self.minimum <= value <= self.maximum:
            raise self.refuse(value)
        return value

    def show(self, value: float) -> float:
        return float(value)  # equal numbers look the same, so that equal layers do

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "number", **{k: v for k, v in bounds.items() if not math.isinf(v)}}


class Factors(Kind):
    """A positive factor for every spatial axis, or one for all; kept as a tuple of these."""

    expected = "a positive number, or a list with one for each spatial axis"
    metavar = "X[,X…]"

    def parse(self, value: Any) -> tuple[float, ...]:
        items = value if isinstance(value, (list, tuple)) and value else [value]
        try:
            factors = tuple(Real().parse(item) for item in items)
        except Refusal:
            raise self.refuse(value) from None
        if any(factor <= 0 for factor in factors):
            raise self.refuse(value)
        return factors

    def resolve(self, value: Any, axes: int) -> Any:
        return _each_axis(value, axes)

    def show(self, value: Any) -> Any:
        numbers = [int(factor) if factor == int(factor) else factor for factor in value]
        return numbers[0] if len(numbers) == 1 else numbers

    def schema(self) -> dict[str, Any]:
        one = {"type": "number", "exclusiveMinimum": 0}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


class Choice(Kind):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"one of {', '.join(f'`{word}`' for word in self.words)}"

    @property
    def metavar(self) -> str:  # type: ignore[override]
        return "|".join(self.words)

    def parse(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise self.refuse(value)
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


class Numbers(Kind):
    """A list of whole numbers, `minimum` at least each."""

    metavar = "N,N…"

    def __init__(self, minimum: int | None = None) -> None:
        self.minimum = minimum

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a list of whole numbers" + (f", {self.minimum} or more" if self.minimum else "")

    def parse(self, value: Any) -> tuple[int, ...]:
        if not isinstance(value, (list, tuple)) or not value:
            raise self.refuse(value)
        numbers = tuple(whole(item) for item in value)
        if any(n is None or (self.minimum is not None and n < self.minimum) for n in numbers):
            raise self.refuse(value)
        return numbers  # type: ignore[return-value]

    def show(self, value: Any) -> Any:
        return list(value)

    def schema(self) -> dict[str, Any]:
        least = {} if self.minimum is None else {"minimum": self.minimum}
        return {"type": "array", "items": {"type": "integer", **least}, "minItems": 1}


class CountOrNumbers(Kind):
    """A count, or a list of sizes; kept as a tuple (of one: the count)."""

    expected = "a whole number, 2 or more, or a list of sizes, 1 or more each"
    metavar = "N[,N…]"

    def parse(self, value: Any) -> int | tuple[int, ...]:
        if isinstance(value, (list, tuple)):
            try:
                return Numbers(1).parse(value)
            except Refusal:
                raise self.refuse(value) from None
        number = whole(value)
        if number is None or number < 2:
            raise self.refuse(value)
        return number

    def show(self, value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 2}, Numbers(1).schema()]}


class Optional(Kind):
    """Another kind, or left out."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.words = kind.words
        self.symbolic = kind.symbolic

    @property
    def expected(self) -> str:  # type: ignore[override]
        return self.kind.expected

    @property
    def metavar(self) -> str:  # type: ignore[override]
        return self.kind.metavar

    def parse(self, value: Any) -> Any:
        return None if value is None else self.kind.parse(value)

    def resolve(self, value: Any, axes: int) -> Any:
        return None if value is None else self.kind.resolve(value, axes)

    def show(self, value: Any) -> Any:
        return None if value is None else self.kind.show(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}


def _each_axis(values: tuple[Any, ...], axes: int) -> tuple[Any, ...]:
    if len(values) == axes:
        return values
    if len(values) == 1:
        return values * axes
    plural = "axis" if axes == 1 else "axes"
    raise Refusal(
        f"has {len(values)} values, and the input has {axes} spatial {plural}",
        code="axes",
        help=f"give one value, or {axes}" if axes > 1 else "give one value",
    )


Count = Annotated[int, Whole(1)]
WholeNumber = Annotated[int, Whole(0)]
PerAxis = Annotated[tuple[int, ...], EachAxis(1)]
PerAxisFromZero = Annotated[tuple[int, ...], EachAxis(0)]
Padding = Annotated["tuple[tuple[int, int], ...] | str", Pads()]
Flag = Annotated[bool, Truth()]
Number = Annotated[float, Real()]
Rate = Annotated[float, Real(0, 1)]
