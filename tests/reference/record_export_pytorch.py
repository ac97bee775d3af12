"""Exports every network of the zoo to PyTorch, runs it, and records what differs.

    python tests/reference/record_export_pytorch.py [NAME …]

Run with torch and torchvision. Compared is what `convcalc verify` compares: for every layer, in
order, the shape that it makes, its tensors, whose they are where they are shared, and its MACs.
With names, only those are run, and printed.
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


def main() -> None:
    names = sys.argv[1:]
    record: dict[str, Any] = {"torch": torch.__version__, "networks": {}}
    for name in names or [each["name"] for each in zoo.index()]:
        network = api.load(name)
        found = differences(network)
        record["networks"][name] = {"layers": len(network.nodes), "differences": found}
        print(name, len(network.nodes), *found[:3], flush=True)
    if not names:
        networks = [
            f"    {json.dumps(name)}: {json.dumps(each)}"
            for name, each in record["networks"].items()
        ]
        lines = ["{", f'  "torch": {json.dumps(record["torch"])},', '  "networks": {']
        RECORD.write_text("\n".join([*lines, ",\n".join(networks), "  }", "}", ""]))


if __name__ == "__main__":
    main()
