"""Run a model: resolve the scenario, call the model, attach scenario and design, and check for non-finite values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import quiet
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.budgets import check_memory
from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.errors import DomainError, NonFiniteResultError, ScenarioError
from costmodel.foundation.outputs import OutputSpec, outputs_of, remembered
from costmodel.foundation.results import Result
from costmodel.foundation.scenario import Scenario

Model: TypeAlias = Callable[[Any], Any]
"""Callable from a resolved scenario to a :class:`Result`."""
OnNonFinite: TypeAlias = Literal["raise", "mask"]
"""``raise``: raise an error that names output, place and draw; ``mask``: leave the draw out of statistics, count it."""


def require_scenario(given: Any) -> None:
    """Raise ``ScenarioError`` if an object is not a scenario.

    Examples
    --------
    >>> require_scenario("h100-hour")
    Traceback (most recent call last):
        ...
    costmodel.foundation.errors.ScenarioError: expected a scenario, not 'h100-hour': load one with ...
    """
    if not isinstance(given, Scenario):
        shown = repr(given)[:40] if isinstance(given, str) else f"a {type(given).__name__}"
        raise ScenarioError(f"expected a scenario, not {shown}: load one with costmodel.load_scenario(name)")


def design_for(scenario: Scenario, draws: int | None, rng: RandomSource, design: Design | None) -> Design | None:
    """Return the given design, a random one of ``draws`` draws, or None for medians.

    Raises
    ------
    DomainError
        If both a design and ``draws`` or ``rng`` are given.
    ScenarioError
        If the design does not draw an uncertain path of the scenario.
    """
    if design is None:
        return None if draws is None else Design.random(scenario, draws, rng)
    if draws is not None or rng is not None:
        raise DomainError("a design has its own draws and seed: give either draws and rng, or a design")
    missing = sorted(set(scenario.uncertain_paths()) - set(design.paths))
    if missing:
        raise ScenarioError(f"the design does not draw {', '.join(missing)}: make the design from this scenario")
    return design


def run_model(
    model: Model,
    scenario: Scenario,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    on_nonfinite: OnNonFinite = "raise",
) -> Any:
    """Run a model on a written scenario.

    Parameters
    ----------
    model
        Callable from a resolved scenario to a result.
    scenario
        A written scenario.
    draws
        Number of draws of its distributions; None: medians.
    rng
        Seed, generator or seed sequence; None: fresh entropy. 0 is a seed.
    design
        An existing design, instead of ``draws`` and ``rng``.
    on_nonfinite
        ``"raise"`` or ``"mask"``, for a value that is not finite and not declared as possibly blank.

    Returns
    -------
    Result
        Result with the written scenario and the design.

    Raises
    ------
    NonFiniteResultError
        If a value is not finite and shall raise, or no draw is left.
    ScenarioError
        If the model does not return a result.
    """
    chosen = design_for(scenario, draws, rng, design)
    if chosen is not None and chosen.draws > BLOCK:
        _check_draws_fit(model, scenario, chosen)
    with quiet():
        result = model(scenario.resolve(chosen))
    if not isinstance(result, Result):
        raise ScenarioError(f"the model {scenario.model!r} returned a {type(result).__name__}, not a Result")
    return checked(replace(result, scenario=scenario, design=chosen), on_nonfinite)


def _check_draws_fit(model: Model, scenario: Scenario, design: Design) -> None:
    """Raise ``DomainError`` if inputs and outputs of all draws do not fit into memory."""
    try:
        outputs = outputs_of(get_type_hints(model)["return"], derived=False)
    except (KeyError, TypeError, NameError):  # a user's model need not annotate its result
        outputs = ()
    steps = 1 if scenario.grid is None else scenario.grid.steps
    cells = sum(steps if {"step", "bound", "month"} & set(spec.dims) else 1 for spec in outputs)
    check_memory(
        float(design.draws) * (len(design.paths) + cells),
        f"a result of {design.draws:,} draws",
        "ask for fewer, or for costmodel.run_ensemble, which keeps a block at a time",
    )


def checked(result: Result, on_nonfinite: OnNonFinite) -> Result:
    """Return the result if its values are finite, or with a mask of the draws to leave out.

    Raises
    ------
    NonFiniteResultError
        If a value is not finite and shall raise, or no draw is left.
    DomainError
        If ``on_nonfinite`` is neither ``"raise"`` nor ``"mask"``.
    """
    if on_nonfinite not in ("raise", "mask"):
        raise DomainError(f"on_nonfinite must be 'raise' or 'mask'; got {on_nonfinite!r}")
    draws = result.draws
    left_out = np.zeros(draws or 1, dtype=bool)
    excluded: dict[str, int] = {}
    with quiet(), remembered():
        spoilt = {
            name: bad
            for name, spec in result.outputs().items()
            if not _all_finite(value := getattr(result, name)) and (bad := not_finite(value, spec)).any()
        }
    for name, bad in spoilt.items():
        spec = result.spec(name)
        if on_nonfinite == "raise" or draws is None:
            place, cause = place_of(bad, spec, result.labels()), result.explain_nonfinite(name)
            raise NonFiniteResultError(f"{name} is not finite{place}{cause}")
        per_draw = bad.reshape(-1, draws).any(axis=0) if bad.ndim > len(spec.dims) else np.ones(draws, dtype=bool)
        fresh = int((per_draw & ~left_out).sum())
        if fresh:
            excluded[f"{name} not finite"] = fresh
        left_out |= per_draw
    if not excluded:
        return result
    if left_out.all():
        raise NonFiniteResultError(f"no draw is left after masking ({excluded}): correct the ranges")
    return replace(result, left_out=left_out, excluded=excluded)


def _all_finite(value: Any) -> bool:
    """Whether no value is NaN or infinite, as in most outputs; also of words and dates."""
    array = np.asarray(value)
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def not_finite(value: Any, spec: OutputSpec) -> NDArray[np.bool_]:
    """Return a mask of an output's invalid values: infinite, or NaN unless declared as possibly blank."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return np.zeros(array.shape, dtype=bool)
    return np.asarray(np.isinf(array) if spec.blank else ~np.isfinite(array))


def place_of(bad: NDArray[np.bool_], spec: OutputSpec, labels: Mapping[str, Sequence[Any]], first_draw: int = 0) -> str:
    """Describe the first non-finite value of an output: the draw, and the position along its axes.

    Parameters
    ----------
    bad
        Mask of non-finite values, shape ``structural`` or ``structural + (draw,)``.
    spec, labels
        Declaration of the output, and the labels of its axes.
    first_draw
        Number of the first draw of ``bad``.
    """
    if bad.ndim > len(spec.dims):
        per_draw = bad.reshape(-1, bad.shape[-1]).any(axis=0)
        draw = int(np.flatnonzero(per_draw)[0])
        bad = bad[..., draw]
        text = f" in draw {first_draw + draw} (and {int(per_draw.sum()) - 1} more)"
    else:
        text = ""
    if not spec.dims:
        return text
    where = np.argwhere(bad)[0]
    named = zip(spec.dims, where, strict=True)
    places = (f"{dim} {labels[dim][i] if dim in labels and i < len(labels[dim]) else i}" for dim, i in named)
    return f", first at {', '.join(places)}{text}"
