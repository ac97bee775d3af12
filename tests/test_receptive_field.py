"""Receptive fields: published figures, the case, and what is said of them."""

from __future__ import annotations

import pickle
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.reach import Doubt
from convcalc.receptive_field import ReceptiveField, ReceptiveFields
from convcalc.render.receptive_field import Found, report
from tests.conftest import Run
from tests.seen import Step, cells_of, exactly, interval, random_net


def last_bounded(fields: ReceptiveFields) -> ReceptiveField:
    return [field for field in fields if not field.is_global][-1]


# Keras' and torchvision's networks, worked out by hand with the formula of Araujo, Norris and Sim
# (Distill, 2019). What they publish themselves is `test_slim.py`'s table.
@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        ("resnet50", 427, 32),
        ("resnet18", 435, 32),
        ("mobilenet_v2", 491, 32),
        ("densenet121", 2071, 32),
        ("xception", 1083, 32),
    ],
)
def test_published_receptive_fields(name: str, size: int, stride: int) -> None:
    network = convcalc.load(name)
    field = last_bounded(network.receptive_field())
    assert (field.size, field.stride) == ((size, size), (stride, stride))
    assert network.totals.receptive_field == size


def test_paths_of_xception_are_not_aligned_from_its_second_shortcut_on() -> None:
    fields = convcalc.load("xception").receptive_field()
    assert next(field.name for field in fields if not field.aligned) == "down_2.add"
    after = fields.names.index("down_2.add")
    assert not any(field.aligned for field in fields[after:])


def stack(*layers: str, input: str = "[1, 64]") -> str:
    return f"name: Stack\ninput: {input}\nlayers:\n" + "".join(f"  - {each}\n" for each in layers)


def test_dilated_stack_sees_15_cells() -> None:
    text = stack(*(f"conv: {{out: 1, k: 3, d: {d}}}" for d in (1, 2, 4)))
    assert [field.size for field in convcalc.loads(text).receptive_field()] == [(3,), (7,), (15,)]


def test_seven_layers(run: Run) -> None:
    spec = Path(__file__).parent / "cases" / "rf_seven.yaml"
    found = run("receptive-field", str(spec), "--json").json
    assert found["format"] == "convcalc.receptive_field/1"
    sizes = [3, 4, 8, 10, 18, 26, 30]  # CSDN 98473571
    assert [layer["size"] for layer in found["layers"]] == [[size, size] for size in sizes]


def test_a_transposed_convolution_divides_the_stride() -> None:
    text = stack("conv: {out: 1, k: 3, s: 2}", "conv_transpose: {out: 1, k: 4, s: 4, p: 1}")
    first, second = convcalc.loads(text).receptive_field()
    assert (first.size, first.stride) == ((3,), (2,))
    assert second.stride == (Fraction(1, 2),)
    assert second.padding == (Fraction(1),)
    assert second.size == (Fraction(9, 2),)


