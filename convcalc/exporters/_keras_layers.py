"""The layer types in Keras: for each, the code of what does the same, channels last."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Union

from convcalc.exporters.python.expressions import text
from convcalc.expressions import Expression, ExpressionError
from convcalc.language.statements import Items, Value, expressions_in
from convcalc.layers.base import Placed
from convcalc.shape import Shape
from convcalc.window import Window

#: A step of a layer: the code of a Keras layer, which is called on what enters; or what makes code
#: of the code of what enters.
Step = Union[str, "Built", "Joining", Callable[[str], str]]


class Built(NamedTuple):
    """A step of a helper that makes layers with weights: its name, and what it takes beside x."""

    function: str
    arguments: tuple[str, ...]

    def __call__(self, x: str) -> str:
        return call(self.function, x, *self.arguments)


class Joining(NamedTuple):
    """A step of a layer that takes a list of tensors."""

    layer: str
    inputs: tuple[str, ...]

    def __call__(self, x: str) -> str:
        return f"{self.layer}([{', '.join(self.inputs)}])"


class Only(NamedTuple):
    """A step that is taken where a condition holds, and another where it does not."""

    condition: str
    step: Step
    other: Step | None = None


def is_bare(step: Step) -> bool:
    """Whether a step is a layer without weights beside one that has some."""
    return isinstance(step, str) and re.match(r"layers\.(ZeroPadding|Cropping)", step) is not None


class Unsayable(Exception):  # noqa: N818 - it becomes the ConvcalcError of a site
    """What Keras cannot do: why, after the name of the layer type."""


class Site:
    """A site of the spec, as its layer is written: its fields, and how the network uses it."""

    def __init__(
        self,
        type: str,
        fields: Mapping[str, Value],
        spell: Callable[[Value], str],
        inputs: tuple[str, ...],
        uses: tuple[Placed, ...],
        axes: int,
        helpers: set[str],
        *,
        after_relu: bool = False,
    ) -> None:
        self.type = type
        self.fields = fields
        self.spell = spell
        #: The code of the tensors that enter it.
        self.inputs = inputs
        #: The layers that it makes in this network; none where that leaves the site out.
        self.uses = uses
        #: How many spatial axes its input has.
        self.axes = axes
        #: The helpers that the file needs.
        self.helpers = helpers
        #: Whether all that enters is 0 or more.
        self.after_relu = after_relu

    def get(self, field: str, default: Value = None) -> Value:
        """The value of a field as the site has it."""
        return self.fields.get(field, default)

    def code(self, field: str, default: Value = None) -> str:
        """The code of a field's value."""
        return self.spell(self.get(field, default))

    def each(self, field: str, default: Value = None) -> str:
        """The code of a value for every axis, one number where all are equal."""
        return self.spell(one_or_all(self.get(field, default)))

    def is_default(self, field: str, default: Value) -> bool:
        """Whether a field is left out, or has its default's value."""
        return one_or_all(self.get(field, default)) == one_or_all(default)

    def options(self, *options: tuple[str, str, Value]) -> list[str]:
        """Keyword arguments: Keras's name, the field, and the default that is not written."""
        return [
            f"{name}={self.each(field)}"
            for name, field, default in options
            if not self.is_default(field, default)
        ]

    def ranked(self, name: str) -> str:
        """The Keras layer of a name for as many axes: `layers.Conv2D`."""
        if not 1 <= self.axes <= 3:
            raise Unsayable(f"has no {name} for {self.axes} spatial axes")
        return f"layers.{name}{self.axes}D"

    def help(self, name: str) -> str:
        """The name of a helper, which the file will have."""
        self.helpers.add(name)
        return name

    def axis(self, axis: Value) -> str:
        """The code of the axis that is ours here: Keras has the channels last."""
        if isinstance(axis, int):
            return str(keras_axis(axis, self.rank))
        if isinstance(axis, Expression) and all(
            getattr(placed.layer, "axis", 0) for placed in self.uses
        ):
            return self.spell(axis)
        return f"{self.spell(axis)} or -1"

    @property
    def rank(self) -> int:
        """How many axes its input has."""
        return self.axes + 1

    @property
    def shapes(self) -> list[Shape]:
        """The shapes that enter it."""
        return [placed.entering for placed in self.uses if placed.inputs]

    @property
    def windows(self) -> list[Window]:
        """The windows that it slides, along whichever axis."""
        return [window for placed in self.uses for window in placed.windows]


def keras_axis(axis: int, rank: int) -> int:
    """The axis of a tensor with its batch and the channels last, that is ours of `rank` axes."""
    axis %= rank
    return axis if axis else -1


def one_or_all(value: Value) -> Value:
    """One number where all axes have the same."""
    if type(value) is tuple and value and len(set(value)) == 1:
        return one_or_all(value[0])
    return value


def call(function: str, *arguments: str) -> str:
    """The code of a call."""
    return f"{function}({', '.join(arguments)})"


# Padding

_SAMPLES = ((3, 5, 7, 9, 11, 13), (7, 3, 11, 5, 13, 9), (5, 11, 3, 13, 9, 7))


def _keeps_size(padding: Value, kernel: Value, dilation: Value) -> bool:
    """Whether 2·padding is d·(k − 1) for all odd numbers that the names may stand for."""
    names = sorted(
        {name for v in (padding, kernel, dilation) for e in expressions_in(v) for name in e.names}
    )
    for sample in _SAMPLES:
        values = {name: sample[index % len(sample)] for index, name in enumerate(names)}
        try:
            p, k, d = (_numbers(v, values) for v in (padding, kernel, dilation))
        except ExpressionError:
            return False
        count = max(map(len, (p, k, d)))
        p, k, d = (v * count if len(v) == 1 else v for v in (p, k, d))
        for pad, size, step in zip(p, k, d):
            before, after = pad if type(pad) is tuple else (pad, pad)
            if before != after or size % 2 == 0 or 2 * before != step * (size - 1):
                return False
    return True


