"""Fit the profiles of serving engines on the rows that the split of the serving exam allows.

Run: python benchmarks/fit_engine_profiles.py [--write]
Every group (a model on an engine) has the same weight. The pooled profile is fitted first, from an engine that adds
nothing; each engine's own profile is shrunk towards it. Then every group is left out in turn and predicted from the
others of its engine, or from the other engines if it is the only one. This gives the error of the profiles and their
spread, a single one for all engines (:func:`costmodel.validation.exams.spread_of_groups`), since an engine has too few
groups for its own.
"""

# %%
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import costmodel.catalog
from costmodel.serving.calibration import Fit, Predict, fit_factors
from costmodel.serving.configuration import Engine
from costmodel.serving.engines import EIGHTY_PERCENT
from costmodel.validation.exams import spread_of_groups
from costmodel.validation.exams_serving import MEMORY_USE, predict
from costmodel.validation.serving_rows import Rows, may_be_fitted, read_rows

ENGINES = ("vllm", "sglang", "trtllm")
START = Engine(host_time=1e-3, launch_time=1e-4, memory_use=MEMORY_USE)
"""Start and shrinkage target of the pooled fit: an engine that adds a millisecond per step, and a tenth of a
millisecond for each kernel before the first token."""
NOTE = "From benchmarks/fit_engine_profiles.py."


def predictor(rows: Rows) -> Predict:
    """Return the predictor of some rows by one engine."""
    names = np.unique(rows.engine)

    def times(given: Engine) -> tuple[np.ndarray, np.ndarray]:
        first, per_token, _ = predict(rows, {str(name): given for name in names})
        return first, per_token

    return times


def fitted(rows: Rows, prior: Engine) -> Fit:
    """Fit factors on rows, with equal weight for every group of an engine."""
    groups = rows.group
    sizes = {str(group): np.sum(groups == group) for group in np.unique(groups)}
    weights = np.array([EFFECTIVE_ROWS / sizes[str(group)] for group in groups])
    return fit_factors(predictor(rows), rows.time_to_first_token, rows.time_per_output_token, prior, weights)


EFFECTIVE_ROWS = 1.0
"""Number of independent rows that a group counts for [1], since its rows share a model, a machine and a day. Chosen
among 1, 2 and 8 by the least error on groups left out."""


def left_out(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return log errors of the time per output token and to the first, with every group predicted from the others."""
    errors, firsts = np.empty(len(rows)), np.empty(len(rows))
    for group in np.unique(rows.group):
        mine = rows.group == group
        prior = fitted(rows.take(~mine), START).engine(START)
        others = rows.take((rows.engine == rows.engine[mine][0]) & ~mine)
        given = fitted(others, prior).engine(prior) if len(others) else prior
        part = rows.take(mine)
        first, per_token = predictor(part)(given)
        errors[mine] = np.log(per_token / part.time_per_output_token)
        firsts[mine] = np.log(first / part.time_to_first_token)
    return errors, firsts


def record(name: str, fit: Fit, rows: Rows, errors: np.ndarray, spreads: tuple[float, float]) -> str:
    """Return the record of a profile: its fit, its error on groups left out, and the spread of all engines."""
    decode, prefill, host, launch = fit.values
    widths = [np.exp(EIGHTY_PERCENT * deviation) for deviation in fit.deviations]
    versions = ", ".join(sorted({str(version) for version in rows.version if version})) or "not stated"
    models = ", ".join(sorted({str(model) for model in rows.model}))

    def ranged(value: float, factor: float) -> str:
        return f"{{ value = {value:.4g}, low = {value / factor:.4g}, high = {value * factor:.4g} }}"

    return "\n".join(
        [
            "",
            "[[record]]",
            f'id = "{name}"',
            'source = "aiconfigurator-core-0-12"',
            'known = "2026"',
            'grade = "estimated"',
            f'note = "{NOTE}"',
            f'versions = "{versions}"',
            'generation = "Hopper (H100, H200)"',
            f"prefill_factor = {ranged(prefill, widths[1])}",
            f"decode_factor = {ranged(decode, widths[0])}",
            f"host_time = {ranged(host, widths[2])}",
            f"launch_time = {ranged(launch, widths[3])}",
            f"spread = {spreads[0]:.3f}",
            f"first_token_spread = {spreads[1]:.3f}",
            f"error = {np.nanmedian(np.abs(np.expm1(errors))):.3f}",
            f"rows = {len(rows)}",
            f'fitted_on = "{models}"',
            "",
        ]
    )


def main(write: bool) -> None:
    """Fit, print the records, and write them into the catalog if asked."""
    rows, _ = read_rows()
    rows = rows.take(may_be_fitted(rows))
    pooled = fitted(rows, START)
    errors, firsts = left_out(rows)
    spreads = spread_of_groups(errors, rows.group), spread_of_groups(firsts, rows.group)
    found: list[str] = []
    for name in ENGINES:
        mine = rows.take(rows.engine == name)
        fit = fitted(mine, pooled.engine(START))
        found.append(record(name, fit, mine, errors[rows.engine == name], spreads))
    found.append(record("pooled", pooled, rows, errors, spreads))
    print("".join(found))
    if write:
        path = Path(costmodel.catalog.__file__).parent / "data" / "engines.toml"
        head = path.read_text(encoding="utf-8").split("\n[[record]]")[0].rstrip("\n")
        path.write_text(head + "\n" + "".join(found), encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
