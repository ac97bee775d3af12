"""The cures in messages, taken: what is said to fit does, and what is not, does not."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

import convcalc
from convcalc import ConvcalcError, zoo
from convcalc.inputs import misread
from convcalc.shape import Shape
from tests.conftest import Run


class Step(NamedTuple):
    """A layer that makes an axis shorter or longer, and what it makes of so many cells."""

    line: str
    size: Callable[[int], int]


DOWN = {
    "pool": Step("max_pool: {k: 2}", lambda n: n // 2),
    "ceil pool": Step("max_pool: {k: 2, ceil_mode: true}", lambda n: (n + 1) // 2),
    "wide pool": Step("max_pool: {k: 3, s: 2}", lambda n: (n - 1) // 2),
    "conv": Step("conv: {out: 4, k: 3, s: 2, p: 1}", lambda n: (n + 1) // 2),
    "same": Step("conv: {out: 4, k: 3, s: 2, p: same}", lambda n: (n + 1) // 2),
    "third": Step("avg_pool: {k: 3}", lambda n: n // 3),
}
UP = {
    "upsample": Step("upsample: {scale: 2}", lambda n: 2 * n),
    "transposed": Step("conv_transpose: {out: 4, k: 2, s: 2}", lambda n: 2 * n),
    "odd transposed": Step("conv_transpose: {out: 4, k: 3, s: 2, p: 1}", lambda n: 2 * n - 1),
    "third": Step("upsample: {scale: 3}", lambda n: 3 * n),
}


def u_net(down: str, up: str, levels: int, *, valid: bool = False) -> str:
    """A network that goes down some levels and up again, joined with what it had at each."""
    lines = [] if not valid else ["conv: {out: 4, k: 3}"]
    for level in range(levels):
        lines += [f"conv: {{name: d{level}, out: 4, k: 3, p: 1}}", DOWN[down].line]
    for level in reversed(range(levels)):
        lines += [UP[up].line.replace("{", f"{{name: u{level}, ", 1)]
        lines += [f"concat: {{from: [d{level}, u{level}]}}"]
    body = "".join(f"  - {line}\n" for line in lines)
    return f"name: U\ninput: [1, 32, 32]\nlayers:\n{body}"


def takes(text: str, *sizes: int) -> bool:
    try:
        convcalc.loads(text, input=(1, *sizes))
    except ConvcalcError:
        return False
    return True


def help_for(text: str, *sizes: int) -> str:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.loads(text, input=(1, *sizes))
    (found,) = caught.value.diagnostics
    return found.help


def rule_in(said: str) -> tuple[int, int] | None:
    """The step and the rest of the sizes that a help says to fit; None where it says none."""
    if match := re.search(r"(?:(\d+) more than )?a multiple of (\d+) fits", said):
        return int(match[2]), int(match[1] or 0)
    if match := re.search(r"(odd|even) fits", said):
        return 2, int(match[1] == "odd")
    return None


def fits(down: str, up: str, levels: int, valid: bool, size: int) -> bool:
    """Whether the paths of a `u_net` agree, by its layers' sizes alone."""
    before = []
    size -= 2 * valid
    for _ in range(levels):
        before.append(size)
        size = DOWN[down].size(size)
    for skip in reversed(before):
        size = UP[up].size(size)
        if size != skip or size < 1:
            return False
    return True


@bounds(max_examples=60)
@given(
    st.sampled_from(sorted(DOWN)),
    st.sampled_from(sorted(UP)),
    st.integers(1, 3),
    st.booleans(),
    st.integers(30, 90),
)
def test_sizes_that_are_said_to_fit_do_and_no_others(
    down: str, up: str, levels: int, valid: bool, size: int
) -> None:
    right = {n for n in range(size, 400) if fits(down, up, levels, valid, n)}
    if size in right:
        return
    rule = rule_in(help_for(u_net(down, up, levels, valid=valid), size, size))
    said = {n for n in range(size, 400) if rule and n % rule[0] == rule[1]}
    assert said == right


@pytest.mark.parametrize(
    ("down", "up", "size", "said"),
    [
        ("pool", "upsample", 250, "a multiple of 8 fits: 248×248 or 256×256"),
        ("conv", "upsample", 250, "a multiple of 8 fits: 248×248 or 256×256"),
        ("conv", "odd transposed", 250, "1 more than a multiple of 8 fits: 249×249 or 257×257"),
        ("third", "third", 250, "a multiple of 27 fits: 243×243 or 270×270"),
    ],
)
def test_nearest_sizes_are_named(down: str, up: str, size: int, said: str) -> None:
    assert said in help_for(u_net(down, up, 3), size, size)


