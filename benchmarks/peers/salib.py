"""A Sobol' study of the reduced model against SALib, on the same outputs."""

from __future__ import annotations

from importlib.metadata import version
from time import process_time

import numpy as np
from reduced_model import INPUTS, OUTPUTS, reduced_model
from timing import Row, least

from costmodel.analysis.pick_freeze import base_sample, mixed_samples
from costmodel.analysis.problem import as_problem
from costmodel.analysis.sensitivity import sobol_study
from costmodel.analysis.sobol import sobol_indices

BASE_POINTS = 4096
RESAMPLES = 100
"""Resamples of a bootstrap [1]."""
EQUAL = 1e-9
"""Largest difference of an index from SALib's [1]."""


def outputs_in_salib_order() -> np.ndarray:
    """Run the model on the study's sample; return outputs by base point, and the three stacks."""
    problem = as_problem(INPUTS, list(OUTPUTS), model=reduced_model)
    a, b = base_sample(BASE_POINTS, len(INPUTS), rng=0)
    points = np.concatenate([a[None], mixed_samples(a, b), b[None]])  # A, AB1 … ABd, B
    _, y = problem.at_ranks(points.reshape(-1, len(INPUTS)))
    return y.reshape(len(OUTPUTS), len(INPUTS) + 2, BASE_POINTS)


def sobol_against_salib() -> list[Row]:
    """Time the study, and the indices with intervals against SALib's, which must agree."""
    d = len(INPUTS)
    stacks = outputs_in_salib_order()
    f_a, f_b, f_mixed = stacks[:, 0], stacks[:, -1], np.moveaxis(stacks[:, 1:-1], 1, 0)
    ours = {
        "study with its runs": lambda: sobol_study(
            INPUTS, list(OUTPUTS), base_points=BASE_POINTS, rng=0, model=reduced_model
        ),
        "indices, asymptotic intervals": lambda: sobol_indices(f_a, f_b, f_mixed),
        "indices, bootstrap": lambda: sobol_indices(
            f_a, f_b, f_mixed, interval="bootstrap", resamples=RESAMPLES, rng=0
        ),
    }
    try:
        from SALib.analyze import sobol as peer
    except ImportError:
        return [
            (f"Sobol': {name}", own, "SALib is not installed") for name, own in least(ours, process_time, 3).items()
        ]
    problem = {"num_vars": d, "names": list(INPUTS), "bounds": [[0.0, 1.0]] * d}
    columns = [np.ascontiguousarray(stacks[k].T).reshape(-1) for k in range(len(OUTPUTS))]

    def salib() -> list[dict[str, np.ndarray]]:
        return [peer.analyze(problem, y, calc_second_order=False, num_resamples=RESAMPLES, seed=1) for y in columns]

    found, theirs = sobol_indices(f_a, f_b, f_mixed, names=list(INPUTS), outputs=OUTPUTS), salib()
    away = max(
        float(np.abs(indices[key] - mine[:, k]).max())
        for k, indices in enumerate(theirs)
        for key, mine in (("S1", found.first), ("ST", found.total))
    )
    if not away <= EQUAL:
        raise AssertionError(f"an index differs from SALib's by {away:.1e}")
    seconds = least({**ours, f"indices, bootstrap, SALib {version('SALib')}": salib}, process_time, 3)
    last = list(seconds.values())[-1]
    size = f"{BASE_POINTS:,} base points, {d} inputs, {len(OUTPUTS)} outputs"
    return [
        (f"Sobol': {name}", own, f"{own / last:.3f} of SALib's indices; {size}; indices agree to {away:.0e}")
        for name, own in seconds.items()
    ]
