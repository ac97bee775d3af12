"""Pooling."""

from __future__ import annotations

from typing import Any

from convcalc.arithmetic import product
from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.use import Use
from convcalc.exporters.torch_layers.rules import (
    called,
    function,
    module,
    reversed_pads,
    unless_default,
)


def _window(
    use: Use, name: str, fill: str
) -> tuple[list[str], str, dict[str, str | None], list[str]]:
    """The modules before a pool, its class or function, and its fields; the places come first."""
    before: list[str] = []
    stride = unless_default(use, "stride")
    padding = ceil_mode = None
    layers: list[Any] = [each.layer for each in use.placed]
    is_rule = [isinstance(each.padding, str) for each in layers]
    uneven = any(
        not rule and any(a != b for a, b in each.padding) for rule, each in zip(is_rule, layers)
    )
    if any(is_rule) or uneven:
        pads = _exact_pads(use)
        if pads is None:
            words = {each.padding for each in layers}
            if not all(is_rule) or len(words) > 1:
                raise Unsayable
            use.helper("same_padding")
            name = use.helper(
                f"{name.removeprefix('nn.')}{'Same' if words == {'same'} else 'SameLower'}"
            )
        elif any(each != (0, 0) for each in pads):
            before = [f"nn.{fill.format(n=len(pads), pads=reversed_pads(pads))}"]
    else:
        padding = unless_default(use, "padding")
        ceil_mode = unless_default(use, "ceil_mode")
    named = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return before, name, named, [use.arg("kernel_size")]


def _exact_pads(use: Use) -> tuple[tuple[int, int], ...] | None:
    """Cells before and behind, so that windows fit without rounding; None where these differ."""
    found = set()
    for each in use.placed:
        x, y = each.inputs[0], each.outputs[0]
        sizes = zip(x.spatial, _windows_of(each, y), each.windows)
        found.add(
            tuple([(w.before, (o - 1) * w.stride + w.span - n - w.before) for n, o, w in sizes])
        )
    return found.pop() if len(found) == 1 else None


def _windows_of(placed: Any, y: Any) -> tuple[int, ...]:
    """How many windows there are on each axis."""
    counts = list(y.spatial)
    if placed.type == "kmax_pool":
        counts[-1] //= placed.layer.k_max
    return tuple(counts)


@module("max_pool")
def max_pool(use: Use) -> list[str]:
    axes = use.axes
    fill = 'ConstantPad{n}d({pads}, float("-inf"))'
    before, name, named, sizes = _window(use, f"nn.MaxPool{axes}d", fill)
    dilation = unless_default(use, "dilation")
    return [*before, called(name, *sizes, **named, dilation=dilation)]


@module("avg_pool")
def avg_pool(use: Use) -> list[str]:
    before, name, named, sizes = _window(use, f"nn.AvgPool{use.axes}d", "ZeroPad{n}d({pads})")
    return [*before, called(name, *sizes, **named)]


@function("max_pool")
def max_pool_function(use: Use, operands: list[str]) -> str:
    return _function(use, operands, "max_pool", dilation=unless_default(use, "dilation"))


@function("avg_pool")
def avg_pool_function(use: Use, operands: list[str]) -> str:
    return _function(use, operands, "avg_pool")


def _function(use: Use, operands: list[str], name: str, **more: str | None) -> str:
    (x,) = operands
    pads = None
    layers: list[Any] = [each.layer for each in use.placed]
    if any(
        isinstance(each.padding, str) or any(a != b for a, b in each.padding) for each in layers
    ):
        pads = _exact_pads(use)
        if pads is None:
            raise Unsayable
        if any(each != (0, 0) for each in pads):
            value = ', value=float("-inf")' if name == "max_pool" else ""
            x = f"F.pad({x}, {reversed_pads(pads)}{value})"
    return called(
        f"F.{name}{use.axes}d",
        x,
        use.arg("kernel_size"),
        stride=unless_default(use, "stride"),
        padding=None if pads is not None else unless_default(use, "padding"),
        ceil_mode=None if pads is not None else unless_default(use, "ceil_mode"),
        **more,
    )


@module("kmax_pool")
def kmax_pool(use: Use) -> list[str]:
    pads = _exact_pads(use)
    if pads is None:
        raise Unsayable
    before = []
    if any(each != (0, 0) for each in pads):
        before = [f'nn.ConstantPad{len(pads)}d({reversed_pads(pads)}, float("-inf"))']
    kernel = use.known("kernel_size")
    stride = use.known("stride") or kernel
    arguments = [_tuple(kernel), use.arg("k_max"), _tuple(stride)]
    return [*before, called(use.helper("KMaxPool"), *arguments)]


def _tuple(sizes: tuple[int, ...]) -> str:
    return expressions.text(expressions.tree(sizes))


@module("global_avg_pool")
def global_avg_pool(use: Use) -> list[str]:
    return [f"nn.AdaptiveAvgPool{use.axes}d(1)"]


@function("global_avg_pool")
def global_avg_pool_function(use: Use, operands: list[str]) -> str:
    return called(f"F.adaptive_avg_pool{use.axes}d", *operands, "1")


@module("global_max_pool")
def global_max_pool(use: Use) -> list[str]:
    return [f"nn.AdaptiveMaxPool{use.axes}d(1)"]


@function("global_max_pool")
def global_max_pool_function(use: Use, operands: list[str]) -> str:
    return called(f"F.adaptive_max_pool{use.axes}d", *operands, "1")


def _reached(use: Use) -> str:
    """The size that a pool reaches; in one dimension PyTorch takes none that keeps its size."""
    sizes = {each.layer.output_size for each in use.placed}  # type: ignore[attr-defined]
    if (None,) in sizes:
        return str(use.always(lambda each: each.outputs[0][1]))
    return use.arg("output_size")


@module("adaptive_avg_pool")
def adaptive_avg_pool(use: Use) -> list[str]:
    return [called(f"nn.AdaptiveAvgPool{use.axes}d", _reached(use))]


@function("adaptive_avg_pool")
def adaptive_avg_pool_function(use: Use, operands: list[str]) -> str:
    return called(f"F.adaptive_avg_pool{use.axes}d", *operands, _reached(use))


@module("adaptive_max_pool")
def adaptive_max_pool(use: Use) -> list[str]:
    return [called(f"nn.AdaptiveMaxPool{use.axes}d", _reached(use))]


@function("adaptive_max_pool")
def adaptive_max_pool_function(use: Use, operands: list[str]) -> str:
    return called(f"F.adaptive_max_pool{use.axes}d", *operands, _reached(use))


@module("max_unpool")
def max_unpool(use: Use) -> list[str]:
    kernel = use.known("kernel_size")
    stride = use.known("stride") or kernel
    pads = use.known("padding")
    sizes = use.always(lambda each: each.outputs[0].spatial)
    starts = tuple([before for before, _ in pads])
    use.one([product(sizes) > 0])
    return [called(use.helper("MaxUnpool"), _tuple(stride), _tuple(starts), _tuple(sizes))]
