"""PyTorch's modules, read: what runs in the process that has torch, and a handler an operator.

`answering` is what that process does for `convcalc.importers.torch`.
"""
