"""Scenarios: written inputs of a model with their sources, and the registry of models.

A **model** is a callable from a resolved scenario to a result. A scenario names its model; the registry knows
its class and its callable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Self, get_type_hints

import numpy as np
from pydantic import Field, model_validator

from costmodel.foundation.currencies import REFERENCE_RATES, check_code, rates_in_use, reference_rate
from costmodel.foundation.design import Design, copula_factor
from costmodel.foundation.distributions import Distribution
from costmodel.foundation.errors import CostModelError, ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.formulas import Formula
from costmodel.foundation.inheritance import difference
from costmodel.foundation.inputs import Amount, Date, Inputs, set_path
from costmodel.foundation.notebooks import page_of
from costmodel.foundation.outputs import outputs_of
from costmodel.foundation.plausible import refuse_implausible
from costmodel.foundation.provenance import Citation, Grade, Source, parse_grade
from costmodel.foundation.schedules import Schedule, TimeGrid, parse_date
from costmodel.foundation.switches import Switch, check_switches, direct_changes, kept_correlations
from costmodel.foundation.toml import check_form, parse_toml
from costmodel.foundation.units import check_unit
from costmodel.foundation.values import ParameterSpec, Resolver, Value, scaled_value, written_value

if TYPE_CHECKING:
    from costmodel.foundation.differences import Difference
    from costmodel.foundation.tables import Table


SHOWN_UNCERTAIN = 12
"""Largest number of uncertain parameters that a scenario shows in a notebook [1]."""
_YEAR = re.compile(r"(?:19|20|21)[0-9]{2}")


class SourceEntry(Inputs):
    """Row of a scenario's table of sources."""

    title: str
    date: str | None = None
    link: str | None = None


class Correlation(Inputs):
    """Rank correlation between two uncertain paths."""

    a: str
    b: str
    rank: float = Field(strict=True, gt=-1.0, lt=1.0)


class ExchangeRate(Inputs):
    """Exchange rate of a currency on a day."""

    date: Date
    """Day of the rate."""
    rate: Annotated[Amount, Field(gt=0)] | None = None
    """USD for one unit of the currency; None: the reference rate of that day (extra ``currencies``)."""
    source: str | None = None
    """Key into the table of sources."""


class Observation(Inputs):
    """Reported figure to compare with a scenario, and whether the model is known to miss it."""

    output: str
    """Name of the result's output, such as ``tokens`` or ``capex``."""
    date: str
    """Date of the figure: a year, or the day of a stock or a rate."""
    value: Amount
    unit: str
    source: str
    grade: str = "unverified"
    used_in_fit: bool = Field(default=False, strict=True)
    note: str | None = None

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        check_unit(self.unit)
        parse_grade(self.grade)
        if not _YEAR.fullmatch(self.date):
            parse_date(self.date)
        return self


