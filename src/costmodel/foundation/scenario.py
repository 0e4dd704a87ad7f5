"""Scenarios: written inputs of a model with their sources, and the registry of models.

A **model** is a callable from a resolved scenario to a result. A scenario names its model; the registry knows
its class and its callable.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Self, get_type_hints

import numpy as np
from pydantic import Field, model_validator

from costmodel.foundation.design import Design, copula_factor
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.inputs import Inputs, set_path
from costmodel.foundation.provenance import Citation, Source
from costmodel.foundation.schedules import Schedule, TimeGrid
from costmodel.foundation.values import Resolver, Value


class SourceEntry(Inputs):
    """A row of a scenario's table of sources."""

    title: str
    date: str | None = None
    link: str | None = None


class Correlation(Inputs):
    """Rank correlation between two uncertain paths."""

    a: str
    b: str
    rank: float = Field(strict=True, gt=-1.0, lt=1.0)


class Observation(Inputs):
    """A reported figure that a scenario is compared with, and where the model is known to miss it."""

    output: str
    """Name of the result's output, as ``tokens`` or ``capex``."""
    date: str
    """What it describes: a year, or a date at which a stock or a rate was read."""
    value: float = Field(strict=True)
    unit: str
    source: str
    grade: str = "unverified"
    used_in_fit: bool = Field(default=False, strict=True)
    note: str | None = None


