"""Ensembles of any model, run in canonical blocks by any executor and summarized block by block.

Memory use is that of the running blocks and of the summaries, for any number of draws; only outputs named in
``exact`` keep every draw. The result does not depend on the executor: see :mod:`costmodel.foundation.blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.analysis.asked import stored_outputs_read
from costmodel.analysis.ensemble_result import EnsembleResult, OutputSummary
from costmodel.analysis.targets import Output, Selector, listed_outputs
from costmodel.foundation.arrays import FloatArray, quiet, readonly
from costmodel.foundation.blocks import BLOCK, spans, trimmed
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.engines import Engine, chosen_engine, using
from costmodel.foundation.errors import DomainError, NonFiniteResultError, ScenarioError, UnknownParameterError
from costmodel.foundation.executors import ordered_map, workers_of
from costmodel.foundation.notebooks import shown_progress
from costmodel.foundation.outputs import remembered
from costmodel.foundation.reducers import LogHistogram, Moments
from costmodel.foundation.results import OutputSpec, Result
from costmodel.foundation.running import Model, OnNonFinite, design_for, place_of, require_scenario
from costmodel.foundation.scenario import Scenario, model_entry

Progress: TypeAlias = Callable[[int, int], None]
DEFAULT_DRAWS = 1000
"""Default number of draws of an ensemble [1]."""


@dataclass(frozen=True, slots=True)
class BlockOutputs:
    """Outputs of one block without padding: structural axes first, draws last."""

    block: int
    specs: tuple[OutputSpec, ...]
    values: tuple[NDArray[Any], ...]
    labels: Mapping[str, Sequence[Any]]

    def flags(self) -> dict[str, NDArray[np.bool_]]:
        """Return the boolean outputs, ``(draw,)``: true if true anywhere along their other axes."""
        return {
            spec.name: np.asarray(value.reshape(-1, value.shape[-1]).any(axis=0))
            for spec, value in zip(self.specs, self.values, strict=True)
            if value.dtype == np.bool_
        }

    def numbers(self) -> dict[str, tuple[OutputSpec, FloatArray]]:
        """Return the numeric outputs."""
        return {
            spec.name: (spec, np.asarray(value, dtype=np.float64))
            for spec, value in zip(self.specs, self.values, strict=True)
            if value.dtype != np.bool_
        }


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Task of running one block, as sent to a worker.

    Parameters
    ----------
    model
        Callable from a resolved scenario to a result.
    scenario, design
        Scenario to resolve, and its draws.
    outputs
        Names of declared outputs or selectors; None: the result's default outputs.
    engine
        ``numpy`` or ``compiled``.
    asked
        Stored outputs to keep; None: all.
    """

    model: Model
    scenario: Scenario
    design: Design
    outputs: tuple[Output, ...] | None = None
    engine: str = "numpy"
    asked: frozenset[str] | None = None

    @classmethod
    def of(
        cls, model: Model, scenario: Scenario, design: Design, outputs: tuple[Output, ...] | None, engine: Engine
    ) -> Self:
        """Build a task: choose the engine, and find the stored outputs that it needs."""
        asked = stored_outputs_read(model, scenario, lambda result, draws: collect(result, outputs, 0, draws, draws))
        return cls(model, scenario, design, outputs, chosen_engine(engine, design.draws), asked)

    def __call__(self, block: int) -> BlockOutputs:
        """Run the model on one canonical block."""
        with quiet(), using(self.engine, self.asked):
            result = self.model(self.scenario.resolve(self.design, block=block))
            with remembered():
                return collect(result, self.outputs, block, self.design.block_draws(block))


