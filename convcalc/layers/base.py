"""What a layer type is: its fields and its rules in one class, and the registry of all of them."""

from __future__ import annotations

import dataclasses
import inspect
import threading
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache, cached_property, lru_cache, wraps
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from convcalc.arithmetic import Refusal, product, require
from convcalc.frozen import FrozenDict, frozen
from convcalc.layers.fields import SHORT_NAMES, Kind
from convcalc.layers.keeping import NOTHING_KEPT, Kept, Wanted
from convcalc.reach import Sight, in_place, reach_back, reach_of, sight_of, whole
from convcalc.shape import MOST_AXES, Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        """What type checkers are told; nothing at run time."""
        return lambda decorator: decorator


class Weight(NamedTuple):
    """A named tensor of a layer. `trainable` is false for running statistics."""

    name: str
    shape: tuple[int, ...]
    trainable: bool = True

    @property
    def size(self) -> int:
        """The number of elements."""
        return product(self.shape)


#: The kinds of primitive operations.
PRIMITIVES = ("mul", "add", "cmp", "div", "exp", "log", "sqrt", "erf")


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
        macs, sums, bias, mul, add, *others = self
        counts = (macs + mul, macs - sums + bias + add, *others)
        return {
            name: n for name, n in zip(PRIMITIVES, counts) if not (isinstance(n, int) and n == 0)
        }


NOTHING = Operations()
#: What stands for the input of a layer that takes none.
NO_INPUT = Shape(0)


class Field(NamedTuple):
    """A field of a layer type, as the language, the command line and the documentation see it."""

    name: str
    short: str | None
    kind: Kind
    required: bool
    default: Any
    description: str


class Stated(NamedTuple):
    """A field that says what is known of the input anyway, as PyTorch's modules are told.

    A spec may have it, and it is checked; a layer does not keep it, and nothing is counted by it.
    """

    field: Field
    #: What it counts, in a message: "input channel". Empty where that is all that is normalised.
    noun: str
    #: What is so, of a layer and the shape of its input; None where that has nothing of it.
    known: Callable[[Any, Shape], Any]
    #: The cure for a value that is not so, where it is a special one.
    cure: Callable[[Any, Shape, Any], str]


def _no_cure(layer: Any, x: Shape, value: Any) -> str:
    return ""


def stated(
    name: str,
    kind: Kind,
    noun: str,
    known: Callable[[Any, Shape], Any],
    description: str,
    cure: Callable[[Any, Shape, Any], str] = _no_cure,
) -> Stated:
    """A field that is only checked; see `Stated`."""
    return Stated(Field(name, short_name(name), kind, False, None, description), noun, known, cure)


class Letter(NamedTuple):
    """A letter for a size in formulas, and what it is."""

    name: str
    meaning: str


