"""Measure products over sizes, attention and a decode layer on an accelerator, and write a record for the catalog.

Run: python benchmarks/measure_accelerator.py NAME [--out FOLDER] [--small] [--device cuda|cpu]
NAME is the accelerator's name in the catalog; torch must be installed. Writes ``rows.csv``, every measurement with the
library's prediction, and ``record.toml``, a record for ``catalog/data/efficiencies.toml`` with the figures that fit the
rows best. Times are those of torch's kernels in a captured graph; engines have some kernels of their own. ``--small``
measures a few tiny sizes, to check that everything runs.
"""

# %%
from __future__ import annotations

import argparse
import csv
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from costmodel.compute import Machine, shape
from costmodel.compute.machine import OPERAND_BYTES, TILE_ROWS
from costmodel.compute.precision import by_part
from costmodel.compute.roofline import product_time
from costmodel.foundation.arrays import FloatArray
from costmodel.serving import Configuration, Engine, Layout, machine_of
from costmodel.serving.steps import attention_time, decode_work, prefill_work, products_time

HEADS, KEY_HEADS, HEAD, WIDTH, INNER = 64, 8, 128, 8192, 28672
"""Measured layer, as in Llama 3 70B: heads, key-value heads, and widths of heads, model and MLP [1]."""
PRODUCTS = ((4096, 1024), (4096, 4096), (10240, 8192), (8192, 8192), (57344, 8192), (8192, 28672), (7168, 2048))
"""Columns and shared dimensions of the products [1]."""
ROWS = tuple(2**power for power in range(15))
LENGTHS = (512, 1024, 2048, 4096, 8192, 16384)
BATCHES, CONTEXTS = (1, 4, 16, 64, 256), (1024, 4096, 16384)
CACHE_BYTES = 40e9
"""Largest cache to build [byte]."""
OUT_OF_CACHE = 512e6
"""Total size of the weights that repeated products cycle through [byte], larger than any second-level cache."""
REPEATS, CALLS = 7, 20
"""Number of timed runs, of which the median counts, and of calls in each [1]."""
TAIL = 0.1
"""Log error above which a row counts linearly [1]."""
EIGHTY_PERCENT = 1.2816


@dataclass(frozen=True)
class Row:
    """Measurement; sizes that do not apply to its kind are 0."""

    accelerator: str
    kind: str
    precision: str
    rows: int
    columns: int
    inner: int
    batch: int
    context: int
    seconds: float
    predicted: float


Timer = Callable[[Callable[[int], Any]], float]
"""Function from a call, which takes the number of earlier calls, to its time [s]."""


def timer(torch: Any, device: str) -> Timer:
    """Return a timer of calls; on a GPU, calls are captured in a graph, which excludes launches."""
    if device == "cpu":

        def on_host(call: Callable[[int], Any]) -> float:
            call(0)
            begin = perf_counter()
            call(1)
            return perf_counter() - begin

        return on_host

    def on_device(call: Callable[[int], Any]) -> float:
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            call(0)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for number in range(CALLS):
                call(number)
        seconds = []
        for _ in range(REPEATS):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graph.replay()
            end.record()
            torch.cuda.synchronize()
            seconds.append(begin.elapsed_time(end) / 1e3 / CALLS)
        return statistics.median(seconds)

    return on_device


def products(torch: Any, device: str, time: Timer, name: str, small: bool) -> list[Row]:
    """Measure products of all sizes in 16 bits, and in 8 bits if the device supports them."""
    machine, found = machine_of(name, "fp8"), []
    for columns, inner in ((256, 128),) if small else PRODUCTS:
        for count in (1, 64) if small else ROWS:
            for precision in ("bf16", "fp8"):
                call = _product(torch, device, precision, count, columns, inner)
                if call is not None:
                    size = {"rows": count, "columns": columns, "inner": inner}
                    found.append(
                        _row(name, "product", precision, time(call), _predicted(machine, precision, **size), **size)
                    )
    return found


def _product(
    torch: Any, device: str, precision: str, rows: int, columns: int, inner: int
) -> Callable[[int], Any] | None:
    """Return a call of a product that cycles through weights; None if the device has no such product."""
    size = columns * inner * OPERAND_BYTES[precision]
    copies = 2 if device == "cpu" else max(2, math.ceil(OUT_OF_CACHE / size))
    entering = torch.randn(rows, inner, device=device, dtype=torch.bfloat16)
    weights = [torch.randn(columns, inner, device=device, dtype=torch.bfloat16) for _ in range(min(copies, CALLS))]
    if precision == "bf16":
        return lambda number: entering @ weights[number % len(weights)].t()
    if device == "cpu" or rows % 16:
        return None
    one = torch.ones((), device=device)
    kind = torch.float8_e4m3fn
    entering, weights = entering.to(kind), [weight.to(kind) for weight in weights]

    def call(number: int) -> Any:
        weight = weights[number % len(weights)].t()
        return torch._scaled_mm(entering, weight, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)

    try:
        call(0)
    except RuntimeError:  # a chip without 8-bit products
        return None
    return call


