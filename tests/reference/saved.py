"""What PyTorch keeps for the backward pass of exported code: the specs that are asked, and how.

`record_saved.py` asks, and `saved.json` has the answers.
"""

from __future__ import annotations

import re
import types
from typing import Any

from convcalc import api

#: Samples; with more than one, none of PyTorch's short cuts for a single one are taken.
BATCH = 2

#: Lines of a spec beside the examples of the layer types, and what they stand on.
LINES = (
    ("conv: {out: 8, k: 4, p: same}", "6x12x12"),
    ("conv: {out: 8, k: 3, s: 2, p: same}", "6x12x12"),
    ("conv: {out: 8, k: 3, s: 2, p: same}", "6x13x13"),
    ("conv: {out: 8, k: 3, s: 2, p: same_lower}", "6x12x12"),
    ("conv: {out: 8, k: 3, p: [[0, 1], [1, 0]]}", "6x12x12"),
    ("conv: {out: 8, k: 3, p: 1}", "6x8x8x8"),
    ("conv_transpose: {out: 8, k: 3, s: 2, p: [[0, 1], [0, 1]]}", "6x8x8"),
    ("deform_conv: {out: 8, k: 3, p: 1, modulated: true, deformable_groups: 2}", "6x8x8"),
    ("linear: {out: 8, per_position: true}", "6x7"),
    ("linear: {out: 8, per_position: true, bias: false}", "6x7x7"),
    ("max_pool: {k: 3, s: 2, p: same}", "6x12x12"),
    ("max_pool: {k: 3, s: 2, p: same}", "6x13x13"),
    ("max_pool: {k: 3, s: 2, p: [[0, 1], [0, 1]]}", "6x12x12"),
    ("max_pool: {k: 2, ceil_mode: true}", "6x13x13"),
    ("max_pool: {k: 2}", "6x12"),
    ("max_pool: {k: 2}", "6x8x8x8"),
    ("avg_pool: {k: 2}", "6x8"),
    ("avg_pool: {k: 2, s: 1, p: same}", "6x12x12"),
    ("kmax_pool: {k: 2, k_max: 2}", "6x8x8"),
    ("kmax_pool: {k: 3, s: 2, p: 1, k_max: 2}", "6x16"),
    ("adaptive_avg_pool: {output_size: 1}", "6x8x8"),
    ("adaptive_avg_pool: {output_size: 2}", "6x8x8x8"),
    ("adaptive_max_pool: {output_size: 2}", "6x8"),
    ("max_unpool: {k: 2}", "6x8"),
    ("batch_norm: {affine: false}", "6x8x8x8"),
    ("layer_norm", "6"),
    ("layer_norm: {over: all}", "6x8x8"),
    ("instance_norm: {affine: true}", "6x8x8"),
    ("rms_norm: {affine: false}", "6x8"),
    ("local_response_norm: {size: 4}", "6x8"),
    ("prelu: {num_parameters: 6}", "6x8"),
    ("dropout: {rate: 0}", "6x8"),
    ("dropout: {rate: 1}", "6x8"),
    ("mul: {value: 2}", "6x8"),
    ("mul: {from: [a, a]}", "6x8"),
    ("mul: {from: [a, b, c]}", "6x8"),
    ("div: {from: [a, b]}", "6x8"),
    ("maximum: {from: [a, b, c]}", "6x8"),
    ("matmul: {from: [a, b], transpose_b: true}", "6x8"),
    ("matmul: {from: [a, b], transpose_b: true}", "2x6x4x8"),
    ("reduce: {op: max, axes: [1]}", "6x8"),
    ("reduce: {op: l2, axes: [1]}", "6x8"),
    ("pad: {p: 1, mode: reflect}", "6x8x8"),
    ("pad: {p: 1, mode: circular}", "6x8x8"),
    ("upsample: {size: 3, mode: area}", "6x8x8"),
    ("upsample: {size: 1, mode: area}", "6x8x8"),
    ("squeeze_excite: {squeeze: 3, activation: silu, gate: hard_sigmoid}", "6x8x8"),
    ("self_attention: {heads: 1, head_channels: 5, qkv_bias: false}", "6x9"),
    ("conv: {out: 8, k: 3, trainable: false}", "6x8x8"),
    ("linear: {out: 8, trainable: false}", "6"),
    ("scale: {trainable: false}", "6x8x8"),
    ("layer_norm: {trainable: false}", "6x8x8"),
    ("batch_norm: {trainable: false}", "6x8x8"),
    ("rms_norm: {trainable: false}", "6x8"),
    ("instance_norm: {affine: true, trainable: false}", "6x8x8"),
)

#: What a layer stands on: what has a gradient, a part of that, or what enters the network.
STANDING = ("whole", "part", "input")


def around(line: str, shape: str, standing: str) -> str:
    """A spec with one line, whose inputs are of a shape (`3x32x32`)."""
    names = re.search(r"from: \[(.*?)\]", line)
    inputs = list(dict.fromkeys(names[1].split(", "))) if names else ["a"]
    sizes = [int(size) for size in shape.split("x")]
    whole = [2 * sizes[0], *sizes[1:]] if standing == "part" else sizes
    ones = [1 for _ in sizes]
    text = ["name: One", "input:", *[f"  in_{name}: {whole}" for name in inputs], "layers:"]
    for name in inputs:
        if standing == "input":
            text.append(f"  - identity: {{name: {name}, from: in_{name}}}")
            continue
        made = name if standing == "whole" else f"{name}_whole"
        text += [
            f"  - parameter: {{name: shift_{name}, shape: {ones}}}",
            f"  - add: {{name: {made}, from: [in_{name}, shift_{name}]}}",
        ]
        if standing == "part":
            text.append(f"  - slice: {{name: {name}, from: {made}, stop: {sizes[0]}}}")
    return "\n".join([*text, f"  - {line}", ""])


def saved(network: api.Network) -> int:
    """The bytes that PyTorch keeps for the backward pass of a network's code, parameters apart.

    Counted are the distinct memories of the tensors that `saved_tensors_hooks` sees.
    """
    import torch

    module = types.ModuleType("exported")
    exec(compile(str(network.export("pytorch")), "exported.py", "exec"), vars(module))
    *_, cls = [each for each in vars(module).values() if isinstance(each, type)]
    model = cls().train()
    owned = [each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())]
    # Held, so that no memory is used again.
    found: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        memory = tensor.untyped_storage()
        found[memory.data_ptr()] = memory
        return tensor

    inputs = [torch.rand(BATCH, *shape) for shape in network.inputs.values()]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(*inputs)
    return sum([memory.nbytes() for at, memory in found.items() if at not in owned])