def _numbers(value: Value, names: Mapping[str, Any]) -> tuple[Any, ...]:
    """A value under `names`, one for each axis."""
    if isinstance(value, Expression):
        value = value.evaluate(names)
    if isinstance(value, Items):
        return tuple(
            each.evaluate(names) if isinstance(each, Expression) else each for each in value.items
        )
    return value if type(value) is tuple else (value,)


def _is_one(value: Value) -> bool:
    return one_or_all(value) in (1, None)


class Padded(NamedTuple):
    """How a window is padded: what comes before its layer, and the layer's own `padding`."""

    before: tuple[Step | Only, ...] = ()
    own: str = ""

    @property
    def options(self) -> list[str]:
        """The keyword arguments of the layer."""
        return [f"padding={self.own}"] if self.own else []


def padded(site: Site, kernel: Value, stride: Value, pad: Callable[[Value], Step]) -> Padded:
    """The padding of a site whose window has a `kernel` and a `stride`, as Keras has it.

    `pad` makes the step that adds cells.
    """
    padding, dilation = site.get("padding", 0), site.get("dilation", 1)
    if padding == "valid":
        return Padded()
    if padding == "same":
        return Padded(own='"same"')
    if padding == "same_lower":
        pads = {tuple((w.before, w.after) for w in placed.windows) for placed in site.uses}
        if len(pads) != 1:
            raise Unsayable("pads `same_lower` by sizes that Keras does not ask for")
        (padding,) = pads
    if one_or_all(padding) in (0, (0, 0)):
        return Padded()
    if isinstance(padding, Expression):
        given = {getattr(placed.layer, "padding", 0) for placed in site.uses}
        if given == {"same"}:
            return Padded(own=site.spell(padding))
        if "same" in given:
            if any(one_or_all(each) not in ("same", 0) for each in given):
                raise Unsayable("has a padding that is `same` in one call, and cells in another")
            code = site.spell(padding)
            code = code if code.isidentifier() else f"({code})"
            return Padded(own=f'{code} or "valid"')  # it may be 0
    if _is_one(stride):
        if choice := _words_of_choice(site, padding, kernel, dilation):
            return Padded(own=choice)
        does = all(2 * w.before == 2 * w.after == w.span - 1 for w in site.windows)
        if does and _keeps_size(padding, kernel, dilation):
            return Padded(own='"same"')
    step = pad(padding)
    if isinstance(padding, Expression) and not all(window.before for window in site.windows):
        return Padded((Only(_is_padded(site, padding, kernel), step),))
    return Padded((step,))


def _is_padded(site: Site, padding: Expression, kernel: Value) -> str:
    """The condition under which there is anything to pad."""
    if isinstance(kernel, Expression) and kernel.text.strip().isidentifier():
        name = kernel.text.strip()
        written = padding.text.replace(" ", "")
        if written in (f"{name}//2", f"({name}-1)//2"):
            return f"{site.spell(kernel)} > 1"
    return site.spell(padding)


def _words_of_choice(site: Site, padding: Value, kernel: Value, dilation: Value) -> str:
    """The words for a padding that is chosen, `1 if padded else 0`; empty where none fit."""
    if not isinstance(padding, Expression):
        return ""
    code = site.spell(padding)
    found = _CHOICE.fullmatch(code)
    if found is None:
        return ""
    words = []
    for word in (found["then"], found["other"]):
        if word == "0":
            words.append('"valid"')
        elif word.isdigit() and _keeps_size(int(word), kernel, dilation):
            words.append('"same"')
        else:
            return ""
    return f"{words[0]} if {found['condition']} else {words[1]}"


def zero_padding(site: Site) -> Callable[[Value], Step]:
    """What pads with zeros."""

    def step(padding: Value) -> Step:
        code = site.spell(_symmetric(padding, site.axes))
        return call(site.ranked("ZeroPadding"), code)

    return step


def _symmetric(padding: Value, axes: int) -> Value:
    """Pairs as numbers where both ends of each axis get the same."""
    if type(padding) is tuple and all(type(pair) is tuple for pair in padding):
        if all(before == after for before, after in padding):
            return one_or_all(tuple(before for before, _ in padding))
        if axes == 1 or len(padding) == 1:
            return padding[0] if axes == 1 else padding * axes
    return padding


def _pairs(site: Site, padding: Value) -> list[str]:
    """The code of what each spatial axis gets before and behind it."""
    if isinstance(padding, Items):
        values: tuple[Value, ...] = padding.items
    else:
        values = padding if type(padding) is tuple else (padding,)
    found = []
    for value in values if len(values) > 1 else values * site.axes:
        if type(value) is tuple or isinstance(value, Items):
            before, after = value.items if isinstance(value, Items) else value
            found.append(f"({site.spell(before)}, {site.spell(after)})")
        else:
            found.append(f"({site.spell(value)}, {site.spell(value)})")
    return found


def least_padding(site: Site) -> Callable[[Value], Step]:
    """What pads so that the new cells are never the largest."""
    if site.after_relu:
        return zero_padding(site)

    def step(padding: Value) -> Step:
        pairs = ", ".join(["(0, 0)", *_pairs(site, padding), "(0, 0)"])
        return lambda x: f'ops.pad({x}, ({pairs}), constant_values=-float("inf"))'

    return step


# Layer types

