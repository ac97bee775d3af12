"""Laws of the types that move, join, reduce and multiply tensors: what undoes what, what equals it.

Both sides of every law are specs, so each type is held against others.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

import convcalc

Sizes = list[int]

#: Each example reads two specs.
few = settings(max_examples=25)
sizes = st.integers(1, 9)
shapes = st.lists(sizes, min_size=1, max_size=4)
#: The window on an axis: kernel, stride, padding and dilation.
windows = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.integers(1, 3))


def outcome(*layers: Any, input: Any) -> dict[str, Any]:
    """What comes out of a stack of layers, and what it costs in all."""
    spec = {"name": "stack", "input": input, "layers": layers}
    network = convcalc.loads(json.dumps(spec))
    totals = network.analyze().totals
    return {
        "shapes": [list(tensor.shape) for tensor in network.outputs],
        "params": totals.params,
        "macs": totals.macs,
        "flops": totals.flops,
    }


def moved(shape: Sizes) -> dict[str, Any]:
    """The outcome of what only moves cells."""
    return {"shapes": [shape], "params": 0, "macs": 0, "flops": 0}


def axis_of(shape: Sizes) -> st.SearchStrategy[int]:
    """An axis, counted from either end."""
    return st.integers(-len(shape), len(shape) - 1)


# --- What undoes what -----------------------------------------------------------------------------


@few
@given(st.data(), shapes)
def test_what_is_split_is_joined_again(data: st.DataObject, shape: Sizes) -> None:
    axis = data.draw(axis_of(shape))
    whole = shape[axis]
    ends = sorted({*data.draw(st.lists(st.integers(1, whole), max_size=3)), whole})
    parts = [end - start for start, end in zip([0, *ends], ends)]
    split = {"split": {"name": "parts", "sizes": parts, "axis": axis}}
    names = [f"parts.{i}" for i in range(len(parts))]
    assume(len(names) > 1)
    assert outcome(split, {"concat": {"from": names, "axis": axis}}, input=shape) == moved(shape)
    slices: list[Any] = [
        {"slice": {"name": f"s{end}", "from": "input", "axis": axis, "start": end - size - whole}}
        for size, end in zip(parts, ends)
    ]
    for element, end in zip(slices[:-1], ends):
        element["slice"]["stop"] = end - whole
    together = {"concat": {"from": [f"s{end}" for end in ends], "axis": axis}}
    assert outcome(*slices, together, input=shape) == moved(shape)


@few
@given(st.data(), shapes)
def test_a_permutation_has_an_inverse(data: st.DataObject, shape: Sizes) -> None:
    order = data.draw(st.permutations(range(len(shape))))
    back = [order.index(axis) for axis in range(len(shape))]
    there = {"permute": {"order": order}}
    assert outcome(there, {"permute": {"order": back}}, input=shape) == moved(shape)


@few
@given(st.data(), shapes, st.integers(0, 4), st.integers(0, 4))
def test_padding_is_cut_off_again(data: st.DataObject, shape: Sizes, a: int, b: int) -> None:
    axis = data.draw(axis_of(shape))
    pads = [{"pad": {"axis": axis, "p": p}} for p in ([a, b], [-a, -b])]
    assert outcome(*pads, input=shape) == moved(shape)


@few
@given(sizes, sizes, sizes, st.integers(1, 3))
def test_a_pixel_shuffle_is_undone(c: int, h: int, w: int, r: int) -> None:
    shuffle, unshuffle = {"pixel_shuffle": {"factor": r}}, {"pixel_unshuffle": {"factor": r}}
    fine, coarse = [c, h * r, w * r], [c * r * r, h, w]
    assert outcome(unshuffle, shuffle, input=fine) == moved(fine)
    assert outcome(shuffle, unshuffle, input=coarse) == moved(coarse)


def over(axes: list[tuple[int, int, int, int]]) -> dict[str, Sizes]:
    """The fields of windows."""
    k, s, p, d = map(list, zip(*axes))
    return {"k": k, "s": s, "p": p, "d": d}


def fit(shape: Sizes, axes: list[tuple[int, int, int, int]]) -> bool:
    """Whether windows fit into what they slide over."""
    return all(d * (k - 1) < n + 2 * p for n, (k, _, p, d) in zip(shape[1:], axes))


@few
@given(st.tuples(sizes, sizes, sizes), st.tuples(windows, windows))
def test_what_is_unfolded_is_folded_again(x: Any, axes: Any) -> None:
    assume(fit(x, axes))
    fold = {"fold": {"output_size": x[1:], **over(axes)}}
    assert outcome({"unfold": over(axes)}, fold, input=x)["shapes"] == [list(x)]


@few
@given(st.data(), st.integers(1, 3))
def test_a_pool_is_undone_to_the_size_that_it_had(data: st.DataObject, axes: int) -> None:
    shape = [2, *data.draw(st.lists(st.integers(4, 12), min_size=axes, max_size=axes))]
    drawn = data.draw(st.lists(windows, min_size=axes, max_size=axes))
    fields = {"k": [k for k, *_ in drawn], "s": [s for _, s, *_ in drawn]}
    fields["p"] = [min(p, k // 2) for k, _, p, _ in drawn]
    back = {"max_unpool": fields | {"output_size": shape[1:]}}
    assert outcome({"max_pool": fields}, back, input=shape)["shapes"] == [shape]


# --- What equals what -----------------------------------------------------------------------------


@few
@given(st.tuples(sizes, sizes, sizes), st.tuples(windows, windows), sizes)
def test_a_convolution_is_a_product_with_unfolded_windows(x: Any, axes: Any, out: int) -> None:
    assume(fit(x, axes))
    conv = outcome({"conv": {"out": out, "bias": False, **over(axes)}}, input=x)
    dense = {"linear": {"out": out, "bias": False, "per_position": True}}
    flat = outcome({"unfold": over(axes)}, dense, input=x)
    ((_, columns),) = flat.pop("shapes")
    ((_, height, width),) = conv.pop("shapes")
    assert (flat, columns) == (conv, height * width)


@few
@given(sizes, sizes, sizes)
def test_a_linear_layer_is_a_product_with_a_parameter(c: int, tokens: int, out: int) -> None:
    dense = {"linear": {"out": out, "bias": False, "per_position": True}}
    product = [
        {"parameter": {"name": "w", "shape": [out, "in_channels"]}},
        {"matmul": {"from": ["w", "input"]}},
    ]
    assert outcome(*product, input=[c, tokens]) == outcome(dense, input=[c, tokens])


@few
@given(sizes, sizes, sizes, sizes)
def test_a_product_turned_is_the_product_of_both_turned(b: int, m: int, k: int, n: int) -> None:
    pair = {"a": [b, m, k], "b": [b, k, n]}
    turned = {"from": ["b", "a"], "transpose_a": True, "transpose_b": True}
    product = [{"matmul": {"from": ["a", "b"]}}, {"permute": {"order": [0, 2, 1]}}]
    assert outcome({"matmul": turned}, input=pair) == outcome(*product, input=pair)


@few
@given(st.data(), st.lists(sizes, min_size=2, max_size=4))
def test_a_global_pool_is_a_reduction(data: st.DataObject, shape: Sizes) -> None:
    spatial = data.draw(st.permutations(range(1, len(shape))))
    for pool, op in (("global_avg_pool", "mean"), ("global_max_pool", "max")):
        reduce = {"reduce": {"op": op, "axes": spatial, "keep": True}}
        assert outcome(reduce, input=shape) == outcome(pool, input=shape)


@few
@given(st.data(), st.lists(sizes, min_size=2, max_size=4), st.sampled_from(["sum", "max", "min"]))
def test_axes_are_reduced_together_or_one_by_one(
    data: st.DataObject, shape: Sizes, op: str
) -> None:
    axes = data.draw(st.permutations(range(len(shape))))[1:]
    one_by_one = [{"reduce": {"op": op, "axes": [axis], "keep": True}} for axis in axes]
    (kept,) = set(range(len(shape))) - set(axes)
    reshape = {"reshape": {"shape": [shape[kept]]}}
    together = {"reduce": {"op": op, "axes": axes}}
    assert outcome(together, input=shape) == outcome(*one_by_one, reshape, input=shape)


@few
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 12))
def test_attention_costs_the_same_in_any_number_of_heads(heads: int, d: int, tokens: int) -> None:
    c = heads * d
    found = outcome({"self_attention": {"heads": heads}}, input=[c, tokens])
    assert found["params"] == 4 * c * c + 4 * c
    assert found["macs"] == 4 * c * c * tokens + 2 * c * tokens * tokens
    assert found["shapes"] == [[c, tokens]]


# --- Weights that are used again ------------------------------------------------------------------

LAYERS = st.lists(
    st.sampled_from(
        [
            {"conv": {"out": 4, "k": 3, "p": 1}},
            "batch_norm",
            {"squeeze_excite": {"squeeze": 2}},
            {"linear": {"out": 4, "per_position": True}},
            {"residual": {"layers": [{"separable_conv": {"out": 4, "k": 3, "p": 1}}]}},
            "prelu",
        ]
    ),
    min_size=1,
    max_size=4,
)


@few
@given(LAYERS, st.integers(1, 4))
def test_shared_weights_count_once_and_work_every_time(layers: list[Any], times: int) -> None:
    once = outcome(*layers, input=[4, 5, 5])
    turns = {"repeat": {"times": times, "share_weights": True, "layers": layers}}
    spec = {"name": "calls", "input": [4, 5, 5], "blocks": {"tower": {"layers": layers}}}
    spec["layers"] = [
        {"tower": {"name": "first"}},
        *[{"tower": {"weights": "first"}} for _ in range(times - 1)],
    ]
    calls = convcalc.loads(json.dumps(spec)).analyze().totals
    expected = (once["params"], times * once["macs"], times * once["flops"])
    assert (calls.params, calls.macs, calls.flops) == expected
    assert outcome(turns, input=[4, 5, 5]) == once | {"macs": calls.macs, "flops": calls.flops}
