"""One layer, explained: its figures, the formula of each, and how the numbers go into it.

The layer's own rules run on symbols (`convcalc.symbolic`), so what is printed is the formula that
ran. What is not given stays a symbol. A layer of a network is explained in the same way, its
numbers those of the network; a group of one is the sum of its layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple, cast

from convcalc import conventions, layers
from convcalc.analysis import ALL, Row, analyze
from convcalc.arithmetic import Refusal, product, value_of
from convcalc.conventions.base import Convention, Place, Quantities
from convcalc.costs import FIGURES, in_order, measured
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail, require_whole
from convcalc.frozen import FrozenDict, frozen
from convcalc.graph import Builder, Graph, Node, input_tensors, whole_name_in
from convcalc.inputs import require_plain
from convcalc.layers.base import NO_INPUT, Layer, Placed
from convcalc.layers.composite import Composite
from convcalc.layers.fields import EachAxis, Kind, Pads, Whole
from convcalc.shape import Shape, Tensor
from convcalc.symbolic import Formula, Symbol, quotient, settled
from convcalc.words import counted, quoted

FORMAT = "convcalc.layer/1"

#: What a join of more inputs would print, nobody reads; and its formulas grow with each.
MOST_INPUTS = 64
#: Layers of a network that are explained at once.
MOST_PARTS = 1000

#: Fields that the literature has a letter for.
_SYMBOLS: Mapping[str, str] = {
    "kernel_size": "k",
    "stride": "s",
    "padding": "p",
    "dilation": "d",
    "groups": "g",
    "out_channels": "C_out",
    "out_features": "F_out",
}
#: Letters for spatial axes, by how many there are; more are `s1`, `s2`, …
_AXES: Mapping[int, tuple[str, ...]] = {0: (), 1: ("l",), 2: ("h", "w"), 3: ("d", "h", "w")}
#: What sizes are called: `C_in`, `H_in2` of the second input, `H_out2` of another part.
_SIZE_NAME = re.compile(r"([A-Z]\d?)_(in|out)(\d*)")
#: The letters in it.
_LETTERS: Mapping[str, str] = {
    "C": "channels",
    "F": "features",
    "L": "length",
    "D": "depth",
    "H": "height",
    "W": "width",
}
#: A number that is not given.
_ANY: Any = Symbol("")
#: What stands for a value that is not given, before it is resolved.
_OPEN: Mapping[type[Kind], Any] = {Whole: _ANY, EachAxis: (_ANY,), Pads: ((_ANY, _ANY),)}
#: The ends of an axis; of one that has no letter, and of all at once.
_ENDS: Mapping[str, tuple[str, str]] = {
    "l": ("start", "end"),
    "h": ("top", "bottom"),
    "w": ("left", "right"),
    "d": ("front", "back"),
}
_ANY_ENDS = ("before", "after")
#: What operations are called where they are told apart, and what they are.
_TERMS: Mapping[str, tuple[str, str]] = {
    "macs": ("products", "multiplications whose results are summed up"),
    "results": ("results", "numbers that they are summed up to"),
    "sums": ("sums", "additions that sum them up"),
    "bias": ("biases", "additions of a bias"),
    "mul": ("multiplications", "other multiplications"),
    "add": ("additions", "other additions"),
    "cmp": ("comparisons", "comparisons"),
    "div": ("divisions", "divisions"),
    "exp": ("exponentials", "exponentials"),
    "log": ("logarithms", "logarithms"),
    "sqrt": ("roots", "square roots"),
    "erf": ("error_functions", "error functions"),
}
#: The figures that a composite layer is compared in.
_COMPARED = ("params", "macs")


class Formulas(NamedTuple):
    """A figure and where it comes from.

    `value` is None where a symbol in it is open. `names` is the formula in names, `numbers` the
    same with the known values in it, `closed` what is left: a number, or a closed form. `symbols`
    are those in it.
    """

    name: str
    value: Any
    names: str
    numbers: str
    closed: str
    symbols: tuple[Symbol, ...] = ()

    @property
    def shown(self) -> str:
        """As JSON has it: in names; of an open one, in what is open."""
        return self.names if self.value is not None else self.closed


class Padded(NamedTuple):
    """What a rule such as `same` adds along one axis: in all, and at either end; None is open."""

    total: Formulas
    before: int | None
    after: int | None


class Part(NamedTuple):
    """One layer with its figures: all of a plain type, one of several of a composite one.

    `sizes` are those that it is the first to have. `pads` is the padding of each axis where a rule
    says it. `terms` are how its FLOPs come about where one
    formula does not say it well: kinds of operations, and at last their sum.
    """

    row: Row
    sizes: tuple[Formulas, ...]
    figures: Mapping[str, Formulas]
    operations: Mapping[str, Formulas]
    terms: tuple[Formulas, ...] = ()
    pads: tuple[Padded, ...] = ()


class Standard(NamedTuple):
    """The one layer whose job a composite one does: its figures, and the composite's over them."""

    placed: Placed
    figures: Mapping[str, Formulas]
    ratios: Mapping[str, Formulas]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        formulas = {key: figure.shown for key, figure in self.figures.items()}
        return {
            "type": self.placed.type,
            "config": _known(self.placed.config),
            **{key: figure.value for key, figure in self.figures.items()},
            "formulas": formulas,
        }


