"""Reads networks from ONNX files: the file, the walk through its nodes, a handler an operator."""
