"""Sobol' study of the reduced model: 8,192 base points, six inputs, four outputs, intervals included.

It is timed against SALib in the same process, on the same outputs. Run: ``python benchmarks/sobol_reduced_model.py``.
"""

from __future__ import annotations

import statistics
import time
from importlib.metadata import version

import numpy as np
from reduced_model import INPUTS, OUTPUTS, reduced_model

from costmodel.analysis.sensitivity import sobol_study
from costmodel.analysis.sobol import sobol_indices

BASE_POINTS = 8192
REPEATS = 5


def timed(work):
    """Return the median, least and greatest time of several runs [s], and the last result."""
    times, result = [], None
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return (statistics.median(times), min(times), max(times)), result


def show(what, times):
    print(f"{what:<62} {times[0]:7.3f} s  ({times[1]:.3f} to {times[2]:.3f})")


def outputs_in_salib_order():
    """Run the model on the study's sample; return outputs by base point, and the three stacks."""
    from costmodel.analysis.pick_freeze import base_sample, mixed_samples
    from costmodel.analysis.problem import as_problem

    problem = as_problem(INPUTS, list(OUTPUTS), model=reduced_model)
    a, b = base_sample(BASE_POINTS, len(INPUTS), rng=0)
    points = np.concatenate([a[None], mixed_samples(a, b), b[None]])  # A, AB1 … ABd, B
    _, y = problem.at_ranks(points.reshape(-1, len(INPUTS)))
    return y.reshape(len(OUTPUTS), len(INPUTS) + 2, BASE_POINTS)


def main() -> None:
    from SALib.analyze import sobol as peer

    d = len(INPUTS)
    print(f"reduced model, {BASE_POINTS} base points, {d} inputs, {BASE_POINTS * (d + 2)} runs, {len(OUTPUTS)} outputs")
    whole, study = timed(
        lambda: sobol_study(INPUTS, list(OUTPUTS), base_points=BASE_POINTS, rng=0, model=reduced_model)
    )
    show("study: sample, runs, indices and asymptotic intervals", whole)
    stacks = outputs_in_salib_order()
    f_a, f_b, f_mixed = stacks[:, 0], stacks[:, -1], np.moveaxis(stacks[:, 1:-1], 1, 0)
    ours, found = timed(lambda: sobol_indices(f_a, f_b, f_mixed, names=list(INPUTS), outputs=OUTPUTS))
    show("indices and asymptotic intervals of four outputs", ours)
    boot, _ = timed(lambda: sobol_indices(f_a, f_b, f_mixed, interval="bootstrap", resamples=100, rng=0))
    show("indices and bootstrap intervals (100 resamples)", boot)
    problem = {"num_vars": d, "names": list(INPUTS), "bounds": [[0.0, 1.0]] * d}
    columns = [np.ascontiguousarray(stacks[k].T).reshape(-1) for k in range(len(OUTPUTS))]

    def salib():
        return [peer.analyze(problem, y, calc_second_order=False, num_resamples=100, seed=1) for y in columns]

    theirs, indices = timed(salib)
    show(f"SALib {version('SALib')}: the same, four outputs (100 resamples)", theirs)
    first = max(np.abs(one["S1"] - found.first[:, k]).max() for k, one in enumerate(indices))
    total = max(np.abs(one["ST"] - found.total[:, k]).max() for k, one in enumerate(indices))
    print(f"largest difference of an index from SALib's on the same sample: {max(first, total):.1e}")
    print(f"indices with intervals: SALib takes {theirs[0] / ours[0]:.1f} times as long as asymptotic intervals, "
          f"{theirs[0] / boot[0]:.1f} times as long as the bootstrap")  # fmt: skip
    for output in OUTPUTS:
        rows = "  ".join(
            f"{row['input']} {row['first']:.3f}/{row['total']:.3f}" for row in study.table(output).records()
        )
        print(f"{output:>6}: first/total  {rows}  sum of first {study.first_sum[study.outputs.index(output)]:.2f}")
    if whole[0] > 1.0:
        print("the study took longer than a second on this machine")


if __name__ == "__main__":
    main()
