"""Normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.foreign.recorder import Foreign, Held, Value
from convcalc.importers.aten.operators import (
    Operation,
    added,
    is_learned,
    is_own,
    multiplied,
    operator,
    refuse_unless,
)
from convcalc.layers.base import Layer
from convcalc.layers.dense import Scale
from convcalc.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm


def _normalized(
    op: Operation,
    layer: type[Layer],
    x: Value,
    axis: int,
    weight: Value | None,
    bias: Value | None,
    *others: Value | None,
    **fields: Any,
) -> Foreign:
    """A normalisation with what it learns, a scale and a shift apart where it has not both."""
    is_affine = is_own(weight) and (is_own(bias) or layer is RMSNorm)
    owned = [each if isinstance(each, Held) else None for each in (weight, bias, *others)]
    with op.owning(*(owned if is_affine else owned[2:])) as key:
        made = op.recorder.on_channels(layer(affine=is_affine, **fields), x, axis, key=key)
    if is_affine:
        return made
    if isinstance(weight, Held) and is_learned(weight):
        with op.owning(weight) as key:
            made = op.recorder.on_channels(Scale(), made, axis, key=key)
    elif weight is not None:
        made = multiplied(op, made, weight, axis)
    return made if bias is None else added(op, made, bias, axis)


@operator("batch_norm")
def batch_norm(
    op: Operation,
    input: Value,
    weight: Value | None,
    bias: Value | None,
    running_mean: Value | None,
    running_var: Value | None,
    *_: Any,
    **__: Any,
) -> Value:
    """A batch norm, at inference."""
    return _normalized(op, BatchNorm, input, 1, weight, bias)


@operator("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training")
def native_batch_norm(op: Operation, input: Value, *rest: Any) -> list[Value]:
    """The same, whose statistics follow the result."""
    return [batch_norm(op, input, *rest)]


@operator("layer_norm")
def layer_norm(
    op: Operation,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Value | None = None,
    bias: Value | None = None,
    *_: Any,
) -> Value:
    """A layer norm over the last axis, or over all but the batch."""
    rank = len(input.shape)
    if len(normalized_shape) == 1:
        return _normalized(op, LayerNorm, input, rank - 1, weight, bias)
    first = rank - len(normalized_shape)
    refuse_unless(all(size == 1 for size in input.shape[:first]), "a layer norm over some axes")
    order = tuple(range(first, rank))
    is_affine = is_own(weight) and is_own(bias)
    refuse_unless(is_affine or weight is bias is None, "a layer norm without a shift")
    with op.owning(*[each for each in (weight, bias) if isinstance(each, Held)]) as key:
        layer = LayerNorm(over="all", affine=is_affine)
        (tensor,) = op.recorder.add(layer, op.recorder.settled(input, order), key=key)
    return Foreign(tensor, (None,) * first + tuple(range(len(order))))


@operator("native_layer_norm")
def native_layer_norm(op: Operation, input: Value, *rest: Any) -> list[Value]:
    """The same, whose statistics follow the result."""
    return [layer_norm(op, input, *rest)]


@operator("rms_norm")
def rms_norm(
    op: Operation,
    input: Value,
    normalized_shape: Sequence[int],
    weight: Value | None = None,
    *_: Any,
) -> Value:
    """A root mean square norm over the last axis."""
    refuse_unless(len(normalized_shape) == 1, "an RMS norm over several axes")
    return _normalized(op, RMSNorm, input, len(input.shape) - 1, weight, None)


@operator("group_norm")
def group_norm(
    op: Operation,
    input: Value,
    num_groups: int,
    weight: Value | None = None,
    bias: Value | None = None,
    *_: Any,
) -> Value:
    """A group norm."""
    refuse_unless(input.shape[0] == 1, f"a group norm on a batch of {input.shape[0]}")
    return _normalized(op, GroupNorm, input, 1, weight, bias, groups=num_groups)


@operator("native_group_norm")
def native_group_norm(
    op: Operation,
    input: Value,
    weight: Value | None,
    bias: Value | None,
    n: int,
    c: int,
    hw: int,
    group: int,
    *_: Any,
) -> list[Value]:
    """The same, whose statistics follow the result."""
    return [group_norm(op, input, group, weight, bias)]


@operator("instance_norm")
def instance_norm(
    op: Operation,
    input: Value,
    weight: Value | None = None,
    bias: Value | None = None,
    running_mean: Value | None = None,
    *_: Any,
) -> Value:
    """An instance norm; one with running statistics is a batch norm at inference."""
    if running_mean is not None:
        return _normalized(op, BatchNorm, input, 1, weight, bias)
    refuse_unless(input.shape[0] == 1, f"an instance norm on a batch of {input.shape[0]}")
    return _normalized(op, InstanceNorm, input, 1, weight, bias)