def collect(result: Any, outputs: Sequence[Output] | None, block: int, draws: int, width: int = BLOCK) -> BlockOutputs:
    """Collect the requested outputs from a model's result.

    Parameters
    ----------
    result
        Result of a whole block.
    outputs
        Names of declared outputs, selectors (``tokens@2030``) or callables. None: the result's ``ENSEMBLE_OUTPUTS`` if
        its class has them, else every declared output that is numeric or boolean.
    block
        Number of the block.
    draws
        Number of the block's draws to keep; the rest is padding.
    width
        Number of draws in the block, with padding.

    Raises
    ------
    UnknownParameterError
        If the result has no such output.
    """
    declared = result.outputs() if isinstance(result, Result) else {}
    chosen = getattr(result, "ENSEMBLE_OUTPUTS", None) if outputs is None else outputs
    if chosen is None:
        chosen = [name for name in declared if np.asarray(result[name]).dtype.kind in "biuf"]
    if not chosen:
        raise ScenarioError(f"{type(result).__name__} declares no output: name the outputs of the ensemble")
    rows: dict[str, tuple[OutputSpec, NDArray[Any]]] = {}
    for output in chosen:
        if isinstance(output, str) and output in declared:
            spec = declared[output]
            rows[output] = spec, trimmed(result[output], len(spec.dims), draws)
            continue
        selector = Selector.parse(output)
        unit = selector.unit(result) or "1"
        for label, row in zip(*selector.select(result, width), strict=True):
            rows[label] = OutputSpec(label, (), unit, label), row[:draws]
    labels = result.labels() if isinstance(result, Result) else {}
    used = {dim for spec, _ in rows.values() for dim in spec.dims}
    return BlockOutputs(
        block,
        tuple(spec for spec, _ in rows.values()),
        tuple(value for _, value in rows.values()),
        {dim: tuple(row) for dim, row in labels.items() if dim in used},
    )


@dataclass(frozen=True, slots=True)
class _Summary:
    """Summary of a block that a worker returns; its size does not depend on the block's."""

    draws: int
    kept: int
    specs: dict[str, OutputSpec]
    moments: dict[str, Moments]
    histograms: dict[str, LogHistogram]
    exact: dict[str, FloatArray]
    flags: dict[str, int]
    excluded: dict[str, int]
    labels: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Reduction:
    """Reduction of a block to its summary."""

    exact: tuple[str, ...]
    exclude: tuple[str, ...]
    on_nonfinite: OnNonFinite

    def __post_init__(self) -> None:
        if self.on_nonfinite not in ("raise", "mask"):
            raise DomainError(f"on_nonfinite must be 'raise' or 'mask'; got {self.on_nonfinite!r}")

    def __call__(self, outputs: BlockOutputs) -> _Summary:
        numbers, flags = outputs.numbers(), outputs.flags()
        reasons = {name: self._flag(flags, name) for name in self.exclude}
        draws = outputs.values[0].shape[-1]
        left = np.ones(draws, dtype=bool)
        for mask in reasons.values():
            left &= ~mask
        for name, (spec, value) in numbers.items():
            cells = ~np.isfinite(value) & left
            if cells.any():
                if self.on_nonfinite == "raise":
                    place = place_of(cells, spec, outputs.labels, outputs.block * BLOCK)
                    raise NonFiniteResultError(
                        f"output {name!r} is not finite{place}: correct the ranges, or leave such draws out with "
                        "on_nonfinite='mask'"
                    )
                reasons[f"{name} not finite"] = np.asarray(cells.reshape(-1, draws).any(axis=0))
        keep = np.ones(draws, dtype=bool)
        for mask in reasons.values():
            keep &= ~mask
        values = {name: value if keep.all() else value[..., keep] for name, (_, value) in numbers.items()}
        missing = [name for name in self.exact if name not in values]
        if missing:
            raise UnknownParameterError(f"exact: {missing[0]!r} is not among the outputs: {', '.join(values)}")
        return _Summary(
            draws=draws,
            kept=int(keep.sum()),
            specs={name: spec for name, (spec, _) in numbers.items()},
            moments={name: Moments.of(value) for name, value in values.items()},
            histograms={name: LogHistogram.of(value) for name, value in values.items()},
            exact={name: np.array(values[name]) for name in self.exact},
            flags={name: int(flag.sum()) for name, flag in flags.items()},
            excluded={name: int(mask.sum()) for name, mask in reasons.items()},
            labels=outputs.labels,
        )

    @staticmethod
    def _flag(flags: Mapping[str, NDArray[np.bool_]], name: str) -> NDArray[np.bool_]:
        if name not in flags:
            known = ", ".join(flags) or "none"
            raise UnknownParameterError(f"exclude: {name!r} is not a boolean output; there are: {known}")
        return flags[name]


