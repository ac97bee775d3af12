"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.exporters.onnx_nodes.base import Nodes, dilations, sliding, writes


@writes("max_pool")
def _max_pool(nodes: Nodes) -> None:
    x, windows = nodes.x, nodes.windows
    if any(max(window.before, window.after) >= window.kernel for window in windows):
        # A pool of ONNX does not add a whole kernel.
        x = _with_least(nodes, [(window.before, window.after) for window in windows])
        windows = tuple(window._replace(before=0, after=0) for window in windows)
    nodes.op("MaxPool", x, **_ceil(nodes), **sliding(windows), **dilations(windows))


def _with_least(nodes: Nodes, margins: Sequence[tuple[int, int]]) -> str:
    """The input with cells before and after each axis that are no window's largest."""
    befores, afters = zip(*margins)
    pads = nodes.integers("pads", [0, 0, *befores, 0, 0, *afters])
    return nodes.op("Pad", nodes.x, pads, nodes.number("least", float("-inf")), part="padded")


@writes("avg_pool")
def _avg_pool(nodes: Nodes) -> None:
    # PyTorch's mean counts the zeros of the padding, TensorFlow's under `same` does not.
    counted = int(not isinstance(nodes.layer.padding, str))
    nodes.op(
        "AveragePool",
        nodes.x,
        count_include_pad=counted,
        **_ceil(nodes),
        **sliding(nodes.windows),
    )


def _ceil(nodes: Nodes) -> dict[str, Any]:
    """Whether sizes are rounded up; the cells that `same` adds leave nothing to round."""
    return {"ceil_mode": int(nodes.layer.ceil_mode and not isinstance(nodes.layer.padding, str))}


@writes("global_avg_pool")
def _global_avg_pool(nodes: Nodes) -> None:
    # As PyTorch's exporter writes a mean; what it calls a global pool is an adaptive one.
    nodes.op("ReduceMean", nodes.x, _positions(nodes), keepdims=1)


@writes("global_max_pool")
def _global_max_pool(nodes: Nodes) -> None:
    nodes.op("ReduceMax", nodes.x, _positions(nodes), keepdims=1)


def _positions(nodes: Nodes) -> str:
    """The axes of the positions."""
    return nodes.integers("axes", range(2, len(nodes.entering) + 1))


@writes("adaptive_avg_pool")
def adaptive_mean(nodes: Nodes) -> None:
    """The means of the windows of an adaptive pool."""
    _adaptive(nodes, "AveragePool", "ReduceMean")


@writes("adaptive_max_pool")
def _adaptive_max_pool(nodes: Nodes) -> None:
    _adaptive(nodes, "MaxPool", "ReduceMax")


#: The windows along all axes that are written one by one.
_MOST_WINDOWS = 4096


def _adaptive(nodes: Nodes, pool: str, reduction: str) -> None:
    """A pool where the sizes divide; else every window ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉, axis by axis."""
    sizes, made = nodes.entering.spatial, nodes.leaving.spatial
    if all(size == 1 for size in made):
        nodes.op(f"Global{pool}", nodes.x)
        return
    if all(size % count == 0 for size, count in zip(sizes, made)):
        steps = [size // count for size, count in zip(sizes, made)]
        nodes.op(pool, nodes.x, kernel_shape=steps, strides=steps)
        return
    if sum(made) > _MOST_WINDOWS:
        raise nodes.refused(
            f"an adaptive pool of {nodes.entering} to {nodes.leaving}",
            "sizes that the output's divide make one pool of it",
        )
    x = nodes.x
    pooled = [axis for axis, (size, count) in enumerate(zip(sizes, made)) if size != count]
    for axis in pooled:
        size, count = sizes[axis], made[axis]
        part = "" if axis == pooled[-1] else f"axis_{axis + 1}"
        axes = nodes.integers(f"axis_{axis + 1}.axes", [axis + 2])
        reduced = []
        for index in range(count):
            ends = index * size // count, -(-(index + 1) * size // count)
            window = f"axis_{axis + 1}.window_{index}"
            bounds = [nodes.integers(f"bound_{end}", [end]) for end in ends]
            cells = nodes.op("Slice", x, *bounds, axes, part=f"{window}.cells")
            reduced.append(nodes.op(reduction, cells, axes, part=window, keepdims=1))
        x = nodes.op("Concat", *reduced, part=part, axis=axis + 2)


@writes("max_unpool")
def _max_unpool(nodes: Nodes) -> None:
    axes = zip(nodes.windows, nodes.entering.spatial, nodes.leaving.spatial)
    for window, size, made in axes:
        pads = window.before, window.after
        if max(pads) >= window.kernel:
            raise nodes.refused(
                f"a max_unpool with a padding of {max(pads)} and a kernel of {window.kernel}",
                "ONNX's pools pad less than a kernel",
            )
        covered = (size - 1) * window.stride - sum(pads) + window.kernel
        if made < covered:
            raise nodes.refused(
                f"a max_unpool to {made} cells where its windows cover {covered}",
                "ONNX's makes no fewer than these",
            )
    # Where the pool took its cells from, no spec says.
    indices = nodes.empty("indices", [1, *nodes.entering])
    shape = nodes.integers("output_shape", [1, *nodes.leaving])
    nodes.op("MaxUnpool", nodes.x, indices, shape, **sliding(nodes.windows))


@writes("kmax_pool")
def _kmax_pool(nodes: Nodes) -> None:
    """The windows side by side, and of each the k largest, in the order of their places."""
    channels, *made = nodes.leaving
    made[-1] //= nodes.layer.k_max
    windows = nodes.windows
    margins = [
        (w.before, max(w.after, (count - 1) * w.stride + w.span - size - w.before))
        for w, count, size in zip(windows, made, nodes.entering.spatial)
    ]
    x = _with_least(nodes, margins) if any(map(any, margins)) else nodes.x
    x = windows_of(nodes, x, made)
    axes, cells = len(made), [window.kernel for window in windows]
    order = [0, *(2 + 2 * axis for axis in range(axes)), *(1 + 2 * axis for axis in range(axes))]
    x = nodes.transposed(x, order, part="windows")
    count = 1
    for kernel in cells:
        count *= kernel
    x = nodes.reshaped(x, [channels, *made, count], part="cells")
    kept = nodes.integers("k", [nodes.layer.k_max])
    last: dict[str, Any] = {"axis": axes + 2}
    found = [nodes.node.name + suffix for suffix in (".largest", ".largest.places")]
    nodes.op("TopK", x, kept, part="largest", outputs=found, **last)
    places = [nodes.node.name + suffix for suffix in (".places", ".places.order")]
    nodes.op("TopK", found[1], kept, part="places", outputs=places, largest=0, **last)
    nodes.reshaped(nodes.op("GatherElements", x, places[0], part="kept", **last), nodes.leaving)


def windows_of(nodes: Nodes, x: str, counts: Sequence[int]) -> str:
    """The cells of every window of a padded tensor: each axis as its kernel, and its windows."""
    for axis, (window, count) in enumerate(zip(nodes.windows, counts)):
        cells = [
            index * window.stride + tap * window.dilation
            for tap in range(window.kernel)
            for index in range(count)
        ]
        name = f"axis_{axis + 1}"
        indices = nodes.integers(f"{name}.cells", cells)
        sizes = nodes.integers(f"{name}.shape", [window.kernel, count])
        indices = nodes.op("Reshape", indices, sizes, part=f"{name}.indices")
        x = nodes.op("Gather", x, indices, part=name, axis=2 * axis + 2)
    return x
