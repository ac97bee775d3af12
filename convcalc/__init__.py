"""convcalc: what a convolutional network costs, and why.

>>> import convcalc
>>> convcalc.load("mobilenet_v1").analyze().totals.macs
568740352
"""

from __future__ import annotations

__version__ = "0.1.0"

# As `typing` has it, which takes long to import: until `__main__` runs, an interrupt is not quiet.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from convcalc.analysis import Row, Rows
    from convcalc.api import Analysis, Network, load, loads, spec_of
    from convcalc.budgets import Budget, Checked, Verdict
    from convcalc.catalogue import ZooNetwork, ZooNetworks, networks
    from convcalc.compared import Comparison, compare
    from convcalc.comparison import Aligned
    from convcalc.costs import Figures
    from convcalc.diagnostics import ConvcalcError, Diagnostic
    from convcalc.explained import Explanation, layer, solve_layer
    from convcalc.graph import Graph, Node
    from convcalc.language.limits import Limits
    from convcalc.memory.peaks import Memory, MemoryStep
    from convcalc.memory.training import Training
    from convcalc.reach import Span
    from convcalc.receptive_field import Jump, ReceptiveField, ReceptiveFields, Way
    from convcalc.roofline import Roofline
    from convcalc.search.counting import Count
    from convcalc.search.pareto import Pareto
    from convcalc.search.solving import Found, Solution
    from convcalc.search.windows import LayerSolution, LayerSolutions
    from convcalc.shape import Shape
    from convcalc.sizes import Sizes
    from convcalc.spaces import Evaluation, Space
    from convcalc.swept import Sweep
    from convcalc.verification import Difference, Verification

_HOMES = {
    "Aligned": "comparison",
    "Analysis": "api",
    "Budget": "budgets",
    "Checked": "budgets",
    "Comparison": "compared",
    "ConvcalcError": "diagnostics",
    "Count": "search.counting",
    "Diagnostic": "diagnostics",
    "Difference": "verification",
    "Evaluation": "spaces",
    "Explanation": "explained",
    "Figures": "costs",
    "Found": "search.solving",
    "Graph": "graph",
    "Jump": "receptive_field",
    "LayerSolution": "search.windows",
    "LayerSolutions": "search.windows",
    "Limits": "language.limits",
    "Memory": "memory.peaks",
    "MemoryStep": "memory.peaks",
    "Network": "api",
    "Node": "graph",
    "Pareto": "search.pareto",
    "ReceptiveField": "receptive_field",
    "ReceptiveFields": "receptive_field",
    "Roofline": "roofline",
    "Row": "analysis",
    "Rows": "analysis",
    "Shape": "shape",
    "Sizes": "sizes",
    "Solution": "search.solving",
    "Training": "memory.training",
    "Space": "spaces",
    "Span": "reach",
    "Sweep": "swept",
    "Verdict": "budgets",
    "Verification": "verification",
    "Way": "receptive_field",
    "ZooNetwork": "catalogue",
    "ZooNetworks": "catalogue",
    "compare": "compared",
    "layer": "explained",
    "load": "api",
    "loads": "api",
    "networks": "catalogue",
    "solve_layer": "explained",
    "spec_of": "api",
}

__all__ = [
    "Aligned",
    "Analysis",
    "Budget",
    "Checked",
    "Comparison",
    "ConvcalcError",
    "Count",
    "Diagnostic",
    "Difference",
    "Evaluation",
    "Explanation",
    "Figures",
    "Found",
    "Graph",
    "Jump",
    "LayerSolution",
    "LayerSolutions",
    "Limits",
    "Memory",
    "MemoryStep",
    "Network",
    "Node",
    "Pareto",
    "ReceptiveField",
    "ReceptiveFields",
    "Roofline",
    "Row",
    "Rows",
    "Shape",
    "Sizes",
    "Solution",
    "Space",
    "Span",
    "Sweep",
    "Training",
    "Verdict",
    "Verification",
    "Way",
    "ZooNetwork",
    "ZooNetworks",
    "__version__",
    "compare",
    "layer",
    "load",
    "loads",
    "networks",
    "solve_layer",
    "spec_of",
]


def __getattr__(name: str) -> Any:
    # Names are imported when they are used: the command line needs few of them, and quickly.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
