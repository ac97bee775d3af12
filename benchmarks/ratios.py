"""How quick convcalc is, in one run: ratios of whole processes, and rates from Python.

    python benchmarks/ratios.py

Start-up is the whole process against one that only imports what a bare YAML-and-pydantic tool
needs. A long network is measured a layer, in every format, where nothing buffers the output. Runs
of a pair alternate, and medians are printed beside what they should stay below or above.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

BARE = [sys.executable, "-c", "import click, yaml, pydantic; pydantic.BaseModel"]
#: What the `convcalc` script does.
CONVCALC = [sys.executable, "-c", "from convcalc.__main__ import run; run()"]
#: Modules are compiled once, in the warm-up, as an installed package is.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
LAYERS = 100_000


class Cost(NamedTuple):
    """What a whole process took: seconds on the clock, and its peak memory in bytes."""

    seconds: float
    memory: int


def cost(command: list[str], **environment: str) -> Cost:
    """Run a command."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**ENVIRONMENT, **environment}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Cost(time.perf_counter() - start, usage.ru_maxrss * 1024)


def show(title: str, measured: str, wanted: str) -> None:
    """Print a line."""
    print(f"{title:44} {measured:>34}   ({wanted})", flush=True)


def compare(title: str, command: list[str], against: list[str], runs: int, most: float) -> None:
    """Print the median ratio of two commands, run in turn after a warm-up."""
    cost(command), cost(against)
    pairs = [(cost(command).seconds, cost(against).seconds) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    show(title, f"{ours:.3f} s / {theirs:.3f} s = {ratio:.2f}", f"at most {most}")


def flat_spec(folder: Path, distinct: bool) -> str:
    """A spec of many lines without a loop, all convolutions the same or none like another."""
    path = folder / f"{'distinct' if distinct else 'flat'}.yaml"
    lines = ["name: flat", "input: [8, 32, 32]", "layers:"]
    for index in range(LAYERS // 2):
        out = 8 + index % 977 + index // 977 if distinct else 8
        lines += [f"  - conv: {{out: {out}, k: 3, p: 1}}", "  - relu"]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def long_network(title: str, spec: str, runs: int, most: float) -> None:
    """Print what a layer of a long network takes, in every format."""
    found: dict[str, list[Cost]] = {}
    for _ in range(runs):
        for name in ("json", "csv", "table"):
            limit = ["--limit", f"layers={LAYERS}"]
            command = [*CONVCALC, "analyze", spec, "--format", name, *limit]
            found.setdefault(name, []).append(cost(command, PYTHONUNBUFFERED="1"))
    start = cost([*CONVCALC, "analyze", "lenet", "--json"])
    for name, costs in found.items():
        micros = statistics.median(each.seconds for each in costs) / LAYERS * 1e6
        wanted = f"at most {most:.0f}" if name == "json" else "not slower than JSON"
        show(f"{title}, {name}", f"{micros:.1f} µs a layer", wanted)
    memory = statistics.median(each.memory for each in found["json"]) - start.memory
    show(f"{title}, memory", f"{memory / LAYERS / 1024:.2f} KiB a layer", "at most 2")


def rate(title: str, function: Callable[[int], Any], runs: int, least: int) -> None:
    """Print how often a second a function runs, each time on another number."""
    seconds = []
    for number in range(10 * runs):
        start = time.perf_counter()
        function(number)
        seconds.append(time.perf_counter() - start)
    show(title, f"{1 / statistics.median(seconds):.0f} a second", f"at least {least}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="pairs of runs for start-up")
    runs = parser.parse_args().runs
    analyze = [*CONVCALC, "analyze", "mobilenet_v1", "--json"]
    layer = [*CONVCALC, "layer", "conv", "--k", "3", "--s", "2", "--p", "1", "--in", "128"]
    compare("analyze mobilenet_v1 --json / bare imports", analyze, BARE, runs, 1.2)
    compare("layer conv … / bare imports", layer, BARE, runs, 0.6)
    compare("list / bare imports", [*CONVCALC, "list"], BARE, runs, 0.6)
    with tempfile.TemporaryDirectory() as folder:
        long_network("100,000 equal layers", flat_spec(Path(folder), False), 3, 35)
        long_network("100,000 distinct layers", flat_spec(Path(folder), True), 3, 50)

    import convcalc

    network = convcalc.load("mobilenet_v2")
    rate("load and analyze", lambda _: convcalc.load("mobilenet_v2").analyze(), runs, 200)
    rate(
        "analyze at other variables",
        lambda number: network.at(alpha=0.5 + number / 1000).analyze(),
        runs,
        400,
    )


if __name__ == "__main__":
    main()