@dataclass(frozen=True, slots=True)
class _Task:
    """Task of running consecutive blocks and summarizing them in the same worker."""

    run: Callable[[int], BlockOutputs]
    reduction: _Reduction

    def __call__(self, blocks: range) -> tuple[int, _Summary]:
        parts = ((1, self.reduction(self.run(block))) for block in blocks)
        return _merged_in_pairs(parts)


def run_ensemble(
    scenario: Scenario,
    outputs: Output | Sequence[Output] | None = None,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    exact: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    executor: Executor | None = None,
    in_flight: int | None = None,
    on_progress: Progress | None = None,
    on_nonfinite: OnNonFinite = "raise",
    model: Model | None = None,
    engine: Engine = "auto",
) -> EnsembleResult:
    """Run a model on many draws of its scenario, in bounded memory.

    Parameters
    ----------
    scenario
        Written scenario; its distributions are drawn.
    outputs
        Outputs to summarize, one or several: names of declared outputs, selectors such as ``tokens@2030``, or callables
        of the result; None: the result's default outputs.
    draws
        Number of draws of a random design, at least 1; ``DEFAULT_DRAWS`` if neither this nor a design is given.
    rng
        Seed, generator or seed sequence; None: fresh entropy. 0 is a seed.
    design
        A design in place of ``draws`` and ``rng``.
    exact
        Outputs of which to keep all draws: their quantiles are exact, and memory grows with the number of draws.
    exclude
        Boolean outputs; a draw in which one is true is left out of every summary, and counted.
    executor
        Any ``concurrent.futures.Executor``: threads, processes, ``client.get_executor()`` of a Dask client.
    in_flight
        Largest number of tasks submitted at once; None: two for each worker, and two more.
    on_progress
        Called with the draws done and the total.
    on_nonfinite
        ``"raise"``: raise an error that names the output, its place and the first draw; ``"mask"``: leave the draw out
        of every summary and count it under the output's name.
    model
        Callable from a resolved scenario to a result; None: the scenario's registered model. Processes and clusters
        need one that can be pickled: a function of a module.
    engine
        ``"numpy"``, ``"compiled"`` (extra ``fast``; flywheel only), or ``"auto"``: compiled from 8,192 draws on, if
        installed.

    Returns
    -------
    EnsembleResult
        Bands, moments and exact draws by output, and the numbers of draws left out by reason.

    Raises
    ------
    NonFiniteResultError
        If a value is not finite and ``on_nonfinite`` is ``"raise"``, or no draw is left.
    UnknownParameterError
        If an output does not exist.
    ScenarioError, DomainError
        If the design is not this scenario's, or an argument is not allowed.

    Notes
    -----
    Results are equal bit for bit for any executor and any number of workers: blocks are always whole, summaries merge
    in pairs that depend on block numbers alone, and counts are integers. A task has one block; with more than
    `WORKERS_SERVED` workers it has several, which merge on the worker, so that the caller keeps up.
    """
    drawn = chosen_design(scenario, draws, rng, design)
    chosen = None if outputs is None else listed_outputs(outputs)
    kept, flags = ((names,) if isinstance(names, str) else tuple(names) for names in (exact, exclude))
    run = BlockRun.of(chosen_model(model, scenario), scenario, drawn, chosen, engine)
    task = _Task(run, _Reduction(kept, flags, on_nonfinite))
    tasks = spans(drawn.blocks, workers_of(executor))
    return _reduced(scenario, drawn, ordered_map(task, tasks, executor, in_flight=in_flight), on_progress)


def chosen_model(model: Model | None, scenario: Scenario) -> Model:
    """Return the given model, or the one registered for the scenario."""
    return model_entry(scenario.model).load() if model is None else model