Steps = list["Step | Only"]
_TYPES: dict[str, Callable[[Site], Steps]] = {}


def _type(*names: str) -> Callable[[Callable[[Site], Steps]], Callable[[Site], Steps]]:
    def register(function: Callable[[Site], Steps]) -> Callable[[Site], Steps]:
        _TYPES.update(dict.fromkeys(names, function))
        return function

    return register


def steps(site: Site) -> Steps:
    """What a site does, step after step. Raises Unsayable for what Keras cannot do."""
    function = _TYPES.get(site.type)
    if function is None:
        raise Unsayable("has no counterpart in Keras")
    return function(site)


@_type("conv", "pointwise_conv")
def _conv(site: Site) -> Steps:
    kernel = site.get("kernel_size", 1)
    _refuse_dilated_strides(site)
    pads = padded(site, kernel, site.get("stride"), zero_padding(site))
    out, groups, size = (
        site.code("out_channels"),
        site.code("groups", 1),
        site.each("kernel_size", 1),
    )
    window = [
        *site.options(("strides", "stride", 1)),
        *pads.options,
        *site.options(("dilation_rate", "dilation", 1)),
    ]
    conv = call(
        site.ranked("Conv"),
        *(out, size, *window, *site.options(("groups", "groups", 1)), *_bias(site)),
    )
    if site.axes == 3 or not isinstance(site.get("groups", 1), Expression):
        return [*pads.before, conv]
    maps = [] if out == groups else [f"depth_multiplier={out} // {groups}"]
    name = site.ranked("DepthwiseConv")
    if _is_depthwise(site):
        return [*pads.before, call(name, size, *window, *maps, *_bias(site))]
    if _is_depthwise_or_full(site):
        condition = f"{groups} == {site.inputs[0]}.shape[-1] == {out}"
        return [*pads.before, Only(condition, call(name, size, *window, *_bias(site)), conv)]
    return [*pads.before, conv]


def _bias(site: Site) -> list[str]:
    return site.options(("use_bias", "bias", True))


def _is_depthwise(site: Site) -> bool:
    """Whether it always has as many groups as input channels."""
    groups, out = site.get("groups"), site.get("out_channels")
    assert isinstance(groups, Expression)
    if groups.text.strip() == "in_channels":
        return True
    same = isinstance(out, Expression) and out.text == groups.text
    return same and bool(site.uses) and all(map(_has_depthwise_groups, site.uses))


def _is_depthwise_or_full(site: Site) -> bool:
    """Whether it has as many groups as channels wherever it has any."""
    grouped = [placed for placed in site.uses if placed.channel_groups != 1]
    return bool(grouped) and all(map(_has_depthwise_groups, grouped))


def _has_depthwise_groups(placed: Placed) -> bool:
    return placed.channel_groups == placed.inputs[0].channels == placed.outputs[0].channels


def _refuse_dilated_strides(site: Site) -> None:
    if any(window.stride > 1 and window.dilation > 1 for window in site.windows):
        raise Unsayable("has a stride and a dilation, of which Keras takes one")


@_type("depthwise_conv")
def _depthwise_conv(site: Site) -> Steps:
    kernel = site.get("kernel_size")
    _refuse_dilated_strides(site)
    pads = padded(site, kernel, site.get("stride"), zero_padding(site))
    own = [*site.options(("strides", "stride", 1)), *pads.options]
    dilation = site.options(("dilation_rate", "dilation", 1))
    size = site.each("kernel_size")
    if site.axes == 3:
        channels = f"{site.inputs[0]}.shape[-1]"
        maps = channels
        if not site.is_default("multiplier", 1):
            maps = f"{channels} * {site.code('multiplier')}"
        own = [maps, size, *own, *dilation, f"groups={channels}", *_bias(site)]
        return [*pads.before, call("layers.Conv3D", *own)]
    own += site.options(("depth_multiplier", "multiplier", 1))
    return [
        *pads.before,
        call(site.ranked("DepthwiseConv"), size, *own, *dilation, *_bias(site)),
    ]


@_type("global_depthwise_conv")
def _global_depthwise_conv(site: Site) -> Steps:
    x = site.inputs[0]
    size = f"{x}.shape[1:-1]"
    if site.axes == 3:
        channels = f"{x}.shape[-1]"
        return [call("layers.Conv3D", channels, size, f"groups={channels}", *_bias(site))]
    return [call(site.ranked("DepthwiseConv"), size, *_bias(site))]


@_type("separable_conv")
def _separable_conv(site: Site) -> Steps:
    depthwise, pointwise = site.get("depthwise_bias"), site.get("pointwise_bias")
    bias = site.get("bias", True)
    depthwise = bias if depthwise is None else depthwise
    pointwise = bias if pointwise is None else pointwise
    fields = {**site.fields, "bias": depthwise}
    first = line_like(site, "depthwise_conv", fields)
    last = line_like(site, "conv", {"out_channels": site.get("out_channels"), "bias": pointwise})
    last.uses = ()
    if depthwise is not False or site.axes == 3:
        return [*_depthwise_conv(first), *_conv(last)]
    kernel = site.get("kernel_size")
    _refuse_dilated_strides(site)
    pads = padded(site, kernel, site.get("stride"), zero_padding(site))
    own = [
        *site.options(("strides", "stride", 1)),
        *pads.options,
        *site.options(("dilation_rate", "dilation", 1), ("depth_multiplier", "multiplier", 1)),
        *_bias(last),
    ]
    size = site.each("kernel_size")
    name = site.ranked("SeparableConv")
    return [*pads.before, call(name, site.code("out_channels"), size, *own)]


