"""The first minutes: a spec to read, one to begin with, and words that are meant otherwise."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import convcalc
from convcalc import ConvcalcError, layers
from convcalc.language import built, elsewhere, samples
from tests.conftest import Run

SPECS = Path(__file__).parent.parent / "specs"


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_a_spec_of_the_zoo_is_shown_as_it_is(run: Run, name: str) -> None:
    outcome = run("show", name)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out == (SPECS / f"{name}.yaml").read_text(encoding="utf-8")


def test_a_preset_is_shown_as_its_spec(run: Run) -> None:
    text = run("show", "resnet50").out
    first, _, rest = text.partition("\n")
    assert rest == (SPECS / "resnet.yaml").read_text(encoding="utf-8")
    preset = re.search(r"--preset (\w+)$", first)
    assert preset is not None
    shown = convcalc.loads(text, preset=preset[1]).totals
    assert shown == convcalc.load("resnet50").totals


def test_what_is_shown_goes_to_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "copy.yaml"
    assert run("show", "lenet", "-o", str(file)).status == 0
    assert file.read_bytes() == (SPECS / "lenet.yaml").read_bytes()
    assert run("show", str(file), "-o", str(file)).status == 2


def test_a_new_spec_is_right(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "mine.yaml")
    said = run("new", file)
    assert (said.status, said.err) == (0, "")
    command = re.search(r"`convcalc ([^`]*)`", said.out)
    assert command is not None
    answer = run(*shlex.split(command[1]), "--json").json
    # Convolutions of 3·16, 16·32 and twice 32·32 channels, of 9 cells; two factors a channel of
    # the normalisations; and the classifier.
    weights = 9 * (3 * 16 + 16 * 32 + 2 * 32 * 32) + 2 * (16 + 3 * 32) + 10 * 32 + 10
    assert answer["totals"]["params"] == weights
    assert answer["name"] == "mine"
    assert run("validate", file).status == 0


def test_what_a_new_spec_says_of_itself_can_be_done(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("new", "mine.yaml")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    commands = re.findall(r"convcalc (analyze[^`\n]*|show[^`\n]*|layer[^`\n]*)", text)
    assert len(commands) == 4
    for command in commands:
        assert run(*command.split()).status == 0


@pytest.mark.parametrize("stem", ["a b", "no", "卷积", "2nd", "x'y", "a:b", "NULL", "-"])
def test_a_new_spec_has_the_name_of_its_file(run: Run, tmp_path: Path, stem: str) -> None:
    file = tmp_path / f"{stem}.yaml"
    assert run("new", str(file)).status == 0
    assert convcalc.load(file).name == stem


def test_a_new_spec_begins_with_another(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    said = run("new", str(file), "--from", "resnet50")
    command = re.search(r"`convcalc ([^`]*)`", said.out)
    assert command is not None
    answer = run(*shlex.split(command[1]), "--json").json
    assert answer["totals"] == run("analyze", "resnet50", "--json").json["totals"]


@pytest.mark.parametrize("make", ["file", "folder", "link"])
def test_what_is_there_stays(run: Run, tmp_path: Path, make: str) -> None:
    file = tmp_path / "mine.yaml"
    if make == "file":
        file.write_text("mine")
    elif make == "folder":
        file.mkdir()
    else:
        file.symlink_to(tmp_path / "away")
    outcome = run("new", str(file))
    assert (outcome.status, outcome.out) == (2, "")
    assert "is there already" in outcome.err
    assert not file.is_file() or file.read_text() == "mine"
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("new", "`convcalc new mine.yaml`"),
        ("new mine", "name it mine.yaml"),
        ("new no/folder/mine.yaml", "cannot be written"),
        ("new x.yaml --from renset50", "did you mean `resnet50`"),
        ("show", "`convcalc show` needs a spec"),
        ("show lennet", "did you mean `lenet`"),
        ("analyze", "`convcalc analyze mobilenet_v1`; `convcalc new mine.yaml` begins one"),
        ("reconcile", "`convcalc reconcile` needs a spec"),
        ("validate", "`convcalc validate` needs a spec"),
        ("explain", "`convcalc explain mobilenet_v1 stem.conv`"),
        ("explain lenet", "`convcalc analyze lenet` names them"),
        ("mobilnet_v1", "did you mean `mobilenet_v1`"),
        ("nothing.yaml", "there is no file nothing.yaml"),
        ("xyz", "there is no command and no spec `xyz`"),
        (
            "layer fc --out 10 --in 84",
            "it is `linear` here: convcalc layer linear --out 10 --in 84",
        ),
        ("conv --k 5", "did you mean `convcalc layer conv --k 5`?"),
        ("Conv2d --k 5", "did you mean `convcalc layer conv --k 5`?"),
        ("fc --out 10", "did you mean `convcalc layer linear --out 10`?"),
        ("layer roll", "it is two `slice`s, which `concat` joins"),
        ("max_pool", "did you mean `convcalc layer max_pool`?"),
    ],
)
def test_what_is_meant_is_said(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run(*arguments.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_spec_alone_is_analyzed(run: Run, tmp_path: Path) -> None:
    assert run("resnet18", "--depth", "1") == run("analyze", "resnet18", "--depth", "1")
    file = tmp_path / "mine.yaml"
    run("new", str(file))
    assert run(str(file), "--json") == run("analyze", str(file), "--json")
    assert run("-", stdin=file.read_bytes()).out == run(str(file)).out


@pytest.mark.parametrize("name", sorted(elsewhere.LAYERS))
def test_a_layer_of_another_name_is_answered_with_its_own(run: Run, name: str) -> None:
    if not layers.is_known(elsewhere.LAYERS[name]):
        return  # a structure, which stands in specs alone
    outcome = run("layer", name)
    command = re.search(r"convcalc (layer \S+)", outcome.err)
    assert (outcome.status, outcome.out) == (2, "")
    assert command is not None
    assert run(*command[1].split(), "--help").status == 0


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Conv2d", "conv"),
        ("MaxPool2D", "max_pool"),
        ("BatchNorm2d", "batch_norm"),
        ("ReLU6", "relu6"),
        ("SeparableConv2D", "separable_conv"),
        ("Convolution2D", "conv"),
        ("depthwise_separable", "separable_conv"),
        ("depthwise_separable_conv", "separable_conv"),
        ("DepthwiseSeparableConvolution", "separable_conv"),
        ("transposed-convolution", "conv_transpose"),
        ("transpose", "permute"),
        ("cls_token", "parameter"),
        ("pos_embed", "parameter"),
        ("MultiheadAttention", "self_attention"),
        ("bmm", "matmul"),
        ("mean", "reduce"),
    ],
)
def test_a_class_of_pytorch_or_keras_is_understood(run: Run, name: str, meant: str) -> None:
    assert f"it is `{meant}` here" in run("layer", name).err


def test_a_structure_that_is_asked_for_as_a_layer_is_answered_with_a_line_that_is_right(
    run: Run,
) -> None:
    assert set(samples.STRUCTURES) == set(built.STRUCTURES)
    for name in (*samples.STRUCTURES, "foreach", "loop"):
        said = run("layer", name, "--help").err
        line = re.search(r"`- (.+?)`; ", said)
        assert line is not None, said
        assert convcalc.loads(f"name: N\ninput: [64, 56, 56]\nlayers:\n  - {line[1]}\n")
        with pytest.raises(ConvcalcError, match="it is a structure"):
            convcalc.layer(name)


def test_short_options(run: Run) -> None:
    short = run(
        "layer", "conv", "-k", "3", "-s", "2", "-p", "1", "-d", "2", "-g", "4", "--in", "64"
    )
    long = run("layer", "conv", *"--k 3 --s 2 --p 1 --d 2 --g 4 --in 64".split())
    assert short.status == 0
    assert short == long


@pytest.mark.parametrize("name", ["-x.yaml", "a b.yaml", "a;b.yaml", "$x.yaml", "x'y.yaml"])
def test_what_a_new_spec_says_can_be_typed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run("new", "--", name).out
    command = re.search(r"`convcalc (.*)`", said)
    assert command is not None
    assert run(*shlex.split(command[1])).status == 0


def test_what_commands_a_terminal_is_told_without_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "\x1b" not in run("new", "a\x1b[31m.yaml").out


def test_sizes_of_a_field_are_taken_as_they_are_printed(run: Run) -> None:
    by_x = run("layer", "conv", "--k", "3x5", "--in", "3x32x32", "--json")
    assert by_x == run("layer", "conv", "--k", "3,5", "--in", "3x32x32", "--json")
