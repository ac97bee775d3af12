"""Runs both readers over the networks of imported_names.py, and records how they fare.

    python tests/reference/record_imports.py onnx FOLDER [--failures FILE] [NAME …]
    python tests/reference/record_imports.py torch FOLDER [--failures FILE] [NAME …]

FOLDER is what export_onnx.py, export_keras.py and old_onnx.py have filled. Of ONNX files, MACs,
parameters a use and every shape are compared with what the file says (onnx_truth.py), of code,
parameters with PyTorch's and MACs with half of what FlopCounterMode counts. The record is
imports.json; `--failures` writes what differs, grouped by its cause.
"""

# torch and onnx are not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import argparse
import json
import math
import os
import re
import signal
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import convcalc
from convcalc.diagnostics import ConvcalcError

RECORD = Path(__file__).with_name("imports.json")
#: Seconds that reading a file may take.
QUICK = 0.5
#: Operators with weights of several axes, and the axes that a kernel has beside.
CONVOLUTIONS = frozenset(("Conv", "ConvTranspose"))
POOLS = {
    "MaxPool": ("max_pool", "maxpool"),
    "AveragePool": ("avg_pool", "avgpool"),
}
#: Layers that only move data, whose form between two moves is ours to choose.
MOVES = frozenset(
    "permute reshape flatten parameter buffer split slice concat index_select identity".split()
)


def canonical(shape: Any) -> tuple[int, ...]:
    """A shape without its order and its ones."""
    return tuple(sorted(size for size in shape if size != 1))


def cells(shape: Any) -> int:
    return math.prod(shape)


def reason_of(error: BaseException) -> str:
    """An error as a line; what names this network alone is taken out of it by `cause_of`."""
    if isinstance(error, ConvcalcError):
        return str(error).strip()
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"CRASH {type(error).__name__}: {error} ({where})"


def cause_of(reason: str) -> str:
    """A reason without names and numbers, so that like ones come together."""
    first = reason.split("\n")[0]
    first = re.sub(r"[\w./-]*\.onnx", "FILE", first)
    first = re.sub(r"`[^`]*`", "`…`", first)
    if first.startswith("CRASH"):
        return first[:220]
    first = re.sub(r"[\w./]*[./_][\w./:]*\d[\w./:]*", "NAME", first)
    return re.sub(r"-?\d[\d,]*", "N", first)[:220]


def without_batch(shape: list[int]) -> tuple[int, ...]:
    """A shape of one image; windows that a file has as a batch are an axis behind the channels."""
    batch, channels, *sizes = shape
    return (channels, *sizes) if batch == 1 else (channels, batch, *sizes)


def conv_shapes(file: Any, shapes: Mapping[str, list[int]]) -> Counter[tuple[Any, ...]]:
    """The output shapes of a file's convolutions and pools, without the batch."""
    return Counter(
        ("conv" if node.op_type in CONVOLUTIONS else node.op_type, without_batch(shape))
        for node in file.graph.node
        if node.op_type in CONVOLUTIONS or node.op_type in POOLS
        if (shape := shapes.get(node.output[0]))
    )


