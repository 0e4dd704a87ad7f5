"""Shared parts of the tests: profiles of hypothesis, tiers, stored arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from _pytest.doctest import DoctestItem
from hypothesis import HealthCheck, settings
from numpy.typing import ArrayLike

TIERS = frozenset({"closed_form", "published", "peer", "regression", "law", "contract"})
"""The tiers; every test has exactly one."""
REGRESSION_FOLDER = Path(__file__).parent / "regression"
EXTRA_IN_EXAMPLE = {"to_frame(": "pandas", "to_xarray(": "xarray", "plot": "matplotlib", "ZarrStore": "zarr"}
"""Optional packages of docstring examples, by the call that needs them."""

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("suite", max_examples=20, derandomize=True, database=None, **_COMMON)
settings.register_profile("search", max_examples=1000, **_COMMON)
settings.load_profile(os.environ.get("COSTMODEL_HYPOTHESIS", "suite"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-regression",
        action="store_true",
        help="store what the regression tests compute now, instead of comparing it",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raise an error for a test that is not in exactly one tier; skip examples whose extra is not installed."""
    wrong = []
    for item in items:
        if isinstance(item, DoctestItem):
            _skip_without_extra(item)
            continue
        tiers = sorted(TIERS & {mark.name for mark in item.iter_markers()})
        if len(tiers) != 1:
            wrong.append(f"{item.nodeid}: {' and '.join(tiers) or 'no tier'}")
    if wrong:
        raise pytest.UsageError(
            f"each test carries exactly one of the marks {', '.join(sorted(TIERS))}:\n" + "\n".join(wrong)
        )


def _skip_without_extra(item: DoctestItem) -> None:
    """Skip an example that needs an optional package which is not installed."""
    from importlib.util import find_spec

    source = "".join(example.source for example in item.dtest.examples)
    for call, package in EXTRA_IN_EXAMPLE.items():
        if call in source and find_spec(package) is None:
            item.add_marker(pytest.mark.skip(reason=f"the example needs {package}"))


class RegressionStore:
    """Arrays stored by an earlier run, in one JSON file per test.

    Numbers are written with all their digits, so a comparison with ``rtol=0`` is exact.
    """

    def __init__(self, *, update: bool) -> None:
        self.update = update

    def check(self, name: str, arrays: Mapping[str, ArrayLike], *, rtol: float = 1e-9) -> None:
        """Compare ``arrays`` with those stored under ``name``, or store them with ``--update-regression``."""
        path = REGRESSION_FOLDER / f"{name}.json"
        if self.update:
            REGRESSION_FOLDER.mkdir(exist_ok=True)
            lines = (f" {json.dumps(key)}: {json.dumps(np.asarray(arrays[key]).tolist())}" for key in arrays)
            path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
            return
        if not path.exists():
            pytest.fail(f"nothing is stored at {path}: run once with --update-regression and look at the file")
        stored = json.loads(path.read_text(encoding="utf-8"))
        assert sorted(stored) == sorted(arrays)
        for key, values in arrays.items():
            expected = np.asarray(stored[key])
            np.testing.assert_allclose(np.asarray(values), expected, rtol=rtol, err_msg=f"{name}: {key}")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process and return status, output and error."""
    from costmodel.cli.app import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["costmodel", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def regression_store(request: pytest.FixtureRequest) -> RegressionStore:
    """Return the stored arrays; ``--update-regression`` writes them anew."""
    return RegressionStore(update=request.config.getoption("--update-regression"))
