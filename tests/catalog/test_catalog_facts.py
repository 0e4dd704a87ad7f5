"""Shipped figures: counts, values that are easy to get wrong, and grades of figures that nobody has read."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from costmodel.catalog import Catalog, Datum
from costmodel.catalog.periods import decimal_year
from costmodel.foundation.provenance import Grade

WHOLE = Catalog()
FIVE = ("Microsoft", "Amazon", "Meta", "Alphabet", "Oracle")


@pytest.mark.contract
def test_counts() -> None:
    assert len(WHOLE.table("accelerators")) == 37
    assert len(WHOLE.table("training_runs")) == 45
    assert len(WHOLE.table("interruptions")) == 18
    assert len(WHOLE.table("cost_cases")) == 5
    assert len(WHOLE.table("published_costs")) == 16 + 3
    prices = WHOLE.table("token_prices").values()
    assert sum(len(record.all("output")) for record in prices) == 97 + 3


@pytest.mark.contract
def test_every_figure_states_source_grade_and_unit() -> None:
    for name in WHOLE.tables():
        for record in WHOLE.table(name).values():
            for datum in record:
                assert datum.source.title
                assert datum.source_key != "not recorded" or datum.grade in {Grade.UNVERIFIED, Grade.ASSUMED}
                if name != "training_frameworks":  # a framework's figures are partly chosen, partly fitted
                    assert (datum.grade is Grade.ASSUMED) == (name == "defaults")
                assert (datum.text is None) == (datum.unit not in {"text", "date"})
                assert not datum.unit.startswith("USD") or datum.price_year is not None


@pytest.mark.contract
def test_what_was_recalled_is_unverified() -> None:
    for name in WHOLE.tables():
        for record in WHOLE.table(name).values():
            for datum in record:
                if datum.note is not None and datum.note.startswith("recalled"):
                    assert datum.grade is Grade.UNVERIFIED, datum.where


@pytest.mark.published
@pytest.mark.parametrize(
    ("chip", "field", "value"),
    [
        ("H100-SXM", "bf16", 989.4e12),
        ("H100-SXM", "link", 450e9),
        ("A100-SXM-80", "bf16", 312e12),
        ("B200", "fp4", 9000e12),
        ("GB200-NVL72", "domain", 72),
        ("Trainium3", "fp8", 2517e12),
        ("TPU-v6e", "link", 400e9),
        ("WSE-3", "bandwidth", 21e15),
        ("MI355X", "fp8", 5033e12),
        ("H20", "bf16", 148e12),
    ],
)
def test_dense_one_way_figures(chip: str, field: str, value: float) -> None:
    """Vendors' sheets: dense peaks, one direction of a link, one package."""
    assert WHOLE.accelerator(chip).value(field) == pytest.approx(value, rel=1e-12)


@pytest.mark.closed_form
def test_year_sums_of_quarterly_capex() -> None:
    """Five companies: 243.3 and 424.3 billion; each quarter's printed total."""
    quarters = {name: WHOLE.company(name).quarterly("capex") for name in FIVE}
    sums = {
        year: sum(quarters[name][f"{year}Q{quarter}"].number for name in FIVE for quarter in (1, 2, 3, 4))
        for year in (2024, 2025)
    }
    assert sums[2024] == pytest.approx((47_087 + 55_155 + 62_832 + 78_201) * 1e6)
    assert sums[2025] == pytest.approx((80_982 + 96_748 + 109_304 + 137_267) * 1e6)
    assert sums[2025] / sums[2024] - 1 == pytest.approx(0.74, abs=0.005)


@pytest.mark.closed_form
def test_annual_capex_is_the_sum_of_quarters_where_years_agree() -> None:
    for name, year in (("Alphabet", 2024), ("Alphabet", 2025), ("Amazon", 2024), ("Amazon", 2025)):
        company = WHOLE.company(name)
        quarters = company.quarterly("capex")
        total = sum(quarters[f"{year}Q{quarter}"].number for quarter in (1, 2, 3, 4))
        assert company.annual("capex")[year].number == pytest.approx(total, rel=1e-3)