def test_sides_may_differ() -> None:
    text = u_net("pool", "upsample", 3)
    assert "a multiple of 8 fits: 248×96 or 256×104" in help_for(text, 250, 100)
    signal = text.replace("[1, 32, 32]", "[1, 32]")
    assert "whose length is a multiple of 8 fits: 248 or 256" in help_for(signal, 250)


def test_nothing_is_said_where_no_size_fits() -> None:
    text = "name: N\ninput: [1, 32, 32]\nlayers:\n" + "".join(
        f"  - {line}\n" for line in ("conv: {name: a, out: 4, k: 3}", "add: {from: [a, input]}")
    )
    assert help_for(text, 32, 32) == ""


def test_nothing_is_said_of_sizes_that_another_line_refuses() -> None:
    ends = "  - flatten\n  - linear: {in: 8000, out: 2}\n"
    said = help_for(u_net("pool", "upsample", 2) + ends, 33, 33)
    assert rule_in(said) is None


@pytest.mark.parametrize(("k", "s", "p"), [(3, 2, 1), (3, 2, 0), (5, 3, 1), (4, 4, 0), (3, 4, 0)])
def test_line_with_output_padding_fits(k: int, s: int, p: int) -> None:
    lines = (
        f"conv: {{name: down, out: 4, k: {k}, s: {s}, p: {p}}}",
        f"conv_transpose: {{name: up, out: 1, k: {k}, s: {s}, p: {p}}}",
        "relu",
        "add: {from: [up, input]}",
    )
    text = "name: N\ninput: [1, 40, 40]\nlayers:\n" + "".join(f"  - {each}\n" for each in lines)
    text = text.replace("from: [up, input]", "from: [last, input]").replace(
        "- relu", "- relu: {name: last}"
    )
    for size in range(30, 45):
        if not takes(text, size, size):
            (line,) = re.findall(r"`- (conv_transpose: .*?)`", help_for(text, size, size))
            assert takes(text.replace(lines[1], line), size, size)


def test_output_padding_in_a_block_is_offered_where_all_its_calls_fit() -> None:
    def spec(second: str) -> str:
        return f"""
name: N
input: [1, 33, 33]
blocks:
  up: {{layers: [conv_transpose: {{out: 4, k: 2, s: 2}}]}}
layers:
  - conv: {{name: d0, out: 4, k: 3, p: 1}}
  - max_pool: {{k: 2}}
  - conv: {{name: d1, out: 4, k: 3, p: 1, s: {second}}}
  - up: {{name: u}}
  - add: {{from: [u, {"d0" if second == "1" else "d1"}]}}
"""

    assert "output_padding: 1}` at line 5 makes" in help_for(spec("1"), 33, 33)
    both = spec("1") + "  - max_pool: {k: 3}\n  - up: {name: v}\n  - add: {from: [v, w]}\n"
    both = both.replace("max_pool: {k: 3}", "conv: {name: w, out: 4, k: 1}\n  - max_pool: {k: 3}")
    assert "output_padding" not in help_for(both, 33, 33)


@pytest.mark.parametrize(
    ("input", "lines", "said"),
    [
        # Only `flatten` is missing: as an image it is refused no later.
        ("[192, 65]", ["self_attention: {heads: 3}", "linear: {out: 10}"], "put `flatten` before"),
        ("[2, 400]", ["conv: {out: 8, k: 3}", "linear: {out: 10}"], "put `flatten` before"),
        (
            "[8, 4, 6, 6]",
            ["reshape: {shape: [4, 2, 4, 6, 6]}", "conv: {out: 8, k: 3, p: 1}"],
            "",
        ),
    ],
)
def test_another_input_is_advised_only_where_more_layers_take_it(
    input: str, lines: list[str], said: str
) -> None:
    text = f"name: N\ninput: {input}\nlayers:\n" + "".join(f"  - {line}\n" for line in lines)
    with pytest.raises(ConvcalcError) as caught:
        convcalc.loads(text)
    (found,) = caught.value.diagnostics
    assert found.help.startswith(said)
    assert "input:" not in found.help


def test_no_axis_is_advised_for_paths_that_a_remainder_makes_differ_or_that_have_none() -> None:
    down = "max_pool: {k: 2}"
    skip = f"conv: {{name: a, out: 8, k: 3, p: 1}}, {down}, upsample: {{name: u, scale: 2}}"
    lines = (
        f"[{skip}, concat: {{from: [a, u]}}]",
        f"[branches: {{paths: [[], [{down}]], merge: concat}}]",
    )
    for each in lines:
        with pytest.raises(ConvcalcError) as caught:
            convcalc.loads(f"name: N\ninput: [8, 65]\nlayers: {each}\n")
        (found,) = caught.value.diagnostics
        assert found.code == "shape-mismatch"
        assert "axis" not in found.help


