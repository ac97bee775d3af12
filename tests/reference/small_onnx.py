"""Makes the small ONNX files in tests/onnx/ of those that were exported.

    python tests/reference/small_onnx.py FOLDER

FOLDER is what export_onnx.py, export_keras.py and old_onnx.py have filled. What no reader needs is
left out: stack traces, shapes that can be worked out (in every second file), and the data of
floats; they are packed. The truth of all of them is tests/onnx/truth.json.
"""

# onnx is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import json
import lzma
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import onnx

from tests.reference.record_imports import conv_shapes

SMALL = Path(__file__).parents[1] / "onnx"
FILES = (
    "convnext_atto.script17",
    "efficientnet_b0.script17",
    "keras_MobileNetV2.tf2onnx13",
    "keras_ResNet50.tf2onnx14",
    "levit_128s.script17",
    "mnasnet0_5.script13",
    "mobilenet_v2.dynamo",
    "mobilenet_v3_small.dynamo",
    "mobilevit_xxs.script13",
    "old_net.opset1",
    "old_net.opset3",
    "old_net.opset8",
    "resnet18.dynamo",
    "shufflenet_v2_x0_5.dynamo-plain",
    "squeezenet1_1.script13",
    "swin_tiny_patch4_window7_224.script17",
    "vit_tiny_patch16_224.dynamo-plain",
    "zoo_shufflenet.opset9",
    "zoo_squeezenet.opset9",
)
#: What is kept of what an exporter says of a node.
KEPT = ("namespace", "pkg.torch.onnx.class_hierarchy", "pkg.torch.onnx.name_scopes")


def lighten(model: Any, keeps_shapes: bool) -> None:
    """Leave out what no reader needs."""
    model.graph.ClearField("doc_string")
    del model.graph.metadata_props[:]
    if not keeps_shapes:
        del model.graph.value_info[:]
    for each in (*model.graph.node, *model.graph.value_info, *model.graph.input):
        each.ClearField("doc_string")
        kept = [prop for prop in each.metadata_props if prop.key in KEPT]
        del each.metadata_props[:]
        each.metadata_props.extend(kept)
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            del tensor.external_data[:]
            tensor.external_data.add(key="location", value="w")
        elif tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.raw_data) > 64:
            tensor.ClearField("raw_data")


def main() -> None:
    """Write the files and their truth."""
    folder = Path(sys.argv[1])
    SMALL.mkdir(exist_ok=True)
    truths = {}
    for index, name in enumerate(FILES):
        path = folder / f"{name}.onnx"
        if not path.exists():
            print("not exported:", name)
            continue
        model = onnx.load(str(path), load_external_data=False)
        record = json.loads(path.with_suffix(".json").read_text())
        told = record["onnx"]
        lighten(model, keeps_shapes=index % 2 == 0)
        packed = SMALL / f"{path.name}.xz"
        packed.write_bytes(lzma.compress(model.SerializeToString(), preset=9))
        shapes = Counter(tuple(shape) for shape in told["shapes"].values() if shape)
        truths[path.name] = {
            "input": record["torch"]["input"],
            "macs": told["macs"],
            "params": told["params_per_use"],
            "windows": [[*key, n] for key, n in conv_shapes(model, told["shapes"]).items()],
            "shapes": sorted(map(list, shapes)),
        }
        print(f"{packed.stat().st_size:8,} {path.name}")
    lines = [f"{json.dumps(name)}: {json.dumps(truth)}" for name, truth in truths.items()]
    (SMALL / "truth.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
