"""Outputs selected by name, item and year; conditions on them."""

from __future__ import annotations

import numpy as np
import pytest
from toy_firm import firm, written

from costmodel.analysis.targets import Selector, Target, select_all
from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError, ScenarioError, UnitError, UnknownParameterError


@pytest.fixture
def ensemble():
    scenario = written()
    return firm(scenario.resolve(Design.random(scenario, 5, 0)))


def value(result, text):
    return Selector.parse(text).select(result, 5)[1][0]


@pytest.mark.contract
def test_a_year_sums_flows_averages_shares_and_reads_stocks_at_its_end(ensemble):
    assert value(ensemble, "revenue@2030") == pytest.approx(ensemble.revenue[4:].sum(axis=0), rel=1e-14)
    assert value(ensemble, "margin@2029") == pytest.approx(ensemble.margin[:4].mean(axis=0), rel=1e-14)
    assert (value(ensemble, "book@2029") == ensemble.book[4]).all()
    assert (value(ensemble, "by_product[agents]@2030") == ensemble.by_product[1, 1]).all()


@pytest.mark.contract
def test_derived_outputs_parameters_callables_and_ratios(ensemble):
    profit = ensemble.book[8] - ensemble.book[4]
    assert value(ensemble, "profit@2030") == pytest.approx(profit, rel=1e-12)
    assert value(ensemble, "return_on_sales@2030") == pytest.approx(
        profit / (ensemble.revenue[4] + ensemble.revenue[5] + ensemble.revenue[6] + ensemble.revenue[7]), rel=1e-12
    )
    assert (value(ensemble, "scenario.demand.volume") == ensemble.scenario.demand.volume).all()
    assert (value(ensemble, lambda result: result.npv * 2.0) == 2.0 * ensemble.npv).all()
    assert value(ensemble, "scenario.share").tolist() == [1.0] * 5
    assert value(ensemble, "scenario.cost").tolist() == [1.0] * 5  # a constant trajectory
    assert Selector.parse("scenario.price").unit(ensemble) == "USD/FLOP"


@pytest.mark.contract
def test_a_plain_table_or_object_is_read_by_its_fields():
    table = {"firm": {"npv": np.array([1.0, 2.0])}, "rate": 0.1}
    assert select_all(table, [Selector.parse("firm.npv"), Selector.parse("rate")], 2)[1].tolist() == [
        [1, 2],
        [0.1, 0.1],
    ]


@pytest.mark.contract
def test_without_a_year_a_trajectory_stands_for_all_years(ensemble):
    labels, values = select_all(ensemble, [Selector.parse("revenue"), Selector.parse("npv")], 5)
    assert labels == ("revenue@2029", "revenue@2030", "npv")
    assert values.shape == (3, 5)
    assert Selector.parse("revenue@*").select(ensemble, 5)[0] == ("revenue@2029", "revenue@2030")


@pytest.mark.contract
@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("revenu@2030", UnknownParameterError, "did you mean 'revenue'"),
        ("revenue@2040", UnknownParameterError, "only 2029 to 2030"),
        ("npv@2030", DomainError, "no time axis"),
        ("by_product@2030", DomainError, r"write by_product\[product\]: one of chat, agents"),
        ("by_product[agent]@2030", UnknownParameterError, "did you mean 'agents'"),
        ("revenue[chat]@2030", UnknownParameterError, "no axis with items"),
        ("not_declared", UnknownParameterError, "no output"),
        ("_hidden", UnknownParameterError, "no output"),
        ("scenario.get", UnknownParameterError, "no such parameter"),
        ("scenario.cap", DomainError, "absent"),
        ("scenario.demand.volumes", UnknownParameterError, "did you mean 'demand.volume'"),
        ("npv.real", UnknownParameterError, "has no parts"),
    ],
)
def test_what_is_not_there_is_named(ensemble, text, error, message):
    with pytest.raises(error, match=message):
        Selector.parse(text).select(ensemble, 5)


@pytest.mark.contract
@pytest.mark.parametrize("text", ["", "a b", "a@20", "a[", "1a", "a@2030 "])
def test_selectors_that_are_not(text):
    with pytest.raises(ScenarioError, match="NAME"):
        Selector.parse(text)


@pytest.mark.closed_form
def test_targets_with_units_and_between_outputs(ensemble):
    gap = Target.parse("revenue@2030 = 0.5 kUSD").gap(ensemble, 5)
    assert gap == pytest.approx(value(ensemble, "revenue@2030") - 500.0)
    gap = Target.parse("revenue@2030 >= book@2030").gap(ensemble, 5)
    assert gap == pytest.approx(value(ensemble, "revenue@2030") - value(ensemble, "book@2030"))
    assert Target.parse("npv == 1").relation == "="
    assert Target.parse("npv > 1").holds(np.array([-1.0, 0.0, 1.0])).tolist() == [False, False, True]


@pytest.mark.contract
@pytest.mark.parametrize("text", ["npv", "npv =", "= 3", "npv = 1 = 2", "npv ~ 3"])
def test_targets_that_are_not(text):
    with pytest.raises(ScenarioError, match="OUTPUT"):
        Target.parse(text)


@pytest.mark.contract
def test_a_target_in_the_wrong_dimension_or_over_several_years_is_refused(ensemble):
    with pytest.raises(UnitError, match="dimension"):
        Target.parse("revenue@2030 = 5 hour").gap(ensemble, 5)
    with pytest.raises(DomainError, match="@YEAR"):
        Target.parse("revenue = 5").gap(ensemble, 5)
    with pytest.raises(UnitError, match="target 'revenue@2030 = 5 frog'"):
        Target.parse("revenue@2030 = 5 frog").gap(ensemble, 5)
    with pytest.raises(ScenarioError, match="declares no unit"):
        Target.parse("a = 5 USD").gap({"a": 1.0}, 5)


@pytest.mark.contract
def test_every_public_name_of_the_floor_is_imported_on_demand():
    import costmodel.analysis as analysis

    assert all(callable(getattr(analysis, name)) for name in analysis.__all__)
    assert set(analysis.__all__) <= set(dir(analysis))
    with pytest.raises(AttributeError, match="no attribute 'sobol_studdy'"):
        _ = analysis.sobol_studdy
