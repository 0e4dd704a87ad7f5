"""Entry points: load a scenario, run its model, look its inputs up, read a saved result."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from costmodel.foundation.design import Design, RandomSource
from costmodel.foundation.engines import Engine, chosen_engine, using
from costmodel.foundation.errors import ScenarioError, near_matches
from costmodel.foundation.files import read_text
from costmodel.foundation.inheritance import REMOVE, merged
from costmodel.foundation.packages import MODELS as PACKAGED_MODELS
from costmodel.foundation.packages import SCENARIOS, called, provided, provided_names
from costmodel.foundation.results import Result
from costmodel.foundation.running import OnNonFinite, run_model
from costmodel.foundation.scenario import MODELS, Scenario, model_entry
from costmodel.foundation.toml import parse_toml

if TYPE_CHECKING:
    from costmodel.flywheel.inputs import FlywheelScenario
    from costmodel.flywheel.trajectory import Trajectory
    from costmodel.foundation.tables import Table
    from costmodel.market.agent_population import AgentPopulation
    from costmodel.market.contest import Contest
    from costmodel.market.inputs import TokenMarket
    from costmodel.ownership.accelerator_hour import AcceleratorHour
    from costmodel.ownership.project_inputs import Project
    from costmodel.serving.deployment import Deployment
    from costmodel.serving.task import AgentTask
    from costmodel.studies.buyers_year import BuyersYear
    from costmodel.studies.idle_capacity import IdleCapacity
    from costmodel.studies.service import Service
    from costmodel.studies.training_programme import TrainingProgramme
    from costmodel.training.discovery import DiscoveryRun
    from costmodel.training.training_ladder import TrainingLadder
    from costmodel.training.training_run import TrainingRun

FlywheelName: TypeAlias = Literal[
    "bond-flywheel",
    "bust",
    "bust-five",
    "capex-2025-alphabet",
    "capex-2025-amazon",
    "capex-2025-meta",
    "capex-2025-microsoft",
    "capex-2026-alphabet",
    "capex-2026-amazon",
    "capex-2026-meta",
    "capex-2026-microsoft",
    "company-plan",
    "company-plan-2026",
    "discovered-kernel-fleet",
    "from-2026",
    "industry-five",
    "meta-commitments",
    "shock-capital-withdrawal",
    "shock-export-limits",
    "shock-power",
    "shock-price-war",
    "shock-serving-10",
    "shock-serving-3",
    "shock-training-10",
    "shock-training-3",
]
"""Built-in scenarios of the flywheel."""

MODEL_MODULES = {
    "flywheel": "costmodel.flywheel.inputs",
    "training_run": "costmodel.training.training_run",
    "training_ladder": "costmodel.training.training_ladder",
    "discovery_run": "costmodel.training.discovery",
    "deployment": "costmodel.serving.deployment",
    "agent_task": "costmodel.serving.task",
    "accelerator_hour": "costmodel.ownership.accelerator_hour",
    "project": "costmodel.ownership.project",
    "token_market": "costmodel.market.inputs",
    "contest": "costmodel.market.contest",
    "agent_population": "costmodel.market.agent_population",
    "service": "costmodel.studies.service",
    "idle_capacity": "costmodel.studies.idle_capacity",
    "buyers_year": "costmodel.studies.buyers_year",
    "training_programme": "costmodel.studies.training_programme",
}
"""Module that registers each model; imported when a scenario names it."""

MAX_BASES = 8
"""Longest chain of bases [1]."""
MAX_FILE_BYTES = 4 * 2**20
"""Largest scenario file that is read [byte]."""


def scenario_names() -> tuple[str, ...]:
    """Return the names of the built-in scenarios, and of those that installed packages bring.

    Examples
    --------
    >>> "bond-flywheel" in scenario_names()
    True
    """
    return tuple(sorted(_named_scenarios()))


def _built_in() -> dict[str, Any]:
    """Return the file of every built-in scenario, by name."""
    from importlib import resources

    return _scenarios_in(resources.files("costmodel.scenarios"))


def _scenarios_in(folder: Any) -> dict[str, Any]:
    return {item.name[:-5]: item for item in folder.iterdir() if item.name.endswith(".toml")}


def _named_scenarios() -> dict[str, Any]:
    """Return the file of every scenario that has a name; a built-in one keeps its own."""
    found: dict[str, Any] = {}
    for folder in provided(SCENARIOS):
        found.update(_scenarios_in(Path(called(folder))))
    return {**found, **_built_in()}


@overload
def load_scenario(name_or_path: Literal["agent-task", "office-task", "society-of-thought"]) -> AgentTask: ...
@overload
def load_scenario(name_or_path: FlywheelName) -> FlywheelScenario: ...
@overload
def load_scenario(name_or_path: Literal["deepseek-v3-run"]) -> TrainingRun: ...
@overload
def load_scenario(name_or_path: Literal["discovered-kernel"]) -> DiscoveryRun: ...
@overload
def load_scenario(name_or_path: Literal["frontier-ladder"]) -> TrainingLadder: ...
@overload
def load_scenario(name_or_path: Literal["h100-hour"]) -> AcceleratorHour: ...
@overload
def load_scenario(name_or_path: Literal["h100-project", "llama-4-cluster"]) -> Project: ...
@overload
def load_scenario(name_or_path: Literal["leapfrog"]) -> Contest: ...
@overload
def load_scenario(name_or_path: Literal["moltbook-agents"]) -> AgentPopulation: ...
@overload
def load_scenario(name_or_path: Literal["token-market"]) -> TokenMarket: ...
@overload
def load_scenario(name_or_path: Literal["token-on-h100"]) -> Deployment: ...
@overload
def load_scenario(name_or_path: Literal["token-planner"]) -> Service: ...
@overload
def load_scenario(name_or_path: Literal["training-planner"]) -> TrainingProgramme: ...
@overload
def load_scenario(name_or_path: Literal["meta-compute"]) -> IdleCapacity: ...
@overload
def load_scenario(name_or_path: Literal["buyers-year"]) -> BuyersYear: ...
@overload
def load_scenario(name_or_path: str | Path) -> Any: ...
def load_scenario(name_or_path: str | Path) -> Any:
    """Load a built-in scenario by name, or any scenario from a TOML file.

    Parameters
    ----------
    name_or_path
        A name of :func:`scenario_names`, or the path of a file that ends in ``.toml``. A file with ``base = …``
        inherits from a built-in scenario, or from a file in its folder or below, named by its relative path.

    Returns
    -------
    Scenario
        Of the class that its ``model`` names.

    Raises
    ------
    ScenarioError
        If there is no such scenario or file, it is not well formed, or its bases form a circle or leave its
        folder; the message names file and path.

    Examples
    --------
    >>> load_scenario("bond-flywheel").time.step
    'quarter'
    """
    text, where = _read(name_or_path)
    folder = Path(where).resolve().parent if _is_path(name_or_path) else None
    return scenario_from(parse_toml(text, where), where, folder=folder)


def scenario_from(form: dict[str, Any], where: str = "scenario", *, folder: Path | None = None) -> Any:
    """Build a scenario of the class that its ``model`` names from nested tables.

    Parameters
    ----------
    form
        Nested tables, with ``base`` and ``remove`` where they inherit.
    where
        Where they came from, for messages.
    folder
        Folder in which bases may lie; only built-in ones where absent.

    Raises
    ------
    ScenarioError
        If the model is unknown or the tables are not such a scenario.
    """
    whole = _with_bases(form, where, folder, folder, (where,))
    model = whole.get("model")
    if not isinstance(model, str):
        raise ScenarioError(
            f"{where}: model is missing: known are {', '.join((*MODEL_MODULES, *provided_names(PACKAGED_MODELS)))}"
        )
    _register(model)
    try:
        return model_entry(model).scenario(**whole)
    except ScenarioError as error:
        raise type(error)(f"{where}: {error}") from None


def _with_bases(
    form: dict[str, Any], where: str, here: Path | None, root: Path | None, chain: tuple[str, ...]
) -> dict[str, Any]:
    """Return tables merged over their base, which is merged over its own; paths start ``here``, below ``root``."""
    if "base" not in form:
        if REMOVE in form:
            raise ScenarioError(f"{where}: {REMOVE} belongs to a scenario with a base")
        return form
    named = form["base"]
    if not isinstance(named, str):
        raise ScenarioError(f"{where}: base is a name or a relative path; given {str(named)[:80]!r}")
    text, source, inside = _read_base(named, where, here, root)
    if source in chain:
        raise ScenarioError(f"{where}: bases form a circle: {' → '.join([*chain, source])}")
    if len(chain) > MAX_BASES:
        raise ScenarioError(f"{where}: more than {MAX_BASES} bases in a chain")
    base = _with_bases(parse_toml(text, source), source, inside, root, (*chain, source))
    change = {key: item for key, item in form.items() if key != "base"}
    if change.get("model", base.get("model")) != base.get("model"):
        raise ScenarioError(f"{where}: model {change['model']!r} is not that of its base, {base.get('model')!r}")
    try:
        return merged(base, change)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: {error}") from None


def _read_base(named: str, where: str, here: Path | None, root: Path | None) -> tuple[str, str, Path | None]:
    """Return a base's text, where it came from, and the folder in which its own relative bases start."""
    if not _is_path(named):
        return *_read(named), None
    if here is None or root is None or Path(named).is_absolute():
        raise ScenarioError(f"{where}: base {named!r} is neither a built-in scenario nor a path relative to a file")
    target = (here / named).resolve()
    if not target.is_relative_to(root):
        raise ScenarioError(f"{where}: base {named!r} leaves the folder {root}")
    text, _ = _read(target)
    return text, str(target), target.parent


