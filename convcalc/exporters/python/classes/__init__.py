"""A document as classes of Python: one for the network, each block and what a loop repeats.

What is written of a framework comes from a `Dialect`; the rest is here. A line is written once, for
all the times that it ran: a value comes as the document says it wherever that is known when the
class is made, else as the number that it always is, else as one more argument of the class.

A class has two phases. What it is made of is said in `__init__`, from arguments; what it does, in
its `forward`, where the sizes of tensors are known too. Names that speak of such sizes
(`{rows: in_height // window}`) are of the second phase, and so are arguments that are given them.

- `file`: all classes of a network, callees first; what the exporters call;
- `writer`: a class that is being written: what has been said, and how values are said in it;
- `text`: a class as a whole: its head, its arguments, `__init__` and `forward`;
- `lines`: a list of lines as statements of `forward`; `conditions`: when a line is there;
- `modules`: a list that is modules one after the other, which `__init__` makes at one go;
- `layers`, `calls`: a layer, and a call of another class with its arguments;
- `sequences`, `loops`, `joins`: structures, found through `structures`;
- `tensors`: what `forward` calls its tensors; `training`: what is trained;
- `ways`: the channels along a list of which lines may be left out;
- `signature`, `turns`: a class as its callers see it, and the runs of a list.
"""

from convcalc.exporters.python.classes.file import File

__all__ = ["File"]
