"""Record what tools say of modules that are called several times, and of frozen ones.

    python tests/reference/record_shared_weights.py torch        # and onnx, paddle, keras, flax
    python tests/reference/record_shared_weights.py versions     # older ones, two minutes

Each is run in the environment of the script that records single layers with it
(record_torch_tools.py, record_torch_versions.py, record_onnx_tool.py, …), which it imports, and
writes its answers into shared_weights.json beside those of the others. A case has its spec, in the
spec language, and what is the same in each framework: an expression over the names below.

A module that is called again is what `weights` and `share_weights` stand for: one object, which its
owner has once. Other ways to share, a module that stands in several others or one tensor in several
modules, are under `other_forms` in torch_tools_layers.json.
"""

# The tools are not installed where the project's own checks run.
# mypy: ignore-errors

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILE = HERE / "shared_weights.json"

Json = dict[str, Any]

IMAGE = [8, 12, 10]
CONV = {"out": 8, "k": 3, "p": 1}
UNIT = [{"conv": {**CONV, "bias": False}}, "batch_norm", "relu"]

TOWER = {
    "args": {},
    "layers": [*UNIT, {"max_pool": {"k": 2}}, "flatten", {"linear": {"out": 5}}],
}


def chain(type: str, fields: Json) -> list[Any]:
    """A layer twice, one call after the other."""
    return [{type: {**fields, "name": "a"}}, {type: {**fields, "weights": "a"}}]


def turns(times: int, layers: list[Any]) -> list[Any]:
    return [{"repeat": {"times": times, "share_weights": True, "layers": layers}}]


#: A layer in the spec language, and the same in PyTorch and its like.
PAIRS = {
    "conv": (CONV, {"torch": "nn.Conv2d(8, 8, 3, padding=1)"}),
    "conv_transpose": (
        {"out": 8, "k": 3, "p": 1},
        {"torch": "nn.ConvTranspose2d(8, 8, 3, padding=1)"},
    ),
    "depthwise_conv": ({"k": 3, "p": 1}, {"torch": "nn.Conv2d(8, 8, 3, padding=1, groups=8)"}),
    "batch_norm": ({}, {"torch": "nn.BatchNorm2d(8)"}),
    "group_norm": ({"groups": 2}, {"torch": "nn.GroupNorm(2, 8)"}),
    "instance_norm": ({"affine": True}, {"torch": "nn.InstanceNorm2d(8, affine=True)"}),
    "prelu": ({"num_parameters": 8}, {"torch": "nn.PReLU(8)"}),
    "max_pool": ({"k": 2}, {"torch": "nn.MaxPool2d(2)"}),
}
PAIRS["conv"][1].update(
    keras="layers.Conv2D(8, 3, padding='same')", flax="nn.Conv(8, (3, 3), padding=1)"
)
PAIRS["batch_norm"][1].update(
    keras="layers.BatchNormalization()", flax="nn.BatchNorm(use_running_average=True)"
)

_UNIT = "nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())"
_TOWER = f"nn.Sequential(*{_UNIT}, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(240, 5))"
_HEAD = "nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, padding=1))"


