"""Problem: a callable from resolved inputs to a result, with its inputs and outputs.

A :class:`Problem` joins a model, its scenario and the requested outputs. It runs at many points at once, one draw
each: at ranks of the uncertain inputs, at values of chosen paths, or at multiples of them. A plain function of arrays
with a table of ranges is a problem as well, so that the same code studies a textbook function and a flywheel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from costmodel.analysis.targets import Output, Selector, listed_outputs, select_all
from costmodel.foundation.arrays import FloatArray, quiet
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import correlated
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.engines import chosen_engine, using
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.inputs import Inputs
from costmodel.foundation.notebooks import shown_progress
from costmodel.foundation.provenance import Grade, weakest
from costmodel.foundation.rates import VaryingRate
from costmodel.foundation.running import require_scenario
from costmodel.foundation.scenario import Scenario, model_entry
from costmodel.foundation.values import ParameterSpec, Resolver, Value

Model: TypeAlias = Callable[..., Any]
Ranges: TypeAlias = Mapping[str, Any]
"""Argument of a plain function → a number, ``(low, high)`` for a uniform range, a Distribution or its table."""
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PointResolver(Resolver):
    """Resolver at chosen points: some paths replaced, some scaled, the others at ranks or medians.

    Replaced values are ``(draw,)``, or ``(step, draw)`` for trajectories; factors are ``(draw,)``.
    """

    replaced: Mapping[str, FloatArray] = field(default_factory=dict)
    factors: Mapping[str, FloatArray] = field(default_factory=dict)

    def resolve(self, path: str, value: Value, spec: ParameterSpec) -> Any:
        """Return the resolved value of one parameter."""
        if path in self.replaced:
            number = np.asarray(self.replaced[path], dtype=np.float64)
            self._check(path, number, spec)
            if spec.trajectory and self.grid is not None and number.ndim <= 1:
                return np.broadcast_to(number, (self.grid.steps, *number.shape))
            return number
        resolved = Resolver.resolve(self, path, value, spec)
        if path not in self.factors:
            return resolved
        factor = np.asarray(self.factors[path], dtype=np.float64)
        if isinstance(resolved, VaryingRate):
            return resolved.scaled(factor)
        base = np.asarray(resolved)
        if spec.trajectory and self.grid is not None and base.ndim == 1:
            base = base[:, None]
        return base * factor


@dataclass(frozen=True, slots=True)
class Problem:
    """A model with its inputs and the requested outputs; built by :func:`as_problem`.

    Parameters
    ----------
    names
        Uncertain inputs in recorded order.
    correlations
        Pairs of uncertain inputs with their rank correlation.
    grades
        Grade of evidence of each uncertain input.
    selectors
        The requested outputs.
    paths
        Every parameter or argument, uncertain or not.
    """

    names: tuple[str, ...]
    correlations: tuple[tuple[str, str, float], ...]
    grades: Mapping[str, Grade]
    selectors: tuple[Selector, ...]
    paths: tuple[str, ...]
    _call: Callable[[Mapping[str, FloatArray] | None, Mapping[str, FloatArray], Mapping[str, FloatArray]], Any]
    _quantile: Callable[[str, FloatArray], FloatArray | None]
    scenario: Scenario | None = None

    def raw(
        self,
        draws: int,
        *,
        ranks: Mapping[str, FloatArray] | None = None,
        values: Mapping[str, FloatArray] | None = None,
        factors: Mapping[str, FloatArray] | None = None,
    ) -> Any:
        """Run the model once at ``draws`` points and return its own result."""
        with quiet():
            return self._call(ranks, values or {}, factors or {})

    def at(
        self,
        draws: int,
        *,
        ranks: Mapping[str, FloatArray] | None = None,
        values: Mapping[str, FloatArray] | None = None,
        factors: Mapping[str, FloatArray] | None = None,
        on_progress: Progress | None = None,
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Run the model at many points, in blocks, and return labels and outputs ``(output, draw)``.

        Parameters
        ----------
        draws
            Number of points.
        ranks
            Ranks of all uncertain inputs, ``(draw,)`` each; None: medians.
        values
            Values that replace those of some paths, ``(draw,)`` each, in canonical units.
        factors
            Factors for the resolved values of some paths, ``(draw,)`` each.
        on_progress
            Called with the points done and the total.
        """
        labels: tuple[str, ...] = ()
        parts = []
        report = shown_progress(on_progress, "running")
        with using(chosen_engine("auto", draws)):
            for first in range(0, draws, BLOCK):
                last = min(first + BLOCK, draws)

                def cut(
                    table: Mapping[str, FloatArray] | None, first: int = first, last: int = last
                ) -> dict[str, FloatArray] | None:
                    return None if table is None else {key: row[..., first:last] for key, row in table.items()}

                result = self.raw(last - first, ranks=cut(ranks), values=cut(values), factors=cut(factors))
                labels, selected = select_all(result, self.selectors, last - first)
                parts.append(selected)
                if report is not None:
                    report(last, draws)
        return labels, parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def at_ranks(
        self, points: FloatArray, *, copula: bool = False, on_progress: Progress | None = None
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Run the model at points of the unit cube, ``(draw, input)``, one column per name.

        ``copula`` turns independent ranks into ranks with the scenario's correlations.
        """
        ranks = {name: np.ascontiguousarray(points[:, i]) for i, name in enumerate(self.names)}
        if copula:
            ranks = correlated(ranks, self.correlations)
        return self.at(len(points), ranks=ranks, on_progress=on_progress)

    def uncertain_paths(self) -> tuple[str, ...]:
        """Return the uncertain inputs, so that a Design can be made from a problem."""
        return self.names

    def rank_correlations(self) -> tuple[tuple[str, str, float], ...]:
        """Return the correlated pairs, so that a Design can be made from a problem."""
        return self.correlations

    def grade(self, name: str) -> Grade:
        """Return the grade of evidence of an input; a knot of a schedule has that of its schedule."""
        return self.grades[name.split("[")[0]]

    def quantile(self, name: str, rank: ArrayLike) -> FloatArray | None:
        """Return an input's values at ranks; None for a schedule, whose knots have no single value."""
        return self._quantile(name, np.asarray(rank, dtype=np.float64))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the paths that match a pattern, in which ``*`` stands for any part.

        Raises
        ------
        UnknownParameterError
            If there is none.
        """
        found = tuple(path for path in self.paths if fnmatchcase(path, pattern))
        if not found:
            raise UnknownParameterError(f"{pattern}: there is no such parameter{near_matches(pattern, self.paths)}")
        return found

    def require_independent(self, method: str, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        """Raise ``DomainError`` if inputs in different groups are correlated.

        Parameters
        ----------
        method
            Name of the method, for the message.
        groups
            Inputs by group; correlation inside a group is allowed.
        """
        home = {name: key for key, names in (groups or {}).items() for name in names}
        apart = [f"{a} and {b} ({rank:+.2f})" for a, b, rank in self.correlations if home.get(a, a) != home.get(b, b)]
        if apart:
            raise DomainError(
                f"{method} needs independent inputs, but correlated are: {', '.join(apart)}; put them in one group "
                "of sobol_study(groups=…), or use given_data_study, which allows correlation"
            )


def as_problem(
    inputs: Scenario | Ranges, outputs: Output | Sequence[Output] | None = None, *, model: Model | None = None
) -> Problem:
    """Join a model, its inputs and the outputs asked for.

    Parameters
    ----------
    inputs
        A scenario, or for a plain function its arguments: numbers, ``(low, high)``, distributions.
    outputs
        Requested outputs, see :mod:`costmodel.analysis.targets`; optional for a plain function.
    model
        Callable from a resolved scenario to a result, or a plain function of keyword arrays; None: the scenario's
        registered model.

    Returns
    -------
    Problem

    Raises
    ------
    ScenarioError
        If no model is given or registered, or a range is not valid.

    Examples
    --------
    >>> problem = as_problem({"x": (0.0, 2.0), "y": 1.0}, model=lambda x, y: x - y)
    >>> problem.names, problem.at(2, values={"x": np.array([1.0, 3.0])})[1].tolist()
    (('x',), [[0.0, 2.0]])
    """
    selectors = () if outputs is None else tuple(Selector.parse(output) for output in listed_outputs(outputs))
    if isinstance(inputs, Scenario):
        if not selectors:
            raise ScenarioError("a study of a scenario needs outputs, such as user_spend@2030")
        return _scenario_problem(model, inputs, selectors)
    if model is None:
        table: Any = inputs
        if not isinstance(table, Mapping):
            require_scenario(table)
        raise ScenarioError("a table of ranges needs a function: give model=...")
    return _function_problem(model, inputs, selectors)


def _scenario_problem(model: Model | None, scenario: Scenario, selectors: tuple[Selector, ...]) -> Problem:
    run = model if model is not None else model_entry(scenario.model).load()
    known = (*scenario.switches, *scenario.paths())
    written = {path: value for path, value, _, _ in scenario.walk()}

    def call(ranks: Any, values: Mapping[str, FloatArray], factors: Mapping[str, FloatArray]) -> Any:
        for path in (*values, *factors):
            if path not in known:
                raise UnknownParameterError(f"{path}: there is no such parameter{near_matches(path, known)}")
        replaced = {
            path: row if factor == 1.0 else row * factor
            for name, row in values.items()
            for path, factor in scenario.moved_by(name).items()
        }
        scaled = {path: row for name, row in factors.items() for path in scenario.moved_by(name)}
        return run(scenario.resolved(PointResolver(scenario.outlook, ranks, replaced, scaled)))

    def quantile(name: str, rank: FloatArray) -> FloatArray | None:
        path, factor = next(iter(scenario.moved_by(name).items()))
        value = written.get(path)
        return np.asarray(value.ppf(rank)) / factor if isinstance(value, Distribution) else None

    return Problem(
        names=scenario.uncertain_paths(),
        correlations=scenario.rank_correlations(),
        grades=grades_of(scenario),
        selectors=selectors,
        paths=known,
        _call=call,
        _quantile=quantile,
        scenario=scenario,
    )


def grades_of(scenario: Inputs) -> dict[str, Grade]:
    """Return the grade of every parameter by path.

    Examples
    --------
    >>> from costmodel.foundation.inputs import parameter
    >>> class Run(Inputs):
    ...     price: Any = parameter("USD/hour", description="Price.")
    >>> grades_of(Run(price=2.0))["price"].value
    'assumed'
    """
    grades = {path: provenance.grade for path, _, _, provenance in scenario.walk()}
    switches = scenario.switches if isinstance(scenario, Scenario) else {}
    return {**grades, **{name: weakest(grades[path] for path in switch.moves) for name, switch in switches.items()}}


def _function_problem(function: Model, ranges: Ranges, selectors: tuple[Selector, ...]) -> Problem:
    spread: dict[str, Distribution] = {}
    fixed: dict[str, float] = {}
    for name, given in ranges.items():
        read = read_range(name, given)
        if isinstance(read, Distribution):
            spread[name] = read
        else:
            fixed[name] = read
    medians = {**{name: distribution.median() for name, distribution in spread.items()}, **fixed}

    def call(ranks: Any, values: Mapping[str, FloatArray], factors: Mapping[str, FloatArray]) -> Any:
        for name in (*values, *factors):
            if name not in medians:
                raise UnknownParameterError(f"{name}: there is no such argument{near_matches(name, medians)}")
        arguments: dict[str, Any] = dict(medians)
        if ranks is not None:
            arguments.update({name: distribution.ppf(ranks[name]) for name, distribution in spread.items()})
        arguments.update(values)
        for name, factor in factors.items():
            arguments[name] = arguments[name] * factor
        result = function(**arguments)
        return result if selectors else {"output": result}

    return Problem(
        names=tuple(spread),
        correlations=(),
        grades=dict.fromkeys(spread, Grade.ASSUMED),
        selectors=selectors or (Selector("output", "output"),),
        paths=tuple(medians),
        _call=call,
        _quantile=lambda name, rank: np.asarray(spread[name].ppf(rank)) if name in spread else None,
    )


def read_range(name: str, given: Any) -> float | Distribution:
    """Return what an entry of a table of ranges stands for: a number, or a distribution [any].

    Raises
    ------
    ScenarioError
        If it is neither a number, nor two ends, nor a distribution or its table.

    Examples
    --------
    >>> read_range("price", (1.0, 3.0)).support()
    (1.0, 3.0)
    """
    if isinstance(given, Distribution):
        return given
    if isinstance(given, Mapping):
        return Distribution.parse(given, "1")
    if isinstance(given, tuple | list) and len(given) == 2:
        return Distribution.parse({"dist": "uniform", "low": float(given[0]), "high": float(given[1])}, "1")
    if isinstance(given, int | float) and not isinstance(given, bool) and np.isfinite(given):
        return float(given)
    raise ScenarioError(f"{name}: give a number, (low, high), a Distribution or its table; got {given!r}")
