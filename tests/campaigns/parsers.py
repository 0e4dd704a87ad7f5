"""Damaged files of every kind that the library reads: bills, logs, tables, models, records, plans and scenarios."""

from __future__ import annotations

import json
import random
from pathlib import Path

import nasty
from attack import Campaign
from samples import Reader, readers


def case(chance: random.Random, folder: Path) -> str | None:
    reader = readers()[chance.choice(sorted(readers()))]
    path = folder / reader.file
    path.write_bytes(_content(reader, chance))
    reader.read(path)
    return None


def _content(reader: Reader, chance: random.Random) -> bytes:
    """Return the content of a valid file, damaged in its bytes, its cells or its entries."""
    way = chance.random()
    if way < 0.5:
        if reader.file.endswith(".json"):
            form = nasty.mutated(json.loads(reader.honest), chance)
            return json.dumps(form, default=str).encode("utf-8", "surrogatepass")
        if reader.file.endswith(".csv"):
            return _cells(reader.honest, chance)
    return nasty.damaged(reader.honest, chance)


def _cells(honest: bytes, chance: random.Random) -> bytes:
    """Return a CSV file with some cells changed, removed or moved."""
    rows = [line.split(",") for line in honest.decode().splitlines()]
    heads = tuple(rows[0])
    for _ in range(chance.choice((1, 2, 4))):
        row = chance.choice(rows)
        if row:
            at = chance.randrange(len(row))
            row[at] = str(nasty.value(chance))[:200_000] if chance.random() < 0.8 else heads[at % len(heads)]
        if chance.random() < 0.2 and row:
            row.pop()
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogatepass")


CAMPAIGN = Campaign(case, whole=40_000)
