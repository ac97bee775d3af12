"""`python -m convcalc`, and the `convcalc` script."""

import gc


def run() -> None:
    """Run the command line as a program."""
    # Imports make many small values, none of them to be collected; see `convcalc.cli.main`.
    gc.disable()
    from convcalc.cli import main

    main()


if __name__ == "__main__":
    run()
