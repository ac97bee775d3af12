"""Which number did they report: figures as people write them, and what they are likeliest to be."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc.reported import Subject, answer, parse_reported
from tests.conftest import Run


def report(run: Run, network: str, figure: str, *options: str) -> Any:
    """What JSON says of a figure."""
    return json.loads(run("reconcile", network, "--reported", figure, "--json", *options).out)[
        "reported"
    ]


# Reading a figure


@pytest.mark.parametrize(
    ("text", "value", "what"),
    [
        ("314.2M", 314_200_000, ""),
        ("65.86 Bn", 65_860_000_000, ""),
        ("300 million", 300_000_000, ""),
        ("1.1 billion FLOPs", 1_100_000_000, "flops"),
        ("3.8 × 10^9", 3_800_000_000, ""),
        ("3.8x10^9", 3_800_000_000, ""),
        ("3.8 * 10**9", 3_800_000_000, ""),
        ("3.8·10⁹", 3_800_000_000, ""),
        ("3.8e9", 3_800_000_000, ""),
        ("3.8E+09", 3_800_000_000, ""),
        ("0.39B", 390_000_000, ""),
        ("12.3 GFLOPs", 12_300_000_000, "flops"),
        ("12.3GFLOPS", 12_300_000_000, "flops"),
        ("4.1 GMac", 4_100_000_000, "macs"),
        ("320.3 MMac", 320_300_000, "macs"),
        ("569 million mult-adds", 569_000_000, "macs"),
        ("219M MAdds", 219_000_000, "macs"),
        ("65.86 BFLOPs", 65_860_000_000, "flops"),
        ("25.6M params", 25_600_000, "params"),
        ("4.2 million parameters", 4_200_000, "params"),
        ("~300M", 300_000_000, ""),
        ("≈ 4.1G", 4_100_000_000, ""),
        ("5.7亿", 570_000_000, ""),
        ("420万参数", 4_200_000, "params"),
        ("568,740,352", 568_740_352, ""),
        ("568 740 352", 568_740_352, ""),
        ("560k", 560_000, ""),
    ],
)
def test_a_figure_is_read_as_people_write_it(text: str, value: int, what: str) -> None:
    found = parse_reported(text)
    assert found.value == value
    assert found.what == what


UNITS = {"k": 3, "M": 6, "G": 9, "B": 9, "T": 12}


@given(st.integers(10**6, 10**13), st.integers(2, 6), st.sampled_from(sorted(UNITS)), st.booleans())
def test_a_number_is_held_by_what_it_is_cut_or_rounded_to(
    number: int, digits: int, unit: str, is_cut: bool
) -> None:
    step = 10 ** max(len(str(number)) - digits, 0)
    shown = number // step * step if is_cut else (2 * number + step) // (2 * step) * step
    decimals = max(UNITS[unit] - (len(str(step)) - 1), 0)
    whole, rest = divmod(shown * 10**decimals // 10 ** UNITS[unit], 10**decimals)
    text = f"{whole}.{rest:0{decimals}d}{unit}" if decimals else f"{whole}{unit}"
    found = parse_reported(text)
    assert found.holds(number, max(found.step, Fraction(step)))
    # And no number that is two steps away.
    assert not found.holds(number + 2 * max(step, int(found.step)), max(found.step, Fraction(step)))


@given(st.integers(1, 10**18))
def test_a_plain_number_of_odd_digits_is_exact(number: int) -> None:
    found = parse_reported(f"{number:,}")
    assert found.holds(number)
    if number % 1000:
        assert not found.holds(number + 1)
        assert not found.holds(number - 1)


# What it may be


@pytest.mark.parametrize(
    ("network", "figure", "first"),
    [
        # Sandler et al. 2018, table 4; Howard et al. 2017, table 4.
        ("mobilenet_v2", "300M", {"convention": "macs", "factor": 1, "as": "macs"}),
        ("mobilenet_v2", "3.5M params", {"as": "params", "total": 3_504_872}),
        ("mobilenet_v1", "569 million mult-adds", {"convention": "macs", "as": "macs"}),
        # Tan and Le 2019, table 2: 0.39B FLOPs, which are MACs.
        ("efficientnet_b0", "0.39B FLOPs", {"convention": "macs", "as": "macs"}),
        # timm's and fvcore's own.
        ("resnet50", "4.11 GMACs", {"convention": "fvcore", "as": "macs"}),
        ("resnet50", "25.56M", {"as": "params", "total": 25_557_032}),
        # He et al. 2016, table 1: their network halves the map elsewhere than torchvision's.
        ("resnet50", "3.8 × 10^9", {"network": "resnet50_v1", "preset": "resnet50_v1"}),
        ("resnet152", "11.3 × 10^9", {"network": "resnet152_v1", "convention": "macs"}),
        # Sandler et al. 2018, table of the appendix: 1.0 at 160.
        ("mobilenet_v2", "154M", {"input": [3, 160, 160], "network": "mobilenet_v2"}),
        ("vgg16", "15.347G", {"leaving_out": ["the classifier"], "convention": "macs"}),
    ],
)
def test_the_likeliest_reading_is_first(
    run: Run, network: str, figure: str, first: dict[str, Any]
) -> None:
    found = report(run, network, figure)["matches"][0]
    assert {key: found[key] for key in first} == first


def test_a_reading_names_the_network_and_its_input(run: Run) -> None:
    (first, *_) = report(run, "resnet50", "4.089G")["matches"]
    assert list(first)[:7] == [
        *("convention", "factor", "as", "total", "network", "preset", "input")
    ]
    assert (first["network"], first["preset"], first["input"]) == (
        *("resnet50", "resnet50"),
        [3, 224, 224],
    )
    (first, *_) = report(run, "mobilenet_v2", "300M")["matches"]
    assert (first["network"], first["preset"]) == ("mobilenet_v2", None)


def test_a_spec_of_ones_own_has_no_relatives(run: Run, tmp_path: Any) -> None:
    file = tmp_path / "resnet.yaml"
    text = run("show", "resnet").out
    file.write_text(text + "# mine\n", encoding="utf-8")
    found = report(run, str(file), "3.858G", "--preset", "resnet50")
    assert found["matches"] == []
    found = report(run, str(file), "4.089G", "--preset", "resnet50")["matches"][0]
    assert (found["network"], found["preset"]) == (str(file), "resnet50")


def test_what_a_figure_says_of_itself_counts(run: Run) -> None:
    """LeNet's 61,610 parameters are nearly a figure of 61.6k operations: a word decides."""
    plain = report(run, "mobilenet_v2", "3.5M")["matches"]
    assert plain[0]["as"] == "params"
    assert report(run, "mobilenet_v2", "3.5M MACs")["matches"] == []
    doubled = report(run, "mobilenet_v1", "1.137 GFLOPs")["matches"][0]
    assert doubled["as"] == "flops"


