"""The kinds of field that layers have: what a spec may write there, and what it becomes.

A kind stands in a field's annotation (`kernel_size: PerAxis`). From it come the check of a value in
a spec, the option of `convcalc layer`, the JSON Schema and the reference page.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any

from convcalc.arithmetic import Refusal, Symbolic, exact, holds, is_fraction, is_number, known
from convcalc.shape import MOST_AXES
from convcalc.words import describe, listed, near_integers

#: Short names, for the canonical ones that a layer has.
SHORT_NAMES: Mapping[str, tuple[str, ...]] = {
    "out": ("out_channels", "out_features"),
    "in": ("in_channels", "in_features"),
    "k": ("kernel_size",),
    "s": ("stride",),
    "p": ("padding",),
    "d": ("dilation",),
    "g": ("groups",),
}


class _Open(Enum):
    """What stands for a number of the kind `Real` that is open; its value is what users see.

    No user can give it. It is equal to itself, also in another process.
    """

    NUMBER = "open"


OPEN: Any = _Open.NUMBER


class Kind:
    """What the values of a field are. `read` and `schema` are all that a kind must have."""

    #: Plain texts that stand for themselves; any other text in a spec is an expression.
    words: tuple[str, ...] = ()
    #: Those of them that some layer type alone refuses, with advice.
    refused: tuple[str, ...] = ()
    #: What is meant, after "must be".
    expected: str = "a value"
    #: The stand-in for the value in a usage line.
    metavar: str = "VALUE"
    #: Whether rules calculate with it, so that it can be a symbol in a formula.
    symbolic: bool = False
    #: Whether rules calculate with the sizes that it lists, though no formula has names for them.
    has_sizes: bool = False
    #: Whether one value stands for every spatial axis, and equal ones for one.
    per_axis: bool = False
    #: Whether null may stand in it, for a size that is left open.
    nulls: bool = False
    #: Whether any text stands for itself, so that none is an expression.
    takes_text: bool = False

    @property
    def offered(self) -> tuple[str, ...]:
        """The words that it takes."""
        return tuple([word for word in self.words if word not in self.refused])

    def read(self, value: Any) -> Any:
        """The canonical form of a value from a spec; None for what is no value of the kind."""
        raise NotImplementedError

    def parse(self, value: Any) -> Any:
        """The canonical form of a value from a spec. Raises Refusal, which says what is right."""
        read = self.read(value if self.symbolic or self.has_sizes else known(value))
        if read is None:
            raise self.refuse(value)
        return read

    def takes(self, value: Any) -> bool:
        """Whether a value from a spec is one of the kind."""
        try:
            self.parse(value)
        except Refusal:
            return False
        return True

    def resolve(self, value: Any, axes: int) -> Any:
        """The value for an input of `axes` spatial axes. Raises Refusal for another number."""
        return value

    def show(self, value: Any) -> Any:
        """The value as JSON and users see it."""
        return list(value) if isinstance(value, tuple) else value

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of a literal value (an expression is allowed everywhere)."""
        raise NotImplementedError

    def refuse(self, value: Any) -> Refusal:
        """The refusal of a value, in words for people."""
        return Refusal(f"must be {self.expected}, not {describe(value)}", code="bad-value")


def whole(value: Any) -> int | None:
    """The integer that a number is, exactly (24.0 is 24); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Symbolic):
        return value.as_whole()  # type: ignore[no-any-return]
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(exact(value))
    return None


class Whole(Kind):
    """A whole number, `minimum` at least."""

    metavar = "N"

    def __init__(self, minimum: int, symbolic: bool = True) -> None:
        self.minimum = minimum
        self.symbolic = symbolic
        self.expected = f"a whole number, {minimum} or more"

    def read(self, value: Any) -> int | None:
        number = whole(value)
        return number if number is not None and holds(number >= self.minimum) else None

    def refuse(self, value: Any) -> Refusal:
        finite = is_fraction(value) or (isinstance(value, float) and math.isfinite(value))
        if not finite or whole(value) is not None:
            return super().refuse(value)
        message = f"must be a whole number, not {describe(value)}"
        return Refusal(message, code="not-whole", help=near_integers(value))

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum}


class Place(Whole):
    """A place along an axis: a whole number from 0; negative from the end, as Python counts."""

    def __init__(self) -> None:
        self.symbolic = True
        self.expected = "a whole number"

    def read(self, value: Any) -> int | None:
        return whole(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


class _PerAxis(Kind):
    """A value for every spatial axis, or one for all; kept as a tuple of one or of all."""

    per_axis = True

    def resolve(self, value: Any, axes: int) -> Any:
        if len(value) == axes:
            return value
        if len(value) == 1:
            return value * axes
        plural = "axis" if axes == 1 else "axes"
        raise Refusal(
            f"has {len(value)} values, and the input has {axes} spatial {plural}",
            code="axes",
            help=f"give one value, or {axes}" if axes > 1 else "give one value",
        )

    def show(self, value: Any) -> Any:
        return value[0] if len(value) == 1 else list(value)


def _one_or_list(one: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a value, or a list of such."""
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


