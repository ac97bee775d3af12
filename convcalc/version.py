"""The version of convcalc."""

__version__ = "0.1.0"
