"""The JSON Schema of the spec language, read by a validator that was not written here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc import ConvcalcError, layers
from convcalc.expressions import FUNCTIONS, Bounds, ExpressionError, parse
from convcalc.language import forms
from convcalc.language.limits import DEFAULT, Budget
from convcalc.language.reader import read, source_of
from docs.built_forms import module, validating
from docs.generate import PAGES
from fuzz.schema import measure
from tests.conftest import run_convcalc
from tests.strategies import expressions, nearly_expressions

ROOT = Path(__file__).parent.parent
ZOO = sorted((ROOT / "specs").glob("*.yaml"))
ERRORS = ROOT / "tests" / "errors"
TWINS = sorted(ERRORS.glob("*.ok.yaml"))
BROKEN = sorted(set(ERRORS.glob("*.yaml")) - set(TWINS))

#: Broken specs of which a schema sees nothing: names of the spec's own, arguments of blocks, the
#: values of expressions, shapes, and how much an expression or a loop asks for.
BEYOND_A_SCHEMA = {
    "composite-takes-one",
    *("add-shapes-differ", "add-takes-two", "concat-sizes-differ", "conv-of-flat-input"),
    *("groups-by-expression", "groups-do-not-divide-input", "groups-do-not-divide-output"),
    *("kernel-axes", "kernel-too-large", "kernel-too-large-dilated", "linear-after-feature-map"),
    *("one-tensor-wanted", "output-padding", "pool-padding", "pool-too-large", "reshape-elements"),
    *("residual-channels-differ", "residual-lacks-padding", "residual-stride-without-shortcut"),
    *("same-in-transposed", "several-shapes", "shortcut-lacks-stride", "shuffle-groups"),
    *("split-parts", "squeeze-excite-inside", "unknown-axis-name"),
    *("axis-out-of-range", "clamp-bounds-crossed", "constant-and-two-tensors", "fold-positions"),
    *("division-by-zero-constant", "pad-cuts-all", "split-sizes", "too-many-axes"),
    *("unfold-too-large", "unpool-output-size"),
    *("attention-heads", "matmul-inner-sizes", "matmul-no-transpose", "matmul-of-a-vector"),
    *("parameter-from", "permute-order", "reduce-axes"),
    *("block-arguments", "block-calls-itself", "block-in-block", "from-out-of-reach"),
    *("unknown-from", "unknown-option-word", "unknown-output", "unknown-part"),
    *("unknown-preset-variable", "from-left-out"),
    *("channels-not-whole", "expression-division-by-zero", "expression-in-a-list"),
    *("expression-kinds", "expression-unknown-name"),
    *("names-unseen", "name-of-an-input", "one-of-named-inputs", "stated-sizes"),
    *("for-each-of-tensors", "concat-along-another-axis", "weights-of-other-features"),
    *("weights-built-otherwise", "weights-in-turns", "weights-of-another-structure"),
    *("weights-of-itself", "weights-of-later", "weights-of-other-channels"),
    *("join-output-padding", "join-remainder", "join-rounds-up"),
    *("input-batch-in-front", "input-channels-last", "input-flat-image"),
    *("input-image-lacks-channels", "input-lacks-channels"),
    *("python-words", "repeat-not-whole", "row-of-wrong-length", "variable-order"),
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
    assert "output channels are split into" in conv["g"]["description"]


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
        ("unit: {c: 8, when: c > 2}", True),
        ("unit", True),
        ("unit: 8", False),
        ("unit: {in_channels: 8}", False),
        ("residual: {layers: [relu], connect: c == 2}", True),
        ("residual: {layer: [relu]}", False),
        ("branches: {paths: [[], [relu]], merge: add}", True),
        ("branches: {paths: [[], [relu]], merge: sum}", False),
        ("{conv: {out: 8, k: 3}, relu: }", False),
    ],
)
def test_one_line(validator: Any, line: str, valid: bool) -> None:
    blocks = "blocks: {unit: {args: {c: 1}, layers: [relu]}}"
    assert is_valid(validator, f"{blocks}\ninput: [3, 8, 8]\nlayers:\n  - {line}") == valid


def is_valid(validator: Any, text: str) -> bool:
    """Whether a schema accepts a spec that lacks its name alone."""
    return bool(validator.is_valid(parsed(f"name: N\n{text}\n")))


@pytest.mark.parametrize(
    ("layers", "valid"),
    [
        ("[relu, {conv: {out: 8, k: 1}}, swish]", True),
        ("[rleu]", False),
        ("[cnov: {out: 8, k: 1}]", False),
        ("[sequential: {layers: [rleu]}]", False),
        ("[repeat: {times: 2, layers: [{residual: {layers: [], shortcut: [unit]}}]}]", False),
        ("[branches: {merge: add, paths: [[], [{relu: }, {unit: }]]}]", False),
        ("[branches: {merge: add, paths: [[], [{relu: }, {gelu: }]]}]", True),
    ],
)
def test_a_spec_without_blocks_has_layers_alone(validator: Any, layers: str, valid: bool) -> None:
    assert is_valid(validator, f"input: [3, 8, 8]\nlayers: {layers}") == valid
    assert is_valid(validator, f"blocks: {{}}\ninput: [3, 8, 8]\nlayers: {layers}") == valid


@pytest.mark.parametrize(
    ("variables", "presets", "valid"),
    [
        ("{a: 1}", "{p: {a: 2}}", True),
        ("{}", "{p: {}}", True),
        ("{}", "{p: {a: 2}}", False),
        ("{a: 1}", "{p: {a b: 2}}", False),
    ],
)
def test_presets_set_variables(validator: Any, variables: str, presets: str, valid: bool) -> None:
    text = f"variables: {variables}\npresets: {presets}\ninput: [3, 8, 8]\nlayers: [relu]"
    assert is_valid(validator, text) == valid


# Expressions


def reads(text: str) -> bool:
    """Whether the language reads a text as an expression."""
    try:
        return bool(parse(text, Bounds(brackets=60)))
    except ExpressionError:
        return False


@pytest.fixture(scope="module")
def pattern(schema: Any) -> re.Pattern[str]:
    return re.compile(schema["$defs"]["expression"]["pattern"])


@given(st.one_of(expressions, nearly_expressions))
@settings(max_examples=600, derandomize=True)
def test_the_pattern_has_every_expression(pattern: re.Pattern[str], text: str) -> None:
    # A function's name alone reads, and names nothing.
    assert pattern.search(text) or not reads(text) or text.strip() in FUNCTIONS


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1",
            " a ",
            "(a + 1) * 2",
            "-a ** -2",
            "not not a",
            "- -1",
            "1if a else 2",
            ".5e-3",
            "5.",
        ),
        *("[1, [2, 'a,b'],]", "[][0]", "min(a, 2)", "max( [1] )[0]", '"x" == a', "a<b<=c!=d"),
        *("make_divisible(a * 0.5, 8) // 2 % 3", "a or b and not c", "true", "in_channels"),
    ],
)
def test_the_pattern_has_what_reads(pattern: re.Pattern[str], text: str) -> None:
    assert reads(text)
    assert pattern.search(text)


@pytest.mark.parametrize(
    "text",
    [
        *("3x3", "5r", "1_000", "1,000", "1:30", "a b", "a +", "* a", "a ** ", "a = 1", "a && b"),
        *(
            "celi(2.5)",
            "a.b",
            "10 iif a else 2",
            "()",
            "(,",
            "a ~ b",
            "{a: 1}",
            "'a",
            "a if else b",
        ),
    ],
)
def test_a_text_that_is_no_expression(pattern: re.Pattern[str], text: str) -> None:
    assert not reads(text)
    assert not pattern.search(text)


@pytest.mark.parametrize(
    "piece", ["1", " ", "a ", "(", "[ ", "-", "not ", "1,", "a+", "a if b else ", "1e", "'"]
)
def test_the_pattern_reads_a_text_once(pattern: re.Pattern[str], piece: str) -> None:
    text = piece * (2000 // len(piece))
    start = time.process_time()
    assert not pattern.search(text + "~")
    assert time.process_time() - start < 0.1


def test_patterns_are_those_of_javascript(schema: Any) -> None:
    # Editors read them as Unicode, where nothing else may be escaped.
    patterns = re.findall('"pattern": ("(?:[^"\\\\]|\\\\.)*")', json.dumps(schema))
    escaped = {found for each in patterns for found in re.findall(r"\\(.)", json.loads(each))}
    assert "s" in escaped
    assert escaped <= set("sSdDwWnrtx^$\\.*+?()[]{}|/")


# How much it sees


def test_the_schema_sees_nine_mistakes_in_ten() -> None:
    found = measure(150, seed=0)
    assert found.alarms == ()
    assert found.share >= 0.9


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
    arguments = ("validate", "--format", "concise", *map(str, [*TWINS, *BROKEN]))
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
