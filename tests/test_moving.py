"""What moves and combines tensors: shapes as PyTorch makes them, operations one by one."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest

import convcalc

from .conftest import Run

#: A layer, the sizes of its inputs, and what PyTorch 2.13 makes of them: `torch.cat`, `split`,
#: slices of Python, `torch.nn.functional.pad`, `Unfold`, `Fold`, `MaxUnpool`, `flatten`.
MADE: list[tuple[str, list[list[int]], list[list[int]]]] = [
    ("concat: {axis: -1}", [[4, 5, 6], [4, 5, 2]], [[4, 5, 8]]),
    ("concat: {axis: 1}", [[4, 5, 6], [4, 1, 6]], [[4, 6, 6]]),
    ("split: {sizes: [1, 4], axis: 1}", [[4, 5, 6]], [[4, 1, 6], [4, 4, 6]]),
    ("split: {sections: 3, axis: -1}", [[4, 5, 6]], [[4, 5, 2]] * 3),
    ("slice: {start: -3}", [[8, 5]], [[3, 5]]),
    ("slice: {stop: -3}", [[8, 5]], [[5, 5]]),
    ("slice: {axis: -1, start: 1, stop: -1, step: 2}", [[8, 2, 9]], [[8, 2, 4]]),
    ("pad: {axis: 0, p: [0, 3]}", [[8]], [[11]]),
    ("pad: {axis: -1, p: [4, -1]}", [[8, 5, 6]], [[8, 5, 9]]),
    ("pad: {axis: 1, p: -2}", [[8, 5, 6]], [[8, 1, 6]]),
    ("pad: {p: [[-1, 0], [2, -6]]}", [[8, 5, 6]], [[8, 4, 2]]),
    ("pad: {p: [[2, -4]], mode: replicate}", [[2, 3]], [[2, 1]]),
    ("flatten: {start_axis: 1}", [[4, 5, 6]], [[4, 30]]),
    ("flatten: {start_axis: -2}", [[2, 3, 4, 5]], [[2, 3, 20]]),
    ("pixel_unshuffle: {factor: 3}", [[2, 6, 9]], [[18, 2, 3]]),
    ("unfold: {k: [2, 3], s: 2, p: [0, 1], d: [1, 2]}", [[3, 6, 7]], [[18, 9]]),
    ("fold: {output_size: [6, 7], k: [2, 3], s: 2, p: [0, 1], d: [1, 2]}", [[18, 9]], [[3, 6, 7]]),
    ("max_unpool: {k: 3, s: 2, p: 1}", [[4, 5, 7]], [[4, 9, 13]]),
    ("max_unpool: {k: 2, output_size: [9, 8]}", [[4, 4, 4]], [[4, 9, 8]]),
    ("adaptive_avg_pool: {output_size: [null, 7]}", [[8, 14, 14]], [[8, 14, 7]]),
    ("adaptive_max_pool: {output_size: [2, null, 1]}", [[8, 4, 5, 6]], [[8, 2, 5, 1]]),
    ("sub", [[8, 1, 5], [1, 4, 5]], [[8, 4, 5]]),
    ("maximum", [[8, 4, 5], [8, 1, 1], [1, 4, 5]], [[8, 4, 5]]),
]


def analyzed(layer: str, *inputs: list[int]) -> convcalc.Analysis:
    """The analysis of one layer, as a spec has it. Raises ConvcalcError."""
    names = ", ".join(f"x{i}" for i in range(len(inputs)))
    type, colon, fields = layer.partition(": ")
    call = f"{{from: [{names}], {fields.strip('{}') if colon else ''}}}"
    sizes = json.dumps(dict(zip(names.split(", "), inputs)))
    return convcalc.loads(f"name: N\ninput: {sizes}\nlayers:\n  - {type}: {call}\n").analyze()


def message(layer: str, *inputs: list[int]) -> str:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        analyzed(layer, *inputs)
    return caught.value.diagnostics[0].message


def operations(layer: str, *inputs: list[int]) -> dict[str, int]:
    (row,) = analyzed(layer, *inputs).rows
    return dict(row.operations)


@pytest.mark.parametrize(("layer", "inputs", "made"), MADE, ids=[row[0] for row in MADE])
def test_shapes_are_pytorchs(layer: str, inputs: list[Any], made: list[Any]) -> None:
    (row,) = analyzed(layer, *inputs).rows
    assert [list(shape) for shape in row.output_shapes] == made


def test_a_slice_keeps_what_python_keeps() -> None:
    ends = [None, *range(-6, 7)]
    for start, stop, step in product(range(-6, 7), ends, (1, 2, 5)):
        kept = len(range(6)[start:stop:step])
        within = -6 <= start < 6 and (stop is None or -6 <= stop <= 6)
        until = "" if stop is None else f", stop: {stop}"
        layer = f"slice: {{axis: 1, start: {start}{until}, step: {step}}}"
        if kept and within:
            assert analyzed(layer, [1, 6]).rows[0].output_shapes[0][1] == kept
        else:
            assert message(layer, [1, 6]).startswith("a slice ")


@pytest.mark.parametrize(
    ("layer", "count"),
    [
        ("add: {value: 1}", {"add": 60}),
        ("sub: {value: 1}", {"add": 60}),
        ("mul: {value: 0.5}", {"mul": 60}),
        ("div: {value: 255}", {"div": 60}),
        ("maximum: {value: 0}", {"cmp": 60}),
        ("minimum: {value: 6}", {"cmp": 60}),
        ("clamp: {min: 0}", {"cmp": 60}),
        ("clamp: {min: 0, max: 6}", {"cmp": 120}),
        ("abs", {"cmp": 60}),
        ("sqrt", {"sqrt": 60}),
        ("square", {"mul": 60}),
        ("exp", {"exp": 60}),
        ("log", {"log": 60}),
        ("flatten: {start_axis: 1}", {}),
        ("unfold: {k: 2}", {}),
    ],
)
def test_an_element_costs_what_is_done_to_it(layer: str, count: dict[str, int]) -> None:
    assert operations(layer, [3, 4, 5]) == count


def test_each_further_operand_is_an_operation() -> None:
    three = [[3, 4, 5]] * 3
    assert operations("minimum", *three) == {"cmp": 120}
    assert operations("div", *three[1:]) == {"div": 60}


def test_a_fold_adds_up_what_meets_in_a_cell() -> None:
    for n, k, s, d in product((5, 7), (2, 3), (1, 2, 3), (1, 2)):
        count = (n - d * (k - 1) - 1) // s + 1
        met = [y * s + i * d for y in range(count) for i in range(k)]
        columns = [2 * k * k, count * count]
        layer = f"fold: {{output_size: {n}, k: {k}, s: {s}, d: {d}}}"
        additions = 2 * (len(met) ** 2 - len(set(met)) ** 2)
        assert operations(layer, columns).get("add", 0) == additions


def test_an_axis_that_keeps_its_size_has_windows_of_one_cell() -> None:
    assert operations("adaptive_avg_pool: {output_size: [null, 2]}", [1, 3, 4]) == {
        "add": 6,
        "div": 6,
    }


def test_what_slides_no_window_takes_eight_axes() -> None:
    text = """
