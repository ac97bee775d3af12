"""What is shown on a terminal while a command takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from convcalc.cli import streams

if TYPE_CHECKING:
    from rich.progress import Progress

_T = TypeVar("_T")
#: Seconds that are waited without a word.
PATIENCE = 1.0


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Say what is waited for on standard error, where that is a terminal and takes a while.

    What is said is gone when it is over.
    """
    with _shown(what, None):
        yield


def each(things: Sequence[_T], what: str) -> Iterator[_T]:
    """Things one after the other, with a bar that says how many are done."""
    total = len(things) if len(things) > 1 else None
    with _shown(what, total) as bar:
        for thing in things:
            yield thing
            bar.step()


@contextmanager
def counting(total: int | None, what: str) -> Iterator[Callable[[int], None]]:
    """A bar for what is done many at a time, and what says how many more are done."""
    with _shown(what, total) as bar:
        yield bar.step


class _Bar:
    """A bar that is made when it is late enough, and how far it has come by then."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self.progress: Progress | None = None

    def step(self, count: int = 1) -> None:
        """So many more are done."""
        self.done += count
        if self.progress is not None:
            for task in self.progress.task_ids:
                self.progress.update(task, completed=self.done)

    def show(self) -> None:
        """Begin to draw it."""
        from rich.console import Console
        from rich.markup import escape
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        from convcalc.visible import visible

        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=Console(stderr=True), transient=True)
        progress.add_task(escape(visible(self.what)), total=self.total, completed=self.done)
        progress.start()
        self.progress = progress

    def hide(self) -> None:
        """Take it away."""
        if self.progress is not None:
            self.progress.stop()


@contextmanager
def _shown(what: str, total: int | None) -> Iterator[_Bar]:
    bar = _Bar(what, total)
    if not streams.is_heard_on_a_screen():
        yield bar
        return
    from threading import Timer

    timer = Timer(PATIENCE, bar.show)
    timer.daemon = True
    timer.start()
    try:
        yield bar
    finally:
        timer.cancel()
        timer.join()
        bar.hide()