class Scenario(Inputs):
    """Base of every scenario: what all models' inputs share.

    Examples
    --------
    >>> from costmodel.foundation.inputs import parameter
    >>> class Run(Scenario):
    ...     hours: Any = parameter("hour", gt=0, description="Accelerator-hours.")
    ...     price: Any = parameter("USD/hour", ge=0, description="Price of one.")
    >>> run = Run(name="r", model="demo", hours=10.0, price={"dist": "uniform", "low": 1.0, "high": 3.0})
    >>> float(run.resolve().price)
    2.0
    >>> run.replace({"price": "4 USD/hour"}).price
    4.0
    """

    name: str
    model: str
    title: str = ""
    description: str = ""
    source_table: dict[str, SourceEntry] = Field(default_factory=dict, alias="sources")
    correlations: tuple[Correlation, ...] = ()
    observations: tuple[Observation, ...] = ()
    calibrated: tuple[str, ...] = ()
    not_modelled: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        for path, _, _, provenance in self.walk():
            if provenance.source is not None and provenance.source not in self.source_table:
                hint = near_matches(provenance.source, self.source_table)
                raise ScenarioError(f"{path}: source {provenance.source!r} is not in [sources]{hint}")
        for row in self.observations:
            if row.source not in self.source_table:
                hint = near_matches(row.source, self.source_table)
                raise ScenarioError(f"observations: source {row.source!r} is not in [sources]{hint}")
        copula_factor(self.uncertain_paths(), self.rank_correlations())
        return self

    @property
    def grid(self) -> TimeGrid | None:
        """The time grid; absent for models without time."""
        return None

    def uncertain_paths(self) -> tuple[str, ...]:
        """Return the paths that are distributions, in declared order."""
        paths: list[str] = []
        for path, value, _, _ in self.walk():
            if isinstance(value, Distribution):
                paths.append(path)
            elif isinstance(value, Schedule) and value.distributed:
                independent = value.rank == "independent"
                paths.extend(f"{path}[{i}]" for i in value.distributed) if independent else paths.append(path)
        return tuple(paths)

    def rank_correlations(self) -> tuple[tuple[str, str, float], ...]:
        """Return the pairs of paths with their rank correlation."""
        return tuple((row.a, row.b, row.rank) for row in self.correlations)

    def paths(self) -> tuple[str, ...]:
        """Return the dotted path of every parameter, in declared order."""
        return tuple(path for path, _, _, _ in self.walk())

    def get(self, path: str) -> Value:
        """Return the written value at a dotted path.

        Raises
        ------
        UnknownParameterError
            If there is no such parameter; near matches are in the message.
        """
        for known, value, _, _ in self.walk():
            if known == path:
                return value  # type: ignore[no-any-return]
        raise UnknownParameterError(f"{path}: there is no such parameter{near_matches(path, self.paths())}")

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """Return a scenario with the values at some dotted paths replaced and everything checked again.

        Parameters
        ----------
        changes
            Path → written value: a number, a string with a unit, a table, a Schedule or a Distribution. A plain
            value drops the provenance of the one that it replaces; ``None`` makes an optional entry absent.

        Raises
        ------
        UnknownParameterError
            If a path does not exist; near matches are in the message.
        ScenarioError, DomainError, UnitError
            If a value is not allowed.
        """
        form = self.written()
        known = [*self.paths(), *(name for name in type(self).model_fields if name not in self.specs())]
        for path, value in changes.items():
            written = value.written() if isinstance(value, Schedule | Distribution | Inputs) else value
            set_path(form, path, written, known)
        return type(self)(**_without_none(form))

    def resolve(self, design: Design | None = None, *, block: int | None = None) -> Self:
        """Return this scenario with every distribution replaced.

        Parameters
        ----------
        design
            Ranks of the draws; medians where absent.
        block
            Number of one canonical block of the design, padded to its full size; all draws where absent.
        """
        ranks = None if design is None else design.ranks(block)
        return self.resolved(Resolver(self.grid, ranks))

    def sources(self) -> tuple[Citation, ...]:
        """Return the bibliography of what this scenario uses: a line per parameter, with its grade."""
        table = {key: Source(entry.title, entry.date, entry.link) for key, entry in self.source_table.items()}
        return tuple(
            Citation(
                path,
                _describe(value),
                spec.unit,
                provenance.grade,
                table.get(provenance.source or ""),
                provenance.note,
            )
            for path, value, spec, provenance in self.walk()
            if value is not None
        )

    def is_written(self) -> bool:
        """Return whether every value is as it is written: False for a scenario that was resolved to arrays."""
        return not any(isinstance(value, np.ndarray) for _, value, _, _ in self.walk())

    def to_toml(self) -> str:
        """Return the scenario as TOML text; reading it back gives an equal scenario."""
        import tomli_w

        return tomli_w.dumps(self.written())

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a scenario of this class from TOML text.

        Raises
        ------
        ScenarioError
            If the text is not TOML or not such a scenario.
        """
        return cls(**parse_toml(text))


def _without_none(form: Any) -> Any:
    if isinstance(form, dict):
        return {key: _without_none(value) for key, value in form.items() if value is not None}
    return [_without_none(item) for item in form] if isinstance(form, list) else form


def _describe(value: Any) -> str:
    """Return a value as one short text."""
    if isinstance(value, Distribution):
        return f"{value.kind}({', '.join(f'{key}={number}' for key, number in value.parameters)})"
    if isinstance(value, Schedule):
        (first, start), (last, end) = value.knots[0], value.knots[-1]
        ends = [_describe(knot) for knot in (start, end)]
        return f"{len(value.knots)} knots, {ends[0]} ({first}) … {ends[1]} ({last})"
    return f"{value:.6g}"


def parse_toml(text: str, where: str = "scenario") -> dict[str, Any]:
    """Return TOML text as tables.

    Raises
    ------
    ScenarioError
        If the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ScenarioError(f"{where}: nested too deeply") from None
    except ValueError as error:  # a TOMLDecodeError, or more digits than a number may have
        raise ScenarioError(f"{where}: not TOML: {error}") from None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A registered model: its scenario class and its callable."""

    name: str
    scenario: type[Scenario]
    _target: str

    def load(self) -> Callable[..., Any]:
        """Return the model's callable."""
        module, function = self._target.split(":")
        return getattr(import_module(module), function)  # type: ignore[no-any-return]

    def result_type(self) -> type[Any]:
        """Return the class of the model's results: what its callable is annotated to return.

        Raises
        ------
        ScenarioError
            If the callable is not annotated so.
        """
        found = get_type_hints(self.load()).get("return")
        if not isinstance(found, type):
            raise ScenarioError(f"model {self.name!r}: annotate {self._target} with the class of its results")
        return found


MODELS: dict[str, ModelEntry] = {}
"""Registered models by name."""


def register_model(name: str, scenario: type[Scenario], target: str) -> None:
    """Register a model.

    Parameters
    ----------
    name
        What a scenario file writes as ``model``.
    scenario
        The class of its scenarios.
    target
        Its callable as ``module:function``, imported when it is first run.
    """
    MODELS[name] = ModelEntry(name, scenario, target)


def model_entry(name: str) -> ModelEntry:
    """Return a registered model.

    Raises
    ------
    ScenarioError
        If there is no such model; near matches are in the message.
    """
    if name not in MODELS:
        raise ScenarioError(
            f"unknown model {name!r}: registered are {', '.join(sorted(MODELS))}{near_matches(name, MODELS)}"
        )
    return MODELS[name]
