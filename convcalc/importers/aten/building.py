"""The module of a `module:name`, made without memory for its weights where it lets that."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, get_type_hints

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.words import counted, did_you_mean, listed, quoted


def found(target: str) -> Any:
    """What a target names. Raises ConvcalcError, and whatever importing its module raises."""
    module, _, path = target.partition(":")
    thing: Any = _module(module)
    name = module
    for part in path.split("."):
        if not hasattr(thing, part):
            raise _no_name(thing, name, part)
        thing, name = getattr(thing, part), f"{name}:{part}" if name == module else f"{name}.{part}"
    return thing


def _module(name: str) -> ModuleType:
    """A module, imported. Raises ConvcalcError where there is none of that name."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != name and not name.startswith(f"{missing}."):
            raise  # its own code imports what is not there
        outer = missing.rpartition(".")[0]
        where = f"the package {outer}" if outer else "what Python can import"
        known = _modules_in(outer) if outer else ()
        advice = did_you_mean(missing.rpartition(".")[2], known)
        here = "modules are looked for in the current directory and among what is installed"
        help = f"{advice} {here}".strip()
        raise fail("unknown-module", f"{where} has no module {quoted(missing)}", help) from None


def _modules_in(package: str) -> tuple[str, ...]:
    """The names of the modules in a package."""
    import pkgutil

    paths = getattr(importlib.import_module(package), "__path__", ())
    return tuple(each.name for each in pkgutil.iter_modules(paths))


def _no_name(thing: Any, where: str, name: str) -> ConvcalcError:
    """The error for a name that a module or a class has not, with those that make modules."""
    public = [each for each in dir(thing) if not each.startswith("_")]
    advice = did_you_mean(name, public)
    timm = _timm_help(name) if where == "timm" else ""
    makers = _makers({each: getattr(thing, each, None) for each in public}, where)
    lists = f"it has {listed(makers, 8)}" if makers and not timm else ""
    help = f"{advice} {timm or lists}".strip()
    return fail("unknown-attribute", f"{where} has no {quoted(name)}", help)


def _timm_help(name: str) -> str:
    """How a network of timm is named."""
    import timm

    known = timm.list_models()
    model = name if name in known else "vit_tiny_patch16_224"
    advice = "" if name in known else did_you_mean(name, known)
    return f"{advice} `convcalc import timm:create_model --arg model_name={model}`".strip()


def _makers(things: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Which of a module's things are torch's modules, or make some: the surest first."""
    import torch

    home = where.partition(":")[0]
    sure: list[str] = []
    likely: list[str] = []
    for name, thing in things.items():
        if isinstance(thing, torch.nn.Module):
            sure.append(name)
        elif not f"{getattr(thing, '__module__', '')}.".startswith(f"{home}."):
            continue  # what it imports from elsewhere
        elif _is_module_class(thing):
            sure.append(name)
        elif inspect.isfunction(thing):
            made = _result(thing)
            if made is None or _is_module_class(made):
                (likely if made is None else sure).append(name)
    return (*sure, *likely)


def _is_module_class(thing: Any) -> bool:
    """Whether something is a class of torch's modules."""
    import torch

    return inspect.isclass(thing) and issubclass(thing, torch.nn.Module)


def _result(function: Callable[..., Any]) -> Any:
    """What a function says that it returns; None where it does not, or where that is not found."""
    try:
        return get_type_hints(function).get("return")
    except Exception:  # names that are there for a type checker alone, and all that these may raise
        return None


def maker(target: str, thing: Any, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    """What makes the module that a target stands for. Raises ConvcalcError."""
    import torch

    if isinstance(thing, torch.nn.Module):
        if arguments:
            message = f"{target} is a module already, and takes no arguments"
            raise fail("bad-argument", message, "leave `--arg` out")
        return lambda: thing
    if not callable(thing):
        what = type(thing).__name__
        help = "name a class of modules, a function that makes one, or one that is made"
        raise fail("not-a-module", f"{target} is of the type {what}, and makes no module", help)
    _require_arguments(target, thing, arguments)

    def make() -> Any:
        made = thing(**arguments)
        if not isinstance(made, torch.nn.Module):
            message = f"{target} makes something of the type {type(made).__name__}, and no module"
            raise fail("not-a-module", message, "a module is one of `torch.nn.Module`")
        return made

    return make


def _require_arguments(target: str, thing: Any, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that a function does not take, and too few. Raises ConvcalcError."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return
    names = [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD,
             each.VAR_POSITIONAL, each.POSITIONAL_ONLY)]  # fmt: skip
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
    for name in arguments if not takes_any else ():
        if name not in names:
            known = f"it takes {listed(names)}" if names else "it takes none"
            help = f"{did_you_mean(name, names)} {known}".strip()
            raise fail("bad-argument", f"{target} takes no argument {quoted(name)}", help)
    missing = [
        each.name
        for each in parameters
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        and each.name not in arguments
    ]
    if missing:
        what = f"{counted(len(missing), 'argument')} more: {listed(missing)}"
        help = " ".join(f"--arg {name}=…" for name in missing)
        raise fail("bad-argument", f"{target} takes {what}", f"give `{help}`")


def built(make: Callable[[], Any]) -> Any:
    """A module whose tensors have no memory.

    Made on the meta device, where tensors are shapes alone; code that asks for values as it makes
    its layers, say of `torch.linspace`, is run again on the processor.
    """
    import torch

    try:
        with torch.device("meta"):
            return to_meta(make())
    except ConvcalcError:
        raise
    except Exception:
        return to_meta(make())


def to_meta(module: Any) -> Any:
    """A module with tensors of no memory, where one that stands in two places is still one."""
    import torch

    made: dict[int, Any] = {}
    for each in module.modules():
        for name, tensor in each._parameters.items():
            if tensor is not None and not tensor.is_meta:
                if id(tensor) not in made:
                    data = torch.empty_like(tensor, device="meta")
                    made[id(tensor)] = torch.nn.Parameter(data, tensor.requires_grad)
                each._parameters[name] = made[id(tensor)]
        for name, tensor in each._buffers.items():
            if tensor is not None and not tensor.is_meta:
                if id(tensor) not in made:
                    made[id(tensor)] = torch.empty_like(tensor, device="meta")
                each._buffers[name] = made[id(tensor)]
    return module
