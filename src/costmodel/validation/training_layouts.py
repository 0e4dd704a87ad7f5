"""Published runs whose utilisation is predicted, at their published degrees of parallelism or searched for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from costmodel.catalog import accelerator
from costmodel.compute import Shape, shape
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.recipe import Recipe
from costmodel.training.search import LayoutSearch, search_layouts

__all__ = [
    "MEGASCALE_175B",
    "NEMOTRON_340B",
    "calibration_utilisation",
    "deepseek_utilisation",
    "published_search",
    "utilisation_of",
]

H100_NETWORK = 50e9
"""400 Gbit/s per accelerator, one direction [byte/s]: Llama team (2024), arXiv 2407.21783, section 3.3.1."""
A100_NETWORK = 25e9
"""200 Gbit/s per accelerator, one direction [byte/s]: Jiang et al. (2024), MegaScale, arXiv 2402.15627;
recalled."""

MEGASCALE_175B = Shape(
    name="MegaScale 175B",
    layers=96,
    d_model=12288,
    heads=128,
    kv_heads=128,
    head_dim=96,
    vocabulary=64000,
    d_ff=49152,
    mlp_matrices=2,
    parallel_blocks=True,
    tied_embeddings=True,
)
"""Jiang et al. (2024), arXiv 2402.15627, table 1: 128 heads, width 12,288, 96 layers, parallel blocks, sequences of
2,048, vocabulary of 64,000; recalled. The width of its MLP and the tied embedding are those of GPT-3."""
NEMOTRON_340B = Shape(
    name="Nemotron-4 340B",
    layers=96,
    d_model=18432,
    heads=96,
    kv_heads=8,
    head_dim=192,
    vocabulary=256000,
    d_ff=73728,
    mlp_matrices=2,
)
"""NVIDIA (2024), arXiv 2406.11704: the run on which the overhead of a step was fitted. Shape and layout recalled; they
give the published 340 B parameters."""


@cache
def published_search(case: str, free: bool = False) -> LayoutSearch:
    """Return the search of a published run: at its published degrees of parallelism, or over all layouts."""
    llama = shape("Llama-3.1-405B")
    short, long = (
        TrainingJob(shape=llama, sequence=8192, batch=2048),
        TrainingJob(shape=llama, sequence=131_072, batch=128),
    )
    mega = TrainingJob(shape=MEGASCALE_175B, sequence=2048, batch=6144)
    nemotron = TrainingJob(shape=NEMOTRON_340B, sequence=4096, batch=2304)
    runs = {
        "llama-8k": (
            short,
            Cluster.recorded("H100-SXM", 8192, H100_NETWORK),
            {"tensor": 8, "pipeline": 16, "context": 1},
        ),
        "llama-16k": (
            short,
            Cluster.recorded("H100-SXM", 16_384, H100_NETWORK),
            {"tensor": 8, "pipeline": 16, "context": 1},
        ),
        "llama-131k": (
            long,
            Cluster.recorded("H100-SXM", 16_384, H100_NETWORK),
            {"tensor": 8, "pipeline": 16, "context": 16},
        ),
        "megascale": (
            mega,
            Cluster.recorded("A100-SXM-80", 12_288, A100_NETWORK),
            {"tensor": 8, "pipeline": 8, "context": 1, "interleave": 6},
        ),
        "deepseek": (
            TrainingJob(
                shape=shape("DeepSeek-V3"),
                sequence=4096,
                batch=15_360,
                recipe=replace(Recipe.recorded(), overlap_experts=True, dispatch_once=True, dispatch_bytes=1.0),
                routed_domains=4,
            ),
            Cluster.recorded("H800-SXM", 2048, H100_NETWORK, "fp8"),
            {"tensor": 1, "pipeline": 16, "context": 1, "expert": 64, "sharding": 1},
        ),
        "nemotron": (
            nemotron,
            Cluster.recorded("H100-SXM", 6144, H100_NETWORK),
            {"tensor": 8, "pipeline": 12, "context": 1, "interleave": 8},
        ),
    }
    job, cluster, published = runs[case]
    return search_layouts(job, cluster, None if free else published)


def utilisation_of(case: str, free: bool = False) -> float:
    """Return the predicted utilisation (MFU) of a published run [1].

    Parameters
    ----------
    case
        ``llama-8k``, ``llama-16k``, ``llama-131k``, ``megascale``, ``deepseek`` or ``nemotron``.
    free
        Whether the layout is searched for instead of held at the published degrees of parallelism.
    """
    return published_search(case, free).best_utilisation


def deepseek_utilisation() -> float:
    """Return DeepSeek-V3's predicted utilisation against the 16-bit peak, as its published figure is measured."""
    chip = accelerator("H800-SXM")
    return utilisation_of("deepseek") * chip.peak("fp8") / chip.peak("bf16")


def calibration_utilisation() -> float:
    """Return the utilisation of the run on which the overhead was fitted, without overhead [1]."""
    found = published_search("nemotron")
    return found.best_utilisation * found.job.recipe.step_overhead
