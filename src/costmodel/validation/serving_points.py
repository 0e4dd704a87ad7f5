"""Measured points on six chips, with the protocol under which they were measured; no profile was fitted to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import costmodel.catalog as catalog
from costmodel.serving.configuration import Layout, Traffic
from costmodel.serving.engines import profile
from costmodel.serving.load import closed_loop
from costmodel.serving.records import configuration_of

ARCHITECTURE = "Llama-3.3-70B"
"""Model of the measured points."""
LENGTH_RATIO = 0.8
"""The benchmark draws lengths uniformly between this share of the nominal length and the whole of it,
dimensionless (InferenceX, README of the first version)."""
NOMINAL_INPUT, NOMINAL_OUTPUT = 8192.0, 1024.0
"""Nominal lengths of the scenario 8k/1k [token]."""
WAVES = 10.0
"""Requests of a run over those in the system [1] (InferenceX)."""
_PROFILES = {"vLLM": "vllm", "TensorRT-LLM": "trtllm"}
"""Profile of each engine of the points."""


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


def predicted_throughput(point: Point) -> float:
    """Return the model's largest throughput over the search space of a point, with its engine's profile.

    Parameters
    ----------
    point
        Accelerator, precision, engine and search space.

    Returns
    -------
    float
        Tokens per second per accelerator, input and output [token/s].
    """
    mean = (1.0 + LENGTH_RATIO) / 2.0
    variation = (1.0 - LENGTH_RATIO) / np.sqrt(12.0) / mean
    served = closed_loop(
        configuration_of(
            ARCHITECTURE,
            point.accelerator,
            point.weight,
            layout=Layout(tensor=np.array(point.tensor, dtype=np.float64)),
            engine=profile(_PROFILES[point.engine]).engine(),
        ),
        Traffic(
            mean_input=NOMINAL_INPUT * mean,
            mean_output=NOMINAL_OUTPUT * mean,
            variation_input=variation,
            variation_output=variation,
        ),
        float(point.concurrency),
        waves=WAVES,
    )
    return float(np.nanmax(served.tokens_per_second))