def test_random_networks_see_what_going_back_cell_by_cell_finds() -> None:
    far = 0
    doubts: set[Doubt] = set()
    for seed in range(3000, 3240):
        net = random_net(seed)
        *_, field = convcalc.loads(net.text()).receptive_field()
        last, rates = len(net.steps) - 1, net.rates()
        doubts |= field.doubts
        assert field.is_global == (None in rates), seed
        assert (field.stride == (None,)) == (None in rates or len(rates) > 1), seed
        if field.stride == (None,):
            continue
        assert {*field.stride} == rates, seed
        for y in (0, *range(net.sizes[last] // 2, net.sizes[last], 5), net.sizes[last] - 1):
            seen = net.seen(last, y)
            if seen is None:  # a border
                continue
            low, high = interval(field, y)
            assert all(low <= x <= high for x in seen), (seed, y)
            assert not field.is_exact or seen == exactly(field, y), (seed, y)
            assert not seen or max(seen) - min(seen) < (field.cells[0] or 0), (seed, y)
            far += 1
    assert far > 1000
    assert doubts == {Doubt.MIRRORED, Doubt.ROUNDED, Doubt.BESIDE, Doubt.RATES}


def test_some_cell_sees_as_many_as_is_said() -> None:
    for seed in range(3000, 3060):
        *_, field = convcalc.loads(random_net(seed).text()).receptive_field()
        if field.is_exact and not field.is_global and field.stride != (None,):
            period = 1 if field.phases is None else len(field.phases[0] or (0,))
            sets = [exactly(field, y) for y in range(period)]
            assert max(max(each) - min(each) + 1 for each in sets if each) == field.cells[0], seed


_axis = st.tuples(
    *(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2), st.integers(1, 3))
)


@given(st.lists(st.tuples(st.booleans(), _axis, _axis), min_size=1, max_size=4), st.data())
@settings(max_examples=40)
def test_axes_are_apart(layers: list[tuple[bool, Any, Any]], data: st.DataObject) -> None:
    steps: list[tuple[Step, Step]] = []
    for is_transposed, *axes in layers:
        type = "conv_transpose" if is_transposed else "conv"
        both = [
            Step(type, {"k": k, "s": s, "p": [[before, after]], "d": d}, (-1,))
            for k, s, before, after, d in axes
        ]
        steps.append((both[0], both[1]))
    lines = []
    for one, other in steps:
        fields = {key: [one.fields[key], other.fields[key]] for key in ("k", "s", "d")}
        fields["p"] = [one.fields["p"][0], other.fields["p"][0]]
        lines.append(
            f"{one.type}: {{out: 1, {', '.join(f'{key}: {fields[key]}' for key in fields)}}}"
        )
    try:
        fields_found = convcalc.loads(stack(*lines, input="[1, 300, 301]")).receptive_field()
    except convcalc.ConvcalcError:  # a padding that takes all of it
        return
    *_, field = fields_found
    for axis in (0, 1):
        y = data.draw(st.integers(20, 60))
        seen = {y}
        for pair in reversed(steps):
            seen = {x for cell in seen for x in cells_of(pair[axis], 0, 0, cell)}
        assert seen == exactly(field, y, axis)


FORKED = """
name: Forked
input: {image: [3, 32, 32], other: [3, 32, 32]}
layers:
  - conv: {name: a, from: image, out: 4, k: 3, p: 1}
  - conv: {name: b, from: other, out: 4, k: 5, p: 2}
  - conv: {name: short, from: a, out: 4, k: 1, s: 2}
  - add: {name: both, from: [a, b]}
  - upsample: {name: up, from: short, scale: 2}
  - add: {name: sum, from: [both, up]}
  - max_pool: {name: pool, k: 2}
  - slice: {name: cut, from: a, axis: 1, stop: 16}
  - slice: {name: half, axis: 2, stop: 16}
  - add: {name: unlike, from: [half, short]}
  - global_avg_pool: {name: whole}
  - parameter: {name: learned, shape: [4, 1, 1]}
"""


def test_where_paths_meet() -> None:
    fields = convcalc.loads(FORKED).receptive_field()
    assert fields["both"].size == (5, 5)
    assert fields["both"].aligned
    assert fields["sum"].aligned is False
    # Each cell of `up` is a copy of every second of `a`, in `both` anyway.
    assert fields["sum"].padding == (Fraction(2), Fraction(2))
    assert (fields["unlike"].size, fields["unlike"].stride) == ((None, None), (None, None))
    assert not fields["unlike"].is_global
    assert fields["whole"].is_global
    assert "learned" not in fields.names


def test_only_what_comes_from_a_layer_counts(run: Run) -> None:
    network = convcalc.loads(FORKED)
    assert network.receptive_field("a")["sum"].size == (2, 2)
    assert network.receptive_field("a").names[:3] == ("short", "both", "up")
    assert network.receptive_field("other")["both"].size == (5, 5)
    assert "short" not in network.receptive_field("other").names
    found = run("receptive-field", "-", "--from", "b", "--json", stdin=FORKED.encode()).json
    assert found["from"] == "b"
    assert [layer["size"] for layer in found["layers"][:2]] == [[1, 1], [1, 1]]


def test_a_figure_explains_itself(run: Run) -> None:
    text = stack("conv: {out: 1, k: 3, s: 2}", "conv_transpose: {out: 1, k: 4, s: 4, p: 1}")
    asked = ("receptive-field", "-", "--layer", "conv_transpose")
    out = run(*asked, stdin=text.encode()).out
    assert re.search(r"1 cell, s 1/4 +≤3/2 +≤9/2 +1/2 +1$", out, re.MULTILINE)
    assert re.search(r"^ 0…2 +0…2$", out, re.MULTILINE)
    assert re.search(r"^ *3 +2…4$", out, re.MULTILINE)
    found = run(*asked, "--json", stdin=text.encode()).json
    (row,) = found["layers"]
    assert (row["size"], row["cells"]) == (["9/2"], [3])
    assert row["stride"] == ["1/2"]
    assert row["phases"] == [[[0, 1, 2], [0, 1, 2], [0, 1, 2], [2, 3, 4]]]
    assert [jump["size"] for jump in found["path"]] == [[3], ["9/2"]]
    wider = run(*asked, stdin=text.replace("k: 4", "k: 5").encode()).out
    assert re.search(r"k 5, s 1/4, p 3/4, d 1/4 +2·1/4·\(5 − 1\) = 2 +5 ", wider)


def test_a_row_says_what_is_not_so(run: Run) -> None:
    out = run("receptive-field", "-", stdin=FORKED.encode()).out
    assert re.search(r"^sum .* 5\* ", out, re.MULTILINE)
    assert "* not aligned" in out
    assert "none: no bound" in out
    assert "global: every cell sees all" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("lenet --from conv1", "did you mean `conv_1`"),
        ("lenet --layer con_2", "did you mean `conv_2`"),
        ("lenet vgg16 --layer conv_1", "`--layer` explains a layer of one network"),
        ("lenet --from conv_2 --layer conv_1", "`conv_1` sees nothing of `conv_2`"),
        ("lenet --from conv_2 --layer conv_2", "`conv_2` is what is looked at"),
        ("lenet --from linear_3", "no layer sees anything of `linear_3`"),
        ("lenet --from ", "it is empty"),
    ],
)
def test_bad_requests(run: Run, arguments: str, said: str) -> None:
    outcome = run("receptive-field", *arguments.split(" "))
    assert outcome.status == 2
    assert said in outcome.err