def run(
    scenario: Scenario | str | Path,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    on_nonfinite: OnNonFinite = "raise",
    engine: Engine = "auto",
) -> Any:
    """Run the model that a scenario names.

    Parameters
    ----------
    scenario
        A scenario, the name of a built-in one, or the path of a TOML file.
    draws
        Number of draws of its distributions; medians where absent.
    rng
        Seed (0 is one), generator, seed sequence, or nothing for fresh entropy.
    design
        A design made before, instead of ``draws`` and ``rng``.
    on_nonfinite
        ``"raise"`` names the output, its place and the first draw that is not finite; ``"mask"`` leaves such draws out
        of every statistic and counts them by name.
    engine
        ``"numpy"``, ``"compiled"`` (extra ``fast``; the flywheel alone has it, other models compute with NumPy), or
        ``"auto"``: compiled from 8,192 draws on where it is installed.

    Returns
    -------
    Result
        The model's result, with the written scenario and the design.

    Raises
    ------
    ScenarioError
        If it is not a scenario, or its model is unknown.
    NonFiniteResultError
        If a value is not finite and ``on_nonfinite`` is ``"raise"``, or no draw is left.

    Examples
    --------
    >>> round(float(run("h100-hour").total), 2)
    1.48
    """
    written = as_scenario(scenario)
    _register(written.model)
    model, chosen = model_entry(written.model).load(), chosen_engine(engine, draws if design is None else design.draws)
    with using(chosen):
        return run_model(model, written, draws=draws, rng=rng, design=design, on_nonfinite=on_nonfinite)