def chosen_design(scenario: Scenario, draws: int | None, rng: RandomSource, design: Design | None) -> Design:
    """Return the given design, or a random one with the requested number of draws.

    Raises
    ------
    DomainError
        If both a design and ``draws`` or ``rng`` are given.
    ScenarioError
        If the design lacks an uncertain path of the scenario.
    """
    require_scenario(scenario)
    if design is None:
        return Design.random(scenario, DEFAULT_DRAWS if draws is None else draws, rng)
    design_for(scenario, draws, rng, design)
    return design


def reduce_stored(
    scenario: Scenario,
    design: Design,
    read: Callable[[int], BlockOutputs],
    exact: Sequence[str],
    exclude: Sequence[str],
    on_nonfinite: OnNonFinite,
    on_progress: Progress | None,
) -> EnsembleResult:
    """Summarize stored blocks; the result equals that of a run to the last bit."""
    task = _Task(read, _Reduction(tuple(exact), tuple(exclude), on_nonfinite))
    return _reduced(scenario, design, map(task, spans(design.blocks, 1)), on_progress)


def _reduced(
    scenario: Scenario, design: Design, parts: Iterable[tuple[int, _Summary]], on_progress: Progress | None
) -> EnsembleResult:
    """Merge the summaries of all tasks into a result."""
    kept: dict[str, FloatArray] = {}

    def without_draws() -> Iterator[tuple[int, _Summary]]:
        """Move the draws to keep into arrays of their own, in order, and pass the rest of each summary on."""
        report = shown_progress(on_progress, "drawing")
        done = filled = 0
        for blocks, part in parts:
            for name, values in part.exact.items():
                store = kept.setdefault(name, np.empty((*values.shape[:-1], design.draws)))
                store[..., filled : filled + part.kept] = values
            done, filled = done + part.draws, filled + part.kept
            yield blocks, replace(part, exact={})
            if report is not None:
                report(done, design.draws)

    _, total = _merged_in_pairs(without_draws())
    filled = total.kept
    if filled == 0:
        raise NonFiniteResultError(f"no draw is left: {dict(total.excluded)}")
    summaries = {
        name: OutputSummary(
            spec,
            total.moments[name],
            total.histograms[name],
            readonly(kept[name][..., :filled]) if name in kept else None,
        )
        for name, spec in total.specs.items()
    }
    return EnsembleResult(
        scenario=scenario,
        design=design,
        outputs=summaries,
        flags=total.flags,
        excluded=total.excluded,
        kept=filled,
        labels=total.labels,
    )


def _merged_in_pairs(parts: Iterable[tuple[int, _Summary]]) -> tuple[int, _Summary]:
    """Merge summaries of consecutive blocks, each with its number of blocks: neighbours, then pairs of neighbours.

    Parts have a power of two blocks, all the same number, except for the last. Which blocks merge is then the same
    whether a worker or the caller merges them, so that sums are equal to the last bit. At most one summary of each size
    is kept.
    """
    left: list[tuple[int, _Summary]] = []
    for blocks, part in parts:
        while left and left[-1][0] == blocks:
            part = _merged(left.pop()[1], part)
            blocks *= 2
        left.append((blocks, part))
    blocks, total = left.pop()
    for more, part in reversed(left):
        blocks, total = blocks + more, _merged(part, total)
    return blocks, total


def _merged(one: _Summary, two: _Summary) -> _Summary:
    """Return the summary of the draws of two summaries, in order."""
    return _Summary(
        draws=one.draws + two.draws,
        kept=one.kept + two.kept,
        specs=one.specs,
        moments={name: one.moments[name].merge(two.moments[name]) for name in one.specs},
        histograms={name: one.histograms[name].merge(two.histograms[name]) for name in one.specs},
        exact={name: np.concatenate([draws, two.exact[name]], axis=-1) for name, draws in one.exact.items()},
        flags=_added(one.flags, two.flags),
        excluded=_added(one.excluded, two.excluded),
        labels=one.labels,
    )


def _added(one: Mapping[str, int], two: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + two.get(name, 0) for name in {**one, **two}}
