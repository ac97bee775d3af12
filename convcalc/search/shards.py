"""A sweep in shards: parts of its settings that are tried by themselves, anywhere, in any order.

What came of a shard may wait in a folder, whose manifest says which are done: a sweep that was
ended goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.arithmetic import ceil_div, is_fraction
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.frozen import FrozenDict
from convcalc.search.evaluation import Evaluated
from convcalc.search.points import Columns, Points, Table, Whole
from convcalc.search.sweep import Ends, Partial, Query, Refused, Sweeping

FORMAT = "convcalc.shards/1"
#: Which those who read a folder of Parquet pass over.
MANIFEST = "_manifest.json"
#: Shards that a worker has, so that all end at about the same time; and those of any sweep.
_SHARDS, _FEWEST = 16, 64
#: Settings of a shard at the most, where all of its rows may be kept, and where few are; and of
#: one whose settings are sent to whoever tries them.
_MOST_ROWS, _MOST_CHOSEN, _SENT = 1 << 17, 1 << 24, 1 << 12
#: Seconds between two manifests; so much is tried again at the most.
_PAUSE = 1.0


class Shard(NamedTuple):
    """Some settings of a sweep: those from `first` up to `stop`."""

    number: int
    first: int
    stop: int
    #: Those of a table, which are known where it is read alone; None of a space.
    columns: Columns | None = None
    #: The types of the table's columns, as far as its first settings say.
    kinds: Mapping[str, type] = FrozenDict()

    def points(self, whole: Points) -> Points:
        """Its settings, of all of a sweep."""
        if isinstance(whole, Whole):
            return whole.part(self.first, self.stop)
        table = Table(whole.names, zip(*(self.columns or {}).values()))
        table.size, table.kinds = self.stop - self.first, self.kinds
        return table

    @property
    def checksum(self) -> str | None:
        """What tells its settings from others; None where their places do."""
        return None if self.columns is None else _hashed(repr(list(self.columns.items())))


class Done(NamedTuple):
    """What came of a shard; the file that has its rows, unless `partial` has."""

    partial: Partial
    file: str | None = None
    rows: int = 0
    bytes: int = 0
    #: Of the file: `sha256:` and that.
    checksum: str = ""


#: Writes the rows of a sweep to a file, and is known by its name wherever convcalc is.
Write = Callable[[Sweeping], Iterable[bytes]]


#: What a manifest says of a shard, and of which type that is.
_OF_A_SHARD: Mapping[str, type] = {
    **dict.fromkeys(("shard", "last", "points", "invalid", "within", "rows", "bytes"), int),
    **dict.fromkeys(("file", "checksum"), str),
}


def _checked(said: Any) -> dict[str, Any]:
    """What a manifest says of a shard. Raises KeyError, TypeError or ValueError."""
    entry = dict(said)
    if not all(type(entry[key]) is kind for key, kind in _OF_A_SHARD.items()):
        raise TypeError
    if os.path.basename(entry["file"]) != entry["file"]:
        raise ValueError  # which is outside of the folder
    return entry


def _digest(path: str) -> str:
    """The checksum of a file, as a manifest has it. Raises OSError."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def version() -> str:
    """That of convcalc, which imports what is here, and is not imported here."""
    found: str = sys.modules[__name__.partition(".")[0]].__version__
    return found


class Task(NamedTuple):
    """What is done with every shard, as it is sent to whoever does it."""

    #: That of convcalc.
    version: str
    #: A sweep, pickled: the text of its spec, and what is asked.
    sweeping: bytes
    lists_refused: bool = False
    #: The folder that rows are written to, by which function, and what their files end in.
    folder: str | None = None
    write: Write | None = None
    suffix: str = ""

    def __call__(self, shard: Shard) -> Done:
        """Try its settings. Raises ConvcalcError."""
        own = _unpickled(self)
        sweeping = own.of(shard.points(own.points))
        if self.write is None or self.folder is None:
            found = sweeping.partial(self.lists_refused)
            return Done(found, None, len(found.rows) or len(found.groups))
        name = f"part-{shard.number:08}{self.suffix}"
        try:
            size, checksum = _written(os.path.join(self.folder, name), self.write(sweeping))
        except OSError as error:
            raise _failed(self.folder, error, _SHARED) from None
        counts = sweeping.tried, sweeping.invalid, sweeping.within
        found = Partial(*counts, first_refused=sweeping.first_refused, least=dict(sweeping.least))
        return Done(found, name, sweeping.kept, size, checksum)