@_type("spatial_separable_conv")
def _spatial_separable_conv(site: Site) -> Steps:
    k, s, p = (site.code(name, default) for name, default in _LONG.items())
    both = []
    for size, stride, padding in (
        (f"({k}, 1)", f"({s}, 1)", f"({p}, 0)"),
        (f"(1, {k})", f"(1, {s})", f"(0, {p})"),
    ):
        if _is_one(site.get("stride", 1)) and _keeps_size(
            site.get("padding", 0), site.get("kernel_size"), 1
        ):
            own = ['padding="same"']
        else:
            own = [] if s == "1" else [f"strides={stride}"]
            if p != "0":
                both.append(f"layers.ZeroPadding2D({padding})")
        both.append(call("layers.Conv2D", site.code("out_channels"), size, *own, *_bias(site)))
    return [*both]


_LONG: Mapping[str, Value] = {"kernel_size": None, "stride": 1, "padding": 0}


def line_like(site: Site, type: str, fields: Mapping[str, Value]) -> Site:
    """A part of a site that stands for several layers."""
    return Site(type, fields, site.spell, site.inputs, site.uses, site.axes, site.helpers)


@_type("conv_transpose")
def _conv_transpose(site: Site) -> Steps:
    if any(placed.channel_groups != 1 for placed in site.uses):
        raise Unsayable("has groups, which Keras's transposed convolutions do not take")
    if not site.is_default("groups", 1) and not site.uses:
        raise Unsayable("has groups, which Keras's transposed convolutions do not take")
    own = site.options(("strides", "stride", 1))
    dilation = site.options(("dilation_rate", "dilation", 1))
    head = (site.code("out_channels"), site.each("kernel_size"))
    name = site.ranked("Conv") + "Transpose"
    name = f"layers.Conv{site.axes}DTranspose"
    padding, more = site.get("padding", 0), site.get("output_padding", 0)
    if padding == "valid":
        padding = 0
    if one_or_all(padding) in (0, (0, 0)):
        if _covers(site) and site.is_default("output_padding", 0):
            return [call(name, *head, *own, *dilation, *_bias(site))]
        own.append(f"output_padding={site.each('output_padding', 0)}")
        return [call(name, *head, *own, *dilation, *_bias(site))]
    if isinstance(more, (Expression, Items)) or isinstance(padding, (Expression, Items)):
        pairs = _pairs(site, padding)
        crop = pairs[0] if site.axes == 1 else f"({', '.join(pairs)})"
        own.append(f"output_padding={site.each('output_padding', 0)}")
        return [
            call(name, *head, *own, *dilation, *_bias(site)),
            call(site.ranked("Cropping"), crop),
        ]
    if _doubles(site):
        return [call(name, *head, *own, 'padding="same"', *dilation, *_bias(site))]
    pads = padding if type(padding) is tuple else ((padding, padding),)
    pads = pads * site.axes if len(pads) == 1 else pads
    mores = more if type(more) is tuple else (more,)
    mores = mores * site.axes if len(mores) == 1 else mores
    crops, behind = [], []
    for (before, after), extra in zip(pads, mores):
        # Cells that are added and cut off again are not there at all.
        taken = min(after, extra)
        crops.append((before, after - taken))
        behind.append(extra - taken)
    if any(behind) or not _covers(site):
        own.append(f"output_padding={site.spell(one_or_all(tuple(behind)))}")
    crop = site.spell(_symmetric(tuple(crops), site.axes))
    return [
        call(name, *head, *own, *dilation, *_bias(site)),
        call(site.ranked("Cropping"), crop),
    ]


def _covers(site: Site) -> bool:
    """Whether no cell of the output lies between two kernels: without `output_padding`, Keras
    fills such with zeros at the end."""
    windows = site.windows
    return bool(windows) and all(window.span >= window.stride for window in windows)


def _doubles(site: Site) -> bool:
    """Whether its output is `stride` times its input, with as much cut off at either end."""
    return bool(site.windows) and all(
        placed.layer.output_padding == (0,) * len(placed.windows)  # type: ignore[attr-defined]
        and all(
            w.dilation == 1 and w.before == w.after and w.kernel - w.stride == 2 * w.before
            for w in placed.windows
        )
        for placed in site.uses
    )


@_type("deform_conv")
def _deform_conv(site: Site) -> Steps:
    raise Unsayable("samples its input at learned offsets, for which Keras has no layer")


# Pools


@_type("max_pool", "avg_pool")
def _pool(site: Site) -> Steps:
    kernel = site.get("kernel_size")
    stride = site.get("stride")
    name = "MaxPooling" if site.type == "max_pool" else "AveragePooling"
    size = site.each("kernel_size")
    if not site.is_default("dilation", 1):
        raise Unsayable("has a dilation, which Keras's pools do not take")
    own = [] if stride is None else [f"strides={site.each('stride')}"]
    if one_or_all(stride) == one_or_all(kernel):
        own = []
    if site.get("ceil_mode", False) is not False:
        if not site.is_default("padding", 0) and site.get("padding") != "valid":
            flat = _flat_pads(site)
        else:
            flat = "0"
        step = "1" if _is_one(stride) and stride is not None else site.each("stride", kernel)
        if step != "1":
            helper = site.help(f"ceil_{site.type}")
            more = [] if flat == "0" else [f"padding={flat}"]
            return [lambda x: call(helper, x, size, step, *more)]
    if site.type == "max_pool":
        # Keras's own padding of a pool is never the largest.
        pads = padded(site, kernel, stride if stride is not None else kernel, least_padding(site))
    elif isinstance(site.get("padding", 0), str):
        pads = padded(site, kernel, stride, zero_padding(site))
    else:
        # The cells that are added count in the mean, as PyTorch has it; in Keras's own they do not.
        pads = padded(site, kernel, 2, zero_padding(site))
    return [*pads.before, call(site.ranked(name), size, *own, *pads.options)]


