"""Writes docs/gpu-results.md: what was measured on a GPU, each figure beside its physical limit and its target.

Usage: gpu_results.py [RESULTS.json] > docs/gpu-results.md
RESULTS.json is what tools/gpu-check keeps of a run; without one the page says that there was none and gives limits and targets.
"""

import json
import math
import sys

ITERATIONS = 600  # of a refinement in all that follows
PATTERN_FLOP = {"infer": 151e6, "wu2021": 1.464e9}  # of the shipped network (docs/model-flash.md), and of `wu2021`, per pattern
PATTERN_BYTES = 64 * 64 * 4 + 32 * 32 * 8  # intensity in, object out

# An H200: copy and matrix rate as PyTorch reached them on one, the rest from its data sheet and clock.
ASSUMED = {
    "copy_bytes_per_second": 4.3e12,
    "host_copy_bytes_per_second": 55e9,
    "matrix_flops": 788e12,
    "fp32_flops": 67e12,
    "shared_memory_bytes_per_second": 33.5e12,
}


def fft_flop(size):
    """Of one complex transform of size x size, by the usual count."""
    return 5 * size * size * 2 * math.log2(size)


def fused_limits(ceilings, size):
    """Frames a second that stay on the chip, by what would bind them."""
    # 0.6 instructions per operation of an FFT in radices of 8, and 24 a pixel for all that is pointwise; every one takes the
    # slot of a multiply-add, which counts as two operations in fp32_flops.
    instructions = ITERATIONS * (0.6 * 2 * fft_flop(size) + 24 * size * size)
    # Six exchanges of the field in the two FFTs, eight elements a thread, and reads of field and modulus: 116 bytes a pixel.
    shared_bytes = ITERATIONS * 116 * size * size
    return {
        "instruction issue": ceilings["fp32_flops"] / 2 / instructions,
        "shared memory": ceilings["shared_memory_bytes_per_second"] / shared_bytes,
    }


def batched_limit(ceilings, size):
    """Frames a second when each FFT passes twice over device memory and callbacks do the pointwise work: 77 bytes a pixel and
    iteration. What fits the L2 cache can be faster."""
    return ceilings["copy_bytes_per_second"] / (ITERATIONS * 77 * size * size)


def infer_limits(ceilings, pattern_flop):
    return {
        "matrix rate": ceilings["matrix_flops"] / pattern_flop,
        "copies from the host": ceilings["host_copy_bytes_per_second"] / PATTERN_BYTES,
    }


def smallest(limits):
    name = min(limits, key=limits.get)
    return limits[name], name


def quantity(value, unit):
    if value is None:
        return "-"
    if value == int(value) and value < 1e6:
        return f"{int(value):,}".replace(",", " ") + " " + unit
    digits = 0 if value >= 100 else max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{digits}f}".replace(",", " ") + " " + unit


class Row:
    """One figure. `limit` is the best that physics allows, `target` what is asked for."""

    def __init__(self, what, unit, measured=None, limit=None, bound="", target=None):
        self.what, self.unit, self.measured = what, unit, measured
        self.limit, self.bound, self.target = limit, bound, target
        self.smaller_is_better = unit in ("ms", "frames")

    @property
    def met(self):
        if self.measured is None or self.target is None:
            return None
        return self.measured <= self.target if self.smaller_is_better else self.measured >= self.target

    def text(self):
        share = "-"
        if self.measured is not None and self.limit:
            share = f"{100 * (self.limit / self.measured if self.smaller_is_better else self.measured / self.limit):.0f} %"
        sign = "≤" if self.smaller_is_better else "≥"
        target = "-" if self.target is None else f"{sign} {quantity(self.target, self.unit)}"
        met = {True: "yes", False: "**no**", None: "-"}[self.met]
        limit = quantity(self.limit, self.unit) + (f" ({self.bound})" if self.bound else "")
        return f"| {self.what} | {quantity(self.measured, self.unit)} | {limit} | {share} | {target} | {met} |"


def infer_rows(results, ceilings, key, by, targets):
    """`key` of results: runs of one network by precision."""
    runs = results.get(key, {})
    best, best_name, flop = None, "", PATTERN_FLOP[key]
    for name, run in runs.items():
        for batch in run["batches"]:
            if best is None or batch["frames_per_second"] > best["frames_per_second"]:
                best, best_name = batch, name
                flop = 1e9 * batch["gflops"] / batch["frames_per_second"]
    limit, bound = smallest(infer_limits(ceilings, flop))
    best_text = f", {best_name} at batch {best['batch']}" if best else ""
    rows = [Row(f"patterns inferred{by}, 64 × 64, best batch{best_text}", "/s", best and best["frames_per_second"], limit, bound, targets[0])]
    alone = [b["milliseconds_p50"] for run in runs.values() for b in run["batches"] if b["batch"] == 1]
    rows.append(Row(f"one pattern{by}, batch 1, end to end", "ms", min(alone, default=None),
                    1e3 * (flop / ceilings["matrix_flops"] + PATTERN_BYTES / ceilings["host_copy_bytes_per_second"]),
                    "matrix rate and copies, no latency", targets[1]))
    return rows


def frames_per_second(run):
    return run and run["iterations_per_second"] / ITERATIONS


