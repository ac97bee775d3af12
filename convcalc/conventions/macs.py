"""The papers' multiply–adds: the products of convolutions, linear layers and matrices, no biases.

Howard et al. 2017 (MobileNets), table 8; Sandler et al. 2018, table 4.
"""

from convcalc.conventions.base import Convention

CONVENTION = Convention(
    name="macs",
    tool="papers",
    version="",
    unit="MACs",
    meaning="multiply–accumulates",
    summary="the products of convolutions, linear layers and matrix products, the bias left out",
    share=1.0,
    default="macs",
)
