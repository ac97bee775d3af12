"""Networks that many tests look at, made once: none of them changes one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

import pytest

import convcalc
from convcalc import zoo


def network(
    name: str, variables: str = "{}", input: tuple[int, ...] | None = None
) -> convcalc.Network:
    """A network of the zoo; the variables are JSON."""
    return _network(name, variables, input)


# What is left out and what is said as it is anyway are one key here.
@cache
def _network(name: str, variables: str, input: tuple[int, ...] | None) -> convcalc.Network:
    return convcalc.load(name, input=input, **json.loads(variables))


def a_network_each(names: Iterable[str], most: int = 1) -> list[Any]:
    """Networks of the zoo as parameters of a test: `most` of each family, the rest exhaustive."""

    def parameters() -> Iterator[Any]:
        met: dict[str, int] = {}
        for name in names:
            family = zoo.presets().get(name, name)
            met[family] = met.get(family, 0) + 1
            marks = [pytest.mark.exhaustive] if met[family] > most else []
            yield pytest.param(name, marks=marks)

    return [*parameters()]


@lru_cache(200)
def network_of(text: str) -> convcalc.Network:
    """The network of a spec's text. Raises ConvcalcError."""
    return convcalc.loads(text)


#: MobileNetV2 with every stage's width a variable of its own.
FREE_WIDTHS = """
name: MobileNetV2 of free widths
variables: {w: [32, 16, 24, 32, 64, 96, 160, 320, 1280]}
input: [3, 224, 224]
blocks:
  conv_bn:
    args: {out: required, k: 3, stride: 1, groups: 1}
    layers:
      - conv: {out: out, k: k, s: stride, p: (k - 1) // 2, g: groups, bias: false}
      - batch_norm
  inverted_residual:
    args: {out: required, expand: required, stride: 1}
    let: {hidden: in_channels * expand}
    layers:
      - residual:
          connect: stride == 1 and in_channels == out
          layers:
            - conv_bn: {when: expand != 1, out: hidden, k: 1}
            - relu6: {when: expand != 1}
            - conv_bn: {out: hidden, stride: stride, groups: hidden}
            - relu6
            - conv_bn: {out: out, k: 1}
layers:
  - conv_bn: {out: "w[0]", stride: 2}
  - relu6
  - for_each:
      bind: [t, c, n, s]
      in:
        - [1, "w[1]", 1, 1]
        - [6, "w[2]", 2, 2]
        - [6, "w[3]", 3, 2]
        - [6, "w[4]", 4, 2]
        - [6, "w[5]", 3, 1]
        - [6, "w[6]", 3, 2]
        - [6, "w[7]", 1, 1]
      layers:
        - repeat:
            times: n
            index: i
            layers:
              - inverted_residual: {out: c, expand: t, stride: s if i == 0 else 1}
  - conv_bn: {out: "w[8]", k: 1}
  - relu6
  - adaptive_avg_pool: {output_size: 1}
  - flatten
  - linear: {out: 1000}
"""
#: Each from 8 to twice its own, in steps of 8: 603,979,776,000 settings.
FREE_WIDTHS_SPACE = {
    f"w[{place}]": range(8, 2 * width + 1, 8)
    for place, width in enumerate((32, 16, 24, 32, 64, 96, 160, 320, 1280))
}