def cases() -> list[Json]:
    found: list[Json] = []

    def add(id: str, input: list[int], layers: list[Any], codes: Json, **spec: Any) -> None:
        document = {"name": id, "input": input, **spec, "layers": layers}
        found.append({"id": id, "spec": document, "code": codes})

    for type, (fields, codes) in PAIRS.items():
        codes = {"paddle": _paddle(codes["torch"]), **codes}
        codes = {name: f"Turns({code}, 2)" for name, code in codes.items()}
        add(f"{type}-called-twice", IMAGE, chain(type, fields), codes)
    add(
        "unit-in-turns",
        IMAGE,
        turns(3, UNIT),
        {"torch": f"Turns({_UNIT}, 3)", "paddle": _paddle(f"Turns({_UNIT}, 3)")},
    )
    add(
        "linear-100-times",
        [64],
        turns(100, [{"linear": {"out": 64}}]),
        {
            "torch": "Turns(nn.Linear(64, 64), 100)",
            "paddle": "Turns(nn.Linear(64, 64), 100)",
            "keras": "Turns(layers.Dense(64), 100)",
            "flax": "Turns(nn.Dense(64), 100)",
        },
    )
    siamese = [
        {"tower": {"name": "a", "from": "input"}},
        {"relu": {"name": "other", "from": "input"}},
        {"tower": {"name": "b", "from": "other", "weights": "a"}},
        {"add": {"from": ["a", "b"]}},
        {"linear": {"out": 1}},
        "sigmoid",
    ]
    code = f"nn.Sequential(Twice({_TOWER}, nn.ReLU()), nn.Linear(5, 1), nn.Sigmoid())"
    codes = {"torch": code, "paddle": _paddle(code)}
    add("siamese", IMAGE, siamese, codes, blocks={"tower": TOWER})
    head = {
        "layers": [{"conv": CONV}, "relu", {"conv": {**CONV, "out": 6}}],
    }
    levels = [
        {"head": {"name": "h1", "from": "input"}},
        {"max_pool": {"name": "p2", "from": "input", "k": 2}},
        {"head": {"name": "h2", "from": "p2", "weights": "h1"}},
        {"global_max_pool": {"name": "g1", "from": "h1"}},
        {"global_max_pool": {"name": "g2", "from": "h2", "weights": "g1"}},
        {"add": {"from": ["g1", "g2"]}},
    ]
    code = f"Levels({_HEAD}, nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(1))"
    codes = {"torch": code, "paddle": _paddle(code)}
    add("head-on-two-levels", IMAGE, levels, codes, blocks={"head": head})
    frozen = {"layers": UNIT, "trainable": False}
    for id, layers, code in (
        ("frozen-unit", [{"sequential": frozen}], f"frozen({_UNIT})"),
        (
            "frozen-backbone",
            [
                {"sequential": frozen},
                {"conv": {**CONV, "out": 4}},
                "flatten",
                {"linear": {"out": 3}},
            ],
            f"nn.Sequential(frozen({_UNIT}), nn.Conv2d(8, 4, 3, padding=1), nn.Flatten(),"
            " nn.Linear(480, 3))",
        ),
        (
            "frozen-and-called-twice",
            [
                {"conv": {**CONV, "name": "a", "trainable": False}},
                {"conv": {**CONV, "weights": "a"}},
            ],
            "Turns(frozen(nn.Conv2d(8, 8, 3, padding=1)), 2)",
        ),
    ):
        add(id, IMAGE, layers, {"torch": code, "paddle": _paddle(code)})
    found[-3]["code"]["keras"] = (
        "frozen(keras.Sequential([layers.Conv2D(8, 3, padding='same', use_bias=False),"
        " layers.BatchNormalization(), layers.ReLU()]))"
    )
    return found


def _paddle(code: str) -> str:
    """An expression for PyTorch, for Paddle."""
    names = {"ConvTranspose2d": "Conv2DTranspose", "2d": "2D"}
    names |= {"bias=False": "bias_attr=False", ", affine=True": ""}
    for name, own in names.items():
        code = code.replace(name, own)
    return code


# --- What the expressions name --------------------------------------------------------------------


def modules(nn: Any, base: Any) -> Json:
    """The names of PyTorch's expressions, for its modules and for those of its like."""

    class Twice(base):
        """One module on a tensor and on what another makes of it, and the sum of both."""

        def __init__(self, module: Any, other: Any) -> None:
            super().__init__()
            self.module = module
            self.other = other

        def forward(self, x: Any) -> Any:
            return self.module(x) + self.module(self.other(x))

    class Turns(base):
        """One module again and again, one call after the other."""

        def __init__(self, module: Any, times: int) -> None:
            super().__init__()
            self.module = module
            self.times = times

        def forward(self, x: Any) -> Any:
            for _ in range(self.times):
                x = self.module(x)
            return x

    class Levels(base):
        """One head on a tensor and on a smaller one, the maxima of both added."""

        def __init__(self, head: Any, smaller: Any, most: Any) -> None:
            super().__init__()
            self.head = head
            self.smaller = smaller
            self.most = most

        def forward(self, x: Any) -> Any:
            return self.most(self.head(x)) + self.most(self.head(self.smaller(x)))

    return {"nn": nn, "Twice": Twice, "Turns": Turns, "Levels": Levels}


def with_torch(rows: list[Json]) -> None:
    import record_torch_tools as reference

    nn = reference.nn
    names = {**modules(nn, nn.Module), "frozen": lambda module: module.requires_grad_(False)}
    for row in rows:
        model = nn.Sequential(eval(row["code"]["torch"], names)).eval()
        found = reference.count(model, [1, *row["spec"]["input"]])
        row.setdefault("tools", {}).update(
            {name: [each.get("flops"), each.get("params")] for name, each in found.items()}
        )


