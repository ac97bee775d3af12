"""Receptive fields against PyTorch's gradients: which cells of the input a cell hangs on.

Needs torch, which the suite's own environment does not have.
"""

from __future__ import annotations

from typing import Any

import pytest

import convcalc
from convcalc.reach import Doubt
from tests.seen import CELLS, Net, Step, exactly, interval, random_net

torch = pytest.importorskip("torch")


def made(step: Step, inputs: list[Any], size: int) -> Any:
    """What PyTorch makes of tensors, with positive weights, so that nothing cancels out."""
    functional, f = torch.nn.functional, step.fields
    x = inputs[0]

    def weight(outputs: int, channels: int) -> Any:
        return 0.5 + torch.rand(outputs, channels, f["k"], dtype=x.dtype)

    if step.type == "conv":
        padded = functional.pad(x, f["p"][0])
        return functional.conv1d(padded, weight(1, x.shape[1]), stride=f["s"], dilation=f["d"])
    if step.type == "avg_pool":
        return functional.avg_pool1d(functional.pad(x, f["p"][0]), f["k"], f["s"])
    if step.type == "conv_transpose":
        whole = functional.conv_transpose1d(
            x, weight(x.shape[1], 1), stride=f["s"], dilation=f["d"]
        )
        before, after = f["p"][0]
        return whole[..., before : whole.shape[-1] - after]
    if step.type == "upsample":
        factor = {"scale_factor": f["scale"]} if "scale" in f else {"size": f["size"]}
        return functional.interpolate(x, **factor, mode=f["mode"])
    if step.type == "adaptive_avg_pool":
        return functional.adaptive_avg_pool1d(x, size)
    if step.type == "pad":
        return functional.pad(x, f["p"][0], f["mode"])
    if step.type == "slice":
        return x[..., f["start"] : f["stop"] : f["step"]]
    if step.type == "concat":
        return torch.cat(inputs, 1 + f.get("axis", 0))
    return sum(inputs)


def gradients(net: Net, cells: list[int]) -> list[set[int]]:
    """The cells of the input that some cells of the last layer have a gradient of."""
    x = torch.rand(1, 1, CELLS, dtype=torch.float64, requires_grad=True)
    tensors = {-1: x}
    for index, step in enumerate(net.steps):
        entering = [tensors[source] for source in step.sources]
        tensors[index] = made(step, entering, net.sizes[index])
    y = tensors[len(net.steps) - 1]
    assert y.shape == (1, 1, net.sizes[-1])
    each = torch.eye(net.sizes[-1], dtype=y.dtype)[cells, None, None]
    (found,) = torch.autograd.grad(y, x, each, is_grads_batched=True)
    return [set(row.nonzero()[:, 0].tolist()) for row in found[:, 0, 0]]


