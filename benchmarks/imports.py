"""How quick and how small reading ONNX files is, beside tools that count them, in one run.

    python benchmarks/imports.py FOLDER

FOLDER is what tests/reference/export_onnx.py has filled: files without their weights, and some in
`whole/` with them. Each run is a process of its own; runs of a pair alternate, and medians are
printed beside what they should stay below. Needs onnx-tool; torchvision for the torch counter.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import NamedTuple

from benchmarks.ratios import CONVCALC, compare, cost, show

#: Most seconds for a whole run of `analyze FILE --json` on any file, beyond what starting takes.
MOST_SECONDS = 0.5

ONNX_TOOL = """
import sys
import onnx_tool
onnx_tool.model_profile(sys.argv[1], save_profile=sys.argv[2])
"""

TORCH = """
import torch
from tests.reference.torchvision_alone import import_torchvision
torchvision = import_torchvision()
from torch.utils.flop_counter import FlopCounterMode
with torch.device("meta"), torch.no_grad():
    model = torchvision.models.get_model("resnet50", weights=None).eval()
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 224, 224))
print(counter.get_total_flops())
"""


class Pair(NamedTuple):
    """A file without its weights, and the same with them."""

    bare: Path
    whole: Path


def pairs(folder: Path) -> list[Pair]:
    """The files that there are with and without weights."""
    found = [
        Pair(folder / whole.name, whole) for whole in sorted((folder / "whole").glob("*.onnx"))
    ]
    return [pair for pair in found if pair.bare.exists()]


def analyze(path: Path) -> list[str]:
    """Our command on a file."""
    return [*CONVCALC, "analyze", str(path), "--json"]


def memory(pair: Pair, runs: int) -> None:
    """Print the peak memory with and without weights."""
    bare, whole = (
        statistics.median(cost(analyze(path)).memory for _ in range(runs)) for path in pair
    )
    size = pair.whole.stat().st_size
    measured = f"{whole / 2**20:.0f} MiB / {bare / 2**20:.0f} MiB, file {size / 2**20:.0f} MiB"
    show(f"memory, {pair.bare.stem}", measured, "the same")


def slowest(folder: Path, runs: int) -> None:
    """Print the files that take longest, beyond what starting takes."""
    start = statistics.median(cost([*CONVCALC, "--version"]).seconds for _ in range(runs))
    took: list[tuple[float, str]] = []
    for path in sorted(folder.glob("*.onnx")):
        try:
            took.append((cost(analyze(path)).seconds - start, path.name))
        except AssertionError:
            show(path.name, "not read", "read")
    took.sort(reverse=True)
    for seconds, name in took[:5]:
        show(name, f"{seconds:.3f} s beyond starting", f"at most {MOST_SECONDS}")
    over = sum(seconds > MOST_SECONDS for seconds, _ in took)
    show(f"{len(took)} files", f"{over} over {MOST_SECONDS} s", "none")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--every", action="store_true", help="every file of the folder too")
    given = parser.parse_args()
    folder: Path = given.folder
    bare = folder / "resnet50.dynamo.onnx"
    whole = folder / "whole" / bare.name
    python = CONVCALC[0]
    profile = str(folder / "onnx_tool.csv")
    beside = [python, "-c", ONNX_TOOL, str(whole), profile]
    compare("analyze resnet50.onnx --json / onnx-tool", analyze(bare), beside, given.runs, 0.8)
    compare("the same with its weights", analyze(whole), beside, given.runs, 0.8)
    torch = [python, "-c", TORCH]
    compare("analyze resnet50.onnx / a torch counter", analyze(bare), torch, given.runs, 0.8)
    for pair in pairs(folder):
        memory(pair, given.runs)
    if given.every:
        slowest(folder, given.runs)


if __name__ == "__main__":
    main()
