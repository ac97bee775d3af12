"""Patterns of foreign networks: what many layers are in one, by hand and against PyTorch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from convcalc.foreign.patterns import recognised
from convcalc.foreign.patterns.arithmetic import FUNCTIONS, gelu_by_tanh
from convcalc.foreign.primitives import Primitive
from convcalc.foreign.recorder import Foreign, Held, Learned, Recorder, Value
from convcalc.foreign.traced import Scope, Traced
from convcalc.graph import Builder, input_tensors
from convcalc.layers import find
from convcalc.layers.attention import SelfAttention
from convcalc.layers.dense import Linear

_KEYS = count()


class Hand:
    """Records networks by hand, as readers do."""

    def __init__(self, *shape: int) -> None:
        self.recorder = Recorder()
        self.x = self.recorder.input("input", (1, *(shape or (8, 6, 6))))

    def __call__(self, type: str, *values: Value, **fields: object) -> Foreign:
        """A layer of one tensor, or one that joins several."""
        layer = find(type)(**fields)
        if len(values) > 1:
            return self.recorder.join(layer, *values)
        (value,) = values
        assert isinstance(value, Foreign)
        return self.recorder.unary(layer, value)

    def primitive(self, op: str, value: Foreign, constant: float | None = None) -> Foreign:
        return self.recorder.unary(Primitive(op=op, value=constant), value)

    def mean(self, value: Foreign, *axes: int) -> Foreign:
        return self.recorder.reduced("mean", value, axes, keeps=True)

    def weight(self, *shape: int) -> Held:
        return Held(shape, (Learned(next(_KEYS), shape),))

    def reshape(self, value: Value, *shape: int) -> Foreign:
        made = self.recorder.reshaped(value, (1, *shape))
        assert isinstance(made, Foreign)
        return made

    def transpose(self, value: Value, *order: int) -> Foreign:
        made = self.recorder.permuted(value, (0, *order))
        assert isinstance(made, Foreign)
        return made

    def ends(self, *outputs: Foreign) -> Traced:
        return self.recorder.traced("hand", "", outputs)


def learned(traced: Traced) -> int:
    return sum(w.size for c in traced.calls for w in c.placed.weights if w.trainable)


def macs(traced: Traced) -> int:
    return sum(c.placed.operations.macs for c in traced.calls if c.placed.operations)


def types(traced: Traced) -> list[str]:
    """What it becomes, the laws of every rewriting checked on the way."""
    found = recognised(traced)
    assert learned(found) == learned(traced)
    assert macs(found) == macs(traced)
    assert [each.shape for each in found.outputs] == [each.shape for each in traced.outputs]
    assert recognised(found) == found
    for index, call in enumerate(found.calls):
        shapes = []
        for tensor in call.inputs:
            assert tensor.node < index
            if tensor.node >= 0:
                assert found.calls[tensor.node].placed.outputs[tensor.part] == tensor.shape
            shapes.append(tensor.shape)
        assert call.placed.inputs == tuple(shapes)
        assert not isinstance(call.placed.layer, Primitive)
        if call.weights_of is not None:
            assert found.calls[call.weights_of].placed.weights
            assert call.placed.tensors == found.calls[call.weights_of].placed.tensors
    return [call.placed.type for call in found.calls]


# --- Activations ------------------------------------------------------------------------------


def _gelu(h: Hand, x: Foreign) -> Foreign:
    y = h("add", h.primitive("erf", h("div", x, value=math.sqrt(2))), value=1)
    return h("mul", h("mul", x, y), value=0.5)


def _gelu_other(h: Hand, x: Foreign) -> Foreign:
    y = h("add", h.primitive("erf", h("mul", x, value=0.7071067690849304)), value=1)
    return h("mul", h("mul", x, value=0.5), y)


def _gelu_erfc(h: Hand, x: Foreign) -> Foreign:
    y = h("mul", h.primitive("neg", x), value=0.7071067690849304)
    return h("mul", h("mul", x, value=0.5), h.primitive("erfc", y))


def _gelu_tanh(h: Hand, x: Foreign) -> Foreign:
    cube = h("mul", h.primitive("pow", x, 3), value=0.044715)
    y = h("tanh", h("mul", h("add", x, cube), value=math.sqrt(2 / math.pi)))
    return h("mul", h("mul", x, value=0.5), h("add", y, value=1))


def _gelu_tanh_other(h: Hand, x: Foreign) -> Foreign:
    inner = h("add", h("mul", h("square", x), value=0.044715), value=1)
    y = h("tanh", h("mul", h("mul", x, inner), value=0.7978845608))
    return h("mul", x, h("mul", h("add", y, value=1), value=0.5))


def _hard_sigmoid(h: Hand, x: Foreign) -> Foreign:
    return h("div", h("clamp", h("add", x, value=3), min=0, max=6), value=6)


def _hard_swish(h: Hand, x: Foreign) -> Foreign:
    return h("mul", h("mul", x, h("relu6", h("add", x, value=3))), value=1 / 6)


def _prelu(h: Hand, x: Foreign) -> Foreign:
    below = h("relu", h.primitive("neg", x))
    return h("add", h("relu", x), h("mul", below, h.weight(8, 1, 1)))


def _leaky(h: Hand, x: Foreign) -> Foreign:
    return h("sub", h("relu", x), h("mul", h("relu", h.primitive("neg", x)), value=0.2))


def _elu(h: Hand, x: Foreign) -> Foreign:
    below = h("sub", h("exp", h("minimum", x, value=0)), value=1)
    return h("add", h("relu", x), below)


ACTIVATIONS: dict[str, list[Callable[[Hand, Foreign], Foreign]]] = {
    "gelu": [_gelu, _gelu_other, _gelu_erfc, _gelu_tanh, _gelu_tanh_other],
    "silu": [
        lambda h, x: h("mul", x, h("sigmoid", x)),
        lambda h, x: h("div", x, h("add", h("exp", h.primitive("neg", x)), value=1)),
    ],
    "hard_sigmoid": [_hard_sigmoid],
    "hard_swish": [_hard_swish, lambda h, x: h("mul", x, h("hard_sigmoid", x))],
    "mish": [
        lambda h, x: h("mul", x, h("tanh", h("softplus", x))),
        lambda h, x: h("mul", x, h("tanh", h("log", h("add", h("exp", x), value=1)))),
    ],
    "softplus": [lambda h, x: h.primitive("log1p", h("exp", x))],
    "relu": [lambda h, x: h("maximum", x, value=0), lambda h, x: h("clamp", x, min=0)],
    "relu6": [
        lambda h, x: h("clamp", x, min=0, max=6),
        lambda h, x: h("minimum", h("relu", x), value=6),
    ],
    "clamp": [lambda h, x: h("minimum", h("maximum", x, value=-1), value=1)],
    "leaky_relu": [_leaky, lambda h, x: h("maximum", x, h("mul", x, value=0.1))],
    "elu": [_elu],
    "prelu": [_prelu],
    "scale": [lambda h, x: h("mul", x, h.weight(8, 1, 1))],
    "sigmoid": [
        lambda h, x: h.primitive("reciprocal", h("add", h("exp", h.primitive("neg", x)), value=1))
    ],
    "square": [lambda h, x: h("mul", x, x), lambda h, x: h.primitive("pow", x, 2)],
    "sqrt": [lambda h, x: h.primitive("pow", x, 0.5)],
}


def test_activations_in_many_layers_are_one() -> None:
    for type, ways in ACTIVATIONS.items():
        for number, way in enumerate(ways):
            h = Hand()
            assert types(h.ends(way(h, h.x))) == [type], f"{type} {number}"


def test_other_constants_are_no_activation() -> None:
    h = Hand()
    y = h("add", h.primitive("erf", h("div", h.x, value=1.5)), value=1)
    assert "gelu" not in types(h.ends(h("mul", h("mul", h.x, y), value=0.5)))
    h = Hand()
    y = h("mul", h.x, h("sigmoid", h("mul", h.x, value=1.702)))
    assert types(h.ends(y)) == ["mul", "sigmoid", "mul"]


def test_what_is_read_elsewhere_stays() -> None:
    h = Hand()
    gate = h("sigmoid", h.x)
    assert types(h.ends(h("mul", h.x, gate), gate)) == ["sigmoid", "mul"]


# --- Norms ------------------------------------------------------------------------------------


def _norm(h: Hand, x: Foreign, axes: tuple[int, ...], eps: float = 1e-5) -> Foreign:
    """As the legacy exporter writes it."""
    centred = h("sub", x, h.mean(x, *axes))
    variance = h.mean(h.primitive("pow", centred, 2), *axes)
    return h("div", centred, h("sqrt", h("add", variance, value=eps)))


def _affine(h: Hand, y: Foreign, *shape: int) -> Foreign:
    return h("add", h("mul", y, h.weight(*shape)), h.weight(*shape))


def _twice(h: Hand, x: Foreign) -> Foreign:
    """As ConvNeXt's own code writes it: the difference twice."""
    mean = h.mean(x, 1)
    variance = h.mean(h("square", h("sub", x, mean)), 1)
    y = h("div", h("sub", x, mean), h("sqrt", h("add", variance, value=1e-6)))
    return _affine(h, y, 8, 1, 1)


