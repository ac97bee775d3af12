"""Networks as Python code: what the exporters to frameworks share.

- `replay`: what every line of a document did, each time that it ran; `facts`: what follows from it;
- `classes`: a document as classes, a module an idea: its docstring says which;
- `use`: a layer's line as the rules of a framework see it, and what a framework says of itself;
- `channels`: how many channels leave a line, said by what enters it;
- `expressions`: the language's expressions as Python's; `references`: the names in lines;
- `items`: modules that come one after the other, in loops and under conditions;
- `names` finds names, `code` reads and joins statements, `layout` writes lines as people do.
"""