def task(sweeping: Sweeping, lists_refused: bool = False) -> Task:
    """What is done with every shard of a sweep."""
    points: Points = sweeping.points
    if not isinstance(points, Whole):  # whose settings are sent with their shards
        points = Table(points.names, ())
    return Task(version(), pickle.dumps(sweeping.of(points)), lists_refused)


#: The sweep that each thread has worked on last: what it knows of the networks is kept.
_last = threading.local()


def _unpickled(task: Task) -> Sweeping:
    """The sweep of a task. Raises ConvcalcError where it is another version's."""
    if task.version != version():
        raise version_differs(task.version, version())
    if getattr(_last, "pickled", None) != task.sweeping:
        _last.sweeping, _last.pickled = pickle.loads(task.sweeping), task.sweeping
    found: Sweeping = _last.sweeping
    return found


def version_differs(own: str, other: str) -> ConvcalcError:
    """The error of two versions that would work on one sweep."""
    message = f"this is convcalc {own}, and a worker has convcalc {other}"
    return fail("unavailable", message, "install the same version everywhere")


def shards(points: Points, size: int) -> Iterator[Shard]:
    """All settings, so many at a time; ConvcalcError where they cannot be read."""
    if isinstance(points, Whole):
        for number, first in enumerate(range(0, points.size, size)):
            yield Shard(number, first, min(first + size, points.size))
        return
    first, kinds = 0, None
    for number, columns in enumerate(points.chunks(lambda: size)):
        stop = first + len(next(iter(columns.values())))
        if kinds is None:
            kinds = FrozenDict(_kinds(columns))
        yield Shard(number, first, stop, columns, kinds)
        first = stop


def _kinds(columns: Columns) -> Iterator[tuple[str, type]]:
    for name, values in columns.items():
        types = set(map(type, values))
        if types <= {int, float, Fraction} and bool not in types:
            yield name, int if types == {int} else float


def size_of_shards(points: Points, query: Query, workers: int) -> int:
    """The settings of a shard, for so many workers."""
    if points.size is None:
        return _SENT
    chooses = query.goals or query.group is not None or query.top is not None
    most = _MOST_CHOSEN if chooses and not query.distinct else _MOST_ROWS
    if not isinstance(points, Whole):
        most = _SENT
    return max(1, min(most, ceil_div(points.size, max(_FEWEST, _SHARDS * workers))))


# The whole again


class Sharded(Sweeping):
    """A sweep of which shards are tried elsewhere: its rows are put together of what comes back.

    They are those of one process, in the same order.
    """

    def __init__(self, sweeping: Sweeping, done: Iterable[Done]) -> None:
        asked = sweeping.family, sweeping.points, sweeping.query
        most_rows = sweeping._most_rows
        super().__init__(*asked, sweeping.settings, sweeping.convention, most_rows=most_rows)
        self._done = done

    def _partials(self) -> Iterator[Done]:
        for each in self._done:
            found = each.partial
            self.tried += found.tried
            self.invalid += found.invalid
            self.within += found.within
            self.first_refused = self.first_refused or found.first_refused
            for metric, least in found.least.items():
                self.least[metric] = min(least, self.least.get(metric, least))
            if self.on_refused is not None:
                for refused in found.refused:
                    self.on_refused(refused)
            yield each
            self.on_step(found.tried)

    def _found(self) -> Iterator[Any]:
        names, figures = self.points.names, self.query.carried
        for found, *_ in self._partials():
            values = list(zip(*found.rows)) or [()] * (len(names) + len(figures))
            columns = dict(zip(names, values))
            costs = dict(zip(figures, values[len(names) :]))
            count = len(found.rows)
            yield columns, Evaluated([True] * count, costs), range(count)

    def _groups(self, group: str) -> Iterator[tuple[Any, ...]]:
        if self.query.distinct:
            yield from super()._groups(group)
            return
        held: dict[Any, Ends] = {}
        for found, *_ in self._partials():
            for value, count, *ends in found.groups:
                pairs = [ends[at : at + 2] for at in range(0, len(ends), 2)]
                held.setdefault(value, Ends(len(pairs))).add(count, pairs)
        for value, own in held.items():
            yield value, own.count, *own.numbers()

    def wait(self) -> None:
        """Wait for all shards, whose rows are in files. Raises ConvcalcError."""
        for each in self._partials():
            self.kept += each.rows


