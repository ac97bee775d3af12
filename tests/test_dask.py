"""Sweeps in shards: whoever tries them, and whatever is lost on the way, the answer is the same."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.search import cluster, shards
from tests.conftest import Run

#: A network whose settings are quick to try, and none where `width` is no multiple of 4.
SPEC = """\
name: Tiny
variables: {width: 8, size: 8, scale: 1.0}
input: [3, size, size]
layers:
  - conv: {out: width, k: 3, p: 1, bias: false}
  - conv: {out: 3 * width, k: 1, g: 4, bias: false}
  - flatten
  - linear: {out: floor(10 * scale)}
"""
GRID = ("--var", "width=2:60:2", "--var", "size=1:12", "--metrics", "macs,params")
#: What may be asked: with rows of all, or of some that are chosen.
ASKED = {
    "rows": ("--csv",),
    "a condition": ("--where", "macs <= 100k and size > 2", "--max", "params=20k", "--json"),
    "a front": ("--pareto", "max:macs,min:params", "--csv"),
    "a sorted front": ("--pareto", "max:size,min:params", "--sort", "width", "--top", "3", "--csv"),
    "a top": ("--sort", "-params", "--top", "17", "--csv"),
    "a top of equal ones": ("--sort", "size", "--top", "20", "--json"),
    "all sorted": ("--sort", "params", "--csv"),
    "groups": ("--group", "size", "--format", "jsonl"),
    "different networks": ("--var", "scale=1:1.2:0.05", "--distinct", "--csv"),
    "a front of different networks": (
        *("--var", "scale=1:1.2:0.05", "--distinct", "--pareto", "min:macs,max:scale", "--csv"),
    ),
    "groups of different networks": (
        *("--var", "scale=1:1.2:0.05", "--distinct", "--group", "scale", "--json"),
    ),
    "nothing": ("--max", "macs=10", "--csv"),
    "no networks": ("--where", "width > 58", "--var", "scale=0", "--csv"),
    "a table": (),
}


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny.yaml"
    file.write_text(SPEC)
    return str(file)


@pytest.fixture(scope="module")
def workers() -> Iterator[str]:
    """The address of a cluster in this process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
    ) as found:
        yield found.scheduler_address


def test_a_sweep_in_shards_is_the_whole(run: Run, tiny: str, tmp_path: Path) -> None:
    for what, asked in ASKED.items():
        whole = run("sweep", tiny, *GRID, *asked)
        folder = str(tmp_path / what)
        for _ in range(2):  # the second time all is there
            assert run("sweep", tiny, *GRID, *asked, "--resume", folder) == whole, what


def test_a_sweep_on_a_cluster_is_the_whole(run: Run, tiny: str, workers: str) -> None:
    for what, asked in ASKED.items():
        whole = run("sweep", tiny, *GRID, *asked)
        assert run("sweep", tiny, *GRID, *asked, "--scheduler", workers) == whole, what


