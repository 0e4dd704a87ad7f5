"""Fit the profiles of serving engines on the rows that the split of the serving exam allows.

Run: python benchmarks/fit_engine_profiles.py [--write]
Every group (a model on an engine) has the same weight. The pooled profile is fitted first, from an engine that adds
nothing; each engine's own is shrunk towards it. Then every group is left out in turn, and predicted from the others of
its engine, or from the other engines where it is the only one: the error and the spread that the profiles carry.
"""

# %%
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import costmodel.catalog
from costmodel.serving.calibration import Fit, Predict, fit_factors
from costmodel.serving.configuration import Engine
from costmodel.validation.exams_serving import MEMORY_USE, predict
from costmodel.validation.serving_rows import Rows, may_be_fitted, read_rows

ENGINES = ("vllm", "sglang", "trtllm")
READS_FIRST = frozenset({"sglang"})
"""Engines whose scheduler reads waiting prompts before it decodes, by default."""
START = Engine(host_time=1e-3, launch_time=1e-3, memory_use=MEMORY_USE)
"""An engine that adds a millisecond a step, and one a layer before the first token: where the pooled fit starts, and
what it is shrunk towards."""
NOTE = "From benchmarks/fit_engine_profiles.py."


def base(engine: str, values: Engine = START) -> Engine:
    """Return an engine with its scheduler."""
    return replace(values, prefill_first=float(engine in READS_FIRST))


def predictor(rows: Rows) -> Predict:
    """Return the predictor of some rows: factors of one engine, each row's own scheduler."""
    names = np.unique(rows.engine)

    def times(given: Engine) -> tuple[np.ndarray, np.ndarray]:
        first, per_token, _ = predict(rows, {str(name): base(str(name), given) for name in names})
        return first, per_token

    return times


def fitted(rows: Rows, prior: Engine) -> Fit:
    """Fit factors on rows, every group with the weight of one row per engine's group."""
    groups = rows.group
    sizes = {str(group): np.sum(groups == group) for group in np.unique(groups)}
    weights = np.array([EFFECTIVE_ROWS / sizes[str(group)] for group in groups])
    return fit_factors(predictor(rows), rows.time_to_first_token, rows.time_per_output_token, prior, weights)


EFFECTIVE_ROWS = 1.0
"""Independent rows that a group counts as: its rows share a model, a machine and a day. Of 1, 2 and 8 the one with the
least error on groups left out."""


def left_out(rows: Rows, engine: str, pooled_of: dict[str, Engine]) -> tuple[np.ndarray, np.ndarray]:
    """Return log errors of the two times, every group of an engine predicted without it."""
    errors: list[np.ndarray] = []
    firsts: list[np.ndarray] = []
    for group in np.unique(rows.group[rows.engine == engine]):
        mine = rows.group == group
        others = rows.take((rows.engine == engine) & ~mine)
        prior = pooled_of[str(group)]
        given = fitted(others, prior).engine(prior) if len(others) else prior
        part = rows.take(mine)
        first, per_token = predictor(part)(given)
        errors.append(np.log(per_token / part.time_per_output_token))
        firsts.append(np.log(first / part.time_to_first_token))
    return np.concatenate(errors), np.concatenate(firsts)


def robust_spread(errors: np.ndarray) -> float:
    """Return the deviation of a normal law with the 80 % interval around 0 of these errors."""
    return float(np.nanquantile(np.abs(errors), 0.8) / 1.2815515655446004)


def record(name: str, fit: Fit, rows: Rows, errors: np.ndarray, firsts: np.ndarray) -> str:
    """Return the record of a profile."""
    decode, prefill, host, first, launch = fit.values
    spreads = [np.exp(1.2815515655446004 * deviation) for deviation in fit.deviations]
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
            f"prefill_factor = {ranged(prefill, spreads[1])}",
            f"decode_factor = {ranged(decode, spreads[0])}",
            f"host_time = {ranged(host, spreads[2])}",
            f"first_token_factor = {ranged(first, spreads[3])}",
            f"launch_time = {ranged(launch, spreads[4])}",
            f"prefill_first = {float(name in READS_FIRST)}",
            f"spread = {robust_spread(errors):.3f}",
            f"first_token_spread = {robust_spread(firsts):.3f}",
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
    without = {
        str(group): fitted(rows.take(rows.group != group), START).engine(START) for group in np.unique(rows.group)
    }
    found: list[str] = []
    errors: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name in ENGINES:
        mine = rows.take(rows.engine == name)
        errors[name] = left_out(rows, name, without)
        found.append(record(name, fitted(mine, pooled.engine(START)), mine, *errors[name]))
    every = [np.concatenate(column) for column in zip(*errors.values(), strict=True)]
    found.append(record("pooled", pooled, rows, every[0], every[1]))
    print("".join(found))
    if write:
        path = Path(costmodel.catalog.__file__).parent / "data" / "engines.toml"
        head = path.read_text(encoding="utf-8").split("\n[[record]]")[0].rstrip("\n")
        path.write_text(head + "\n" + "".join(found), encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
