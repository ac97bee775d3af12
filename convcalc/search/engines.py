"""What replays kept traces: Python, numpy, or numba."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

from convcalc.extras import require
from convcalc.search.machine import Code

#: What may be asked for: the quickest that there is, or one of them.
ENGINES = ("auto", "python", "numpy", "numba")
#: Compiling takes as long as numpy takes for about so many settings.
_COMPILING_PAYS = 6_000_000
#: A thread is not started for less.
_A_SHARE = 1 << 14


class Engine:
    """One of the engines, on a number of threads.

    Raises ConvcalcError where what was asked for is not installed.
    """

    def __init__(self, name: str = "auto", jobs: int = 1) -> None:
        if name == "numba":
            require("numba", "fast", "the engine numba")
        if name in ("numpy", "numba"):
            require("numpy", "sweep", f"the engine {name}")
        self.name, self.jobs = name, jobs
        #: Whether settings are answered in arrays.
        self.has_arrays = name != "python" and find_spec("numpy") is not None
        self._may_compile = name == "numba" or (name == "auto" and find_spec("numba") is not None)

    def compiles(self, count: int) -> bool:
        """Whether numba is to run what so many settings were asked of."""
        return self._may_compile and (self.name == "numba" or count > _COMPILING_PAYS)


class Running:
    """Runs one code: each thread a share of the settings, which are those that they were."""

    def __init__(self, engine: Engine, code: Code, count: int) -> None:
        self._engine, self._code = engine, code
        self._is_compiled = engine.compiles(count)
        self._runners: list[Any]
        if self._is_compiled:
            from convcalc.search.compiled import Compiled

            self._runners = [Compiled(code)] * engine.jobs
        else:
            from convcalc.search.vectors import Replayed

            self._runners = [Replayed(code) for _ in range(engine.jobs)]

    def does(self, code: Code, count: int) -> bool:
        """Whether it runs a code as one is run that so many settings were asked of."""
        return code is self._code and self._is_compiled == self._engine.compiles(count)

    def run(self, columns: Mapping[str, Any], taken: Any, figures: Sequence[Any]) -> None:
        """Say in `taken` which settings are of the group, and write their figures."""
        count, jobs = len(taken), self._engine.jobs
        if jobs == 1 or count < jobs * _A_SHARE:
            self._runners[0].run(columns, taken, figures)
            return
        ends = [count * at // jobs for at in range(jobs + 1)]
        parts = [slice(*pair) for pair in itertools.pairwise(ends)]

        def share(runner: Any, part: slice) -> None:
            own = {name: column[part] for name, column in columns.items()}
            runner.run(own, taken[part], [figure[part] for figure in figures])

        with ThreadPoolExecutor(jobs) as threads:
            list(threads.map(share, self._runners, parts))