def _flat_pads(site: Site) -> str:
    padding = site.get("padding")
    flat = _symmetric(padding, site.axes)
    if not isinstance(flat, (int, Expression)):
        raise Unsayable("has a `ceil_mode` and a padding that differs between axes")
    return site.spell(flat)


@_type("kmax_pool")
def _kmax_pool(site: Site) -> Steps:
    raise Unsayable("keeps several cells of each window, for which Keras has no layer")


@_type("max_unpool")
def _max_unpool(site: Site) -> Steps:
    raise Unsayable(
        "needs the places that a max pool took its cells from, which Keras's do not say"
    )


@_type("global_avg_pool")
def _global_avg_pool(site: Site) -> Steps:
    return [call(site.ranked("GlobalAveragePooling"), "keepdims=True")]


@_type("global_max_pool")
def _global_max_pool(site: Site) -> Steps:
    return [call(site.ranked("GlobalMaxPooling"), "keepdims=True")]


@_type("adaptive_avg_pool", "adaptive_max_pool")
def _adaptive_pool(site: Site) -> Steps:
    kind = "Average" if site.type == "adaptive_avg_pool" else "Max"
    wanted = one_or_all(site.get("output_size"))
    if wanted == 1:
        return [call(site.ranked(f"Global{kind}Pooling"), "keepdims=True")]
    if type(wanted) is tuple and None in wanted:
        x = site.inputs[0]
        sizes = [f"{x}.shape[{n}]" if v is None else str(v) for n, v in enumerate(wanted, 1)]
        return [call(site.ranked(f"Adaptive{kind}Pooling"), f"({', '.join(sizes)})")]
    return [call(site.ranked(f"Adaptive{kind}Pooling"), site.each("output_size"))]


# Normalisation


def _affine(site: Site, default: bool = True) -> list[str]:
    """The options of a scale and a shift, which Keras has unless told otherwise."""
    affine = site.get("affine", default)
    if affine is True:
        return []
    code = site.spell(affine)
    return [f"center={code}", f"scale={code}"]


@_type("batch_norm")
def _batch_norm(site: Site) -> Steps:
    return [call("layers.BatchNormalization", *_affine(site))]


@_type("layer_norm")
def _layer_norm(site: Site) -> Steps:
    axes = []
    if site.get("over") == "all" and site.rank > 1:
        axes = [f"axis={list(range(1, site.rank + 1))}"]
    return [call("layers.LayerNormalization", *axes, *_affine(site))]


@_type("group_norm")
def _group_norm(site: Site) -> Steps:
    return [call("layers.GroupNormalization", site.code("groups"), *_affine(site))]


@_type("instance_norm")
def _instance_norm(site: Site) -> Steps:
    # As many groups as channels.
    return [call("layers.GroupNormalization", "-1", *_affine(site, default=False))]


@_type("rms_norm")
def _rms_norm(site: Site) -> Steps:
    if site.get("affine", True) is True:
        return ["layers.RMSNormalization()"]
    if site.get("affine") is False:
        return [lambda x: f"ops.rms_normalization({x})"]
    raise Unsayable("has an `affine` that is chosen, which Keras's layer does not take")


@_type("local_response_norm")
def _local_response_norm(site: Site) -> Steps:
    helper = site.help("local_response_norm")
    return [lambda x: call(helper, x, site.code("size"))]


# Activations

_ACTIVATIONS = {
    "relu": "layers.ReLU()",
    "relu6": "layers.ReLU(6)",
    "leaky_relu": "layers.LeakyReLU(0.01)",
    "elu": "layers.ELU()",
    **{
        name: f'layers.Activation("{word}")'
        for name, word in {
            "gelu": "gelu",
            "silu": "silu",
            "sigmoid": "sigmoid",
            "hard_sigmoid": "hard_sigmoid",
            "hard_swish": "hard_swish",
            "tanh": "tanh",
            "softplus": "softplus",
            "mish": "mish",
        }.items()
    },
}
_FUNCTIONS = ("abs", "sqrt", "square", "exp", "log")


@_type(*_ACTIVATIONS)
def _activation(site: Site) -> Steps:
    return [_ACTIVATIONS[site.type]]


@_type(*_FUNCTIONS)
def _function(site: Site) -> Steps:
    return [lambda x: f"ops.{site.type}({x})"]


@_type("prelu")
def _prelu(site: Site) -> Steps:
    shared = list(range(1, site.rank))
    if site.is_default("num_parameters", 1):
        shared.append(site.rank)
    return [call("layers.PReLU", *([f"shared_axes={shared}"] if shared else []))]


@_type("softmax")
def _softmax(site: Site) -> Steps:
    axis = site.axis(site.get("axis", 0))
    return [call("layers.Softmax", *([] if axis == "-1" else [f"axis={axis}"]))]


@_type("clamp")
def _clamp(site: Site) -> Steps:
    low, high = site.get("min"), site.get("max")
    if high is None:
        return [lambda x: f"ops.maximum({x}, {site.spell(low)})"]
    if low is None:
        return [lambda x: f"ops.minimum({x}, {site.spell(high)})"]
    return [lambda x: f"ops.clip({x}, {site.spell(low)}, {site.spell(high)})"]


# Dense, and what only passes


@_type("linear")
def _linear(site: Site) -> Steps:
    return [call("layers.Dense", site.code("out_features"), *_bias(site))]


@_type("dropout")
def _dropout(site: Site) -> Steps:
    return [call("layers.Dropout", site.code("rate", 0.5))]


