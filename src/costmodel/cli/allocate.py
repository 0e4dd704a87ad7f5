"""``costmodel allocate``: split the cost of a fleet, including its idle capacity, among its users."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.common import print_json
from costmodel.cli.rows import print_lines, show
from costmodel.foundation.errors import DomainError, ScenarioError
from costmodel.foundation.files import csv_rows, read_text


def allocate_command(
    users: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns user, reserved and, where it differs, used: accelerators, time slices (1/4) or "
            "profiles (1g.10gb, 2x3g.40gb)."
        ),
    ],
    units: Annotated[float, typer.Option(help="Accelerators of the fleet.")],
    cost: Annotated[float, typer.Option(help="Cost of the whole fleet for an hour or for the period.")],
    idle: Annotated[
        str, typer.Option(help="How idle cost is split: 'apart' (charged to no user), 'by reservation' or 'by use'.")
    ] = "apart",
    memory: Annotated[
        float, typer.Option(help="Memory of an accelerator, as in the names of its profiles [GB].")
    ] = 80.0,
    by: Annotated[str, typer.Option(help="Charge a slice for its share of 'compute' or of 'memory'.")] = "compute",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Split the cost of a fleet among teams, models or customers; the parts add up to the total to the cent."""
    from costmodel.studies.allocation import allocate

    reserved, used = _users(users, memory, by)
    split = allocate(units, cost, reserved, used=used, idle=idle)  # type: ignore[arg-type]
    if as_json:
        print_json({"total": split.total, "idle": split.rule, "rows": split.table().records()})
        return
    show(split.table())
    print_lines([f"{split.idle_units:g} of {units:g} accelerators are idle"])


def _users(path: Path, memory: float, by: str) -> tuple[dict[str, float], dict[str, float] | None]:
    """Return what each user reserves and uses; rows of one user add up."""
    from costmodel.studies.allocation import units_of

    listed = csv_rows(read_text(path), str(path))
    reserved: dict[str, float] = {}
    used: dict[str, float] = {}
    with_use = any((row.get("used") or "").strip() for row in listed)
    for number, row in enumerate(listed, start=1):
        name = (row.get("user") or "").strip()
        if not name or (row.get("reserved") or "").strip() == "":
            raise ScenarioError(f"{path}: row {number}: fill in the columns user and reserved")
        try:
            held = units_of(row["reserved"], memory, by)  # type: ignore[arg-type]
            busy = units_of(row["used"], memory, by) if (row.get("used") or "").strip() else held  # type: ignore[arg-type]
        except DomainError as error:
            raise DomainError(f"{path}: row {number}: {error}") from None
        reserved[name] = reserved.get(name, 0.0) + held
        used[name] = used.get(name, 0.0) + busy
    if "idle" in reserved:
        raise ScenarioError(f"{path}: 'idle' names the unused capacity; rename this user")
    return reserved, used if with_use else None
