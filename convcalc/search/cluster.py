"""The shards of a sweep on a cluster of Dask: what a worker was at when it was lost, others do."""

from __future__ import annotations

import gc
import logging
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from typing import Any

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.extras import require
from convcalc.search.shards import (
    Done,
    Note,
    Shard,
    Sharded,
    Task,
    spread,
    version,
    version_differs,
)
from convcalc.search.sweep import Sweeping
from convcalc.words import counted, shortened

#: The address of a cluster of this machine's cores, which lives as long as the sweep.
LOCAL = "local"
#: What the name of a file ends in that a scheduler has written its address to.
_FILE = ".json"
#: Has the C library of workers keep memory for the arrays of the next settings. Dask has it give
#: all back at once, and to ask for it again takes several times as long as what is worked out.
_MEMORY = {
    "MALLOC_TRIM_THRESHOLD_": 1 << 28,
    "MALLOC_MMAP_THRESHOLD_": 1 << 28,
    "MALLOC_TOP_PAD_": 1 << 26,
}
#: What needs the package.
_WHAT = "`--scheduler`"
#: Seconds in which a scheduler answers, and in which it has a worker.
_PATIENCE, _WORKER = 5, 15
#: Shards that are on their way for each thread of the workers, and for all: those that are done
#: wait for the ones before them.
_AHEAD, _FEWEST = 4, 16


class Cluster:
    """Workers that try shards; see `connected`."""

    def __init__(self, client: Any) -> None:
        self.client = client
        #: How many shards it tries at a time.
        self.workers = max(1, sum(client.nthreads().values()))

    def run(self, work: Task, todo: Iterator[Shard], note: Note) -> Iterator[Done]:
        """Do a task with shards: `note` is told of each when it is done, others in their order.

        Those of a worker that is lost are done by another. Raises ConvcalcError.
        """
        distributed = require("distributed", "dask", _WHAT)
        token = os.urandom(8).hex()
        # The task is a result itself: Dask makes it again where those that have it are lost.
        shared = self.client.submit(_same, work, key=f"convcalc-{token}")
        flying = distributed.as_completed(loop=self.client.loop)
        order: deque[Shard] = deque()
        keys: dict[str, Shard] = {}
        ready: dict[int, Done | ConvcalcError] = {}
        wrong: list[ConvcalcError] = []

        def send() -> bool:
            """Send the next one, if there is one."""
            try:
                shard = next(todo, None)
            except ConvcalcError as error:  # those before it come first
                wrong.append(error)
                return False
            if shard is None:
                return False
            key = f"convcalc-{token}-{shard.number}"
            keys[key] = shard
            order.append(shard)
            flying.add(self.client.submit(_do, shared, shard, key=key, priority=-shard.number))
            return True

        most = max(_FEWEST, _AHEAD * self.workers)
        while len(order) < most and send():
            pass
        while order:
            future = next(flying)
            shard = keys.pop(future.key)
            try:
                ready[shard.number] = done = future.result()
                note(shard, done)
            except ConvcalcError as error:
                ready[shard.number] = error
            except distributed.KilledWorker:
                raise _killing(shard) from None
            except (CancelledError, OSError):
                raise _lost() from None
            del future
            while order and order[0].number in ready:
                found = ready.pop(order.popleft().number)
                if isinstance(found, ConvcalcError):
                    raise found
                yield found
                send()
        if wrong:
            raise wrong[0]


def _same(work: Task) -> Task:
    return work


def _do(work: Task, shard: Shard) -> Done:
    return work(shard)


def _killing(shard: Shard) -> ConvcalcError:
    span = f"the settings {shard.first:,} to {shard.stop - 1:,}"
    message = f"one worker after the other ended while it tried {span}"
    return fail("unavailable", message, "it is mostly the memory: start workers that have more")


def _lost() -> ConvcalcError:
    message = "the connection to the scheduler was lost"
    return fail("unavailable", message, "--resume DIR keeps what is done, and goes on from there")