class EachAxis(_PerAxis):
    """A whole number for every spatial axis, or one for all."""

    metavar = "N[,N…]"
    symbolic = True

    def __init__(self, minimum: int) -> None:
        self.one = Whole(minimum)
        self.expected = f"{self.one.expected}, or a list with one for each spatial axis"

    def read(self, value: Any) -> tuple[int, ...] | None:
        # A list or a number is near enough that its items are refused, each by itself.
        if isinstance(value, (list, tuple)):
            return tuple(map(self.one.parse, value)) or None
        return (self.one.parse(value),) if is_number(value) else None

    def schema(self) -> dict[str, Any]:
        return _one_or_list(self.one.schema())


class KeptOrEachAxis(EachAxis):
    """A size for every spatial axis, null where it is the input's; or one for all."""

    nulls = True

    def __init__(self) -> None:
        super().__init__(1)
        self.expected = (
            f"{self.one.expected}, or a list with one for each spatial axis, null for one that"
            " keeps its size"
        )

    def read(self, value: Any) -> tuple[Any, ...] | None:
        if not isinstance(value, (list, tuple)):
            return super().read(value)
        return tuple([None if item is None else self.one.parse(item) for item in value]) or None

    def show(self, value: Any) -> Any:
        return list(value) if None in value else super().show(value)

    def schema(self) -> dict[str, Any]:
        size = self.one.schema()
        item = {"anyOf": [size, {"type": "null"}]}
        return {"anyOf": [size, {"type": "array", "items": item, "minItems": 1}]}