class Storage(Enum):
    """Where a layer's output is kept."""

    #: In memory of its own.
    OWN = "own"
    #: In the place of an input, where one ends there that is large enough.
    IN_PLACE = "in place"
    #: Its input is its output, seen otherwise.
    VIEW = "view"
    #: A tensor that it owns is its output.
    WEIGHT = "weight"


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Layer:
    """A layer type. A subclass is a frozen dataclass once it is looked up; see `layer`.

    An instance is what a spec says: its fields, where one value may stand for every axis. `placed`
    puts it on inputs, and only what is placed is asked for shapes, tensors and operations; the
    rules that answer are `output_shapes`, `owned`, `counts`, `windows` and `sights`. Types of one
    input write `output_shape`, `weights` and `operations` instead (`Unary`), types that join
    several inputs likewise (`Join`).
    """

    type: ClassVar[str]
    #: Which types it is one of: `activation`, `pooling`. Conventions and readers go by it.
    family: ClassVar[str] = "other"
    #: Whether it computes nothing: it only passes, moves or holds numbers, as `flatten`, `concat`
    #: and `parameter` do.
    moves: ClassVar[bool] = False
    #: Whether its windows slide along the output, and its input is what they make.
    transposed: ClassVar[bool] = False
    #: Whether it is an attention, whose parts some tools count otherwise than such layers alone.
    attends: ClassVar[bool] = False
    #: Whether it is a sum of products into which what scales or cuts off each of its outputs can be
    #: worked, so that this is no step of its own.
    absorbs: ClassVar[bool] = False
    #: Whether it does the same to each element alone, or to all of a channel, and nothing else: it
    #: vanishes into a layer before it that absorbs it.
    vanishes: ClassVar[bool] = False
    #: Whether PyTorch has no module for it: it is an operator, a method or a tensor in the code of
    #: another, where tools that look at modules do not see it.
    inline: ClassVar[bool] = False
    #: How many inputs it takes; None: `fewest_inputs` or more.
    arity: ClassVar[int | None] = 1
    #: Spatial axes of the inputs that it takes, fewest and most.
    spatial_axes: ClassVar[tuple[int, int]] = (0, MOST_AXES - 1)
    #: Fields that may be left out, but not all of them.
    one_of: ClassVar[tuple[str, ...]] = ()
    #: The fields of a spec that are only checked.
    stated: ClassVar[tuple[Stated, ...]] = ()
    #: How many spatial axes one number stands for where a person gives an input as `128`.
    natural_axes: ClassVar[int] = 2
    #: How many of the last axes differ between its inputs where nobody gives a size of them.
    own_axes: ClassVar[int] = 0

    def __new__(cls, **_: Any) -> Self:
        # Making a dataclass of every class takes a third of a short run, which uses six of them.
        _finished(cls)
        return super().__new__(cls)

    # For all types at once: a dataclass would compile both for each.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *vars(self).values()))

    def placed(self, inputs: tuple[Shape, ...]) -> Placed:
        """The layer on its inputs. Raises Refusal where they do not fit it."""
        return _placed(self, inputs)

    def fewest_inputs(self) -> int:
        """How many inputs it takes, at the least."""
        return 2 if self.arity is None else self.arity

    def require_inputs(self, count: int) -> None:
        """Refuse more or fewer inputs than it takes. Raises Refusal."""
        if self.arity is None:
            require(
                count >= self.fewest_inputs(),
                "{type} {takes}, and gets {count}",
                code="input-count",
                help="name them: `from: [a, b]`",
                takes="joins two tensors or more"
                if self.fewest_inputs() == 2
                else "takes one tensor or more",
                type=self.type,
                count=count,
            )
        elif self.arity == 0:
            require(
                count == 0,
                "{type} takes no tensor: nothing enters it, and {count} {tensors} given",
                code="input-count",
                field="from",
                help="leave `from` out",
                type=self.type,
                count=count,
                tensors="tensor is" if count == 1 else "tensors are",
            )
        else:
            require(
                count == self.arity,
                "{type} takes {wanted}, and gets {count}",
                code="input-count",
                help="choose one (`from: NAME.0`), or join them with `add` or `concat`"
                if self.arity == 1
                else "name them: `from: [a, b]`",
                type=self.type,
                wanted="one tensor" if self.arity == 1 else f"{self.arity} tensors",
                count=count,
            )

    def resolved(self, field: Field, axes: int) -> Any:
        """The value of a field on an input of `axes` spatial axes. Raises Refusal."""
        return field.kind.resolve(getattr(self, field.name), axes)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shapes of the outputs. Raises Refusal."""
        raise NotImplementedError

    def owned(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        """The tensors that it owns."""
        return iter(())

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operations | None:
        """The primitive operations for one sample.

        None: what it computes, and so what it costs, is not known. Its figures are unknown then
        under every convention, and totals say that they lack it.
        """
        return NOTHING

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Its window on each spatial axis of the input `x`; empty where it slides none."""
        return ()

    def sights(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], part: int
    ) -> tuple[Sight, ...]:
        """How a cell of the output `part` sees each input."""
        return tuple(self.sight(x, outputs[part]) for x in inputs)

    def sight(self, x: Shape, y: Shape) -> Sight:
        """How a cell of an output `y` sees the input `x`.

        Unless a type says otherwise, through its windows; without these, the cell in its place, and
        of an axis whose size is another, all of it. It may say more than is seen, never less.
        """
        axes = len(x) - 1
        if len(y) - 1 != axes:
            return whole(axes)
        if windows := self.windows(x):
            return sight_of([*map(reach_back if self.transposed else reach_of, windows)])
        return in_place(x[1:], y[1:])

    def channel_groups(self, x: Shape) -> int | None:
        """The groups that it takes the channels of the input `x` in, each apart; None: in none."""
        return None

    def letters(self) -> tuple[tuple[Letter, ...], ...]:
        """Letters that formulas have for the last sizes of each input; none: as for all types."""
        return ()

    def is_in_module(self, functional: bool, attending: bool) -> bool:
        """Whether PyTorch's code for it is the call of a module, which has hooks.

        `functional`: the modelled code calls a function. `attending`: it is a part of an attention.
        """
        return not (functional or self.inline)

    def inner_elements(self, y: Shape) -> int:
        """The elements that a module within it makes on the way to its output."""
        return 0

    def storage(self, x: Shape) -> Storage:
        """Where its output is kept, its (first) input being `x`."""
        return Storage.OWN

    def needed(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], unread: int
    ) -> tuple[int, ...]:
        """The elements of each input that it cannot do without, at the least, for one sample.

        `unread` is how many of those that it makes nobody reads; 0 unless it only moves them.
        Unless a type says otherwise, it needs all of an input, and each of that is in what it
        makes.
        """
        return tuple([max(x.size - unread, 0) for x in inputs])

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        """What it keeps for its backward pass; see `convcalc.layers.keeping`.

        It is asked only where some gradient is `wanted`.
        """
        return NOTHING_KEPT

    def hands_on(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> tuple[int, ...]:
        """The inputs whose gradient is that of its output, or a part of it: no memory of its own.

        As for `kept`, that is so in PyTorch's backward pass.
        """
        return ()

    def is_trained_view(self, x: Shape) -> bool:
        """Whether its outputs are its input's memory, or parts of that, when it trains."""
        return self.storage(x) is Storage.VIEW

    def kind(self, x: Shape) -> str:
        """What it is to a reader of resource tables: `pointwise conv`, `dense`, `activation`."""
        return self.family

    @classmethod
    def owns_tensors(cls) -> bool:
        """Whether layers of the type own any tensors."""
        return cls.owned is not Layer.owned

    def config(self) -> dict[str, Any]:
        """Field name to value, as JSON has them."""
        return {
            field.name: field.kind.show(getattr(self, field.name))
            for field in fields_of(type(self))
        }


@dataclasses.dataclass(frozen=True)
class Placed:
    """A layer on its inputs: each of its per-axis fields has a value for every spatial axis.

    `inputs` and `outputs` are shapes without the batch; what it is asked is for one sample.
    `written` is the layer as the spec has it, where one number may stand for every axis. One that
    is `borrowing` works with the tensors of another layer, which owns them; what is `frozen` is not
    trained.
    """

    layer: Layer
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    written: Layer
    borrowing: bool = False
    frozen: bool = False

    @property
    def type(self) -> str:
        """The layer type."""
        return self.layer.type

    @property
    def entering(self) -> Shape:
        """The (first) input; of a layer that takes none, a tensor without an element."""
        return _first(self.inputs)

    @property
    def kind(self) -> str:
        """What it is to a reader of resource tables; see `Layer.kind`."""
        return self.layer.kind(self.entering)

    @cached_property
    def config(self) -> FrozenDict[str, Any]:
        """Field name to value, as JSON has them; a list is a tuple."""
        config: FrozenDict[str, Any] = frozen(self.layer.config())
        return config

    @cached_property
    def tensors(self) -> tuple[Weight, ...]:
        """The tensors that it works with, its own or another's."""
        return tuple(self.layer.owned(self.inputs))

    @property
    def weights(self) -> tuple[Weight, ...]:
        """The tensors that it owns."""
        return () if self.borrowing else self.tensors

    def holding(self, *, borrowing: bool, frozen: bool) -> Placed:
        """The same with tensors that are another's, or not trained; itself where it has none."""
        if not self.tensors or (borrowing, frozen) == (self.borrowing, self.frozen):
            return self
        return _holding(self, borrowing, frozen)

    @cached_property
    def operations(self) -> Operations | None:
        """The primitive operations; None where they are not known."""
        return self.layer.counts(self.inputs, self.outputs)

    @cached_property
    def primitives(self) -> FrozenDict[str, int] | None:
        """The operations by kind, those of sums of products included; None: they are not known."""
        return None if self.operations is None else FrozenDict(self.operations.primitives())

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Its window on each spatial axis; empty where it slides none."""
        return self.layer.windows(self.entering)

    @cached_property
    def sights(self) -> tuple[tuple[Sight, ...], ...]:
        """How a cell of each of its outputs sees each of its inputs."""
        inputs, outputs = self.inputs, self.outputs
        return tuple([self.layer.sights(inputs, outputs, part) for part in range(len(outputs))])

    @property
    def channel_groups(self) -> int | None:
        """The groups that it takes its channels in, each apart; None: in none."""
        return self.layer.channel_groups(self.entering)

    def kept(self, wanted_inputs: tuple[bool, ...]) -> Kept:
        """What it keeps for its backward pass, where gradients of these inputs are wanted."""
        wanted = Wanted(wanted_inputs, self.is_trained)
        if not (wanted.weights or any(wanted.inputs)):
            return NOTHING_KEPT
        return self.layer.kept(self.inputs, self.outputs, wanted)

    @cached_property
    def is_trained(self) -> bool:
        """Whether it works with tensors that are trained."""
        return not self.frozen and any(tensor.trainable for tensor in self.tensors)

    @cached_property
    def storage(self) -> Storage:
        """Where its output is kept."""
        return self.layer.storage(self.entering)


class Unary(Layer):
    """A layer of one input."""

    def output_shape(self, x: Shape) -> Shape:
        """The shape of the output. Raises Refusal."""
        return x

    def weights(self, x: Shape) -> Iterator[Weight]:
        """The tensors that it owns; parameters are their sizes, summed."""
        return iter(())

    def operations(self, x: Shape, y: Shape) -> Operations | None:
        """The primitive operations for one sample; None: they are not known."""
        return NOTHING

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (self.output_shape(*inputs),)

    def owned(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        return self.weights(*inputs)

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operations | None:
        return self.operations(*inputs, *outputs)

    @classmethod
    def owns_tensors(cls) -> bool:
        return cls.weights is not Unary.weights


class Join(Layer):
    """A layer that joins several inputs into one output, and owns nothing."""

    arity: ClassVar[int | None] = None
    inline = True
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
#: Their families; a table of rules has names of both.
_FAMILIES: set[str] = set()
_L = TypeVar("_L", bound=Layer)
_T = TypeVar("_T")


#: A class is made a dataclass in place, which two threads must not do at once.
_ONE_AT_A_TIME = threading.RLock()


def per_type(function: Callable[[type[_L]], _T]) -> Callable[[type[_L]], _T]:
    """`functools.cache` for functions of a layer type: each is worked out once."""
    known: dict[type[_L], _T] = {}

    @wraps(function)
    def remembered(cls: type[_L]) -> _T:
        if cls not in known:
            with _ONE_AT_A_TIME:
                if cls not in known:
                    known[cls] = function(cls)
        return known[cls]

    return remembered


def layer(name: str, *aliases: str) -> Callable[[type[_L]], type[_L]]:
    """Register a class as the layer type `name`.

    It becomes a frozen dataclass when it is first looked up (`find`) or instantiated.
    """

    def register(cls: type[_L]) -> type[_L]:
        for each in (name, *aliases):
            if each in TYPES or each in (_FAMILIES | {cls.family}) or cls.family in TYPES:
                raise ValueError(f"there are two layer types, or a family, called {each!r}")
            TYPES[each] = cls
        _FAMILIES.add(cls.family)
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
    return dataclasses.dataclass(frozen=True, kw_only=True, repr=False, eq=False)(cls)


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
def written_fields(cls: type[Layer]) -> tuple[Field, ...]:
    """The fields that a spec may have for a layer type: its own, and those only checked."""
    return (*fields_of(cls), *[each.field for each in cls.stated])


@per_type
def canonical_names(cls: type[Layer]) -> Mapping[str, str]:
    """Every name that a spec may use for a field of a layer type, to its canonical name."""
    fields = written_fields(cls)
    shorts = {field.short: field.name for field in fields if field.short}
    return {**{field.name: field.name for field in fields}, **shorts}


def summary(cls: type[Layer]) -> str:
    """The first sentence of a layer type's documentation."""
    return " ".join(_paragraphs(cls)[0].split())


def details(cls: type[Layer]) -> str:
    """What a layer type's documentation says after the first sentence; empty for nothing."""
    texts = (text for text in _paragraphs(cls)[1:] if not _entries(text.split("\n")[0]))
    return " ".join(next(texts, "").split())


def example(cls: type[Layer]) -> tuple[str, str] | None:
    """A layer type's example: the line of a spec, and the input (`3x32x32`) that it stands on.

    The input is empty where it takes none.
    """
    text = _entries("\n".join(_paragraphs(cls))).get("Example", "")
    line, _, shape = text.strip("`").removeprefix("- ").partition("` on `")
    return (line, shape) if line else None


def descriptions(cls: type) -> dict[str, str]:
    """Field name to text: the lines `name: text` in the documentation of a class and its bases."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for paragraph in _paragraphs(base):
            texts |= _entries(paragraph)
    return texts


def _entries(paragraph: str) -> dict[str, str]:
    """Lines `name: text`, each with the indented ones below it."""
    entries: dict[str, str] = {}
    last = ""
    for line in paragraph.split("\n"):
        name, colon, text = line.partition(": ")
        if colon and name.isidentifier():
            entries[name], last = text, name
        elif last and line.startswith("    "):
            entries[last] += f" {line.strip()}"
        else:
            last = ""
    return entries


def _paragraphs(cls: type) -> list[str]:
    """A class's own documentation, without its indentation (Python 3.13 strips that itself)."""
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "").split("\n\n")


