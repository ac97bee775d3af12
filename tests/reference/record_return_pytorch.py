"""Exports every network of the zoo to PyTorch, imports the file again, and records what differs.

    python tests/reference/record_return_pytorch.py [NAME …]

Run with torch; what has deformable convolutions needs torchvision. Compared are the parameters, the
MACs, the operations under every convention, and the shapes that leave the network. The record is
written network by network, and those that are in it are not run again: delete it to begin anew.
With names, only those are run, and printed.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from convcalc import ConvcalcError, api, conventions, zoo
from convcalc.foreign.patterns import recognised
from convcalc.foreign.writing import text_of
from convcalc.importers.aten.reading import read

RECORD = Path(__file__).with_name("return_pytorch.json")


def figures(network: api.Network) -> dict[str, Any]:
    """What is compared of a network."""
    totals = network.analyze().totals
    found: dict[str, Any] = {key: totals[key] for key in ("params", "buffers", "macs")}
    found["outputs"] = sorted(list(tensor.shape) for tensor in network.outputs)
    for name in conventions.names():
        try:
            found[name] = network.analyze(name).totals.flops
        except ConvcalcError as error:
            found[name] = str(error).splitlines()[0]
    return found


def imported(network: api.Network, folder: Path, number: int) -> api.Network:
    """The network that its code is, read again."""
    code = network.export("pytorch")
    assert isinstance(code, str)
    name = f"exported_{number}"
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    importlib.invalidate_caches()
    module = importlib.import_module(name)
    *_, made = [each for each in vars(module).values() if isinstance(each, type)]
    inputs = {key: tuple(shape) for key, shape in network.inputs.items()}
    if len(inputs) == 1:
        inputs = {"": next(iter(inputs.values()))}
    text = text_of(recognised(read(f"{name}:{made.__name__}", {}, inputs)))
    return api.loads(text)


def differences(network: api.Network, folder: Path, number: int) -> list[str]:
    """Where what comes back differs."""
    try:
        back = figures(imported(network, folder, number))
    except ConvcalcError as error:
        return [str(error)]
    ours = figures(network)
    return [f"{key}: {back[key]}, not {ours[key]}" for key in ours if back[key] != ours[key]]


def main() -> None:
    names = sys.argv[1:]
    record: dict[str, Any] = {}
    if RECORD.exists() and not names:
        record = json.loads(RECORD.read_text(encoding="utf-8"))["networks"]
    order = [each["name"] for each in zoo.index()]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sys.path.insert(0, str(folder))
        for number, name in enumerate(names or order):
            if name in record:
                continue
            record[name] = differences(api.load(name), folder, number)
            print(name, *record[name][:4], flush=True)
            if not names:
                known = [each for each in order if each in record]
                text = ",\n".join(f"{json.dumps(n)}: {json.dumps(record[n])}" for n in known)
                head = f'{{"torch": {json.dumps(torch.__version__)}, "networks": {{\n'
                RECORD.write_text(f"{head}{text}\n}}}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
