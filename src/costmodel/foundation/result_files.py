"""Results as files: netCDF, Zarr and Parquet, each read back to an equal result.

Every format holds the figures with their units and labels, and the scenario (as TOML), the design and the version, so
that the run can be repeated. A Parquet file is in long form: a row for each figure, with a column for each axis.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from costmodel.foundation.errors import ScenarioError, error_line, missing_extra
from costmodel.foundation.files import write_whole

ENDINGS = (".nc", ".zarr", ".parquet")
"""File endings of saved results."""
NEEDED = frozenset({"scenario_toml", "costmodel_version", "model"})
"""Attributes that a saved result must have."""
MAX_RESULT_BYTES = 16 * 2**30
"""Largest saved result to load into memory [byte]."""
_KEY = b"costmodel"
_DRAW = "draw"


def save_dataset(data: Any, path: str | Path) -> None:
    """Write a result's dataset completely or not at all.

    Parameters
    ----------
    data
        An ``xarray.Dataset``.
    path
        A name that ends in ``.nc``, ``.zarr`` (extra ``distributed``) or ``.parquet`` (extra ``parquet``).

    Raises
    ------
    ScenarioError
        If the name has another ending, a folder of that name exists, or the file cannot be written.
    MissingExtraError
        If the package that writes such files is not installed.
    """
    target = Path(path)
    if target.suffix not in ENDINGS:
        raise ScenarioError(f"{target}: the name of a saved result must end in {', '.join(ENDINGS)}")
    if target.suffix == ".zarr":
        _save_zarr(data, target)
    elif target.suffix == ".parquet":
        write_whole(target, lambda partial: _write_parquet(data, partial))
    else:
        if find_spec("h5netcdf") is None:
            raise missing_extra("frames", "saving .nc")
        write_whole(target, lambda partial: _write_netcdf(data, partial))


def _write_netcdf(data: Any, path: Path) -> None:
    """Build netCDF in memory and write it: on a full disk the netCDF library itself would crash the process."""
    try:
        content = data.to_netcdf(engine="h5netcdf")
    except (ValueError, TypeError, NotImplementedError):  # older releases of xarray only write to files
        data.to_netcdf(path, engine="h5netcdf")
        return
    path.write_bytes(content)


def read_dataset(path: str | Path) -> Any:
    """Read a saved result as a dataset, completely into memory.

    Raises
    ------
    ScenarioError
        If the file cannot be read or is not a saved result; the message says which.
    MissingExtraError
        If the package that reads such files is not installed.
    """
    target = Path(path)
    if not (os.path.isdir(target) if target.suffix == ".zarr" else os.path.isfile(target)):
        raise ScenarioError(f"{path}: there is no such file")
    read = {".zarr": _read_zarr, ".parquet": _read_parquet}.get(target.suffix, _read_netcdf)
    try:
        data = read(target)
    except ScenarioError:
        raise
    except ImportError:
        extra = {".zarr": "distributed", ".parquet": "parquet"}.get(target.suffix, "frames")
        raise missing_extra(extra, f"reading {target.suffix or 'a result'}") from None
    except Exception as error:  # noqa: BLE001 - for a broken file, readers raise errors of many libraries
        kind = {".zarr": "Zarr", ".parquet": "Parquet"}.get(target.suffix, "netCDF")
        raise ScenarioError(f"{path}: cannot be read as {kind}: {error_line(error)}") from None
    missing = NEEDED - data.attrs.keys()
    if missing:
        raise ScenarioError(f"{path}: not a result of costmodel: it lacks {', '.join(sorted(missing))}")
    return data


def _read_netcdf(path: Path) -> Any:
    import xarray

    with xarray.open_dataset(path, engine="h5netcdf") as opened:
        return _bounded(opened, path).load()


def _bounded(opened: Any, path: Path) -> Any:
    """Return a dataset after checking its size: a small file may declare any size."""
    if opened.nbytes > MAX_RESULT_BYTES:
        raise ScenarioError(f"{path}: declares {opened.nbytes:,} bytes; the limit is {MAX_RESULT_BYTES:,}")
    return opened


def _save_zarr(data: Any, target: Path) -> None:
    """Write a temporary folder in the same place, then rename it."""
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise missing_extra("distributed", "saving .zarr") from None
    if target.exists():
        raise ScenarioError(f"{target}: exists; Zarr folders are not overwritten, choose another name")
    try:
        folder = tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise ScenarioError(f"{target}: {error.strerror}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # axis labels are strings, whose encoding Zarr 3 has not settled
            data.to_zarr(Path(folder) / "data", mode="w", consolidated=False)
        (Path(folder) / "data").rename(target)
    except OSError as error:
        raise ScenarioError(f"{target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_zarr(path: Path) -> Any:
    import xarray

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with xarray.open_zarr(path, consolidated=False) as opened:
            return _bounded(opened, path).load()


def _write_parquet(data: Any, path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing_extra("parquet", "saving .parquet") from None
    axes = [dim for dim in dict.fromkeys(dim for name in data.data_vars for dim in data[name].dims) if dim != _DRAW]
    shapes = {
        str(name): {"dims": list(held.dims), "shape": list(held.shape), "dtype": held.dtype.str, "attrs": held.attrs}
        for name, held in data.data_vars.items()
    }
    columns = {"output": pyarrow.string(), **dict.fromkeys(axes, pyarrow.string())}
    schema = pyarrow.schema(
        [
            *((name, pyarrow.dictionary(pyarrow.int32(), kind)) for name, kind in columns.items()),
            (_DRAW, pyarrow.int32()),
            ("value", pyarrow.float64()),
        ],
        metadata={_KEY: json.dumps({"attrs": data.attrs, "outputs": shapes}, default=float)},
    )
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for block in _blocks(data, axes):
            writer.write_table(pyarrow.table(block, schema=schema))


def _blocks(data: Any, axes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the figures of each output in long form."""
    for name, held in data.data_vars.items():
        values = np.asarray(held.values)
        if values.dtype.kind not in "biuf":
            raise ScenarioError(f"{name}: a Parquet file of figures cannot hold text; save as .nc")
        places = np.indices(values.shape).reshape(values.ndim, -1) if values.ndim else np.zeros((0, 1), dtype=int)
        block: dict[str, Any] = {"output": np.full(values.size, str(name), dtype=object)}
        for axis in axes:
            if axis in held.dims:
                labels = np.array([str(label) for label in _labels(data, axis, held.sizes[axis])], dtype=object)
                block[axis] = labels[places[held.dims.index(axis)]]
            else:
                block[axis] = np.full(values.size, None, dtype=object)
        drawn = _DRAW in held.dims
        block[_DRAW] = places[held.dims.index(_DRAW)] if drawn else np.full(values.size, None, dtype=object)
        yield {**block, "value": values.ravel().astype(np.float64)}


