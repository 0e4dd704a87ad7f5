"""Carbon of electricity: units, places, refusals."""

from __future__ import annotations

import pytest

from costmodel.formats import electricity as module
from costmodel.formats.electricity import electricity
from costmodel.foundation.errors import CatalogError, MissingExtraError


@pytest.mark.published
def test_figures_are_those_of_the_packages_in_grams_per_watt_hour() -> None:
    """ecologits 0.11.3, USA: gwp 0.3844 kg/kWh, wue 3.1321 L/kWh; Google: us-west4 373 g/kWh."""
    pytest.importorskip("ecologits")
    country = electricity("USA")
    assert 0.3 < country.carbon < 0.45
    assert country.water is not None
    assert 2e-3 < country.water < 5e-3
    assert "ecologits" in country.source


@pytest.mark.closed_form
def test_states_convert_from_pounds_a_megawatt_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"_unit": {}, "somewhere": {"emissions": 1000.0, "regionCode": "zz"}}
    monkeypatch.setattr(module, "_json", lambda package, path: (form, "3.0"))
    module._states.cache_clear()
    try:
        assert electricity("US-ZZ").carbon == pytest.approx(1000 * 453.59237 / 1e6)
    finally:
        module._states.cache_clear()


@pytest.mark.contract
def test_an_unknown_place_and_a_missing_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ecologits")
    with pytest.raises(CatalogError, match="did you mean 'FRA'"):
        electricity("FRANCE")
    monkeypatch.setattr(module, "_file", lambda package, path: None)
    for cached in (module._states, module._countries_of_ecologits, module._countries_of_codecarbon):
        cached.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match="extra 'carbon'"):
            electricity("US-TX")
    finally:
        for cached in (module._states, module._countries_of_ecologits, module._countries_of_codecarbon):
            cached.cache_clear()
