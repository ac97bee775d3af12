"""Exports every network of the zoo to PyTorch, runs it, and records what differs.

    python tests/reference/record_export_pytorch.py [NAME …]

Run with torch and torchvision. A network is made and run on the meta device, at its own size, with
a batch of one. Compared are its parameters, those that are frozen, the shapes that leave it, and
for every layer, in order, the shape that it makes, its tensors, and whose they are where they are
shared (`convcalc.exporters.torch_layers.running`). The record is written network by network, and
those that are in it are not run again: delete it to begin anew. With names, only those are run,
and printed.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from typing import Any

import torch

from convcalc import api, zoo
from convcalc.exporters.base import Model
from convcalc.exporters.pytorch import EXPORTER
from convcalc.exporters.torch_layers.running import calls, matched

RECORD = Path(__file__).with_name("export_pytorch.json")


def exported(name: str) -> tuple[str, api.Network]:
    """The file of a network of the zoo, and the network."""
    found = zoo.locate(name, 10**7)
    opened = api.opened(found.data, found.name, found.preset)
    network = opened.at({})
    text = EXPORTER.content(Model(opened.request.document, network))
    assert isinstance(text, str)
    return text, network


def differences(text: str, network: api.Network) -> list[str]:
    """In what an exported file differs from its network."""
    module = types.ModuleType("exported")
    exec(compile(text, network.name, "exec"), vars(module))
    made = [each for each in vars(module).values() if isinstance(each, type)]
    with torch.device("meta"):
        model: Any = made[-1]().eval()
        inputs = [torch.zeros(1, *shape) for shape in network.inputs.values()]
        ran, outputs = calls(model, inputs)
    found = [*matched(network, ran).differences]
    totals = network.analyze().totals
    parameters = [*model.parameters()]
    theirs = {
        "params": sum(each.numel() for each in parameters),
        "frozen": sum(each.numel() for each in parameters if not each.requires_grad),
        "outputs": list(outputs),
    }
    ours = {
        "params": totals.params,
        "frozen": totals.frozen,
        "outputs": [tuple(tensor.shape) for tensor in network.outputs],
    }
    return found + [
        f"{key}: {theirs[key]} in PyTorch, {value} in convcalc"
        for key, value in ours.items()
        if theirs[key] != value
    ]


def written(record: dict[str, Any]) -> str:
    """The record, a line a network, in the zoo's order."""
    order = [each["name"] for each in zoo.index()]
    networks = [
        f"    {json.dumps(name)}: {json.dumps(record['networks'][name])}"
        for name in order
        if name in record["networks"]
    ]
    head = ["{", f'  "torch": {json.dumps(record["torch"])},', '  "networks": {']
    return "\n".join([*head, ",\n".join(networks), "  }", "}", ""])


def main() -> None:
    names = sys.argv[1:]
    record: dict[str, Any] = {"torch": torch.__version__, "networks": {}}
    if RECORD.exists() and not names:
        record["networks"] = json.loads(RECORD.read_text(encoding="utf-8"))["networks"]
    for name in names or [each["name"] for each in zoo.index()]:
        if name in record["networks"]:
            continue
        text, network = exported(name)
        found = differences(text, network)
        record["networks"][name] = {"layers": len(network.nodes), "differences": found}
        print(name, len(network.nodes), *found[:3], flush=True)
        if not names:
            RECORD.write_text(written(record), encoding="utf-8")


if __name__ == "__main__":
    main()