def _keras(h: Hand, x: Foreign) -> Foreign:
    """As Keras 3 writes it: the learned ones inside."""
    mean = h.mean(x, 1)
    variance = h.mean(h("square", h("sub", x, mean)), 1)
    factor = h.primitive("rsqrt", h("add", variance, value=1e-3))
    factor = h("mul", factor, h.weight(8, 1, 1))
    shift = h("add", h("mul", h.primitive("neg", mean), factor), h.weight(8, 1, 1))
    return h("add", h("mul", x, factor), shift)


def test_layer_norms() -> None:
    h = Hand()
    assert types(h.ends(_affine(h, _norm(h, h.x, (1,)), 8, 1, 1))) == ["layer_norm"]
    h = Hand()
    assert types(h.ends(_norm(h, h.x, (1,)))) == ["layer_norm"]
    for way in (_twice, _keras):
        h = Hand()
        assert types(h.ends(way(h, h.x))) == ["layer_norm"]
    h = Hand()
    found = recognised(h.ends(_affine(h, _norm(h, h.x, (1, 2, 3)), 8, 6, 6)))
    assert [dict(call.placed.config) for call in found.calls] == [{"affine": True, "over": "all"}]


def test_a_layer_norm_over_the_last_of_our_axes_has_permutes_around() -> None:
    h = Hand(9, 8)
    assert types(h.ends(_affine(h, _norm(h, h.x, (2,)), 8))) == ["permute", "layer_norm", "permute"]