def test_what_fits_takes_a_fraction_of_a_second_to_say() -> None:
    deep = "  - repeat: {times: 6000, layers: [conv: {out: 1, k: 3, p: 1}, relu]}\n"
    text = u_net("pool", "upsample", 3) + deep
    start = time.process_time()
    convcalc.loads(text, input=(1, 256, 256))
    right = time.process_time() - start
    help_for(text, 250, 250)
    assert time.process_time() - start - 2 * right < 5 * 0.25


def test_pytorch_takes_the_sizes_that_fit() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    def forward(size: int) -> Any:
        maps, x = [], torch.zeros(1, 1, size, size)
        for _ in range(3):
            maps.append(x)
            x = functional.max_pool2d(x, 2)
        for skip in reversed(maps):
            x = functional.interpolate(x, scale_factor=2)[:, :1]
            x = torch.cat([skip, x], 1)
        return x

    rule = rule_in(help_for(u_net("pool", "upsample", 3), 250, 250))
    assert rule is not None
    for size in range(200, 280):
        if size % rule[0] == rule[1]:
            forward(size)
        else:
            with pytest.raises(RuntimeError):
                forward(size)


# Inputs that are misread


VALID = "name: N\ninput: {}\nlayers: [conv: {{out: 8, k: 3, p: 1}}, global_avg_pool, flatten]\n"


@pytest.mark.parametrize("shape", ["[224, 224, 3]", "[1, 3, 224, 224]", "[28, 28]", "[3, 4, 4]"])
def test_an_input_that_fits_is_not_refused_for_its_looks(shape: str) -> None:
    convcalc.loads(VALID.format(shape))


@pytest.mark.parametrize(
    "line",
    [
        "analyze {}",
        "analyze {} {} --input 64",
        "explain {} conv",
        "check {} --max params=1M",
        "list {} lenet",
        "list {} --batch 2 --input 32 --input 64",
        "reconcile {}",
        "validate {}",
    ],
)
def test_an_input_that_looks_misread_is_doubted_once_beside_the_answer(
    run: Run, tmp_path: Path, line: str
) -> None:
    spec = tmp_path / "last.yaml"
    spec.write_text(VALID.format("[96, 96, 3]"))
    outcome = run(*line.replace("{}", str(spec)).split())
    assert outcome.status == 0
    assert outcome.err.count("warning[misread-input]: the input 96x96x3 looks as if its") == 1
    assert f"{spec}:2:8" in outcome.err
    assert "help: write `input: [3, 96, 96]`" in outcome.err


@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ("[1, 3, 224, 224]", "write `input: [3, 224, 224]`\n"),
        ("[8, 3, 64, 64]", "write `input: [3, 64, 64]`; --batch 8 is for the samples\n"),
        ("[1, 224, 224, 3]", "write `input: [3, 224, 224]`\n"),
        ("{left: [32, 32, 1]}", "write `left: [1, 32, 32]`\n"),
        ("[28, 28]", ""),
        ("[3, 4, 4]", ""),
        ("[3, 16, 112, 112]", ""),
        ("[1, 64, 128, 128]", ""),
        ("[512, 1, 1]", ""),
    ],
)
def test_what_is_doubted_of_an_input(run: Run, shape: str, cure: str) -> None:
    outcome = run("analyze", "-", stdin=VALID.format(shape).encode())
    assert outcome.status == 0
    assert ("misread-input" in outcome.err) == bool(cure)
    assert cure in outcome.err


def test_no_network_of_the_zoo_is_doubted(run: Run) -> None:
    inputs = [each["input"] for each in zoo.index()]
    alone = [
        sizes for each in inputs for sizes in (each.values() if isinstance(each, dict) else [each])
    ]
    assert all(misread(Shape(*sizes)) is None for sizes in alone)
    assert run("analyze", "r3d_18", "--set", "frames=4", "--json").err == ""


# What a line says of its shapes