class Pads(_PerAxis):
    """Padding: a number, one per axis, a pair per axis, or a rule's name."""

    words = ("same", "same_lower", "valid")
    symbolic = True
    size = Whole(0)

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        sizes = (
            "a whole number, 0 or more, or a list with one (or a [before, after] pair) for each"
            " spatial axis"
        )
        one_of = "one of " if len(self.offered) > 1 else ""
        self.expected = f"{sizes}, or {one_of}{listed(self.offered)}"
        self.metavar = "|".join(["N[,N…]", *self.offered])

    def read(self, value: Any) -> tuple[tuple[int, ...], ...] | str | None:
        if isinstance(value, str):
            return value if value in self.words else None
        items = value if isinstance(value, (list, tuple)) and value else [value]
        return tuple(self._pair(item, value) for item in items)

    def _pair(self, item: Any, value: Any) -> tuple[int, ...]:
        pair = item if isinstance(item, (list, tuple)) else (item, item)
        sizes = tuple(self.size.parse(size) for size in pair if is_number(size))
        if not len(pair) == len(sizes) == 2:
            raise self.refuse(value)
        return sizes

    def resolve(self, value: Any, axes: int) -> Any:
        if value == "valid":
            return ((0, 0),) * axes
        return value if isinstance(value, str) else super().resolve(value, axes)

    def show(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        if any(before != after for before, after in value):
            return [list(pair) for pair in value]
        return super().show([before for before, _ in value])

    def schema(self) -> dict[str, Any]:
        size = self.size.schema()
        pair = {"type": "array", "items": size, "minItems": 2, "maxItems": 2}
        sizes = {"type": "array", "items": {"anyOf": [size, pair]}, "minItems": 1}
        return {"anyOf": [{"enum": list(self.offered)}, size, sizes]}


class Margins(Pads):
    """Padding of which a negative amount cuts off; no size of the output stands for it."""

    size = Place()

    def __init__(self) -> None:
        super().__init__("same", "same_lower")
        self.expected = (
            "a whole number (a negative one cuts off), or a list with one (or a [before, after]"
            " pair) for each spatial axis"
        )


class Truth(Kind):
    """true or false."""

    expected = "true or false"
    metavar = "true|false"

    def read(self, value: Any) -> bool | None:
        return value if isinstance(value, bool) else None

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Real(Kind):
    """A finite number, within bounds."""

    metavar = "X"

    def __init__(self, minimum: float = -math.inf, maximum: float = math.inf) -> None:
        self.minimum = minimum
        self.maximum = maximum
        bounded = math.isfinite(minimum) or math.isfinite(maximum)
        self.expected = f"a number from {minimum:g} to {maximum:g}" if bounded else "a number"

    def read(self, value: Any) -> float | None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        finite = abs(value) <= sys.float_info.max
        return value if finite and self.minimum <= value <= self.maximum else None

    def show(self, value: Any) -> float | str:
        # Equal numbers look the same, so that equal layers do.
        return str(value.value) if value is OPEN else float(value)

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": "number", **{k: v for k, v in bounds.items() if not math.isinf(v)}}


class Factors(_PerAxis):
    """A positive factor for every spatial axis, or one for all."""

    expected = "a positive number, or a list with one for each spatial axis"
    metavar = "X[,X…]"

    def read(self, value: Any) -> tuple[float, ...] | None:
        items = value if isinstance(value, (list, tuple)) and value else [value]
        factors = [Real().read(item) for item in items]
        positive = [factor for factor in factors if factor is not None and factor > 0]
        return tuple(positive) if len(positive) == len(items) else None

    def show(self, value: Any) -> Any:
        return super().show([int(factor) if factor == int(factor) else factor for factor in value])

    def schema(self) -> dict[str, Any]:
        return _one_or_list({"type": "number", "exclusiveMinimum": 0})


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

    def read(self, value: Any) -> str | None:
        return value if isinstance(value, str) and value in self.words else None

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


class Text(Kind):
    """A plain text, which every layer of a kind repeats."""

    most = 200
    expected = f"a text of 1 to {most} characters"
    metavar = "TEXT"
    takes_text = True

    def read(self, value: Any) -> str | None:
        is_one = isinstance(value, str) and value.strip() and len(value) <= self.most
        return value if is_one else None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"\S", "maxLength": self.most}


class Numbers(Kind):
    """A list of whole numbers, `minimum` at least each."""

    metavar = "N,N…"
    has_sizes = True

    def __init__(self, minimum: int) -> None:
        self.one = Whole(minimum)
        self.expected = f"a list of whole numbers, {minimum} or more"

    def read(self, value: Any) -> tuple[int, ...] | None:
        items = value if isinstance(value, (list, tuple)) else ()
        numbers = [number for item in items if (number := self.one.read(item)) is not None]
        return tuple(numbers) if numbers and len(numbers) == len(items) else None

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.one.schema(), "minItems": 1}


class TensorShape(Kind):
    """The sizes of a tensor, channels first: of one axis to as many as there are at the most."""

    metavar = "N,N…"
    has_sizes = True
    one = Whole(1)
    expected = f"a list of 1 to {MOST_AXES} sizes, 1 or more each"

    def read(self, value: Any) -> tuple[int, ...] | None:
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= MOST_AXES:
            return None
        # A list is near enough that its items are refused, each by itself.
        return tuple(map(self.one.parse, value))

    def schema(self) -> dict[str, Any]:
        items = self.one.schema()
        return {"type": "array", "items": items, "minItems": 1, "maxItems": MOST_AXES}


class TensorShapes(Kind):
    """The sizes of several tensors, or of none."""

    expected = "a list of shapes, each a list of sizes: [[64, 3], [64]]"
    metavar = "[N,N…],…"
    has_sizes = True
    one = TensorShape()

    def read(self, value: Any) -> tuple[tuple[int, ...], ...] | None:
        items = value if isinstance(value, (list, tuple)) else [None]
        found = [sizes for item in items if (sizes := self.one.read(item)) is not None]
        return tuple(found) if len(found) == len(items) else None

    def show(self, value: Any) -> Any:
        return [list(sizes) for sizes in value]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.one.schema()}