@_type("identity")
def _identity(site: Site) -> Steps:
    return ["layers.Identity()"]


@_type("flatten")
def _flatten(site: Site) -> Steps:
    start = site.get("start_axis", 0)
    if not isinstance(start, int):
        raise Unsayable("has a `start_axis` that is worked out")
    start %= site.rank
    x = site.inputs[0]
    if start == 0:
        return ["layers.Flatten()"]
    kept = [f"{x}.shape[{axis}]" for axis in range(1, start)]
    return [f"layers.Reshape(({', '.join([*kept, '-1', f'{x}.shape[-1]'])}))"]


@_type("reshape")
def _reshape(site: Site) -> Steps:
    shape = site.get("shape")
    sizes = shape.items if isinstance(shape, Items) else shape
    if type(sizes) is tuple:
        first, *others = sizes
        kept = isinstance(first, Expression) and first.text.strip() == "in_channels"
        if kept and others:
            sizes = ", ".join([*map(site.spell, others), site.spell(first)])
            return [f"layers.Reshape(({sizes}))"]
        if len(sizes) == 1 and site.rank == 1:
            return [f"layers.Reshape(({site.spell(first)},))"]
        helper = site.help("reshape")
        return [lambda x: call(helper, x, *map(site.spell, (first, *others)))]
    parsed = _list_items(site.spell(shape))
    if parsed is None:
        helper = site.help("reshape")
        return [lambda x: call(helper, x, f"*{site.spell(shape)}")]
    first, *others = parsed
    if first.endswith(".shape[-1]") and first.startswith(site.inputs[0]) and others:
        return [f"layers.Reshape(({', '.join([*others, first])}))"]
    helper = site.help("reshape")
    return [lambda x: call(helper, x, *parsed)]


def _list_items(code: str) -> list[str] | None:
    """The code of the items of a list or tuple; None of anything else."""
    tree = ast.parse(code, mode="eval").body
    if isinstance(tree, (ast.List, ast.Tuple)):
        return [text(item) for item in tree.elts]
    return None


@_type("scale")
def _scale(site: Site) -> Steps:
    return [f"{site.help('Scale')}()"]


@_type("parameter", "buffer")
def _parameter(site: Site) -> Steps:
    shape = site.get("shape")
    if isinstance(shape, Items):
        sizes = [site.spell(item) for item in shape.items]
    elif type(shape) is tuple:
        sizes = [str(size) for size in shape]
    else:
        sizes = _list_items(site.spell(shape)) or []
        if not sizes:
            raise Unsayable("has a shape that is worked out as a whole")
    first, *others = sizes
    last = [f"({', '.join([*others, first])}{'' if others else ','})"]
    if site.type == "buffer":
        last.append("trainable=False")
    return [call(site.help("Parameter"), *last)]


@_type("index_select")
def _index_select(site: Site) -> Steps:
    helper = site.help("index_select")
    axis = site.axis(site.get("axis", 0))
    x = site.inputs[0]
    size = f"{x}.shape[{axis}]" if site.get("size") is None else site.code("size")
    return [lambda x: call(helper, x, size, f"axis={axis}")]


# Joins, and what takes tensors apart

_JOINS = {
    "add": ("Add", "+"),
    "sub": ("Subtract", "-"),
    "mul": ("Multiply", "*"),
    "maximum": ("Maximum", ""),
    "minimum": ("Minimum", ""),
    "div": ("", "/"),
}


@_type(*_JOINS)
def _join(site: Site) -> Steps:
    name, sign = _JOINS[site.type]
    if site.get("value") is not None:
        value = site.code("value")
        if not sign:
            return [lambda x: f"ops.{site.type}({x}, {value})"]
        if sign in "+-" and value.startswith("-"):
            sign, value = "-+"[sign == "-"], value[1:]
        return [lambda x: f"{x} {sign} {_operand(value)}"]
    if not name:
        a, b = site.inputs
        return [lambda x: f"{a} / {b}"]
    return [Joining(f"layers.{name}()", site.inputs)]


def _operand(code: str) -> str:
    """The code of the second operand of a sign, in brackets where it binds less tightly."""
    node = ast.parse(code, mode="eval").body
    is_loose = isinstance(node, (ast.IfExp, ast.BoolOp, ast.Compare))
    if isinstance(node, ast.BinOp):
        is_loose = not isinstance(node.op, ast.Pow)
    return f"({code})" if is_loose else code


@_type("concat")
def _concat(site: Site) -> Steps:
    axis = site.axis(site.get("axis", 0))
    layer = call("layers.Concatenate", *([] if axis == "-1" else [f"axis={axis}"]))
    return [Joining(layer, site.inputs)]


@_type("channel_shuffle")
def _channel_shuffle(site: Site) -> Steps:
    helper = site.help("channel_shuffle")
    return [lambda x: call(helper, x, site.code("groups"))]


@_type("split")
def _split(site: Site) -> Steps:
    sections, axis = site.get("sections"), site.axis(site.get("axis", 0))
    sizes = site.get("sizes") or (
        sections if (type(sections) is tuple or isinstance(sections, Items)) else None
    )
    if sizes is None:
        return [lambda x: f"ops.split({x}, {site.spell(sections)}, axis={axis})"]
    items = sizes.items if isinstance(sizes, Items) else sizes
    if type(items) is not tuple:
        raise Unsayable("has sizes that are worked out as a whole")
    codes = [site.spell(item) for item in items]
    if all(isinstance(item, int) for item in items):
        ends = [str(sum(items[: n + 1])) for n in range(len(items) - 1)]
    else:
        ends = [" + ".join(codes[: n + 1]) for n in range(len(codes) - 1)]
    return [lambda x: f"ops.split({x}, [{', '.join(ends)}], axis={axis})"]