def test_what_is_stated_changes_nothing(run: Run, tmp_path: Path) -> None:
    def answer(*lines: str) -> Any:
        spec = tmp_path / "net.yaml"
        body = "".join(f"  - {line}\n" for line in lines)
        spec.write_text(f"name: N\ninput: [3, 8, 8]\nlayers:\n{body}")
        return run("analyze", str(spec), "--json").json["layers"]

    plain = (
        *("conv: {out: 8, k: 3}", "batch_norm", "group_norm: {g: 2}", "instance_norm"),
        *("separable_conv: {out: 8, k: 3}", "conv_transpose: {out: 8, k: 3}", "layer_norm"),
        *("depthwise_conv: {k: 3}", "pointwise_conv: {out: 4}", "flatten", "linear: {out: 2}"),
    )
    said = (
        "conv: {in_channels: 3, out: 8, k: 3, output_shape: [8, 6, 6]}",
        "batch_norm: {num_features: 8}",
        "group_norm: {num_channels: 8, g: 2}",
        "instance_norm: {num_features: in_channels}",
        "separable_conv: {in: 8, out: 8, k: 3}",
        "conv_transpose: {in_channels: 2 * 4, out: 8, k: 3}",
        "layer_norm: {normalized_shape: 8}",
        "depthwise_conv: {in: 8, k: 3}",
        "pointwise_conv: {in: 8, out: 4}",
        "flatten",
        "linear: {in_features: 4 * 4 * 4, out: 2, output_shape: [2]}",
    )
    assert answer(*said) == answer(*plain)


def test_one_field_is_not_stated_twice(run: Run) -> None:
    text = b"name: N\ninput: [3, 8, 8]\nlayers: [conv: {in: 3, in_channels: 3, out: 8, k: 3}]\n"
    assert "`in` and `in_channels` are the same field" in run("analyze", "-", stdin=text).err


# Names in any script

HEAD = "name: N\ninput: [3, 8, 8]\n"
CHINESE = """
name: 手写数字
variables: {宽度: 32, 类别: 10}
presets: {小: {宽度: 16}}
input: [1, 28, 28]
blocks:
  卷积块:
    args: {输出: required}
    let: {一半: 输出 // 2}
    layers:
      - conv: {name: 卷积1, out: 一半, k: 3, p: 1}
      - for_each: {bind: [通道], in: [输出], layers: [conv: {out: 通道, k: 1}]}
layers:
  - 卷积块: {name: 第一, 输出: 宽度 if 宽度>8 else 8}
  - add: {from: [第一, 第一]}
  - flatten
  - linear: {out: 类别}
"""


def test_names_are_in_any_script(run: Run) -> None:
    found = run("analyze", "-", "--json", "--set", "宽度=64", stdin=CHINESE.encode()).json
    assert found["variables"] == {"宽度": 64, "类别": 10}
    assert [row["name"] for row in found["layers"]][:2] == ["第一.卷积1", "第一.conv"]
    assert found["layers"][1]["output_shape"] == [64, 28, 28]
    small = run("analyze", "-", "--json", "--preset", "小", stdin=CHINESE.encode()).json
    assert small["layers"][1]["output_shape"] == [16, 28, 28]


@pytest.mark.parametrize("name", ["größe", "ширина", "ページ", "चौड़ाई", "عرض", "γ", "宽度_2", "ﬁ"])
def test_a_name_is_a_name_in_expressions(name: str) -> None:
    text = f"{HEAD}variables: {{{name}: 3}}\nlayers: [conv: {{out: 2*{name}+1, k: 1}}]\n"
    assert convcalc.loads(text).outputs[0].shape[0] == 7
    assert convcalc.loads(text, variables={name: 4}).outputs[0].shape[0] == 9


def test_a_name_is_one_however_its_accents_are_stored() -> None:
    text = HEAD + "variables: {cafe\u0301: 3}\nlayers: [conv: {out: caf\u00e9, k: 1}]\n"
    for name in ("cafe\u0301", "caf\u00e9"):
        assert convcalc.loads(text, variables={name: 5}).outputs[0].shape[0] == 5
    twice = text.replace("{cafe\u0301: 3}", "{cafe\u0301: 3, caf\u00e9: 4}")
    with pytest.raises(ConvcalcError, match="is here twice"):
        convcalc.loads(twice)


@pytest.mark.parametrize(
    "name",
    ["a\u200bb", "\u3164", "\u115f", "a\u034fb", "x\ufe0f", "a\u202eb", "a\u00adb", "½", "→"],
)
def test_what_is_no_letter_or_is_not_seen_is_in_no_name(name: str) -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in name)
    for place in ('variables: {"%s": 1}', 'outputs: ["%s"]'):
        text = f"name: N\ninput: [3, 8, 8]\nlayers: [relu]\n{place % escaped}\n"
        with pytest.raises(ConvcalcError) as caught:
            convcalc.loads(text)
        assert caught.value.diagnostics[0].code == "bad-name"
