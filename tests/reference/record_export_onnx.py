"""Record what onnx and onnxruntime make of the zoo, written as ONNX, in export_onnx.json.

    pip install 'convcalc[test]'
    python -m tests.reference.record_export_onnx             # what has no line yet
    python -m tests.reference.record_export_onnx --back      # what comes back, of all again
    python -m tests.reference.record_export_onnx --all       # everything again, some minutes

A network's line has how large its file is, how many tensors its layers make, and how many of these
have another shape than here: by the strict inference of shapes of onnx, at the spec's own input;
and as onnxruntime makes them of zeros, its optimisations off, at the first of some small inputs
that the spec takes. `not_inferred` are tensors of operators that onnx has no rule for. `back` has
what is another figure of the file, read again: parameters, buffers, MACs and what the conventions
count that do not tell functions from modules, which ONNX does not either.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import convcalc
from convcalc import conventions, zoo
from convcalc.api import Network
from tests.onnx_files import inferred, made_by_onnxruntime, model_of, shapes

FILE = Path(__file__).parent / "export_onnx.json"
#: The sides of the inputs that networks are run at, where they take them.
SIDES = (64, 96, 128, 224, 299)
#: No network with more products is run.
MOST_MACS = 6 * 10**9


def smaller(name: str, network: Network) -> Iterator[Network]:
    """The network at small inputs, then at its own."""
    shapes = list(network.inputs.values())
    if len(shapes) == 1 and len(shapes[0]) == 3:
        for side in SIDES:
            if side < min(shapes[0].spatial):
                try:
                    yield convcalc.load(name, input=str(side))
                except convcalc.ConvcalcError:
                    continue
    yield network


def recorded(name: str) -> dict[str, Any]:
    """The line of a network."""
    network = convcalc.load(name)
    content = network.export("onnx")
    assert isinstance(content, bytes)
    wanted, found = shapes(network), inferred(model_of(network))
    unknown = [name for name in wanted if name not in found]
    line: dict[str, Any] = {
        "bytes": len(content),
        "tensors": len(wanted),
        "not_inferred": len(unknown),
        "inferred_otherwise": sum(found.get(name, wanted[name]) != wanted[name] for name in wanted),
    }
    line["back"] = otherwise_back(network, content)
    small = next(smaller(name, network))
    if small.analyze().totals.macs <= MOST_MACS:
        wanted, found = shapes(small), made_by_onnxruntime(small, model_of(small))
        line["run_at"] = [list(shape) for shape in small.inputs.values()]
        line["run_otherwise"] = sum(found[name] != wanted[name] for name in wanted)
    return line


def otherwise_back(network: Network, content: bytes) -> list[str]:
    """The figures that are not the same of the file; weights that are shared count once in it."""
    is_shared = any(node.weights_of is not None for node in network.nodes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        path.write_bytes(content)
        if is_shared:
            back = convcalc.loads(convcalc.spec_of(path, shared_once=True))
        else:
            back = convcalc.load(path)
    a, b = (each.analyze().totals for each in (network, back))
    figures = [key for key in ("params", "buffers", "macs") if a[key] != b[key]]
    untold = (each.name for each in conventions.every() if each.functions is None)
    return figures + [
        name
        for name in untold
        if network.analyze(name).totals.flops != back.analyze(name).totals.flops
    ]


def main() -> None:
    """Record the networks of the zoo."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--back", action="store_true")
    given = parser.parse_args()
    known = {} if given.all or not FILE.exists() else json.loads(FILE.read_text())
    for name in [each["name"] for each in zoo.index()]:
        if name not in known:
            known[name] = recorded(name)
        elif given.back or "back" not in known[name]:
            network = convcalc.load(name)
            content = network.export("onnx")
            assert isinstance(content, bytes)
            known[name]["back"] = otherwise_back(network, content)
        else:
            continue
        print(name, known[name], flush=True)
        lines = [f"{json.dumps(each)}: {json.dumps(known[each])}" for each in sorted(known)]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