def test_few_digits_say_little(run: Run) -> None:
    """What a figure of one digit meets is no explanation, unless it is the plain count."""
    for each in report(run, "resnet50", "4G")["matches"]:
        assert (each["network"], each["input"]) == ("resnet50", [3, 224, 224])
    found = report(run, "resnet50", "9G")
    assert (found["matches"], found["near"]) == ([], [])


@pytest.mark.parametrize("figure", ["301M", "0.3008G", "300.774M"])
def test_digits_only_add_to_what_is_sure(run: Run, figure: str) -> None:
    outcome = run("reconcile", "mobilenet_v2", "--reported", figure)
    assert outcome.status == 0
    assert outcome.out.startswith(f"{figure} is macs")


def test_what_is_doubtful_is_told_so(run: Run) -> None:
    outcome = run("reconcile", "resnet50", "--reported", "3.8G")
    assert outcome.status == 0
    assert outcome.out.startswith("3.8G may be macs of resnet50_v1")


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_invented_figures_are_not_explained(digits: int) -> None:
    """Of figures that mean nothing, below 1 % get something left out."""
    network = convcalc.load("mobilenet_v2")
    found, subject = network.reconcile(), Subject("mine", None, {"input": [3, 224, 224]})
    explained = 0
    assert found.macs is not None
    for index in range(60):
        number = found.macs * (60 + 3 * index) // 120 + 7919 * index
        step = 10 ** (len(str(number)) - digits)
        reply = answer(found, parse_reported(f"{number // step}e{len(str(step)) - 1}"), subject)
        left_out = [each for each in reply.matches[:1] if each.leaving_out]
        explained += bool(reply.near or left_out)
    assert explained <= 1


def test_python_answers_the_same(run: Run) -> None:
    (match,) = convcalc.load("mobilenet_v2").reported("314.2M").matches
    assert match.convention.name == "fvcore"
    assert match.value == 314_193_216
    with pytest.raises(convcalc.ConvcalcError, match="is no figure"):
        convcalc.load("lenet").reported("many")
    with pytest.raises(convcalc.ConvcalcError, match="must be a text"):
        convcalc.load("lenet").reported(3)  # type: ignore[arg-type]


def test_parameters_have_no_bridge_of_operations(run: Run) -> None:
    out = run("reconcile", "mobilenet_v2", "--reported", "3.5M params").out
    assert out.startswith("3.5M params is the parameters = 3,504,872")
    assert "MACs" not in out


def test_what_says_that_it_is_something_else_is(run: Run) -> None:
    for figure in ("3504872 MACs", "3504872 FLOPs", "300774272 params"):
        assert report(run, "mobilenet_v2", figure)["matches"] == []


def test_answers_are_short_in_python() -> None:
    network = convcalc.load("mobilenet_v2")
    assert repr(network.reported("314.2M")) == "Answer('314.2M', fvcore)"
    assert len(repr(network.reconcile())) < 100


def test_presets_of_ones_own_are_looked_at(run: Run, tmp_path: Any) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(run("show", "resnet").out + "# mine\n", encoding="utf-8")
    arguments = ("reconcile", str(file), "--preset", "resnet50", "--reported", "1.814G")
    assert run(*arguments).out.startswith("1.814G is macs of preset resnet18 = 1,814,073,344")
    (first, *_) = json.loads(run(*arguments, "--json").out)["reported"]["matches"]
    assert (first["network"], first["preset"]) == (str(file), "resnet18")


def test_a_copy_answers_as_well() -> None:
    text = "name: n\nvariables: {w: 8}\npresets: {large: {w: 64}}\ninput: [96, 96, 3]\nlayers:\n"
    network = convcalc.loads(text + "  - conv: {out: w, k: 1, bias: false}\n")
    copy = pickle.loads(pickle.dumps(network))
    assert copy.doubts == network.doubts != ()
    large = 96 * 64 * 96 * 3
    (first, *_) = copy.reported(f"{large:,}").matches
    assert (first.value, first.subject.preset) == (large, "large")