def our_shapes(layers: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for layer in layers:
        kind = layer["type"]
        if "kernel_size" in layer["config"] and "out_channels" in layer["config"]:
            found["conv", tuple(layer["output_shape"])] += 1
        for operator, names in POOLS.items():
            if kind in names:
                found[operator, tuple(layer["output_shape"])] += 1
    return found


def report_of(path: str, size: list[int]) -> tuple[dict[str, Any], float]:
    """What `analyze --json` says of a file, and the seconds of processor time that it takes."""
    from tests.conftest import run_convcalc

    start = time.process_time()
    ran = run_convcalc("analyze", path, "--json")
    if ran.status == 2 and "--input" in ran.err:
        ran = run_convcalc("analyze", path, "--json", "--input", "x".join(map(str, size)))
    seconds = time.process_time() - start
    if ran.status:
        raise RefusedError(ran.err)
    return json.loads(ran.out), seconds


class RefusedError(Exception):
    """What the command line said instead of an answer."""


def onnx_outcome(path: Path) -> dict[str, Any]:
    """How an ONNX file fares; `wrong` has what differs from its truth, by its kind."""
    import onnx

    truth = json.loads(path.with_suffix(".json").read_text())
    told = truth["onnx"]
    outcome: dict[str, Any] = {"name": truth["name"], "exporter": truth["exporter"]}
    wrong: dict[str, str] = {}
    outcome["wrong"] = wrong
    try:
        report, seconds = report_of(str(path), truth["torch"]["input"])
    except RefusedError as error:
        wrong["read"] = str(error).strip()
        return outcome
    except Exception as error:
        wrong["read"] = reason_of(error)
        return outcome
    outcome["seconds"] = round(seconds, 3)
    totals, layers = report["totals"], report["layers"]
    if totals["macs"] != told["macs"]:
        wrong["macs"] = (
            f"{totals['macs']:,} for {told['macs']:,}: {totals['macs'] - told['macs']:+,}"
        )
    if totals["unknown"]:
        kinds = Counter(layer["name"].split(".")[-1] for layer in layers if layer["unknown"])
        wrong["unknown"] = f"opaque layers: {dict(kinds)}"
    if totals["params"] != told["params_per_use"]:
        names = ("params_once", "params_sure")
        near = [name for name in names if told[name] == totals["params"]]
        wrong["params"] = (
            f"{totals['params']:,} for {told['params_per_use']:,}: "
            f"{totals['params'] - told['params_per_use']:+,} {' '.join(near)}"
        )
    file = onnx.load(str(path), load_external_data=False)
    ours, theirs = our_shapes(layers), conv_shapes(file, told["shapes"])
    if ours != theirs:
        lacking, beyond = theirs - ours, ours - theirs
        wrong["windows"] = f"not ours: {dict(lacking)}, only ours: {dict(beyond)}"[:400]
    known = {canonical(shape) for shape in told["shapes"].values() if shape}
    if all(told["shapes"].values()):
        odd = [
            f"{layer['type']} {layer['output_shape']}"
            for layer in layers
            if layer["type"] not in MOVES and canonical(layer["output_shape"]) not in known
        ]
        if odd:
            wrong["shapes"] = f"{len(odd)} layers, such as {odd[:3]}"
    left = [canonical(each["shape"]) for each in report["outputs"]]
    if all(told["outputs"]) and left != [canonical(each) for each in told["outputs"]]:
        wrong["outputs"] = f"{report['outputs']} for {told['outputs']}"
    return outcome


def torch_outcome(name: str, folder: Path) -> dict[str, Any]:
    """How a network that is imported from code fares."""
    from tests.conftest import run_convcalc
    from tests.reference import imported_names
    from tests.reference.export_onnx import pytorch_truth

    known = folder / f"{name}.torch.json"
    if not known.exists():
        known.write_text(json.dumps(pytorch_truth(name)))
    truth = json.loads(known.read_text())
    wrong: dict[str, str] = {}
    outcome: dict[str, Any] = {"name": name, "exporter": "torch", "wrong": wrong}
    size = "x".join(map(str, truth["input"]))
    start = time.process_time()
    if name in imported_names.TORCHVISION:
        target = [f"torchvision.models:{name}"]
        if name in ("googlenet", "inception_v3"):
            target += ["--arg", "aux_logits=false", "--arg", "init_weights=false"]
    else:
        target = ["timm:create_model", "--arg", f"model_name={name}"]
    try:
        ran = run_convcalc("import", *target, "--input", size)
    except Exception as error:
        wrong["read"] = reason_of(error)
        return outcome
    if ran.status:
        wrong["read"] = ran.err
        return outcome
    outcome["seconds"] = round(time.process_time() - start, 3)
    outcome["said"] = ran.err
    (folder / "specs").mkdir(exist_ok=True)
    (folder / "specs" / f"{name}.yaml").write_text(ran.out)
    try:
        totals = convcalc.loads(ran.out).analyze().totals
    except Exception as error:
        wrong["write"] = reason_of(error)
        return outcome
    params, macs = totals["params"] + totals["frozen"], totals["macs"]
    if params != truth["params"]:
        wrong["params"] = f"{params:,} for {truth['params']:,}: {params - truth['params']:+,}"
    if macs is None or 2 * macs != truth["flops"]:
        right = truth["flops"] // 2
        wrong["macs"] = f"{macs or 0:,} for {right:,}: {(macs or 0) - right:+,}"
    if totals["unknown"]:
        wrong["unknown"] = f"{totals['unknown']} opaque layers"
    return outcome


def in_own_process(name: str, folder: Path, seconds: int) -> dict[str, Any]:
    """What `torch_outcome` says, found in a child of this process, which has PyTorch already."""
    path = folder / f".outcome.{os.getpid()}"
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1), os.dup2(silent, 2)
        path.write_text(json.dumps(torch_outcome(name, folder)))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        ended = f"CRASH ended with status {os.waitstatus_to_exitcode(status)}"
        return {"name": name, "exporter": "torch", "wrong": {"read": ended}}
    outcome: dict[str, Any] = json.loads(path.read_text())
    path.unlink()
    return outcome


