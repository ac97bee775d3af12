"""Exports every network of the zoo to PyTorch, runs it, and records what differs.

    python tests/reference/record_export_pytorch.py [NAME …]

Run with torch and torchvision. Compared is what `convcalc verify` compares: for every layer, in
order, the shape that it makes, its tensors, whose they are where they are shared, and its MACs.
The record is written network by network, with the MACs that were compared; those that have them in
it are not run again: delete it to begin anew. With names, only those are run, and printed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from convcalc import api, zoo

RECORD = Path(__file__).with_name("export_pytorch.json")


def differences(network: api.Network) -> list[str]:
    """Where a network's PyTorch code differs from it."""
    return [" ".join(map(str, each)) for each in network.verify().differences]


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
        if "macs" in record["networks"].get(name, {}):
            continue
        network = api.load(name)
        found = differences(network)
        macs = network.analyze().totals.macs
        record["networks"][name] = {
            "layers": len(network.nodes),
            "macs": macs,
            "differences": found,
        }
        print(name, len(network.nodes), *found[:3], flush=True)
        if not names:
            RECORD.write_text(written(record), encoding="utf-8")


if __name__ == "__main__":
    main()
