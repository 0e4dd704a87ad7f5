"""Fit the recipes of training frameworks on the measured steps that the split allows.

Run: python benchmarks/fit_training_frameworks.py
Prints, for each framework, the fitted figures for the catalog's table ``training_frameworks``, the error on fitted and
on unseen steps, and the error on each fitted group when it is left out. Residuals are logarithms of predicted over
measured times, under a loss that is linear in the tails; all groups have equal weight.
"""

# %%
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from costmodel.foundation.arrays import FloatArray
from costmodel.validation.exams import spread_of_groups
from costmodel.validation.exams_training import Step, evaluate, measured_time, parts, steps

HOPPER, BLACKWELL = frozenset({"H100-SXM"}), frozenset({"B200", "GB200-NVL72", "GB300-NVL72"})
TAIL = 0.1
"""Residual above which the loss is linear [1]."""


@dataclass(frozen=True)
class Free:
    """Fitted figure of a recipe, with its scope and its bounds."""

    field: str
    start: float
    low: float
    high: float
    accelerators: frozenset[str] = frozenset()
    frameworks: frozenset[str] = frozenset()

    def holds(self, step: Step) -> bool:
        """Return whether the figure belongs to a step's recipe."""
        chip, framework = step.record.text("accelerator"), step.record.text("framework")
        return (not self.accelerators or chip in self.accelerators) and (
            not self.frameworks or framework in self.frameworks
        )

    @property
    def label(self) -> str:
        """Name of the figure with its scope."""
        return " ".join([self.field, *sorted(self.accelerators), *sorted(self.frameworks)])


FITS: Mapping[str, tuple[tuple[str, ...], tuple[Free, ...]]] = {
    "Megatron-LM 2021": (
        ("vtrain-multi", "vtrain-single"),
        (
            Free("half_inner", 1000.0, 10.0, 1e4),
            Free("host_time", 50e-6, 1e-6, 1e-3),
            Free("loss_bytes", 100.0, 36.0, 500.0),
            Free("lost_elements", 1e6, 1e3, 1e8),
        ),
    ),
    "Megatron-Bridge": (
        ("megatron-bridge",),
        (
            Free("product_share", 0.9, 0.3, 1.0, accelerators=HOPPER),
            Free("product_share", 0.7, 0.3, 1.0, accelerators=BLACKWELL),
            Free("routed_factor", 2.0, 1.0, 20.0, frameworks=frozenset({"Megatron-Bridge"})),
            Free("biased_factor", 5.0, 1.0, 30.0, frameworks=frozenset({"Megatron-Bridge"})),
        ),
    ),
}
"""Sets of measured steps and fitted figures by framework."""


def with_figures(given: Sequence[Step], free: Sequence[Free], values: Sequence[float]) -> list[Step]:
    """Return steps whose recipes have the fitted figures; a step captured in a graph keeps its zero host time."""
    changed = []
    for step in given:
        figures = {item.field: value for item, value in zip(free, values, strict=True) if item.holds(step)}
        if step.job.recipe.host_time == 0.0:
            figures.pop("host_time", None)
        changed.append(replace(step, job=replace(step.job, recipe=replace(step.job.recipe, **figures))))
    return changed


def residuals(given: Sequence[Step], free: Sequence[Free], values: Sequence[float]) -> FloatArray:
    """Return the logarithm of predicted over measured time of each step."""
    measured = np.array([measured_time(step) for step in given])
    return np.log(evaluate(with_figures(given, free, values)) / measured)


def fit(given: Sequence[Step], free: Sequence[Free]) -> list[float]:
    """Return the figures that fit the given steps best, with equal weight for every group."""
    groups = [step.group for step in given]
    weights = np.array([1.0 / np.sqrt(groups.count(group)) for group in groups])

    def loss(logs: FloatArray) -> FloatArray:
        return np.asarray(residuals(given, free, list(np.exp(logs))) * weights / TAIL)

    bounds = ([np.log(item.low) for item in free], [np.log(item.high) for item in free])
    start = [np.log(item.start) for item in free]
    found = least_squares(loss, start, bounds=bounds, loss="soft_l1", diff_step=1e-3)
    return [float(value) for value in np.exp(found.x)]


def main() -> None:
    """Fit every framework and print figures and errors."""
    for framework, (exams, free) in FITS.items():
        given = [step for exam in exams for step in steps(exam)]
        part = np.concatenate([parts(steps(exam)) for exam in exams])
        fitted = [step for step, name in zip(given, part, strict=True) if name == "fitted"]
        values = fit(fitted, free)
        print(f"{framework}: {len(fitted)} of {len(given)} steps fitted")
        for item, value in zip(free, values, strict=True):
            print(f"  {item.label} = {value:.3g}")
        error = np.expm1(residuals(given, free, values))
        for name in ("fitted", "unseen"):
            print(f"  {name}: mean absolute error {np.abs(error[part == name]).mean():.1%}")
        left_out = []
        for group in dict.fromkeys(step.group for step in fitted):
            rest = [step for step in fitted if step.group != group]
            alone = [step for step in fitted if step.group == group]
            found = residuals(alone, free, fit(rest, free))
            left_out.append(found)
            print(f"  left out {' on '.join(group)}: bias {np.expm1(np.median(found)):+.1%}")
        names = np.repeat(np.arange(len(left_out)).astype(str), [found.size for found in left_out])
        print(f"  spread = {spread_of_groups(np.concatenate(left_out), names):.3f}")


if __name__ == "__main__":
    main()
