"""Activations."""

from __future__ import annotations

from typing import Any

from convcalc.exporters.onnx_nodes.base import Nodes, writes

#: The operators that are a layer type as it is, and attributes that are not as ONNX has them.
_OPERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {}),
    "elu": ("Elu", {}),
    "gelu": ("Gelu", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_swish": ("HardSwish", {}),
    "tanh": ("Tanh", {}),
    "softplus": ("Softplus", {}),
    "mish": ("Mish", {}),
    "abs": ("Abs", {}),
    "sqrt": ("Sqrt", {}),
    "exp": ("Exp", {}),
    "log": ("Log", {}),
}


@writes(*_OPERATORS)
def _alone(nodes: Nodes) -> None:
    type, attributes = _OPERATORS[nodes.layer.type]
    nodes.op(type, nodes.x, **attributes)


@writes("relu6")
def _relu6(nodes: Nodes) -> None:
    nodes.op("Clip", nodes.x, nodes.number("min", 0.0), nodes.number("max", 6.0))


@writes("clamp")
def _clamp(nodes: Nodes) -> None:
    bounds = {"min": nodes.layer.min, "max": nodes.layer.max}
    given = ["" if value is None else nodes.number(key, value) for key, value in bounds.items()]
    nodes.op("Clip", nodes.x, *(given if given[1] else given[:1]))


@writes("prelu")
def _prelu(nodes: Nodes) -> None:
    ones = [1] * len(nodes.entering.spatial)
    nodes.op("PRelu", nodes.x, nodes.weight("weight", [nodes.layer.num_parameters, *ones]))


@writes("silu")
def _silu(nodes: Nodes) -> None:
    nodes.op("Mul", nodes.x, nodes.op("Sigmoid", nodes.x, part="gate"))


@writes("square")
def _square(nodes: Nodes) -> None:
    nodes.op("Mul", nodes.x, nodes.x)


@writes("softmax")
def _softmax(nodes: Nodes) -> None:
    nodes.op("Softmax", nodes.x, axis=nodes.layer.axis % len(nodes.entering) + 1)
