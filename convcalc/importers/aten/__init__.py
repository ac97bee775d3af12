"""PyTorch's modules, read: what runs in the process that has torch, and a handler an operator.

`python -m convcalc.importers.aten FILE` answers the request in FILE; see `convcalc.importers.torch`.
"""