def test_a_column_and_a_budget(run: Run) -> None:
    csv = run("analyze", "lenet", "--columns", "name,receptive_field", "--csv").out.splitlines()
    assert csv[4] == "conv_2,12"
    assert csv[7] == "flatten,"
    network = convcalc.load("resnet18")
    assert network.receptive_field()["conv3_x"].size == (99, 99)
    folded = network.analyze().folded(1).rows
    assert folded["conv3_x"].receptive_field == 99
    assert run("check", "lenet", "--max", "receptive_field=14").status == 0
    assert run("check", "lenet", "--max", "receptive_field=13").status == 1


@pytest.mark.parametrize("name", ["efficientnet_b0", "mobilenet_v3_large", "vit_b_16"])
def test_what_sees_all_has_no_total(run: Run, name: str) -> None:
    assert convcalc.load(name).totals.receptive_field is None
    outcome = run("check", name, "--max", "receptive_field=100000")
    assert (outcome.status, "no total" in outcome.out) == (1, True)


def test_what_is_no_sum_has_no_share(run: Run) -> None:
    peaks = ["receptive_field", "live_bytes", "in_place_bytes", "max_io_bytes"]
    for figure in peaks:
        assert "has no shares" in run("analyze", "lenet", "--columns", f"name,{figure}%").err
    out = run("analyze", "lenet", "--group-by", "type", "--columns", f"macs,{peaks[0]}").out
    assert "MACs %" in out
    assert "Receptive field %" not in out
    out = run("analyze", "resnet18", "--depth", "1", "--columns", f"name,macs,{peaks[1]}").out
    assert "the sums of its layers, Live bytes apart" in out


