"""Published cases of :mod:`costmodel.analysis`: Sobol' indices of the two usual test functions, by a study."""

from __future__ import annotations

from functools import cache

import numpy as np

from costmodel.analysis.sensitivity import given_data_study, sobol_study
from costmodel.analysis.sobol import SobolIndices
from costmodel.validation.case import Case, Evidence
from costmodel.validation.replicas.sensitivity_functions import G_COEFFICIENTS, g_function, ishigami

BASE_POINTS = 16_384
"""Base points of the studies [1]; the half-width of a 95 % interval is then about 0.015."""
SEED = 0

PRIMER = (
    "Saltelli et al., Global Sensitivity Analysis: The Primer (2008), Ishigami function with a = 7, b = 0.1 "
    "(as quoted in SALib 1.6, test_functions.Ishigami)"
)
SALIB_G = (
    "SALib 1.6, head of test_functions.Sobol_G, a = 0, 1, 4.5, 9, 99 x 4. Its last digits are off: the closed form "
    "gives 0.7162 and 0.1790 where 0.7165 and 0.1791 are printed"
)


@cache
def _ishigami() -> SobolIndices:
    around = dict.fromkeys(("x1", "x2", "x3"), (-np.pi, np.pi))
    return sobol_study(around, base_points=BASE_POINTS, rng=SEED, model=ishigami)


@cache
def _g_function() -> SobolIndices:
    names = [f"x{i + 1}" for i in range(len(G_COEFFICIENTS))]
    return sobol_study(
        dict.fromkeys(names, (0.0, 1.0)),
        base_points=BASE_POINTS,
        rng=SEED,
        model=lambda **x: g_function(np.stack([x[name] for name in names])),
    )


def _given_data() -> float:
    around = dict.fromkeys(("x1", "x2", "x3"), (-np.pi, np.pi))
    indices, _ = given_data_study(around, draws=BASE_POINTS, rng=SEED, model=ishigami)
    return float(indices.first[1, 0])


CASES: tuple[Case, ...] = (
    Case(
        "analysis/Ishigami first-order index of x1",
        PRIMER,
        Evidence.REIMPLEMENTATION,
        0.3139,
        "1",
        0.03,
        lambda: float(_ishigami().first[0, 0]),
    ),
    Case(
        "analysis/Ishigami first-order index of x2",
        PRIMER,
        Evidence.REIMPLEMENTATION,
        0.4424,
        "1",
        0.03,
        lambda: float(_ishigami().first[1, 0]),
    ),
    Case(
        "analysis/Ishigami first-order index of x3",
        PRIMER,
        Evidence.REIMPLEMENTATION,
        0.0,
        "1",
        0.015,
        lambda: float(_ishigami().first[2, 0]),
    ),
    Case(
        "analysis/Ishigami first-order index of x2 from given data",
        PRIMER,
        Evidence.REIMPLEMENTATION,
        0.4424,
        "1",
        0.05,
        _given_data,
    ),
    *(
        Case(
            f"analysis/g-function first-order index of x{i + 1}",
            SALIB_G,
            Evidence.REIMPLEMENTATION,
            printed,
            "1",
            tolerance,
            lambda i=i: float(_g_function().first[i, 0]),  # type: ignore[misc]
        )
        for i, (printed, tolerance) in enumerate(((0.7165, 0.03), (0.1791, 0.06), (0.0237, 0.3)))
    ),
)
"""Tolerances are about two half-widths of the 95 % interval of the estimate."""
