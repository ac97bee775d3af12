"""Networks as Python code: what the exporters to frameworks share.

`replay` says what every line of a document did, each time that it ran; `expressions` puts the
language's expressions into Python; `names` finds names; `layout` writes lines as people do.
"""
