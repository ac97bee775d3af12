"""PyTorch: a file of Python with a class for the network and one for each block."""

from __future__ import annotations

import re

from convcalc.diagnostics import fail
from convcalc.exporters.base import Exporter, Model
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.classes import File
from convcalc.exporters.python.layout import docstring
from convcalc.exporters.python.names import class_name
from convcalc.exporters.python.replay import flat, replay
from convcalc.exporters.python.use import Rule
from convcalc.exporters.torch_layers import RULES
from convcalc.exporters.torch_layers.helpers import HELPERS, with_those_they_use

#: What nn.Module, nn.Sequential and nn.ModuleList have themselves, in PyTorch 2.6 to 2.14; what is
#: private (`_apply`, `__call__`) begins with an underscore, which no attribute here does.
_OF_MODULES = frozenset(
    (
        *("T_destination", "add_module", "append", "apply", "bfloat16", "buffers"),
        *("call_super_init", "children", "compile", "cpu", "cuda", "double", "dump_patches"),
        *("eval", "extend", "extra_repr", "float", "forward", "get_buffer", "get_extra_state"),
        *("get_parameter", "get_submodule", "half", "insert", "ipu", "load_state_dict", "modules"),
        *("mtia", "named_buffers", "named_children", "named_modules", "named_parameters"),
        *("parameters", "pop", "register_backward_hook", "register_buffer"),
        *("register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"),
        *("register_full_backward_pre_hook", "register_load_state_dict_post_hook"),
        *("register_load_state_dict_pre_hook", "register_module", "register_parameter"),
        *("register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_"),
        *("set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty"),
        *("train", "training", "type", "xpu", "zero_grad"),
    )
)


class _PyTorch:
    """What PyTorch calls things."""

    module = "nn.Module"
    taken = _OF_MODULES
    sequential = "nn.Sequential"
    module_list = "nn.ModuleList"
    identity = "nn.Identity()"
    forward = "forward"

    def rule(self, type: str) -> Rule:
        from convcalc import layers

        found = RULES.get(layers.find(type).type)
        if found is None:
            message = f"`{type}` cannot be written in PyTorch: nothing says how it is built there"
            raise fail(
                "cannot-export", message, "say `opaque` instead, and write its class by hand"
            )
        return found

    def size(self, operand: str, axis: int) -> str:
        return f"{operand}.shape[{axis + 1}]"

    def frozen(self, code: str, trained: str) -> str:
        return f"{code}.requires_grad_({trained})"

    def constant(self, code: str) -> str:
        return f"{code}.unsqueeze(0)"

    def whole(self, operand: str, batched: str, axes: int) -> str:
        return f"{operand}.expand({batched}.shape[0], {', '.join(['-1'] * axes)})"

    def chunks(self, operand: str, count: int) -> str:
        return f"torch.chunk({operand}, {count}, dim=1)"

    def merged(self, merge: str, codes: list[str]) -> str:
        if merge == "concat":
            return f"torch.cat([{', '.join(codes)}], dim=1)"
        return (" + " if merge == "add" else " * ").join(codes)


def content(model: Model) -> str:
    """A network as a Python module for PyTorch.

    It has a class a block, as the document has; what is left of a network that was cut is one
    class, a line a layer.

    Raises ConvcalcError for a layer type that it has no way to say.
    """
    spec = model.document.spec
    name = class_name(spec.name)
    name = f"{name}Net" if name in HELPERS else name
    try:
        if model.graph.cuts:
            raise Unsayable  # the document has more than what is left
        file = File(replay(model.document, model.graph), _PyTorch(), HELPERS)
        file.network(name)
    except Unsayable:
        file = File(flat(model.graph), _PyTorch(), HELPERS)
        file.network(name)
    helpers = with_those_they_use(file.helped)
    texts = [*helpers, *["\n".join(lines) for lines in file.classes]]
    body = "\n\n\n".join(texts)
    return f"{_docstring(spec.name, spec.source)}\n\n{_imports(body)}\n\n\n{body}\n"


def _docstring(name: str, source: str) -> str:
    title = f"{name}: {source}" if source.strip() else name
    return docstring(title if title.rstrip().endswith(".") else f"{title.rstrip()}.")


def _imports(body: str) -> str:
    wanted = []
    if re.search(r"\bmath\.", body):
        wanted += ["import math", ""]
    if re.search(r"\btorch\.", body):
        wanted.append("import torch")
    if re.search(r"\bF\.", body):
        wanted.append("import torch.nn.functional as F")
    if "torchvision." in body:
        wanted.append("import torchvision")
    wanted.append("from torch import nn")
    order = [each for each in wanted if each.startswith("import math") or not each]
    rest = [each for each in wanted if each not in order]
    imports = sorted([each for each in rest if each.startswith("import")])
    froms = [each for each in rest if each.startswith("from")]
    return "\n".join([*order, *imports, *froms])


EXPORTER = Exporter("pytorch", "PyTorch", ".py", content)