class Position(NamedTuple):
    """Where what is explained stands: the network, and which of how many layers it begins with."""

    network: str
    first: int
    layers: int


class Explanation(NamedTuple):
    """What a layer costs and why: its analysis on symbols.

    A figure is an attribute: `params`, `macs`; None where it hangs on what is not given.
    """

    #: The layer type; of a block, its own.
    type: str
    #: How operations are counted: its `name`, its `unit`, a `summary`.
    convention: Convention
    #: Samples at a time.
    batch: int
    #: The layer, or all of its parts, in one row, in symbols.
    whole: Row
    #: The layers that it stands for; one, unless it is a composite layer or a block.
    parts: tuple[Part, ...]
    #: Each figure with its `value`, its formula in `names` and in `numbers`, and its `closed` form.
    figures: Mapping[str, Formulas]
    #: The names in the FLOPs' formulas that are the convention's own, and what each is.
    meanings: Mapping[str, str]
    #: The condition under which its tool gives no number, where that hangs on what is open.
    gap: str | None
    #: What it was given, in symbols.
    fields: Mapping[str, Any]
    #: What a composite layer is compared with.
    standard: Standard | None = None
    #: Where it stands in its network; None for a layer that is in none.
    position: Position | None = None

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """The shapes that enter the layer, in symbols that know their numbers."""
        return self.whole.input_shapes

    @property
    def outputs(self) -> tuple[Shape, ...]:
        """The shapes that leave the layer, in symbols that know their numbers."""
        return self.whole.output_shapes

    @property
    def name(self) -> str:
        """What the layer is called: in its network, or by its type."""
        return self.whole.name

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes that enter the layer; a size is None where it is not given."""
        return tuple(map(_known_shape, self.inputs))

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """The shapes that leave the layer; a size is None where it hangs on what is not given."""
        return tuple(map(_known_shape, self.outputs))

    @property
    def output_shape(self) -> Shape | None:
        """The shape that leaves the layer; None where several do."""
        return self.output_shapes[0] if len(self.outputs) == 1 else None

    @property
    def config(self) -> dict[str, Any]:
        """The fields of a layer by canonical name, None where one is open; empty for a block."""
        fields = self.fields if self.whole.depth is not None else self.whole.config
        return cast(dict[str, Any], _known(fields))

    @property
    def formulas(self) -> Mapping[str, Any]:
        """The formula of each figure and of each size of `output_shape`, as JSON has them."""
        return FrozenDict(frozen(_formulas_to_dict(self.outputs, self.figures)))

    @property
    def symbols(self) -> Mapping[str, str]:
        """Every symbol that is in a formula or stands for an open number, and what it is.

        So is a field that is not given and follows another, as the stride of a pool does.
        """
        found: dict[str, dict[str, str]] = {}
        for type, name, meaning in self._meanings():
            if meaning:
                found.setdefault(name, {}).setdefault(meaning, type)
        entries = [(name, _joined(meanings)) for name, meanings in found.items()]
        return FrozenDict(sorted(entries, key=_legend_order))

    def __getattr__(self, key: str) -> Any:
        figure = None if key.startswith("_") else self.figures.get(key)
        if figure is None:
            raise AttributeError(f"an explanation has no figure {key!r}")
        return figure.value

    def _meanings(self) -> Iterator[tuple[str, str, str]]:
        """The symbols of all formulas: of which layer type each is, its name, and what it is."""
        for symbol in _open_in([self.fields, *self.inputs]):
            yield self.type, symbol.name, symbol.meaning
        for part in self.parts:
            pads = (each.total for each in part.pads)
            for figure in (*part.sizes, *pads, *part.figures.values(), *part.terms):
                for symbol in figure.symbols:
                    yield part.row.type, symbol.name, symbol.meaning
            for name, meaning in _left_out(part.row):
                yield part.row.type, name, meaning
        if self.standard is not None:
            for figure in self.standard.figures.values():
                for symbol in figure.symbols:
                    yield self.standard.placed.type, symbol.name, symbol.meaning

    def to_dict(self) -> dict[str, Any]:
        """A row as `analyze` has it, with `formulas`; a figure that is open is null."""
        network = {} if self.position is None else {"network": self.position.network}
        data = {
            "format": FORMAT,
            "batch": self.batch,
            "convention": {"name": self.convention.name, "unit": self.convention.unit},
            **network,
            **_known(self.whole.to_dict()),
        }
        data["formulas"] = _formulas_to_dict(self.outputs, self.figures)
        if self.whole.depth is not None:
            data["parts"] = [_part_to_dict(part) for part in self.parts]
        else:
            data |= _pads_to_dict(self.parts[0])
        if self.standard is not None:
            data["standard"] = self.standard.to_dict()
            data["ratio"] = {
                key: {"value": as_number(ratio.value), "formula": ratio.shown}
                for key, ratio in self.standard.ratios.items()
            }
        data["symbols"] = dict(self.symbols)
        if self.meanings:
            data["names"] = dict(self.meanings)
        if self.gap:
            data["no_number_where"] = self.gap
        return data


def _joined(meanings: Mapping[str, str]) -> str:
    """What a symbol is; where layer types differ, what it is in those that come later too."""
    first, *others = meanings
    return "; ".join([first, *(f"in {meanings[each]}, {each}" for each in others)])


def _legend_order(entry: tuple[str, str]) -> tuple[int, str, int]:
    """Sizes of the input, fields, sizes of the output, operations; the first three by name."""
    if entry in _TERMS.values():
        return 3, "", 0
    size = _SIZE_NAME.fullmatch(entry[0])
    if size is None:
        return 1, entry[0], 0
    letter, side, which = size.groups()
    return 0 if side == "in" else 2, letter, int(which or 0)


def _part_to_dict(part: Part) -> dict[str, Any]:
    row = part.row
    formulas = _formulas_to_dict(row.output_shapes, part.figures)
    return {**_known(row.to_dict()), "formulas": formulas, **_pads_to_dict(part)}


def _pads_to_dict(part: Part) -> dict[str, Any]:
    """The padding of each axis; nothing where no rule says it."""
    axes = [
        {"before": each.before, "after": each.after, "formula": each.total.shown}
        for each in part.pads
    ]
    return {"pads": axes} if axes else {}


def _formulas_to_dict(
    outputs: tuple[Shape, ...], figures: Mapping[str, Formulas]
) -> dict[str, Any]:
    """The formulas of an output's sizes, and of figures."""
    return {
        "output_shape": [_formula_of(size) for size in outputs[0]],
        **{key: figure.shown for key, figure in figures.items()},
    }