def test_other_norms() -> None:
    h = Hand()
    root = h("sqrt", h("add", h.mean(h("square", h.x), 1), value=1e-6))
    assert types(h.ends(h("mul", h("div", h.x, root), h.weight(8, 1, 1)))) == ["rms_norm"]
    h = Hand()
    assert types(h.ends(_affine(h, _norm(h, h.x, (2, 3)), 8, 1, 1))) == ["instance_norm"]
    h = Hand()
    largest = h.recorder.reduced("max", h.x, [1], keeps=True)
    powers = h("exp", h("sub", h.x, largest))
    total = h.recorder.reduced("sum", powers, [1], keeps=True)
    assert types(h.ends(h("div", powers, total))) == ["softmax"]
    h = Hand()
    powers = h("exp", h.x)
    y = h("div", powers, h.recorder.reduced("sum", powers, [2], keeps=True))
    assert types(h.ends(h("log", y))) == ["softmax", "log"]
    h = Hand()
    powers = h("exp", h.x)
    total = h("log", h.recorder.reduced("sum", powers, [1], keeps=True))
    assert types(h.ends(h("sub", h.x, total))) == ["softmax", "log"]
    h = Hand()
    length = h("sqrt", h.recorder.reduced("sum", h("square", h.x), [1], keeps=True))
    assert types(h.ends(h("div", h.x, length))) == ["reduce", "div"]


def test_near_norms_stay() -> None:
    h = Hand()
    centred = h("sub", h.x, h.mean(h.x, 1))
    variance = h.mean(h("square", centred), 2)  # along another axis
    y = h("div", centred, h("sqrt", h("add", variance, value=1e-5)))
    assert "layer_norm" not in types(h.ends(y))
    h = Hand()
    mean = h.mean(h.x, 1)
    centred = h("sub", h.x, mean)
    root = h("sqrt", h("add", h.mean(h("square", centred), 1), value=1e-5))
    assert "layer_norm" not in types(h.ends(h("div", centred, root), mean))