class Axis(Kind):
    """An axis of the (first) input: 0 for the channels; negative from the end, -1 for the last.

    Placed, it is counted from 0.
    """

    expected = "a whole number: 0 for the channels, -1 for the last axis"
    metavar = "N"

    def read(self, value: Any) -> int | None:
        return whole(value)

    def resolve(self, value: Any, axes: int) -> int:
        count = axes + 1
        if not -count <= value < count:
            ends = f"from 0 to {axes}, or from -1 to -{count} from the end" if axes else "0 or -1"
            raise Refusal(
                f"must be {ends}, on an input of {count} ax{'es' if axes else 'is'}, not {value}",
                code="axis",
            )
        return int(value) % count

    def schema(self) -> dict[str, Any]:
        return {"type": "integer"}


class Axes(Kind):
    """Different axes of the (first) input, in an order; see `Axis`."""

    expected = "a list of axes: 0 for the channels, -1 for the last"
    metavar = "N,N…"
    one = Axis()

    def read(self, value: Any) -> tuple[int, ...] | None:
        items = value if isinstance(value, (list, tuple)) else ()
        numbers = [number for item in items if (number := self.one.read(item)) is not None]
        return tuple(numbers) if numbers and len(numbers) == len(items) else None

    def resolve(self, value: Any, axes: int) -> tuple[int, ...]:
        resolved: dict[int, int] = {}
        for number in value:
            axis = self.one.resolve(number, axes)
            if axis in resolved:
                both = f"{resolved[axis]} and {number}" if number != axis else f"{axis} twice"
                raise Refusal(f"must be different axes, and has {both}", code="axis")
            resolved[axis] = number
        return tuple(resolved)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.one.schema(), "minItems": 1}


class CountOrNumbers(Kind):
    """A count, or a list of sizes; kept as a tuple (of one: the count)."""

    expected = "a whole number, 2 or more, or a list of sizes, 1 or more each"
    metavar = "N[,N…]"
    has_sizes = True
    count = Whole(2)
    sizes = Numbers(1)

    def read(self, value: Any) -> int | tuple[int, ...] | None:
        is_list = isinstance(value, (list, tuple))
        return self.sizes.read(value) if is_list else self.count.read(known(value))

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.count.schema(), self.sizes.schema()]}


class Optional(Kind):
    """Another kind, or left out."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.words = kind.words
        self.refused = kind.refused
        self.expected = kind.expected
        self.metavar = kind.metavar
        self.symbolic = kind.symbolic
        self.per_axis = kind.per_axis

    def parse(self, value: Any) -> Any:
        return None if value is None else self.kind.parse(value)

    def resolve(self, value: Any, axes: int) -> Any:
        return None if value is None else self.kind.resolve(value, axes)

    def show(self, value: Any) -> Any:
        return None if value is None else self.kind.show(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.kind.schema(), {"type": "null"}]}


Count = Annotated[int, Whole(1)]
WholeNumber = Annotated[int, Whole(0)]
PerAxis = Annotated[tuple[int, ...], EachAxis(1)]
PerAxisFromZero = Annotated[tuple[int, ...], EachAxis(0)]
Padding = Annotated["tuple[tuple[int, int], ...] | str", Pads()]
#: Cells taken off what a layer makes, whose size no rule follows from.
Cut = Annotated["tuple[tuple[int, int], ...] | str", Pads("same", "same_lower")]
Flag = Annotated[bool, Truth()]
Number = Annotated[float, Real()]
#: The sizes of one tensor, and of several.
OneShape = Annotated[tuple[int, ...], TensorShape()]
SomeShapes = Annotated[tuple[tuple[int, ...], ...], TensorShapes()]
#: An axis of the input, and several that differ.
OneAxis = Annotated[int, Axis()]
SomeAxes = Annotated[tuple[int, ...], Axes()]
Rate = Annotated[float, Real(0, 1)]