name: N
input: [2, 32, 64]
layers:
  - reshape: {shape: [2, 4, 2, 2, 2, 4, 4, 4]}
  - relu
  - softmax
  - batch_norm
  - layer_norm
  - group_norm: {g: 2}
  - instance_norm
  - local_response_norm: {size: 3}
  - linear: {out: 2, per_position: true}
  - scale
  - dropout
  - channel_shuffle: {g: 2}
  - clamp: {min: 0}
  - mul: {value: 2}
  - pad: {p: 1}
  - pad: {p: -1}
  - slice: {axis: -1, step: 1}
  - residual: {layers: [identity]}
  - split: {name: parts, sections: 2, axis: -2}
  - concat: {from: [parts.0, parts.1], axis: -2}
  - flatten: {start_axis: -1}
"""
    assert convcalc.loads(text).analyze().rows[-1].output_shapes == ((2, 4, 2, 2, 2, 4, 4, 4),)


def test_a_ninth_axis_is_refused() -> None:
    said = message("reshape: {shape: [1, 1, 1, 1, 1, 1, 1, 1, 4]}", [4])
    assert said == "a tensor has 8 axes at the most, channels and all, and these are 9 sizes"


def test_a_stated_shape_may_have_eight_axes() -> None:
    shape = [2] * 8
    analyzed(f"reshape: {{shape: {shape}, output_shape: {shape}}}", [256])
    other = [*shape[:7], 3]
    said = message(f"reshape: {{shape: {shape}, output_shape: {other}}}", [256])
    assert said.startswith("`output_shape` says 2×2×2×2×2×2×2×3, and reshape makes")


@pytest.mark.parametrize(
    ("layer", "inputs", "said"),
    [
        ("sub", [[4]], "sub joins 2 tensors, or one and a constant, and gets 1"),
        ("sub", [[4]] * 3, "sub takes 2 tensors, and gets 3"),
        (
            "mul: {value: 2}",
            [[4], [4]],
            "mul takes one tensor and the constant 2, and gets 2 tensors",
        ),
        ("split: {axis: 1}", [[4, 4]], "split takes either `sections` or `sizes`"),
        ("split: {sections: 2, sizes: [2, 2]}", [[4]], "split takes either `sections` or `sizes`"),
        (
            "split: {sections: 3, axis: 1}",
            [[3, 4]],
            "4 cells cannot be split into 3 equal parts",
        ),
        (
            "concat: {axis: 1}",
            [[4, 5], [5, 5]],
            "concat cannot join 4×5 and 5×5: all sizes but those of axis 1 must be the same",
        ),
        ("concat", [[4, 5], [4]], "concat cannot join 4×5 and 4: one has 2 axes, the other 1"),
        (
            "flatten: {start_axis: -2}",
            [[4]],
            "start_axis must be 0 or -1, on an input of 1 axis, not -2",
        ),
        ("pad: {axis: 0, p: [1, 2, 3]}", [[4]], "padding has 3 values, and one axis is padded"),
        ("pad: {axis: 0, p: 1, mode: reflect}", [[4]], "the mode reflect pads one to three"),
        ("pad: {p: 1}", [[4]], "pad takes an input with spatial axes, and 4 has none"),
        ("pad: {p: same}", [[4, 4]], "pad takes numbers, not `same`"),
        ("pad: {axis: 1, p: [-5, 2]}", [[2, 4]], "a padding of -5 cuts off more than the 4 cells"),
        (
            "fold: {output_size: [3, 3, 3], k: 1}",
            [[4, 9]],
            "output_size has 3 values, and fold makes 2 spatial axes",
        ),
        ("fold: {output_size: 3, k: 2}", [[6, 4]], "6 channels cannot be split into the 4 cells"),
        ("fold: {output_size: 2, k: 3}", [[9, 1]], "a window that spans 3 does not fit into 2"),
        ("pixel_unshuffle: {factor: 2}", [[2, 4, 5]], "5 cells cannot be split into groups of 2"),
        ("max_unpool: {k: 2, p: 4}", [[2, 4]], "a padding of 4 + 4 takes all of max_unpool's"),
    ],
)
def test_refusals_have_the_numbers_in_them(layer: str, inputs: list[Any], said: str) -> None:
    assert message(layer, *inputs).startswith(said)


def test_sizes_left_open_stand_in_expressions_and_options(run: Run) -> None:
    pool = "adaptive_avg_pool: {output_size: [null, in_width // 2]}"
    assert list(analyzed(pool, [8, 14, 14]).rows[0].output_shapes[0]) == [8, 14, 7]
    explained = run("layer", "adaptive_avg_pool", "--output-size", "null,7", "--in", "8x14x14")
    assert explained.out.startswith("adaptive_avg_pool: output_size [null, 7]\n")
    asked = convcalc.layer("adaptive_avg_pool", input=(8, 14, 14), output_size=[None, 7])
    assert asked.config["output_size"] == [None, 7]


def test_null_stands_in_no_other_list() -> None:
    assert message("max_pool: {k: [2, null]}", [8, 14, 14]) == "a value is missing here"


def test_formulas_say_ends_and_negative_numbers(run: Run) -> None:
    said = run("layer", "pad", "--axis", "-1", "--p", "4,-1", "--in", "8x10x10").out
    assert "W_out = W_in + p_before + p_after\n        = 10 + 4 + (−1)\n" in said
    said = run("layer", "slice", "--start", "-4", "--stop", "-1", "--in", "8x1x1").out
    assert "C_out = ⌊(stop − start + step − 1)/step⌋\n        = ⌊((−1) − (−4)" in said


def test_axes_beyond_three_have_numbers(run: Run) -> None:
    said = run("layer", "relu", "--dims", "4").out
    assert "S1_in·S2_in·S3_in·S4_in" in said
    assert "S4_in  input size of axis 4" in said


def test_a_join_behind_an_unfold_is_refused_as_any() -> None:
    text = """
name: N
input: [4, 9, 9]
layers:
  - unfold: {name: a, k: 2, s: 2}
  - conv: {name: b, from: input, out: 16, k: 2, s: 2}
  - flatten: {name: c, start_axis: 1}
  - slice: {name: d, axis: 1, start: 1}
  - add: {from: [a, d]}
"""
    with pytest.raises(convcalc.ConvcalcError, match="add cannot join 16×16 and 16×15"):
        convcalc.loads(text)


def test_columns_of_what_moves_cells(run: Run) -> None:
    spec = b"""
name: N
input: [8, 16, 16]
layers:
  - unfold: {k: 3, s: 2, p: 1}
  - fold: {output_size: 16, k: 3, s: 2, p: 1}
  - pad: {axis: 1, p: [4, -1]}
  - sub: {value: 1}
"""
    columns = ("name", "kind", "kernel", "stride", "padding")
    said = run("analyze", "-", "--columns", ",".join(columns), "--format", "csv", stdin=spec).out
    assert said.splitlines() == [
        "name,kind,kernel,stride,padding",
        "unfold,other,3x3,2x2,1x1",
        "fold,other,3x3,2x2,1x1",
        "pad,other,,,4-1x0",
        "sub,elementwise,,,",
    ]
