"""What a layer type is: its fields and its rules in one class, and the registry of all of them."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from convcalc.arithmetic import Refusal, product, require
from convcalc.layers.fields import SHORT_NAMES, Kind
from convcalc.shape import Shape

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        """What type checkers are told; nothing at run time."""
        return lambda decorator: decorator


class Weight(NamedTuple):
    """A named tensor that a layer owns. `trainable` is false for running statistics."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True

    @property
    def size(self) -> int:
        """The number of elements."""
        return product(self.shape)


class Operations(NamedTuple):
    """Primitive operations of one layer on one sample, counted by kind.

    `macs` products are summed up in `sums` sums, so they cost `macs` multiplications and
    `macs − sums` additions (n products need n − 1). `bias` are the additions of a bias. The rest
    are operations elsewhere: one each for every element that they are done on. A change of sign is
    free.
    """

    macs: int = 0
    sums: int = 0
    bias: int = 0
    mul: int = 0
    add: int = 0
    cmp: int = 0
    div: int = 0
    exp: int = 0
    log: int = 0
    sqrt: int = 0
    erf: int = 0

    def times(self, factor: int) -> Operations:
        """The operations of `factor` samples."""
        return Operations(*[count * factor for count in self])

    def plus(self, other: Operations) -> Operations:
        """Both, one after the other."""
        return Operations(*[a + b for a, b in zip(self, other)])

    def primitives(self) -> dict[str, int]:
        """The arithmetic operations by kind, `mul` and `add` with those of the sums of products."""
        counts = {
            "mul": self.macs + self.mul,
            "add": self.macs - self.sums + self.bias + self.add,
            **{name: getattr(self, name) for name in ("cmp", "div", "exp", "log", "sqrt", "erf")},
        }
        return {name: count for name, count in counts.items() if not _is_zero(count)}


NOTHING = Operations()


def _is_zero(count: Any) -> bool:
    return isinstance(count, int) and count == 0


class Field(NamedTuple):
    """A field of a layer type, as the language, the command line and the documentation see it."""

    name: str
    short: str | None
    kind: Kind
    required: bool
    default: Any
    description: str


class Layer:
    """A layer type. A subclass is a frozen dataclass once it is looked up; see `layer`.

    The engine calls `output_shapes`, `tensors` and `counts`; types of one input write
    `output_shape`, `weights` and `operations` instead (`Unary`), types that join several inputs
    likewise (`Join`).
    """

    type: ClassVar[str]
    #: What `--group-by kind` calls it, where the type has one kind; else see `kind`.
    family: ClassVar[str] = ""
    #: How many inputs it takes; None: two or more.
    arity: ClassVar[int | None] = 1
    #: Spatial axes of the inputs that it takes, fewest and most.
    axes: ClassVar[tuple[int, int]] = (0, 3)
    #: How many spatial axes one number stands for where a person gives an input as `128`.
    natural_axes: ClassVar[int] = 2

    def __new__(cls, **_: Any) -> Self:
        # Making a dataclass of each of sixty classes takes a third of a short run, which uses six.
        _finished(cls)
        return super().__new__(cls)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shapes of the outputs. Raises Refusal."""
        raise NotImplementedError

    def tensors(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        """The tensors that it owns."""
        return iter(())

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operations:
        """The primitive operations for one sample."""
        return NOTHING

    def kind(self, inputs: tuple[Shape, ...]) -> str:
        """What it is to a reader of resource tables: `pointwise conv`, `dense`, `activation`."""
        return self.family or self.type

    def resolved(self, inputs: tuple[Shape, ...]) -> Layer:
        """The layer with a value for every spatial axis in its per-axis fields. Raises Refusal."""
        return resolve(self, len(inputs[0]) - 1)

    def config(self) -> dict[str, Any]:
        """Field name to value, as JSON has them."""
        return {
            field.name: field.kind.show(getattr(self, field.name))
            for field in fields_of(type(self))
        }


class Unary(Layer):
    """A layer of one input."""

    def output_shape(self, x: Shape) -> Shape:
        """The shape of the output. Raises Refusal."""
        return x

    def weights(self, x: Shape) -> Iterator[Weight]:
        """The tensors that it owns; parameters are their sizes, summed."""
        return iter(())

    def operations(self, x: Shape, y: Shape) -> Operations:
        """The primitive operations for one sample."""
        return NOTHING

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (self.output_shape(*inputs),)

    def tensors(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        return self.weights(*inputs)

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operations:
        return self.operations(*inputs, *outputs)


class Join(Layer):
    """A layer that joins several inputs into one output, and owns nothing."""

    arity = None
    family = "join"

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """The shape of the output. Raises Refusal."""
        raise NotImplementedError

    def operations(self, inputs: tuple[Shape, ...], y: Shape) -> Operations:
        """The primitive operations for one sample."""
        return NOTHING

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (self.output_shape(inputs),)

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operations:
        return self.operations(inputs, *outputs)


#: Every layer type by its name and its other spellings, as registered.
TYPES: dict[str, type[Layer]] = {}
_L = TypeVar("_L", bound=Layer)
_T = TypeVar("_T")


def per_type(function: Callable[[type[_L]], _T]) -> Callable[[type[_L]], _T]:
    """`functools.cache` for functions of a layer type: each is worked out once."""
    known: dict[type[_L], _T] = {}

    @wraps(function)
    def remembered(cls: type[_L]) -> _T:
        if cls not in known:
            known[cls] = function(cls)
        return known[cls]

    return remembered


@dataclass_transform(frozen_default=True, kw_only_default=True)
def layer(name: str, *aliases: str) -> Callable[[type[_L]], type[_L]]:
    """Register a class as the layer type `name`.

    It becomes a frozen dataclass when it is first looked up (`find`) or instantiated.
    """

    def register(cls: type[_L]) -> type[_L]:
        for each in (name, *aliases):
            if each in TYPES:
                raise ValueError(f"two layer types are called {each!r}")
            TYPES[each] = cls
        cls.type = name
        return cls

    return register


def names() -> list[str]:
    """The names of all layer types, in alphabetical order, other spellings left out."""
    return sorted(name for name, cls in TYPES.items() if cls.type == name)


@cache
def find(name: str) -> type[Layer]:
    """The layer type of a name. Raises KeyError where there is none."""
    return _finished(TYPES[name])


@per_type
def _finished(cls: type[Layer]) -> type[Layer]:
    for base in cls.__mro__[1:]:
        if base is not Layer and issubclass(base, Layer) and "__annotations__" in base.__dict__:
            _finished(base)
    return dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)


@per_type
def fields_of(cls: type[Layer]) -> tuple[Field, ...]:
    """The fields of a layer type: those that must be given, then the others, as declared."""
    hints = typing.get_type_hints(cls, include_extras=True)
    texts = descriptions(cls)
    result = []
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        (kind,) = (part for part in hints[field.name].__metadata__ if isinstance(part, Kind))
        short = short_name(field.name)
        required = field.default is dataclasses.MISSING
        default = None if required else field.default
        result.append(Field(field.name, short, kind, required, default, texts.get(field.name, "")))
    return tuple(sorted(result, key=lambda field: not field.required))


def short_name(field: str) -> str | None:
    """The short name of a field; None where it has none."""
    return next((short for short, names in SHORT_NAMES.items() if field in names), None)


@per_type
def canonical_names(cls: type[Layer]) -> Mapping[str, str]:
    """Every name that a spec may use for a field of a layer type, to its canonical name."""
    fields = fields_of(cls)
    shorts = {field.short: field.name for field in fields if field.short}
    return {**{field.name: field.name for field in fields}, **shorts}


def summary(cls: type[Layer]) -> str:
    """The first sentence of a layer type's documentation."""
    return " ".join(_documentation(cls).split("\n\n")[0].split())


