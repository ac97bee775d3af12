"""What lines of a spec mean where it is easy to take one for another."""

from __future__ import annotations

import pytest

import convcalc
from convcalc import ConvcalcError
from tests.conftest import Run

HEAD = "name: N\ninput: [3, 8, 8]\n"


def test_a_wrong_line_is_not_taken_for_an_equal_one_in_pythons_eyes() -> None:
    lines = "layers: [conv: {out: 1, k: 1, bias: true}, conv: {out: 1, k: 1, bias: 1}]"
    with pytest.raises(ConvcalcError, match="`bias` must be true or false, not 1"):
        convcalc.loads(HEAD + lines)


@pytest.mark.parametrize("cell", ["{}", "[{}]", "[[{}]]"])
def test_a_wrong_value_is_not_taken_for_an_equal_one_in_pythons_eyes(cell: str) -> None:
    rows = ", ".join(cell.format(each) for each in ("1", "true"))
    out = "c[0]" if cell == "[[{}]]" else "c"
    turns = f"- for_each: {{bind: [c], in: [{rows}], layers: [conv: {{out: '{out}', k: 1}}]}}"
    with pytest.raises(ConvcalcError, match="must be a whole number, 1 or more, not true"):
        convcalc.loads(f"name: N\ninput: [1, 8, 8]\nlayers:\n{turns}\n")


def test_a_line_that_no_longer_fits_is_refused_by_a_kept_network() -> None:
    line = "conv: {out: 8, k: k}"
    network = convcalc.loads(f"{HEAD}variables: {{k: 3}}\nlayers:\n- {line}\n")
    assert [network.at(k=k).outputs[0].shape for k in (3, 5, 3)] == [
        (8, 6, 6),
        (8, 4, 4),
        (8, 6, 6),
    ]
    for _ in range(2):
        with pytest.raises(ConvcalcError, match="kernel"):
            network.at(k=9)


def test_equal_wrong_lines_are_all_reported() -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.loads(HEAD + "layers:\n- conv: {k: 3}\n- conv: {k: 3}\n")
    assert [each.mark and each.mark.line for each in caught.value.diagnostics] == [4, 5]


def test_equal_lines_see_what_is_in_reach_of_each() -> None:
    turn = "layers: [conv: {out: n, k: 1}]"
    network = convcalc.loads(
        f"{HEAD}layers:\n- for_each: {{bind: [n], in: [1, 2], {turn}}}\n"
        f"- for_each: {{bind: [n], in: [3], {turn}}}\n"
    )
    assert [node.outputs[0].channels for node in network.nodes] == [1, 2, 3]


def test_one_name_takes_a_row_with_and_without_brackets() -> None:
    turn = "layers: [conv: {out: n, k: 1}]"
    for rows in ("[64, 128]", "[[64], [128]]", "[[64], 128]", "widths"):
        head = f"{HEAD}variables: {{widths: [[64], [128]]}}\n"
        network = convcalc.loads(f"{head}layers: [for_each: {{bind: [n], in: {rows}, {turn}}}]")
        assert [node.outputs[0].channels for node in network.nodes] == [64, 128], rows


def test_a_list_is_one_cell_of_a_row() -> None:
    turn = "layers: [conv: {out: 'n[1]', k: 1}]"
    network = convcalc.loads(f"{HEAD}layers: [for_each: {{bind: [n], in: [[[2, 64]]], {turn}}}]")
    assert network.nodes[0].outputs[0].channels == 64


@pytest.mark.parametrize("source", ["input", "input.0"])
def test_a_shortcut_does_not_see_the_names_of_the_body(source: str) -> None:
    body = "[conv: {out: 1, k: 1, name: inside}, conv: {out: 3, k: 1, name: last}]"
    shortcut = f"[conv: {{out: 3, k: 1, from: {source}}}]"
    line = f"layers: [residual: {{layers: {body}, shortcut: {shortcut}}}]"
    assert convcalc.loads(HEAD + line).nodes[2].input_shapes[0].channels == 3
    for name in ("inside", "last"):
        with pytest.raises(ConvcalcError, match=f"names `{name}`, and no layer above"):
            convcalc.loads(HEAD + line.replace(f"from: {source}", f"from: {name}"))


def test_a_shortcut_sees_the_names_around_the_residual() -> None:
    body = "layers: [conv: {out: 4, k: 1, name: x}, conv: {out: 3, k: 1}]"
    shortcut = "shortcut: [conv: {out: 3, k: 1, from: x}]"
    line = f"layers: [relu: {{name: x}}, residual: {{{body}, {shortcut}}}]"
    assert convcalc.loads(HEAD + line).nodes[3].input_shapes[0].channels == 3


