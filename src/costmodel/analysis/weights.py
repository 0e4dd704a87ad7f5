"""History-weighted draws: an ensemble that starts in the past, weighted by its fit to reported figures.

An unconditional ensemble from 2023 spreads over orders of magnitude by 2026. Each draw gets the weight

    w = exp(−½ Σ (ln model − ln reported)² / σ²),

with σ the discrepancy that is allowed between model and reported figure. Weights on a handful of draws are no
estimate, so the effective sample size ``(Σw)²/Σw²`` is reported, and an ensemble with too small a size is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.analysis.ensemble import run_ensemble
from costmodel.analysis.ensemble_result import EnsembleResult
from costmodel.analysis.scores import fit_weights, quantiles
from costmodel.flywheel.history import read_off
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.errors import DomainError
from costmodel.foundation.scenario import Observation

DISCREPANCY = 0.35
"""Standard deviation of the log misfit of one reported figure [1], assumed: about a third either way."""
MIN_EFFECTIVE = 50.0
"""Effective sample size below which weighted bands are refused [1], assumed."""
QUANTILES = (0.05, 0.5, 0.95)


class LogMisfit:
    """Squared log misfit of one observation, per draw; picklable, for processes and clusters.

    Parameters
    ----------
    row
        The observation.
    number
        Number of the observation in the scenario, for the name.
    """

    def __init__(self, row: Observation, number: int) -> None:
        self.row = row
        self.__name__ = f"misfit_{number}"

    def __call__(self, trajectory: Trajectory) -> FloatArray:
        """Return the squared difference of logs [1]."""
        model = np.maximum(read_off(trajectory, self.row), 1e-300)
        return np.asarray(np.log(model / self.row.value) ** 2)


@dataclass(frozen=True, slots=True)
class WeightedEnsemble:
    """An ensemble with a weight per draw.

    ``weights`` sum to 1; ``effective`` is the effective sample size.
    """

    ensemble: EnsembleResult
    weights: FloatArray
    effective: float
    discrepancy: float
    outputs: tuple[str, ...]

    def bands(self, name: str, ranks: Sequence[float] = QUANTILES) -> FloatArray:
        """Return weighted quantiles of an output."""
        return quantiles(np.asarray(self.ensemble.kept_draws(name)), ranks, self.weights)

    def unconditional(self, name: str, ranks: Sequence[float] = QUANTILES) -> FloatArray:
        """Return quantiles of the same draws without weights."""
        return self.ensemble.bands(name, ranks)

    def mean(self, name: str) -> float:
        """Return the weighted mean of an output."""
        return float(np.sum(self.weights * np.asarray(self.ensemble.kept_draws(name))))


def weighted_ensemble(
    scenario: Any,
    outputs: Sequence[str],
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    discrepancy: float = DISCREPANCY,
    minimum: float = MIN_EFFECTIVE,
    executor: Executor | None = None,
) -> WeightedEnsemble:
    """Run an ensemble from the past and weight its draws by their fit to the scenario's observations.

    Parameters
    ----------
    scenario
        A flywheel scenario with observations.
    outputs
        Selectors to keep, as ``user_spend@2030``.
    draws, rng, design
        As for :func:`costmodel.analysis.ensemble.run_ensemble`; all draws of the outputs are kept.
    discrepancy
        Standard deviation of the log misfit of one figure, above 0 [1].
    minimum
        Smallest effective sample size that is accepted [1].

    Raises
    ------
    DomainError
        If the scenario has no observations, or the effective sample size is too small.
    """
    if not scenario.observations:
        raise DomainError(f"{scenario.name} has no observations to weight draws by; add observations to the scenario")
    if not discrepancy > 0.0:
        raise DomainError(f"discrepancy must be above 0; got {discrepancy!r}")
    misfits = [LogMisfit(row, i) for i, row in enumerate(scenario.observations)]
    names = [misfit.__name__ for misfit in misfits]
    result = run_ensemble(
        scenario,
        draws=draws,
        rng=rng,
        design=design,
        outputs=[*misfits, *outputs],
        exact=[*names, *outputs],
        executor=executor,
    )
    total = np.zeros(result.draws)
    for name in names:
        total = total + np.asarray(result.kept_draws(name))
    weights, effective = fit_weights(total / discrepancy**2)
    if effective < minimum:
        raise DomainError(
            f"the fit to history rests on {effective:.1f} effective draws of {result.draws} (at least {minimum:g} are "
            "needed): take more draws, narrower inputs or a larger discrepancy"
        )
    return WeightedEnsemble(result, readonly(weights), effective, discrepancy, tuple(outputs))


def weighted_note(scenario: Any, draws: int, seed: int | None) -> list[str]:
    """Return lines for the command line: weighted and unconditional bands of the last year."""
    year = scenario.grid.years[-1]
    outputs = [f"{name}@{year}" for name in ("tokens", "user_spend", "capex")]
    run = weighted_ensemble(scenario, outputs, draws=draws, rng=seed)
    lines = [f"weighted by the fit to history: {run.effective:.0f} effective draws, discrepancy {run.discrepancy:g}"]
    for name in outputs:
        plain, weighted = (
            " / ".join(f"{value:.3g}" for value in bands) for bands in (run.unconditional(name), run.bands(name))
        )
        lines.append(f"{name}: unconditional {plain}; weighted {weighted}")
    return lines
