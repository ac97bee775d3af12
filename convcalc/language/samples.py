"""A line for each structure, for advice: what it looks like where it stands in a spec."""

from __future__ import annotations

from collections.abc import Mapping

#: The structures by name, each with the fields that it needs; they take 64 channels of an image.
STRUCTURES: Mapping[str, str] = {
    "sequential": "- sequential: {name: stem, layers: [conv: {out: 32, k: 3}, relu]}",
    "repeat": "- repeat: {times: 3, layers: [conv: {out: 32, k: 3, p: 1}, relu]}",
    "for_each": "- for_each: {in: [[64, 1], [128, 2]], bind: [width, stride],"
    " layers: [conv: {out: width, k: 3, s: stride, p: 1}, relu]}",
    "residual": "- residual: {layers: [conv: {out: 64, k: 3, p: 1}, relu]}",
    "branches": "- branches: {paths: [[], [conv: {out: 32, k: 1}]], merge: concat}",
}


def structure_help(name: str) -> str:
    """What is said where a structure is asked for as if it were a layer type."""
    where = "docs/forms.md and `convcalc schema` have all its fields"
    return f"it is a structure, which stands in a spec: `{STRUCTURES[name]}`; {where}"
