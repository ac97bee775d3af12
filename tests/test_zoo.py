"""The zoo against published figures.

`reference/zoo_sizes.json` has what frameworks make of the networks at odd sizes beside their own.
`reference/published.json` has figures from papers, authors' code and libraries, each with its
source and the unit that it was rounded to; where one is wrong, `erratum` says why and `right_macs`
or `right_params` what is right. `reference/torch_tools_networks.json` has what PyTorch counts of
torchvision's own models.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import convcalc
from convcalc import zoo
from docs.generate import zoo_index

from .conftest import Run
from .networks import a_network_each, network

REFERENCE = Path(__file__).parent / "reference"
Json = dict[str, Any]


@cache
def totals(name: str, variables: str = "{}", input: tuple[int, ...] | None = None) -> Any:
    """The totals of a network; each is analyzed once."""
    return network(name, variables, input).analyze().totals


def read(file: str) -> Any:
    return json.loads((REFERENCE / file).read_text(encoding="utf-8"))


# --- Published figures ----------------------------------------------------------------------------

PUBLISHED: list[Json] = read("published.json")


def named(entry: Json) -> str:
    """The name of a test: the network with what is set, and who published the figure."""
    chosen = "".join(f",{key}={value}" for key, value in entry.get("variables", {}).items())
    return f"{entry['spec']}{chosen}: {entry['source'][:40]}"


def settings(entry: Json) -> str:
    """What a figure's network sets, as text: lists cannot be cached."""
    return json.dumps(entry.get("variables", {}))


def bounds(entry: Json, figure: str) -> tuple[float, float]:
    """The least and the largest number that a published figure can stand for."""
    number, unit = entry[figure], entry[f"{figure}_precision"]
    if unit == "exact":
        return number, number
    rounded = {
        "down": (number, number + unit - 1),
        "up": (number - unit + 1, number),
        "nearest": (number - unit / 2, number + unit / 2),
    }
    return rounded[entry.get(f"{figure}_rounding", "nearest")]


@pytest.mark.parametrize("entry", PUBLISHED, ids=named)
def test_published_figures(entry: Json) -> None:
    for figure in ("params", "macs"):
        if entry[figure] is None:
            continue
        found = getattr(totals(entry["spec"], settings(entry)), figure)
        least, most = bounds(entry, figure)
        if f"right_{figure}" in entry:
            assert found == entry[f"right_{figure}"]
            assert not least <= found <= most, f"no erratum: {entry['erratum']}"
        else:
            assert least <= found <= most


def test_published_figures_have_a_source() -> None:
    assert [named(entry) for entry in PUBLISHED if not entry["source"].strip()] == []


def test_what_is_corrected_says_why() -> None:
    corrected = [entry for entry in PUBLISHED if any(key.startswith("right_") for key in entry)]
    assert [entry for entry in PUBLISHED if "erratum" in entry] == corrected
    assert [named(entry) for entry in corrected if not entry["erratum"].strip()] == []


# --- torchvision ----------------------------------------------------------------------------------

TORCHVISION: dict[str, Json] = read("torch_tools_networks.json")["networks"]
PRETRAINED = [
    (name, published) for name, case in TORCHVISION.items() for published in case["published"]
]


#: Parameters in `num_params` that only training runs, and `_ops` is without.
TRAINED_ALONE = {"inception_v3": 3_326_696}  # the auxiliary classifier


@pytest.mark.parametrize("name", TORCHVISION)
def test_networks_are_pytorchs(name: str) -> None:
    case = TORCHVISION[name]
    found = totals(name.partition("@")[0], input=tuple(case["input"]))
    expected = (case["params"], case["buffers"], case["tools"]["torch"]["flops"])
    assert (found.params, found.buffers, 2 * found.macs) == expected


@pytest.mark.parametrize(
    ("name", "published"), PRETRAINED, ids=[f"{n}-{p['weights']}" for n, p in PRETRAINED]
)
def test_networks_are_what_torchvision_publishes(name: str, published: Json) -> None:
    crop = published["crop"]
    found = totals(name.partition("@")[0], input=(3, crop, crop))
    assert found.params + TRAINED_ALONE.get(name, 0) == published["num_params"]
    assert round(found.macs / 1e9, 3) == published["_ops"]


# --- Odd sizes ------------------------------------------------------------------------------------

SIZES: dict[str, Json] = {entry["network"]: entry for entry in read("zoo_sizes.json")}


@pytest.mark.parametrize("name", a_network_each(SIZES))
def test_a_network_is_its_frameworks_at_odd_sizes_too(name: str) -> None:
    for at in SIZES[name]["at"]:
        found = convcalc.load(name, input=at["input"])
        totals = found.analyze().totals
        outputs = [list(tensor.shape) for tensor in found.outputs]
        expected = (at["params"], at["macs"], at["outputs"])
        assert (totals.params, totals.macs, outputs) == expected, at["input"]


def test_every_network_is_held_at_its_own_input_and_at_two_others() -> None:
    for each in zoo.index():
        held = [at["input"] for at in SIZES[each["name"]]["at"]]
        assert each["input"] in held, each["name"]
        assert len(held) >= 3, each["name"]


#: libyaml's, where PyYAML has it, which takes a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# --- The zoo itself -------------------------------------------------------------------------------


@cache
def documents() -> dict[str, Json]:
    """Every spec of the zoo as plain YAML."""
    files = sorted(Path(zoo.folder()).glob("*.yaml"))
    return {path.stem: yaml.load(path.read_bytes(), Loader=_LOADER) for path in files}


PRESETS = [(family, preset) for family, d in documents().items() for preset in d.get("presets", {})]
#: Families of one network.
ALONE = [family for family, document in documents().items() if not document.get("presets")]


def test_names_are_read_from_the_files_as_yaml_reads_them() -> None:
    assert list(zoo.families()) == list(documents())
    assert zoo.presets() == {preset: family for family, preset in PRESETS}


def test_a_name_means_one_network() -> None:
    names = [*documents(), *(preset for _, preset in PRESETS)]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("family", documents())
def test_every_spec_names_its_source(family: str) -> None:
    assert documents()[family]["source"].strip()


@pytest.mark.parametrize("preset", a_network_each(preset for _, preset in PRESETS))
def test_a_preset_is_found_by_its_bare_name(preset: str) -> None:
    graph, family = network(preset), zoo.presets()[preset]
    assert (graph.name, graph.preset) == (documents()[family]["name"], preset)


def test_every_network_has_a_published_figure() -> None:

    def key(graph: convcalc.Graph) -> str:
        return json.dumps([graph.name, graph.variables], sort_keys=True)

    checked = {key(network(entry["spec"], settings(entry))) for entry in PUBLISHED}
    networks = [preset for _, preset in PRESETS] + ALONE
    assert [name for name in networks if key(network(name)) not in checked] == []


def test_the_list_has_every_network_under_its_family(run: Run) -> None:
    listed = {(entry["family"], entry["name"]) for entry in run("list", "--json").json["networks"]}
    assert listed >= {*PRESETS, *((family, family) for family in ALONE)}


def test_the_index_is_what_the_engine_says() -> None:
    assert zoo.index() == tuple(
        json.loads(zoo_index(lambda family, preset: network(preset or family)))
    )
