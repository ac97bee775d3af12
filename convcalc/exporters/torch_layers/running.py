"""An exported network as it runs, and which of its calls stand for which layers.

Modules are called in the order of the graph's nodes, and so are functions; between them are calls
that no layer stands for: a padding before a convolution, axes moved for a linear layer. `calls`
records all of them; `CALLED` says what a layer's type is called in PyTorch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.exporters.torch_layers.activation import PLAIN
from convcalc.layers.base import Placed
from convcalc.layers.convolution import DeformConv


class Ran(NamedTuple):
    """A call of a module that has no others, or of a function outside of such modules."""

    #: The class of the module (`Conv2d`), or what the function is called (`relu`).
    name: str
    #: Where the module is (`layer1.0.conv`); of a function, the module that calls it.
    path: str
    #: The shapes of what it made, without the batch.
    outputs: tuple[tuple[int, ...], ...]
    #: The shapes of the module's tensors, those of counters and indices left out; of a function,
    #: those of the parameters that it is given.
    tensors: tuple[tuple[int, ...], ...]
    #: Which module it is, the same for the same one; 0 for a function.
    module: int = 0
    #: Its operations as PyTorch's FlopCounterMode counts them.
    flops: int = 0


#: Classes of exported files that stand for one layer; other helpers are made of layers.
ONE_LAYER = frozenset(
    (
        *("BatchNormNd", "ChannelLayerNorm", "ChannelLinear", "ChannelRMSNorm", "ChannelShuffle"),
        *(
            "ChannelSoftmax",
            "DeformConv2d",
            "Function",
            "IndexSelect",
            "InstanceNormNd",
            "KMaxPool",
        ),
        *("LayerScale", "MaxUnpool", "Opaque", "Resize"),
    )
)

#: What a call that stands for a layer is called, as a class (its beginning) or as a function.
CALLED: dict[str, tuple[str, ...]] = {
    **{
        type: (made.removeprefix("nn."), function.rpartition(".")[2], "Function")
        for type, (made, function) in PLAIN.items()
    },
    "prelu": ("PReLU",),
    "softmax": ("Softmax", "ChannelSoftmax", "softmax"),
    "clamp": ("clamp",),
    **dict.fromkeys(("conv", "pointwise_conv", "depthwise_conv"), ("Conv", "conv")),
    "global_depthwise_conv": ("Conv",),
    "conv_transpose": ("ConvTranspose", "ZeroPad"),
    "deform_conv": ("DeformConv2d",),
    "linear": ("Linear", "ChannelLinear", "linear"),
    "scale": ("LayerScale",),
    "flatten": ("Flatten", "flatten"),
    "reshape": ("reshape", "unflatten", "flatten"),
    "dropout": ("Dropout", "dropout"),
    "identity": ("Identity",),
    "batch_norm": ("BatchNorm",),
    "layer_norm": ("LayerNorm", "ChannelLayerNorm"),
    "rms_norm": ("RMSNorm", "ChannelRMSNorm"),
    "group_norm": ("GroupNorm",),
    "instance_norm": ("InstanceNorm",),
    "local_response_norm": ("LocalResponseNorm",),
    "max_pool": ("MaxPool", "max_pool"),
    "avg_pool": ("AvgPool", "avg_pool"),
    "kmax_pool": ("KMaxPool",),
    "max_unpool": ("MaxUnpool",),
    "global_avg_pool": ("AdaptiveAvgPool", "adaptive_avg_pool"),
    "adaptive_avg_pool": ("AdaptiveAvgPool", "adaptive_avg_pool"),
    "global_max_pool": ("AdaptiveMaxPool", "adaptive_max_pool"),
    "adaptive_max_pool": ("AdaptiveMaxPool", "adaptive_max_pool"),
    "pad": ("pad",),
    "upsample": ("Upsample", "Resize", "interpolate"),
    "pixel_shuffle": ("PixelShuffle", "pixel_shuffle"),
    "pixel_unshuffle": ("PixelUnshuffle", "pixel_unshuffle"),
    "unfold": ("Unfold", "unfold"),
    "fold": ("Fold", "ZeroPad"),
    "add": ("add", "radd", "sub"),
    "sub": ("sub", "add"),
    "mul": ("mul", "rmul"),
    "div": ("div", "truediv"),
    "maximum": ("maximum", "clamp"),
    "minimum": ("minimum", "clamp"),
    "concat": ("cat",),
    "split": ("chunk", "split"),
    "slice": ("getitem",),
    "channel_shuffle": ("ChannelShuffle",),
    "index_select": ("IndexSelect",),
    "matmul": ("matmul",),
    "permute": ("permute",),
    "reduce": ("mean", "sum", "amax", "amin", "linalg_vector_norm", "vector_norm"),
    "parameter": ("unsqueeze",),
    "buffer": ("unsqueeze",),
    "opaque": ("Opaque",),
}

#: Functions that have the channels last, where the code moves them to and from; those moves are
#: calls of their own, which no layer stands for. Modules that do so move them inside.
CHANNELS_LAST = frozenset(("linear",))


def calls(model: Any, inputs: Sequence[Any]) -> tuple[list[Ran], tuple[tuple[int, ...], ...]]:
    """What a module calls on inputs with a batch, in order, and the shapes of what it makes."""
    import torch
    from torch.nn import Parameter
    from torch.overrides import TorchFunctionMode
    from torch.utils.flop_counter import FlopCounterMode

    found: list[Ran] = []
    counter = FlopCounterMode(display=False)
    counted = 0

    def flops() -> int:
        """The operations since the last call."""
        nonlocal counted
        before, counted = counted, int(counter.get_total_flops())
        return counted - before

    inside: list[Any] = []
    paths = {id(module): name for name, module in model.named_modules()}
    around: list[str] = [""]

    class Recording(TorchFunctionMode):  # type: ignore[misc, unused-ignore]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            name = re.sub(r"(?<=\w)[123]d$", "", getattr(func, "__name__", "").strip("_"))
            made = _shapes(result)
            if not inside and made and name != "get":
                if name in CHANNELS_LAST:
                    made = tuple([(*shape[-1:], *shape[:-1]) for shape in made])
                given = (*args, *(kwargs or {}).values())
                tensors = [tuple(each.shape) for each in given if isinstance(each, Parameter)]
                found.append(Ran(name, around[-1], made, tuple(tensors), flops=flops()))
            return result

    def entered(module: Any, _: Any) -> None:
        if inside or _is_one_layer(module):
            inside.append(module)
        else:
            around.append(paths[id(module)])

    def left(module: Any, _: Any, result: Any) -> None:
        if not inside:
            around.pop()
            return
        inside.pop()
        if not inside:
            owned = [*module.named_parameters(), *module.named_buffers()]
            tensors = [
                tuple(tensor.shape)
                for name, tensor in owned
                if not name.endswith(("num_batches_tracked", "index"))
            ]
            name = type(module).__name__
            made, path = _shapes(result), paths[id(module)]
            found.append(Ran(name, path, made, tuple(tensors), id(module), flops()))

    handles = []
    for module in model.modules():
        handles.append(module.register_forward_pre_hook(entered))
        handles.append(module.register_forward_hook(left))
    try:
        with torch.no_grad(), counter, Recording():
            result = model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found, _shapes(result)


def counted_macs(placed: Placed) -> int:
    """The MACs of a layer that FlopCounterMode counts.

    Of a deformable convolution they are those of the convolution that makes its offsets: the
    operator `torchvision::deform_conv2d` is not in `flop_registry` (torch/utils/flop_counter.py,
    version 2.13). Of other layers they are all.
    """
    if isinstance(placed.layer, DeformConv):
        placed = placed.layer.offset_conv(placed.entering)
    assert placed.operations is not None
    return placed.operations.macs


def _is_one_layer(module: Any) -> bool:
    kind = type(module)
    if kind.__name__ in ONE_LAYER:
        return True
    if kind.__name__ in ("Sequential", "ModuleList") and kind.__module__.startswith("torch."):
        return False
    return any(
        each.__module__.startswith("torch.nn.modules") and each.__name__ not in _OPEN
        for each in kind.__mro__
    )


#: Classes of PyTorch that others are made of.
_OPEN = ("Module", "Sequential", "ModuleList")


def _shapes(result: Any) -> tuple[tuple[int, ...], ...]:
    """The shapes of what a call made, without the batch; empty for what is no tensor."""
    import torch

    several = result if isinstance(result, (tuple, list)) else (result,)
    if not several or not all(isinstance(each, torch.Tensor) for each in several):
        return ()
    return tuple([tuple(each.shape[1:]) for each in several])


def is_of_type(call: Ran, type: str) -> bool:
    """Whether a call may be that of a layer of this type, by its name alone."""
    return any(
        call.name.startswith(each) if each[:1].isupper() else call.name == each
        for each in CALLED[type]
        if each
    )
