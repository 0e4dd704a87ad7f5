"""Contract of the distribution: tested bounds, and consistent files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from costmodel.foundation.version import VERSION

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def test_lowest_versions_are_the_bounds_of_the_package(project: dict[str, Any]) -> None:
    lines = (ROOT / "requirements" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.replace("==", ">=") for line in lines if line and not line.startswith("#")}
    assert pinned - {"click>=8.1.8"} == set(project["dependencies"])


def test_version_is_the_same_everywhere(project: dict[str, Any]) -> None:
    assert project["version"] == VERSION
    assert f"version: {VERSION}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {VERSION}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_extra_named_in_an_error_exists(project: dict[str, Any]) -> None:
    named = {
        extra
        for path in (ROOT / "src").rglob("*.py")
        for extra in re.findall(r"missing_extra\(\s*\"([a-z]+)\"", path.read_text(encoding="utf-8"))
    }
    assert named <= set(project["optional-dependencies"])


def test_changelog_keeps_a_list_of_numbers_that_changed() -> None:
    assert "### Numbers that changed" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_readme_has_the_two_commands_on_a_line_each() -> None:
    lines = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    assert sum(line.endswith("costmodel run bond-flywheel") for line in commands) == 1
    assert sum(line.endswith("-m pytest -n auto") for line in commands) == 1


def test_recipes_ask_for_what_the_package_asks_for(project: dict[str, Any]) -> None:
    text = (ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    run = text.partition("  run:\n")[2].partition("\n\n")[0]
    asked = {line.strip("- ").replace(" ", "") for line in run.splitlines()}
    assert asked == {f"python{project['requires-python']}", *project["dependencies"]}
    assert f'version: "{VERSION}"' in text
    [wanted] = re.findall(r"\[([a-z,]+)\]\"", (ROOT / "Containerfile").read_text(encoding="utf-8"))
    assert set(wanted.split(",")) <= set(project["optional-dependencies"])