# --- Views ------------------------------------------------------------------------------------


def test_a_channel_shuffle() -> None:
    h = Hand()
    y = h.transpose(h.reshape(h.x, 2, 4, 6, 6), 2, 1, 3, 4)
    y = h.reshape(y, 8, 6, 6)
    found = recognised(h.ends(h("relu", y)))
    assert types(found) == ["channel_shuffle", "relu"]
    assert found.calls[0].placed.config["groups"] == 2


def test_views_that_undo_one_another_are_none() -> None:
    h = Hand()
    y = h.reshape(h.reshape(h.x, 8, 36), 8, 6, 6)
    assert types(h.ends(h("relu", y))) == ["relu"]


def test_pixels_shuffled_by_hand() -> None:
    h = Hand(8, 6, 6)
    y = h.transpose(h.reshape(h.x, 2, 2, 2, 6, 6), 1, 4, 2, 5, 3)
    assert types(h.ends(h("relu", h.reshape(y, 2, 12, 12)))) == ["pixel_shuffle", "relu"]
    h = Hand(8, 6, 6)
    y = h.transpose(h.reshape(h.x, 8, 3, 2, 3, 2), 1, 3, 5, 2, 4)
    assert types(h.ends(h("relu", h.reshape(y, 32, 3, 3)))) == ["pixel_unshuffle", "relu"]


# --- What is left -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "constant", "wanted"),
    [
        ("neg", None, ["mul"]),
        ("rsub", 1, ["buffer", "sub"]),
        ("reciprocal", None, ["buffer", "div"]),
        ("rsqrt", None, ["sqrt", "buffer", "div"]),
        ("pow", 3, ["square", "mul"]),
        ("pow", 1.5, ["log", "mul", "exp"]),
        ("erf", None, ["opaque"]),
        ("floor", None, ["opaque"]),
    ],
)
def test_what_no_pattern_took_is_said(op: str, constant: float | None, wanted: list[str]) -> None:
    h = Hand()
    assert types(h.ends(h.primitive(op, h.x, constant))) == wanted


def test_shared_learned_tensors_stay_shared() -> None:
    h = Hand()
    weight, bias = h.weight(8, 1, 1), h.weight(8, 1, 1)
    y = h.x
    for _ in range(2):
        y = h("add", h("mul", _norm(h, y, (1,)), weight), bias)
    found = recognised(h.ends(y))
    assert [call.weights_of for call in found.calls] == [None, 0]
    assert Counter(types(h.ends(y))) == {"layer_norm": 2}


# --- Layers that stand together ---------------------------------------------------------------


def test_a_group_norm_by_an_instance_norm() -> None:
    h = Hand()
    y = h.recorder.windowed(find("instance_norm")(), h.reshape(h.x, 2, 144))
    found = recognised(h.ends(_affine(h, h.reshape(y, 8, 6, 6), 8, 1, 1)))
    assert types(found) == ["group_norm"]
    assert dict(found.calls[0].placed.config) == {"groups": 2, "affine": True}
    h = Hand()
    y = h.reshape(h.x, 2, 4, 6, 6)
    y = h.reshape(_norm(h, y, (2, 3, 4)), 8, 6, 6)
    assert types(h.ends(_affine(h, y, 8, 1, 1))) == ["group_norm"]


def test_a_scale_of_its_own_is_a_factor_of_a_norm() -> None:
    h = Hand()
    y = h("layer_norm", h.x, affine=False)
    y = h.recorder.on_channels(find("scale")(), y)
    assert types(h.ends(h("add", y, h.weight(8, 1, 1)))) == ["layer_norm"]
    h = Hand()
    y = h.recorder.on_channels(find("scale")(), _norm(h, h.x, (1,)))
    assert types(h.ends(h("add", y, h.weight(8, 1, 1)))) == ["layer_norm"]


def test_a_norm_with_a_factor_and_no_shift_keeps_its_weights() -> None:
    h = Hand()
    y = h("mul", _norm(h, h.x, (1,)), h.weight(8, 1, 1))
    assert types(h.ends(y)) == ["layer_norm", "scale"]


