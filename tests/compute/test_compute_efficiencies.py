"""Recorded efficiencies: evidence, substitutes, distributions, and predictions for measured kernels."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

import numpy as np
import pytest

from costmodel.catalog import accelerator, table
from costmodel.compute import (
    efficiency,
    largest_compute_share,
    machine,
    memory_share,
    product_time,
    protocol,
    protocols,
)
from costmodel.foundation.errors import CatalogError
from costmodel.foundation.inputs import Inputs, Parameter, parameter
from costmodel.foundation.provenance import Grade
from costmodel.validation.case import Case, evaluate
from costmodel.validation.compute import CASES, MEASURED_GROUPS, MEASURED_PRODUCTS, exchange_time, product_rate

XLA_H100_BF16 = (
    (1024, 2048, 256, 139.519),
    (256, 2048, 256, 41.838),
    (4096, 512, 512, 238.822),
    (512, 256, 512, 21.789),
    (256, 2048, 4096, 285.874),
    (4096, 1024, 512, 343.707),
    (2048, 2048, 2048, 631.985),
    (256, 512, 4096, 91.679),
    (256, 1024, 256, 22.672),
    (4096, 4096, 256, 392.163),
    (2048, 512, 2048, 347.714),
    (4096, 4096, 4096, 783.329),
    (512, 4096, 1024, 373.346),
    (512, 256, 4096, 91.057),
    (256, 1024, 4096, 172.295),
    (4096, 2048, 512, 447.020),
    (2048, 256, 1024, 135.848),
    (2048, 1024, 2048, 523.266),
    (512, 256, 256, 11.460),
    (1024, 256, 1024, 68.339),
    (4096, 256, 2048, 304.694),
    (1024, 1024, 2048, 349.981),
    (256, 512, 256, 11.460),
    (256, 4096, 2048, 324.589),
    (1024, 512, 2048, 220.029),
    (512, 2048, 1024, 232.613),
    (4096, 512, 1024, 370.767),
    (1024, 2048, 2048, 524.288),
)
"""Measured 16-bit products on H100: rows, columns, inner, TFLOP/s (OpenXLA's table for sm_90, one product each)."""


@pytest.mark.published
def test_sixteen_bit_products_on_h100() -> None:
    chip = replace(machine("H100-SXM"), kernel_time=efficiency("kernel_launch").high)  # the table includes the launch
    rows, columns, inner, measured = np.array(XLA_H100_BF16).T
    predicted = 2 * rows * columns * inner / chip.product("dense", rows, columns, inner, 2.0) / 1e12
    errors = np.abs(predicted / measured - 1.0)
    assert np.median(errors) < 0.13  # small products of a compiler's own kernels, launch included
    assert errors.max() < 0.50


@pytest.mark.published
def test_eight_bit_products_on_h800() -> None:
    assert median(abs(product_rate(1, *row[:3]) / row[3] - 1.0) for row in MEASURED_PRODUCTS) < 0.08
    assert median(abs(product_rate(*row[:4]) / row[4] - 1.0) for row in MEASURED_GROUPS) < 0.06


@pytest.mark.published
def test_a_size_curve_is_needed() -> None:
    # Without partial tiles and the launch, predictions for the same products are far too fast.
    chip = machine("H800-SXM", "fp8")
    limits = chip.dense.peak, chip.bandwidth, chip.dense.share, chip.memory_share
    rates = []
    for rows, columns, inner, measured in MEASURED_PRODUCTS:
        flat = product_time(rows, columns, inner, 1.0, 1.0, 1.0, *limits, 0.0, 0.0, 0.0, 0.0)
        rates.append(2 * rows * columns * inner / float(flat) / 1e12 / measured)
    assert median(rates) > 1.15


@pytest.mark.published
def test_exchange_between_experts() -> None:
    # DeepEP, low-latency kernels: 192 µs for a dispatch over 128 accelerators, 314 µs for a combine over 64.
    assert exchange_time(128.0, 1 + 4 / 128) == pytest.approx(192e-6, rel=0.10)
    assert exchange_time(64.0, 2.0) == pytest.approx(314e-6, rel=0.10)


@pytest.mark.published
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_published_cases(case: Case) -> None:
    outcome = evaluate(case)
    assert outcome.verdict in {"ok", "miss"}, f"{outcome.value:g} against {case.published:g}"
    assert not (outcome.within and case.miss), "a recorded miss that is none any more"


@pytest.mark.closed_form
def test_protocols_and_their_minimum() -> None:
    # Erdil 2025, 8 H100: LL at 100 kB, 2 · 7 · .6 + 6.8 µs + 7/8 · 1e5 / (225e9 · .5).
    chip = replace(machine("H100-SXM"), scale_up_share=1.0)
    low = (2 * 7 * 0.6 + 6.8) * 1e-6 + 7 / 8 * 1e5 / (225e9 * 0.5)
    assert float(chip.all_reduce(1e5, 8.0)) == pytest.approx(low, rel=1e-12)
    simple = 2 * 7 * 28e-6 + 7 / 8 * 1e10 / 225e9
    assert float(chip.all_reduce(1e10, 8.0)) == pytest.approx(simple, rel=1e-12)
    assert [protocol.bandwidth_share for protocol in protocols()] == [0.5, 0.95, 1.0]


@pytest.mark.contract
def test_any_chip_is_the_median_of_the_measured_ones() -> None:
    records = [record for name, record in table("efficiencies").items() if name != "any"]
    measured = [record.value("compute_share_bf16") for record in records if "compute_share_bf16" in record]
    general = efficiency("compute_share_bf16")
    assert len(measured) == 8
    assert general.value == pytest.approx(np.median(measured), abs=0.001)
    assert (general.low, general.high) == (min(measured), max(measured))


@pytest.mark.contract
@pytest.mark.parametrize("record", table("efficiencies").values(), ids=lambda record: record.name)
def test_every_figure_is_graded_and_shares_have_a_range(record: object) -> None:
    for datum in record:  # type: ignore[attr-defined]
        assert datum.source_key != "not recorded" or datum.grade in {Grade.UNVERIFIED, Grade.ASSUMED}
        if datum.field.endswith("_share") and datum.field != "bandwidth_share":
            assert 0.0 < datum.low <= datum.value <= datum.high <= 1.0


@pytest.mark.contract
def test_stand_ins_are_estimates_at_best() -> None:
    assert largest_compute_share("H100-SXM", "fp8").grade is Grade.PUBLISHED
    assert largest_compute_share("H100-SXM", "int8").grade is Grade.ESTIMATED
    assert largest_compute_share("H800-SXM").name == "H100-SXM.compute_share_bf16"
    assert largest_compute_share("H800-SXM").grade is Grade.ESTIMATED
    assert largest_compute_share("GB300-NVL72").name == "GB200-NVL72.compute_share_bf16"
    assert largest_compute_share("TPU-v5p").name == "any.compute_share_bf16"
    assert memory_share("TPU-v5p").grade is Grade.ESTIMATED
    assert efficiency("scale_up_share", "MI355X").name == "MI300X.scale_up_share"
    assert efficiency("scale_up_share", "H100-SXM").name == "links.scale_up_share"


@pytest.mark.contract
@pytest.mark.parametrize("name", ["V100-SXM2-32", "A100-SXM-80", "H100-SXM", "B200", "MI300X", "TPU-v5p", "Trainium2"])
def test_every_chip_has_a_rate(name: str) -> None:
    found = machine(name)
    assert found.dense.peak == accelerator(name).peak("bf16")
    assert 0.5 < found.dense.share < 0.9
    assert 0.7 < found.memory_share < 0.9
    assert 80.0 <= found.dense.half_inner <= 151.0  # measured on H100 and on B200


class _Kernels(Inputs):
    """Inputs that take recorded efficiencies."""

    share: Parameter = parameter("1", gt=0, le=1, description="Share.")
    launch: Parameter = parameter("s", ge=0, description="Launch.")


@pytest.mark.contract
def test_efficiencies_become_uncertain_inputs() -> None:
    share, launch = efficiency("memory_share", "H100-SXM"), efficiency("kernel_launch")
    inputs = _Kernels(share=share.written(), launch=launch.written())
    assert inputs.share.kind == "pert"
    assert share.distribution().support() == (0.80, 0.90)
    assert float(launch.distribution().median()) == pytest.approx((2.6e-6 * 6.5e-6) ** 0.5)
    assert efficiency("bandwidth_share", "protocol-LL").written()["value"] == 0.5


@pytest.mark.contract
def test_what_is_not_recorded_is_refused() -> None:
    with pytest.raises(CatalogError, match="no range"):
        efficiency("base_latency", "protocol-LL").distribution()
    with pytest.raises(CatalogError, match="not recorded"):
        efficiency("no_such_share", "H100-SXM")
    with pytest.raises(CatalogError, match="H100-SXM"):
        largest_compute_share("H100-SMX")
    with pytest.raises(CatalogError, match="no protocol 'LL256'"):
        protocol("LL256")