#: Is told what came of a shard as soon as it is done.
Note = Callable[[Shard, Done], None]
#: Does a task with shards, in any order, and says what came of each in theirs.
Map = Callable[[Task, Iterator[Shard], Note], Iterator[Done]]


def one_by_one(work: Task, todo: Iterator[Shard], note: Note) -> Iterator[Done]:
    """Do them in this process."""
    for shard in todo:
        done = work(shard)
        note(shard, done)
        yield done


def spread(
    sweeping: Sweeping,
    run: Map = one_by_one,
    workers: int = 1,
    *,
    lists_refused: bool = False,
    resume: str | None = None,
    folder: str | None = None,
    write: Write | None = None,
    suffix: str = "",
) -> Sharded:
    """The same sweep in shards, which are tried as `run` has it by so many `workers`.

    What came of them is kept in the folder `resume`, if given; or their rows are written to files
    of `folder`, by `write`. What is in either already is not tried again. Raises ConvcalcError
    where they are another sweep's.
    """
    own = task(sweeping, lists_refused)
    size = size_of_shards(sweeping.points, sweeping.query, workers)
    if folder is not None:
        folder = os.path.abspath(folder)
        own = own._replace(folder=folder, write=write, suffix=suffix)
        size = min(size, _MOST_ROWS)
    kept = folder or resume
    if kept is None:
        return Sharded(sweeping, run(own, shards(sweeping.points, size), lambda *_: None))
    held = Folder(kept, request(sweeping, lists_refused, folder is not None), size)
    return Sharded(sweeping, held.done(own, run, sweeping.points))


# Folders


def request(sweeping: Sweeping, lists_refused: bool, has_files: bool) -> dict[str, Any]:
    """What tells a sweep from others, as JSON has it."""
    query, points = sweeping.query, sweeping.points
    variables: Any = list(points.names)
    if isinstance(points, Whole):
        variables = {axis.name: _values(axis.values) for axis in points.space.axes}
    batch, dtype, _ = sweeping.settings
    return {
        "convcalc": version(),
        "name": sweeping.family.name,
        "spec": _hashed(sweeping.family.identity),
        "variables": variables,
        "metrics": list(query.metrics),
        "where": query.condition.text if query.condition else None,
        "max": {budget.metric: budget.most for budget in query.budgets},
        "distinct": query.distinct,
        "pareto": list(map(str, query.goals)),
        "sort": f"{'-' * query.order.is_reversed}{query.order.name}" if query.order else None,
        "top": query.top,
        "group": query.group,
        "convention": sweeping.convention,
        "batch": batch,
        "dtype": dtype,
        "fuse": sweeping.settings.is_fused,
        "invalid": lists_refused,
        "rows": "files" if has_files else "partial",
    }


