"""Results as labelled datasets and files, and back (extra ``frames``).

A dataset contains everything needed to repeat the run: its attributes hold the whole scenario as TOML, the
design and the version. Reading a saved result gives an equal result, including NaN and read-only arrays.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from costmodel.foundation.design import Design
from costmodel.foundation.errors import ScenarioError, missing_extra
from costmodel.foundation.outputs import OutputSpec, outputs_of
from costmodel.foundation.results import Result
from costmodel.foundation.scenario import Scenario

_ResultT = TypeVar("_ResultT", bound=Result)

_LEFT_OUT, _GIVEN = "left_out", "design_ranks"
_AXIS_NAMES = {"step": "first day of the step", "bound": "date of the bound", "year": "calendar year"}


def _xarray(feature: str) -> Any:
    try:
        import xarray
    except ImportError:
        raise missing_extra("frames", feature) from None
    return xarray


def coordinates(labels: Mapping[str, Sequence[Any]], used: set[str]) -> dict[str, Any]:
    """Return axis labels as a dataset's coordinates: dates as ``datetime64``, the rest as they are.

    Examples
    --------
    >>> coordinates({"step": [dt.date(2026, 1, 1)], "workload": ["chat"]}, {"step"})["step"][1]
    array(['2026-01-01T00:00:00.000000000'], dtype='datetime64[ns]')
    """
    found: dict[str, Any] = {}
    for dim in sorted(used & labels.keys()):
        row = list(labels[dim])
        if row and isinstance(row[0], dt.date):
            row = np.array(row, dtype="datetime64[ns]")  # type: ignore[assignment]
        found[dim] = (dim, row, {"long_name": _AXIS_NAMES.get(dim, dim)})
    return found


def describe_output(spec: OutputSpec, basis: str | None = None) -> dict[str, Any]:
    """Return an output's declaration as the attributes of a variable."""
    kind = f"ratio of {spec.of} over {spec.over}" if spec.of else spec.kind
    words = dict(enumerate(spec.words))
    attributes = {
        "units": spec.unit,
        "long_name": spec.label,
        "kind": kind,
        "basis": basis or spec.basis,
        "codes": ", ".join(f"{code}: {word}" for code, word in words.items()),
        "blank": spec.blank,
    }
    return {name: text for name, text in attributes.items() if text}


def repeat_attributes(scenario: Scenario, design: Design | None, version: str) -> dict[str, Any]:
    """Return the attributes that make a run repeatable: the scenario's text, the design and the version."""
    attributes = {
        "title": scenario.title or scenario.name,
        "scenario": scenario.name,
        "model": scenario.model,
        "costmodel_version": version,
        "Conventions": "CF-1.11",
    }
    if scenario.is_written():
        attributes["scenario_toml"] = scenario.to_toml()
    if design is not None:
        form = {
            "method": design.method,
            "seed": design.seed,
            "draws": design.draws,
            "paths": list(design.paths),
            "correlations": [list(row) for row in design.correlations],
        }
        attributes["design"] = json.dumps(form)
    return attributes


def dataset_of(result: Result) -> Any:
    """Return every output of a result, stored and derived, as an ``xarray.Dataset``."""
    xarray = _xarray("to_xarray()")
    variables: dict[str, Any] = {}
    for name, spec in result.outputs().items():
        value = np.asarray(result[name])
        dims = (*spec.dims, "draw") if value.ndim > len(spec.dims) else spec.dims
        variables[name] = (dims, value, describe_output(spec, result.basis(name)))
    if result.left_out is not None:
        variables[_LEFT_OUT] = (("draw",), result.left_out, {"long_name": "draws left out of statistics"})
    if result.design is not None and result.design.given is not None:
        variables[_GIVEN] = (("path", "draw"), result.design.given, {"long_name": "ranks of the design"})
    attributes = repeat_attributes(result.scenario, result.design, result.version)
    if result.excluded:
        attributes["excluded"] = json.dumps(dict(result.excluded))
    if result.remarks:
        attributes["remarks"] = json.dumps(result.remarks)
    coords = coordinates(result.labels(), {dim for dims, *_ in variables.values() for dim in dims})
    return xarray.Dataset(variables, coords=coords, attrs=attributes)


def frame_of(result: Result, names: Sequence[str]) -> Any:
    """Return outputs with the same axes as a ``pandas.DataFrame``; its ``attrs`` hold their units."""
    _xarray("to_frame()")
    selected = dataset_of(result)[list(names)]
    frame = selected.to_dataframe()[list(names)] if selected.sizes else selected.to_pandas().to_frame().T
    frame.attrs["units"] = {name: result.spec(name).unit for name in names}
    return frame


def result_of(data: Any, scenario: Scenario, kind: type[_ResultT], where: str) -> _ResultT:
    """Build a result from its dataset.

    Parameters
    ----------
    data
        Dataset from :func:`costmodel.foundation.result_files.read_dataset`.
    scenario
        Scenario from its attributes.
    kind
        Class of the model's results.
    where
        Origin of the dataset, for messages.

    Raises
    ------
    ScenarioError
        If an output is missing or has other axes.
    """
    values: dict[str, Any] = {}
    for spec in outputs_of(kind, derived=False):
        if spec.name not in data:
            raise ScenarioError(
                f"{where}: the output {spec.name!r} of {kind.__name__} is missing; was it saved by another version?"
            )
        held = data[spec.name]
        if held.dims not in (spec.dims, (*spec.dims, "draw")):
            raise ScenarioError(f"{where}: {spec.name!r} has the axes {held.dims}, not {spec.dims}")
        values[spec.name] = held.values[()]
    left_out = np.asarray(data[_LEFT_OUT].values, dtype=bool) if _LEFT_OUT in data else None
    excluded = json.loads(data.attrs.get("excluded", "{}"))
    remarks = tuple(json.loads(data.attrs.get("remarks", "[]")))
    design = _design_of(data, where)
    version = str(data.attrs["costmodel_version"])
    return kind(
        scenario=scenario,
        design=design,
        version=version,
        left_out=left_out,
        excluded=excluded,
        remarks=remarks,
        **values,
    )


def _design_of(data: Any, where: str) -> Design | None:
    """Return the design from the attributes."""
    if "design" not in data.attrs:
        return None
    try:
        form = json.loads(data.attrs["design"])
        correlations = tuple((str(a), str(b), float(rank)) for a, b, rank in form["correlations"])
        given = np.asarray(data[_GIVEN].values) if _GIVEN in data else None
        paths = tuple(str(path) for path in form["paths"])
        return Design(paths, form["method"], form["seed"], form["draws"], correlations, given)
    except (ValueError, KeyError, TypeError) as error:
        raise ScenarioError(f"{where}: the design in it is damaged: {error}") from None
