"""Where one process answers many: threads, processes, and what each may use."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import convcalc
from convcalc import ConvcalcError, Limits

HEAD = "name: N\ninput: [8]\n"

#: The first thing that eight threads of a process do.
COLD = """
import sys, threading
import convcalc
found, together = [], threading.Barrier(8)
def first():
    together.wait()
    linear = convcalc.layer("linear", 8, out=2)
    network = convcalc.load(convcalc.networks()["mobilenet_v2"].name)
    analysis = network.analyze()
    shown = analysis._repr_html_() == network.analyze()._repr_html_()
    found.append((linear.params, analysis.totals.macs, analysis.rows["stem.conv"].params, shown))
    found.append(network.analyze("all").totals.params)
    space = convcalc.Space(network, {"alpha": [0.5, 1]})
    found.append(space.evaluate({"alpha": [1.0]}, "params").rows[0]["params"])
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print({*found} == {(18, 300774272, 864, True), 3504872}, len(found))
"""


@pytest.mark.parametrize("process", range(4))
def test_threads_may_be_the_first_to_load(process: int) -> None:
    done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True 24\n", "")


def test_the_time_of_other_threads_is_not_counted() -> None:
    done = threading.Event()

    def busy() -> None:
        while not done.is_set():
            pass

    long = " + ".join(["1"] * 200)
    text = HEAD + f"layers: [repeat: {{times: 1200, layers: [relu: {{when: {long}}}]}}]"
    others = [threading.Thread(target=busy) for _ in range(5)]
    for thread in others:
        thread.start()
    try:
        assert len(convcalc.loads(text, limits=Limits(seconds=1)).nodes) == 1_200
    finally:
        done.set()
        for thread in others:
            thread.join()


def test_a_network_is_analyzed_in_another_thread() -> None:
    network = convcalc.load("lenet")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: network.analyze().totals.macs, range(64)))
    assert found == {network.analyze().totals.macs}


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.loads("name: \ud800")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (
        "encoding",
        "the text has half a character in it, U+D800",
    )


#: Layers that are all different: a hundred bytes that take long to analyze.
DIFFERENT = HEAD.replace("[8]", "[8, 9, 9]") + (
    "layers: [repeat: {times: 4000, layers: [conv: {out: in_channels + 1, k: 1}]}]"
)


@pytest.mark.parametrize("answer", ["analyze", "reconcile"])
def test_an_analysis_has_the_time_that_is_left(answer: str) -> None:
    network = convcalc.loads(DIFFERENT, limits=Limits(seconds=1))
    with pytest.raises(ConvcalcError) as caught:
        network.analyze("all") if answer == "analyze" else network.reconcile()
    (found,) = caught.value.diagnostics
    assert found.code == "limit-seconds"
    assert found.message == "this spec takes more than 1 second to work out"
