"""Record what older versions of the PyTorch-based FLOP counters print, in torch_versions.json.

    python tests/reference/record_torch_versions.py           # all of them, ten minutes
    python tests/reference/record_torch_versions.py thop@0.0.31

The environment is that of record_torch_tools.py, whose cases these are; the networks are a few of
torchvision's. Each version's package is downloaded, unpacked and put before the installed one; it
is not installed, and runs on the PyTorch that is there.

Tools of those days know no other PyTorch than theirs. What has been renamed since is given to them
under its old name: `collections.Iterable`, and NumPy's `product`. MMCV's counter is one file of its
package, which needs six names of the rest; they are classes that nothing here is an instance of.

A case is `[flops, params]`, or what the tool raised; one that is not listed is answered as by the
newest version, in torch_tools_layers.json (for `mmcv`, the newest ptflops).
"""

# The tools and torch are not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import argparse
import collections
import collections.abc
import importlib
import json
import logging
import subprocess
import sys
import tarfile
import tempfile
import types
import warnings
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

#: A convention's name, and the release that is run for it.
VERSIONS = {
    "ptflops@0.7.4": "ptflops==0.7.4",
    "ptflops@0.7.1": "ptflops==0.7.1",
    "ptflops@0.6": "ptflops==0.6.9",
    "mmcv": "mmcv==1.7.2",
    "thop@0.0.31": "thop==0.0.31.post2005241907",
    "thop@0.0.30": "thop==0.0.30.post1908302010",
    "thop@0.0.23": "thop==0.0.23.post1908021522",
    "fvcore@0.1.3": "fvcore==0.1.3.post20210317",
    "deepspeed@0.18": "deepspeed==0.18.9",
}
NETWORKS = (
    *("alexnet", "vgg16", "resnet18", "resnet50", "densenet121"),
    *("mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0"),
)


def unpacked(release: str, folder: Path) -> Path:
    """The folder that a release's wheel, or its source archive, is unpacked in."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-build-isolation"),
            *("-d", folder / "files", release),
        ],
        check=True,
        stdout=sys.stderr,
    )
    (file,) = (folder / "files").iterdir()
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            wheel.extractall(folder)
        return folder
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    (top,) = (path for path in folder.iterdir() if path.name != "files")
    return top


def old_names() -> None:
    """Give tools the names that Python and NumPy have dropped."""
    import numpy

    collections.Iterable = collections.abc.Iterable  # type: ignore[attr-defined]
    if not hasattr(numpy, "product"):
        numpy.product = numpy.prod  # type: ignore[attr-defined]


def load(package: str, folder: Path) -> tuple[Any, Any]:
    """Import the old package, and record_torch_tools with it in the place of the newest."""
    if package == "mmcv":
        mmcv = types.ModuleType("mmcv")
        names = ("Conv2d", "Conv3d", "MaxPool2d", "MaxPool3d", "Linear", "ConvTranspose2d")
        bricks = types.SimpleNamespace(**{name: type(name, (), {}) for name in names})
        mmcv.cnn = types.SimpleNamespace(bricks=bricks)  # type: ignore[attr-defined]
        sys.modules["mmcv"] = mmcv
        folder /= "mmcv/cnn/utils"
        package = "flops_counter"
    sys.path.insert(0, str(folder))
    import record_torch_tools as reference  # which gives ptflops a torchvision that imports

    return importlib.import_module(package), reference


def run(package: str, tool: Any, reference: Any, model: Any, x: Any) -> list[Any]:
    """What the tool says of a model: operations and parameters."""
    if package in ("ptflops", "mmcv"):
        options: dict[str, Any] = {"as_strings": False, "print_per_layer_stat": False}
        if x.shape[0] > 1:  # before 0.7.3 by keyword alone, which it takes for one image
            new = hasattr(tool, "FLOPS_BACKEND")
            options["input_constructor"] = lambda _: x if new else {"input": x}
        return list(tool.get_model_complexity_info(model, tuple(x.shape[1:]), **options))
    if package == "thop" and "input_size" in tool.profile.__code__.co_varnames:
        return list(tool.profile(model, tuple(x.shape), verbose=False))
    if package == "fvcore":
        nn = importlib.import_module("fvcore.nn")
        if not hasattr(nn, "FlopCountAnalysis"):
            giga, _ = nn.flop_count(model, (x,))
            return [round(sum(giga.values()) * 1e9), nn.parameter_count(model)[""]]
    return list(getattr(reference, f"run_{package}")(model, x))


def record(package: str, folder: Path) -> dict[str, Any]:
    """Every case and network under the package in `folder`."""
    old_names()
    tool, reference = load(package, folder)
    torch = reference.torch
    torch.set_num_threads(2)
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)

    def answer(model: Any, shape: list[int]) -> Any:
        try:
            with reference.patches_undone():
                *counts, params = run(package, tool, reference, model.eval(), torch.ones(shape))
        except Exception as error:
            return reference.one_line(error)
        return [*(reference.whole(count) for count in counts), reference.whole(params)]

    def newest(case: dict[str, Any]) -> Any:
        named = [package, f"{package}-macs"] if package == "deepspeed" else [package]
        tools = [case["tools"]["ptflops" if name == "mmcv" else name] for name in named]
        if "raises" in tools[0]:
            return tools[0]["raises"]
        return [*(tool["flops"] for tool in tools), tools[0]["params"]]

    layers = json.loads((HERE / "torch_tools_layers.json").read_text(encoding="utf-8"))
    cases = {
        case["id"]: answer(
            torch.nn.Sequential(eval(case["torch"], dict(reference.NAMES))),
            [case["batch"], *case["input"]],
        )
        for case in layers["cases"]
    }
    newest_of = {case["id"]: newest(case) for case in layers["cases"]}
    cases = {id: found for id, found in cases.items() if found != newest_of[id]}
    models = reference.torchvision.models
    networks = {
        name: answer(
            models.get_model(name, weights=None, **reference.OPTIONS.get(name, {})),
            [1, 3, 224, 224],
        )
        for name in NETWORKS
    }
    return {"cases": cases, "networks": networks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="the conventions; all without one")
    parser.add_argument("--unpacked", type=Path, help="the folder of one release, to run here")
    arguments = parser.parse_args()
    if arguments.unpacked:
        (package,) = arguments.names
        print(json.dumps(record(package, arguments.unpacked)), file=sys.__stdout__)
        return
    path = HERE / "torch_versions.json"
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for name in arguments.names or VERSIONS:
        print(name, file=sys.stderr)
        package = VERSIONS[name].partition("==")[0]
        with tempfile.TemporaryDirectory() as folder:
            release = unpacked(VERSIONS[name], Path(folder))
            process = subprocess.run(
                [sys.executable, __file__, package, "--unpacked", release],
                check=True,
                stdout=subprocess.PIPE,
            )
        answers = json.loads(process.stdout.splitlines()[-1])
        found[name] = {"release": VERSIONS[name], **answers}
    rows = {name: found[name] for name in VERSIONS if name in found}
    from record_torch_tools import text

    path.write_text(text(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