def _formula_of(size: Any) -> str:
    if isinstance(size, Symbol) and size.definition is not None:
        return size.definition.text() if size.value is not None else size.definition.closed()
    return size.text() if isinstance(size, Formula) else str(size)


def as_number(value: Any) -> Any:
    """A figure or a ratio as programs have it: a fraction is the nearest float."""
    return value if value is None or isinstance(value, int) else float(value)


def _known(value: Any) -> Any:
    """A value, and all that is in it, with its numbers in the place of symbols; None where open."""
    if isinstance(value, Mapping):
        return {name: _known(each) for name, each in value.items()}
    return [_known(each) for each in value] if isinstance(value, (list, tuple)) else value_of(value)


def _known_shape(shape: Shape) -> Shape:
    """A shape with numbers in the place of symbols; None where one is open."""
    return Shape(*map(value_of, shape))


def _open_in(value: Any) -> Iterator[Symbol]:
    """The symbols of a value, and of all that is in it, that have no number."""
    if isinstance(value, Formula):
        yield from (symbol for symbol in value.symbols() if symbol.value is None)
    elif isinstance(value, (Mapping, list, tuple)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _open_in(each)


def explain(
    type: str,
    given: Mapping[str, Any],
    inputs: Sequence[tuple[int, ...]] = (),
    *,
    dims: int | None = None,
    convention: str = "exact",
    batch: int = 1,
) -> Explanation:
    """Explain one layer.

    `given` are fields by canonical name, as a spec has them. Each of `inputs` is `(channels,
    *spatial)`, or one or more spatial sizes alone, which leaves the channels open; one number is a
    square. `dims` says how many spatial axes there are where that is not clear. A layer that joins
    takes its one input twice, and a matrix product any two matrices where none is given. Raises
    ConvcalcError for a value that a field or the layer's rules refuse, for an input that looks
    misread, and for more than 64 inputs.
    """
    cls = layers.find(type)
    number = _batch(batch)
    counting = _counting(convention)
    _require_number(cls, len(inputs))
    stated = stated_axes(cls, given) if dims is None else dims
    given_or_open = inputs if inputs or cls.arity == 0 else [()] * (2 if cls.own_axes else 1)
    own = 0 if inputs else cls.own_axes
    shapes = _numbered([input_symbols(cls, sizes, stated) for sizes in given_or_open], own)
    x = shapes[0] if shapes else NO_INPUT
    axes = len(x) - 1
    field = ""
    try:
        values = {}
        for each in layers.fields_of(cls):
            field = each.name
            values[field] = _given(each, given)
        plain = cls(**values)
        for each in layers.fields_of(cls):
            field = each.name
            values[field] = _field_symbols(each, plain, axes)
        field = ""
        layer, builder = cls(**values), _SymbolBuilder(cls)
        if len(shapes) == 1:
            shapes *= layer.fewest_inputs()
        shapes = _lettered(plain, shapes)
        graph = _graph(layer, shapes, builder)
        analysis = analyze(graph, convention, number, run=())
        (whole,) = analysis.folded(1).rows
        standard = None
        if isinstance(layer, Composite):
            ones = [values[each.name] for each in layers.fields_of(cls) if each.name not in given]
            standard = _standard(layer, x, builder, whole, number, ones)
    except Refusal as refusal:
        if refusal.code == "shape-mismatch" and dims is None:
            refusal.help = "; or, ".join(filter(None, (refusal.help, _as_signals(layer, inputs))))
        raise _refused(type, refusal, refusal.field or field, x) from None
    places = [*counting.places(graph)]
    asked = [Quantities(node, number, place) for node, place in zip(graph.nodes, places)]
    names = [counting.open_names(each) for each in asked if whole.flops is not None]
    meanings = {name: meaning for each in names for name, meaning in each.items()}
    gaps = [counting.gap_of(each.cls) for each in asked if counting.has_gap(each) is None]
    return Explanation(
        type,
        counting,
        value_of(number),
        whole,
        _parts(analysis.rows, counting, number, places),
        _formulas(whole),
        FrozenDict(meanings),
        gaps[0] if gaps else None,
        frozen(layer.config()),
        standard,
    )


def explain_in(
    graph: Graph,
    name: str,
    convention: str = "exact",
    batch: int = 1,
    look: Callable[[], None] = lambda: None,
) -> Explanation:
    """Explain one layer of a network, or a group as its layers with their sum.

    `name` is what `analyze` calls it, or the end of one such name alone: `stem.conv`. `look` is
    called before every layer, and ends it by raising what it likes. Raises ConvcalcError for a name
    that none or several have, for a group of more than 1000 layers, and for a join of more than 64
    inputs.
    """
    number = _batch(batch)
    counting = _counting(convention)
    everywhere = graph.places()
    name = whole_name_in(graph, name, everywhere)
    chosen = everywhere[name]
    first = graph.nodes[chosen[0]]
    depth = None if first.name == name else name.count(".") + 1
    if len(chosen) > MOST_PARTS:
        message = f"{quoted(name)} has {counted(len(chosen), 'layer')}, and {MOST_PARTS:,} are"
        help = f"explain a part of it; `convcalc analyze --depth {depth}` has their sum"
        raise fail("bad-value", f"{message} explained at the most", help)
    places = dict(zip(chosen, _picked(counting.places(graph), chosen)))
    inputs = dict(zip(chosen, _picked(graph.input_names(), chosen)))
    known: dict[int, Placed] = {}
    rows = []
    for index in chosen:
        look()
        node = graph.nodes[index]
        placed = known.get(id(node.placed))
        if placed is None:
            placed = known[id(node.placed)] = _in_symbols(node)
        row = _row(node._replace(placed=placed), inputs[index], counting, number, places[index])
        rows.append(row)
    parts = _parts(rows, counting, number, places.values())
    position = Position(graph.name, chosen[0] + 1, len(graph.nodes))
    standard = None
    if depth is None:
        (whole,), fields = rows, frozen(rows[0].config)
        figures = parts[0].figures
    else:
        summed = analyze(graph, convention, batch, run=(), look=look).folded(depth).rows
        (whole,) = (row for row in summed if row.depth == depth and row.name == name)
        fields, figures = FrozenDict(), _summed(whole, parts)
        layer = first.groups[depth - 1].layer
        nodes = graph.nodes[chosen.start : chosen.stop]
        if isinstance(layer, Composite):
            from convcalc.parts import is_whole  # most layers have no parts

            if is_whole(layer, nodes):
                standard = _standard_in(layer, first.input_shapes[0], convention, number)
    return Explanation(
        whole.type,
        counting,
        value_of(number),
        whole,
        parts,
        figures,
        FrozenDict(),
        None,
        fields,
        standard,
        position,
    )


def _batch(batch: int) -> Any:
    """The samples of a batch: 1, or a symbol for more."""
    batch = require_whole("a batch", batch, "sample")
    return Symbol("N", batch, meaning="samples at a time") if batch != 1 else 1


def _counting(convention: str) -> Convention:
    if convention == ALL:
        help = "`convcalc conventions` lists them; `analyze` takes `all`"
        raise fail("bad-value", "a layer is explained under one convention", help)
    return conventions.find(convention)


def _require_number(cls: type[Layer], inputs: int) -> None:
    """Refuse more inputs than a layer takes, or of one that is given some. Raises ConvcalcError."""
    if cls.arity is None:
        _require_few(cls.type, inputs)
    elif inputs > cls.arity:
        takes = (
            counted(cls.arity, "input") if cls.arity > 1 else ("no", "one")[cls.arity] + " input"
        )
        are = "is" if inputs == 1 else "are"
        raise fail("input-count", f"{cls.type} takes {takes}, and {inputs} {are} given")


def _require_few(name: str, inputs: int) -> None:
    """Refuse a join of so many inputs that nobody reads its formulas. Raises ConvcalcError."""
    if inputs > MOST_INPUTS:
        help = "`convcalc analyze` counts joins of any number of inputs"
        message = f"{quoted(name)} joins {inputs:,} inputs, and {MOST_INPUTS} are explained"
        raise fail("input-count", f"{message} at the most", help)


def _picked(items: Iterable[Any], chosen: Sequence[int]) -> Iterator[Any]:
    """The items at places that are in order."""
    stream, at = iter(items), 0
    for index in chosen:
        yield next(islice(stream, index - at, None))
        at = index + 1


def _in_symbols(node: Node) -> Placed:
    """A layer of a network on symbols that have its numbers. Raises ConvcalcError."""
    _require_few(node.name, len(node.input_shapes))
    shapes = _numbered([_size_symbols(shape, "in") for shape in node.input_shapes])
    cls = type(node.layer)
    shapes = _lettered(node.placed.written, shapes)
    layer = cls(**_symbols_of(node.placed.written, len(node.placed.entering) - 1))
    placed = _SymbolBuilder(cls).place(layer, tuple(shapes))
    return placed.holding(borrowing=node.placed.borrowing, frozen=node.placed.frozen)


def _symbols_of(layer: Layer, axes: int) -> dict[str, Any]:
    """The fields of a layer as symbols that have its numbers."""
    return {
        field.name: _field_symbols(field, layer, axes) for field in layers.fields_of(type(layer))
    }


def _standard_in(layer: Composite, x: Shape, convention: str, number: Any) -> Standard | None:
    """What a composite layer of a network, which `x` enters, is compared with."""
    cls, shape = type(layer), _size_symbols(x, "in")
    values = _symbols_of(layer, len(x) - 1)
    symbolic, builder = cls(**values), _SymbolBuilder(cls)
    analysis = analyze(_graph(symbolic, [shape], builder), convention, number, run=())
    (whole,) = analysis.folded(1).rows
    left_out = [
        values[each.name]
        for each in layers.fields_of(cls)
        if not each.required and getattr(layer, each.name) == each.default
    ]
    return _standard(symbolic, shape, builder, whole, number, left_out)


def _row(
    node: Node, inputs: tuple[str, ...], counting: Convention, number: Any, place: Place
) -> Row:
    """The row of a node on symbols."""
    count = counting.count_layer(node, number, place)
    figures = measured(node.placed, FIGURES) * number
    rest = {"flops": count.flops}
    return Row((node,), inputs, figures.joined(rest, in_order(rest)), count.silent)


def _as_signals(layer: Layer, inputs: Sequence[tuple[int, ...]]) -> str:
    """How sizes that were read as maps are right as signals; empty where they are not."""
    if any(len(sizes) != 2 for sizes in inputs):
        return ""
    try:
        layer.output_shapes(tuple(Shape(*sizes) for sizes in inputs))
    except Refusal:
        return ""
    height, width = inputs[0]
    return f"`--dims 1` takes {height}x{width} for channels and a length"


def _standard(
    layer: Composite, x: Shape, builder: _SymbolBuilder, whole: Row, number: Any, ones: list[Any]
) -> Standard | None:
    """What a composite layer is compared with; those of `ones` that are 1 are left out of ratios.

    Raises Refusal.
    """
    standard = layer.standard(x)
    if standard is None:
        return None
    placed = builder.place(standard, (x,))
    costs = measured(placed, FIGURES) * number
    left = frozenset(each for each in ones if isinstance(each, Symbol) and each.value == 1)
    figures = FrozenDict((key, _figure(key, costs[key])) for key in _COMPARED)
    ratios = ((key, _ratio(key, whole.figures[key], costs[key], left)) for key in _COMPARED)
    return Standard(placed, figures, FrozenDict(ratios))


def _ratio(name: str, a: Any, b: Any, ones: frozenset[Formula]) -> Formulas:
    found = quotient(a, b, ones)
    value, closed = found.value, found.closed()
    return Formulas(name, value, found.text(), closed, closed if value is None else str(value))


def _refused(type: str, refusal: Refusal, field: str, x: Shape) -> ConvcalcError:
    """What a field or a rule refuses, said of the layer, which `x` enters."""
    message, help = refusal.message, refusal.help
    if refusal.code == "not-flat":  # a layer alone has no `flatten` before it
        features = value_of(x.size)
        flat = "--in FEATURES" if features is None else f"--in {features}"
        help = f"flattened, its input is `{flat}`; `--per-position` runs it at every position"
    if message.startswith(("must ", "has ")):
        message = f"`{layers.short_name(field) or field}` {message}"
    if not message.startswith(type):
        message = f"{type}: {message}"
    return ConvcalcError([Diagnostic(refusal.code, message, label=refusal.label, help=help)])


class _SymbolBuilder(Builder):
    """Names the sizes of what layers make, so that formulas stay short.

    A size that several layers make in the same way has one name.
    """

    def __init__(self, cls: type[Layer]) -> None:
        super().__init__()
        fields = {field.name for field in layers.fields_of(cls)}
        self._taken = {_SYMBOLS[field] for field in fields & set(_SYMBOLS)}
        self._sizes: dict[str, Symbol] = {}

    def place(self, layer: Layer, shapes: tuple[Shape, ...]) -> Placed:
        placed = super().place(layer, shapes)
        outputs = tuple(
            Shape(*map(self._named, _size_names(len(shape) - 1, "out"), shape))
            for shape in placed.outputs
        )
        return replace(placed, outputs=outputs)

    def _named(self, name: str, size: Any) -> Any:
        """A symbol for a size of the output that is more than a symbol."""
        if not isinstance(size, Formula) or isinstance(size, Symbol):
            return size
        if name in self._taken:
            return size
        count, own = 1, name
        while own in self._sizes and self._sizes[own].definition != size:
            count += 1
            own = f"{name}{count}"
        if own not in self._sizes:
            self._sizes[own] = Symbol(own, size.value, size, _meaning(own))
        return self._sizes[own]


def _graph(layer: Layer, shapes: list[Shape], builder: Builder) -> Graph:
    """The layer as a network of one node; a composite one as the nodes it stands for."""
    names = ["input"] if len(shapes) == 1 else [f"input.{i}" for i in range(len(shapes))]
    inputs = dict(zip(names, shapes))
    entering = input_tensors(inputs)
    if isinstance(layer, Composite):
        layer.require(shapes[0])
        with builder.group(layer.type, layer.type, layer):
            outputs: tuple[Tensor, ...] = layer.build(builder, *entering)
    else:
        outputs = builder.add(layer, *entering)
    return Graph(layer.type, "", inputs, builder.nodes(), outputs, None, {})


def _parts(
    rows: Sequence[Row], counting: Convention, number: Any, places: Iterable[Place]
) -> tuple[Part, ...]:
    """Rows, at their places, with their figures as formulas."""
    seen: set[Symbol] = set()
    parts = []
    for row, place in zip(rows, places):
        (node,) = row.nodes
        sizes = []
        for size in cast(tuple[Any, ...], row.output_shapes[0]):
            if isinstance(size, Symbol) and size.definition is not None:
                if size not in seen or size not in node.placed.entering:
                    sizes.append(_figure(size.name, size.definition, size))
                seen.add(size)
        counts = (row.operations or {}).items()
        operations = FrozenDict((key, _figure(key, formula)) for key, formula in counts)
        terms = _terms(node.placed, number) if _counts_all(counting, node, place) else ()
        pads = tuple(_pads(node.placed))
        parts.append(Part(row, tuple(sizes), _formulas(row), operations, terms, pads))
    return tuple(parts)


def _pads(placed: Placed) -> Iterator[Padded]:
    """The padding of each axis, where a rule says it."""
    fields = layers.fields_of(type(placed.layer))
    paddings = [getattr(placed.layer, each.name) for each in fields if isinstance(each.kind, Pads)]
    if not any(isinstance(padding, str) for padding in paddings):
        return
    for axis, window in zip(_axes_of(len(placed.inputs[0]) - 1), placed.windows):
        total = window.before + window.after
        letter = axis.upper()
        name = f"pads_{letter}"
        meaning = f"cells added along the {_said_of(letter)}, at both ends together"
        figure = _figure(name, total, Symbol(name, value_of(total), meaning=meaning))
        yield Padded(figure, settled(window.before), settled(window.after))


def _counts_all(counting: Convention, node: Node, place: Place) -> bool:
    """Whether a convention counts every operation of a node at its place once."""
    return counting.rule_at(node, place) == "operations"


def _terms(placed: Placed, number: Any) -> tuple[Formulas, ...]:
    """The operations of a layer by what they are for, and their sum.

    None where its sums make one output each, so that the formula of all together is short.
    """
    counts = placed.operations
    if counts is None:
        return ()
    if isinstance(counts.sums, int) or counts.sums == placed.outputs[0].size:
        return ()
    amounts: dict[str, Any] = counts._asdict()
    amounts = {key: amount if number == 1 else amount * number for key, amount in amounts.items()}
    amounts["results"] = amounts.pop("sums")
    terms: list[Formulas] = []
    named: dict[str, Any] = {}
    for key, (name, meaning) in _TERMS.items():
        amount = named["macs"] - named["results"] if key == "sums" else amounts[key]
        if not (isinstance(amount, int) and amount == 0):
            named[key] = Symbol(name, value_of(amount), meaning=meaning)
            terms.append(_figure(name, amount))
    total = sum(symbol for key, symbol in named.items() if key != "results")
    return (*terms, _figure("flops", total))


def _formulas(row: Row) -> Mapping[str, Formulas]:
    """The figures of a row but the number of layers, each with its formula."""
    figures = row.figures.columns().items()
    return FrozenDict(
        (key, _unknown(key) if formula is None and row.unknown else _figure(key, formula))
        for key, formula in figures
        if key != "layers"
    )


def _unknown(name: str) -> Formulas:
    """A figure of what a layer computes, where that is not known."""
    return Formulas(name, None, "", "", "unknown")


def _summed(whole: Row, parts: Sequence[Part]) -> Mapping[str, Formulas]:
    """The figures of a group, each the sum of its layers' by their names."""
    figures = whole.figures.columns().items()
    found = {}
    for key, value in figures:
        if key == "layers":
            continue
        terms = {
            part.row.name.removeprefix(f"{whole.name}."): part.figures[key].value for part in parts
        }
        kept = {name: amount for name, amount in terms.items() if amount}
        names = " + ".join(kept) or "0"
        numbers = " + ".join(map(str, kept.values())) or "0"
        closed = "not counted" if value is None else str(value)
        found[key] = Formulas(key, value, names, numbers, closed)
        if value is None and whole.unknown:
            found[key] = _unknown(key)
    return FrozenDict(found)


def _figure(name: str, formula: Any, *named: Symbol) -> Formulas:
    """A figure with its formula; `named` are symbols for it."""
    if formula is None:
        return Formulas(name, None, "", "", "not counted")
    if not isinstance(formula, Formula):
        return Formulas(name, formula, str(formula), str(formula), str(formula), named)
    symbols = tuple(dict.fromkeys((*named, *formula.symbols())))
    return Formulas(
        name, formula.value, formula.text(), formula.text(True), formula.closed(), symbols
    )


def _numbered(shapes: list[Shape], own: int = 0) -> list[Shape]:
    """Several inputs, whose sizes have a name each where they are not the same.

    Those of the `own` last axes are not.
    """
    if len({len(shape) for shape in shapes}) > 1:
        return shapes
    alike = [len(set(sizes)) == 1 for sizes in zip(*shapes)]
    alike[len(alike) - own :] = [False] * own
    named = []
    for index, shape in enumerate(shapes, start=1):
        sizes: Any = zip(shape, alike)
        numbered: list[Any] = [
            size if same else _size_symbol(f"{size.name}{index}", size.value)
            for size, same in sizes
        ]
        named.append(Shape(*numbered))
    return named


def _lettered(layer: Layer, shapes: list[Shape]) -> list[Shape]:
    """The inputs of a layer, whose last sizes have its type's own letters, where it has some."""
    letters = layer.letters()
    if not letters or any(len(shape) < len(own) for shape, own in zip(shapes, letters)):
        return shapes
    renamed = []
    for shape, own in zip(shapes, letters):
        sizes: Any = shape[len(shape) - len(own) :]
        last: Any = [
            Symbol(letter.name, size.value, meaning=letter.meaning)
            for letter, size in zip(own, sizes)
        ]
        renamed.append(Shape(*shape[: len(shape) - len(own)], *last))
    return renamed


def input_symbols(cls: type[Layer], sizes: tuple[int, ...], dims: int | None) -> Shape:
    """The symbols of an input, with the sizes that are given."""
    fewest, most = cls.spatial_axes
    axes = dims if dims is not None else _axes(cls, sizes)
    if dims is None and fewest < most:
        require_plain(sizes, axes)
    if not fewest <= axes <= most:
        raise fail("input-axes", f"{cls.type} takes {fewest} to {most} spatial axes, not {axes}")
    known: tuple[Any, ...] = sizes
    if axes and len(sizes) < 2:
        known = (sizes or (None,)) * axes
    if len(known) == axes:
        known = (None, *known)
    if len(known) != axes + 1:
        shown = "x".join(map(str, sizes))
        message = f"{shown} does not fit an input with {axes} spatial axes"
        help = "give the spatial sizes, or the channels and the spatial sizes"
        if len(known) == axes + 2:
            batch = f"where {known[0]} is a batch, --batch {known[0]} has it"
            help = f"{help}; {batch}"
            if most == 1:  # an image, which others take
                flat = f"{known[0]}x{product(known[1:])}"
                help = f"in a spec `flatten: {{start_axis: 1}}` makes it {flat}; or, {batch}"
        raise fail("bad-value", message, help)
    return _size_symbols(known, "in")


def _size_symbols(sizes: Sequence[Any], side: str) -> Shape:
    """A shape of symbols with these values; None is open."""
    return Shape(*cast(Any, map(_size_symbol, _size_names(len(sizes) - 1, side), sizes)))


def _size_symbol(name: str, value: Any) -> Symbol:
    return Symbol(name, value, meaning=_meaning(name))


def _meaning(name: str) -> str:
    """What a size is, by its name."""
    found = _SIZE_NAME.fullmatch(name)
    assert found is not None
    letter, side, which = found.groups()
    if side == "in" and which:
        return f"{_said_of(letter)} of input {which}"
    return f"{'another ' if which else ''}{side}put {_said_of(letter)}"


def _size_names(axes: int, side: str) -> list[str]:
    """The names of the sizes on one side of a layer: `C_in`, `H_in`, `W_in`."""
    return [f"{letter.upper()}_{side}" for letter in ("c" if axes else "f", *_axes_of(axes))]


def _axes_of(count: int) -> tuple[str, ...]:
    """The letters of so many spatial axes."""
    return _AXES.get(count) or tuple(f"s{axis}" for axis in range(1, count + 1))


def _said_of(letter: str) -> str:
    """What a letter in the name of a size stands for."""
    return _LETTERS.get(letter) or f"size of axis {letter[1:]}"


def stated_axes(cls: type[Layer], given: Mapping[str, Any]) -> int | None:
    """The number of spatial axes that a field says by having a value for each; else None."""
    if cls.spatial_axes[0] == cls.spatial_axes[1] or given.get("axis") is not None:
        return None  # they are of that axis
    each = (f.name for f in layers.fields_of(cls) if isinstance(f.kind, (EachAxis, Pads)))
    values = (given.get(name) for name in each)
    return next((len(value) for value in values if isinstance(value, (tuple, list))), None)


def _axes(cls: type[Layer], sizes: tuple[int, ...]) -> int:
    """How many spatial axes an input has that is given as `sizes`."""
    fewest, most = cls.spatial_axes
    natural = min(max(cls.natural_axes, fewest), most)
    if len(sizes) >= 3 or (len(sizes) == 2 and natural != 2):
        return min(len(sizes) - 1, most)
    return natural


def _given(field: layers.Field, given: Mapping[str, Any]) -> Any:
    """A field's value as it is given, or its default; of numbers that must be given, open ones."""
    kind: Kind = field.kind
    if field.name in given:
        return kind.parse(given[field.name])
    if not field.required:
        return field.default
    for each, value in _OPEN.items():
        if isinstance(kind, each):
            return value
    raise Refusal("must be given", code="missing-field", help=f"it is {kind.expected}")


def _field_symbols(field: layers.Field, layer: Layer, axes: int) -> Any:
    """The value of a layer's field with a symbol in the place of each number that rules calculate
    with. Raises Refusal where it is for another number of axes.
    """
    value, resolved = getattr(layer, field.name), layer.resolved(field, axes)
    if not field.kind.symbolic or value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple) and len(value) > 1:
        value = resolved  # which a number for all axes would only repeat
    return _named(_SYMBOLS.get(field.name, field.name), value, _said(field))


