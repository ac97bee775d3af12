"""Every arithmetic operation once.

A sum of n products is n multiplications and n − 1 additions; a bias is one addition more. At
inference: batch norm is one multiplication and one addition.
"""

from convcalc.conventions.base import Convention

CONVENTION = Convention(
    name="exact",
    tool="convcalc",
    version="1",
    unit="FLOPs",
    meaning="arithmetic operations",
    summary="every arithmetic operation once: 2·n − 1 for a sum of n products, one more for a bias",
    share=0.05,
    default="operations",
)
