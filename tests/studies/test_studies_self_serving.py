"""Build or buy by model: whole copies paid all month, at the bill's mix, against the bill's cost of tokens."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import pytest

from costmodel.serving.deployment import Deployment
from costmodel.serving.model import deploy
from costmodel.studies.audit import Audit, audit
from costmodel.studies.bill import read_bill
from costmodel.studies.self_serving import named_plan
from costmodel.studies.service import Service

HEAD = (
    "ProviderName,ChargePeriodStart,ChargeCategory,ChargeDescription,EffectiveCost,PricingQuantity,PricingUnit,"
    "BillingCurrency,SkuPriceDetails"
)
MODEL = "meta-llama/Llama-3.3-70B-Instruct"


def row(cost: float, millions: float, side: str, model: str = MODEL, month: str = "2026-05") -> str:
    said = f', ""TokenDirection"": ""{side}""' if side in ("Input", "Output") else ""
    cached = ', ""TokenDirection"": ""Input"", ""TokenCacheAction"": ""Read""' if side == "Cached" else ""
    details = f'"{{""ModelId"": ""{model}""{said}{cached}}}"'
    return f"Host,{month}-01,Usage,use,{cost},{millions},1000000 Tokens,USD,{details}"


def audited(folder: Path, *rows: str, **options: object) -> Audit:
    path = folder / "bill.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    return audit(read_bill(path), **options)  # type: ignore[arg-type]


def plan(use: float = 0.5) -> Service:
    serving = {
        "architecture": "Llama-3-70B",
        "layout": {"tensor": 4},
        "workload": {"mean_input": 100.0, "mean_output": 200.0},
    }
    return Service(
        name="own", accelerator="H100-SXM", paid_by="renting", rent=2.0, utilisation=use, serving=serving,
        hour={"it_life": 5.0, "wacc": 0.1},
    )  # fmt: skip


@pytest.mark.closed_form
@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_whole_copies_at_the_bills_mix_paid_all_month(tmp_path: Path, scale: float) -> None:
    """600 million prompt tokens, a third of them cached, and 150 million output tokens: 800 in for every 200 out."""
    rows = [row(300 * scale, 400 * scale, "Input"), row(15 * scale, 200 * scale, "Cached"),
            row(600 * scale, 150 * scale, "Output")]  # fmt: skip
    done = audited(tmp_path, *rows, serve={MODEL: plan()})
    (found,) = [each for each in done.findings if "served by oneself" in each.title]
    workload = {"mean_input": 800.0, "mean_output": 200.0, "cached_share": 1 / 3}
    served = deploy(
        Deployment(
            name="d", accelerator="H100-SXM", hour_price=2.0, architecture="Llama-3-70B", layout={"tensor": 4},
            workload=workload, energy={"power": 1000.0},
        ).resolve()
    )  # fmt: skip
    busy = 150e6 * scale / 200.0 / (float(served.requests_per_second) * 3600.0)
    hours = 31 * 24 * 4.0
    cost = ceil(busy / (0.5 * hours)) * hours * 2.0
    assert found.paid == pytest.approx(915.0 * scale)
    assert found.saving[1] == pytest.approx(915.0 * scale - cost)  # the interval is of the engine's efficiency
    assert found.saving[0] <= found.saving[1] <= found.saving[2]
    assert (found.rows, found.examples) == (3, (1, 2, 3))
    assert "a plan of one's own, own" in found.rests_on
    assert "prompts of 800 and answers of 200 tokens" in found.rests_on
    assert ("Could have saved" if 915 * scale > cost else "Would cost") in found.sentence


@pytest.mark.contract
def test_a_model_of_the_catalog_is_judged_with_an_interval_and_what_it_rests_on(tmp_path: Path) -> None:
    done = audited(tmp_path, row(88_000, 100_000, "Input"), row(17_600, 20_000, "Output"))
    (found,) = [each for each in done.findings if "served by oneself" in each.title]
    low, middle, high = found.saving
    assert low < middle < high < found.paid
    assert {"use 30% to 70%", "life 3 to 6 years", "staff, software and the model's licence out"} <= {*found.rests_on}
    assert "building pays from" in found.title


@pytest.mark.contract
def test_a_bill_of_cached_prompts_alone_is_judged(tmp_path: Path) -> None:
    done = audited(tmp_path, row(15, 200, "Cached"), row(600, 150, "Output"), serve={MODEL: plan()})
    assert [each for each in done.findings if "served by oneself" in each.title]


@pytest.mark.contract
def test_what_cannot_be_served_or_told_apart_is_named(tmp_path: Path) -> None:
    rows = [row(100, 10, "Output", model="gpt-4o"), row(100, 10, ""), row(100, 10, "Input", month="2026-04")]
    done = audited(tmp_path, *rows)
    assert not [each for each in done.findings if "served by oneself" in each.title]
    said = [text for text in done.not_judged if text.startswith("build against buy")]
    assert said == [
        "build against buy of gpt-4o: no such model in the catalog; say how it is served",
        f"build against buy of {MODEL}, 2026-04: the bill does not say which tokens went in and out",
        f"build against buy of {MODEL}, 2026-05: the bill does not say which tokens went in and out",
    ]
    tight = {"layout": {"tensor": 1}, "chip": {"memory": 8e10}}
    small = plan().replace({f"serving.{key}": value for key, value in tight.items()} | {"serving.precision": "bf16"})
    refused = audited(tmp_path, row(1, 10, "Input"), row(1, 10, "Output"), serve={MODEL: small})
    assert any("H100-SXM: memory: the weights do not fit" in text for text in refused.not_judged)


@pytest.mark.contract
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("DeepSeek-R1", "DeepSeek-V3"),
        ("llama_3.1_8b_instruct", "Llama-3-8B"),
        ("openai/gpt-oss-120b", "gpt-oss-120b"),
        ("llama-3.3", None),
        ("instruct", None),
    ],
)
def test_a_bills_name_finds_its_shape(name: str, shape: str | None) -> None:
    assert named_plan(name, {}) == shape