def test_gradients_reach_what_is_said() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    compared = far = 0
    for seed in range(2000):
        net = random_net(seed)
        *_, field = convcalc.loads(net.text()).receptive_field()
        if field.stride == (None,):
            assert None in net.rates() or len(net.rates()) > 1, seed
            continue
        size = net.sizes[-1]
        cells = sorted({0, 1, size - 1, *range(size // 2, min(size // 2 + 6, size))})
        for y, reached in zip(cells, gradients(net, cells)):
            low, high = interval(field, y)
            is_border = net.seen(len(net.steps) - 1, y) is None
            # There copies of other cells are seen where a pad is no constant.
            if not (is_border and Doubt.MIRRORED in field.doubts):
                assert all(low <= x <= high for x in reached), (seed, y)
                compared += 1
            # At a border a part of what would be seen is cut off.
            if field.is_exact and not is_border:
                assert reached == exactly(field, y), (seed, y)
                far += 1
    assert compared > 15_000
    assert far > 6_000


#: Layers whose rule is not that of a window along one axis, each with an input that it takes.
LAYERS = {
    "conv: {out: 3, k: [3, 5], s: [2, 1], p: same, d: [1, 2]}": "[3, 13, 12]",
    "conv_transpose: {out: 3, k: 3, s: 2, p: 1, d: 2, output_padding: 1}": "[3, 9, 9]",
    "kmax_pool: {k: 6, s: 3, k_max: 2}": "[3, 30]",
    "max_unpool: {k: 3, s: 2, p: 1}": "[3, 6, 6]",
    "adaptive_avg_pool: {output_size: [5, 4]}": "[3, 12, 12]",
    "upsample: {size: [5, 4], mode: area}": "[3, 12, 12]",
    "upsample: {scale: 1.5, mode: bilinear}": "[3, 12, 12]",
    "upsample: {scale: 3, mode: bicubic}": "[3, 12, 9]",
    "upsample: {scale: [1.5, 0.7], mode: bicubic}": "[3, 12, 10]",
    "upsample: {scale: 2.3, mode: nearest}": "[3, 40, 9]",
    "pad: {p: 2, mode: circular}": "[3, 12, 9]",
    "concat: {from: [input, input], axis: 2}": "[3, 12, 9]",
    "permute: {name: t, order: [0, 2, 1]}\n  - matmul: {from: [t, input]}": "[2, 3, 12]",
    "permute: {name: t, order: [0, 2, 1]}\n"
    "  - matmul: {from: [t, t], transpose_b: true}": "[2, 3, 12]",
    "pixel_shuffle: {factor: 2}": "[4, 6, 6]",
    "pixel_unshuffle: {factor: 3}": "[2, 12, 9]",
    "permute: {order: [0, 2, 1]}": "[3, 12, 9]",
    "permute: {order: [1, 0, 2]}": "[3, 12, 9]",
    "reshape: {shape: [2, 4, 12, 9]}": "[8, 12, 9]",
    "reshape: {shape: [8, 6, 2, 9]}": "[8, 12, 9]",
    "flatten: {start_axis: 1}": "[8, 12, 9]",
    "reduce: {op: mean, axes: [0]}": "[8, 12, 9]",
    "reduce: {op: mean, axes: [2]}": "[8, 12, 9]",
    "softmax: {axis: 1}": "[8, 12, 9]",
    "layer_norm": "[8, 12, 9]",
    "rms_norm": "[8, 12]",
    "linear: {out: 5, per_position: true}": "[8, 12]",
    "pad: {p: [1, 2], axis: 2}": "[3, 12, 9]",
    "slice: {axis: 2, start: 3, step: 2}": "[3, 12, 9]",
    "split: {sizes: [5, 7], axis: 1}": "[3, 12, 9]",
    "self_attention: {heads: 2}": "[8, 12]",
}


def test_no_layer_sees_beyond_what_it_says() -> None:
    torch.manual_seed(0)
    for line, shape in LAYERS.items():
        network = convcalc.loads(f"name: N\ninput: {shape}\nlayers:\n  - {line}\n")
        *_, field = network.receptive_field()
        names: dict[str, Any] = {"__name__": "exported"}
        exec(str(network.export("pytorch")), names)
        *_, module = [each for each in names.values() if isinstance(each, type)]
        sizes = network.inputs["input"]
        x = torch.rand(1, *sizes, dtype=torch.float64, requires_grad=True)
        y = module().double().eval()(x)
        y = torch.cat(y, 2) if isinstance(y, tuple) else y
        weighted = (y * torch.rand_like(y)).sum((0, 1))
        for cell in [(0,) * weighted.dim(), tuple(size // 2 for size in weighted.shape)]:
            (found,) = torch.autograd.grad(weighted[cell], x, retain_graph=True)
            for axis, span in enumerate(field.spans):
                if span is not None and span.stride is not None:
                    reached = found[0].abs().transpose(0, axis + 1).flatten(1).sum(1).nonzero()
                    low, high = interval(field, cell[span.axis - 1], axis)
                    assert all(low <= int(at) <= high for at in reached), (line, cell, axis)
