"""Record what frameworks make of the zoo's networks, at their own size and at odd ones.

    python tests/reference/record_zoo.py            # what has no figures yet
    python tests/reference/record_zoo.py --all      # everything again, some minutes

zoo_sizes.json has a line a network: `model` is the Python expression that builds it, of torchvision
0.28.0 or timm 1.0.31, and `at` has for each input the parameters, the multiply–accumulates of
convolutions, linear layers and matrix products (half of what `FlopCounterMode` counts), and the
shapes that come out. An expression may speak of `input`, where a model is built for one. A network
that is added needs `network`, `model` and the inputs; the rest is recorded. What has a `code`
instead of a `model` was run from there by hand, and stays; what Caffe, cuda-convnet and MXNet make
of a network's description follows from the rules in their sources.

Models run on the `meta` device: nothing is computed, and no weights are loaded.
"""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision_alone import import_torchvision

torchvision = import_torchvision()

import timm  # noqa: E402 - it imports torchvision

FILE = Path(__file__).parent / "zoo_sizes.json"
Json = dict[str, Any]
NAMES = {"timm": timm, "torchvision": torchvision, "nn": nn, "torch": torch}


def tensors(output: Any) -> Iterator[torch.Tensor]:
    """The tensors of what a model returns, in its order."""
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict):
        yield from tensors(list(output.values()))
    else:
        for each in output:
            yield from tensors(each)


def measured(model: nn.Module, input: list[int]) -> Json:
    """What a model costs at an input, which has no batch."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        output = model(torch.empty(1, *input, device="meta"))
    macs, rest = divmod(counter.get_total_flops(), 2)
    assert rest == 0
    return {
        "input": input,
        "params": sum(each.numel() for each in model.parameters()),
        "macs": macs,
        "outputs": [list(each.shape[1:]) for each in tensors(output)],
    }


def built(expression: str, input: list[int]) -> nn.Module:
    """The model of an expression, without its weights."""
    names = {**NAMES, "input": input}
    try:
        with torch.device("meta"):
            return eval(expression, names).eval()
    except NotImplementedError:  # some read numbers while they are built
        return eval(expression, names).to("meta").eval()


def recorded(entry: Json, again: bool) -> Json:
    """An entry with its figures."""
    if "model" not in entry or not (again or any("macs" not in at for at in entry["at"])):
        return entry
    inputs = [at["input"] for at in entry["at"]]
    return {**entry, "at": [measured(built(entry["model"], each), each) for each in inputs]}


def written(entries: Iterable[Json]) -> str:
    """The file: a line a network."""
    lines = [json.dumps(entry, ensure_ascii=False) for entry in entries]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true", help="record everything again")
    again = parser.parse_args().all
    entries = json.loads(FILE.read_text(encoding="utf-8"))
    found = sorted((recorded(entry, again) for entry in entries), key=lambda e: e["network"])
    FILE.write_text(written(found), encoding="utf-8")


if __name__ == "__main__":
    main()