@_type("slice")
def _slice(site: Site) -> Steps:
    start = "" if site.is_default("start", 0) else site.code("start")
    stop = "" if site.get("stop") is None else site.code("stop")
    step = "" if site.is_default("step", 1) else site.code("step")
    space = " " if any(" " in part for part in (start, stop, step)) else ""
    cut = f"{start}{space if start else ''}:{space if stop else ''}{stop}"
    if step:
        cut += f"{space}:{space if space else ''}{step}" if space else f":{step}"
    axis = site.get("axis", 0)
    if not isinstance(axis, int):
        helper = site.help("cut")
        own = [start or "0", *([stop] if stop or step else []), *([step] if step else [])]
        if stop == "" and step:
            own[1] = "None"
        return [lambda x: call(helper, x, site.axis(axis), *own)]
    place = keras_axis(axis, site.rank)
    if place == -1:
        return [lambda x: f"{x}[..., {cut}]"]
    return [lambda x: f"{x}[{', '.join([':'] * place + [cut])}]"]


# Tensors


@_type("permute")
def _permute(site: Site) -> Steps:
    order = site.get("order")
    if type(order) is not tuple:
        raise Unsayable("has an order that is worked out")
    rank = site.rank
    order = tuple(axis % rank for axis in order)
    # Keras counts from 1, and has the channels last.
    ours = [*order[1:], order[0]]
    dims = [axis or rank for axis in ours]
    return [f"layers.Permute(({', '.join(map(str, dims))}{',' if rank == 1 else ''}))"]


@_type("matmul")
def _matmul(site: Site) -> Steps:
    options = [
        f"{name}={site.code(name)}"
        for name in ("transpose_a", "transpose_b")
        if not site.is_default(name, False)
    ]
    helper = site.help("matmul")
    return [lambda x: call(helper, *site.inputs, *options)]


@_type("reduce")
def _reduce(site: Site) -> Steps:
    axes = site.get("axes")
    if type(axes) is not tuple:
        raise Unsayable("has axes that are worked out")
    rank, keep = site.rank, site.get("keep", False)
    ours = sorted({axis % rank for axis in axes})
    theirs = [axis or rank for axis in ours]
    code = str(theirs[0]) if len(theirs) == 1 else f"({', '.join(map(str, sorted(theirs)))})"
    if keep is not False and keep is not True:
        raise Unsayable("has a `keep` that is worked out")
    own = [f"axis={code}", *(["keepdims=True"] if keep else [])]

    def reduced(x: str) -> str:
        if site.get("op") == "l2":
            return f"ops.sqrt({call('ops.sum', f'ops.square({x})', *own)})"
        return call(f"ops.{site.get('op')}", x, *own)

    if 0 in ours and not keep and rank - len(ours) > 1:
        # The first axis that is left takes the channels' place, which is the last.
        return [reduced, lambda x: f"ops.moveaxis({x}, 1, -1)"]
    return [reduced]


@_type("self_attention")
def _self_attention(site: Site) -> Steps:
    helper = site.help("self_attention")
    own = [site.code("heads")]
    if site.get("head_channels") is not None:
        own.append(f"head_channels={site.code('head_channels')}")
    own += site.options(("qkv_bias", "qkv_bias", True))
    return [Built(helper, tuple(own))]


@_type("squeeze_excite")
def _squeeze_excite(site: Site) -> Steps:
    helper = site.help(f"squeeze_excite_{site.axes}d" if site.axes != 2 else "squeeze_excite")
    own = [site.code("squeeze")]
    for name, default in (("activation", "relu"), ("gate", "sigmoid")):
        word = site.get(name, default)
        if not isinstance(word, str):
            raise Unsayable(f"has an `{name}` that is worked out, or has values of its own")
        if word not in _WORDS:
            raise Unsayable(f"has `{word}` in it, which Keras has no name for")
        if word != default:
            own.append(f'{name}="{_WORDS[word]}"')
    return [Built(helper, tuple(own))]


#: What Keras calls activations that need nothing else.
_WORDS = {
    name: name
    for name in (
        *("relu", "relu6", "elu", "gelu", "silu", "sigmoid", "hard_sigmoid", "hard_swish"),
        *("tanh", "softplus", "softmax", "mish"),
    )
}


@_type("opaque")
def _opaque(site: Site) -> Steps:
    raise Unsayable("is an operator whose computation the spec does not say")


# Resampling


@_type("pad")
def _pad(site: Site) -> Steps:
    axis, mode, value = site.get("axis"), site.get("mode", "constant"), site.get("value", 0.0)
    if mode in ("replicate", "circular"):
        raise Unsayable(f"has the mode `{mode}`, which Keras does not pad in on every backend")
    if axis is not None and not isinstance(axis, int):
        raise Unsayable("pads an axis that is worked out")
    if axis is None:
        ends = [("0", "0"), *_ends(site, site.axes), ("0", "0")]
    else:
        ends = [("0", "0")] * (site.rank + 1)
        ends[keras_axis(axis, site.rank)] = _ends(site, 1)[0]
    steps: Steps = []
    if any(end.startswith("-") for pair in ends for end in pair):
        steps.append(_cut(ends))
        ends = [tuple("0" if end.startswith("-") else end for end in pair) for pair in ends]  # type: ignore[misc]
    if all(pair == ("0", "0") for pair in ends):
        return steps
    if mode == "constant" and value == 0 and axis is None and 1 <= site.axes <= 3:
        return [*steps, call(site.ranked("ZeroPadding"), _margins(ends[1:-1]))]
    own = [] if mode == "constant" else [f'mode="{mode}"']
    own += [] if value == 0 else [f"constant_values={site.code('value')}"]
    pairs = ", ".join(f"({before}, {after})" for before, after in ends)
    return [*steps, lambda x: call("ops.pad", x, f"({pairs})", *own)]


