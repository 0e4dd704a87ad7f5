"""Results: frozen arrays whose axes, units, labels and kinds are declared once.

Yearly figures, quantiles, tables, ``to_xarray()`` and ``to_frame()`` use these declarations. Stored and derived outputs
are read in the same way: ``result["user_spend"]``, ``result.by_year("user_spend")``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation import restated
from costmodel.foundation.arrays import FloatArray, frozen, quiet, readonly
from costmodel.foundation.design import Design
from costmodel.foundation.errors import DomainError, ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.notebooks import page_of
from costmodel.foundation.outputs import (
    TIME_AXES,
    Derived,
    OutputSpec,
    derived,
    named_outputs_of,
    output,
    outputs_of,
    ratio,
    year_value,
)
from costmodel.foundation.plotting import gallery
from costmodel.foundation.reducers import exact_quantile
from costmodel.foundation.restated import DEFAULT_INDEX
from costmodel.foundation.result_tables import SUMMARY_QUANTILES, has_years, table_of, tables_of, words_of
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import NOTEBOOK_ROOM, Table, figure, shown_unit
from costmodel.foundation.version import VERSION

__all__ = [
    "SUMMARY_QUANTILES",
    "Derived",
    "OutputSpec",
    "Result",
    "derived",
    "output",
    "outputs_of",
    "ratio",
]

SHOWN_HTML = 15
"""Largest number of outputs that a result shows in a notebook, with and without years [1]."""
REPR_OUTPUTS = 7
"""Number of outputs in the text of a result, so that it stays within ten lines [1]."""

SHOWN_ITEMS = 3
"""Largest number of items of one output in a line of text [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Base of every result, with its scenario, its design, and the version that computed it.

    Parameters
    ----------
    scenario
        Written scenario; the resolved one if the model was not run by the library.
    design
        Ranks of the draws; None for medians.
    version
        Version of the library.
    left_out
        Mask of draws with a value that is not finite, shape ``(draw,)``, if these were to be masked; statistics leave
        them out.
    excluded
        Number of draws left out, by the first output that was not finite.
    remarks
        Remarks on the origin of the figures, such as assumptions in place of missing records.
    """

    scenario: Scenario
    design: Design | None = None
    version: str = VERSION
    left_out: NDArray[np.bool_] | None = None
    excluded: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # set here, so that dataclass does not generate its own in subclasses: arrays have no single truth value
        cls.__eq__ = Result.__eq__  # type: ignore[method-assign]
        cls.__repr__ = Result.__repr__  # type: ignore[method-assign]

    def __post_init__(self) -> None:
        for spec in outputs_of(type(self), derived=False):
            object.__setattr__(self, spec.name, frozen(getattr(self, spec.name)))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Result):
            return NotImplemented
        same = (self.scenario, self.design, self.version, dict(self.excluded)) == (
            other.scenario,
            other.design,
            other.version,
            dict(other.excluded),
        )
        names = ["left_out", *(spec.name for spec in outputs_of(type(self), derived=False))]
        return same and all(_equal(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return at most ten lines: the run, and the first outputs in their last year."""
        draws = "" if self.draws is None else f", {self.draws} draws"
        head = (
            f"{type(self).__name__} of {self.scenario.name!r} ({self.scenario.model}{draws}, costmodel {self.version})"
        )
        shown = self._headlines()[:REPR_OUTPUTS]
        lines = [f"  {self._line(name)}" for name in shown]
        rest = len(self.outputs()) - len(shown)
        return "\n".join([head, *lines, *([f"  … and {rest} more outputs: .outputs(), .table()"] if rest else [])])

    def _repr_html_(self) -> str:
        """Return the run and its headlines as short HTML."""
        draws = "" if self.draws is None else f", {self.draws} draws: 5 / 50 / 95 %"
        lines = [f"{self.scenario.model}{draws}; costmodel {self.version}; .tables() shows all outputs", *self.remarks]
        first = self._headlines()
        timed = [name for name in first if has_years(self.spec(name)) and len(self.spec(name).dims) == 1]
        plain = [name for name in first if not self.spec(name).dims]
        parts = [
            replace(self.table(*names[:SHOWN_HTML]), title="", notes=())._repr_html_()
            for names in (timed, plain)
            if names
        ]
        return page_of(self.scenario.title or self.scenario.name, lines, parts, NOTEBOOK_ROOM)

    @property
    def draws(self) -> int | None:
        """Number of draws; None for a scalar run."""
        for spec in outputs_of(type(self), derived=False):
            shape = np.shape(getattr(self, spec.name))
            if len(shape) > len(spec.dims):
                return int(shape[-1])
        return None

    @property
    def resolved(self) -> Any:
        """Resolved scenario of the run: numbers, draws and trajectories, for derived outputs that need an input."""
        return self.scenario.resolve(self.design) if self.scenario.is_written() else self.scenario

    def coords(self) -> Mapping[str, Any]:
        """Return labels of the axes other than steps and bounds; subclasses override this."""
        return {}

    def labels(self) -> dict[str, tuple[Any, ...]]:
        """Return the labels of every axis: dates of steps (their first day) and bounds, years, names of items."""
        found: dict[str, tuple[Any, ...]] = {dim: tuple(row) for dim, row in self.coords().items()}
        grid = self.scenario.grid
        if grid is not None:
            dates = grid.dates
            found.update(step=dates[:-1], bound=dates)
            found.setdefault("year", tuple(grid.years))
        return found

    def outputs(self) -> dict[str, OutputSpec]:
        """Return the declared outputs by name, stored and derived."""
        return dict(named_outputs_of(type(self)))

    def basis(self, name: str) -> str | None:
        """Return the basis of a cost, if declared; a subclass overrides this if its scenario determines the basis."""
        return self.spec(name).basis

    def words(self, name: str) -> tuple[str, ...]:
        """Return the meaning of each code of an output; a subclass may add the figures behind a code."""
        return self.spec(name).words

    def refusal(self) -> str:
        """Return the reason for which the model cannot run this scenario, as a sentence; empty if it can."""
        return ""

    def spec(self, name: str) -> OutputSpec:
        """Return the declaration of an output.

        Raises
        ------
        UnknownParameterError
            If there is no such output; the message names near matches.
        """
        known = named_outputs_of(type(self))
        if name not in known:
            raise UnknownParameterError(
                f"{type(self).__name__} has no output {name!r}{near_matches(name, known) or ': ' + ', '.join(known)}"
            )
        return known[name]

    def __getitem__(self, name: str) -> Any:
        """Return an output by name, stored or derived."""
        return getattr(self, self.spec(name).name)

    def first(self) -> tuple[str, ...]:
        """Return the outputs shown first, totals before their parts: the class's ``HEADLINES``."""
        named = getattr(type(self), "HEADLINES", ()) or getattr(type(self), "ENSEMBLE_OUTPUTS", ())
        known = self.outputs()
        return tuple(dict.fromkeys(name.split("@")[0] for name in named if name.split("@")[0] in known))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the outputs."""
        return iter(self.outputs())

    def by_year(self, name: str) -> tuple[tuple[int, ...], FloatArray]:
        """Return the calendar years of an output and its figure in each, according to its kind.

        Parameters
        ----------
        name
            An output with an axis of years, steps or bounds.

        Returns
        -------
        tuple
            Years that the run covers completely, and figures of shape ``(year, …)``: items after the year, draws last.

        Raises
        ------
        UnknownParameterError
            If there is no such output.
        DomainError
            If the output has no axis of time or more than one, or is a date.

        Notes
        -----
        A flow is summed over the year's steps, a stock is taken at the year's end, a rate is averaged, and a ratio is
        the ratio of the two outputs' figures; see :mod:`costmodel.foundation.outputs`.
        """
        spec = self.spec(name)
        axes = [dim for dim in spec.dims if dim in TIME_AXES]
        if len(axes) != 1:
            have = f"two axes of time {tuple(axes)}" if axes else "no axis of time"
            raise DomainError(f"output {name!r} has {have}, so it has no yearly figure")
        if spec.of is not None and spec.over is not None:
            years, above = self.by_year(spec.of)
            _, below = self.by_year(spec.over)
            return years, _quotient(above, below)
        values = np.moveaxis(np.asarray(self[name], dtype=np.float64), spec.dims.index(axes[0]), 0)
        if axes[0] == "year":
            labels = self.labels().get("year", ())
            return tuple(int(year) for year in labels), readonly(values)
        grid = self.scenario.grid
        if grid is None:
            raise DomainError(f"output {name!r}: the scenario has no time grid, so its steps have no years")
        rows = [year_value(spec, values, grid.year_steps(year)) for year in grid.years]
        return grid.years, readonly(np.array(rows).reshape(len(rows), *values.shape[1:]))

    def quantile(self, name: str, ranks: float | Sequence[float] = SUMMARY_QUANTILES) -> FloatArray:
        """Return quantiles of an output over the draws.

        Parameters
        ----------
        name
            An output.
        ranks
            One rank or several, 0 to 1.

        Returns
        -------
        FloatArray
            Shape ``structural``, or ``(rank,) + structural`` for several ranks. The value itself for a scalar run.

        Notes
        -----
        A quantile is the smallest draw that at least a share ``rank`` of the draws do not exceed (the inverted
        distribution function), as everywhere in the library.
        """
        values, spec = np.asarray(self[name], dtype=np.float64), self.spec(name)
        wanted = np.asarray(ranks, dtype=np.float64)
        if values.ndim == len(spec.dims):
            exact_quantile([0.0], wanted)  # checks the ranks
            return readonly(np.broadcast_to(values, wanted.shape + values.shape))
        return readonly(exact_quantile(self._kept(values), wanted))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return unit, label and value of every output; for an ensemble, mean and quantiles over the draws."""
        return {name: self._summarize(name) for name in self.outputs()}

    def table(self, *names: str) -> Table:
        """Return outputs as a table: by year if they have an axis of time, else in one column.

        Parameters
        ----------
        names
            Outputs, either all with an axis of time or all without; none given: the larger group.
        """
        return table_of(self, names or [spec.name for spec in self._common()])

    def tables(self) -> dict[str, Table]:
        """Return every output in tables by their axes: single figures, figures by year, figures by item.

        Returns
        -------
        dict
            A table for each heading.
        """
        return dict(tables_of(self))

    def plot(self, name: str | None = None, axes: Any = None, **options: Any) -> Any:
        """Draw the result, or one of its outputs (extra ``plots``); see :func:`costmodel.reporting.gallery.plot`.

        Parameters
        ----------
        name
            An output; None: the result's main figure.
        axes
            Matplotlib axes; None: new axes.
        **options
            Options of the figure, such as ``item`` of a fan chart.

        Returns
        -------
        Axes
            Axes with an ``alt_text``.
        """
        return gallery().plot(self, name, axes, **options)

    def to_xarray(self) -> Any:
        """Return every output as a labelled dataset (extra ``frames``).

        Steps and bounds have dates as coordinates; each variable has its unit, label, kind and basis. The attributes
        hold the scenario as TOML, the design and the version, so that the run can be repeated, and
        :func:`costmodel.load_result` can read it back.
        """
        from costmodel.foundation.datasets import dataset_of

        return dataset_of(self)

    def to_frame(self, dims: tuple[str, ...] | None = None) -> Any:
        """Return the outputs that share the given structural axes as one table (extra ``frames``).

        Parameters
        ----------
        dims
            Structural axes of the outputs, such as ``("year",)``; None: the most common axes.
        """
        from costmodel.foundation.datasets import frame_of

        wanted = self._common()[0].dims if dims is None else tuple(dims)
        names = [name for name, spec in self.outputs().items() if spec.dims == wanted]
        if not names:
            available = sorted({spec.dims for spec in self.outputs().values()})
            raise ScenarioError(f"no output has the axes {wanted}; use one of {available}")
        return frame_of(self, names)

    def save(self, path: Any) -> None:
        """Write the result to a file, completely or not at all; :func:`costmodel.load_result` reads back an equal one.

        Parameters
        ----------
        path
            A name that ends in ``.nc`` (netCDF, extra ``frames``), ``.zarr`` (a folder, extra ``distributed``) or
            ``.parquet`` (a row for each figure, extra ``parquet``).

        Raises
        ------
        ScenarioError
            If the name has another ending or the file cannot be written.
        """
        from costmodel.foundation.datasets import dataset_of
        from costmodel.foundation.result_files import save_dataset

        save_dataset(dataset_of(self), path)

    def to_real(self, year: int, *, index: str = DEFAULT_INDEX, inflation: float | None = None) -> Result:
        """Return this result in money of one year, by a price index of the catalog.

        Parameters
        ----------
        year
            Year of the money.
        index
            Name of a price index, such as ``"US CPI-U"``.
        inflation
            Inflation a year after the last year on record, above -0.5 [1/year]; without it, later years are refused.

        Returns
        -------
        Result
            Result with the same outputs, amounts of money converted.

        Raises
        ------
        ScenarioError
            If the scenario has no time grid and does not state its ``price_year``.
        DomainError
            If the index has no level for a year.

        Notes
        -----
        ``real = nominal · level(year) / level(year of the amount)``. The year of an amount is the scenario's
        ``price_year`` if stated; else the year of its step, the year that ends at its bound, or, for an output without
        an axis of time, the year of the first step. Outputs that are not money, growth rates among them, stay the same.

        Examples
        --------
        >>> import costmodel
        >>> result = costmodel.run("h100-hour")  # in money of 2026
        >>> bool(result.to_real(2020).total < result.total)
        True
        """
        return restated.to_real(self, year, index=index, inflation=inflation)

    def in_currency(self, code: str, *, rate: float | None = None, on: Any = None) -> Result:
        """Return this result in another currency, all at one rate.

        Parameters
        ----------
        code
            Code of ISO 4217, such as ``"EUR"``.
        rate
            USD for one unit of the currency, above 0 [USD].
        on
            Instead of a rate, the day of a reference rate, such as ``"2026-05-15"`` (extra ``currencies``).

        Returns
        -------
        Result
            Result with the same outputs, amounts of money converted, and a remark that names the rate.

        Raises
        ------
        ScenarioError
            If neither is given and the scenario states no rate of the currency.
        CatalogError
            If there is no reference rate for that day.

        Examples
        --------
        >>> import costmodel
        >>> costmodel.run("h100-hour").in_currency("EUR", rate=1.25).spec("total").unit
        'EUR/hour'
        """
        return restated.in_currency(self, code, rate=rate, on=on)

    def explain_nonfinite(self, name: str) -> str:
        """Return the likely cause of a non-finite value; subclasses override this."""
        return ""

    def _kept(self, values: FloatArray) -> FloatArray:
        return values if self.left_out is None else values[..., ~self.left_out]

    def _common(self) -> list[OutputSpec]:
        """Return the outputs whose axes are the most common ones."""
        groups: dict[tuple[str, ...], list[OutputSpec]] = {}
        for spec in self.outputs().values():
            groups.setdefault(spec.dims, []).append(spec)
        if not groups:
            raise ScenarioError(f"{type(self).__name__} declares no output")
        return max(groups.values(), key=len)

    def _headlines(self) -> list[str]:
        """Return the names of all outputs: headlines first, then totals, then the rest."""
        totals = [name for name, spec in self.outputs().items() if spec.derived]
        return list(dict.fromkeys([*self.first(), *totals, *self.outputs()]))

    def _line(self, name: str) -> str:
        """Return an output as one line, with its last year if it has years."""
        spec, label, values = self.spec(name), self.spec(name).label, np.asarray(self[name])
        items = len(spec.dims)
        if spec.time_axis is not None and spec.kind != "date" and values.size:
            years, rows = self.by_year(name)
            if not years:
                return f"{label}: {np.shape(values)}"
            label, values, items = f"{label}, {years[-1]}", rows[-1], items - 1
        unit, scale = _scale(spec, values)
        return f"{label}: {self._text(spec, values, items, scale)} {unit}".rstrip()

    def _text(self, spec: OutputSpec, values: NDArray[Any], items: int, scale: float) -> str:
        """Return figures as short text: quantiles over draws, and only the first of several items.

        Parameters
        ----------
        values
            Values, shape ``(item, …) + batch``, with ``items`` axes before the batch.
        scale
            Factor from the canonical unit to the displayed one [1].
        """
        if spec.words and values.size:
            return words_of(self.words(spec.name), values)
        if values.dtype.kind == "b":
            return ("yes" if values else "no") if values.ndim == 0 else f"in {int(values.sum())} of {values.size}"
        if values.dtype.kind not in "fiu":
            return str(values)[:60]
        digits = "{:.2f}".format if spec.kind == "date" else figure
        if values.ndim > items:
            bands = np.moveaxis(exact_quantile(self._kept(values), SUMMARY_QUANTILES), 0, -1)
            texts = [" / ".join(digits(v * scale) for v in row) for row in bands.reshape(-1, len(SUMMARY_QUANTILES))]
        else:
            texts = [digits(float(v) * scale) for v in values.reshape(-1)]
        return ", ".join(texts[:SHOWN_ITEMS]) + (" …" if len(texts) > SHOWN_ITEMS else "")

    def _summarize(self, name: str) -> dict[str, Any]:
        spec, array = self.spec(name), np.asarray(self[name])
        row: dict[str, Any] = {"unit": spec.unit, "label": spec.label}
        if spec.words:
            words = self.words(name)
            row["words"] = [words[int(code)] for code in np.unique(array)]
        if array.ndim <= len(spec.dims) or array.dtype.kind not in "fiu":
            return {**row, "value": array[()] if array.ndim == 0 else array}
        kept = self._kept(array)
        names = [f"p{100 * rank:g}" for rank in SUMMARY_QUANTILES]
        bands = exact_quantile(kept, SUMMARY_QUANTILES)
        return {**row, "mean": kept.mean(axis=-1), **dict(zip(names, bands, strict=True))}


def _quotient(above: FloatArray, below: FloatArray) -> FloatArray:
    """Divide; NaN where the ratio is not defined."""
    with quiet():
        values = above / below
    return readonly(np.where(np.isfinite(values), values, np.nan))


def _scale(spec: OutputSpec, values: NDArray[Any]) -> tuple[str, float]:
    """Return the displayed unit, with a prefix that fits the largest figure, and the factor to it."""
    if spec.kind in ("code", "date") or values.dtype.kind not in "fiu":
        return "", 1.0
    finite = np.abs(values[np.isfinite(values)]) if values.ndim else np.abs(values)
    return shown_unit(spec.unit, float(finite.max(initial=0.0)))


def _equal(one: Any, two: Any) -> bool:
    """Compare two stored values; NaN equals NaN."""
    a, b = np.asarray(one), np.asarray(two)
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f"))
