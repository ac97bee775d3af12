"""Whether throughput that timm has measured is below the roofline's bound.

    python benchmarks/timm_throughput.py results/benchmark-infer-*.csv

The files are those of huggingface/pytorch-image-models, results/. Their names say the device and
the type of number: `amp` is autocast to float16, whose products are summed in float32. That is as
fast as bfloat16 on each device, so such rows are held against both bounds. A row's operations are
twice its MACs, rounded up as far as the table is rounded, without the elementwise ones, which it
does not have; its bytes are those of its parameters, rounded down, and of its images. A file
without MACs is held against its bytes alone.

Prints a line a device and type; the status is 1 where a row is above.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from convcalc import devices
from convcalc.dtypes import size_of
from convcalc.roofline import least

#: What the files call devices and types of number.
DEVICES = {
    "rtx3090": "rtx-3090",
    "rtx4090": "rtx-4090",
    "4090": "rtx-4090",
    "5090": "rtx-5090",
    "pro6000maxq": "rtx-pro-6000-max-q",
    "i9_10940x": "i9-10940x",
    "i7_12700h": "i7-12700h",
}
DTYPES = {
    "amp": ("float16", "bfloat16"),
    "amp_bf16": ("bfloat16",),
    "bf16": ("bfloat16",),
    "fp32": ("float32",),
}
_NAME = re.compile(r"benchmark-infer-([a-z0-9_]+)-n(?:chw|hwc)-.*?-([a-z0-9_]+?)(?:-dynamo)?\.csv")
#: Half of the last digit of a table: of 10⁹ MACs, and of 10⁶ parameters.
_HALF = Fraction(1, 200)


class Ratio(NamedTuple):
    """How much of the bound a row has reached, and which row that is."""

    of_bound: Fraction
    device: str
    dtype: str
    bound: str
    row: str


def ratios(path: Path) -> Iterator[Ratio]:
    """Those of the rows of a file that have a throughput."""
    found = _NAME.fullmatch(path.name)
    if found is None or found[1] not in DTYPES or found[2] not in DEVICES:
        raise SystemExit(f"{path.name} is no benchmark of a device that is known here")
    device = devices.find(DEVICES[found[2]])
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not (row["infer_samples_per_sec"] and row["param_count"]):
                continue
            batch = int(float(row["infer_batch_size"]))
            macs = row.get("infer_gmacs")
            operations = batch * 2 * (Fraction(macs) + _HALF) * 10**9 if macs else Fraction(0)
            params = max(Fraction(row["param_count"]) - _HALF, Fraction(0)) * 10**6
            elements = int(params) + batch * 3 * int(row["infer_img_size"]) ** 2
            for dtype in DTYPES[found[1]]:
                seconds, bound = least(device, operations, elements * size_of(dtype), dtype)
                measured = Fraction(row["infer_samples_per_sec"]) / batch
                name = f"{row['model']} at {row['infer_img_size']}, {path.name}"
                yield Ratio(measured * seconds, device.name, dtype, bound, name)


def main(paths: Sequence[str]) -> int:
    """Print the largest ratios, and every row that is above; 1 where there is one."""
    by_device: dict[tuple[str, str], list[Ratio]] = {}
    for path in paths:
        for each in ratios(Path(path)):
            by_device.setdefault((each.device, each.dtype), []).append(each)
    over = 0
    print(f"{'device':20}{'dtype':10}{'rows':>7}{'above':>7}{'most':>8}  row")
    for (device, dtype), found in sorted(by_device.items()):
        most = max(found)
        above = [each for each in found if each.of_bound > 1]
        over += len(above)
        counts = f"{len(found):7,}{len(above):7,}{float(most.of_bound):8.3f}"
        print(f"{device:20}{dtype:10}{counts}  {most.bound}: {most.row}")
        for each in above:
            print(f"  {float(each.of_bound):.4f} × the bound ({each.bound}): {each.row}")
    print(f"{over} rows are above the bound")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
