"""`python -m convcalc`, and the `convcalc` script: what is the process's, and not a call's."""

import gc
import os
import sys


def run() -> None:
    """Run the command line as a program."""
    _end_at_once_when_told()
    # A run makes many small values, none of them in a cycle, and ends: looking for cycles is a
    # fifth of the time that a long network takes.
    gc.disable()
    # The longest number that limits allow can be printed, whatever PYTHONINTMAXSTRDIGITS says.
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(sys.int_info.default_max_str_digits)
    from convcalc.cli import main

    main()


def _end_at_once_when_told() -> None:
    """Make interrupts and terminations quiet from here on, imports included.

    An exception would not do: in a callback it is printed and lost.
    """
    try:
        import signal

        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # What is ignored stays so: `nohup` and a shell's `&` ask for it.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _end)
    except KeyboardInterrupt:
        os._exit(130)


def _end(number: int, frame: object) -> None:
    import signal

    # It may be on its way in, and have nothing yet.
    abandon = getattr(sys.modules.get("convcalc.cli.files"), "abandon", None)
    if abandon is not None:
        abandon()
    if number == signal.SIGINT:
        os._exit(130)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


if __name__ == "__main__":
    run()