UPSAMPLED = """
name: Upsampled
input: [1, 32, 32]
layers:
  - conv: {name: c1, out: 1, k: 3, p: 1}
  - max_pool: {name: m1, k: 2}
  - conv: {name: c2, out: 1, k: 3, p: 1}
  - max_pool: {name: m2, k: 2}
  - conv: {name: c3, out: 1, k: 3, p: 1}
  - upsample: {name: u1, scale: 2, mode: nearest}
  - upsample: {name: u2, scale: 2, mode: bilinear}
  - concat: {name: both, from: [u2, c1]}
  - conv: {name: score, out: 1, k: 3, p: 1}
"""


def test_as_many_cells_are_said_as_a_cell_sees(run: Run) -> None:
    network = convcalc.loads(UPSAMPLED)
    field = network.receptive_field()["score"]
    sets = [exactly(field, y) for y in range(4)]
    assert {max(each) - min(each) + 1 for each in sets} == {22}
    assert (field.size, field.cells) == ((25, 25), (22, 22))
    assert network.totals.receptive_field == 22
    assert re.search(r"^score .* 22 ", run("receptive-field", "-", stdin=UPSAMPLED.encode()).out, 8)


def test_fractions_come_with_the_exact_cells(run: Run) -> None:
    asked = ("receptive-field", "-", "--from", "c3", "--layer", "score")
    out = run(*asked, stdin=UPSAMPLED.encode()).out
    assert re.search(r"^u1 +1 cell, s 1/2 +≤1/2 +≤3/2 ", out, re.MULTILINE)
    assert re.search(r"^ 0…1 +-1…0$", out, re.MULTILINE)
    assert "at the most 2 cells" in out
    (row,) = run(*asked, "--json", stdin=UPSAMPLED.encode()).json["layers"]
    assert (row["size"], row["cells"]) == (["11/4", "11/4"], [2, 2])


def test_attention_is_seen_along_two_axes_and_then_whole(run: Run) -> None:
    spec = b"""
name: Scores
input: [2, 8, 12]
layers:
  - permute: {name: t, order: [0, 2, 1]}
  - matmul: {name: scores, from: [t, t], transpose_b: true}
  - matmul: {name: mixed, from: [scores, t]}
"""
    found = run("receptive-field", "-", stdin=spec).out
    assert "the same axis is seen along two axes" in found
    assert "different rates" not in found
    assert "not aligned" not in found
    rows = run("receptive-field", "-", "--json", stdin=spec).json["layers"]
    assert [row["doubts"] for row in rows] == [[], ["axes"], []]
    assert rows[2]["global"]


def test_why_sets_are_not_exact(run: Run) -> None:
    for line, doubt, cells in [
        ("pad: {p: 2, mode: reflect}", "mirrored", [3]),
        ("pad: {p: 2, mode: replicate}", "mirrored", [3]),
        ("upsample: {scale: 2.3, mode: nearest}", "rounded", [5]),
        ("concat: {from: [first, input], axis: 1}", "beside", [66]),
    ]:
        text = stack("conv: {name: first, out: 1, k: 3, p: 1}", line)
        *_, row = run("receptive-field", "-", "--json", stdin=text.encode()).json["layers"]
        assert (row["exact"], row["doubts"], row["cells"]) == (False, [doubt], cells), line
    *_, whole = convcalc.loads(stack("pad: {p: 2, mode: circular}")).receptive_field()
    assert whole.is_global


def test_blocks_fold_to_their_last_layers(run: Run) -> None:
    rows = run("receptive-field", "resnet18", "--depth", "1", "--json").json["layers"]
    found = {row["name"]: (row["type"], row["cells"]) for row in rows}
    assert found["conv3_x"] == ("stage", [99, 99])
    assert len(rows) == len(convcalc.load("resnet18").analyze().folded(1).rows)
    outcome = run("receptive-field", "resnet18", "--depth", "1", "--layer", "conv1")
    assert (outcome.status, "`--depth` folds" in outcome.err) == (2, True)


