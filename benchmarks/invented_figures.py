"""How often an invented figure is explained by `reconcile --reported`, which should be never.

    python benchmarks/invented_figures.py --figures 4000

Figures lie between half and twice the MACs of a network, with 3, 4 and 6 digits. Printed is the
share of them that get an explanation (an item left out), that are met by the network without its
classifier, by the network itself, and by others.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import convcalc
from convcalc import reported
from convcalc.reconcile import Reconciliation

NETWORKS = ("mobilenet_v2", "resnet50", "efficientnet_b0", "densenet121", "vgg16", "googlenet")


def written(number: float, digits: int) -> str:
    """A number with so many digits, as people print it."""
    power = math.floor(math.log10(number))
    return f"{number / 10**power:.{digits - 1}f}e{power}"


class Subject(NamedTuple):
    """A network, and what is known of it and of others, worked out once."""

    found: Reconciliation
    subject: reported.Subject
    macs: int
    relatives: tuple[reported.Sketch, ...]
    at: Callable[[int], convcalc.Network]

    @classmethod
    def of(cls, name: str) -> Subject:
        """That of a network of the zoo."""
        network = convcalc.load(name)
        found, subject = network.reconcile(), network._subject()
        assert found.macs is not None  # the zoo's are known
        relatives = tuple(reported.relatives(subject, found.macs))
        return cls(
            found, subject, found.macs, relatives, cache(lambda side: network.at(input=side))
        )

    def kind(self, figure: reported.Reported) -> str:
        """What a figure gets."""

        def related() -> Iterator[reported.Sketch]:
            yield from self.relatives
            yield from reported.resized(self.subject, self.macs, figure, self.at)

        answer = reported.answer(self.found, figure, self.subject, related)
        if answer.near:
            return "explained"
        if not answer.matches:
            return "nothing"
        first = answer.matches[0]
        if first.leaving_out:
            return "without the classifier"
        return "own" if first.subject == self.subject else "others"


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--figures", type=int, default=4000, help="invented figures of each length")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generator = random.Random(asked.seed)
    subjects = [Subject.of(name) for name in NETWORKS]
    for digits in (3, 4, 6):
        kinds: Counter[str] = Counter()
        for index in range(asked.figures):
            subject = subjects[index % len(subjects)]
            number = subject.macs * math.exp(generator.uniform(-1, 1) * math.log(2))
            kinds[subject.kind(reported.parse_reported(written(number, digits)))] += 1
        shares = (
            f"{kind} {100 * kinds[kind] / asked.figures:.2f} %"
            for kind in ("explained", "without the classifier", "own", "others")
        )
        print(f"{digits} digits, {asked.figures:,} figures:", ", ".join(shares), flush=True)


if __name__ == "__main__":
    main()
