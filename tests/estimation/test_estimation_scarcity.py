"""The scarcity exponent of rents."""

import numpy as np
import pytest

from costmodel.estimation.scarcity import foretold_rent, scarcity_exponent


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.estimation.scarcity:scarcity_exponent")
@pytest.mark.reference("costmodel.estimation.scarcity:foretold_rent")
def test_the_exponent_reproduces_the_rent_it_was_found_from():
    phi = scarcity_exponent(2.35 / 1.70, 0.94, 1.067)
    assert foretold_rent(1.70, 0.94, 1.067, phi) == pytest.approx(2.35, rel=1e-14)
    assert scarcity_exponent(8.0, 1.0, 2.0) == pytest.approx(3.0, rel=1e-14)
    assert foretold_rent(3.0, 0.5, 2.0, 3.0) == pytest.approx(12.0, rel=1e-14)


@pytest.mark.law
def test_without_scarcity_the_rent_only_falls():
    fall = np.exp(-0.15 * np.linspace(0, 5, 20))
    tightness = 1 + 0.4 * np.sin(np.linspace(0, 9, 20))
    assert np.all(np.diff(foretold_rent(1.70, fall, tightness, 0.0)) < 0)
    assert np.any(np.diff(foretold_rent(1.70, fall, tightness, 3.0)) > 0)
