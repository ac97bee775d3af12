"""Record the totals that Keras prints under a summary, in keras_sizes.json.

    python tests/reference/record_keras_sizes.py

Needs Python 3.11 and, from PyPI, tensorflow 2.21.0 with keras 3.15.1, beside convcalc. Weights are
made and not loaded. `exported` are networks as `convcalc export --to keras` writes them, `written`
those of keras.applications which the zoo has layer for layer, `of float16` likewise.
"""

# TensorFlow is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from record_export_keras import built, exported

LINES = {
    "params": "Total params",
    "trainable": "Trainable params",
    "non_trainable": "Non-trainable params",
}
EXPORTED = ("lenet5", "alexnet", "resnet18", "resnet50", "squeezenet1_1", "mobilenet_v2", "unet")
WRITTEN = {
    "vgg16": "VGG16",
    "mobilenet_v1": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "xception": "Xception",
}


def totals(model: Any) -> dict[str, str]:
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    return {
        name: re.search(rf"^ *{label}: (.*?) *$", text, re.M)[1]  # type: ignore[index]
        for name, label in LINES.items()
    }


def main() -> None:
    found: dict[str, Any] = {"version": keras.__version__, "exported": {}, "written": {}}
    for name in EXPORTED:
        print(name, flush=True)
        found["exported"][name] = totals(built(exported(name)[0])[0])
    for name, model in WRITTEN.items():
        print(name, flush=True)
        found["written"][name] = totals(getattr(keras.applications, model)(weights=None))
    keras.config.set_dtype_policy("float16")
    found["of float16"] = {
        "mobilenet_v2": totals(keras.applications.MobileNetV2(weights=None)),
    }
    path = Path(__file__).parent / "keras_sizes.json"
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
