"""Export networks of Keras Applications through tf2onnx, without their weights, beside the truth.

    python tests/reference/export_keras.py FOLDER [NAME …]

As export_onnx.py does with PyTorch's: `keras_NAME.OPSET.onnx` and `.json`. Files of an even
opset have a batch that is left open, as most files from Keras do.
"""

# The packages are not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import keras
import onnx
import tensorflow as tf
import tf2onnx

from tests.reference import onnx_truth

#: The networks with their opset.
NETWORKS = {
    "MobileNetV2": 13,
    "ResNet50": 14,
    "EfficientNetB0": 15,
    "DenseNet121": 16,
    "Xception": 17,
    "InceptionV3": 13,
    "NASNetMobile": 14,
    "VGG16": 16,
    "MobileNet": 17,
    "MobileNetV3Small": 13,
    "ResNet50V2": 15,
    "EfficientNetV2B0": 17,
    "MobileNetV3Large": 14,
    "InceptionResNetV2": 17,
}


def export(name: str, folder: Path) -> None:
    """Export a network, and write its truth beside it."""
    opset = NETWORKS[name]
    start = time.perf_counter()
    model = getattr(keras.applications, name)(weights=None)
    for weight in model.weights:
        # Equal tensors would be merged, as those of a trained network are not.
        shape = tuple(weight.shape)
        weight.assign(tf.random.uniform(shape, 0.5, 1.0) * (0.01 if len(shape) > 1 else 1))
    size = tuple(model.input_shape[1:])
    batch = None if opset % 2 == 0 else 1
    signature = [tf.TensorSpec((batch, *size), tf.float32, name="input")]
    call = tf.function(lambda x: model(x, training=False))
    whole, _ = tf2onnx.convert.from_function(call, input_signature=signature, opset=opset)
    if name in ("MobileNetV2", "ResNet50"):
        (folder / "whole").mkdir(exist_ok=True)
        onnx.save(whole, str(folder / "whole" / f"keras_{name}.{opset}.onnx"))
    fixed = onnx.ModelProto()
    fixed.CopyFrom(whole)
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    shapes = onnx_truth.run_shapes(fixed)
    onnx_truth.strip(whole, external=opset != 13)
    onnx_truth.strip(fixed, external=True)
    trainable = sum(int(tf.size(w)) for w in model.trainable_weights)
    record = {
        "name": f"keras_{name}",
        "library": "keras",
        "exporter": f"tf2onnx{opset}",
        "masks": [],
        "torch": {
            "params": trainable,
            "with_statistics": model.count_params(),
            "input": [size[2], *size[:2]],
        },
        "onnx": onnx_truth.truth_of(fixed, shapes=shapes),
        "shapes_from": "onnxruntime",
        "seconds": round(time.perf_counter() - start, 1),
    }
    final = folder / f"keras_{name}.tf2onnx{opset}.onnx"
    onnx.save(whole, str(final))
    final.with_suffix(".json").write_text(json.dumps(record))


def main() -> None:
    """Export what is not there yet."""
    folder = Path(sys.argv[1])
    for name in sys.argv[2:] or NETWORKS:
        if (folder / f"keras_{name}.tf2onnx{NETWORKS[name]}.json").exists():
            continue
        try:
            export(name, folder)
            print(name, "done", flush=True)
        except Exception:
            traceback.print_exc()
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
