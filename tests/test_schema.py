"""The JSON Schema of the spec language, read by a validator that was not written here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from convcalc import ConvcalcError, layers
from convcalc.language.reader import read
from tests.conftest import run_convcalc

ROOT = Path(__file__).parent.parent
ZOO = sorted((ROOT / "specs").glob("*.yaml"))
ERRORS = ROOT / "tests" / "errors"
TWINS = sorted(ERRORS.glob("*.ok.yaml"))
BROKEN = sorted(set(ERRORS.glob("*.yaml")) - set(TWINS))

#: Broken specs of which a schema sees nothing: names, expressions, arguments of blocks, shapes, and
#: how much an expression or a loop asks for.
BEYOND_A_SCHEMA = {
    *("add-shapes-differ", "add-takes-two", "concat-sizes-differ", "conv-of-flat-input"),
    *("groups-by-expression", "groups-do-not-divide-input", "groups-do-not-divide-output"),
    *("kernel-axes", "kernel-too-large", "kernel-too-large-dilated", "linear-after-feature-map"),
    *("one-tensor-wanted", "output-padding", "pool-padding", "pool-too-large", "reshape-elements"),
    *("residual-channels-differ", "residual-lacks-padding", "residual-stride-without-shortcut"),
    *("same-in-transposed", "several-shapes", "shortcut-lacks-stride", "shuffle-groups"),
    *("split-parts", "squeeze-excite-inside", "unknown-axis-name", "upsample-neither"),
    *("block-arguments", "block-calls-itself", "block-in-block", "from-out-of-reach"),
    *("unknown-from", "unknown-layer", "unknown-layer-elsewhere", "unknown-option-word"),
    *("unknown-output", "unknown-part", "unknown-preset-variable", "more-than-twenty"),
    "from-left-out",
    *("channels-not-whole", "expression-division-by-zero", "expression-functions"),
    *("expression-in-a-list", "expression-kinds", "expression-syntax", "expression-unknown-name"),
    *("python-words", "repeat-not-whole", "row-of-wrong-length", "variable-order"),
    *("yaml-comma", "yaml-octal", "yaml-sexagesimal", "yaml-underscore"),
    *("limit-brackets", "limit-list", "limit-power", "limit-repeat"),
}


@pytest.fixture(scope="module")
def schema() -> Any:
    return run_convcalc("schema").json


@pytest.fixture(scope="module")
def validator(schema: Any) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema)


def content(path: Path) -> Any:
    """What a spec says, as plain values; None where it is no YAML that a spec may be."""
    try:
        return read(path.read_bytes(), path.name)[0]
    except ConvcalcError:
        return None


def test_schema_is_a_schema(schema: Any) -> None:
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", [*ZOO, *TWINS], ids=lambda path: path.stem)
def test_right_specs_are_valid(validator: Any, path: Path) -> None:
    assert [error.message for error in validator.iter_errors(content(path))] == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken_specs_are_invalid(validator: Any, path: Path) -> None:
    raw = content(path)
    if raw is None:
        assert path.stem.startswith(("yaml-", "empty-"))
    else:
        assert validator.is_valid(raw) == (path.stem in BEYOND_A_SCHEMA)


def test_every_layer_type_is_described(schema: Any) -> None:
    offered = schema["$defs"]["element"]["anyOf"][1]["properties"]
    assert set(layers.TYPES) <= set(offered)
    for name in layers.names():
        described = schema["$defs"][f"layer_{name}"]
        assert described["description"].startswith(layers.summary(layers.find(name)))


def test_short_names_and_defaults(schema: Any) -> None:
    conv = schema["$defs"]["layer_conv"]["properties"]
    assert conv["k"] == conv["kernel_size"]
    assert conv["bias"]["default"] is True
    assert conv["stride"]["default"] == 1
    assert "split into this many groups" in conv["g"]["description"]


@pytest.mark.parametrize(
    ("line", "valid"),
    [
        ("conv: {out: 8, k: 3}", True),
        ("conv: {out_channels: 8, kernel_size: [3, 3]}", True),
        ("conv: {out: c * 2, k: [k, 1]}", True),
        ("conv: {out: 8, k: 3, kernel_size: 3}", False),
        ("conv: {k: 3}", False),
        ("conv: {out: 8, k: 0}", False),
        ("conv: {out: 8, k: 3, bias: 1}", False),
        ("conv: {out: 8, k: 3, p: [[0, 1], [0, 1]]}", True),
        ("conv: {out: 8, k: 3, p: [[0, 1, 2]]}", False),
        ("conv", False),
        ("relu", True),
        ("swish", True),
        ("relu: ", True),
        ("relu: {when: stride == 1, name: last, from: [a, b.0]}", True),
        ("relu: {slope: 1}", False),
        ("my_block: {out: 8}", True),
        ("my_block: 8", False),
        ("residual: {layers: [relu], connect: c == 2}", True),
        ("residual: {layer: [relu]}", False),
        ("branches: {paths: [[], [relu]], merge: add}", True),
        ("branches: {paths: [[], [relu]], merge: sum}", False),
        ("{conv: {out: 8, k: 3}, relu: }", False),
    ],
)
def test_one_line(validator: Any, line: str, valid: bool) -> None:
    text = f"name: N\ninput: [3, 8, 8]\nlayers:\n  - {line}\n"
    assert validator.is_valid(read(text, "text")[0]) == valid


def test_schema_to_a_file(tmp_path: Path, schema: Any) -> None:
    target = tmp_path / "convcalc.schema.json"
    assert run_convcalc("schema", "-o", str(target)).out == ""
    assert json.loads(target.read_text(encoding="utf-8")) == schema