def simulate(
    scenario: Scenario | str | Path,
    *,
    draws: int | None = None,
    rng: RandomSource = None,
    design: Design | None = None,
    on_nonfinite: OnNonFinite = "raise",
    engine: Engine = "auto",
) -> Trajectory:
    """Run the flywheel; see :func:`costmodel.flywheel.simulate.simulate`.

    Raises
    ------
    ScenarioError
        If the scenario is one of another model.
    """
    from costmodel.flywheel.inputs import FlywheelScenario
    from costmodel.flywheel.simulate import simulate as run_flywheel

    written = as_scenario(scenario)
    if not isinstance(written, FlywheelScenario):
        raise ScenarioError(
            f"simulate() runs the flywheel, and {written.name!r} is a scenario of the model {written.model!r}: "
            "use costmodel.run(scenario)"
        )
    return run_flywheel(written, draws=draws, rng=rng, design=design, on_nonfinite=on_nonfinite, engine=engine)


def as_scenario(given: Scenario | str | Path) -> Scenario:
    """Return a scenario as it is, or load it by its name or path.

    Raises
    ------
    ScenarioError
        If it is neither.
    """
    if isinstance(given, Scenario):
        return given
    if isinstance(given, str | Path):
        scenario: Scenario = load_scenario(given)
        return scenario
    raise ScenarioError(
        f"a scenario, its name or its path is needed, not {type(given).__name__}: load one with "
        "costmodel.load_scenario(name)"
    )