def load_torch() -> None:
    """Load what every network needs once, and let a request be answered in this process."""
    import torch

    from tests.reference.torchvision_alone import import_torchvision

    torch.set_num_threads(1)
    import_torchvision()
    import timm  # noqa: F401

    from convcalc.importers import torch as reader
    from convcalc.importers.aten.answering import answer

    def run(folder: Path, seconds: float | None) -> tuple[int, list[str]]:
        answer(str(folder))
        return 0, []

    reader._run = run
    # What exporting loads on its first use is loaded once, for all children.
    torch.export.export(torch.nn.ReLU(), (torch.zeros(1),), strict=False)


def failures(outcomes: list[dict[str, Any]], title: str) -> str:
    """What differs, grouped by its cause, the commonest first."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for outcome in outcomes:
        for kind, reason in outcome["wrong"].items():
            cause = cause_of(reason) if kind in ("read", "write") else ""
            groups[kind, cause].append((f"{outcome['name']}.{outcome['exporter']}", reason))
    good = [each for each in outcomes if not each["wrong"]]
    read = [each for each in outcomes if "seconds" in each]
    now = datetime.now(timezone.utc).strftime("%H:%M:%S")
    lines = [
        f"# {title}, {now}",
        "",
        f"{len(outcomes)} tried, {len(read)} read, {len(good)} right in everything.",
    ]
    exporters: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for each in outcomes:
        exporters[each["exporter"]][0] += 1
        exporters[each["exporter"]][1] += not each["wrong"]
    lines += [f"- {name}: {right} of {all_} right" for name, (all_, right) in exporters.items()]
    slow = sorted(read, key=lambda each: -each["seconds"])
    times = [each["seconds"] for each in slow]
    if times:
        over = [
            f"{e['name']}.{e['exporter']} {e['seconds']} s" for e in slow if e["seconds"] > QUICK
        ]
        lines.append(
            f"- seconds: {sum(times):.1f} in all, median {times[len(times) // 2]}, "
            f"{len(over)} over {QUICK}: {', '.join(over[:12])}"
        )
    for (kind, cause), found in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines += ["", f"## {len(found)} × {kind}{': ' + cause if cause else ''}", ""]
        for name, reason in found[:40]:
            text = re.sub(r"\s+", " ", reason)[:600] if kind != "read" else ""
            lines.append(f"- {name} {text}".rstrip())
        if kind in ("read", "write"):
            lines += ["", "```", found[0][1][:1500], "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print what differs, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=("onnx", "torch"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="networks, or parts of the names of files")
    parser.add_argument("--failures", type=Path)
    parser.add_argument("--failed", action="store_true", help="torch: only what was not right")
    parser.add_argument("--missing", action="store_true", help="torch: only what was not run")
    parser.add_argument("--backwards", action="store_true", help="torch: the last one first")
    parser.add_argument("--seconds", type=int, default=120, help="torch: for a network")
    parser.add_argument("--record", action="store_true", help="write imports.json")
    given = parser.parse_args()
    outcomes: list[dict[str, Any]] = []
    kept = given.folder / "outcomes"
    if given.reader == "onnx":
        for path in sorted(given.folder.glob("*.onnx")):
            asked = not given.names or any(name in path.name for name in given.names)
            if asked and path.with_suffix(".json").exists():
                outcomes.append(onnx_outcome(path))
    else:
        from tests.reference import imported_names

        load_torch()
        kept.mkdir(exist_ok=True)
        names = given.names or imported_names.ALL
        for name in names[::-1] if given.backwards else names:
            path = kept / f"{name}.json"
            before = json.loads(path.read_text()) if path.exists() else None
            if before is None or not (given.missing or (given.failed and not before["wrong"])):
                before = in_own_process(name, given.folder, given.seconds)
                path.write_text(json.dumps(before))
                print(name, before["wrong"] or "right", flush=True)
                if given.failures and not given.failed:
                    found = [json.loads(each.read_text()) for each in sorted(kept.glob("*.json"))]
                    given.failures.write_text(failures(found, "torch in"))
            outcomes.append(before)
    text = failures(outcomes, f"{given.reader} in")
    if given.failures:
        given.failures.write_text(text)
    print(text)
    if given.record:
        # Of what ran before too, where it was not all run at once.
        if given.reader == "torch":
            outcomes = [json.loads(each.read_text()) for each in sorted(kept.glob("*.json"))]
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        record[given.reader] = {
            f"{each['name']}.{each['exporter']}": "; ".join(each["wrong"]) or "right"
            for each in outcomes
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
