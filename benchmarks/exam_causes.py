"""Effect of each cause in the serving exam: errors of the full model, and without one cause at a time.

Run: python benchmarks/exam_causes.py
Engine profiles stay as fitted with the full model; fitted rows are left out.
"""

# %%
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from importlib import import_module
from typing import Any
from unittest.mock import patch

import numpy as np

import costmodel.compute.layer as layer
import costmodel.compute.roofline as roofline
import costmodel.serving.load as load
import costmodel.serving.steps as steps
import costmodel.validation.exams_serving as exam
from costmodel.compute import Machine, protocols
from costmodel.serving import Engine
from costmodel.validation.exams import Mark, errors
from costmodel.validation.serving_rows import Rows

machines = import_module("costmodel.compute.machine")
PARTS = ("unseen Hopper", "unseen Blackwell")


@contextmanager
def machine(change: Callable[[Machine], Machine]) -> Iterator[None]:
    """Change every machine of the exam."""
    usual = exam.machine_of
    with patch.object(exam, "machine_of", lambda *given, **named: change(usual(*given, **named))):
        yield


@contextmanager
def engine(**fields: float) -> Iterator[None]:
    """Change every engine of the exam."""
    usual = exam.predict
    with patch.object(
        exam,
        "predict",
        lambda rows, engines: usual(rows, {key: replace(value, **fields) for key, value in engines.items()}),
    ):
        yield


@contextmanager
def unheld() -> Iterator[None]:
    """Let every scheduler of the exam admit requests at once."""
    usual = exam.predict

    def predict(rows: Rows, engines: Any) -> Any:
        return usual(replace(rows, held_steps=0.0 * rows.held_steps), engines)

    with patch.object(exam, "predict", predict):
        yield


@contextmanager
def constants(module: Any, **values: Any) -> Iterator[None]:
    """Change constants or functions of a module."""
    with patch.multiple(module, **values):
        yield


@contextmanager
def several(*changes: Any) -> Iterator[None]:
    """Make several changes at once."""
    if not changes:
        yield
        return
    with changes[0], several(*changes[1:]):
        yield


def rates(given: Machine, **fields: float) -> Machine:
    """Return a machine with the same fields of every rate changed."""
    return replace(given, **{part: replace(given.rate(part), **fields) for part in machines.PARTS})


def even(given: Machine) -> Machine:
    """Return a machine whose grouped products are as efficient as single ones."""
    return replace(given, experts=replace(given.experts, share=given.dense.share))


def causes() -> dict[str, Any]:
    """Return the removed causes, by name."""
    plain = Engine()
    factors = {name: getattr(plain, name) for name in ("prefill_factor", "decode_factor", "host_time")}
    return {
        "with everything": nullcontext(),
        "smooth ridge": several(constants(roofline, together=np.maximum), constants(steps, together=np.maximum)),
        "tiles and waves": several(
            machine(lambda given: rates(given, lost_elements=0.0, half_inner=0.0)), constants(machines, TILE_ROWS=0.0)
        ),
        "edges of attention": machine(lambda given: replace(given, half_sequence=0.0)),
        "time per kernel": machine(lambda given: replace(given, kernel_time=0.0)),
        "traffic outside products": constants(layer, RESIDUAL_ACCESSES=0.0, ACTIVATION_ACCESSES=0.0),
        "experts: copies, kernels, load, grouped products": several(
            constants(
                layer, ROUTING_ACCESSES=0.0, ROUTED_KERNELS=layer.DENSE_KERNELS, largest_load=lambda mean, _: mean
            ),
            machine(even),
        ),
        "reading of an 8-bit cache": machine(lambda given: replace(given, cache_share=given.memory_share)),
        "collectives in a captured graph": machine(lambda given: replace(given, protocols=protocols())),
        "engine factors and host": engine(**factors),
        "launch before the first token": engine(launch_time=0.0),
        "schedulers that hold requests back": unheld(),
        "queue behind other prompts": constants(load, share_in_step=lambda *_: 0.0, queue_wait=lambda *_: 0.0),
        "bursts of a run": constants(exam, WAVES=np.inf),
    }


def medians(mark: Mark) -> list[float]:
    """Return the median absolute error of each unseen part."""
    found = np.abs(errors(mark))
    return [float(np.nanmedian(found[mark.part == part])) for part in PARTS]


def main() -> None:
    """Print medians of the error in time per output token and to the first token, without one cause at a time."""
    print("| without | token, Hopper | token, Blackwell | first, Hopper | first, Blackwell |")
    print("|---|---|---|---|---|")
    for name, change in causes().items():
        with change:
            per_token, first, _ = exam.mark()
        print(f"| {name} | " + " | ".join(f"{value:.1%}" for value in (*medians(per_token), *medians(first))) + " |")


if __name__ == "__main__":
    main()
