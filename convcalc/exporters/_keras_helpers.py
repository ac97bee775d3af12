"""What a Keras file has besides its network: small functions and layers, each only where used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Helper(NamedTuple):
    """A function or class of the file: its code, and the other helpers that it takes."""

    code: str
    needs: tuple[str, ...] = ()


HELPERS: dict[str, Helper] = {
    "Parameter": Helper(
        '''
@keras.saving.register_keras_serializable()
class Parameter(layers.Layer):
    """A tensor of its own, the same for every sample; nothing of its input is in it."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.shape = shape

    def build(self, input_shape):
        self.weight = self.add_weight(shape=self.shape, name="weight")

    def call(self, x):
        return ops.repeat(self.weight[None], ops.shape(x)[0], axis=0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}
'''
    ),
    "Scale": Helper(
        '''
@keras.saving.register_keras_serializable()
class Scale(layers.Layer):
    """One learned factor a channel."""

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.weight = self.add_weight(shape=shape, initializer="ones", name="weight")

    def call(self, x):
        return x * self.weight
'''
    ),
    "make_divisible": Helper(
        '''
def make_divisible(value, divisor=8, min_value=None):
    """The nearest multiple of `divisor`, never below 90 % of `value` (the MobileNet papers)."""
    rounded = max(min_value or divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded
'''
    ),
    "reshape": Helper(
        '''
def reshape(x, *shape):
    """Another shape, channels first, of the cells in the order that they have channels first."""
    left = math.prod(x.shape[1:]) // abs(math.prod(shape))
    sizes = [left if size == -1 else size for size in shape]
    x = ops.reshape(ops.moveaxis(x, -1, 1), (-1, *sizes))
    return ops.moveaxis(x, 1, -1)
'''
    ),
    "matmul": Helper(
        '''
def matmul(a, b, transpose_a=False, transpose_b=False):
    """The product of matrices that lie in the last two axes, the channels taken as the first."""
    a, b = ops.moveaxis(a, -1, 1), ops.moveaxis(b, -1, 1)
    if transpose_a:
        a = ops.swapaxes(a, -1, -2)
    if transpose_b:
        b = ops.swapaxes(b, -1, -2)
    return ops.moveaxis(ops.matmul(a, b), 1, -1)
'''
    ),
    "cut": Helper(
        '''
def cut(x, axis, start, stop=None, step=1):
    """The cells of an axis from `start` up to `stop`."""
    places = list(range(x.shape[axis]))[start:stop:step]
    return ops.take(x, places, axis=axis)
'''
    ),
    "index_select": Helper(
        '''
def index_select(x, size, axis):
    """Some cells of an axis, by their places, which are to be filled in: here the first ones."""
    places = [place % x.shape[axis] for place in range(size)]
    return ops.take(x, places, axis=axis)
'''
    ),
    "channel_shuffle": Helper(
        '''
def channel_shuffle(x, groups):
    """The channels of `groups` groups, interleaved."""
    *cells, channels = x.shape[1:]
    x = ops.reshape(x, (-1, *cells, groups, channels // groups))
    return ops.reshape(ops.swapaxes(x, -1, -2), (-1, *cells, channels))
'''
    ),
    "pixel_shuffle": Helper(
        '''
def pixel_shuffle(x, factor):
    """Channels as resolution; those of one cell follow each other, as in PyTorch."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, width, channels // factor**2, factor, factor))
    x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
    return ops.reshape(x, (-1, height * factor, width * factor, channels // factor**2))
'''
    ),
    "pixel_unshuffle": Helper(
        '''
def pixel_unshuffle(x, factor):
    """Resolution as channels; those of one cell follow each other, as in PyTorch."""
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height // factor, factor, width // factor, factor, channels))
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4))
    return ops.reshape(x, (-1, height // factor, width // factor, channels * factor**2))
'''
    ),
    "unfold": Helper(
        '''
def unfold(x, kernel_size, **window):
    """The cells of every window in a column: C × H × W to C·K × L."""
    columns = ops.unfold(ops.moveaxis(x, -1, 1), kernel_size, **window)
    return ops.swapaxes(columns, 1, 2)
'''
    ),
    "fold": Helper(
        '''
def fold(x, output_size, kernel_size, **window):
    """Columns laid back as windows: C·K × L to C × H × W."""
    x = ops.fold(ops.swapaxes(x, 1, 2), output_size, kernel_size, **window)
    return ops.moveaxis(x, 1, -1)
'''
    ),
    "local_response_norm": Helper(
        '''
def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    """Divides by the squares of `size` neighbouring channels (Krizhevsky et al. 2012, 3.3)."""
    margins = [(0, 0)] * (len(x.shape) - 1)
    squares = ops.pad(ops.square(x), [*margins, (size // 2, (size - 1) // 2)])
    total = sum(squares[..., i : i + x.shape[-1]] for i in range(size))
    return x / (k + alpha / size * total) ** beta
'''
    ),
    "ceil_padding": Helper(
        '''
def ceil_padding(x, pool_size, strides, padding=0):
    """The cells before and behind each axis under which a last window that hangs over is whole.

    It must start inside the input, or in front of it (PyTorch's `ceil_mode`).
    """
    axes = len(x.shape) - 2
    pools = pool_size if isinstance(pool_size, tuple) else (pool_size,) * axes
    steps = strides if isinstance(strides, tuple) else (strides,) * axes
    pads = []
    for size, pool, step in zip(x.shape[1:-1], pools, steps, strict=True):
        over = (pool - size - 2 * padding) % step
        windows = (size + 2 * padding + over - pool) // step + 1
        if (windows - 1) * step >= size + padding:
            over = 0
        pads.append((padding, padding + over))
    return [(0, 0), *pads, (0, 0)]
'''
    ),
    "ceil_max_pool": Helper(
        '''
def ceil_max_pool(x, pool_size, strides, padding=0):
    """A max pool whose last window may hang over the end."""
    pads = ceil_padding(x, pool_size, strides, padding)
    x = ops.pad(x, pads, constant_values=-float("inf"))
    return ops.max_pool(x, pool_size, strides)
''',
        ("ceil_padding",),
    ),
    "ceil_avg_pool": Helper(
        '''
def ceil_avg_pool(x, pool_size, strides, padding=0):
    """A mean pool whose last window may hang over the end, where cells do not count."""
    pads = ceil_padding(x, pool_size, strides, padding)
    inside = ops.pad(ops.ones_like(x), [(low, low) for low, _ in pads], constant_values=1)
    behind = [(0, high - low) for low, high in pads]
    share = ops.average_pool(ops.pad(inside, behind), pool_size, strides)
    return ops.average_pool(ops.pad(x, pads), pool_size, strides) / share
''',
        ("ceil_padding",),
    ),
    "self_attention": Helper(
        '''
def self_attention(x, heads, head_channels=None, qkv_bias=True):
    """Every token as a weighted mean of all, in several heads (Vaswani et al. 2017)."""
    tokens, channels = x.shape[1:]
    size = head_channels or channels // heads
    qkv = layers.Dense(3 * heads * size, use_bias=qkv_bias)(x)
    qkv = ops.reshape(qkv, (-1, tokens, 3, heads, size))
    queries, keys, values = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)), 3)
    scores = ops.matmul(queries, ops.swapaxes(keys, -1, -2)) * size**-0.5
    mixed = ops.matmul(layers.Softmax()(scores), values)
    mixed = ops.reshape(ops.swapaxes(mixed, 1, 2), (-1, tokens, heads * size))
    return layers.Dense(channels)(mixed)
'''
    ),
    "as_model": Helper(
        '''
def as_model(block, shape, *args, **kwargs):
    """A block as a model, which can be called again with the same weights."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs, *args, **kwargs))
'''
    ),
}

for _axes in (1, 2, 3):
    _name = "squeeze_excite" if _axes == 2 else f"squeeze_excite_{_axes}d"
    HELPERS[_name] = Helper(
        f'''
def {_name}(x, squeeze, activation="relu", gate="sigmoid"):
    """The channels weighed by what a small network makes of their means (Hu et al. 2018)."""
    weights = layers.GlobalAveragePooling{_axes}D(keepdims=True)(x)
    weights = layers.Conv{_axes}D(squeeze, 1, activation=activation)(weights)
    weights = layers.Conv{_axes}D(x.shape[-1], 1, activation=gate)(weights)
    return layers.Multiply()([x, weights])
'''
    )


def helpers_for(names: Iterable[str]) -> list[str]:
    """The code of helpers, with those that they take, in the order of the table."""
    wanted = set(names)
    for name in tuple(wanted):
        wanted.update(HELPERS[name].needs)
    return [helper.code.strip("\n") for name, helper in HELPERS.items() if name in wanted]
