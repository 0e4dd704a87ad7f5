"""Results: frozen arrays whose dims, units and labels are declared once.

From the declarations follow ``to_xarray()``, ``to_frame()``, ``summary()``, documentation and axis labels.
Totals are derived, never stored.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from costmodel.foundation.design import Design
from costmodel.foundation.errors import ScenarioError, UnknownParameterError, missing_extra, near_matches
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.version import VERSION

SUMMARY_QUANTILES = (0.05, 0.5, 0.95)
"""Ranks that a summary of an ensemble reports [1]."""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The declaration of an output: its structural dims, unit and label."""

    name: str
    dims: tuple[str, ...]
    unit: str
    label: str
    basis: str | None = None


def output(unit: str, *, dims: tuple[str, ...] = (), label: str, basis: str | None = None) -> Any:
    """Declare an output of a result.

    Parameters
    ----------
    unit
        Canonical unit; money and tokens in it tell how the output rescales.
    dims
        Structural axes, leading; an ensemble appends ``draw``.
    label
        A few words for tables and axes.
    basis
        For a cost per token or per hour: what is counted in it.
    """
    return dataclasses.field(metadata={"unit": unit, "dims": dims, "label": label, "basis": basis})


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Base of every result: the scenario and design that it came from, and the version that computed it."""

    scenario: Scenario
    design: Design | None = None
    version: str = VERSION

    def __post_init__(self) -> None:
        for spec in outputs_of(type(self)):
            value = getattr(self, spec.name)
            if isinstance(value, np.ndarray):
                view = value.view()
                view.flags.writeable = False
                object.__setattr__(self, spec.name, view)

    @property
    def draws(self) -> int | None:
        """Number of draws; absent for a scalar run."""
        for spec in outputs_of(type(self)):
            shape = np.shape(getattr(self, spec.name))
            if len(shape) > len(spec.dims):
                return int(shape[-1])
        return None

    def coords(self) -> Mapping[str, Any]:
        """Return labels of the structural axes; a subclass names what it knows."""
        return {}

    def outputs(self) -> dict[str, OutputSpec]:
        """Return the declared outputs by name."""
        return {spec.name: spec for spec in outputs_of(type(self))}

    def __getitem__(self, name: str) -> Any:
        """Return an output by name."""
        if name not in self.outputs():
            hint = near_matches(name, self.outputs())
            raise UnknownParameterError(f"{name!r} is not an output of {type(self).__name__}{hint}")
        return getattr(self, name)

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return unit, label and value of every output; quantiles over the draws for an ensemble."""
        return {spec.name: _summarize(getattr(self, spec.name), spec) for spec in outputs_of(type(self))}

    def to_xarray(self) -> Any:
        """Return a labelled dataset (extra ``frames``)."""
        try:
            import xarray
        except ImportError:
            raise missing_extra("frames", "to_xarray()") from None
        variables = {}
        for spec in outputs_of(type(self)):
            value = np.asarray(getattr(self, spec.name))
            dims = (*spec.dims, "draw") if value.ndim > len(spec.dims) else spec.dims
            variables[spec.name] = (dims, value, {"units": spec.unit, "long_name": spec.label})
        used = {dim for dims, _, _ in variables.values() for dim in dims}
        coords = {dim: list(labels) for dim, labels in self.coords().items() if dim in used}
        attrs = {"scenario": self.scenario.name, "costmodel_version": self.version}
        return xarray.Dataset(variables, coords=coords, attrs=attrs)

    def to_frame(self, dims: tuple[str, ...] | None = None) -> Any:
        """Return the outputs that share the given structural axes as one table (extra ``frames``).

        Parameters
        ----------
        dims
            Structural axes of the wanted outputs, as ``("year",)``; the most common where absent.
        """
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise missing_extra("frames", "to_frame()") from None
        wanted = self._most_common_dims() if dims is None else tuple(dims)
        names = [spec.name for spec in outputs_of(type(self)) if spec.dims == wanted]
        if not names:
            available = sorted({spec.dims for spec in outputs_of(type(self))})
            raise ScenarioError(f"no output has the axes {wanted}: there are {available}")
        selected = self.to_xarray()[names]
        frame = selected.to_dataframe()[names] if selected.sizes else selected.to_pandas().to_frame().T
        frame.attrs["units"] = {name: self.outputs()[name].unit for name in names}
        return frame

    def _most_common_dims(self) -> tuple[str, ...]:
        counts: dict[tuple[str, ...], int] = {}
        for spec in outputs_of(type(self)):
            counts[spec.dims] = counts.get(spec.dims, 0) + 1
        return max(counts, key=lambda dims: counts[dims])


def outputs_of(result: type) -> tuple[OutputSpec, ...]:
    """Return the declared outputs of a result class, in order."""
    return tuple(
        OutputSpec(
            item.name, item.metadata["dims"], item.metadata["unit"], item.metadata["label"], item.metadata["basis"]
        )
        for item in dataclasses.fields(result)
        if "dims" in item.metadata
    )


def _summarize(value: Any, spec: OutputSpec) -> dict[str, Any]:
    array = np.asarray(value)
    row: dict[str, Any] = {"unit": spec.unit, "label": spec.label}
    if array.ndim <= len(spec.dims) or array.dtype.kind not in "fiu":
        return {**row, "value": array[()] if array.ndim == 0 else array}
    bands = np.quantile(array, SUMMARY_QUANTILES, axis=-1)
    names = [f"p{100 * rank:g}" for rank in SUMMARY_QUANTILES]
    return {**row, "mean": array.mean(axis=-1), **dict(zip(names, bands, strict=True))}