@contextmanager
def spreading(
    sweeping: Sweeping, scheduler: str | None, jobs: int | None = None, **kept: Any
) -> Iterator[Sharded]:
    """The same sweep in shards, on a cluster as long as this lasts, or in this process.

    `scheduler` and `jobs` are as `connected` has them, `kept` is as in `spread`. Raises
    ConvcalcError.
    """
    if jobs is not None and scheduler != LOCAL:
        message = "`--jobs` is how many processes `--scheduler local` starts"
        raise fail("usage", message, "leave it out; a cluster has its workers")
    if scheduler is None:
        yield spread(sweeping, **kept)
        return
    with connected(scheduler, jobs) as cluster:
        yield spread(sweeping, cluster.run, cluster.workers, **kept)


@contextmanager
def connected(address: str, jobs: int | None = None) -> Iterator[Cluster]:
    """The cluster at an address, `tcp://…` or a scheduler's file, or one of this machine's cores.

    That is `local`, and has `jobs` workers, or one a core. Raises ConvcalcError where there is no
    Dask, the scheduler does not answer, or its workers have another version of convcalc.
    """
    distributed = require("distributed", "dask", _WHAT)
    with ExitStack() as stack:
        stack.enter_context(_collecting())
        stack.enter_context(_quiet())
        if address == LOCAL:
            cores = require("dask.system", "dask", _WHAT).CPU_COUNT
            dask = require("dask", "dask", _WHAT)
            stack.enter_context(dask.config.set({"distributed.nanny.pre-spawn-environ": _MEMORY}))
            where: Any = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=jobs or cores,
                    threads_per_worker=1,
                    dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                )
            )
            client = stack.enter_context(distributed.Client(where, set_as_default=False))
        else:
            client = stack.enter_context(_client(distributed, address))
            _require_workers(client, address)
        yield Cluster(client)


def _client(distributed: Any, address: str) -> Any:
    """What speaks with the scheduler at an address. Raises ConvcalcError."""
    named: dict[str, str] = {"address": address}
    if address.endswith(_FILE):
        if not os.path.isfile(address):  # which would be waited for
            raise fail("unreadable", f"there is no scheduler's file {shortened(address)}")
        named = {"scheduler_file": address}
    else:
        try:
            distributed.comm.resolve_address(address)
        except ValueError as error:
            message = f"{shortened(address)} is no address of a scheduler: {error}"
            raise fail("usage", message, "tcp://HOST:8786, its FILE.json, or local") from None
        except OSError:
            raise _silent(address) from None
    try:
        return distributed.Client(**named, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, OverflowError, KeyError):
        raise _silent(address) from None


def _silent(address: str) -> ConvcalcError:
    message = f"no scheduler answers at {shortened(address)}"
    help = "`dask scheduler` starts one, and says its address: tcp://HOST:8786"
    return fail("unavailable", message, help)


def _require_workers(client: Any, address: str) -> None:
    """Wait for a worker, and see that all have this convcalc. Raises ConvcalcError."""
    try:
        client.wait_for_workers(1, timeout=_WORKER)
    except TimeoutError:
        message = f"the scheduler at {shortened(address)} has no workers"
        where = f"--scheduler-file {address}" if address.endswith(_FILE) else shortened(address)
        raise fail("unavailable", message, f"`dask worker {where}` starts one") from None
    found = client.get_versions(packages=["convcalc"])["workers"].values()
    versions = [each["packages"].get("convcalc") for each in found if each]
    for each in versions:
        if each is None:
            lacking = counted(versions.count(None), "worker")
            message = f"convcalc is not installed where {lacking} of {len(versions)} run"
            raise fail("unavailable", message, "install the same version everywhere")
        if each != version():
            raise version_differs(version(), each)


@contextmanager
def _collecting() -> Iterator[None]:
    """Look for cycles, which a program that ends soon does without: a client makes many."""
    was_on = gc.isenabled()
    gc.enable()
    try:
        yield
    finally:
        if not was_on:
            gc.disable()


@contextmanager
def _quiet() -> Iterator[None]:
    """Have Dask's log say nothing of workers that come and go."""
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