def _values(values: Sequence[Any]) -> Any:
    """The values of an axis: each, or of very many what tells them from others."""
    if len(values) <= 16:
        return list(map(_to_json, values))
    return {"count": len(values), "sha256": _hashed(repr(values))}


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Folder:
    """A folder of shards that are done, and its manifest. One sweep at a time works on it."""

    def __init__(self, path: str, request: Mapping[str, Any], size: int) -> None:
        self.path, self.request = path, json.loads(json.dumps(request))
        #: Settings of a shard.
        self.size = size
        #: By number, what the manifest says of each.
        self._entries: dict[int, dict[str, Any]] = {}
        self._written = 0.0
        self._is_complete = False
        try:
            os.makedirs(path, exist_ok=True)
            names = set(os.listdir(path))
            if MANIFEST in names:
                self._read()
            elif any(not name.startswith(".") for name in names):
                message = f"{path} has files, and none is the {MANIFEST} of a sweep"
                raise fail("unwritable", message, "name a folder that is empty, or a new one")
            self._write()
        except OSError as error:
            raise _failed(path, error) from None

    def _read(self) -> None:
        """Take what is there. Raises ConvcalcError where it is of another sweep, OSError."""
        name = os.path.join(self.path, MANIFEST)
        try:
            with open(name, encoding="utf-8") as file:
                found = json.load(file)
            if found["format"] != FORMAT:
                raise ValueError
            asked, size = dict(found["request"]), int(found["shard_size"])
            entries = {int(each["shard"]): _checked(each) for each in found["shards"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise fail("unreadable", f"{name} is no manifest of a sweep") from None
        for key, own in self.request.items():
            if asked.get(key) != own:
                message = f"{self.path} is of another sweep, whose `{key}` differs"
                if len(said := json.dumps(asked.get(key))) <= 80 and key != "spec":
                    message = f"{self.path} is of another sweep, whose `{key}` is {said}"
                help = "the same command goes on with it; for another, name another folder"
                raise fail("bad-value", message, help)
        self.size, self._entries = size, entries

    def done(self, work: Task, run: Map, points: Points) -> Iterator[Done]:
        """What came of every shard, in order: of those in here already, or of `run`."""
        known: dict[int, Shard] = {}

        def todo() -> Iterator[Shard]:
            for shard in shards(points, self.size):
                if self._has(shard):
                    known[shard.number] = shard
                else:
                    yield shard

        def before(number: int) -> Iterator[Done]:
            """Those that were done before, up to one that was not."""
            while number in known:
                yield self._result(known.pop(number), work)
                number += 1

        number = 0
        for result in run(work, todo(), self._add):
            for each in before(number):
                yield each
                number += 1
            yield result
            number += 1
        yield from before(number)
        self._is_complete = True
        self._write()

    def _has(self, shard: Shard) -> bool:
        """Whether a shard was done before. Raises ConvcalcError where it was another."""
        entry = self._entries.get(shard.number)
        if entry is None:
            return False
        if entry.get("columns") != shard.checksum or entry["last"] != shard.stop - 1:
            message = f"{self.path} is of a sweep of other settings than these"
            raise fail("bad-value", message, "the same points go on with it")
        path = os.path.join(self.path, entry["file"])
        with suppress(OSError):  # a file that has gone, or is another, is made again
            return bool(
                os.path.getsize(path) == entry["bytes"] and _digest(path) == entry["checksum"]
            )
        return False

    def _result(self, shard: Shard, work: Task) -> Done:
        """What came of a shard that was done before."""
        entry = self._entries[shard.number]
        found = _partial(entry)
        if self.request["rows"] == "partial":
            try:
                with open(os.path.join(self.path, entry["file"]), encoding="utf-8") as file:
                    found = _partial(json.load(file))
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                return work(shard)
        return Done(found, *(entry[key] for key in ("file", "rows", "bytes", "checksum")))

    def _add(self, shard: Shard, done: Done) -> None:
        """Keep what came of a shard."""
        try:
            if done.file is None:
                name = f"part-{shard.number:08}.json"
                text = json.dumps(_to_json(_entry(done.partial, True)), separators=(",", ":"))
                path = os.path.join(self.path, name)
                size, checksum = _written(path, [text.encode()])
                done = done._replace(file=name, bytes=size, checksum=checksum)
            elif os.path.getsize(os.path.join(self.path, done.file)) != done.bytes:
                raise FileNotFoundError(done.file)
            self._entries[shard.number] = {
                "shard": shard.number,
                "first": shard.first,
                "last": shard.stop - 1,
                "file": done.file,
                "rows": done.rows,
                **_entry(done.partial),
                "bytes": done.bytes,
                "checksum": done.checksum,
                **({"columns": shard.checksum} if shard.columns is not None else {}),
            }
            if time.monotonic() - self._written > _PAUSE:
                self._write()
        except FileNotFoundError:
            message = f"a worker has written {done.file}, which is not in {self.path} here"
            raise fail("unwritable", message, _SHARED) from None
        except OSError as error:
            raise _failed(self.path, error) from None

    def _write(self) -> None:
        """Write the manifest. Raises OSError."""
        entries = [self._entries[number] for number in sorted(self._entries)]
        keys = ("points", "invalid", "within", "rows")
        counts = {key: sum(each[key] for each in entries) for key in keys}
        found = {
            "format": FORMAT,
            "request": self.request,
            "shard_size": self.size,
            "complete": self._is_complete,
            **counts,
            "shards": entries,
        }
        _written(os.path.join(self.path, MANIFEST), [json.dumps(_to_json(found)).encode()])
        self._written = time.monotonic()


def _written(path: str, pieces: Iterable[bytes]) -> tuple[int, str]:
    """Write a file that is there when it is whole; its bytes and SHA-256. Raises OSError."""
    beside = os.path.join(os.path.dirname(path), f".{os.urandom(4).hex()}.part")
    size, digest = 0, hashlib.sha256()
    try:
        with open(beside, "xb") as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        os.replace(beside, path)
    finally:
        with suppress(OSError):  # it has its name by now
            os.remove(beside)
    return size, f"sha256:{digest.hexdigest()}"


#: What is wrong where a worker has not the folder that is written to.
_SHARED = "name a folder that all workers share with this machine"


def _failed(path: str, error: OSError, help: str = "") -> ConvcalcError:
    why = (error.strerror or "unknown reason").lower()
    return fail("unwritable", f"{path} cannot be written: {why}", help)


# Partial results as JSON


def _entry(found: Partial, has_rows: bool = False) -> dict[str, Any]:
    """A partial result, with its rows or without."""
    entry: dict[str, Any] = {
        "points": found.tried,
        "invalid": found.invalid,
        "within": found.within,
    }
    if found.least:
        entry["least"] = dict(found.least)
    if found.first_refused is not None:
        entry["first_refused"] = list(found.first_refused)
    if has_rows:
        entry["rows"], entry["groups"] = found.rows, found.groups
        entry["refused"] = list(map(list, found.refused))
    return entry


def _partial(entry: Mapping[str, Any]) -> Partial:
    """The same back. Raises KeyError, TypeError or ValueError where it is none."""
    counts = (entry["points"], entry["invalid"], entry["within"])
    first = entry.get("first_refused")
    rows, groups = entry.get("rows"), entry.get("groups")
    return Partial(
        *counts,
        tuple(map(_from_json, rows)) if isinstance(rows, list) else (),
        tuple(map(_from_json, groups or ())),
        _refused(first) if first else None,
        tuple(map(_refused, entry.get("refused", ()))),
        entry.get("least", {}),
    )


def _refused(pair: Any) -> Refused:
    point, reason = pair
    return Refused(FrozenDict((key, _from_json(value)) for key, value in point.items()), reason)


#: The key of a fraction's text, which JSON has no number for.
_FRACTION = "fraction"


def _to_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _to_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(_to_json, value))
    return {_FRACTION: str(value)} if is_fraction(value) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_from_json, value))
    return Fraction(value[_FRACTION]) if isinstance(value, dict) else value