def with_versions(rows: list[Json]) -> None:
    from record_torch_versions import VERSIONS, unpacked

    for name, release in VERSIONS.items():
        print(name, file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.run(
                [
                    *(sys.executable, __file__, "--unpacked"),
                    *(unpacked(release, Path(folder)), release.partition("==")[0]),
                ],
                check=True,
                stdout=subprocess.PIPE,
            )
        for row, found in zip(rows, json.loads(process.stdout.splitlines()[-1]), strict=True):
            row["tools"][name] = found


def with_version(package: str, folder: Path) -> list[Any]:
    """What the release of a tool that is unpacked in a folder says of every case."""
    from record_torch_versions import load, old_names, run

    old_names()
    tool, reference = load(package, folder)
    nn, torch = reference.nn, reference.torch
    names = {**modules(nn, nn.Module), "frozen": lambda module: module.requires_grad_(False)}
    found = []
    for row in cases():
        model = nn.Sequential(eval(row["code"]["torch"], names)).eval()
        x = torch.ones([1, *row["spec"]["input"]])
        try:
            with reference.patches_undone():
                flops, *_, params = run(package, tool, reference, model, x)
            found.append([reference.whole(flops), reference.whole(params)])
        except Exception as error:
            found.append([None, reference.one_line(error)])
    return found


def with_onnx(rows: list[Json]) -> None:
    import record_onnx_tool as reference

    nn = reference.nn
    names = {**modules(nn, nn.Module), "frozen": lambda module: module.requires_grad_(False)}
    for row in rows:
        model = nn.Sequential(eval(row["code"]["torch"], names))
        reference.randomise(model)
        found = reference.measure(model, 1, row["spec"]["input"])
        row["tools"]["onnx-tool"] = [found["flops"], found["params"]]


def with_paddle(rows: list[Json]) -> None:
    import record_paddle as reference

    paddle = reference.paddle

    def frozen(layer: Any) -> Any:
        for parameter in layer.parameters():
            parameter.stop_gradient = True
            parameter.trainable = False
        return layer

    names = {**modules(paddle.nn, paddle.nn.Layer), "frozen": frozen}
    for row in rows:
        net = paddle.nn.Sequential(eval(row["code"]["paddle"], names))
        net.eval()
        row["tools"]["paddle"] = [*reference.measure(net, 1, row["spec"]["input"])]


def with_keras(rows: list[Json]) -> None:
    import record_tensorflow as reference

    keras = reference.keras

    def turns_of(layer: Any, times: int) -> Any:
        def call(x: Any) -> Any:
            for _ in range(times):
                x = layer(x)
            return x

        return call

    def frozen(layer: Any) -> Any:
        layer.trainable = False
        return layer

    names = {"keras": keras, "layers": keras.layers, "Turns": turns_of, "frozen": frozen}
    for row in rows:
        if "keras" not in row["code"]:
            continue
        shape = row["spec"]["input"]
        tensor = keras.Input(batch_shape=(1, *reference.channels_last(shape)))
        model = keras.Model(tensor, eval(row["code"]["keras"], names)(tensor))
        found = reference.measure(model, 1, shape)
        row["tools"]["tensorflow"] = [found["flops"], found["params"]]


def with_flax(rows: list[Json]) -> None:
    import record_flax as reference

    nn = reference.nn

    class Turns(nn.Module):
        module: Any
        times: int

        @nn.compact
        def __call__(self, x: Any) -> Any:
            for _ in range(self.times):
                x = self.module(x)
            return x

    for row in rows:
        if "flax" in row["code"]:
            names = {"nn": nn, "Turns": Turns}
            model = eval(row["code"]["flax"], names)
            found = reference.measure(model, 1, row["spec"]["input"])
            row["tools"]["flax"] = [found["flops"], found["params"]]


RECORDERS = {
    "torch": with_torch,
    "versions": with_versions,
    "onnx": with_onnx,
    "paddle": with_paddle,
    "keras": with_keras,
    "flax": with_flax,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", help=", ".join(RECORDERS))
    parser.add_argument("--unpacked", type=Path, help="the folder of one release, to run here")
    arguments = parser.parse_args()
    sys.path.insert(0, str(HERE))
    if arguments.unpacked:
        print(json.dumps(with_version(arguments.what, arguments.unpacked)), file=sys.__stdout__)
        return
    before = json.loads(FILE.read_text(encoding="utf-8"))["cases"] if FILE.exists() else []
    answers = {row["id"]: row["tools"] for row in before}
    rows = [{**row, "tools": answers.get(row["id"], {})} for row in cases()]
    RECORDERS[arguments.what](rows)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    FILE.write_text('{"cases": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
