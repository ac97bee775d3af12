"""`python -m fuzz NAME --examples N --seed S`: what one harness tries and finds."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

#: The harnesses: the files here that have a `run(examples, seed)`.
NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("[!_]*.py")
    if "\ndef run(" in path.read_text(encoding="utf-8")
)


@click.command()
@click.argument("name", type=click.Choice(NAMES))
@click.option("--examples", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
def main(name: str, examples: int, seed: int) -> None:
    """Try so many examples; the same seed tries the same ones."""
    tried = importlib.import_module(f"fuzz.{name}").run(examples, seed)
    click.echo(f"{tried:,} inputs tried")


if __name__ == "__main__":
    main(prog_name="python -m fuzz")
