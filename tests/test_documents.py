"""Whole documents, made at random, and what holds of each; see fuzz/README.md."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

import convcalc
from convcalc import layers
from convcalc.diagnostics import Mark
from convcalc.language import forms
from convcalc.language.reader import read
from fuzz.__main__ import main
from fuzz.documents import Tally, tallies
from fuzz.invariants import INVARIANTS, Broken, Case, Invariant, answered, same
from fuzz.making.document import document
from fuzz.making.marks import repaired
from fuzz.making.mistakes import KINDS, mistake
from fuzz.making.places import at, element_paths
from fuzz.making.reduction import reduced
from fuzz.making.rewrites import REWRITES
from fuzz.making.text import on_one_line, write

EXAMPLES = 25


@pytest.fixture(scope="module")
def found() -> dict[str, Tally]:
    return {each.name: each for each in tallies(EXAMPLES, seed=0, sampled=False)}


@pytest.mark.parametrize("name", [each.name for each in INVARIANTS])
def test_an_invariant_holds(found: dict[str, Tally], name: str) -> None:
    assert list(found[name].findings) == []
    assert found[name].tried > 0


def test_answers_are_the_same_in_another_process(found: dict[str, Tally]) -> None:
    *_, last = found.values()
    assert list(last.findings) == []
    assert last.tried > 0


# What documents are made of


@pytest.fixture(scope="module")
def documents() -> list[Any]:
    return [document(Random(seed)).data for seed in range(2000)]


def used(documents: list[Any]) -> Iterator[tuple[str, str]]:
    """The forms, layer types and blocks that documents have, with the name of each field."""
    for data in documents:
        yield from (("spec", key) for key in data)
        for block in data.get("blocks", {}).values():
            yield from (("block", key) for key in block)
        for path in element_paths(data):
            line = at(data, path)
            type, fields = next(iter(line.items())) if isinstance(line, dict) else (line, None)
            yield type, ""
            names = layers.canonical_names(layers.find(type)) if layers.is_known(type) else {}
            yield from ((type, names.get(key, key)) for key in fields or ())


def test_documents_use_the_whole_language(documents: list[Any]) -> None:
    found = set(used(documents))
    wanted = {(name, "") for name in (*layers.TYPES, *forms.STRUCTURES)}
    for layer in layers.names():
        wanted |= {(layer, field.name) for field in layers.fields_of(layers.find(layer))}
    described: list[type[forms.Form]] = [*forms.STRUCTURES.values(), forms.Spec, forms.Block]
    for form in described:
        fields = form.model_fields.items()
        wanted |= {(forms.name(form), field.alias or key) for key, field in fields}
    assert wanted - found == set()


def test_most_documents_are_right(documents: list[Any]) -> None:
    right = 0
    for data in documents[:200]:
        try:
            convcalc.loads(on_one_line(data))
            right += 1
        except convcalc.ConvcalcError:
            pass
    assert right > 180


def test_the_same_seed_makes_the_same_document() -> None:
    assert document(Random(7)) == document(Random(7))
    assert write(Random(7), document(Random(7)).data) == write(Random(7), document(Random(7)).data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_one_change(documents: list[Any], kind: str) -> None:
    rng = Random(0)
    made = [(data, mistake(rng, data, kind)) for data in documents[:50]]
    assert all(new != data for data, new in made)


@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_rewrite_is_another_document(documents: list[Any], rewrite: str) -> None:
    rng = Random(0)
    made = [(data, REWRITES[rewrite](rng, data)) for data in documents[:300]]
    assert any(on_one_line(new) != on_one_line(data) for data, new in made if new is not None)


# What becomes of a finding


def test_a_harness_says_what_it_tried() -> None:
    done = CliRunner().invoke(main, ["documents", "--examples", "3"])
    assert done.exit_code == 0
    assert "3  documents, 3 of them right: nothing found" in done.output
    assert done.output.endswith("3 inputs tried\n")


def test_a_harness_shows_the_smallest_document(monkeypatch: pytest.MonkeyPatch) -> None:
    def holds(case: Case) -> int:
        same("layers", "layers" in case.data, False)
        return 1

    broken = Invariant("there are no layers", holds, every=1, of_right=False)
    monkeypatch.setattr("fuzz.documents.INVARIANTS", [broken])
    done = CliRunner().invoke(main, ["documents", "--examples", "2"])
    assert done.exit_code == 1
    assert "2  there are no layers: 2 found" in done.output
    assert 'seed 1: {"layers": []}\nlayers:\n  found  True\n  wanted False' in done.output


SPEC = {
    "name": "N",
    "input": [3, 8, 8],
    "layers": ["relu", {"conv": {"out": 8, "k": 9}}, {"sequential": {"layers": ["flatten"]}}],
}


def test_a_refused_line_is_left_out() -> None:
    assert repaired(SPEC) == {**SPEC, "layers": [SPEC["layers"][0], SPEC["layers"][2]]}


def test_a_finding_is_shown_on_the_smallest_document() -> None:
    assert reduced(SPEC, lambda data: "flatten" in on_one_line(data)) == {"layers": ["flatten"]}


@pytest.mark.parametrize(
    "text", ["name: N\ninput: [3, 8, 8]\nlayers: [rleu]", "a: [\n", "name: N", on_one_line(SPEC)]
)
def test_a_refusal_is_answered(text: str) -> None:
    answered(text)


def test_a_place_outside_of_the_text_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def misplaced(*arguments: Any, **named: Any) -> Any:
        try:
            return read(*arguments, **named)
        except convcalc.ConvcalcError as error:
            far = [each._replace(mark=Mark(99, 1)) for each in error.diagnostics]
            raise convcalc.ConvcalcError(far) from None

    monkeypatch.setattr("convcalc.language.reader.read", misplaced)
    with pytest.raises(Broken, match="outside"):
        answered("a: [\n")