def test_points_of_a_file_are_sent(
    run: Run, tiny: str, workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_SENT", 7)
    text = "scale,width,size\n" + "".join(
        f"{1 + at % 3 / 7},{2 * (at % 9)},{1 + at % 5}\n" for at in range(100)
    )
    options = ("sweep", tiny, "--points", "-", "--csv")
    invalid = [str(tmp_path / name) for name in ("one.csv", "two.csv")]
    whole = run(*options, "--invalid", invalid[0], stdin=text.encode())
    more = ("--invalid", invalid[1], "--scheduler", workers, "--resume", str(tmp_path / "kept"))
    assert run(*options, *more, stdin=text.encode()) == whole
    assert Path(invalid[0]).read_text() == Path(invalid[1]).read_text()
    other = text.replace("\n1.0,6,4\n", "\n1.0,8,4\n")
    outcome = run(*options, *more, stdin=other.encode())
    assert (outcome.status, "of other settings" in outcome.err) == (2, True)


def test_a_mistake_on_the_way_is_answered(run: Run, tiny: str, workers: str) -> None:
    options = ("sweep", tiny, *GRID, "--where", "1 / (width - 40) < 0", "--sort", "macs", "--csv")
    whole = run(*options)
    assert (whole.status, "divi" in whole.err) == (2, True)
    assert run(*options, "--scheduler", workers) == whole


def killed(address: str, count: int) -> list[int]:
    """Kill so many of the processes of a cluster, and say which."""
    distributed = pytest.importorskip("distributed")
    with distributed.Client(address, set_as_default=False) as client:
        found = list(client.run(os.getpid).values())[:count]
    for each in found:
        os.kill(each, signal.SIGKILL)
    return found


def test_a_worker_that_is_killed_is_no_matter(tiny: str) -> None:
    pytest.importorskip("distributed")
    network = convcalc.load(tiny)
    space = {"width": range(4, 4004, 4), "size": range(1, 100)}
    asked: dict[str, Any] = {"pareto": "min:params,max:macs", "metrics": "params,macs"}
    whole = network.sweep(space, **asked)
    with cluster.connected("local", 2) as found:
        sharded = shards.spread(network.sweeping(space, **asked), found.run, found.workers)
        steps: list[int] = []

        def step(count: int) -> None:
            steps.append(count)
            if len(steps) == 3:
                assert killed(found.client.scheduler.address, 1)

        sharded.on_step = step
        assert tuple(sharded.finished()) == tuple(whole)
    assert sum(steps) == whole.points == 99_000


# Folders


def test_what_was_done_is_not_done_again(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, folder = convcalc.load(tiny), tmp_path / "kept"
    sweeping = network.sweeping({"width": range(4, 400, 4)}, metrics="macs")
    monkeypatch.setattr(shards, "_PAUSE", 0.0)
    first = list(islice(shards.spread(sweeping, resume=str(folder)).rows(), 33))
    tried = []
    work = shards.Task.__call__

    def noted(task: shards.Task, shard: shards.Shard) -> shards.Done:
        tried.append(shard.number)
        return work(task, shard)

    monkeypatch.setattr(shards.Task, "__call__", noted)
    (folder / "part-00000001.json").unlink()  # what has gone is made again
    (folder / "part-00000002.json").write_text(
        "{" + (folder / "part-00000002.json").read_text()[1:]
    )
    rows = [*shards.spread(sweeping, resume=str(folder)).rows()]
    assert rows == [*sweeping.rows()]
    assert rows[:33] == first
    manifest = json.loads((folder / shards.MANIFEST).read_text())
    assert (manifest["format"], manifest["complete"]) == ("convcalc.shards/1", True)
    assert 1 in tried
    assert {*tried}.isdisjoint({0, 2, 5})
    assert [each["shard"] for each in manifest["shards"]] == [*range(len(manifest["shards"]))]


def test_a_folder_of_parquet(run: Run, tiny: str, workers: str, tmp_path: Path) -> None:
    dataset = pytest.importorskip("pyarrow.dataset")
    options = ("sweep", tiny, *GRID, "--var", "scale=1:1.2:0.1", "--where", "macs <= 50k")
    folder = tmp_path / "rows"
    outcome = run(*options, "-o", f"{folder}/", "--scheduler", workers)
    assert (outcome.status, outcome.out) == (0, "")
    answer = run(*options, "--json").json
    table = dataset.dataset(folder).to_table()
    assert table.to_pylist() == answer["rows"]
    manifest = json.loads((folder / shards.MANIFEST).read_text())
    assert manifest["complete"]
    assert (manifest["points"], manifest["invalid"], manifest["rows"]) == (
        answer["points"],
        answer["invalid"],
        answer["kept"],
    )
    ends = [(each["first"], each["last"]) for each in manifest["shards"]]
    assert ends[0][0] == 0
    assert ends[-1][1] == answer["points"] - 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(ends))
    assert run(*options, "-o", f"{folder}/") == outcome  # all of which is there
    outcome = run(*options[:-1], "macs <= 60k", "-o", f"{folder}/")
    assert outcome.status == 2
    assert 'whose `where` is "macs <= 50k"' in outcome.err


# What is wrong


def test_what_cannot_be_is_said(
    run: Run, tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    monkeypatch.setattr(cluster, "_PATIENCE", 1)
    wrong = {
        "no scheduler answers at tcp://127.0.0.1:9": ("--scheduler", "tcp://127.0.0.1:9"),
        "is no address of a scheduler": ("--scheduler", "here"),
        "there is no scheduler's file": ("--scheduler", "nowhere.json"),
        "is how many processes": ("--jobs", "2", "--scheduler", "tcp://127.0.0.1:9"),
        "has files, and none is the _manifest.json": ("--resume", str(tmp_path / "full")),
        "`--plot` draws what one process sees": ("--resume", "x", "--plot", "x.svg"),
    }
    for message, options in wrong.items():
        outcome = run("sweep", tiny, *GRID, *options)
        assert (outcome.status, outcome.out) == (2, "")
        assert message in outcome.err


def test_dask_is_an_extra(run: Run, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.partition(".")[0] == "distributed"]:
        with suppress(KeyError):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "distributed", None)
    outcome = run("sweep", tiny, *GRID, "--scheduler", "local")
    assert outcome.status == 2
    assert "pip install 'convcalc[dask]'" in outcome.err