def test_what_is_added_to_a_linear_layer_is_its_bias() -> None:
    h = Hand(9, 8)
    y = h.recorder.linear(Linear(out_features=5, bias=False), h.x)
    assert types(h.ends(h("add", y, h.weight(5)))) == ["permute", "linear"]
    h = Hand(9, 8)
    y = h.recorder.linear(Linear(out_features=5, bias=False), h.x)
    assert types(h.ends(h("add", y, h.weight(9, 1)))) == ["permute", "linear", "parameter", "add"]


def test_a_learned_matrix_by_a_tensor_is_a_linear_layer() -> None:
    h = Hand(8, 9)
    y = h.recorder.matmul(h.weight(1, 5, 8), h.x)
    assert types(h.ends(h("add", y, h.weight(5, 1)))) == ["linear"]
    h = Hand(8, 9)
    y = h.recorder.matmul(h.transpose(h.x, 2, 1), h.weight(1, 8, 5))
    assert types(h.ends(h("relu", h.transpose(y, 2, 1)))) == ["parameter", "matmul", "relu"]


def test_functions_and_modules_do_not_become_one() -> None:
    h = Hand()
    with h.recorder.at((), "sigmoid"):
        gate = h("sigmoid", h.x)
    with h.recorder.at((), "mul", functional=True):
        y = h("mul", h.x, gate)
    assert types(h.ends(y)) == ["sigmoid", "mul"]


def test_a_batch_norm_by_its_name() -> None:
    h = Hand()
    with h.recorder.at((Scope("bn"), Scope("batchnorm")), "mul_1"):
        y = h("mul", h.x, h.weight(8, 1, 1))
    with h.recorder.at((Scope("bn"), Scope("batchnorm")), "add_1"):
        y = h("add", y, h.weight(8, 1, 1))
    found = recognised(h.ends(y))
    assert types(h.ends(y)) == ["batch_norm"]
    assert (found.calls[0].name, found.calls[0].scopes) == ("bn", ())
    assert "batch norms" in found.notes[0]
    h = Hand()
    y = h("add", h("mul", h.x, h.weight(8, 1, 1)), h.weight(8, 1, 1))
    assert types(h.ends(y)) == ["scale", "parameter", "add"]


# --- What takes tensors apart -----------------------------------------------------------------


def test_slices_of_all_cells_are_a_split() -> None:
    h = Hand()
    second, first = h.recorder.slice(h.x, 1, 4, 8), h.recorder.slice(h.x, 1, 0, 4)
    found = recognised(h.ends(h("relu", first), h("relu", second)))
    assert [call.placed.type for call in found.calls] == ["split", "relu", "relu"]
    assert [call.inputs[0].part for call in found.calls[1:]] == [0, 1]


@pytest.mark.parametrize("second", [(4, 8), (3, 8)])
def test_slices_of_some_cells_or_of_different_numbers_stay(second: tuple[int, int]) -> None:
    h = Hand()
    parts = h.recorder.slice(h.x, 1, 0, 3), h.recorder.slice(h.x, 1, *second)
    assert types(h.ends(*parts)) == ["slice", "slice"]


def test_the_mean_in_front_of_a_gate_is_a_global_pool() -> None:
    h = Hand()
    pool = h.recorder.windowed(find("adaptive_avg_pool")(output_size=(1,)), h.x)
    squeezed = h("relu", h("conv", pool, out_channels=2, kernel_size=(1,)))
    y = h("conv", squeezed, out_channels=8, kernel_size=(1,))
    made = h.ends(h("mul", h.x, h("sigmoid", y)))
    assert types(made) == ["global_avg_pool", "conv", "relu", "conv", "sigmoid", "mul"]
    assert types(h.ends(y))[0] == "adaptive_avg_pool"


def test_a_roll() -> None:
    h = Hand()
    parts = h.recorder.slice(h.x, 2, 4, 6), h.recorder.slice(h.x, 2, 0, 4)
    assert types(h.ends(h("relu", h.recorder.concat(parts, 2)))) == ["index_select", "relu"]