def _predicted(machine: Machine, precision: str, rows: int, columns: int, inner: int) -> float:
    part = "dense" if precision == "fp8" else "head"
    return float(machine.product(part, float(rows), float(columns), float(inner), OPERAND_BYTES[precision]))


def layer(name: str) -> Configuration:
    """Return the library's configuration of the measured layer: 16 bits on the accelerator, without an engine."""
    mixer = {"kind": "grouped", "heads": HEADS, "kv_heads": KEY_HEADS, "head_dim": HEAD}
    block = {"layers": 1, "mixer": mixer, "feed_forward": {"kind": "dense", "d_ff": INNER}}
    return Configuration(
        shape=shape({"name": "one layer", "d_model": WIDTH, "vocabulary": 1, "groups": [block]}),
        machine=machine_of(name, "bf16"),
        engine=Engine(),
        layout=Layout(),
        precision=by_part(2.0),
    )


def attention(torch: Any, device: str, time: Timer, name: str, small: bool) -> list[Row]:
    """Measure attention over new tokens and over a cache."""
    attend, what, found = torch.nn.functional.scaled_dot_product_attention, layer(name), []

    def drawn(batch: int, heads: int, length: int) -> Any:
        return torch.randn(batch, heads, length, HEAD, device=device, dtype=torch.bfloat16)

    for length in (32,) if small else LENGTHS:
        query, key, value = drawn(1, HEADS, length), drawn(1, KEY_HEADS, length), drawn(1, KEY_HEADS, length)
        seconds = time(lambda _, q=query, k=key, v=value: attend(q, k, v, is_causal=True, enable_gqa=True))
        work = prefill_work(what, float(length), float(length), 0.0)
        found.append(_row(name, "prefill attention", "bf16", seconds, attention_time(what, work), context=length))
    for batch, context in _caches(small):
        query, key, value = drawn(batch, HEADS, 1), drawn(batch, KEY_HEADS, context), drawn(batch, KEY_HEADS, context)
        seconds = time(lambda _, q=query, k=key, v=value: attend(q, k, v, enable_gqa=True))
        predicted = attention_time(what, decode_work(what, float(batch), float(context), 1.0))
        found.append(_row(name, "decode attention", "bf16", seconds, predicted, batch=batch, context=context))
    return found


def decode_layer(torch: Any, device: str, time: Timer, name: str, small: bool) -> list[Row]:
    """Measure a whole layer in decode, including norms and residual additions."""
    function, what, found = torch.nn.functional, layer(name), []
    widths = (WIDTH, INNER) if not small else (HEADS * HEAD, 512)

    def weight(columns: int, inner: int) -> Any:
        return torch.randn(columns, inner, device=device, dtype=torch.bfloat16) / inner**0.5

    entering, leaving = weight((HEADS + 2 * KEY_HEADS) * HEAD, widths[0]), weight(widths[0], HEADS * HEAD)
    into, out = weight(2 * widths[1], widths[0]), weight(widths[0], widths[1])
    for batch, context in _caches(small):
        cache = torch.randn(2, batch, KEY_HEADS, context, HEAD, device=device, dtype=torch.bfloat16)
        state = torch.randn(batch, widths[0], device=device, dtype=torch.bfloat16)

        def call(_: int, cache: Any = cache, state: Any = state, batch: int = batch) -> Any:
            mixed = function.rms_norm(state, (widths[0],)) @ entering.t()
            query = mixed[:, : HEADS * HEAD].view(batch, HEADS, 1, HEAD)
            cache[:, :, :, -1] = mixed[:, HEADS * HEAD :].view(batch, 2, KEY_HEADS, HEAD).transpose(0, 1)
            seen = function.scaled_dot_product_attention(query, cache[0], cache[1], enable_gqa=True)
            middle = state + seen.reshape(batch, -1) @ leaving.t()
            gate, up = (function.rms_norm(middle, (widths[0],)) @ into.t()).chunk(2, dim=-1)
            return middle + (function.silu(gate) * up) @ out.t()

        predicted = products_time(what, float(batch), 0.0)
        predicted = predicted + attention_time(what, decode_work(what, float(batch), float(context), 1.0))
        found.append(_row(name, "decode layer", "bf16", time(call), predicted, batch=batch, context=context))
    return found


def _caches(small: bool) -> list[tuple[int, int]]:
    if small:
        return [(2, 64)]
    size = 4.0 * KEY_HEADS * HEAD
    return [(batch, context) for batch in BATCHES for context in CONTEXTS if batch * context * size <= CACHE_BYTES]


def _row(name: str, kind: str, precision: str, seconds: float, predicted: Any, **sizes: int) -> Row:
    given = {field: sizes.get(field, 0) for field in ("rows", "columns", "inner", "batch", "context")}
    return Row(name, kind, precision, **given, seconds=seconds, predicted=float(predicted))


