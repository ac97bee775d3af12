"""The JSON Schema of the spec language, read by a validator that was not written here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from convcalc import ConvcalcError, layers
from convcalc.language import forms
from convcalc.language.limits import DEFAULT, Budget
from convcalc.language.reader import read, source_of
from docs.built_forms import module, validating
from docs.generate import PAGES
from tests.conftest import run_convcalc

ROOT = Path(__file__).parent.parent
ZOO = sorted((ROOT / "specs").glob("*.yaml"))
ERRORS = ROOT / "tests" / "errors"
TWINS = sorted(ERRORS.glob("*.ok.yaml"))
BROKEN = sorted(set(ERRORS.glob("*.yaml")) - set(TWINS))

#: Broken specs of which a schema sees nothing: names, expressions, arguments of blocks, shapes, and
#: how much an expression or a loop asks for.
BEYOND_A_SCHEMA = {
    "composite-takes-one",
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
    *("from-left-out", "names-in-chinese", "names-unseen", "stated-sizes"),
    *("join-output-padding", "join-remainder", "join-rounds-up"),
    *("input-batch-in-front", "input-channels-last", "input-flat-image"),
    *("input-image-lacks-channels", "input-lacks-channels"),
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


def parsed(data: bytes | str) -> Any:
    """What YAML says, as plain values. Raises ConvcalcError."""
    return read(source_of(data, "text", DEFAULT), Budget())


def content(path: Path) -> Any:
    """What a spec says, as plain values; None where it is no YAML that a spec may be."""
    try:
        return parsed(path.read_bytes())
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
    assert validator.is_valid(parsed(text)) == valid


def test_schema_to_a_file(tmp_path: Path, schema: Any) -> None:
    target = tmp_path / "convcalc.schema.json"
    assert run_convcalc("schema", "-o", str(target)).out == ""
    assert json.loads(target.read_text(encoding="utf-8")) == schema


# The forms


def described(schema: Any, form: str) -> Any:
    """What a schema says of a form and its fields."""
    if form == "spec":
        return schema
    return schema["$defs"][f"structure_{form}" if form in forms.STRUCTURES else form]


@pytest.mark.parametrize("form", [*forms.STRUCTURES, "block", "spec"])
def test_texts_of_a_form_reach_the_schema(schema: Any, form: str) -> None:
    model = {**forms.STRUCTURES, **forms.OTHERS}[form]
    shown = described(schema, form)
    assert shown["description"] == model.__doc__
    assert list(shown["properties"]) == [
        field.alias or name for name, field in model.model_fields.items()
    ]
    for name, field in model.model_fields.items():
        property = shown["properties"][field.alias or name]
        assert len(property["description"]) > 5
        assert property["description"] == field.description
        assert property["examples"] == field.examples


@pytest.mark.parametrize("form", [*forms.STRUCTURES, "block", "spec"])
def test_examples_of_a_form_are_valid(schema: Any, form: str) -> None:
    for property in described(schema, form)["properties"].values():
        of_field = jsonschema.Draft202012Validator({**property, "$defs": schema["$defs"]})
        assert [example for example in property["examples"] if not of_field.is_valid(example)] == []


@pytest.mark.parametrize("type", ["relu", "swish", "global_avg_pool"])
def test_a_bare_name_shows_the_text_of_its_layer(schema: Any, type: str) -> None:
    bare = schema["$defs"]["element"]["anyOf"][0]["anyOf"]
    (shown,) = (each["description"] for each in bare if each.get("const") == type)
    assert shown.startswith(layers.summary(layers.find(type)))
    assert shown == schema["$defs"][f"layer_{layers.find(type).type}"]["description"]


def test_fields_of_every_layer_are_described(schema: Any) -> None:
    for name in layers.names():
        properties = schema["$defs"][f"layer_{name}"]["properties"]
        for field, model in forms.Layer.model_fields.items():
            assert properties[model.alias or field]["description"] == model.description


# The models, and what is built of them


def test_what_is_built_is_the_models() -> None:
    built = ROOT / "convcalc" / "language" / "built.py"
    assert built.read_text(encoding="utf-8") == module()


def test_the_page_is_made_from_the_models() -> None:
    page = ROOT / "docs" / "forms.md"
    assert page.read_text(encoding="utf-8") == PAGES["forms.md"]()


@pytest.mark.parametrize("form", [*forms.STRUCTURES, *forms.OTHERS])
def test_a_built_form_validates_as_its_model(form: str) -> None:
    from convcalc.language import built

    model = {**forms.STRUCTURES, **forms.OTHERS}[form]
    made = {**built.STRUCTURES, **built.OTHERS}[form]
    assert repr(made) == repr(validating(model.__pydantic_core_schema__))


def answer(before: str, *arguments: str) -> tuple[int, str]:
    """Status and standard error of a command in a process that does something else first."""
    script = f"import sys\n{before}\nfrom convcalc.cli import main\nmain(sys.argv[1:])"
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return done.returncode, done.stderr


NO_PYDANTIC = "sys.modules['pydantic'] = None"
OF_ANOTHER_VERSION = """
from convcalc.language import built
for forms in (built.STRUCTURES, built.OTHERS):
    for name in forms:
        forms[name] = {"type": "model of another version"}
"""


def test_another_core_builds_the_models_itself() -> None:
    arguments = ("validate", "--format", "concise", *map(str, [*ZOO, *BROKEN]))
    assert (
        "pydantic"
        in answer("sys.modules['pydantic'] = None" + OF_ANOTHER_VERSION, "validate", "lenet")[1]
    )
    assert answer(OF_ANOTHER_VERSION, *arguments) == answer("", *arguments)


WITHOUT_INDEX = """
from convcalc.language import built, forms
from docs.built_forms import module
del forms.Repeat.model_fields["index"]
forms.Repeat.model_rebuild(force=True)
exec(module(), vars(built))
"""


def test_a_field_that_a_model_loses_is_refused(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    line = "repeat: {times: 2, index: i, layers: [relu]}"
    spec.write_text(f"name: N\ninput: [3, 8, 8]\nlayers:\n- {line}\n")
    assert answer("", "validate", str(spec)) == (0, "")
    said = answer(WITHOUT_INDEX, "validate", str(spec))[1]
    assert said.startswith("error[unknown-field]: `repeat` has no field `index`")
