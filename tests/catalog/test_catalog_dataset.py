"""Export of the catalog as a dataset, and preservation of all released figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from costmodel.catalog import Catalog
from costmodel.catalog.dataset import DESCRIPTION, export_dataset, figure_digest, verify_dataset
from costmodel.foundation.errors import CatalogError

RELEASED = Path(__file__).parent / "released"
WITHDRAWN = {
    "3c2c16686eb287e8": "0.2.0 adds DeepSeek-V3.1 to the names that the record DeepSeek-V3 answers to",
    "a0fd59b2c9d3341d": "0.2.0 gives H200-SXM efficiencies of its own instead of a reference to H100-SXM",
} | dict.fromkeys(
    (
        "e628d2b2ada41cb3",
        "28ff16adb8e2547e",
        "7591b2d24ebc6ef7",
        "e41235b7f2d101a2",
        "340caf5f298dc00b",
        "fdfb2a5c9641d5bb",
        "eda7be04789e3747",
    ),
    "0.2.0 reads US CPI-U of 2015 to 2020 and of 2024 in its source, where 0.1.0 recalled the same figures",
)
"""Released figures that are no longer in the catalog, by digest, with the reason."""

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_dataset(tmp_path_factory.mktemp("dataset")).parent


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_figure_and_every_document_leaves(exported: Path) -> None:
    figures, sources = rows(exported / "figures.csv"), rows(exported / "sources.csv")
    library = Catalog()
    assert len(figures) == sum(len(list(r)) for name in library.tables() for r in library.table(name).values())
    assert {row["source_key"] for row in figures} == {row["key"] for row in sources}
    [h100] = [
        row for row in figures if (row["kind"], row["record"], row["field"]) == ("accelerators", "H100-SXM", "bf16")
    ]
    assert (float(h100["value"]), h100["unit"]) == (989.4e12, "FLOP/s")
    assert not [row for row in figures if row["text"].startswith(("=", "@", "+"))]


def test_a_validator_of_others_accepts_the_description(exported: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    form = json.loads((exported / DESCRIPTION).read_text(encoding="utf-8"))
    found = frictionless.validate(form, basepath=str(exported))
    assert found.valid, found.flatten(["type", "note"])[:5]


def test_a_changed_or_missing_file_is_named(exported: Path, tmp_path: Path) -> None:
    for file in exported.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert verify_dataset(tmp_path) == []
    figures = tmp_path / "figures.csv"
    figures.write_bytes(figures.read_bytes().replace(b"H100", b"H101", 1))
    (tmp_path / "sources.csv").unlink()
    changed, missing = verify_dataset(tmp_path)
    assert "figures.csv: differs" in changed and "sources.csv: No such file" in missing


@pytest.mark.parametrize("text", ["{", "[]", '{"resources": [{}]}', '{"resources": [{"path": "../x", "hash": "y"}]}'])
def test_a_description_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogError, match=DESCRIPTION):
        verify_dataset(tmp_path)
    (tmp_path / DESCRIPTION).write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"is not the description|leaves the folder"):
        verify_dataset(tmp_path)


def test_a_released_figure_is_never_lost_or_changed_in_silence() -> None:
    library = Catalog()
    held = {figure_digest(datum) for name in library.tables() for r in library.table(name).values() for datum in r}
    assert {len(digest) for digest in held} == {16}  # as users have stored them
    for release in RELEASED.glob("*.txt"):
        lost = set(release.read_text(encoding="utf-8").split()) - held - set(WITHDRAWN)
        assert not lost, (
            f"figures of {release.stem} are gone: add new ones beside them, or say why in WITHDRAWN: {lost}"
        )
    assert not set(WITHDRAWN) & held
