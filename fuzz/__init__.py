"""Harnesses that try many inputs: `python -m fuzz NAME --examples N --seed S`; see README.md."""
