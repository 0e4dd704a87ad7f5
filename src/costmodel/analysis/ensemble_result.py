"""Result of an ensemble: bands, moments, exact draws on request, and the number of draws left out by reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from costmodel.foundation.arrays import FloatArray, readonly
from costmodel.foundation.datasets import coordinates, describe_output, repeat_attributes
from costmodel.foundation.design import Design
from costmodel.foundation.errors import ScenarioError, UnknownParameterError, missing_extra, near_matches
from costmodel.foundation.reducers import QUANTILE_ERROR, LogHistogram, Moments, exact_quantile
from costmodel.foundation.restated import (
    DEFAULT_INDEX,
    Factor,
    along,
    currency_factor,
    money_power,
    real_factor,
    unit_in,
)
from costmodel.foundation.results import SUMMARY_QUANTILES, OutputSpec
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import UNIT, Cell, Table, Tabled
from costmodel.foundation.version import VERSION


@dataclass(frozen=True, slots=True)
class OutputSummary:
    """Summary of one output over the draws.

    Parameters
    ----------
    spec
        Name, structural axes, unit and label.
    moments
        Count, mean, spread and range, shape ``structural``.
    histogram
        Counts that give quantiles to within ``QUANTILE_ERROR``.
    draws
        All draws that were kept, shape ``structural + (draw,)``, for an output named in ``exact``; else None.
    factor
        Factor for values read from the histogram [1], so that amounts in other money keep their counts.
    """

    spec: OutputSpec
    moments: Moments
    histogram: LogHistogram
    draws: FloatArray | None = None
    factor: FloatArray | float = 1.0

    def quantile(self, rank: float) -> FloatArray:
        """Return the quantile at ``rank``: exact if draws are kept, else to within ``quantile_error``."""
        if self.draws is not None:
            return readonly(exact_quantile(self.draws, rank))
        near = self.histogram.quantile(rank) * self.factor
        return readonly(np.minimum(np.maximum(near, self.moments.low), self.moments.high))

    @property
    def quantile_error(self) -> float:
        """Largest relative error of a quantile [1]; 0 if draws are kept."""
        return QUANTILE_ERROR if self.draws is None else 0.0

    def restated(self, factor: Factor, code: str) -> OutputSummary:
        """Return the summary in other money; unchanged if the output is not an amount of money."""
        power = money_power(self.spec.unit)
        if not power:
            return self
        by = along(np.power(np.asarray(factor(self.spec)), power), self.spec, len(self.spec.dims))
        return OutputSummary(
            replace(self.spec, unit=unit_in(self.spec.unit, code)),
            self.moments.times(by),
            self.histogram,
            None if self.draws is None else readonly(self.draws * by[..., np.newaxis]),
            self.factor * by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleResult(Tabled):
    """Summaries of an ensemble of any model.

    Parameters
    ----------
    scenario, design, version
        Scenario, draws, and version of the library that ran them.
    outputs
        Summaries by name of output.
    flags
        Number of draws in which a boolean output was true anywhere along its structural axes, by name; includes draws
        left out of the summaries.
    excluded
        Number of draws left out of every summary, by reason. A draw with two reasons counts under both.
    kept
        Number of draws in the summaries.
    labels
        Labels of the structural axes, if the model's result gives them.
    currency
        Code of the currency of amounts.
    remarks
        Notes on the conversion of amounts, if any.
    """

    scenario: Scenario
    design: Design
    outputs: Mapping[str, OutputSummary]
    flags: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    kept: int
    labels: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    version: str = VERSION
    currency: str = "USD"
    remarks: tuple[str, ...] = ()

    @property
    def draws(self) -> int:
        """Number of draws run."""
        return self.design.draws

    def __getitem__(self, name: str) -> OutputSummary:
        """Return the summary of an output.

        Raises
        ------
        UnknownParameterError
            If the output was not requested; the message names near matches.
        """
        if name not in self.outputs:
            hint = near_matches(name, self.outputs)
            raise UnknownParameterError(f"the ensemble has no output {name!r}{hint}")
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the outputs."""
        return iter(self.outputs)

    def coords(self) -> Mapping[str, Sequence[Any]]:
        """Return labels of the structural axes."""
        return self.labels

    def quantile(self, name: str, rank: float) -> FloatArray:
        """Return the quantile of an output at ``rank`` (0 to 1), in its unit, shape ``structural``."""
        return self[name].quantile(rank)

    def bands(self, name: str, ranks: Sequence[float] = SUMMARY_QUANTILES) -> FloatArray:
        """Return quantiles of an output at several ranks, shape ``(rank,) + structural``."""
        summary = self[name]
        return readonly(np.array([summary.quantile(rank) for rank in ranks]))

    def by_year(self, stem: str, ranks: Sequence[float] = SUMMARY_QUANTILES) -> tuple[tuple[int, ...], FloatArray]:
        """Return the years and the bands of an output that was selected by year, as ``user_spend@*``.

        Parameters
        ----------
        stem
            Name before the ``@``.
        ranks
            Ranks of the quantiles, 0 to 1.

        Returns
        -------
        tuple
            Years, and quantiles of shape ``(rank, year)``.

        Raises
        ------
        UnknownParameterError
            If no year of the output was selected.
        """
        years = tuple(
            int(name.removeprefix(f"{stem}@"))
            for name in self.outputs
            if name.startswith(f"{stem}@") and _is_year(name.removeprefix(f"{stem}@"))
        )
        if not years:
            stems = sorted({name.split("@")[0] for name in self.outputs})
            raise UnknownParameterError(f"the ensemble has no year of {stem!r}{near_matches(stem, stems)}")
        return years, readonly(np.stack([self.bands(f"{stem}@{year}", ranks) for year in years], axis=-1))

    def mean(self, name: str) -> FloatArray:
        """Return the mean of an output over the draws."""
        return readonly(self[name].moments.mean)

    def deviation(self, name: str) -> FloatArray:
        """Return the standard deviation of an output over the draws."""
        return readonly(self[name].moments.deviation)

    def kept_draws(self, name: str) -> FloatArray:
        """Return all draws of an output that was named in ``exact``, shape ``structural + (draw,)``.

        Raises
        ------
        ScenarioError
            If the draws were not kept.
        """
        draws = self[name].draws
        if draws is None:
            raise ScenarioError(f"the draws of {name!r} were not kept: name it in exact=(…) of run_ensemble")
        return draws

    def to_real(self, year: int, *, index: str = DEFAULT_INDEX, inflation: float | None = None) -> EnsembleResult:
        """Return this ensemble in money of one year; parameters and errors as for a result's ``to_real``.

        Means, spreads, ranges, quantiles and kept draws are converted. An output that was selected by year, as
        ``user_spend@2030``, is in money of that year. The output of a callable has no unit and stays unchanged.

        See Also
        --------
        costmodel.Result.to_real

        Examples
        --------
        >>> import costmodel
        >>> nominal = costmodel.run_ensemble(costmodel.load_scenario("h100-hour"), draws=100, rng=0)
        >>> bool(nominal.to_real(2020).mean("total") < nominal.mean("total"))
        True
        """
        specs = [entry.spec for entry in self.outputs.values()]
        factor, said = real_factor(self.scenario, specs, self.labels, year, index, inflation)
        return self._restated(factor, self.currency, said)

    def in_currency(self, code: str, *, rate: float | None = None, on: Any = None) -> EnsembleResult:
        """Return this ensemble in another currency, all at one rate; parameters as for a result's ``in_currency``.

        See Also
        --------
        costmodel.Result.in_currency

        Examples
        --------
        >>> import costmodel
        >>> ensemble = costmodel.run_ensemble(costmodel.load_scenario("h100-hour"), draws=100, rng=0)
        >>> ensemble.in_currency("EUR", rate=1.25)["total"].spec.unit
        'EUR/hour'
        """
        factor, said = currency_factor(self.scenario, self.currency, code, rate, on)
        return self._restated(lambda spec: factor, code, said)

    def _restated(self, factor: Factor, code: str, said: str) -> EnsembleResult:
        outputs = {name: entry.restated(factor, code) for name, entry in self.outputs.items()}
        return replace(self, outputs=outputs, currency=code, remarks=(*self.remarks, said))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return unit, label, mean and quantiles of every output."""
        return {name: self._row(entry) for name, entry in self.outputs.items()}

    @staticmethod
    def _row(entry: OutputSummary) -> dict[str, Any]:
        bands = {f"p{100 * rank:g}": entry.quantile(rank) for rank in SUMMARY_QUANTILES}
        return {"unit": entry.spec.unit, "label": entry.spec.label, "mean": entry.moments.mean, **bands}

    def table(self) -> Table:
        """Return a table of the bands of every output, with a row per item."""
        rows: list[tuple[Cell, ...]] = []
        for name, entry in self.outputs.items():
            bands = self.bands(name)
            dims = entry.spec.dims
            for index in np.ndindex(*bands.shape[1:]):
                places = [
                    str(self.labels[dim][i]) if dim in self.labels else str(i)
                    for dim, i in zip(dims, index, strict=False)
                ]
                figures = tuple(float(band) for band in bands[(slice(None), *index)])
                rows.append((", ".join([name, *places]), entry.spec.unit, figures))
        notes = (f"{self.draws} draws, seed {self.design.seed}: 5 / 50 / 95 %", *self.remarks)
        title = self.scenario.title or self.scenario.name
        return Table(("output", UNIT, "bands"), tuple(rows), title, notes, ranks=SUMMARY_QUANTILES)

    def to_xarray(self, ranks: Sequence[float] = SUMMARY_QUANTILES) -> Any:
        """Return bands, mean and standard deviation as a labelled dataset (extra ``frames``)."""
        try:
            import xarray
        except ImportError:
            raise missing_extra("frames", "to_xarray()") from None
        variables: dict[str, Any] = {}
        labels = {dim: list(row) for dim, row in self.labels.items()}
        for name, parts in self._by_stem().items():
            entry, dims = parts[0], parts[0].spec.dims
            attrs = describe_output(entry.spec) | {"long_name": entry.spec.label.split("@")[0]}
            attrs["relative_error"] = entry.quantile_error
            rows = {
                name: np.stack([[part.quantile(rank) for rank in ranks] for part in parts], axis=-1),
                f"{name}_mean": np.stack([part.moments.mean for part in parts], axis=-1),
                f"{name}_deviation": np.stack([part.moments.deviation for part in parts], axis=-1),
            }
            years = [int(part.spec.name.rpartition("@")[2]) for part in parts] if parts[0].spec.name != name else None
            if years is not None:
                labels.setdefault("year", years)
            for variable, values in rows.items():
                lead = ("quantile",) if variable == name else ()
                whole = values if years is not None else values[..., 0]
                variables[variable] = ((*lead, *dims, *(() if years is None else ("year",))), whole, attrs)
        used = {dim for dims, *_ in variables.values() for dim in dims}
        coords = {"quantile": list(ranks), **coordinates(labels, used)}
        return xarray.Dataset(variables, coords=coords, attrs=self._attributes())

    def _by_stem(self) -> dict[str, list[OutputSummary]]:
        """Return outputs by name; outputs selected by year (``user_spend@2030``) are joined if their years agree."""
        stems: dict[str, list[OutputSummary]] = {}
        for name, entry in self.outputs.items():
            stem, sign, year = name.rpartition("@")
            together = bool(sign) and _is_year(year) and not entry.spec.dims
            stems.setdefault(stem if together else name, []).append(entry)
        spans = {
            tuple(part.spec.name.rpartition("@")[2] for part in parts)
            for parts in stems.values()
            if "@" in parts[0].spec.name
        }
        if len(spans) > 1:  # the outputs have different years, so no single axis fits
            return {name: [entry] for name, entry in self.outputs.items()}
        return stems

    def _attributes(self) -> dict[str, Any]:
        """Return the attributes of the dataset as numbers and strings."""
        left_out = "; ".join(f"{reason}: {count}" for reason, count in self.excluded.items() if count)
        return {
            **repeat_attributes(self.scenario, self.design, self.version),
            "draws": self.draws,
            "draws_kept": self.kept,
            "draws_left_out": left_out or "none",
            "seed": str(self.design.seed),
            **({"remarks": "; ".join(self.remarks)} if self.remarks else {}),
        }


def _is_year(text: str) -> bool:
    return text.isascii() and text.isdecimal()
