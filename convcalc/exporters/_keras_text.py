"""What the code of a Keras file says: values of the spec, and the sizes of tensors in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping

from convcalc.exporters.python.expressions import functions_in, renamed, text, tree
from convcalc.exporters.python.layout import broken
from convcalc.exporters.python.names import is_free, spelt
from convcalc.language.statements import Value


def function_name(name: str) -> str:
    """The name of a function: `mobilenet_v2` after `MobileNetV2`."""
    plain = re.sub(r"(?<=[a-z])V(?=\d+$)", "_v", re.sub(r"\b(\w)-", r"\1", name))
    plain = re.sub("_+", "_", spelt(plain.lower())).strip("_")
    return plain if is_free(plain) else f"net_{plain}"


def spelled(value: Value, names: Mapping[str, str], tensor: str, axes: int) -> str:
    """The code of a value, on a line that takes a `tensor` with so many spatial axes."""
    if isinstance(value, float):
        return repr(value)
    sizes = {
        "in_channels": -1,
        "in_features": -1,
        "in_length": 1,
        "in_depth": 1,
        "in_height": max(axes - 1, 1),
        "in_width": axes,
    }

    def meant(name: str) -> ast.expr:
        code = names[name] if name in names else f"{tensor}.shape[{sizes[name]}]"
        return ast.parse(code, mode="eval").body

    return text(renamed(tree(value), meant))


def functions(value: Value) -> set[str]:
    """The functions of the language that a value takes."""
    return functions_in(tree(value))


def may_be_float(node: ast.expr, floats: Collection[str]) -> bool:
    """Whether Python's value of a tree may be a float, `floats` being the names that may be one."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.Name):
        return node.id in floats
    if isinstance(node, ast.BinOp):
        either = may_be_float(node.left, floats) or may_be_float(node.right, floats)
        return either or isinstance(node.op, ast.Div)
    if isinstance(node, ast.UnaryOp):
        return may_be_float(node.operand, floats)
    if isinstance(node, ast.IfExp):
        return may_be_float(node.body, floats) or may_be_float(node.orelse, floats)
    if isinstance(node, ast.Subscript):
        return may_be_float(node.value, floats)
    if isinstance(node, ast.Tuple):
        return any(may_be_float(each, floats) for each in node.elts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        kept = node.func.id in ("min", "max", "abs")
        return kept and any(may_be_float(each, floats) for each in node.args)
    return False


_CONTRARY: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def negation(code: str) -> str:
    """The code of the contrary of a condition."""
    node = ast.parse(code, mode="eval").body
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return text(node.operand)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return text(ast.Compare(node.left, [_CONTRARY[type(node.ops[0])]()], node.comparators))
    return text(ast.UnaryOp(ast.Not(), node))


def excluded(a: str, b: str) -> bool:
    """Whether two conditions never hold both: `depth == 1` and `depth == 2`, or contraries."""
    if negation(a) == b:
        return True
    one, other = (ast.parse(code, mode="eval").body for code in (a, b))
    if not (isinstance(one, ast.Compare) and isinstance(other, ast.Compare)):
        return False
    if not all(len(each.ops) == 1 and isinstance(each.ops[0], ast.Eq) for each in (one, other)):
        return False
    values = [each.comparators[0] for each in (one, other)]
    known = [each.value for each in values if isinstance(each, ast.Constant)]
    return len(known) == 2 and known[0] != known[1] and text(one.left) == text(other.left)


def formatted(lines: Iterable[str]) -> str:
    """Lines of code, none too long."""
    return "\n".join([each for line in lines for each in broken(line)])
