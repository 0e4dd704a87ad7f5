"""The measured points behind the engine overhead, with the protocol under which they were measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import costmodel.catalog as catalog
from costmodel.foundation.arrays import Numeric
from costmodel.serving.calibration import Overhead, fit_overhead
from costmodel.serving.configuration import Layout, Traffic
from costmodel.serving.records import configuration_of
from costmodel.serving.targets import serve_within

ARCHITECTURE = "Llama-3.3-70B"
"""Model of the measured points."""
LENGTH_RATIO = 0.8
"""The benchmark draws lengths uniformly between this share of the nominal length and the whole of it,
dimensionless (InferenceX, README of the first version)."""
NOMINAL_INPUT, NOMINAL_OUTPUT = 8192.0, 1024.0
"""Nominal lengths of the scenario 8k/1k [token]."""
FITTED_ON = "H100 FP8"
"""The one point on which the overhead is fitted."""


@dataclass(frozen=True, slots=True)
class Point:
    """A measured point and the search space from which the benchmark took its maximum.

    Parameters
    ----------
    name
        Accelerator and precision, as the throughput table of the catalog ends.
    accelerator
        Name in the catalog.
    weight
        Stored format of the weights.
    tensor
        Tensor-parallel sizes tried.
    concurrency
        Most requests in the system.
    engine
        Engine that the benchmark ran.
    """

    name: str
    accelerator: str
    weight: str
    tensor: tuple[int, ...]
    concurrency: int
    engine: str


POINTS = (
    Point("H100 FP8", "H100-SXM", "fp8", (2, 4, 8), 64, "vLLM"),
    Point("H200 FP8", "H200-SXM", "fp8", (1, 4, 8), 128, "TensorRT-LLM"),
    Point("B200 FP4", "B200", "nvfp4", (1, 2, 4, 8), 128, "TensorRT-LLM"),
    Point("MI300X FP8", "MI300X", "fp8", (1, 2, 4, 8), 64, "vLLM"),
    Point("MI325X FP8", "MI325X", "fp8", (1, 2, 4, 8), 64, "vLLM"),
    Point("MI355X FP4", "MI355X", "mxfp4", (1, 2, 4, 8), 64, "vLLM"),
)
"""Points of the scenario 8k/1k; sizes, concurrency and engine from the benchmark's configuration file of October
2025, whether the published maxima of April 2026 were measured so is unverified. All keep an 8-bit cache, give 0.9 of
memory to the engine and read prompts in chunks of 8,192 tokens."""


def measured_throughput(point: Point) -> float:
    """Return the published tokens per second per accelerator, input and output, of a point [token/s]."""
    return float(catalog.throughput(f"InferenceX {ARCHITECTURE} 8k/1k {point.name}").value("throughput"))


def predicted_throughput(point: Point, overhead: Numeric = 1.0, **engine: Any) -> float:
    """Return the model's largest throughput over the search space of a point.

    Parameters
    ----------
    point
        Accelerator, precision and search space.
    overhead
        Engine overhead, >= 1, a number [1].
    **engine
        Further fields of the engine that replace a record.

    Returns
    -------
    float
        Tokens per second per accelerator, input and output [token/s].
    """
    mean = (1.0 + LENGTH_RATIO) / 2.0
    variation = (1.0 - LENGTH_RATIO) / np.sqrt(12.0) / mean
    layout = Layout(tensor=np.array(point.tensor, dtype=np.float64))
    served = serve_within(
        configuration_of(ARCHITECTURE, point.accelerator, point.weight, layout=layout, overhead=overhead, **engine),
        Traffic(
            mean_input=NOMINAL_INPUT * mean,
            mean_output=NOMINAL_OUTPUT * mean,
            variation_input=variation,
            variation_output=variation,
        ),
        largest=float(point.concurrency),
    )
    return float(np.nanmax(served.tokens_per_second))


def refit() -> Overhead:
    """Fit the engine overhead anew from the catalog: on H100 alone, the other five predicted.

    Examples
    --------
    >>> from costmodel.serving.calibration import OVERHEAD
    >>> abs(refit().value / OVERHEAD.value - 1.0) < 0.01
    True
    """
    return fit_overhead(
        [point.name for point in POINTS],
        [predicted_throughput(point) for point in POINTS],
        [measured_throughput(point) for point in POINTS],
        FITTED_ON,
    )
