"""PyTorch's modules, read: what runs in the process that has torch, and a handler an operator.

`python -m convcalc.importers.aten FOLDER` answers the request in FOLDER, for
`convcalc.importers.torch`.
"""
