"""Effect of each cause of error in the training exam, with one correction undone at a time.

Run: python benchmarks/training_causes.py
Prints, for every set of measured steps, the mean absolute error of the model, and the error with a single correction
undone. Nothing is fitted again.
"""

# %%
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from costmodel.training import POOLED, Recipe
from costmodel.validation.exams_training import Step, evaluate, measured_time, parts, steps

EXAMS = ("vtrain-multi", "vtrain-single", "megatron-bridge", "mlperf-405b")


def with_recipe(**figures: float | bool | None) -> Callable[[Step], Step]:
    """Return a change that replaces some figures of every step's recipe."""

    def change(step: Step) -> Step:
        return replace(step, job=replace(step.job, recipe=replace(step.job.recipe, **figures)))

    return change


def _one_peak(step: Step) -> Step:
    machine = step.cluster.machine
    low = replace(machine, head=machine.dense, scores_peak=machine.dense.peak)
    return replace(step, cluster=replace(step.cluster, machine=low))


def _one_overhead(step: Step) -> Step:
    """Return steps with one overhead of 1.25 for all frameworks and chips, instead of fitted products and traffic."""
    pooled = Recipe.recorded(POOLED)
    recipe = replace(
        step.job.recipe,
        product_share=1.0,
        half_inner=None,
        lost_elements=None,
        loss_bytes=pooled.loss_bytes,
        step_overhead=pooled.step_overhead,
    )
    return replace(step, job=replace(step.job, recipe=recipe))


CAUSES: dict[str, Callable[[Step], Step]] = {
    "as it is": lambda step: step,
    "1 attention and head at the peak of the other products": _one_peak,
    "2 gradients in 4 bytes": with_recipe(gradient_bytes=4.0),
    "3 attention always fused": with_recipe(fused_attention=True),
    "4 one overhead of 1.25": _one_overhead,
    "5 experts' traffic the least": with_recipe(routed_factor=1.0, biased_factor=1.0),
    "6 a host without time": with_recipe(host_time=0.0),
}


def main() -> None:
    """Print the table."""
    print(f"{'':55}" + "".join(f"{exam:>26}" for exam in EXAMS))
    print(f"{'mean absolute error':55}" + f"{'fitted':>16}{'unseen':>10}" * len(EXAMS))
    for cause, change in CAUSES.items():
        cells = []
        for exam in EXAMS:
            given = steps(exam)
            error = np.abs(evaluate([change(step) for step in given]) / [measured_time(step) for step in given] - 1.0)
            part = parts(given)
            for name, width in (("fitted", 16), ("unseen", 10)):
                cells.append(f"{error[part == name].mean():{width}.1%}" if np.any(part == name) else f"{'–':>{width}}")
        print(f"{cause:55}" + "".join(cells))


if __name__ == "__main__":
    main()