def details(cls: type[Layer]) -> str:
    """What a layer type's documentation says after the first sentence; empty for nothing."""
    for paragraph in _documentation(cls).split("\n\n")[1:]:
        if not re.match(r"\w+: ", paragraph):
            return " ".join(paragraph.split())
    return ""


def example(cls: type[Layer]) -> tuple[str, str] | None:
    """A layer type's example: the line of a spec, and the input (`3x32x32`) that it stands on."""
    found = re.search(r"Example: `- (.+)` on `(.+)`", _documentation(cls))
    return (found[1], found[2]) if found else None


def descriptions(cls: type) -> dict[str, str]:
    """Field name to text: the lines `name: text` in the documentation of a class and its bases."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        paragraphs = re.findall(r"^(\w+): (.+(?:\n    .+)*)", _documentation(base), re.MULTILINE)
        texts |= {name: " ".join(text.split()) for name, text in paragraphs if name != "Example"}
    return texts


def _documentation(cls: type) -> str:
    """A class's own documentation, without its indentation (Python 3.13 strips that itself)."""
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "")


@lru_cache(maxsize=65536)
def resolve(layer: Layer, axes: int) -> Layer:
    """`layer` with its per-axis fields spread over `axes` spatial axes. Raises Refusal."""
    fewest, most = layer.axes
    require(
        fewest <= axes <= most,
        "{type} takes an input with {wanted}, and this one has {axes}",
        code="input-axes",
        help=lambda: (
            "`flatten` makes a flat tensor"
            if most == 0
            else "`reshape: {{shape: [C, H, W]}}` gives a flat tensor its axes back"
            if axes == 0
            else ""
        ),
        type=layer.type,
        wanted=_axes_text(fewest, most),
        axes="none" if axes == 0 else axes,
    )
    changes = {}
    for field in fields_of(type(layer)):
        value = getattr(layer, field.name)
        try:
            new = field.kind.resolve(value, axes)
        except Refusal as refusal:
            refusal.field = field.name
            refusal.message = f"{field.name} {refusal.message}"
            raise
        if new is not value:
            changes[field.name] = new
    return dataclasses.replace(layer, **changes) if changes else layer  # type: ignore[type-var]


def _axes_text(fewest: int, most: int) -> str:
    if (fewest, most) == (0, 0):
        return "no spatial axes"
    if fewest == most:
        return f"{fewest} spatial ax{'is' if fewest == 1 else 'es'}"
    return f"{fewest} to {most} spatial axes"