def refine_rows(results, ceilings):
    runs = results.get("refine", {})
    speed = {name: frames_per_second(run) for name, run in runs.items()}
    rows = []

    def add(path, by, size, limit, bound, target):
        what = f"frames refined {by}, {size} × {size}, {ITERATIONS} iterations"
        rows.append(Row(what, "/s", speed.get(f"{path} {size}"), limit, bound, target))
        rows.append(Row("with the host's part: " + what, "/s", runs.get(f"{path} {size}", {}).get("frames_per_second_with_host")))

    for size in (32, 64, 96, 100, 128):
        add("fused", "on the chip (fused)", size, *smallest(fused_limits(ceilings, size)), 40e3 if size == 64 else None)
    for size in (64, 96, 200, 256, 512):
        limit = batched_limit(ceilings, size)
        add("batched", "with cuFFT (batched)", size, limit, "device memory", 0.6 * limit if size == 256 else None)
    fused, batched = speed.get("fused 64"), speed.get("batched 64")
    rows.append(Row("fused against batched, 64 × 64", "×", fused and batched and fused / batched, target=2))
    return rows


def service_rows(results, ceilings):
    del ceilings
    rows = []
    for name, what in (("inferred", "service, trains of 10 × 2 700, every frame inferred"),
                       ("refined", "service, the same, and every frame refined with 100 iterations")):
        run = results.get("service", {}).get(name)
        rows.append(Row(f"{what}: frames out", "/s", run and run["frames_per_second"], target=27e3 * 0.99))
        rows.append(Row(f"{what}: latency p99", "ms", run and run["latency_milliseconds"]["p99"],
                        target=20 if name == "inferred" else None))
        lost = run and run["sent"] - run["received"] + run["dropped"]
        rows.append(Row(f"{what}: frames lost", "frames", lost, target=0))
    return rows


TABLE_HEAD = "| | measured | limit | share of it | target | met |\n|---|---|---|---|---|---|"


def ceilings_table(ceilings):
    names = (
        ("copy_bytes_per_second", "copy inside device memory, read and written", 1e-12, "TB/s"),
        ("host_copy_bytes_per_second", "copy from page-locked host memory", 1e-9, "GB/s"),
        ("matrix_flops", "bf16 matrix products of random numbers, 8192³", 1e-12, "TFLOP/s"),
        ("fp32_flops", "fp32 multiply-adds outside the matrix units", 1e-12, "TFLOP/s"),
        ("shared_memory_bytes_per_second", "reads from shared memory", 1e-12, "TB/s"),
        ("launch_seconds", "from one empty kernel to the next", 1e6, "µs"),
    )
    lines = ["| ceiling | |", "|---|---|"]
    lines += [f"| {text} | {quantity(ceilings[key] * factor, unit)} |" for key, text, factor, unit in names if key in ceilings]
    return "\n".join(lines)


HOW = f"""How the limits are computed, for {ITERATIONS} iterations of N × N pixels, from the ceilings above:
- inference: operations of the network's convolutions a pattern over the matrix rate, or bytes in and out over the copy rate from the host.
- fused: an iteration is two FFTs of 5 N² log₂ N² operations, at 0.6 instructions each (radix 8), and 24 instructions a pixel; every
  instruction takes the slot of one multiply-add. Shared memory: 116 bytes a pixel and iteration.
- batched: 77 bytes of device memory a pixel and iteration, which is two passes for each FFT with the pointwise work in its callbacks; at
  64 × 64 a batch can live in the L2 cache and pass this limit.

Commands: `tools/gpu-check` runs them all and writes this page."""


def verdicts(results):
    lines = []
    for name, run in results.get("conformance", {}).items():
        lines.append(f"| {name} | {run['passed']} passed, {run['failed']} failed, {run['skipped']} skipped |")
    for name, verdict in results.get("sanitizer", {}).items():
        lines.append(f"| {name} | {verdict} |")
    for name, what in results.get("failed", {}).items():
        lines.append(f"| {name} | **failed**: {what['reason']} |")
    return "\n".join(["| check | |", "|---|---|", *lines]) if lines else ""


def page(results=None):
    """The whole page; `results` of tools/gpu-check, or None when there are none."""
    ran = results is not None
    results = results or {}
    ceilings = results.get("ceilings", ASSUMED)
    rows = (infer_rows(results, ceilings, "infer", "", (100e3, 0.3))
            + infer_rows(results, ceilings, "wu2021", " by `wu2021` (random weights)", (None, None))
            + refine_rows(results, ceilings) + service_rows(results, ceilings))
    parts = []
    if ran:
        device = results["ceilings"]
        parts.append(f"Run on one {device['device']}, {results['date']}, of revision {results['revision']}.")
        parts.append("# On a GPU")
        parts.append("| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in (
            ("device", f"{device['device']}, {device['memory_bytes'] / 2**30:.0f} GiB, compute capability {device['compute_capability']}, "
                       f"{device['multiprocessors']} multiprocessors"),
            *results["versions"].items())))
        parts.append("## Checks\n" + verdicts(results))
        parts.append("## Figures\n" + TABLE_HEAD + "\n" + "\n".join(row.text() for row in rows))
        missed = [row.what for row in rows if row.met is False]
        parts.append("Targets missed: " + ("; ".join(missed) if missed else "none") + ".")
        parts.append("## Ceilings, the best that was measured on such a device\n" + ceilings_table(ceilings))
    else:
        parts.append("Not yet run on a GPU: no figure on this page is measured by these programs.")
        parts.append("# On a GPU")
        parts.append("What one H200 allows, and what is asked for; `tools/gpu-check` fills in the rest.")
        parts.append("## Figures\n" + TABLE_HEAD + "\n" + "\n".join(row.text() for row in rows))
        parts.append("## Ceilings, assumed\nCopy and matrix rate as PyTorch reached them on an H200, the others from its data sheet; "
                     "`flashphase-bench ceilings` measures them.\n\n" + ceilings_table(ceilings))
    parts.append(HOW)
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page(json.loads(open(sys.argv[1], encoding="utf-8").read()) if len(sys.argv) > 1 else None))
