"""What each pass adds to an analysis, in one run.

    python benchmarks/passes.py

A pass is measured against what `analyze` does without any: it reads and expands a spec, and counts.
Over the zoo and over long networks, where a layer must take as long in a long one as in a short
one. Dear passes run where a figure of theirs is asked for. Processor time; runs of a pair
alternate, and the least of each is what counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import convcalc
from convcalc import analysis, passes, zoo
from convcalc.language.limits import Limits
from convcalc.passes import Pass

MOST_SHARE = 0.15
#: How long the networks are in which a layer is timed.
LENGTHS = (25_000, 50_000, 100_000)
#: How much more it may take in the longest than in the shortest.
MOST_GROWTH = 1.5


def least(functions: Sequence[Callable[[], Any]], runs: int) -> list[float]:
    """The least seconds of each of some functions, run in turn."""
    found = [float("inf")] * len(functions)
    for _ in range(runs):
        for index, function in enumerate(functions):
            start = time.process_time()
            function()
            found[index] = min(found[index], time.process_time() - start)
    return found


def named(each: Pass) -> str:
    """What a pass is called here."""
    return type(each).__name__


def shares(names: Sequence[str], runs: int) -> None:
    """Print what passes add over many networks, each alone and all together."""
    known = passes.known()
    chosen: list[tuple[Pass, ...]] = [*((each,) for each in known), passes.saying()]
    bare, added = 0.0, [0.0] * len(chosen)
    for name in names:
        graph = convcalc.load(name)
        (reading,) = least([partial(convcalc.load, name)], 2)
        functions = [partial(analysis.analyze, graph, run=run) for run in ((), *chosen)]
        without, *others = least(functions, runs)
        bare += reading + without
        added = [total + other - without for total, other in zip(added, others)]
    print(f"{len(names)} networks: {bare:.3f} s to read, expand and count")
    for run, seconds in zip(chosen, added):
        title = named(run[0]) if len(run) == 1 else "every analysis"
        most = f"at most {MOST_SHARE:.0%}" if len(run) == 1 else ""
        if run[0].dear:
            most = "where it is asked for"
        print(f"{title:20} {seconds:8.3f} s {seconds / bare:8.1%}   {most}")


def text(layers: int) -> str:
    """A long network with shortcuts, each of whose layers is like few others."""
    blocks = layers // 5
    return f"""
name: long
input: [8, 64, 64]
layers:
  - repeat:
      times: {blocks}
      index: i
      layers:
        - residual:
            layers:
              - conv: {{out: 8 + i % 13, k: 1}}
              - conv: {{out: 8, k: 3, p: 1, d: 1}}
              - batch_norm
        - relu
"""


def lengths(runs: int) -> None:
    """Print what a layer takes in networks of different lengths."""
    limits = Limits(layers=LENGTHS[-1])
    graphs = [convcalc.loads(text(layers), limits=limits) for layers in LENGTHS]
    for each in passes.known():
        took = [
            least([partial(analysis.analyze, graph, run=(each,))], runs)[0] / len(graph.nodes)
            for graph in graphs
        ]
        shown = "  ".join(f"{seconds * 1e6:6.2f} µs" for seconds in took)
        growth = took[-1] / took[0]
        print(f"{named(each):20} {shown}   {growth:5.2f} ×   at most {MOST_GROWTH} ×")


def main() -> None:
    parser = argparse.ArgumentParser(description="What each pass adds to an analysis.")
    parser.add_argument("networks", nargs="*", help="the networks; all of the zoo unless given")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    shares(arguments.networks or zoo.families(), arguments.runs)
    print(f"\nA layer of {', '.join(f'{layers:,}' for layers in LENGTHS)} layers, all told")
    lengths(min(arguments.runs, 3))


if __name__ == "__main__":
    main()
