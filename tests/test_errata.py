"""What is said to be wrong, and the commands that show it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from convcalc import errata
from docs.generate import PAGES

from .conftest import Run

HERE = Path(__file__).parent


def figure(right: str) -> str:
    """The figure that an erratum says is right."""
    return right.split()[0]


def misses(run: Run, told: errata.Erratum) -> bool:
    """Whether the command of an erratum does not print the right figure."""
    program, *args = shlex.split(told.command)
    outcome = run(*args)
    numbers = re.findall(r"[\d,.]+", outcome.out)
    return program != "convcalc" or outcome.status != 0 or figure(told.right) not in numbers


def test_the_command_of_each_prints_the_right_figure(run: Run) -> None:
    assert [told for told in errata.known() if misses(run, told)] == []


def test_a_source_has_a_page() -> None:
    assert [each for each in errata.known() if not each.page.startswith("https://")] == []


def test_what_the_zoo_corrects_is_told() -> None:
    published = json.loads((HERE / "reference" / "published.json").read_text(encoding="utf-8"))
    right = {entry[key] for entry in published for key in entry if key.startswith("right_")}
    assert right <= {int(figure(each.right).replace(",", "")) for each in errata.known()}


def test_errata_of_a_family_are_those_of_its_networks(run: Run) -> None:
    def of(name: str) -> set[str]:
        return {each["network"] for each in run("errata", name, "--json").json["errata"]}

    assert of("mobilenet_v1") == {"mobilenet_v1", "mobilenet_v1_x0_75", "mobilenet_v1_x0_25"}
    assert of("mobilenet_v1_x0_25") == {"mobilenet_v1_x0_25"}


def test_a_network_without_errata_says_so(run: Run) -> None:
    outcome = run("errata", "resnet18")
    assert (outcome.status, "No erratum of `resnet18` is known." in outcome.out) == (0, True)


def test_an_unknown_network_is_answered_with_what_is_meant(run: Run) -> None:
    outcome = run("errata", "mobilnet_v1")
    assert (outcome.status, "did you mean `mobilenet_v1`" in outcome.err) == (2, True)


def test_the_page_is_made_from_them() -> None:
    page = HERE.parent / "docs" / "errata.md"
    assert page.read_text(encoding="utf-8") == PAGES["errata.md"]()


def test_a_network_without_errata_is_told_so(run: Run) -> None:
    assert run("errata", "lenet").out == "No erratum of `lenet` is known.\n"
    assert run("errata", "lenet", "--json").json["errata"] == []