class Scenario(Inputs):
    """Base of every scenario: the inputs that all models share.

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
    switches: dict[str, Switch] = Field(default_factory=dict)
    price_year: Annotated[int, Field(strict=True, ge=1900, le=2200)] | None = None
    """Price year of every amount; None: on a time grid, each year is in its own prices."""
    exchange_rates: dict[str, ExchangeRate] = Field(default_factory=dict)
    """Dated rates of the other currencies of written amounts, by ISO 4217 code."""

    @classmethod
    def reading(cls, data: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Return a context that converts amounts at the scenario's own exchange rates."""
        given = data.get("exchange_rates")
        return rates_in_use(_usd_rates(given)) if isinstance(given, Mapping) and given else nullcontext()

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, form: Any) -> Any:
        check_form(form)
        return form

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        for path, value, spec, provenance in self.walk():
            if provenance.source is not None and provenance.source not in self.source_table:
                hint = near_matches(provenance.source, self.source_table)
                raise ScenarioError(f"{path}: source {provenance.source!r} is not in [sources]{hint}")
            if isinstance(value, Formula):
                self._check_formula(path, value, spec)
        for code, rate in self.exchange_rates.items():
            check_code(code)
            if rate.source is not None and rate.source not in self.source_table:
                hint = near_matches(rate.source, self.source_table)
                raise ScenarioError(f"exchange_rates.{code}: source {rate.source!r} is not in [sources]{hint}")
        names = self._names_of_outputs() if self.observations else None
        for row in self.observations:
            if names is not None and row.output not in names:
                raise UnknownParameterError(f"observations: no output {row.output!r}{near_matches(row.output, names)}")
            if row.source not in self.source_table:
                hint = near_matches(row.source, self.source_table)
                raise ScenarioError(f"observations: source {row.source!r} is not in [sources]{hint}")
        if self.switches:
            check_switches(self)
        copula_factor(self.uncertain_paths(), self.rank_correlations())
        return self

    def _check_formula(self, path: str, formula: Formula, spec: ParameterSpec) -> None:
        """Raise an error unless a formula gives allowed numbers on the whole grid for schedules."""
        if self.outlook is None:
            raise ScenarioError(f"{path}: this model has no time grid, so nothing can be scheduled")
        try:
            low, high = formula.schedule(self.outlook).support()
            spec.check(low, high, what="the formula's range")
            if formula.unit is None and spec.plausible is not None:
                for end in (low, high):
                    refuse_implausible(end, spec.unit, spec.plausible)
        except CostModelError as error:
            raise type(error)(f"{path}: {error}") from None

    def _names_of_outputs(self) -> list[str] | None:
        """Return the outputs and other public names of the registered model's results; None if they are not known."""
        if self.model not in MODELS:
            return None
        try:
            result = MODELS[self.model].result_type()
        except ScenarioError:  # a user's model need not annotate its result
            return None
        return [*(spec.name for spec in outputs_of(result)), *(n for n in dir(result) if not n.startswith("_"))]

    @property
    def grid(self) -> TimeGrid | None:
        """The time grid; None for models without time."""
        return None

    @property
    def outlook(self) -> TimeGrid | None:
        """Grid on which schedules are read: the time grid, extended for models that look ahead."""
        return self.grid

    def uncertain_paths(self) -> tuple[str, ...]:
        """Return the paths that are distributions, in declared order."""
        paths: dict[str, None] = {}
        shared = self.shared_ranks()
        for path, value, _, _ in self.walk():
            if isinstance(value, Schedule) and value.distributed and value.rank == "independent":
                paths.update(dict.fromkeys(f"{path}[{i}]" for i in value.distributed))
            elif isinstance(value, Distribution) or (isinstance(value, Schedule) and value.distributed):
                paths[shared.get(path, path)] = None
        return tuple(paths)

    def shared_ranks(self) -> dict[str, str]:
        """Return the switch of every path that a switch moves; draws of the path use the switch's rank."""
        return {path: name for name, switch in self.switches.items() for path in switch.moves}

    def moved_by(self, name: str) -> dict[str, float]:
        """Return the paths that a name moves, with their factors: those of a switch, or the path itself."""
        return dict(self.switches[name].moves) if name in self.switches else {name: 1.0}

    def rank_correlations(self) -> tuple[tuple[str, str, float], ...]:
        """Return the pairs of paths with their rank correlation."""
        shared = self.shared_ranks()
        return tuple((shared.get(row.a, row.a), shared.get(row.b, row.b), row.rank) for row in self.correlations)

    def paths(self) -> tuple[str, ...]:
        """Return the dotted path of every parameter, in declared order."""
        return tuple(path for path, _, _, _ in self.walk())

    def get(self, path: str) -> Value:
        """Return the written value at a dotted path.

        Raises
        ------
        UnknownParameterError
            If there is no such parameter; the message names near matches.
        """
        for known, value, _, _ in self.walk():
            if known == path:
                return value  # type: ignore[no-any-return]
        raise UnknownParameterError(f"{path}: there is no such parameter{near_matches(path, self.paths())}")

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """Return a scenario with the values at some dotted paths replaced; everything is checked again.

        Parameters
        ----------
        changes
            Path → written value: a number, a string with a unit, a table, a Schedule, Formula or Distribution. A plain
            value drops the provenance of the value that it replaces; ``None`` makes an optional entry absent.

        Raises
        ------
        UnknownParameterError
            If a path does not exist; the message names near matches.
        ScenarioError, DomainError, UnitError
            If a value is not allowed.
        """
        form = self.written()
        entries = [field.alias or name for name, field in type(self).model_fields.items()]
        known = [*self.switches, *self.paths(), *entries]
        direct = direct_changes(self, changes)
        for path, value in direct.items():
            written = value.written() if isinstance(value, Schedule | Formula | Distribution | Inputs) else value
            set_path(form, path, written, known)
        if "correlations" not in direct and self.correlations:
            form["correlations"] = kept_correlations(self, form, direct)
        return type(self)(**_without_none(form))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the paths that match a pattern, in which ``*`` matches any part.

        Raises
        ------
        UnknownParameterError
            If no path matches.
        """
        found = tuple(path for path in self.paths() if fnmatchcase(path, pattern))
        if not found:
            raise UnknownParameterError(f"{pattern}: there is no such parameter{near_matches(pattern, self.paths())}")
        return found

    def scale(self, factors: Mapping[str, float]) -> Self:
        """Return a scenario with the values at some paths multiplied by a factor.

        Parameters
        ----------
        factors
            Path, pattern with ``*`` or name of a switch → factor, above 0 [1]. Numbers, distributions and schedules
            keep their form; a scaled value loses its source, since no source states it.

        Raises
        ------
        UnknownParameterError
            If a path does not exist.
        ScenarioError, DomainError
            If a path is absent, or a value leaves its bounds.

        Examples
        --------
        >>> from costmodel.foundation.inputs import parameter
        >>> class Run(Scenario):
        ...     price: Any = parameter("USD/hour", description="Price.")
        >>> Run(name="r", model="demo", price=2.0).scale({"price": 1.5}).price
        3.0
        """
        changes: dict[str, Any] = {}
        specs = {path: spec for path, _, spec, _ in self.walk()}
        for name, factor in factors.items():
            for path in self.matching(name) if "*" in name else self.moved_by(name):
                value = self.get(path)
                if value is None:
                    raise ScenarioError(f"{path} is absent, so it cannot be scaled; set a value first")
                changes[path] = written_value(scaled_value(value, factor), None, specs[path])
        return self.replace(changes)

    def describe(self, words: str = "") -> Table:
        """Return parameters with value, unit, bounds, meaning, grade and source.

        For a few parameters, the table also lists the outputs that each moves most.

        Parameters
        ----------
        words
            A path, the beginning of one, a pattern with ``*``, or words in path or meaning; empty: all parameters.

        Raises
        ------
        UnknownParameterError
            If nothing matches; the message names near matches.
        """
        from costmodel.foundation.descriptions import describe_scenario

        return describe_scenario(self, words)

    def __repr__(self) -> str:
        """Return one line: name, model and number of uncertain parameters."""
        count, uncertain = len(self.paths()), len(self.uncertain_paths())
        size = f"{count} parameters, {uncertain} uncertain"
        return f"{type(self).__name__} {self.name!r} ({self.model}): {self.title or 'no title'}; {size}; .describe()"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Return a description and the uncertain parameters as short HTML."""
        from costmodel.foundation.descriptions import describe_paths
        from costmodel.foundation.tables import NOTEBOOK_ROOM

        count, uncertain = len(self.paths()), set(self.uncertain_paths())
        lines = [
            self.description,
            f"{self.model}, {count} parameters, {len(uncertain)} uncertain; .describe() lists all",
        ]
        table = describe_paths(self, sorted(uncertain)[:SHOWN_UNCERTAIN])
        return page_of(self.title or self.name, lines, [table._repr_html_()] if table.rows else [], NOTEBOOK_ROOM)

    def diff(self, other: Scenario) -> Difference:
        """Return the differences between this scenario and another of the same model.

        Raises
        ------
        DomainError
            If the scenarios are of different models.

        Examples
        --------
        >>> from costmodel.foundation.inputs import parameter
        >>> class Run(Scenario):
        ...     price: Any = parameter("USD/hour", description="Price.")
        >>> print(Run(name="r", model="demo", price=2.0).diff(Run(name="r", model="demo", price=3.0)))
        r against r
        path   unit      r  r (changed)
        price  USD/hour  2            3
        """
        from costmodel.foundation.differences import Difference

        return Difference.between(self, other)

    def resolve(self, design: Design | None = None, *, block: int | None = None) -> Self:
        """Return this scenario with every distribution replaced by its median or draws, and schedules by trajectories.

        Parameters
        ----------
        design
            Ranks of the draws; None: medians.
        block
            Number of one canonical block of the design, padded to its full size; None: all draws.
        """
        ranks = None if design is None else design.ranks(block)
        return self.resolved(Resolver(self.outlook, ranks))

    def resolve_part(self, name: str, design: Design | None = None) -> Any:
        """Return one resolved table of this scenario, as from :meth:`resolve`, without resolving the others.

        Parameters
        ----------
        name
            Field of the scenario with a table of parameters.
        design
            Ranks of the draws; None: medians.
        """
        part: Inputs = getattr(self, name)
        uncertain = any(isinstance(value, Distribution | Schedule) for _, value, _, _ in part.walk())
        ranks = None if design is None or not uncertain else design.ranks()
        return part.resolved(self._shared(Resolver(self.outlook, ranks)), f"{name}.")

    def resolved(self, resolver: Resolver, prefix: str = "") -> Self:
        """Return this scenario with every parameter replaced by its resolved value."""
        return super().resolved(self._shared(resolver), prefix)

    def _shared(self, resolver: Resolver) -> Resolver:
        """Return a resolver in which paths moved by a switch use the switch's rank."""
        return replace(resolver, shared=self.shared_ranks()) if self.switches else resolver

    def bibliography(self) -> Table:
        """Return the documents behind the figures, each with the number of inputs from it."""
        from costmodel.foundation.bibliographies import bibliography

        return bibliography(self.sources(), self.name)

    def bibtex(self) -> str:
        """Return the documents behind the figures as BibTeX entries, under their keys in the scenario."""
        from costmodel.foundation.bibliographies import bibtex

        used = {row.source for row in self.sources()}
        table = {key: Source(entry.title, entry.date, entry.link) for key, entry in self.source_table.items()}
        return bibtex({key: source for key, source in table.items() if source in used})

    def sources(self) -> tuple[Citation, ...]:
        """Return the bibliography of this scenario: a line per parameter, with its grade."""
        table = {key: Source(entry.title, entry.date, entry.link) for key, entry in self.source_table.items()}
        rates = (
            Citation(
                f"exchange_rates.{code}",
                "looked up" if row.rate is None else _describe(row.rate),
                "USD",
                Grade.PUBLISHED if row.rate is None else Grade.ASSUMED if row.source is None else Grade.UNVERIFIED,
                Source(REFERENCE_RATES, row.date.isoformat()) if row.rate is None else table.get(row.source or ""),
                f"of {row.date}",
            )
            for code, row in self.exchange_rates.items()
        )
        parameters = (
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
        return (*parameters, *rates)

    def is_written(self) -> bool:
        """Whether every value is as written; False for a scenario that was resolved to arrays."""
        return not any(isinstance(value, np.ndarray) for _, value, _, _ in self.walk())

    def to_toml(self, *, base: Scenario | None = None) -> str:
        """Return the scenario as TOML text, from which an equal scenario can be read.

        Parameters
        ----------
        base
            Built-in scenario of the same model to inherit from: the text is then ``base = …`` and the differences.
            None: the whole scenario.

        Raises
        ------
        ScenarioError
            If the scenario was resolved to arrays, or the base is of another model.
        """
        import tomli_w

        if not self.is_written():
            raise ScenarioError(
                f"{self.name}: a resolved scenario holds arrays and cannot be written; write the original"
            )
        if base is None:
            return tomli_w.dumps(self.written())
        if base.model != self.model:
            raise ScenarioError(f"{base.name!r} cannot be the base: its model is {base.model!r}, not {self.model!r}")
        return tomli_w.dumps({"base": base.name, **difference(base.written(), self.written())})

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Parse a scenario of this class from TOML text.

        Raises
        ------
        ScenarioError
            If the text is not TOML or not a valid scenario of this class.
        """
        return cls(**parse_toml(text))


def _usd_rates(given: Mapping[str, Any]) -> dict[str, float]:
    """Return USD for one unit of each currency in a written table of rates, looking up rates given only by date."""
    rates: dict[str, float] = {}
    for code, entry in given.items():
        if not isinstance(entry, ExchangeRate | Mapping):
            raise ScenarioError(f"exchange_rates.{code}: give a table with date and rate, in USD for one")
        try:
            row = entry if isinstance(entry, ExchangeRate) else ExchangeRate(**entry)
        except CostModelError as error:
            raise type(error)(f"exchange_rates.{code}.{error}") from None
        rates[check_code(code)] = reference_rate(code, row.date) if row.rate is None else row.rate
    return rates


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
    return value.text if isinstance(value, Formula) else f"{value:.6g}"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """Registered model: its scenario class and its callable."""

    name: str
    scenario: type[Scenario]
    _target: str

    def load(self) -> Callable[..., Any]:
        """Return the model's callable."""
        module, function = self._target.split(":")
        return getattr(import_module(module), function)  # type: ignore[no-any-return]

    def result_type(self) -> type[Any]:
        """Return the class of the model's results, from the callable's return annotation.

        Raises
        ------
        ScenarioError
            If the callable has no such annotation.
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
        Name for the entry ``model`` of scenario files.
    scenario
        Class of the model's scenarios.
    target
        Callable as ``module:function``, imported on the first run.

    Raises
    ------
    ScenarioError
        If another model has the name.
    """
    known = MODELS.get(name)
    if known is not None and known._target != target:
        raise ScenarioError(f"the model {name!r} is already registered, by {known._target}: choose another name")
    MODELS[name] = ModelEntry(name, scenario, target)


def model_entry(name: str) -> ModelEntry:
    """Return a registered model.

    Raises
    ------
    ScenarioError
        If there is no such model; the message names near matches.
    """
    if name not in MODELS:
        raise ScenarioError(
            f"unknown model {name!r}: registered are {', '.join(sorted(MODELS))}{near_matches(name, MODELS)}"
        )
    return MODELS[name]
