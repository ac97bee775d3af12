"""A sweep of 10⁹ settings on a cluster of Dask, a worker killed in the middle; and a larger one.

    python benchmarks/cluster.py [--settings 1e9] [--jobs 2]

Needs convcalc[dask,sweep]. It is MobileNetV2 by alpha and resolution, the front of MACs and
parameters within 300 M MACs: the filter and the front are pushed down to the workers. One process
sweeps it, then those of a LocalCluster, of which one is killed when half is done. The two answers
must be equal. What each step takes is measured by itself, and makes a model of any cluster:

    seconds = start + max(shards · task, settings / (rate · workers) + shards / workers · send)
            + shards · merge

where the scheduler and the client take `task` for each shard, one after the other, a worker
evaluates `rate` settings a second and waits `send` for the next shard, and `start` is what a
worker takes to start, to read the spec, to trace and to make its tables. The model is held against
what was measured here, where the processes share the cores with the scheduler and the client.
"""

from __future__ import annotations

import argparse
import os
import pickle
import signal
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import convcalc
from convcalc.search import cluster, shards
from convcalc.search.points import Whole
from convcalc.search.sweep import Partial, Sweeping

ASKED: dict[str, Any] = {
    "metrics": "params,macs",
    "where": "macs <= 300M",
    "pareto": "max:macs,min:params",
}
#: Values of alpha, five millionths apart.
ALPHAS = 200_000
WORKERS = (2, 8, 64, 512)
#: Tasks that do nothing, whose time is a task's.
EMPTY = 2000


class Constants(NamedTuple):
    """What a model of a cluster takes, in seconds unless said; see above."""

    start: float
    rate: float
    task: float
    send: float
    merge: float
    #: Of what comes back of a shard.
    bytes: int


class Nothing:
    """A task that does nothing."""

    def __call__(self, shard: shards.Shard) -> shards.Done:
        return shards.Done(Partial())


def sweeping(settings: int) -> Sweeping:
    network = convcalc.load("mobilenet_v2")
    last = 0.25 + (ALPHAS - 1) * 5e-6
    space = {
        "alpha": f"0.25:{last:.6f}:0.000005",
        "resolution": range(32, 32 + -(-settings // ALPHAS)),
    }
    return network.sweeping(space, **ASKED)


def one_process(settings: int) -> tuple[Any, float]:
    """What one process answers, and its seconds."""
    start = time.perf_counter()
    found = sweeping(settings).finished()
    return found, time.perf_counter() - start


def on_a_cluster(settings: int, jobs: int, kill: bool) -> tuple[Any, float, float]:
    """What a LocalCluster answers, the seconds of its start, and all."""
    start = time.perf_counter()
    with cluster.connected("local", jobs) as found:
        started = time.perf_counter() - start
        own = sweeping(settings)
        sharded = shards.spread(own, found.run, found.workers)
        tried, half = 0, (own.points.size or 0) // 2

        def step(count: int) -> None:
            nonlocal tried
            before, tried = tried, tried + count
            if kill and before < half <= tried:
                (victim, *_) = found.client.run(os.getpid).values()
                os.kill(victim, signal.SIGKILL)
                print(f"  killed process {victim} behind {tried:,} settings", flush=True)

        sharded.on_step = step
        answer = sharded.finished()
        seconds = time.perf_counter() - start
    return answer, started, seconds


def constants(settings: int, jobs: int, started: float) -> Constants:
    """Measure each by itself."""
    own = sweeping(settings)
    points = own.points
    assert isinstance(points, Whole)
    size = shards.size_of_shards(points, own.query, jobs)
    work, todo = shards.task(own), list(shards.shards(points, size))
    begin = time.perf_counter()
    work(todo[0]._replace(stop=1))
    first = time.perf_counter() - begin
    some = todo[:: max(1, len(todo) // 4)][:4]
    begin = time.perf_counter()
    done = [work(shard) for shard in some]
    rate = sum(shard.stop - shard.first for shard in some) / (time.perf_counter() - begin)
    bytes = max(len(pickle.dumps(each)) for each in done)
    many = done * 50
    begin = time.perf_counter()
    shards.Sharded(own, many).finished()
    merge = (time.perf_counter() - begin) / len(many)
    with cluster.connected("local", jobs) as found:

        def empty(first: int, count: int) -> Iterator[shards.Shard]:
            return (shards.Shard(first + at, 0, 1) for at in range(count))

        def run(todo: Iterator[shards.Shard]) -> float:
            begin = time.perf_counter()
            for _ in found.run(Nothing(), todo, lambda *_: None):  # type: ignore[arg-type]
                pass
            return time.perf_counter() - begin

        run(empty(0, 50))
        task = run(empty(50, EMPTY)) / EMPTY
        send = sum(run(islice(empty(at, 1), 1)) for at in range(20)) / 20
    return Constants(started + first, rate, task, send, merge, bytes)


def modelled(own: Constants, points: int, workers: int, count: int) -> float:
    """The seconds that so many workers take for so many shards."""
    evaluating = points / (own.rate * workers) + count / workers * own.send
    return own.start + max(count * own.task, evaluating) + count * own.merge


def count_of_shards(points: int, workers: int) -> int:
    """In how many shards a sweep is cut."""
    size = min(1 << 24, -(-points // max(64, 16 * workers)))
    return -(-points // size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=float, default=1e9)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--without", action="store_true", help="also a run in which none is killed")
    asked = parser.parse_args()
    settings, jobs = int(asked.settings), asked.jobs
    whole, alone = one_process(settings)
    print(f"{whole.points:,} settings, {whole.within:,} within, {len(whole.rows)} on the front")
    print(f"one process: {alone:.1f} s, {whole.points / alone / 1e6:.1f} M a second", flush=True)
    for kill in (False, True) if asked.without else (True,):
        answer, started, seconds = on_a_cluster(settings, jobs, kill)
        what = "one of them killed at half" if kill else "none killed"
        is_same = "the same answer" if answer == whole else "ANOTHER ANSWER"
        print(f"{jobs} processes, {what}: {seconds:.1f} s ({started:.1f} to start), {is_same}")
        assert answer == whole
    own = constants(settings, jobs, started)
    print(
        f"a worker starts in {own.start:.2f} s and evaluates {own.rate / 1e6:.1f} M settings a"
        f" second;\na task takes the scheduler {1e3 * own.task:.2f} ms, and a worker that waits for"
        f" it {1e3 * own.send:.1f} ms;\nwhat comes back of a shard has {own.bytes:,} bytes and is"
        f" merged in {1e3 * own.merge:.2f} ms"
    )
    print(f"{'settings':>10} {'workers':>8} {'shards':>8} {'seconds':>10} {'M a second':>11}")
    for points in (whole.points, 10**12):
        for workers in WORKERS:
            count = count_of_shards(points, workers)
            taken = modelled(own, points, workers, count)
            print(
                f"{points:>10.1e} {workers:>8} {count:>8,} {taken:>10.1f}"
                f" {points / taken / 1e6:>11.1f}"
            )


if __name__ == "__main__":
    main()
