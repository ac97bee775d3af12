"""Of how many published figures the convention is among the first two readings.

    python benchmarks/reported_figures.py

The figures are those of tests/reference/reported.json. What is not so is printed.
"""

from __future__ import annotations

from tests.test_reported_figures import REPORTED, named, told


def main() -> None:
    """Print the number, and the figures that are not."""
    found = told(REPORTED)
    for row in REPORTED:
        if row not in found:
            print(f"{named(row)}: {row['convention']}")
    print(f"{len(found)} of {len(REPORTED)}: {100 * len(found) / len(REPORTED):.1f} %")


if __name__ == "__main__":
    main()
