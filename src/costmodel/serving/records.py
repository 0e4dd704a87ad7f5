"""Machines and configurations by the names of the catalog, and the power of an accelerator in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

import costmodel.catalog as catalog
from costmodel.compute.architectures import shape, stored_scheme
from costmodel.compute.efficiencies import Efficiency, efficiency, largest_compute_share, memory_share
from costmodel.compute.machine import SIXTEEN_BITS, Machine, machine
from costmodel.compute.precision import FORMATS, Scheme
from costmodel.foundation.arrays import Numeric
from costmodel.serving.configuration import Configuration, Engine, Layout
from costmodel.serving.engines import profile
from costmodel.serving.reserve import DEFAULT, older_reserve, reserve

SCALE_OUT_BANDWIDTH = 50e9
"""Network of one accelerator, one direction, in bytes per second: 400 Gb/s a GPU (NVIDIA DGX H100 data sheet)."""


def machine_of(
    accelerator: str,
    precision: str | Mapping[str, str] | Scheme = "fp8",
    *,
    scores: str = SIXTEEN_BITS,
    scale_out_bandwidth: Numeric = SCALE_OUT_BANDWIDTH,
) -> Machine:
    """Return an accelerator of the catalog for serving, where collectives run inside a captured graph.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        How the model is stored: a scheme, its name, or a table of formats by part.
    scores
        Precision of attention's own products.
    scale_out_bandwidth
        Network of one accelerator, one direction, > 0 [byte/s].

    Raises
    ------
    CatalogError
        If there is no such accelerator, or memory or bandwidth are not recorded.

    Examples
    --------
    >>> chip = machine_of("H100-SXM")
    >>> chip.dense.peak / 1e12, chip.head.peak / 1e12, round(chip.memory / 2**30, 2)
    (1979.0, 989.4, 79.19)
    """
    return machine(
        accelerator, precision, scores_precision=scores, scale_out_bandwidth=scale_out_bandwidth, captured=True
    )


def configuration_of(
    architecture: str | Path | Mapping[str, Any],
    accelerator: str,
    precision: str | Mapping[str, Any] | Scheme = "fp8",
    cache: str | None = "fp8",
    layout: Layout | None = None,
    engine: Engine | str | None = None,
    memory_use: Numeric | None = None,
) -> Configuration:
    """Return a configuration by the catalog's names, with an engine.

    Parameters
    ----------
    architecture
        The model: a name in the catalog, the path of a ``config.json``, or a table.
    accelerator
        Name in the catalog.
    precision
        How the model is stored: a scheme, its name, a table of formats by part, or ``"published"``.
    cache
        Stored format of the key-value cache; ``None``: the scheme's.
    layout
        How one copy of the model is placed; absent: on one accelerator.
    engine
        The engine, or its name, with a version where an older one is meant (``"vllm 0.10"``); absent: one
        without factors and host times, which keeps back the memory that the newest vLLM on record does; where that
        decides, the configuration's ``remarks`` say so.
    memory_use
        Share of memory that the engine plans with, 0 < s < 1; absent: the engine's [1].

    Raises
    ------
    CatalogError
        If a name or a record is missing.

    Examples
    --------
    >>> what = configuration_of("Llama-3-70B", "H100-SXM", layout=Layout(tensor=4.0))
    >>> what.engine.decode_factor, what.shape.layers
    (1.0, 80)
    >>> [float(configuration_of("Llama-3-8B", "H100-SXM", engine=name).engine.reserve.logit_bytes)
    ...  for name in ("vllm", "vllm 0.10.1")]
    [14.0, 38.0]
    """
    model = shape(architecture)
    stored = stored_scheme(architecture, precision, **({} if cache is None else {"cache": cache}))
    if isinstance(engine, Engine):
        used = engine
    else:
        plain = Engine() if engine is None else profile(engine).engine()
        kept = reserve(engine or DEFAULT, accelerator)
        used = replace(plain, reserve=kept, older_reserve=older_reserve(engine, accelerator))
    return Configuration(
        shape=model,
        machine=machine_of(accelerator, stored),
        engine=used if memory_use is None else replace(used, memory_use=memory_use),
        layout=Layout() if layout is None else layout,
        precision=stored.precision(),
    )


def engine_evidence(accelerator: str, precision: str | Scheme = "fp8") -> dict[str, Efficiency]:
    """Return the recorded shares of an accelerator with their ranges, sources and grades.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        Precision of the weights' products, or how the model is stored: that of its dense matrices.

    Raises
    ------
    CatalogError
        If there is no such accelerator.

    Examples
    --------
    >>> share = engine_evidence("H100-SXM")["compute_share"]
    >>> share.low, share.value, share.high
    (0.686, 0.709, 0.743)
    """
    stored = precision.dense if isinstance(precision, Scheme) else precision
    return {
        "compute_share": largest_compute_share(accelerator, FORMATS[stored].rates[0] if stored in FORMATS else stored),
        "attention_share": efficiency("attention_share", accelerator),
        "memory_share": memory_share(accelerator),
    }


_DRAWN = ((8.0, 0.65), (64.0, 0.70), (np.inf, 0.82))
"""Draw of an accelerator that serves over its rated power, up to so many sequences in decode [1]: ML.ENERGY
Benchmark v3."""
MEDIAN_DRAWN = 0.75
"""The same at no stated batch: the median over all batches [1]."""


def power_in_use(accelerator: str, batch: Numeric = np.nan) -> tuple[Numeric, str]:
    """Return the power of an accelerator while it serves [W], and where the figure comes from, in words.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    batch
        Sequences in decode of one copy [1], any shape, for an estimate.

    Returns
    -------
    float or array
        IT power with the share of the server, latest on record; where none is, an estimate from rated power, of the
        accelerator alone; NaN where that is not on record either.
    str
        ``""`` for a record, else what was estimated or is missing.

    Raises
    ------
    CatalogError
        If there is no such accelerator.

    Examples
    --------
    >>> power_in_use("H100-SXM")[1], round(float(power_in_use("A100-SXM-80", 32.0)[0]))  # 400 W · 0.70
    ('', 280)
    """
    rated = catalog.accelerator(accelerator).get("power")
    table = catalog.table("accelerator_hours")
    for name in (accelerator, accelerator.split("-")[0]):
        if name in table and "it_power" in table[name]:
            return float(table[name].value("it_power")), ""
    if rated is None:
        return nan, f"blank: neither IT power nor rated power of {accelerator} is on record; give energy.power"
    ends, shares = zip(*_DRAWN, strict=True)
    share = np.select([np.less_equal(batch, end) for end in ends], shares, MEDIAN_DRAWN)[()]
    note = "grade estimated: power of the accelerator alone, from its rated power by batch (ML.ENERGY v3)"
    return rated * share, note
