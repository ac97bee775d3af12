"""How quick convcalc is, as ratios in one run: a slow machine is slow on both sides.

    python benchmarks/ratios.py

Start-up is the whole process against one that only imports what a bare YAML-and-pydantic tool
needs; scaling is ten times the layers against one time. Runs alternate, and medians of paired
ratios are printed beside what they should stay below.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BARE = [sys.executable, "-c", "import click, yaml, pydantic; pydantic.BaseModel"]
#: What the `convcalc` script does.
CONVCALC = [sys.executable, "-c", "from convcalc.cli import main; main()"]
#: Modules are compiled once, in the warm-up, as an installed package is.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    """The wall time of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - start


def compare(title: str, command: list[str], against: list[str], runs: int, most: float) -> None:
    """Print the median ratio of two commands, run in turn after a warm-up."""
    seconds(command), seconds(against)
    pairs = [(seconds(command), seconds(against)) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    print(f"{title:45} {ours:7.3f} s / {theirs:6.3f} s = {ratio:5.2f}   (at most {most})")


def flat_spec(folder: Path, layers: int) -> str:
    """A spec of `layers` lines without a loop."""
    path = folder / f"flat_{layers}.yaml"
    lines = ["name: flat", "input: [8, 32, 32]", "layers:"]
    lines += ["  - conv: {out: 8, k: 3, p: 1}", "  - relu"] * (layers // 2)
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="pairs of runs for start-up")
    runs = parser.parse_args().runs
    analyze = [*CONVCALC, "analyze", "mobilenet_v1", "--json"]
    layer = [*CONVCALC, "layer", "conv", "--k", "3", "--s", "2", "--p", "1", "--in", "128"]
    compare("analyze mobilenet_v1 --json / bare imports", analyze, BARE, runs, 1.3)
    compare("layer conv … / bare imports", layer, BARE, runs, 0.7)
    with tempfile.TemporaryDirectory() as folder:
        small, large = (flat_spec(Path(folder), count) for count in (10_000, 100_000))
        many, few = ([*CONVCALC, "analyze", spec, "--json"] for spec in (large, small))
        compare("100,000 layers / 10,000 layers", many, few, 3, 11)


if __name__ == "__main__":
    main()