def test_a_narrow_screen_has_one_table() -> None:
    network = convcalc.load("resnet18")
    found = report([Found(network, network.receptive_field())])
    for columns, count in ((80, 2), (100, 3), (160, 4)):
        ((table,),) = [fit(columns, 40) for fit in found.fitted or ()]
        assert table.width() <= columns
        names = [row[0] for row in table.rows()]
        assert len({*names}) == len(names)
        titles = ["Receptive field", "Stride", "Padding", "Centre"]
        assert [each for each in table.header if each in titles] == titles[:count]
        assert (table.legend[-1].startswith("A wider screen has")) == (columns < 160)


def test_csv_has_decimals(run: Run) -> None:
    spec = stack("max_pool: {k: 2}", "upsample: {size: 24}").encode()
    _, first, second = run("receptive-field", "-", "--csv", stdin=spec).out.splitlines()
    assert first == "max_pool,max_pool,1x32,2,2,0,0.5,2,true,false"
    assert second.split(",")[4] == "8/3"


def test_answers_stay_bounded() -> None:
    far = convcalc.loads(stack("conv: {out: 1, k: 2, d: 1000000000}", input="[1, 4000000000]"))
    assert not far.receptive_field()[0].is_exact
    twice = "conv_transpose: {out: 1, k: 2, s: 2}, slice: {axis: 1, stop: 64}"
    text = stack(f"repeat: {{times: 2000, layers: [{twice}]}}")
    *_, last = convcalc.loads(text).receptive_field()
    assert last.stride == (None,)
    assert last.doubts == {Doubt.DIGITS}


def test_the_exact_cells_of_a_list_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.receptive_field.MOST_LISTED", 200)
    network = convcalc.loads(UPSAMPLED)
    fields = network.receptive_field()
    listed = [sum(map(len, axis)) for field in fields for axis in field.phases or () if axis]
    assert 0 < sum(listed) <= 200
    assert fields[-1].doubts == {Doubt.MANY}
    assert not fields[-1].is_exact
    assert network.receptive_field_of("score").field.is_exact


def test_a_network_without_positions_is_seen_whole(run: Run) -> None:
    text = b"name: Flat\ninput: [784]\nlayers: [linear: {out: 10}]\n"
    (row,) = run("receptive-field", "-", "--json", stdin=text).json["layers"]
    assert (row["size"], row["global"]) == (None, True)
    out = run("receptive-field", "-", "--layer", "linear", stdin=text).out
    assert re.search(r"^linear +all +global", out, re.MULTILINE)
    assert "channels alone" in out
    unread = b"name: N\ninput: [1, 8]\nlayers: [parameter: {shape: [1, 8]}]\n"
    assert "No layer sees anything of the input." in run("receptive-field", "-", stdin=unread).out


def test_receptive_fields_are_values() -> None:
    network = convcalc.load("lenet")
    fields = network.receptive_field()
    assert pickle.loads(pickle.dumps(fields)) == fields == network.receptive_field()
    assert repr(fields["conv_2"]) == "ReceptiveField('conv_2', conv, 12×12)"
    assert fields[-1].is_global
    with pytest.raises(convcalc.ConvcalcError, match="the list of receptive fields has no layer"):
        fields["conv_x"]
    with pytest.raises(AttributeError):
        fields.names = ()  # type: ignore[misc]
    way = network.receptive_field_of("linear_1")
    assert repr(way) == "Way('linear_1', global, 5 jumps)"
    assert repr(way.jumps[0]) == "Jump('conv_1', conv, 3×3)"
    assert repr(way.jumps[0].field.spans[0]) == "Span(axis 1, 1·y + (-1 … 1))"
    assert way.global_since == "flatten"