def test_a_line_that_stands_twice_is_checked_where_it_stands() -> None:
    line = "[conv: {out: 8, k: 1, output_shape: [c, 8, 8]}]"
    text = f"{HEAD}blocks:\n  b: {{args: {{c: 8}}, layers: {line}}}\nlayers: {line}"
    with pytest.raises(ConvcalcError, match=r"<text>:5:.*unknown name `c`"):
        convcalc.loads(text)


def test_an_argument_may_be_called_as_a_field_of_layers_alone() -> None:
    block = "b: {args: {functional: required}, layers: [conv: {out: functional, k: 1}]}"
    network = convcalc.loads(f"{HEAD}blocks: {{{block}}}\nlayers: [b: {{functional: 5}}]")
    assert network.nodes[0].outputs[0].channels == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layers: [conv: {out: {a: 1}, k: 3}]", "a mapping stands where a value is meant"),
        ("layers: [conv: {out: [null], k: 3}]", "a value is missing here"),
        ("source: [1]\nlayers: [relu]", "`source` must be a text, not the list [1]"),
        ("source: ' '\nlayers: [relu]", "`source` must not be empty"),
        ("layers: [relu: {from: [a b]}]", "`a b` names no tensor"),
        ("layers: [relu: {from: []}]", "`from` names nothing"),
        (
            "variables: [a]\nlayers: [conv: {out: b, k: 1}]",
            "`variables` must be a mapping of names",
        ),
        (
            "blocks: {b: {args: 1, layers: [relu]}}\nlayers: [b]",
            "`args` must be a mapping of names",
        ),
        ("blocks: [b]\nlayers: [b]", "`blocks` must be a mapping of block names"),
        (
            "layers: [branches: {merge: add, paths: []}]",
            "`paths` must be a list of paths, not a list",
        ),
        ("layers: [for_each: {bind: n, in: [1], layers: []}]", "`bind` must be a list of names"),
        ("layers: [for_each: {bind: [n, n], in: [1], layers: []}]", "`bind` names `n` twice"),
        (
            "layers: [for_each: {bind: [n], in: n0, layers: []}]\nvariables: {n0: 1}",
            "`in` must be a",
        ),
        (
            "layers: [for_each: {bind: [n, m], in: [[1]], layers: []}]",
            "this row has 1 value for the",
        ),
        (
            "layers: [for_each: {bind: [n], in: [[1, 2]], layers: []}]",
            "this row has 2 values for the 1 name",
        ),
    ],
)
def test_what_no_form_takes_is_refused_in_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.loads(HEAD + text)
    (found,) = caught.value.diagnostics
    assert found.message.startswith(message)


@pytest.mark.parametrize(
    ("line", "cure"),
    [
        ("residual: [relu]", "- residual: {layers: […]}"),
        ("sequential: [relu]", "- sequential: {layers: […]}"),
        ("repeat: 3", "- repeat: {times: 3, layers: […]}"),
        ("for_each: [64, 128]", "- for_each: {in: […], bind: […], layers: […]}"),
        ("branches: [[], [relu]]", "- branches: {paths: […], merge: …}"),
        ("max_pool: 2", "- max_pool: {k: 2}"),
        ("dropout: 0.5", "- dropout: {rate: 0.5}"),
        ("conv: 64", "- conv: {out: 64, k: …}"),
        ("conv: [64, 3]", "- conv: {out: …, k: …}"),
        ("relu: 6", "- relu"),
        ("unit: width", "- unit: {out: width}"),
    ],
)
def test_a_value_in_the_place_of_fields_is_answered_with_them(
    run: Run, line: str, cure: str
) -> None:
    blocks = "blocks: {unit: {args: {k: 3, out: required}, layers: [relu]}}\n"
    outcome = run("analyze", "-", stdin=f"{HEAD}{blocks}layers: [{line}]".encode())
    assert f"help: write `{cure}`\n" in outcome.err


def test_an_unknown_layer_is_answered_with_the_structures_too(run: Run) -> None:
    outcome = run("analyze", "-", stdin=f"{HEAD}layers: [loops]".encode())
    assert "the structures are `sequential`, `repeat`, `for_each`" in outcome.err


def test_an_input_of_no_shape_is_refused() -> None:
    with pytest.raises(ConvcalcError, match="`input` has no shape in it"):
        convcalc.loads("name: N\ninput: {}\nlayers: [relu]")


def test_a_preset_speaks_of_the_default_that_it_replaces() -> None:
    spec = HEAD + "variables: {n: 2}\npresets: {q: {n: n + 1}}\nlayers: [conv: {out: n, k: 1}]\n"
    assert convcalc.loads(spec, preset="q").outputs[0].shape.channels == 3