def _ends(site: Site, axes: int) -> list[tuple[str, str]]:
    """The code of what each of so many axes gets before and behind it."""
    padding = site.get("padding")
    items: Any = padding.items if isinstance(padding, Items) else padding
    if type(items) is not tuple:
        items = (items,)
    if axes == 1 and len(items) == 2 and not any(map(_is_list, items)):
        items = ((items[0], items[1]),)  # the two ends of one axis
    elif axes == 1 and len(items) == 2:
        items = ((items[0][0], items[1][0]),)  # the same, as the layer keeps it
    found = []
    for item in items * axes if len(items) == 1 else items:
        both = item.items if isinstance(item, Items) else item if _is_list(item) else (item, item)
        found.append((site.spell(both[0]), site.spell(both[1])))
    return found


def _is_list(value: Value) -> bool:
    return type(value) is tuple or isinstance(value, Items)


def _cut(ends: list[tuple[str, str]]) -> Step:
    """What cuts off as many cells as negative ends say."""
    cuts = []
    for before, after in ends:
        start = before[1:] if before.startswith("-") else ""
        cuts.append(f"{start}:{after if after.startswith('-') else ''}")
    while cuts[-1] == ":":
        cuts.pop()
    return lambda x: f"{x}[{', '.join(cuts)}]"


def _margins(ends: list[tuple[str, str]]) -> str:
    """The padding of each axis as Keras's layers take it, the shortest way."""
    if all(before == after for before, after in ends):
        sizes = [before for before, _ in ends]
        return sizes[0] if len(set(sizes)) == 1 else f"({', '.join(sizes)})"
    pairs = [f"({before}, {after})" for before, after in ends]
    return pairs[0] if len(pairs) == 1 else f"({', '.join(pairs)})"


@_type("upsample")
def _upsample(site: Site) -> Steps:
    mode, scale, size = site.get("mode", "nearest"), site.get("scale"), site.get("size")
    if mode == "area":
        if size is None:
            raise Unsayable("has the mode `area`, which Keras does not have")
        return [call(site.ranked("AdaptiveAveragePooling"), site.each("size"))]
    word = {"nearest-exact": "nearest", "linear": "bilinear", "trilinear": "?"}.get(str(mode), mode)
    whole = scale is not None and all(
        float(factor).is_integer()
        for placed in site.uses
        for factor in placed.layer.scale or ()  # type: ignore[attr-defined]
    )
    if whole and (mode == "nearest" or site.axes == 2):
        own = [] if word == "nearest" else [f'interpolation="{word}"']
        return [call(site.ranked("UpSampling"), _whole_scale(site, scale), *own)]
    if site.axes != 2:
        raise Unsayable(f"resizes {site.axes} axes by `{mode}`, which Keras does not")
    x = site.inputs[0]
    if size is not None:
        code = site.spell(size)
        if type(size) is tuple and len(size) == 1:
            code = f"({size[0]}, {size[0]})"
        elif isinstance(size, Expression) and _list_items(code) is None:
            code = f"({code}, {code})"
    else:
        factors = scale if type(scale) is tuple else (scale,)
        factors = factors * 2 if len(factors) == 1 else factors
        code = ", ".join(
            f"int({x}.shape[{n}] * {site.spell(factor)})" for n, factor in enumerate(factors, 1)
        )
        code = f"({code})"
    option = f'interpolation="{word}"'
    return [lambda x: f"ops.image.resize({x}, {code}, {option})"]


def _whole_scale(site: Site, scale: Value) -> str:
    if type(scale) is tuple:
        scale = tuple(int(factor) for factor in scale)
    return site.spell(one_or_all(scale))


@_type("pixel_shuffle", "pixel_unshuffle")
def _pixels(site: Site) -> Steps:
    helper = site.help(site.type)
    return [lambda x: call(helper, x, site.code("factor"))]


@_type("unfold")
def _unfold(site: Site) -> Steps:
    kernel = site.get("kernel_size")
    if isinstance(site.get("padding", 0), str) and site.get("padding") != "valid":
        raise Unsayable("pads its windows by a rule, which Keras's `unfold` does not")
    helper = site.help("unfold")
    own = site.options(("padding", "padding", 0))
    if own:
        own = [f"padding={site.spell(_symmetric(site.get('padding'), 2))}"]
    own += site.options(("stride", "stride", 1), ("dilation", "dilation", 1))
    return [lambda x: call(helper, x, site.spell(one_or_all(kernel)), *own)]


@_type("fold")
def _fold(site: Site) -> Steps:
    helper = site.help("fold")
    own = site.options(("stride", "stride", 1), ("dilation", "dilation", 1))
    if not site.is_default("padding", 0) and site.get("padding") != "valid":
        own.append(f"padding={site.spell(_symmetric(site.get('padding'), 2))}")
    size, kernel = site.get("output_size"), site.get("kernel_size")
    code = site.spell(size if type(size) is not tuple or len(size) > 1 else size * 2)
    return [lambda x: call(helper, x, code, site.spell(one_or_all(kernel)), *own)]


def types() -> Iterator[str]:
    """The layer types of the table, also those that Keras cannot do."""
    return iter(_TYPES)


_CHOICE = re.compile(r"(?P<then>\d+) if (?P<condition>.+) else (?P<other>\d+)")
