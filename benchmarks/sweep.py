"""How many settings a second a sweep evaluates, by each engine, in one run and on one core.

    python benchmarks/sweep.py

MobileNetV2 at random alphas and resolutions: parameters, MACs, FLOPs and activations. Beside numpy
stands what its own arithmetic takes: as many bare operations on arrays of the same length; beside
numba the compiled loop alone. Grids are of 10⁴ settings and more, with the peak of the memory. The
last line is PyTorch's answer for the same settings: the exported module on the meta device, under
`FlopCounterMode`. Times are of the processor.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy

import convcalc
from convcalc.search.engines import Engine
from convcalc.search.evaluation import Evaluator
from convcalc.search.groups import Asked, trace
from convcalc.search.kept import Kept, span
from convcalc.search.machine import INTEGER, Code
from convcalc.search.product import Product
from convcalc.search.space import Axis, Space
from convcalc.search.vectors import CHUNK

METRICS = ("params", "macs", "flops", "activations")
#: Settings of a chunk, as a sweep asks for them.
A_CHUNK = 1 << 18


def rate(function: Callable[[], Any], count: int, runs: int = 3) -> float:
    """How many a second, of the best run."""
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return count / min(seconds)


def show(title: str, value: float, wanted: str = "", unit: str = "settings/s") -> None:
    """Print a line."""
    number = f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
    print(f"{title:52} {number:>15} {unit:12} {wanted and f'({wanted})'}", flush=True)


def drawn(count: int, random: Any) -> dict[str, Any]:
    """Settings: columns."""
    return {"alpha": random.uniform(0.3, 2, count), "resolution": random.integers(32, 320, count)}


def bare(code: Code) -> Callable[[], None]:
    """As many operations of numpy as a code has, on arrays of a chunk, and nothing else."""
    arrays = {kind: [numpy.ones(CHUNK, kind) for _ in range(3)] for kind in ("int64", "float64")}
    functions = []
    for each in code.instructions:
        function = getattr(numpy, each.name, None)
        if isinstance(function, numpy.ufunc) and function.nin == 2 and each.kind != "bool":
            a, b, c = arrays["int64" if each.kind == INTEGER else "float64"]
            functions.append((function, a, b, c))

    def run() -> None:
        for function, a, b, c in functions:
            function(a, b, out=c)

    return run


def of_python(asked: Asked, columns: Any) -> None:
    """Settings one by one."""
    settings = [
        dict(zip(columns, pair)) for pair in zip(*map(numpy.ndarray.tolist, columns.values()))
    ]
    own = Evaluator(asked, "python")
    few = {name: column[:2000].tolist() for name, column in columns.items()}
    show("analysis of each", rate(lambda: [own.totals(each) for each in settings[:20]], 20))
    own.evaluate(few)
    show("python", rate(lambda: own.evaluate(few), 2000))

    def loop() -> None:
        for each in settings[:2000]:
            own.evaluate({name: [value] for name, value in each.items()})

    show("one at a time, in a loop", rate(loop, 2000), "at least 2,000")


def of_numpy(asked: Asked, columns: Any) -> None:
    """Settings in arrays."""
    own = Evaluator(asked, "numpy")
    own.evaluate(columns)
    found = rate(lambda: own.evaluate(columns), A_CHUNK)
    show("numpy", found, "at least 3,000,000")
    kept = Kept(trace(asked, {"alpha": 0.8, "resolution": 192}), Engine("numpy"))
    code = kept.code({name: span(column) for name, column in columns.items()})
    assert code is not None
    most = rate(bare(code), CHUNK, 30)
    show("  its own arithmetic alone", most, f"{found / most:.0%} of the time")


def of_numba(asked: Asked, columns: Any) -> None:
    """Settings by a compiled loop."""
    from convcalc.search.compiled import Compiled

    own = Evaluator(asked, "numba")
    start = time.process_time()
    own.evaluate(columns)
    show("numba, trace and compilation", time.process_time() - start, unit="s")
    found = rate(lambda: own.evaluate(columns), A_CHUNK, 9)
    kept = Kept(trace(asked, {"alpha": 0.8, "resolution": 192}), Engine("numba"))
    code = kept.code({name: span(column) for name, column in columns.items()})
    assert code is not None
    loop = Compiled(code)
    taken, figures = numpy.empty(A_CHUNK, bool), [numpy.zeros(A_CHUNK, "int64") for _ in METRICS]
    most = rate(lambda: loop.run(columns, taken, figures), A_CHUNK, 9)
    show("numba", found)
    show("  the loop alone", most, f"at least 100,000,000; {found / most:.0%} of the time")


def of_space(columns: Any) -> None:
    """Settings as a search in Python asks for them: the network is loaded once."""
    space = convcalc.Space(convcalc.load("mobilenet_v2"))
    few = {name: column[:100_000] for name, column in columns.items()}
    space.evaluate(few)
    show("a Space, columns of 10⁵", rate(lambda: space.evaluate(few), 100_000), "at least 100,000")
    each = list(zip(*(column[:2000].tolist() for column in few.values())))

    def loop() -> None:
        for alpha, resolution in each:
            space.evaluate({"alpha": [alpha], "resolution": [resolution]})

    show("  one at a time, in a loop", rate(loop, 2000), "at least 2,000")


def of_grids(asked: Asked) -> None:
    """Every setting of spaces that are larger and larger."""
    for alphas, resolutions in ((100, 100), (4000, 250), (20_000, 5_000), (1_000_000, 1_000)):
        values = numpy.linspace(0.3, 2, alphas).tolist()
        axes = Axis("alpha", values), Axis("resolution", range(32, 32 + resolutions))
        product = Product(Evaluator(asked, "numpy"), Space(axes))
        start = time.process_time()
        networks = product.networks
        found = time.process_time() - start
        assert networks is not None
        title = f"grid of {product.size:,}"
        show(title, len(networks.counts), f"found in {found:.2f} s", "networks")
        stop = min(product.size, 64 * A_CHUNK)

        def walk(product: Product = product, stop: int = stop) -> None:
            for at in range(0, stop, A_CHUNK):
                product.evaluate(at, min(at + A_CHUNK, stop))

        show("  each setting", rate(walk, stop), "at least 200,000,000")
        macs: Any = networks.evaluated.figures["macs"]
        counts = networks.counts

        def count(macs: Any = macs, counts: Any = counts) -> Any:
            return counts[macs <= 300_000_000].sum()

        show("  within 300 M MACs, by its networks", rate(count, product.size))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        show("  peak of the memory so far", peak, unit="MiB")


def of_torch(ours: Any, columns: Any) -> None:
    """The same settings by PyTorch on the meta device."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    seconds = []
    for at in range(5):
        point = {name: column[at].item() for name, column in columns.items()}
        names: dict[str, Any] = {"__name__": "exported"}
        exec(convcalc.load("mobilenet_v2", **point).export("pytorch"), names)
        start = time.process_time()
        with torch.device("meta"):
            module = names["MobileNetV2"]().eval()
            with FlopCounterMode(display=False) as counter:
                module(torch.empty(1, 3, point["resolution"], point["resolution"]))
        seconds.append(time.process_time() - start)
        assert counter.get_total_flops() == 2 * ours[at]
    show("PyTorch, FlopCounterMode on the meta device", 1 / min(seconds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    columns = drawn(A_CHUNK, numpy.random.default_rng(parser.parse_args().seed))
    asked = Asked(convcalc.load("mobilenet_v2").family(), METRICS)
    of_python(asked, columns)
    of_numpy(asked, columns)
    if importlib.util.find_spec("numba"):
        of_numba(asked, columns)
    of_space(columns)
    of_grids(asked)
    if importlib.util.find_spec("torch"):
        ours = Evaluator(asked).evaluate(columns).figures["macs"]
        of_torch(ours, columns)


if __name__ == "__main__":
    main()