# %%
def fitted(start: Sequence[float], guess: Callable[[FloatArray], FloatArray], seconds: FloatArray) -> Fitted:
    """Return positive figures that fit the times best, with the spread of each and the median error."""

    def loss(logs: FloatArray) -> FloatArray:
        return np.asarray(np.log(guess(np.exp(logs)) / seconds) / TAIL)

    found = least_squares(loss, np.log(start), loss="soft_l1", diff_step=1e-3)
    curvature = found.jac.T @ found.jac + 1e-9 * np.eye(len(start))
    deviations = TAIL * np.sqrt(np.diag(np.linalg.inv(curvature)))
    return Fitted(np.exp(found.x), deviations, float(np.median(np.abs(np.expm1(loss(found.x) * TAIL)))), seconds.size)


@dataclass(frozen=True)
class Fitted:
    """Fitted figures, with the standard deviations of their logarithms, the median error and the number of rows."""

    values: FloatArray
    deviations: FloatArray
    error: float
    rows: int

    def entry(self, field: str, index: int, most: float = math.inf) -> str:
        """Return a figure as an entry of a record, with its 80 % interval."""
        factor = math.exp(min(EIGHTY_PERCENT * self.deviations[index], 1.0))
        value = min(self.values[index], most)
        note = f"Least squares over {self.rows} measured rows; median error {self.error:.0%}."
        return (
            f"{field} = {{ value = {value:.4g}, low = {value / factor:.4g}, high = {min(value * factor, most):.4g}, "
            f'note = "{note}" }}'
        )


def product_figures(rows: Sequence[Row], precision: str) -> Fitted | None:
    """Fit share of peak, share of bandwidth, half-dimension, lost elements and kernel time to products."""
    chosen = [row for row in rows if row.kind == "product" and row.precision == precision]
    if len(chosen) < len(START):
        return None
    machine = machine_of(chosen[0].accelerator, "fp8")
    rate = machine.dense if precision == "fp8" else machine.head
    sizes = np.array([(row.rows, row.columns, row.inner) for row in chosen], dtype=float).T
    width = OPERAND_BYTES[precision]

    def guess(figures: FloatArray) -> FloatArray:
        share, memory, half, lost, launch = figures
        peaks = (1.0, width, width, rate.peak, machine.bandwidth, share, memory)
        return np.asarray(product_time(*sizes, *peaks, half, TILE_ROWS, lost, launch))

    return fitted(START, guess, np.array([row.seconds for row in chosen]))


START = (0.75, 0.85, 100.0, 3e5, 3e-6)
"""Start of the fit of products: shares of peak and bandwidth, half-dimension, lost elements, kernel time [s]."""


def record(rows: Sequence[Row], software: str) -> str:
    """Return a record for the catalog's table of efficiencies from measured rows."""
    name = rows[0].accelerator
    lines = ["[[record]]", f'id = "{name}"', 'source = "own-measurement"', f'known = "{date.today():%Y-%m}"']
    lines += ['grade = "estimated"', f'note = "benchmarks/measure_accelerator.py with {software}."']
    for precision in ("bf16", "fp8"):
        found = product_figures(rows, precision)
        if found is not None:
            lines.append(found.entry(f"compute_share_{precision}", 0, 1.0))
            lines.append(found.entry(f"half_inner_{precision}", 2))
            lines.append(found.entry(f"lost_elements_{precision}", 3))
            if precision == "bf16":
                lines += [found.entry("memory_share", 1, 1.0), found.entry("kernel_launch", 4)]
    lines += _attention_entries([row for row in rows if row.kind == "prefill attention"])
    return "\n".join(lines) + "\n"


def _attention_entries(rows: Sequence[Row]) -> list[str]:
    """Return attention's share of peak and the sequence at which it reaches half, from prompts of several lengths."""
    if len(rows) < 2:
        return []
    peak = machine_of(rows[0].accelerator, "bf16").scores_peak
    length = np.array([float(row.context) for row in rows])

    def guess(figures: FloatArray) -> FloatArray:
        share, half = figures
        return np.asarray(2.0 * 2.0 * HEADS * HEAD * length * (length + half) / 2.0 / (peak * share))

    found = fitted((0.65, 900.0), guess, np.array([row.seconds for row in rows]))
    return [found.entry("attention_share", 0, 1.0), found.entry("half_sequence", 1)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print errors by kind, and write rows and record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, default=Path("measured"))
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args(arguments)
    import torch

    time = timer(torch, given.device)
    with torch.inference_mode():
        rows = [
            row
            for measure in (products, attention, decode_layer)
            for row in measure(torch, given.device, time, given.name, given.small)
        ]
    given.out.mkdir(parents=True, exist_ok=True)
    with (given.out / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [item.name for item in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    (given.out / "record.toml").write_text(record(rows, f"torch {torch.__version__}"), encoding="utf-8")
    for kind in dict.fromkeys((row.kind, row.precision) for row in rows):
        errors = [row.predicted / row.seconds - 1.0 for row in rows if (row.kind, row.precision) == kind]
        print(f"{' '.join(kind):24} {len(errors):4} rows, predicted {statistics.median(errors):+.0%} at the median")
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
