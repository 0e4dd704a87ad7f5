"""Every public definition is reached from a model, a study, a command or the root package."""

from __future__ import annotations

from pathlib import Path

import pytest

import costmodel
from doors import without_a_door

pytestmark = pytest.mark.contract

LARGEST_SHARE = 0.03
"""Largest share of public definitions without a door [1]; it must only fall."""
REASONS = {
    "flywheel.generations": "writes the dated generations of the catalog as a product line of a scenario",
    "flywheel.decomposition": "ranges of a decomposition over draws, for a page or a notebook",
    "serving.cost": "revenue of tokens by both conventions of counting cached ones, and the two names of a margin",
    "serving.frontier": "the configurations that none beats in speed and cost, from Python over a grid",
    "serving.lengths": "lengths measured from a log of one's own, for a deployment's traffic",
    "serving.records": "a configuration from catalog names, as examples and benchmarks begin",
    "serving.deployment": "shares of an engine as recorded, for a written deployment",
    "serving.memory": "room for the cache, the figure that engines print",
    "serving.blocks": "stacks of results of several runs",
    "ownership.company": "effect of a change of life in closed form, beside the fleet's",
    "ownership.finance": "the internal rate of one series of payments",
    "ownership.rent": "value of what an old vintage's rents are still worth",
    "catalog.packaged_prices": "names of the models whose prices a package ships",
    "compute.software": "a dated jump of efficiency as a formula",
}
"""Modules with definitions that have no door, with the reason to keep them."""


def _package(folder: Path, files: dict[str, str]) -> Path:
    """Write a small package called costmodel."""
    root = folder / "costmodel"
    for name, text in {"__init__.py": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_few_definitions_stand_without_a_door() -> None:
    shut, count = without_a_door(Path(costmodel.__file__).parent)
    assert count > 400, "the package was not read"
    unexplained = [name for name in shut if name.split(":")[0].removeprefix("costmodel.") not in REASONS]
    assert unexplained == [], "wire them into a model, a study or a command, delete them, or give a reason"
    assert len(shut) <= LARGEST_SHARE * count, "\n".join(shut)


def test_a_command_opens_what_it_names_through_an_export_an_alias_and_a_lazy_import(tmp_path: Path) -> None:
    root = _package(
        tmp_path,
        {
            "cli/app.py": (
                "from costmodel import room\nfrom costmodel.room import shown as other\n"
                "def command():\n    from costmodel.room.late import late\n    return other(), room.named(), late()\n"
            ),
            "room/__init__.py": "from costmodel.room.a import shown, named, exported\n",
            "room/a.py": (
                "def shown():\n    return _inner()\ndef named():\n    pass\ndef exported():\n    pass\n"
                "def _inner():\n    return deep()\ndef deep():\n    pass\n"
            ),
            "room/late.py": "def late():\n    pass\n",
        },
    )
    shut, count = without_a_door(root)
    assert count == 5
    assert list(shut) == ["costmodel.room.a:exported"], "an export of a room that is no study opens nothing"


def test_a_model_a_study_and_a_table_of_targets_open_doors(tmp_path: Path) -> None:
    root = _package(
        tmp_path,
        {
            "__init__.py": '_HOMES = {"costmodel.entry": ("first",)}\n',
            "entry.py": "def first():\n    pass\n",
            "foundation/scenario.py": "def register_model(*given):\n    pass\n",
            "room/model.py": (
                "from costmodel.foundation.scenario import register_model\nclass Inputs:\n    pass\n"
                'def solve():\n    pass\nregister_model("m", Inputs, "costmodel.room.model:solve")\n'
            ),
            "analysis/__init__.py": '_HOMES = {"study": "deep"}\n',
            "analysis/deep.py": "def study():\n    return TABLE\nTABLE = [lambda: part]\ndef part():\n    pass\n",
        },
    )
    shut, _ = without_a_door(root)
    assert list(shut) == []


def test_validation_and_a_registry_of_strategies_open_no_door(tmp_path: Path) -> None:
    root = _package(
        tmp_path,
        {
            "cli/app.py": "from costmodel.validation.registry import cases\ndef command():\n    return cases()\n",
            "validation/registry.py": "from costmodel.room.a import only_checked\ndef cases():\n    only_checked()\n",
            "room/a.py": "def only_checked():\n    pass\n",
        },
    )
    shut, count = without_a_door(root)
    assert (list(shut), count) == (["costmodel.room.a:only_checked"], 1)