def _said(field: layers.Field) -> str:
    """What a field is, as its layer type says it; behind its name where a letter stands for it."""
    letter = _SYMBOLS.get(field.name)
    if letter is not None and _SIZE_NAME.fullmatch(letter):
        return _meaning(letter)
    name = field.name.replace("_", " ")
    said = re.split("[:;(]", field.description)[0].strip() or name
    is_named = letter is None or all(word in said for word in name.split())
    return said if is_named else f"{name}: {said}"


#: How a layer type says what becomes of a field that is not given, behind a semicolon.
_WHEN_LEFT_OUT = " when left out"


def _left_out(row: Row) -> Iterator[tuple[str, str]]:
    """The letters of fields that are not given, each with what it is then."""
    for field in layers.fields_of(layers.find(row.type)):
        then = field.description.partition("; ")[2]
        is_none = field.name in _SYMBOLS and row.config[field.name] is None
        if is_none and then.endswith(_WHEN_LEFT_OUT):
            what = then.removesuffix(_WHEN_LEFT_OUT)
            yield _SYMBOLS[field.name], f"{_said(field)}; {what}, as none is given"


def _named(name: str, value: Any, meaning: str) -> Any:
    """Symbols for the numbers of a value: of one name, or of one an axis or end if they differ."""
    if not isinstance(value, tuple):
        return value if value is None else Symbol(name, value_of(value), meaning=meaning)
    axes = _axes_of(len(value))
    if any(isinstance(size, tuple) and size[0] != size[1] for size in value):
        # One pair stands for every axis.
        ends = [_ENDS.get(axis, _ANY_ENDS) for axis in axes] if len(value) > 1 else [_ANY_ENDS]
        return tuple(
            tuple(
                Symbol(f"{name}_{end}", value_of(size), meaning=f"{meaning}, {end}")
                for end, size in zip(pair_ends, pair)
            )
            for pair_ends, pair in zip(ends, value)
        )
    names, meanings = [name] * len(value), [meaning] * len(value)
    if len(set(value)) > 1:
        names = [f"{name}_{axis}" for axis in axes]
        meanings = [f"{meaning}, {_said_of(axis.upper())}" for axis in axes]
    return tuple(map(_named, names, value, meanings))
