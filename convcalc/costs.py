"""What is counted: the registry of figures, and the figures of one or more layers together.

A figure is worked out here and nowhere else; rows, totals, groups, explanations and every output
format read it. To add one, register it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.arithmetic import greatest
from convcalc.frozen import FrozenDict
from convcalc.graph import Node
from convcalc.layers.base import Placed, Storage, Weight
from convcalc.steps import Settings


def summed(values: Iterable[Any]) -> Any:
    """The sum of numbers; None where one is None, because a tool has none."""
    total: Any = 0
    for value in values:
        if value is None:
            return None
        total = total + value
    return total


def merged(tables: Iterable[Mapping[str, Any] | None]) -> FrozenDict[str, Any] | None:
    """The sum of tables of numbers, name by name; None where one is None."""
    total: dict[str, Any] = {}
    for table in tables:
        if table is None:
            return None
        for name, number in table.items():
            total[name] = total[name] + number if name in total else number
    return FrozenDict(total)


def common(values: Iterable[Any]) -> Any:
    """What all have in common; None where they differ, or there are none."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def largest(values: Iterable[Any]) -> Any:
    """The largest of numbers, those left out that are None; None where no number is left."""
    known = [value for value in values if value is not None]
    return greatest(known) if known else None


def _times(number: Any, samples: Any) -> Any:
    return number * samples


def _times_each(table: Mapping[str, Any], samples: Any) -> FrozenDict[str, Any]:
    return FrozenDict((name, number * samples) for name, number in table.items())


def unchanged(value: Any, samples: Any) -> Any:
    """What does not grow with the samples: parameters, a word."""
    return value


class Figure(NamedTuple):
    """One thing that is counted: its name for programs and for people, and its arithmetic.

    `read` is its value for a layer and one sample; None where a convention or a pass says it.
    `costs`: it is of what a layer computes, so that it is None for one whose operations are not
    known, and sums are of those that are known.
    `total` is how the values of several layers become one, of those whose figures `counts` says
    count there; `times` is how a value for one sample becomes that of many (`unchanged`, where it
    does not grow). What is no `column` stands in rows of JSON alone; what is not `numeric` is a
    word. People are told one that is `rare` where it is not 0. `meaning` is what a legend says of
    it, with `{dtype}` for the type of a number. `of_steps`: it goes by what runs, and so by whether
    batch norms and activations are fused.
    """

    key: str
    title: str
    unit: str = ""
    read: Callable[[Placed], Any] | None = None
    total: Callable[[Iterable[Any]], Any] = summed
    times: Callable[[Any, Any], Any] = _times
    column: bool = True
    numeric: bool = True
    rare: bool = False
    meaning: str = ""
    costs: bool = False
    of_steps: bool = False
    counts: Callable[[Figures], bool] | None = None

    @property
    def is_sum(self) -> bool:
        """Whether several layers' is the sum of theirs, so that each has a share of the whole."""
        return self.total in (summed, merged)


#: Every figure by its key, in the order in which they are printed.
FIGURES: dict[str, Figure] = {}


#: Keys that a row has for something else.
_TAKEN = frozenset(
    (
        *("name", "type", "kind", "block", "group", "network", "nodes", "inputs", "input_shapes"),
        *("output_shape", "output_shapes", "config", "weights", "groups", "counts", "uncounted"),
        "weights_of",
        *("figures", "depth", "count", "index", "kernel", "stride", "padding", "dilation"),
        *("input", "output", "family", "source", "preset", "variables"),
    )
)


def register(*figures: Figure) -> None:
    """Add figures to those that are counted. Raises ValueError for a key that is taken."""
    for figure in figures:
        if figure.key in FIGURES or figure.key in _TAKEN or hasattr(Figures, figure.key):
            raise ValueError(f"{figure.key!r} is the name of something else already")
        FIGURES[figure.key] = figure


