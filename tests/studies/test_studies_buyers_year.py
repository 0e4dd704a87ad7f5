"""A buyer's year: single changes by hand, the audit, and the built-in figures against the flywheel's."""

import numpy as np
import pytest

import costmodel
from costmodel.answers.question import in_year
from costmodel.flywheel.simulate import simulate
from costmodel.foundation.errors import CostModelError
from costmodel.studies.buyers_year import BuyersYear, buyers_year

CHAT = {"spend": 200.0, "price_ratio": 0.25, "intensity_ratio": 2.0}
AGENTS = {"spend": 100.0, "price_ratio": 0.5, "intensity_ratio": 3.0, "moved_share": 0.4, "small_price": 0.5,
          "small_tokens": 1.5}  # fmt: skip


@pytest.mark.closed_form
def test_changes_come_one_after_the_other():
    found = buyers_year(BuyersYear(name="b", tasks={"chat": CHAT, "agents": AGENTS}).resolve())
    assert found.bill == found.audited_bill == 300.0
    assert found.at_later_prices == 200.0 * 0.25 + 100.0 * 0.5
    assert found.with_intensity == 200.0 * 0.25 * 2.0 + 100.0 * 0.5 * 3.0
    # four of ten tasks at half the price but 1.5 times the tokens: three quarters of their former cost
    assert found.with_choice == pytest.approx(100.0 + 150.0 * (0.6 + 0.4 * 0.75))


@pytest.mark.closed_form
def test_the_audit_takes_off_what_was_paid_above_the_market_and_no_more():
    hours = {"hours": 10.0, "hour_paid": 7.0, "hour_market": 3.0, "hour_ratio": 0.5}
    dear = buyers_year(BuyersYear(name="b", tasks={"chat": CHAT}, **hours).resolve())
    assert (dear.bill, dear.above_market, dear.audited_bill) == (270.0, 40.0, 230.0)
    assert dear.at_later_prices == 50.0 + 15.0, "hours of later start from the market's price"
    cheap = buyers_year(BuyersYear(name="b", tasks={"chat": CHAT}, **{**hours, "hour_paid": 2.0}).resolve())
    assert (cheap.above_market, cheap.audited_bill) == (0.0, cheap.bill)
    assert cheap.at_later_prices == 50.0 + 10.0, "a good contract is kept"


@pytest.mark.contract
def test_a_bill_without_tasks_is_refused():
    with pytest.raises(CostModelError, match="tasks"):
        BuyersYear(name="b", tasks={})


@pytest.mark.regression
def test_the_built_in_ratios_are_the_flywheels_of_today():
    scenario, market = costmodel.load_scenario("buyers-year"), costmodel.load_scenario("bond-flywheel")
    run = simulate(market, draws=256, rng=0)
    ends = {name: np.quantile(in_year(run, name, 2028) / in_year(run, name, 2026), [0.05, 0.95], axis=-1)
            for name in ("realised_price", "intensity", "rental_price")}  # fmt: skip
    written = scenario.written()
    pairs = [(written["hour_ratio"]["value"], ends["rental_price"])]
    for place, name in enumerate(market.market):
        for own, output in (("price_ratio", "realised_price"), ("intensity_ratio", "intensity")):
            if name in written["tasks"]:
                pairs.append((written["tasks"][name][own]["value"], ends[output][:, place]))
    assert len(pairs) == 7
    for value, found in pairs:
        np.testing.assert_allclose([value["p5"], value["p95"]], found, rtol=0.03)