@pytest.mark.closed_form
def test_fiscal_years_are_intervals() -> None:
    annual = WHOLE.company("Microsoft").annual("revenue")
    assert annual[2025].period == "2024-07-01/2025-06-30"
    assert annual[2025].value == 281_724e6
    assert WHOLE.company("Oracle").annual("revenue")[2024].period == "2023-06-01/2024-05-31"
    assert 2026 not in WHOLE.company("Oracle").annual("capex")


@pytest.mark.contract
def test_what_is_left_out_on_purpose_stays_out() -> None:
    for name in ("Meta 2025", "Microsoft 2023", "Amazon 2025"):
        record = WHOLE.record("useful_lives", name)
        assert "depreciation_effect" not in record
        assert "net_income_effect" not in record
    alphabet = WHOLE.record("useful_lives", "Alphabet 2023")
    assert (alphabet.value("life_before"), alphabet.value("life_after")) == (4, 6)
    assert alphabet.datum("depreciation_effect").period == "2023-01-01"
    assert {record.text("company") for record in WHOLE.useful_life_changes()} == {
        "Alphabet",
        "Meta",
        "Microsoft",
        "Amazon",
        "Oracle",
        "CoreWeave",
    }


@pytest.mark.contract
def test_companies_say_when_a_filing_made_a_figure_known() -> None:
    annual = WHOLE.company("Alphabet").annual("capex")
    assert annual[2025].known == "2026-02-05"
    assert annual[2025].grade is Grade.REPORTED
    assert annual[2019].known is None
    assert annual[2019].grade is Grade.UNVERIFIED


@pytest.mark.closed_form
def test_interruptions_add_up() -> None:
    counts = [record.value("count") for record in WHOLE.table("interruptions").values()]
    assert sum(counts) == 419
    llama = WHOLE.reliability("Llama 3 405B")
    assert sum(counts) + llama.value("planned_interruptions") == llama.value("interruptions")


@pytest.mark.closed_form
def test_epoch_parts_add_up_and_follow_their_rule() -> None:
    for case in WHOLE.table("cost_cases").values():
        parts = sum(case.value(f"{part}_cost") for part in ("chip", "server", "network", "energy"))
        assert parts == pytest.approx(case.value("total_cost"), abs=1.5)
        hardware = case.value("chip_cost") + case.value("server_cost")
        assert hardware == pytest.approx(case.value("hour_cost") * case.value("chip_hours"), rel=1e-5)
        assert case.value("network_cost") == pytest.approx(hardware * 0.19 / 0.81, abs=1.0)


@pytest.mark.closed_form
def test_electricity_by_region_and_year() -> None:
    assert WHOLE.electricity("Ohio").value("price") == 0.0790
    series = WHOLE.electricity("US industrial").series("price")
    assert [datum.period for datum in series] == [str(year) for year in range(2010, 2026)]
    assert series[0].value == 0.0677
    assert WHOLE.electricity("US industrial").value("price", 2022) == 0.0832
    germany = WHOLE.electricity("Germany").datum("price")
    assert (germany.low, germany.high, germany.grade) == (0.16, 0.20, Grade.UNVERIFIED)


@pytest.mark.closed_form
def test_rental_history_is_not_monotone() -> None:
    contract = [datum.number for datum in WHOLE.rental("H100 market").series("contract_1y")]
    assert contract == [1.70, 2.35, 2.65]
    owned = [WHOLE.accelerator_hour("H100").value("own", when) for when in ("2025-10", "2026-06", "2026-09")]
    assert owned == [1.30, 1.17, 1.17]


