"""Export the networks of imported_names.py to ONNX, without their weights, beside the truth.

    python tests/reference/export_onnx.py FOLDER [NAME …]

For each network and exporter a file `NAME.EXPORTER.onnx` of kilobytes, and
`NAME.EXPORTER.json` with what PyTorch and the file itself say of it. What is there already is
left alone. Networks of WITH_WEIGHTS are kept whole too, as `whole/NAME.onnx`. Each network is a
process of its own, of at most `--seconds`.
"""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import traceback
import warnings
import zlib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import onnx
import torch

from tests.reference import imported_names, onnx_truth
from tests.reference.torchvision_alone import import_torchvision

#: What each does: the exporter, its opset, whether it optimises or folds.
EXPORTERS = ("dynamo", "dynamo-plain", "script17", "script13")

#: Larger than a file of one piece may be.
TOO_LARGE = ("vit_h_14", "regnet_y_128gf")


def build(name: str, device: str = "cpu") -> tuple[Any, tuple[int, ...]]:
    """A network in evaluation, and the size of its input without the batch."""
    with torch.device(device):
        if name in imported_names.TORCHVISION:
            import torchvision

            more: dict[str, Any] = {}
            if name in ("googlenet", "inception_v3"):
                more = {"aux_logits": False, "init_weights": False}
            model = torchvision.models.get_model(name, weights=None, **more)
            side = 299 if name == "inception_v3" else 224
            return model.eval(), (3, side, side)
        import timm

        model = timm.create_model(name, pretrained=False)
        return model.eval(), tuple(model.default_cfg["input_size"])


def without_initialisation() -> None:
    """Make weights cheap to make: what they are does not matter here."""
    for name in (
        "normal_ uniform_ trunc_normal_ kaiming_normal_ kaiming_uniform_ xavier_normal_ "
        "xavier_uniform_ orthogonal_"
    ).split():
        setattr(torch.nn.init, name, lambda tensor, *_, **__: tensor)
    torch.Tensor.normal_ = lambda self, *_, **__: self


def differ(model: Any) -> None:
    """Give every tensor values of its own, as a trained network's: equal ones would be merged."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for each in model.parameters():
            each.uniform_(0.01, 0.02, generator=generator)
        for name, each in model.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                each.uniform_(0.5, 1.0, generator=generator)


def pytorch_truth(name: str) -> dict[str, Any]:
    """Parameters, and the operations that PyTorch's counter finds on the meta device."""
    from torch.utils.flop_counter import FlopCounterMode

    try:
        model, size = build(name, "meta")
    except Exception:
        model, size = build(name)
    params = sum(each.numel() for each in model.parameters())
    trainable = sum(each.numel() for each in model.parameters() if each.requires_grad)

    def counted(module: Any, device: str) -> int:
        # The counter follows modules, and stops at a parameter that is one's input and has a
        # gradient.
        module.requires_grad_(False)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module(torch.zeros(1, *size, device=device))
        return int(counter.get_total_flops())

    where = "meta"
    try:
        flops = counted(model.to("meta"), where)
    except Exception:
        where = "cpu"
        flops = counted(build(name)[0], where)
    return {
        "params": params,
        "trainable": trainable,
        "flops": flops,
        "input": list(size),
        "device": where,
    }


def attention(q: Any, k: Any, v: Any, attn_mask: Any = None, *_: Any, **options: Any) -> Any:
    """Attention as it is defined: opset 13 has no export of the fused function."""
    scale = options.get("scale") or q.shape[-1] ** -0.5
    scores = (q * scale) @ k.transpose(-2, -1)
    return (scores if attn_mask is None else scores + attn_mask).softmax(-1) @ v


def exported(model: Any, size: tuple[int, ...], exporter: str, folder: Path) -> tuple[Any, Any]:
    """The file with weights, None where it is too large, and the one that is kept of it."""
    sample = torch.zeros(1, *size)
    if exporter.startswith("dynamo"):
        program = torch.onnx.export(
            model,
            (sample,),
            dynamo=True,
            optimize=exporter == "dynamo",
            verbose=False,
            input_names=["input"],
            output_names=["output"],
        )
        if sum(each.numel() for each in model.parameters()) > 200_000_000:
            import onnx_ir

            for value in program.model.graph.initializers.values():
                tensor = value.const_value
                if tensor.nbytes > 1024:
                    value.const_value = onnx_ir.ExternalTensor(
                        "weights.bin",
                        0,
                        tensor.nbytes,
                        tensor.dtype,
                        shape=tensor.shape,
                        name=value.name,
                    )
            return None, program.model_proto
        return program.model_proto, None
    if exporter == "script13":
        torch.nn.functional.scaled_dot_product_attention = attention
    path = folder / f".writing.{os.getpid()}.onnx"
    try:
        keep = torch.onnx.TrainingMode.PRESERVE
        torch.onnx.export(
            model,
            (sample,),
            str(path),
            dynamo=False,
            opset_version=int(exporter.removeprefix("script")),
            do_constant_folding=exporter == "script17",
            training=torch.onnx.TrainingMode.EVAL if exporter == "script17" else keep,
            input_names=["input"],
            output_names=["output"],
        )
        return onnx.load(str(path)), None
    finally:
        path.unlink(missing_ok=True)


