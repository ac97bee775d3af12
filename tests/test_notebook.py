"""What a notebook shows of networks, analyses, explanations and the zoo."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import convcalc

#: What passes JupyterLab's sanitizer, of what is used here: elements, attributes, styles.
ELEMENTS = set("div details summary b span table thead tbody tfoot tr th td".split())
ATTRIBUTES = {"style", "title", "open"}
STYLES = set(
    "display vertical-align width text-align white-space margin-left list-style-position overflow-x"
    .split()
)  # fmt: skip


class Read(HTMLParser):
    """A page as a browser reads it: whether its elements are nested well, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.styles: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.elements.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "style" and value:
                self.styles |= {each.partition(":")[0].strip() for each in value.split(";")}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


#: The lines of a tree: those that open and close, and the others.
LINE = re.compile(r"<summary[^>]*>.*?</summary>|<div[^>]*>(?:<b>)?<span.*?</div>")


def lines(html: str) -> list[str]:
    """The text of each line of a tree."""
    return [re.sub(r"\s+", " ", Read(line).text).strip() for line in LINE.findall(html)]


def seen(html: str) -> int:
    """How many lines of a tree are seen before anything is opened."""
    count = closed = 0
    around: list[int] = []
    for found in re.finditer(rf"<details( open)?>|</details>|{LINE.pattern}", html):
        if found[0].startswith("<details"):
            around.append(closed)
            count += not closed  # its own line
            closed += found[1] is None
        elif found[0] == "</details>":
            closed = around.pop()
        elif not found[0].startswith("<summary"):
            count += not closed
    return count


SHOWN = {
    "network": convcalc.load("mobilenet_v2"),
    "analysis": convcalc.load("mobilenet_v2").analyze(),
    "folded analysis": convcalc.load("mobilenet_v2").analyze().folded(2),
    "every convention": convcalc.load("lenet").analyze("all"),
    "layer": convcalc.layer("conv", "3x224x224", out=64, k=7),
    "open layer": convcalc.layer("separable_conv", k=3),
    "layer of a network": convcalc.load("lenet").explain("conv_1"),
    "block": convcalc.load("mobilenet_v2").explain("inverted_residual_2"),
    "zoo": convcalc.networks(),
    "part of the zoo": convcalc.networks()[:3],
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_passes_the_sanitizer(name: str) -> None:
    html = SHOWN[name]._repr_html_()  # type: ignore[attr-defined]
    read = Read(html)
    assert set(read.elements) <= ELEMENTS
    assert read.attributes <= ATTRIBUTES
    assert read.styles <= STYLES


def test_an_analysis_has_a_line_a_layer_and_a_block_folds() -> None:
    analysis = convcalc.load("resnet18").analyze()
    html = analysis._repr_html_()
    read = Read(html)
    assert read.elements.count("details") == read.elements.count("summary") > 4
    found = lines(html)
    for row in analysis.folded(1).rows:
        figures = " ".join(f"{row.figures[name]:,}" for name in ("params", "macs", "flops"))
        output = str(row.output_shapes[0])
        assert any(line.endswith(f"{output} {figures}") for line in found), row
    totals = analysis.totals
    assert found[-1] == (
        f"Total ({totals.layers} layers) {totals.params:,} {totals.macs:,} {totals.flops:,}"
    )


@pytest.mark.parametrize("name", ["lenet", "mobilenet_v2", "resnet152", "densenet201"])
def test_about_a_screen_is_open_at_first(name: str) -> None:
    assert 10 < seen(convcalc.load(name).analyze()._repr_html_()) < 50


def test_names_cannot_speak_html() -> None:
    hostile = '<img src=x onerror="alert(1)">'
    text = (
        f"name: '{hostile}'\nsource: '{hostile}'\ninput: [3, 8, 8]\n"
        "layers:\n  - conv: {out: 4, k: 1, name: 卷积}\n  - relu\n"
    )
    network = convcalc.loads(text)
    for shown in (network, network.analyze(), network.explain("卷积")):
        read = Read(shown._repr_html_() or "")
        assert set(read.elements) <= ELEMENTS
        assert hostile in read.text
    assert r"a\u202eb" in Read(network._replace(name="a\u202eb")._repr_html_() or "").text


@pytest.mark.parametrize(
    "layers",
    [
        "repeat: {times: 600, layers: [{conv: {out: in_channels + 1, k: 1}}, relu]}",
        "repeat: {times: 300, layers: [sequential: {layers: [{conv: {out: in_channels + 1, k: 1}},"
        " relu, relu, {sequential: {layers: [relu]}}]}]}",
    ],
    ids=["flat", "in blocks"],
)
def test_a_long_network_is_shown_in_part(layers: str) -> None:
    limits = convcalc.Limits(seconds=60)
    network = convcalc.loads(f"name: N\ninput: [8, 9, 9]\nlayers: [{layers}]", limits=limits)
    assert len(network.nodes) == 1_200
    for html in (network.analyze()._repr_html_(), network._repr_html_() or ""):
        assert len(html) < 1_000_000
        assert "1,200 layers" in html
        assert "`analysis.rows` has every layer." in html
        assert html.count("<summary") + html.count("margin-left: 1.25em") < 3_000


def test_long_figures_are_cut_and_told() -> None:
    wide = "9" * 290
    network = convcalc.loads(f"name: N\ninput: [{wide}]\nlayers: [linear: {{out: {wide}}}]")
    html = network.analyze()._repr_html_()
    assert max(map(len, lines(html))) < 300
    assert f"{network.totals.params:,}" in html  # where the pointer stands on it


def test_a_network_that_is_not_analyzed_in_time_shows_its_name() -> None:
    layers = "repeat: {times: 4000, layers: [conv: {out: in_channels + 1, k: 1}]}"
    network = convcalc.loads(f"name: N\ninput: [8, 9, 9]\nlayers: [{layers}]")
    network._spent = 1000.0
    assert network._repr_html_() is None


def test_many_inputs_are_counted() -> None:
    names = [f"x{i}" for i in range(2000)]
    inputs = ", ".join(f"{name}: [4]" for name in names)
    text = f"name: N\ninput: {{{inputs}}}\nlayers: [add: {{from: [{', '.join(names)}]}}]"
    network = convcalc.loads(text)
    assert repr(network) == "Network('N', 1 layer, 2,000 inputs)"
    assert len(network._repr_html_() or "") < 40_000


def test_an_explanation_has_its_formulas() -> None:
    text = Read(convcalc.layer("conv", "3x224x224", out=64, k=7)._repr_html_()).text
    for said in ("64×218×218", "9,472", "k²·(C_in/g)·C_out + C_out", "7²·(3/1)·64 + 64", "H_out"):
        assert said in text


def test_the_zoo_is_a_table() -> None:
    html = convcalc.networks()._repr_html_()
    assert html.count("<tr>") == len(convcalc.networks()) + 1
    assert "25,557,032" in html
