"""How long it takes to count spaces that nobody can walk, and to find their fronts and answers.

    python benchmarks/counting.py

MobileNetV2 with the widths of its stem, of its seven stages and of its head free: each from 8 to
twice its own in steps of 8, which is 603,979,776,000 networks; then with the head's in steps of 4,
which are more than 10¹², and two budgets at once. Times are of the processor and of a whole answer,
the reading of the spec and all traces among it, without imports: the best of three.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import convcalc

SPECS = Path(__file__).parent.parent / "specs"
#: The widths that the paper has.
WIDTHS = (32, 16, 24, 32, 64, 96, 160, 320, 1280)
#: `mobilenet_v2` with these as a list.
CHANGES = (
    ("alpha: 1.0", f"w: {[*WIDTHS]}"),
    ('"make_divisible(32 * alpha, 8)"', '"w[0]"'),
    *(
        (f"[{t}, {own}, {n}, {s}]", f"[{t}, {at}, {n}, {s}]")
        for at, (t, own, n, s) in enumerate(
            [
                *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1)),
                *((6, 160, 3, 2), (6, 320, 1, 1)),
            ],
            start=1,
        )
    ),
    ("make_divisible(c * alpha, 8)", '"w[c]"'),
    ('"make_divisible(1280 * max(1, alpha), 8)"', '"w[8]"'),
)
WITHIN = 117_311_684_702


def spec() -> str:
    """MobileNetV2 with nine free widths."""
    text = (SPECS / "mobilenet_v2.yaml").read_text(encoding="utf-8")
    text = "\n".join(line for line in text.split("\n") if "mobilenet_v2_x" not in line)
    for before, after in (*CHANGES, ("presets:\n", "")):
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def space(**more: Any) -> convcalc.Space:
    """Its widths, each up to twice its own."""
    values: dict[str, Any] = {
        f"w[{at}]": range(8, 2 * width + 1, 8) for at, width in enumerate(WIDTHS)
    }
    return convcalc.Space(convcalc.loads(spec()), {**values, **more})


def measure(title: str, function: Callable[[], Any], most: float) -> None:
    """Print how long an answer takes, and what it is."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        answer = function()
        seconds.append(time.process_time() - start)
    print(f"{title:52} {min(seconds):6.3f} s (below {most} s)   {answer}", flush=True)


def main() -> None:
    budgets: Mapping[str, str] = {"macs": "300M"}
    both = {"macs": "300M", "params": "3.5M"}
    finer = {"w[8]": range(8, 2561, 4)}

    network = convcalc.loads(spec())
    assert network.totals == convcalc.load("mobilenet_v2").totals
    assert space().count(max=budgets).count == WITHIN
    print(f"{space().size:,} settings; with a finer head {space(**finer).size:,}")

    goals = "min:macs,max:params"
    measure("count, 300 M MACs", lambda: space().count(max=budgets), 0.2)
    measure(f"pareto {goals}", lambda: space().pareto(goals), 0.2)
    measure(f"pareto {goals}, 300 M MACs", lambda: space().pareto(goals, max=budgets), 0.2)
    measure("sample of 100, 300 M MACs", lambda: len(space().sample(100, max=budgets)), 0.2)
    measure("count with a finer head, two budgets", lambda: space(**finer).count(max=both), 1)


if __name__ == "__main__":
    main()