def write(name: str, exporter: str, folder: Path) -> None:
    """Export a network, and write its truth beside it."""
    start = time.perf_counter()
    truth_file = folder / f"{name}.torch.json"
    if not truth_file.exists():
        truth_file.write_text(json.dumps(pytorch_truth(name)))
    truth = json.loads(truth_file.read_text())
    model, size = build(name)
    differ(model)
    buffers = frozenset(each for each, _ in model.named_buffers())
    whole, bare = exported(model, size, exporter, folder)
    shapes: dict[str, list[int]] = {}
    if whole is not None:
        masks = onnx_truth.masks_of(whole)
        masks |= onnx_truth.tables_of(whole, frozenset(n for n, _ in model.named_parameters()))
        found = onnx_truth.inferred_shapes(whole)
        if not all(name in found for node in whole.graph.node for name in node.output):
            shapes = onnx_truth.run_shapes(whole)
        (folder / "whole").mkdir(exist_ok=True)
        if name in imported_names.WITH_WEIGHTS and exporter in ("dynamo", "script17"):
            onnx.save(whole, str(folder / "whole" / f"{name}.{exporter}.onnx"))
        if exporter != "dynamo" and name in ("resnet50", "swin_t", "vit_tiny_patch16_224"):
            onnx.save(whole, str(folder / "whole" / f"{name}.{exporter}.onnx"))
        bare = whole
    else:
        masks = frozenset()
    onnx_truth.strip(bare, external=zlib.crc32(f"{name}{exporter}".encode()) % 4 > 0)
    library = "torchvision" if name in imported_names.TORCHVISION else "timm"
    record = {
        "name": name,
        "library": library,
        "exporter": exporter,
        "masks": sorted(masks | {b for b in buffers if "running_" not in b}),
        "torch": truth,
        "onnx": onnx_truth.truth_of(bare, masks | buffers, shapes),
        "shapes_from": "onnxruntime" if shapes else "onnx",
        "seconds": round(time.perf_counter() - start, 1),
    }
    final = folder / f"{name}.{exporter}.onnx"
    onnx.save(bare, str(final))
    final.with_suffix(".json").write_text(json.dumps(record))


def in_own_process(name: str, exporter: str, folder: Path, seconds: int) -> str:
    """Export in a child; what went wrong, or nothing."""
    log = folder / "logs" / f"{name}.{exporter}.txt"
    child = os.fork()
    if child == 0:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        signal.alarm(seconds)
        try:
            write(name, exporter, folder)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        sys.stdout.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        log.unlink(missing_ok=True)
        return ""
    code = os.waitstatus_to_exitcode(status)
    return "timeout" if code == -signal.SIGALRM else f"status {code}"


def planned() -> list[tuple[str, str]]:
    """Which network by which exporter, in the order in which they are made."""
    one, two = imported_names.TORCHVISION, imported_names.TIMM
    first = [name for pair in zip(one[:40], two[:40]) for name in pair]
    order = [*first, *two[40:], *one[40:]]
    by_all = [name for name in order if name in imported_names.BY_ALL]
    plan = [(name, EXPORTERS[i % 4]) for i, name in enumerate(by_all)]
    rest = [name for name in order if name not in imported_names.BY_ALL]
    # Scripts are several times as quick to export.
    turns = ("dynamo", "script17", "script13", "dynamo-plain", "script17", "script13")
    plan += [(name, turns[i % 6] if i < 24 else turns[i % 2 + 1]) for i, name in enumerate(rest)]
    plan = [(name, "dynamo" if name in TOO_LARGE else each) for name, each in plan]
    plan[20:20] = [(name, EXPORTERS[(i + 2) % 4]) for i, name in enumerate(by_all)][:20]
    done = set(plan)
    plan += [(n, e) for n in by_all for e in EXPORTERS if (n, e) not in done]
    return plan


def again(folder: Path) -> None:
    """Work the truth of every file out again, from the shapes that are known."""
    for path in sorted(folder.glob("*.json")):
        record = json.loads(path.read_text())
        if "onnx" in record:
            model = onnx.load(str(path.with_suffix(".onnx")), load_external_data=False)
            shapes = {name: shape for name, shape in record["onnx"]["shapes"].items() if shape}
            record["onnx"] = onnx_truth.truth_of(model, frozenset(record["masks"]), shapes)
            path.write_text(json.dumps(record))


def main() -> None:
    """Export what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--exporter", choices=EXPORTERS)
    parser.add_argument("--again", action="store_true", help="only work the truth out again")
    parser.add_argument("--seconds", type=int, default=90)
    given = parser.parse_args()
    if given.again:
        again(given.folder)
        return
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    import_torchvision()
    import onnxscript  # noqa: F401
    import timm  # noqa: F401

    without_initialisation()
    folder: Path = given.folder
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    exporters = [given.exporter] if given.exporter else EXPORTERS
    plan = [(name, each) for name in given.names for each in exporters] or planned()
    # What the exporter loads on its first use is loaded once, for all children.
    torch.onnx.export(torch.nn.ReLU(), (torch.zeros(1),), dynamo=True, verbose=False)
    for index, (name, exporter) in enumerate(plan):
        done = folder / f"{name}.{exporter}.json"
        log = folder / "logs" / f"{name}.{exporter}.txt"
        if not done.exists() and not log.exists():
            start = time.perf_counter()
            wrong = in_own_process(name, exporter, folder, given.seconds)
            took = time.perf_counter() - start
            print(f"{index}/{len(plan)} {name} {exporter} {took:.1f} s {wrong}", flush=True)
        # One that an exporter cannot take is given to the next.
        others = EXPORTERS[: EXPORTERS.index(exporter)]
        if log.exists() and others and not given.names:
            plan.insert(index + 1, (name, others[-1]))


if __name__ == "__main__":
    main()
