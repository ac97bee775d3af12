"""Layers that take tensors apart and put them together, in fewer: an entry of `MOVES` for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from convcalc.arithmetic import product
from convcalc.foreign.patterns.arithmetic import FUNCTIONS
from convcalc.foreign.patterns.network import Anew, Change, Network, fits
from convcalc.foreign.patterns.views import VIEWS, keep_order
from convcalc.layers.attention import Matmul, Permute, Reduce
from convcalc.layers.dense import Reshape
from convcalc.layers.joining import Concat, IndexSelect, Slice, Split
from convcalc.shape import Shape, Tensor

#: Cells of an axis: from the first up to the one after the last.
_Cells = tuple[int, int]


def _cells(layer: Slice, x: Shape) -> tuple[int, _Cells] | None:
    """The axis of a slice and the cells that it takes, where these lie side by side."""
    axis = layer.axis % len(x)
    start, stop, step = slice(layer.start, layer.stop).indices(x[axis])
    return (axis, (start, stop)) if layer.step == step else None


def _make_up(parts: Sequence[_Cells], size: int) -> bool:
    """Whether cells are all those of an axis, each once, in order."""
    ends = [0, *[stop for _, stop in parts]]
    return [start for start, _ in parts] == ends[:-1] and ends[-1] == size


def _split(axis: int, sizes: Sequence[int]) -> Split:
    """A split into parts of these sizes."""
    if len(set(sizes)) == 1:
        return Split(sections=len(sizes), axis=axis)
    return Split(sizes=tuple(sizes), axis=axis)


def _slices(network: Network, index: int) -> Change | None:
    """Slices that are all parts of a tensor, of which the first is met, as a split.

    They are of one size: a split with sizes is another function, which a tool may count.
    """
    (x,) = network.calls[index].inputs
    layer = network.calls[index].placed.layer
    assert isinstance(layer, Slice)
    axis = layer.axis % len(x.shape)
    slices: dict[int, _Cells] = {}
    for reader in network.reading(x):
        placed = network.calls[reader].placed
        if isinstance(placed.layer, Slice):
            found = _cells(placed.layer, x.shape)
            if found is not None and found[0] == axis:
                slices[reader] = found[1]
    parts = sorted(set(slices.values()))
    if min(slices, default=-1) != index or len(parts) < 2 or not _make_up(parts, x.shape[axis]):
        return None
    if len({stop - start for start, stop in parts}) > 1:
        return None

    def make(anew: Anew) -> tuple[Tensor, ...]:
        made = anew.add(Split(sections=len(parts), axis=axis), anew[x], name="split")
        for each, cells in slices.items():
            anew.stand(each, [made[parts.index(cells)]])
        return (made[parts.index(slices[index])],)

    return Change(index, frozenset(slices), make)


def _rolled(network: Network, index: int) -> Change | None:
    """All parts of a tensor in another order, as cells by their indices: a roll."""
    call = network.calls[index]
    layer = call.placed.layer
    assert isinstance(layer, Concat)
    parts: list[_Cells] = []
    sources: set[Tensor] = set()
    for tensor in call.inputs:
        maker = network.maker(tensor)
        if maker is None or not isinstance(maker.placed.layer, Slice):
            return None
        found = _cells(maker.placed.layer, maker.placed.entering)
        if found is None or found[0] != layer.axis % len(tensor.shape):
            return None
        if network.reader(tensor.node) is None:
            return None
        parts.append(found[1])
        sources.update(maker.inputs)
    if len(sources) != 1:
        return None
    (x,) = sources
    axis = layer.axis % len(x.shape)
    is_same = parts == sorted(parts)
    if not _make_up(sorted(parts), x.shape[axis]):
        return None
    if is_same and network.leaves[index] and network.leaves_already(x):
        return None

    def make(anew: Anew) -> tuple[Tensor, ...]:
        if is_same:
            return (anew[x],)
        return anew.add(IndexSelect(axis=axis), anew[x], name="roll")

    return Change(index, frozenset([index, *[each.node for each in call.inputs]]), make)


def _split_before(network: Network, index: int) -> Change | None:
    """A split after a reshape, where all parts are shown otherwise, as one before it."""
    call = network.calls[index]
    layer, (shown,) = call.placed.layer, call.inputs
    assert isinstance(layer, Split)
    maker = network.maker(shown)
    if maker is None or not isinstance(maker.placed.layer, Reshape):
        return None
    readers = network.readers[index]
    are_shown = all(network.calls[reader].placed.type in VIEWS for reader in readers)
    is_alone = network.reader(shown.node) == index and not network.leaves[index]
    if not (are_shown and is_alone and len(readers) == len(call.placed.outputs)):
        return None
    (x,) = maker.inputs
    axis = _axis_of(x.shape, shown.shape, layer.axis % len(shown.shape))
    if axis is None:
        return None
    rest = x.shape[axis] // shown.shape[layer.axis]
    sizes = [size * rest for size in layer.parts(shown.shape)]

    def make(anew: Anew) -> tuple[Tensor, ...]:
        made: list[Tensor] = []
        for part, shape in zip(
            anew.add(_split(axis, sizes), anew[x], name=call.name), call.placed.outputs
        ):
            made += anew.add(Reshape(shape=tuple(shape)), part, name="reshape")
        return tuple(made)

    return Change(index, frozenset([shown.node, index]), make)


def _axis_of(x: Shape, shown: Shape, axis: int) -> int | None:
    """The axis of `x` whose cells lie as those of an axis of `shown`, each as several of them."""
    before = product(shown[:axis])
    for own in range(len(x) - 1, -1, -1):
        if product(x[:own]) == before and x[own] % shown[axis] == 0:
            return own
    return None


def _turned(network: Network, index: int) -> Change | None:
    """A product of matrices that is transposed, as the product of both, transposed."""
    call = network.calls[index]
    layer, last = call.placed.layer, network.reader(index)
    assert isinstance(layer, Matmul)
    if last is None:
        return None
    after = network.calls[last].placed.layer
    rank = len(call.placed.outputs[0])
    swapped = (*range(rank - 2), rank - 1, rank - 2)
    if not isinstance(after, Permute) or tuple([a % rank for a in after.order]) != swapped:
        return None
    a, b = call.inputs
    turned = Matmul(transpose_a=not layer.transpose_b, transpose_b=not layer.transpose_a)

    def make(anew: Anew) -> tuple[Tensor, ...]:
        return anew.add(turned, anew[b], anew[a], name=call.name)

    return Change(last, frozenset([index, last]), make)


def _keeping(network: Network, index: int) -> Change | None:
    """A reduction whose axes come back with one cell."""
    call, last = network.calls[index], network.reader(index)
    layer, (x,) = call.placed.layer, call.inputs
    assert isinstance(layer, Reduce)
    if last is None or layer.keep or network.calls[last].placed.type not in VIEWS:
        return None
    kept = Reduce(op=layer.op, axes=layer.axes, keep=True)
    if fits(kept, x.shape) != (network.out(last).shape,) or not keep_order(network, [last]):
        return None

    def make(anew: Anew) -> tuple[Tensor, ...]:
        return anew.add(kept, anew[x], name=call.name)

    return Change(last, frozenset([index, last]), make)


def _neutral(network: Network, index: int) -> Change | None:
    """Arithmetic with a constant that changes nothing, as exporters leave it behind; else later."""
    call = network.calls[index]
    (x, *_) = call.inputs
    value = getattr(call.placed.layer, "value", None)
    if value is None or value != _NEUTRAL[call.placed.type]:
        return _later(network, index)
    if network.leaves[index] and network.leaves_already(x):
        return None
    return Change(index, frozenset([index]), lambda anew: (anew[x],))


#: The constant that changes nothing, where there is one.
_NEUTRAL: Mapping[str, float] = {"add": 0, "sub": 0, "mul": 1, "div": 1}


def _later(network: Network, index: int) -> Change | None:
    """What is done to every element of a view, or of a part, as done to what is shown of that.

    Views are side by side then.
    """
    call, last = network.calls[index], network.reader(index)
    (x, *others) = call.inputs
    if last is None or others or network.calls[last].placed.type not in VIEWS:
        return None
    if network.type_of(x) not in (*VIEWS, "split"):
        return None
    view = network.calls[last]

    def make(anew: Anew) -> tuple[Tensor, ...]:
        (shown,) = anew.add(view.placed.written, anew[x], name=view.name, scopes=view.scopes)
        return anew.add(call.placed.written, shown, name=call.name, scopes=call.scopes)

    return Change(last, frozenset([index, last]), make)


#: Types of one tensor that treat every element by itself.
_BY_ELEMENT = (
    *("add", "sub", "mul", "div", "maximum", "minimum", "primitive", "clamp"),
    *FUNCTIONS,
)

#: What is looked for where a layer of a type stands, the first that is found.
MOVES: Mapping[str, Callable[[Network, int], Change | None]] = {
    "concat": _rolled,
    "slice": _slices,
    "split": _split_before,
    "matmul": _turned,
    "reduce": _keeping,
    **dict.fromkeys(_BY_ELEMENT, _later),
    **dict.fromkeys(_NEUTRAL, _neutral),
}


def moves(network: Network) -> Iterator[Change]:
    """What takes tensors apart and puts them together, as fewer layers."""
    taken: set[int] = set()
    # What joins comes after what it joins, and is to be seen first.
    for index in range(len(network.calls) - 1, -1, -1):
        look = MOVES.get(network.calls[index].placed.type)
        change = None if look is None or index in taken else look(network, index)
        if change is not None and taken.isdisjoint(change.taken):
            taken |= change.taken
            yield change