@lru_cache(maxsize=4096)
def _placed(layer: Layer, inputs: tuple[Shape, ...]) -> Placed:
    """A layer on its inputs; equal layers on equal inputs are one. Raises Refusal."""
    layer.require_inputs(len(inputs))
    spread = _spread(layer, len(_first(inputs)) - 1)
    return Placed(spread, inputs, spread.output_shapes(inputs), layer)


def _first(inputs: tuple[Shape, ...]) -> Shape:
    return inputs[0] if inputs else NO_INPUT


@lru_cache(maxsize=4096)
def _holding(placed: Placed, borrowing: bool, frozen: bool) -> Placed:
    """One object for each such layer: what equal layers cost is known by it."""
    return dataclasses.replace(placed, borrowing=borrowing, frozen=frozen)


def require_axes(layer: Layer, axes: int) -> None:
    """Refuse an input of more or fewer spatial axes than a layer takes. Raises Refusal."""
    fewest, most = layer.spatial_axes
    require(
        fewest <= axes <= most,
        "{type} takes an input with {wanted}, and this one has {axes}",
        code="input-axes",
        help=lambda: (
            "`flatten` makes a flat tensor"
            if most == 0
            else "`reshape: {{shape: [C, H, W]}}` gives a flat tensor its axes back"
            if axes == 0
            else "`flatten: {{start_axis: {most}}}` makes one of the last axes"
            if axes > most
            else ""
        ),
        most=most,
        type=layer.type,
        wanted=_axes_text(fewest, most),
        axes="none" if axes == 0 else axes,
    )


@lru_cache(maxsize=4096)
def _spread(layer: Layer, axes: int) -> Layer:
    """`layer` with its per-axis fields spread over `axes` spatial axes. Raises Refusal."""
    require_axes(layer, axes)
    changes = {}
    for field in fields_of(type(layer)):
        value = getattr(layer, field.name)
        try:
            new = layer.resolved(field, axes)
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
