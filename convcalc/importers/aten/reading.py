"""A PyTorch module, exported, read and checked against PyTorch's own count."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from convcalc import extras
from convcalc.diagnostics import ConvcalcError
from convcalc.foreign.traced import Traced
from convcalc.importers.aten.entering import Entering, Inputs, entering, in_integers, misread
from convcalc.importers.aten.failing import Telling, asks_for_values, raised, said
from convcalc.words import listed


def read(target: str, arguments: Mapping[str, Any], inputs: Inputs) -> Traced:
    """The network of a `module:name`, made with arguments, on inputs of these sizes by name.

    The only one may be called "". Raises ConvcalcError.
    """
    torch = extras.require("torch", "torch", "importing PyTorch modules")
    from convcalc.importers.aten import building

    with Telling(f"importing {target.partition(':')[0]}"):
        thing = building.found(target)
    make = building.maker(target, thing, arguments)
    with Telling(f"making {target}"):
        module = building.built(make)
    module.eval()
    given = entering(target, module, inputs)
    with torch.no_grad():
        with Telling(f"running {target}"):
            exported = _exported(target, make, module, given)
        from convcalc.importers.aten.walking import walked

        name, source = _name(target, arguments), _source(target, arguments)
        walk, traced = walked(exported.program, exported.module, name, source)
        macs = _counted(exported)
    unused, extra = walk.unused(), walk.extra()
    notes = *traced.notes, *_differences(traced, exported.module, macs, unused, extra)
    return traced._replace(notes=notes)


def _name(target: str, arguments: Mapping[str, Any]) -> str:
    """What a network is called: the model that a function was asked for, or what made it."""
    own = target.rpartition(":")[2].rpartition(".")[2]
    return next((str(arguments[key]) for key in _NAMING if key in arguments), own)


#: The argument by which functions are asked for a model: timm's, torchvision's.
_NAMING = ("model_name", "name")


def _source(target: str, arguments: Mapping[str, Any]) -> str:
    """What a network was made by, so that it can be made again: `nets:Net(width=64)`."""
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return f"{target}({given})" if given else target


class _Exported(NamedTuple):
    """An exported module."""

    program: Any
    #: The module that it is of.
    module: Any
    entering: Entering
    #: The device that it was exported on.
    device: str


def _exported(target: str, make: Callable[[], Any], module: Any, given: Entering) -> _Exported:
    """A module, exported.

    Where it refuses floats, integers enter. Where its forward asks for values of tensors that it
    makes, the meta device has none, and it is made again on the processor. Raises ConvcalcError.
    """
    try:
        return _Exported(_export(module, given, "meta"), module, given, "meta")
    except (Exception, SystemExit) as error:
        is_new = not given.whole
        if is_new and _is_of_the_types(error) and (whole := in_integers(module, given)):
            return _exported(target, make, module, whole)
        if _is_of_the_shapes(error) and not asks_for_values(error):
            raise _refused(target, error, module, given, module) from None
    with Telling(f"making {target}"):
        real = make().eval()
    try:
        return _Exported(_export(real, given, "cpu"), real, given, "cpu")
    except (Exception, SystemExit) as error:
        raise _refused(target, error, real, given, module) from None


def _export(module: Any, given: Entering, device: str) -> Any:
    """The program of a module on a device."""
    import torch

    placed, named = given.arguments(device)
    with torch.device(device):
        return torch.export.export(module, placed, named, strict=False)


def _refused(
    target: str, error: BaseException, module: Any, given: Entering, on_meta: Any
) -> ConvcalcError:
    """The mistake where a module does not take its inputs: theirs, if it takes what they mean."""
    found = None if asks_for_values(error) else misread(on_meta, given)
    return found or raised(f"running {target}", error, module)


def _is_of_the_types(error: BaseException) -> bool:
    """Whether an exception says that floats do not fit: they are no indices."""
    return any(sign in said(error) for sign in ("Long", "dtype", "integer", "indices", "Float"))


def _is_of_the_shapes(error: BaseException) -> bool:
    """Whether an exception says that sizes do not fit, which is so on any device."""
    text = said(error)
    return isinstance(error, (RuntimeError, ValueError, AssertionError)) and any(
        sign in text for sign in ("size", "shape", "channels", "dimension")
    )


def _counted(exported: _Exported) -> int | None:
    """PyTorch's own count of the multiply–accumulates; None where it cannot run the module."""
    from contextlib import ExitStack

    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    module, device = exported.module, exported.device
    placed, named = exported.entering.arguments(device)
    module.requires_grad_(False)  # it stops where a parameter that could learn enters a module
    try:
        with ExitStack() as stack:
            if device == "cpu":
                # A fused attention is not counted on a processor; products are.
                stack.enter_context(sdpa_kernel(SDPBackend.MATH))
                stack.callback(torch.backends.mha.set_fastpath_enabled, True)
                torch.backends.mha.set_fastpath_enabled(False)
            stack.enter_context(torch.device(device))
            stack.enter_context(counter)
            module(*placed, **named)
    except BaseException:  # of the user's code, as it has run before
        return None
    return int(counter.get_total_flops()) // 2


def _differences(
    traced: Traced,
    module: Any,
    macs: int | None,
    unused: Mapping[str, int],
    extra: Mapping[str, int],
) -> Iterator[str]:
    """What PyTorch says otherwise of a network, and what of it is never called.

    `unused` are modules and parameters that nothing uses, each with its parameters; `extra` are
    parameters that are counted more than once, each with how many too many.
    """
    placed = [call.placed for call in traced.calls]
    unknown = any(each.operations is None for each in placed)
    own = sum(each.operations.macs for each in placed if each.operations is not None)
    if macs is None:
        yield "FlopCounterMode cannot run it, so its MACs are not checked"
    elif macs != own:
        reason = ""
        if unknown:
            reason = ": operators whose cost is not known here may be in the first"
        elif any(each.type == "deform_conv" for each in placed):
            reason = ": it leaves deformable convolutions out"
        yield f"PyTorch's FlopCounterMode counts {macs:,} MACs, and here are {own:,}{reason}"
    idle = sum(unused.values())
    if unused:
        yield f"never used, and not counted: {listed(unused, 8)}, of {idle:,} parameters"
    learned = sum(w.size for each in placed for w in each.weights if w.trainable)
    all_of_it = sum(each.numel() for each in module.parameters())
    if extra:
        too_many = sum(extra.values())
        yield (
            f"no layers share {listed(extra, 8)} as the module does: {too_many:,} parameters are"
            " counted more than once"
        )
    if learned != all_of_it - idle + sum(extra.values()):
        yield f"the module uses {all_of_it - idle:,} parameters, and here are {learned:,}"