def _labels(data: Any, axis: str, size: int) -> Any:
    if axis not in data.coords:
        return range(size)
    labels = data[axis].values
    return labels.astype("datetime64[D]") if labels.dtype.kind == "M" else labels


def _read_parquet(path: Path) -> Any:
    import pyarrow.parquet
    import xarray

    with pyarrow.parquet.ParquetFile(path) as file:
        held = (file.schema_arrow.metadata or {}).get(_KEY)
        if held is None:
            raise ScenarioError(f"{path}: not a result of costmodel: it lacks its attributes")
        size = file.metadata.num_rows * np.dtype(np.float64).itemsize
        if size > MAX_RESULT_BYTES:
            raise ScenarioError(f"{path}: declares {size:,} bytes; the limit is {MAX_RESULT_BYTES:,}")
        values = file.read(columns=["value"]).column("value").to_numpy()
    form = json.loads(held)
    start, variables = 0, {}
    for name, one in form["outputs"].items():
        size = int(np.prod(one["shape"], dtype=np.int64))
        part = values[start : start + size]
        if len(part) != size:
            raise ScenarioError(f"{path}: the output {name!r} has only {len(part)} of {size} figures")
        variables[name] = (tuple(one["dims"]), part.astype(one["dtype"]).reshape(one["shape"]), one["attrs"])
        start += size
    return xarray.Dataset(variables, attrs=form["attrs"])