def describe(scenario: Scenario | str | Path, words: str = "") -> Table:
    """Look parameters up with value, unit, bounds, meaning, grade and source.

    Parameters
    ----------
    scenario
        A scenario, the name of a built-in one, or the path of a TOML file.
    words
        A path, the beginning of one, a pattern with ``*``, or words of path or meaning; all where empty.

    Returns
    -------
    Table
        A row per parameter; prints as text, shows as HTML in a notebook, and has ``to_csv()``.

    Raises
    ------
    UnknownParameterError
        If nothing fits; near matches are in the message.

    Examples
    --------
    >>> describe("h100-hour", "utilisation").rows[0][:4]
    ('utilisation', '1', '1', '> 0 and ≤ 1')
    """
    return as_scenario(scenario).describe(words)


def load_result(path: str | Path) -> Any:
    """Read a result that was saved with ``result.save(path)`` or ``result.to_xarray().to_netcdf(path)``.

    Parameters
    ----------
    path
        A netCDF file (extra ``frames``), a Zarr folder (``distributed``) or a Parquet file (``parquet``).

    Returns
    -------
    Result
        Of the class of its model, equal to the one that was saved.

    Raises
    ------
    ScenarioError
        If the file cannot be read, is not a result, or holds outputs that this version does not know.

    Examples
    --------
    >>> import tempfile
    >>> result = run(load_scenario("h100-hour"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result.save(f"{folder}/hour.nc")  # also result.to_xarray().to_netcdf(…)
    ...     load_result(f"{folder}/hour.nc") == result
    True
    """
    from costmodel.foundation.datasets import result_of
    from costmodel.foundation.result_files import read_dataset

    where = str(path)
    data = read_dataset(path)
    scenario = scenario_from(parse_toml(data.attrs["scenario_toml"], where), where)
    kind = model_entry(scenario.model).result_type()
    if not issubclass(kind, Result):
        raise ScenarioError(f"{where}: the model {scenario.model!r} returns no result that can be read back")
    return result_of(data, scenario, kind, where)


def load_models(source: str) -> None:
    """Import your own code, which registers models with :func:`costmodel.register_model`.

    Parameters
    ----------
    source
        The path of a file that ends in ``.py``, or the name of a module. The code is run: name only what you trust.

    Raises
    ------
    ScenarioError
        If it cannot be imported; the message has the reason.
    """
    name = source
    if source.endswith(".py"):
        path = Path(source).resolve()
        if not os.path.isfile(path):
            raise ScenarioError(f"{source}: no such file")
        name = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))  # so that worker processes find it under the same name
    try:
        import_module(name)
    except Exception as error:
        raise ScenarioError(f"{source}: cannot be imported: {type(error).__name__}: {error}") from error


def register_models() -> None:
    """Register every model of the library, so that scenarios and results that name one can be read."""
    for model in MODEL_MODULES:
        _register(model)


def _register(model: str) -> None:
    """Import the module that registers a model: of the library, or of a package that declares an entry point."""
    if model in MODEL_MODULES:
        import_module(MODEL_MODULES[model])
    elif model not in MODELS:
        provided(PACKAGED_MODELS, model)


def _is_path(name_or_path: str | Path) -> bool:
    given = str(name_or_path)
    return isinstance(name_or_path, Path) or given.endswith(".toml") or "/" in given


def _read(name_or_path: str | Path) -> tuple[str, str]:
    """Return a scenario's text and where it came from."""
    given = str(name_or_path)
    if _is_path(name_or_path):
        return read_text(given, MAX_FILE_BYTES), str(Path(given))
    file = _built_in().get(given) or _named_scenarios().get(given)  # packages are asked only for names not built in
    if file is None:
        names = scenario_names()
        listed, hint = ", ".join(names), near_matches(given, names)
        raise ScenarioError(f"no scenario {given!r}: built in are {listed}; a file ends in .toml{hint}")
    return file.read_text(encoding="utf-8"), given
