"""Records what PyTorch keeps for the backward pass of exported layers and networks.

    python tests/reference/record_saved.py

Run with torch; with torchvision too, what needs that (deform_conv) is recorded as well. Networks
stand on a small input, which is recorded beside them, or else on their own.
What is in the record is not asked again, so what needs torchvision can come from another run, of
another version (here 2.14): delete it to begin anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from convcalc import api, layers
from tests.reference.saved import LINES, STANDING, around, saved

RECORD = Path(__file__).with_name("saved.json")

#: A network of each family, and the side of its input.
NETWORKS: dict[str, int | None] = {
    **dict.fromkeys(("c3d", "dcgan_discriminator", "dcgan_generator", "lenet", "lenet5"), None),
    **dict.fromkeys(("m5", "nin_cifar10", "preresnet20_cifar", "resnet20_cifar"), None),
    **dict.fromkeys(("resnext29_32x4d_cifar", "siamese_88", "tcn_adding"), None),
    **dict.fromkeys(("inception_resnet_v2", "inception_v3", "inception_v4"), 96),
    **dict.fromkeys(
        (
            *("alexnet", "alexnet_two_group", "condensenet74_g4", "convnext_tiny", "cspresnet50"),
            *("deeplabv3_resnet50", "densenet121", "dla34", "dpn68", "efficientnet_b0"),
            *("efficientnet_v2_s", "fbnet_a", "fbnetv3_b", "ghostnet_x0_5", "ghostnetv2_100"),
            *("googlenet", "hrnet_w18", "mixnet_s", "mnasnet0_5", "mobilenet_v1", "mobilenet_v2"),
            *("mobilenet_v3_large", "mobilenetv4_conv_small", "nin", "regnet_x_400mf"),
            *("repvgg_a0", "res2net50_26w_4s", "resnet18", "resnet50_v1", "retinanet_resnet50_fpn"),
            *("seresnet18", "shufflenet_v1_g1", "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t"),
            *("tinynet_a", "unet_padded", "vgg11", "vit_b_16", "vovnet39a", "wide_resnet50_2"),
            *("xception", "yolov3", "yolov8n"),
        ),
        64,
    ),
}


def asked() -> list[tuple[str, str]]:
    """Lines of a spec, each with the shape of its input."""
    found = [layers.example(layers.find(name)) for name in layers.names()]
    examples = [each for each in found if each is not None and each[1]]
    return [*[each for each in examples if not each[0].startswith("opaque")], *LINES]


def kept_by(line: str, shape: str) -> list[int] | None:
    try:
        return [saved(api.loads(around(line, shape, each))) for each in STANDING]
    except (ImportError, RuntimeError) as error:  # torchvision's operator
        print(line, error)
        return None


def written(record: dict[str, Any]) -> str:
    """The record, a line a layer and a network."""
    rows = [f"    {json.dumps(row)}" for row in record["layers"]]
    networks = [f"    {json.dumps(row)}" for row in record["networks"]]
    return "\n".join(
        [
            *("{", f'  "torch": {json.dumps(record["torch"])},', '  "layers": ['),
            *(",\n".join(rows), "  ],", '  "networks": [', ",\n".join(networks), "  ]", "}", ""),
        ]
    )


def main() -> None:
    record: dict[str, Any] = {"torch": torch.__version__, "layers": [], "networks": []}
    if RECORD.exists():
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    layers_ = {(line, shape): kept for line, shape, kept in record["layers"]}
    networks = {name: (shape, kept) for name, shape, kept in record["networks"]}
    for line, shape in asked():
        kept = layers_.get((line, shape)) or kept_by(line, shape)
        if kept is not None:
            layers_[line, shape] = kept
    record["layers"] = [[*key, layers_[key]] for key in asked() if key in layers_]
    for name, side in NETWORKS.items():
        if name not in networks:
            entering = next(iter(api.load(name).inputs.values()))
            smaller = None if side is None else [entering.channels, side, side]
            networks[name] = smaller, saved(api.load(name, input=smaller))
            print(name, *networks[name], flush=True)
        record["networks"] = [[each, *networks[each]] for each in sorted(networks)]
        RECORD.write_text(written(record), encoding="utf-8")


if __name__ == "__main__":
    main()
