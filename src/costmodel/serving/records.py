"""Chips and engines from the catalog and the efficiency records that training and serving share."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

import costmodel.catalog as catalog
from costmodel.compute.architectures import shape
from costmodel.compute.efficiencies import Efficiency, efficiency, largest_compute_share, memory_share
from costmodel.compute.precision import Precision, scheme
from costmodel.compute.shapes import Shape
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.errors import CatalogError
from costmodel.serving.calibration import OVERHEAD
from costmodel.serving.configuration import Chip, Configuration, Engine, Layout

SCALE_OUT_BANDWIDTH = 50e9
"""Network of one accelerator, one direction, in bytes per second: 400 Gb/s a GPU (NVIDIA DGX H100 data sheet)."""


def chip_of(
    accelerator: str,
    precision: str | Mapping[str, str] = "fp8",
    attention_precision: str = "bf16",
    scale_out_bandwidth: Numeric = SCALE_OUT_BANDWIDTH,
) -> Chip:
    """Return an accelerator of the catalog as serving sees it.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        How the weights are stored, a scheme or a table: products of the MLPs run in that format, or in 16 bits where
        the chip does not multiply in it.
    attention_precision
        Precision of attention's products.
    scale_out_bandwidth
        Network of one accelerator, one direction, > 0 [byte/s].

    Raises
    ------
    CatalogError
        If there is no such accelerator, or memory or bandwidth are not recorded.

    Examples
    --------
    >>> chip = chip_of("H100-SXM")
    >>> chip.peak / 1e12, chip.memory / 1e9
    (1979.0, 80.0)
    """
    record = catalog.accelerator(accelerator)
    return Chip(
        peak=_or_nan(record, _rate_of(accelerator, precision)),
        attention_peak=_or_nan(record, scheme(attention_precision).rate_of("attention", record.__contains__)),
        bandwidth=record.bandwidth,
        memory=record.memory,
        scale_up_bandwidth=_or_nan(record, "link"),
        scale_up_domain=_or_one(record, "domain"),
        scale_out_bandwidth=scale_out_bandwidth,
    )


def engine_of(accelerator: str, precision: str | Mapping[str, str] = "fp8", **changes: Numeric) -> Engine:
    """Return what software reaches of an accelerator, from the efficiency records.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        Precision of the weights' products.
    **changes
        Fields of :class:`~costmodel.serving.configuration.Engine` that replace a record, ``overhead`` foremost.

    Raises
    ------
    CatalogError
        If there is no such accelerator.

    Examples
    --------
    >>> engine_of("H100-SXM", "fp8").compute_share
    0.709
    """
    rate = _rate_of(accelerator, precision)
    low_latency = "protocol-LL"
    records: dict[str, Any] = {
        **{name: share.value for name, share in engine_evidence(accelerator, precision).items()},
        "scale_up_share": efficiency("scale_up_share", accelerator).value,
        "scale_out_share": efficiency("scale_out_share", accelerator).value,
        "half_inner": _half_inner(accelerator, rate),
        "kernel_launch": efficiency("kernel_launch", accelerator).value,
        "scale_up_latency": efficiency("scale_up_latency", low_latency).value,
        "scale_out_latency": efficiency("scale_out_latency", low_latency).value,
        "base_latency": efficiency("base_latency", low_latency).value,
    }
    return Engine(**{**records, **changes})


def configuration_of(
    architecture: str,
    accelerator: str,
    precision: str | Mapping[str, str] = "fp8",
    cache: str = "fp8",
    layout: Layout | None = None,
    **engine: Numeric,
) -> Configuration:
    """Return a configuration by the catalog's names, with the fitted engine overhead.

    Parameters
    ----------
    architecture, accelerator
        Names in the catalog.
    precision, cache
        Precision of the weights and of the key-value cache.
    layout
        How one copy of the model lies; absent: on one accelerator.
    **engine
        Fields of the engine that replace a record, or the overhead.

    Raises
    ------
    CatalogError
        If a name or a record is missing.

    Examples
    --------
    >>> what = configuration_of("Llama-3-70B", "H100-SXM", layout=Layout(tensor=4.0))
    >>> what.engine.overhead == OVERHEAD.value, what.shape.layers
    (True, 80)
    """
    model = shape(architecture)
    return Configuration(
        shape=model,
        chip=chip_of(accelerator, precision),
        engine=engine_of(accelerator, precision, **{"overhead": OVERHEAD.value, **engine}),
        layout=Layout() if layout is None else layout,
        precision=precision_of(precision, cache, model=model),
    )


def engine_evidence(accelerator: str, precision: str | Mapping[str, str] = "fp8") -> dict[str, Efficiency]:
    """Return the recorded shares of an accelerator with their ranges, sources and grades.

    Parameters
    ----------
    accelerator
        Name in the catalog.
    precision
        Precision of the weights' products.

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
    return {
        "compute_share": largest_compute_share(accelerator, _rate_of(accelerator, precision)),
        "attention_share": efficiency("attention_share", accelerator),
        "memory_share": memory_share(accelerator),
    }


def precision_of(
    weight: str | Mapping[str, str] = "fp8", cache: str = "fp8", activation: str = "bf16", model: Shape | None = None
) -> Precision:
    """Return stored bytes per element of every part.

    Parameters
    ----------
    weight
        Name of a scheme, or a table of formats by part.
    cache
        Format of the key-value cache.
    activation
        Format of activations and all-reduces.
    model
        The model, whose published checkpoint goes before the general scheme of that name.

    Raises
    ------
    DomainError
        If a precision is not known.

    Examples
    --------
    >>> precision_of("fp8").dispatch, precision_of("bf16").dispatch
    (1.0, 2.0)
    """
    return scheme(weight, "" if model is None else model.name, cache=cache).precision(model, activation)


def it_power(accelerator: str) -> float:
    """Return the IT power of an accelerator with its share of the server [W], latest on record.

    Raises
    ------
    CatalogError
        If none is recorded: give the power.
    """
    table = catalog.table("accelerator_hours")
    for name in (accelerator, accelerator.split("-")[0]):
        if name in table and "it_power" in table[name]:
            return float(table[name].value("it_power"))
    raise CatalogError(f"no IT power is recorded for {accelerator!r}: give energy.power")


def _rate_of(accelerator: str, precision: str | Mapping[str, str]) -> str:
    """Return the rate of the chip that products of MLPs and experts run at."""
    return scheme(precision).rate_of("dense", catalog.accelerator(accelerator).__contains__)


def _half_inner(accelerator: str, rate: str) -> float:
    """Return the shared dimension of half rate; 4-bit products take that of 8 bits.

    Only H100's has been measured: it stands in for every chip that has none of its own.
    """
    field = "half_inner_bf16" if rate in ("bf16", "tf32", "fp32") else "half_inner_fp8"
    try:
        return efficiency(field, accelerator).value
    except CatalogError:
        return efficiency(field, "H100-SXM").value


def _or_nan(record: Any, field: str) -> float:
    value = record.get(field)
    return nan if value is None else float(value)


def _or_one(record: Any, field: str) -> float:
    value = record.get(field)
    return 1.0 if value is None else float(value)