def test_an_attention_has_as_many_layers_as_its_parts() -> None:
    h = Hand(9, 8)
    y = h.recorder.linear(Linear(out_features=24), h.x)
    y = h.transpose(h.reshape(y, 9, 3, 2, 4), 2, 3, 1, 4)
    q, k, v = (h.recorder.select(y, 1, index) for index in range(3))
    scores = h.recorder.matmul(q, h.transpose(k, 1, 3, 2))
    weights = h.recorder.softmax(find("softmax"), h("mul", scores, value=0.5), 3)
    y = h.transpose(h.recorder.matmul(weights, v), 2, 1, 3)
    y = h.recorder.linear(Linear(out_features=8), h.reshape(y, 9, 8))
    builder = Builder()
    shape = recognised(h.ends(y)).calls[1].inputs[0].shape
    SelfAttention(heads=2).build(builder, *input_tensors({"x": shape}))
    parts = [builder.placed(index).type for index in range(len(builder))]
    assert sorted(types(h.ends(y))) == sorted(["permute", *parts])


def test_a_product_with_one_is_none() -> None:
    h = Hand()
    y = h("add", h("mul", h("mul", h.x, h.weight(8, 1, 1)), value=1), h.x)
    assert types(h.ends(y)) == ["scale", "add"]


def test_what_stands_between_views_comes_after_them() -> None:
    h = Hand()
    y = h.reshape(h("relu", h.reshape(h.x, 8, 36)), 8, 6, 6)
    assert types(h.ends(h("sigmoid", y))) == ["relu", "sigmoid"]


def test_a_group_norm_with_its_factor_inside() -> None:
    h = Hand()
    y = h.reshape(h.x, 2, 4, 6, 6)
    mean = h.mean(y, 2, 3, 4)
    variance = h.mean(h("square", h("sub", y, mean)), 2, 3, 4)
    factor = h.primitive("reciprocal", h("sqrt", h("add", variance, value=1e-3)))
    factor = h("mul", factor, h.weight(2, 4, 1, 1))
    shift = h("add", h("mul", h.primitive("neg", mean), factor), h.weight(2, 4, 1, 1))
    y = h.reshape(h("add", h("mul", y, factor), shift), 8, 6, 6)
    assert types(h.ends(y)) == ["group_norm"]


def test_a_bias_of_heads() -> None:
    h = Hand(8, 9)
    y = h.transpose(h.x, 2, 1)
    y = h.recorder.linear(Linear(out_features=6, bias=False), y)
    y = h("add", h.reshape(y, 9, 2, 3), h.weight(2, 3))
    assert types(h.ends(y)) == ["linear", "reshape"]


def test_what_is_added_against_a_division_by_zero_stays() -> None:
    h = Hand()
    assert types(h.ends(h("add", h("relu", h.x), value=1e-6))) == ["relu", "add"]
    h = Hand()
    assert types(h.ends(h("add", h.x, value=1e-6))) == ["add"]


def test_what_makes_no_difference_to_a_norm_stays() -> None:
    h = Hand()
    assert types(h.ends(_norm(h, h("mul", h.x, value=0.1), (1,)))) == ["mul", "layer_norm"]
    h = Hand()
    assert types(h.ends(_norm(h, _norm(h, h.x, (1,)), (1,)))) == ["layer_norm", "layer_norm"]
    h = Hand()
    powers = h("exp", h.x)
    y = h("div", powers, h.recorder.reduced("sum", powers, [1], keeps=True))
    assert types(h.ends(h("maximum", y, value=0))) == ["softmax", "relu"]


def test_layers_that_there_are_stay() -> None:
    h = Hand()
    assert types(h.ends(h("relu", h("relu", h.x)))) == ["relu", "relu"]
    h = Hand()
    assert types(h.ends(h("sqrt", h("square", h.x)))) == ["square", "sqrt"]


def test_functions_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    theirs = {
        **{name: getattr(functional, name) for name in ("relu", "relu6", "silu", "mish", "gelu")},
        "hard_sigmoid": functional.hardsigmoid,
        "hard_swish": functional.hardswish,
        "softplus": functional.softplus,
    }
    numbers = torch.linspace(-9, 9, 73, dtype=torch.float64)
    for name, function in FUNCTIONS.items():
        known = theirs.get(name) or getattr(torch, name)
        for x, y in zip(numbers.tolist(), known(numbers).tolist()):
            if not math.isnan(y) and not math.isinf(y):
                assert math.isclose(function(x), y, abs_tol=1e-9), (name, x)
    by_tanh = functional.gelu(numbers, approximate="tanh").tolist()
    assert all(map(math.isclose, map(gelu_by_tanh, numbers.tolist()), by_tanh))
