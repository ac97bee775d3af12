"""A layer: its module in `__init__`, and its call in `forward`."""

from __future__ import annotations

from convcalc import layers
from convcalc.exporters.python.channels import Unsayable, channels_after
from convcalc.exporters.python.classes.tensors import attribute_of, target_of
from convcalc.exporters.python.classes.training import as_trained
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.use import Held, Ran, Use
from convcalc.language.statements import Statement
from convcalc.layers.composite import Composite


def apply_layer(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    """Write a layer; what it hands on."""
    rule = writer.dialect.rule(st.type)
    type = layers.find(st.type)
    if type.arity == 0 and not st.body.from_:
        entering = inputs
        inputs = []
    else:
        entering = inputs
    is_function = rule.function is not None and (st.body.functional or rule.module is None)
    use = Use(writer, st, ran, entering, forward=is_function and not rule.holds)
    operands = _operands_of(writer, inputs, st, ran)
    # What has no weights is made anew: its module may hold what depends on the size that enters.
    has_weights = issubclass(type, Composite) or any(each.tensors for each in use.placed)
    owner = owner_of(writer, st) if has_weights else None
    if rule.is_tensor:
        assert rule.module is not None
        attribute = owner or _module_of(writer, st, rule.module(use), ran, inputs)
        code = writer.dialect.constant(f"self.{attribute}")
    elif rule.module is not None and not is_function:
        attribute = owner or _module_of(writer, st, rule.module(use), ran, inputs)
        code = f"self.{attribute}({', '.join(operands)})"
    elif rule.holds:
        assert rule.function is not None
        assert rule.module is not None
        attribute = owner or _module_of(writer, st, rule.module(use), ran, inputs)
        code = rule.function(use, [f"self.{attribute}", *operands])
    else:
        assert rule.function is not None
        code = rule.function(use, operands)
    outputs = len(use.placed[0].outputs)
    channels = channels_after(
        Use(writer, st, ran, entering, forward=False), [each.channels for each in inputs]
    )
    single = all(each.single for each in inputs)
    target = target_of(writer, st, inputs or entering)
    writer.body.append(f"{target} = {code}")
    if outputs == 1:
        return [Held(target, channels[0], single)]
    return [Held(f"{target}[{part}]", channels[part], single) for part in range(outputs)]


def _module_of(
    writer: Writer, st: Statement, modules: list[str], ran: Ran, inputs: list[Held]
) -> str:
    """A new attribute that is these modules."""
    attribute = attribute_of(writer, st)
    code = modules[0] if len(modules) == 1 else f"{writer.dialect.sequential}({', '.join(modules)})"
    writer.init.append(f"self.{attribute} = {as_trained(writer, code, st, ran, inputs)}")
    if st.body.name is not None:
        writer.modules[-1][st.body.name] = attribute
    return attribute


def owner_of(writer: Writer, st: Statement) -> str | None:
    """The attribute of which a line uses the weights; None where it has its own."""
    if st.body.weights is None:
        return None
    for known in reversed(writer.modules):
        if st.body.weights in known:
            found = known[st.body.weights]
            if st.body.name is not None:
                writer.modules[-1][st.body.name] = found
            return found
    raise Unsayable


def _operands_of(writer: Writer, inputs: list[Held], st: Statement, ran: Ran) -> list[str]:
    """What enters a line, as code; where it joins, each with the whole batch."""
    batched = next((each for each in inputs if not each.single), None)
    if batched is None or st.type != "concat":
        return [each.code for each in inputs]
    axes = len(ran[0][1].inputs[0].shape)
    return [
        writer.dialect.whole(each.code, batched.code, axes) if each.single else each.code
        for each in inputs
    ]