@pytest.mark.closed_form
def test_deepseek_day_closes() -> None:
    day = WHOLE.serving_system("DeepSeek V3/R1")
    nodes = day.value("nodes_mean") * day.value("node_accelerators")
    assert nodes * 24 * day.value("rent") == pytest.approx(day.value("cost"), rel=1e-4)
    revenue = (
        day.value("cached_tokens") * day.value("cached_price")
        + (day.value("input_tokens") - day.value("cached_tokens")) * day.value("input_price")
        + day.value("output_tokens") * day.value("output_price")
    )
    assert revenue == pytest.approx(day.value("revenue"), rel=5e-3)
    assert day.value("revenue") / day.value("cost") - 1 == pytest.approx(day.value("markup"), rel=2e-3)
    assert 1 - day.value("cost") / day.value("revenue") == pytest.approx(0.845, abs=6e-4)


@pytest.mark.closed_form
def test_discovery_run_costs_about_447_dollars() -> None:
    run = WHOLE.discovery_run("TTT-Discover")
    rollouts = run.value("steps") * run.value("rollouts")
    prompt, sampled = run.value("prompt_tokens"), run.value("sampled_tokens")
    cost = rollouts * (
        prompt * run.value("prefill_price")
        + sampled * run.value("sample_price")
        + (prompt + sampled) * run.value("train_price")
    )
    assert rollouts == 25_600
    assert cost == pytest.approx(447, abs=0.5)
    kernels = {
        chip: WHOLE.discovery_run(f"TriMul {chip}").value("kernel_before")
        / WHOLE.discovery_run(f"TriMul {chip}").value("kernel_after")
        for chip in ("A100", "H100", "MI300X")
    }
    assert kernels == {
        "A100": pytest.approx(2.06, abs=0.005),
        "H100": pytest.approx(1.18, abs=0.005),
        "MI300X": pytest.approx(1.54, abs=0.005),
    }


@pytest.mark.closed_form
def test_google_tokens_double_in_months() -> None:
    """From 9.7 to 480 T a month in a year, and to 3,200 T in the next: 2.13 and 4.5 months."""
    volumes = {datum.period: datum for datum in WHOLE.token_volume("Google").series("tokens")}
    points = [volumes[period] for period in ("2024-04/2024-05", "2025-04/2025-05", "2026-05")]
    months = [
        12 * math.log(2.0) * (_when(last) - _when(first)) / math.log(last.number / first.number)
        for first, last in pairwise(points)
    ]
    assert months[0] == pytest.approx(12 * math.log(2) / math.log(480 / 9.7), rel=3e-3)
    assert months[1] == pytest.approx(4.5, abs=0.25)


def _when(datum: Datum) -> float:
    return decimal_year(datum.period or "")


@pytest.mark.closed_form
def test_software_gain_of_mlperf_rounds() -> None:
    """DeepSeek-R1 on GB300, v5.1 to v6.0: 2.77-fold (server) and 1.68-fold (offline)."""
    for metric, gain in (("server", 2.77), ("offline", 1.68)):
        before, after = (
            WHOLE.throughput(f"MLPerf {version} DeepSeek-R1 GB300 per GPU {metric}").value("throughput")
            for version in ("v5.1", "v6.0")
        )
        assert after / before == pytest.approx(gain, abs=0.006)


@pytest.mark.closed_form
def test_monty_and_moltbook_keep_their_conflicting_counts() -> None:
    assert {datum.value for datum in WHOLE.sandbox("Monty").all("start")} == {0.06, 0.004}
    agents = WHOLE.agent_network("Moltbook").all("agents")
    assert {datum.number for datum in agents} == {1.5e6, 1.7e6, 2.65e6}
    owners = WHOLE.agent_network("Moltbook").value("owners")
    assert 1.5e6 / owners == pytest.approx(88, abs=0.5)


@pytest.mark.contract
def test_elasticities_are_signed_and_macrs_sums_to_one_hundred() -> None:
    assert WHOLE.elasticity("Demirer 2025").value("elasticity") == -1.11
    assert all(record.value("elasticity") < 0 for record in WHOLE.table("elasticities").values())
    years = [WHOLE.tax(f"MACRS year {year}") for year in range(1, 9)]
    assert sum(record.get("macrs_5") or 0.0 for record in years) == pytest.approx(100.0, abs=1e-9)
    assert sum(record.get("macrs_7") or 0.0 for record in years) == pytest.approx(100.0, abs=1e-9)
