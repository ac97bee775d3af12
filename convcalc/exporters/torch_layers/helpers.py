"""Classes and functions that an exported file has beside, where a layer needs one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from convcalc.exporters.python.layout import broken

_TEXTS = '''
def make_divisible(v, divisor=8, min_value=None):
    """Return the multiple of `divisor` nearest to `v`, not below 90 % of it."""
    least = divisor if min_value is None else min_value
    result = max(least, int(v + divisor / 2) // divisor * divisor)
    return int(result + divisor if result < 0.9 * v else result)


def same_padding(x, kernel_size, stride, dilation, lower=False):
    """Return the padding under which an output has ceil(size / stride) cells, for `F.pad`."""
    pads = []
    for n, k, s, d in zip(x.shape[2:], kernel_size, stride, dilation):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        pads[:0] = [total - total // 2, total // 2] if lower else [total // 2, total - total // 2]
    return pads


def cut(x, dim, start=0, stop=None, step=1):
    """Return the cells of an axis from `start` up to `stop`."""
    return x[(slice(None),) * dim + (slice(start, stop, step),)]


class BatchNormNd(nn.BatchNorm3d):
    """Batch normalization of maps with more than three axes."""

    def forward(self, x):
        return super().forward(x.flatten(4)).view_as(x)


class ChannelLayerNorm(nn.LayerNorm):
    """Layer normalization over the channels of every position."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelLinear(nn.Linear):
    """A linear layer over the channels of every position."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelRMSNorm(nn.RMSNorm):
    """Root mean square normalization over the channels of every position."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelShuffle(nn.Module):
    """Interleave the channels of several groups."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


class ChannelSoftmax(nn.Softmax):
    """Softmax over the channels."""

    def __init__(self):
        super().__init__(dim=1)


class DeformConv2d(nn.Module):
    """A deformable convolution, whose offsets a convolution of its own makes."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        offset_groups=1,
        modulated=False,
    ):
        super().__init__()
        self.conv = torchvision.ops.DeformConv2d(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        maps = (3 if modulated else 2) * math.prod(self.conv.kernel_size) * offset_groups
        self.offset = nn.Conv2d(in_channels, maps, kernel_size, stride, padding, dilation)
        self.modulated = modulated

    def forward(self, x):
        if not self.modulated:
            return self.conv(x, self.offset(x))
        y, x_offset, mask = torch.chunk(self.offset(x), 3, dim=1)
        return self.conv(x, torch.cat([y, x_offset], dim=1), torch.sigmoid(mask))


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class IndexSelect(nn.Module):
    """Cells of an axis by indices, which are to be filled in."""

    def __init__(self, dim, size):
        super().__init__()
        self.dim = dim
        self.register_buffer("index", torch.zeros(size, dtype=torch.long), persistent=False)

    def forward(self, x):
        return x.index_select(self.dim, self.index)


class InstanceNormNd(nn.InstanceNorm3d):
    """Instance normalization of maps with more than three axes."""

    def forward(self, x):
        return super().forward(x.flatten(4)).view_as(x)


class KMaxPool(nn.Module):
    """The `k_max` largest of each window, kept in their order, side by side on the last axis."""

    def __init__(self, kernel_size, k_max, stride):
        super().__init__()
        self.kernel_size = kernel_size
        self.k_max = k_max
        self.stride = stride

    def forward(self, x):
        for axis, (size, step) in enumerate(zip(self.kernel_size, self.stride), start=2):
            x = x.unfold(axis, size, step)
        x = x.flatten(2 + len(self.kernel_size))
        index = x.topk(self.k_max, dim=-1).indices.sort(dim=-1).values
        return x.gather(-1, index).flatten(-2)


class LayerScale(nn.Module):
    """One learned factor a channel."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        return x * self.weight.view(-1, *[1] * (x.dim() - 2))


class MaxUnpool(nn.Module):
    """Puts each cell where its window begins, zeros elsewhere."""

    def __init__(self, stride, padding, output_size):
        super().__init__()
        self.stride = stride
        self.padding = padding
        self.output_size = output_size

    def forward(self, x):
        y = x.new_zeros(*x.shape[:2], *self.output_size)
        cells = x.new_zeros((), dtype=torch.long)
        for n, s, p, size in zip(x.shape[2:], self.stride, self.padding, self.output_size):
            index = (torch.arange(n, device=x.device) * s - p).clamp(0, size - 1)
            cells = cells.unsqueeze(-1) * size + index
        return y.flatten(2).index_add(2, cells.flatten(), x.flatten(2)).view_as(y)


class Opaque(nn.Module):
    """An operator that is not known: its parameters, and the shape of what it makes."""

    def __init__(self, op, shape, tensors=()):
        super().__init__()
        self.op = op
        self.shape = shape
        self.tensors = nn.ParameterList([torch.zeros(each) for each in tensors])

    def forward(self, *inputs):
        raise NotImplementedError(f"{self.op}, which makes {self.shape}, is to be written")


class Resize(nn.Module):
    """Resizing to a size."""

    def __init__(self, size, mode):
        super().__init__()
        self.size = size
        self.mode = mode

    def forward(self, x):
        return F.interpolate(x, self.size, mode=self.mode)


class SelfAttention(nn.Module):
    """Attention of all tokens to each other, in several heads; channels come first."""

    def __init__(self, channels, heads, head_channels=None, qkv_bias=True):
        super().__init__()
        head_channels = head_channels or channels // heads
        self.heads = heads
        self.scale = head_channels**-0.5
        self.qkv = ChannelLinear(channels, 3 * heads * head_channels, bias=qkv_bias)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = ChannelLinear(heads * head_channels, channels)

    def forward(self, x):
        parts = torch.chunk(self.qkv(x), 3, dim=1)
        q, k, v = [part.unflatten(1, (self.heads, -1)) for part in parts]
        weights = self.softmax(q.transpose(-2, -1) @ k * self.scale)
        return self.proj((v @ weights.transpose(-2, -1)).flatten(1, 2))
'''

_SAME = '''
class {name}Same{kind}(nn.{name}):
    """{title}, padded so that the output has ceil(size / stride) cells."""

    def forward(self, x):
        pads = same_padding(x, {arguments}{lower})
        return super().forward(F.pad(x, pads{value}))
'''

_SQUEEZE_EXCITE = '''
class SqueezeExcite{suffix}(nn.Module):
    """Weighs the channels by what a small network makes of their means."""

    def __init__(self, channels, squeeze, activation=nn.ReLU, gate=nn.Sigmoid):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool{n}d(1)
        self.squeeze = nn.Conv{n}d(channels, squeeze, 1)
        self.activation = activation()
        self.excite = nn.Conv{n}d(squeeze, channels, 1)
        self.gate = gate()

    def forward(self, x):
        y = self.activation(self.squeeze(self.pool(x)))
        return x * self.gate(self.excite(y))
'''


def _made() -> Iterator[str]:
    yield from re.split(r"\n\n\n", _TEXTS.strip())
    for n in (1, 2, 3):
        for lower in (False, True):
            kind = "Lower" if lower else ""
            flag = ", lower=True" if lower else ""
            conv = "self.kernel_size, self.stride, self.dilation"
            yield _SAME.format(
                name=f"Conv{n}d",
                kind=kind,
                title="A convolution",
                arguments=conv,
                lower=flag,
                value="",
            ).strip()
            for name, dilation, value in (
                ("MaxPool", "self.dilation", ', value=float("-inf")'),
                ("AvgPool", "1", ""),
            ):
                sizes = ", ".join(
                    [
                        f"_each({each}, {n})"
                        for each in ("self.kernel_size", "self.stride", dilation)
                    ]
                )
                yield _SAME.format(
                    name=f"{name}{n}d",
                    kind=kind,
                    title="Pooling",
                    arguments=sizes,
                    lower=flag,
                    value=value,
                ).strip()
        suffix = "" if n == 2 else f"{n}d"
        yield _SQUEEZE_EXCITE.format(n=n, suffix=suffix).strip()
    yield (
        "def _each(value, axes):\n"
        '    """Return the value for each axis."""\n'
        "    return value if isinstance(value, tuple) else (value,) * axes"
    )


def _name(text: str) -> str:
    found = re.match(r"(?:class|def) (\w+)", text)
    assert found
    return found[1]


#: The texts by name, in the order in which they stand in a file.
HELPERS = {_name(text): text for text in _made()}


def with_those_they_use(names: Iterable[str]) -> list[str]:
    """The texts of helpers, and of those that they use, which come first."""
    needed: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += [each for each in HELPERS if re.search(rf"\b{each}\b", HELPERS[name])]
    order = sorted(
        needed, key=lambda name: (not HELPERS[name].startswith("def"), [*HELPERS].index(name))
    )
    return [
        "\n".join([each for line in HELPERS[name].splitlines() for each in broken(line)])
        for name in order
    ]