class Figures(FrozenDict[str, Any]):
    """The figures of a layer, or of several together: key to value. Immutable.

    `a + b` are those of both, `a * n` those for n samples. A key is an attribute too.
    """

    __slots__ = ()

    def __getattr__(self, key: str) -> Any:
        if key not in self:
            raise AttributeError(f"there is no figure {key!r}")
        return self[key]

    def __add__(self, other: Figures) -> Figures:
        return Figures.sum((self, other), self)

    def __mul__(self, samples: Any) -> Figures:
        if samples == 1:
            return self
        return Figures(
            {
                key: None if value is None else FIGURES[key].times(value, samples)
                for key, value in self.items()
            }
        )

    @classmethod
    def sum(cls, several: Sequence[Figures], keys: Iterable[str]) -> Figures:
        """Those of several together, or of none, what nothing costs: the figures `keys`."""
        known = [each for each in several if not each.are_unknown] or several

        def total(figure: Figure) -> Any:
            among = known if figure.costs else several
            if figure.counts is not None:
                among = [each for each in among if figure.counts(each)]
            return figure.total([each[figure.key] for each in among])

        return cls({key: total(FIGURES[key]) for key in keys})

    @property
    def are_unknown(self) -> bool:
        """Whether what they cost is known of no layer that they are of."""
        unknown: int = self.get("unknown", 0)
        return unknown > 0 and unknown == self["layers"]

    @property
    def are_partial(self) -> bool:
        """Whether what they cost is known of some layers that they are of, and not of all."""
        return bool(self.get("unknown")) and not self.are_unknown

    def joined(self, others: Mapping[str, Any], keys: Iterable[str]) -> Figures:
        """These and `others`, in the order of `keys`."""
        both = {**self, **others}
        return Figures({key: both[key] for key in keys})

    def columns(self) -> dict[str, Any]:
        """Those that are a number each, which totals and tables have."""
        return {key: value for key, value in self.items() if FIGURES[key].column}

    def without(self, key: str) -> dict[str, Any]:
        """All but one, as JSON has them."""
        rest = dict(self)
        del rest[key]
        for each, value in rest.items():
            if type(value) is FrozenDict:
                rest[each] = dict(value)
        return rest


def measured(placed: Placed, keys: Iterable[str]) -> Figures:
    """Those of the figures `keys` that a layer is asked for itself, for one sample."""
    reads = ((key, FIGURES[key].read) for key in keys)
    return Figures({key: read(placed) for key, read in reads if read is not None})


def in_order(others: Iterable[str]) -> list[str]:
    """The figures that a layer is asked for itself, and `others`, in the order of printing."""
    said = set(others)
    return [key for key, figure in FIGURES.items() if figure.read is not None or key in said]


def params(placed: Placed) -> int:
    """Parameters: the sizes of the tensors that a layer owns and that are learned.

    Those that it uses of another layer count there.
    """
    return learned(placed.weights)


def frozen(placed: Placed) -> int:
    """Those of the parameters that training leaves as they are."""
    return params(placed) if placed.frozen else 0


def learned(tensors: Iterable[Weight]) -> int:
    """The elements of those tensors that are learned, running statistics left out."""
    return sum([tensor.size for tensor in tensors if tensor.trainable])


def buffers(placed: Placed) -> int:
    """Elements of the running statistics that a layer owns."""
    return running(placed.weights)


def running(tensors: Iterable[Weight]) -> int:
    """The elements of those tensors that are running statistics."""
    return sum([tensor.size for tensor in tensors if not tensor.trainable])


def weight_bytes(node: Node, settings: Settings) -> int:
    """The bytes of the tensors that a layer owns, running statistics included.

    Raises ConvcalcError for an unknown type of number.
    """
    return (params(node.placed) + buffers(node.placed)) * settings.width_of(node)


def activations(placed: Placed) -> int:
    """Elements of the outputs, but of what is only its input seen otherwise, or a weight."""
    if placed.storage in _NOT_MADE:
        return 0
    return sum([shape.size for shape in placed.outputs])


#: Where an output is kept that is a tensor already.
_NOT_MADE = (Storage.VIEW, Storage.WEIGHT)


def macs(placed: Placed) -> int | None:
    """Multiply–accumulates; None where they are not known."""
    return None if placed.operations is None else placed.operations.macs


def known_macs(layers: Iterable[Placed]) -> int | None:
    """The multiply–accumulates of those layers of which they are known; None where of none."""
    every = [macs(placed) for placed in layers]
    known: int | None = summed([each for each in every if each is not None] or every)
    return known


def operations(placed: Placed) -> FrozenDict[str, int] | None:
    """The primitive operations by kind; None where they are not known."""
    return placed.primitives


register(
    Figure("layers", "Layers", read=lambda placed: 1, times=unchanged),
    Figure("params", "Params", read=params, times=unchanged),
    Figure(
        "frozen",
        "Frozen",
        read=frozen,
        times=unchanged,
        rare=True,
        meaning="Frozen: the parameters that are not trained.",
    ),
    Figure("buffers", "Buffers", read=buffers, times=unchanged),
    Figure(
        "macs",
        "MACs",
        read=macs,
        meaning="1 MAC is one multiplication and one addition of a convolution, a linear layer or a"
        " matrix product, biases left out.",
        costs=True,
    ),
    Figure("flops", "FLOPs", costs=True),
    Figure(
        "operations",
        "Operations",
        read=operations,
        total=merged,
        times=_times_each,
        column=False,
        costs=True,
    ),
    Figure(
        "activations",
        "Activations",
        read=activations,
        meaning="Activations: the elements that every layer makes, summed, normalisations and"
        " activations included, views left out.",
    ),
    Figure(
        "unknown",
        "Unknown",
        read=lambda placed: int(placed.operations is None),
        times=unchanged,
        meaning="Unknown: layers whose operations are not known.",
    ),
)
