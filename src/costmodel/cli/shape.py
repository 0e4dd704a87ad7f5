"""``costmodel shape``: what a model holds, what a token and a batch touch, and what its cache takes."""

from __future__ import annotations

from typing import Annotated

import typer

from costmodel.cli.common import print_json
from costmodel.cli.rows import show
from costmodel.foundation.tables import Table


def shape_command(
    source: Annotated[str, typer.Argument(help="A model of the catalog, or the path of a config.json.")],
    context: Annotated[float, typer.Option(min=1.0, help="Tokens of a sequence.")] = 8192.0,
    batch: Annotated[float, typer.Option(min=1.0, help="Tokens of a step, for the weights that it reads.")] = 64.0,
    stored: Annotated[float, typer.Option("--bytes", min=0.1, help="Bytes of a weight and of a cache entry.")] = 2.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a model's parameters, work per token, cache and weights read by a batch."""
    from costmodel.compute import flop, memory, parameters
    from costmodel.compute.architectures import shape
    from costmodel.compute.cache import cache_bytes

    model = shape(source)
    touched = parameters.touched_parameters(model, batch)
    rows = [
        ("parameters", float(parameters.total_parameters(model)), "1"),
        ("active per token", float(parameters.active_parameters(model)), "1"),
        ("in embedding tables", float(parameters.embedding_parameters(model)), "1"),
        (f"touched by {batch:g} tokens", float(touched), "1"),
        (f"weights read by {batch:g} tokens", float(memory.touched_weight_bytes(model, batch, stored)), "byte"),
        ("weights", float(memory.weight_bytes(model, stored)), "byte"),
        (f"cache of {context:g} tokens", float(cache_bytes(model, context, stored)), "byte"),
        ("decode, per token at that context", float(flop.decode_flop_per_token(model, context)), "FLOP"),
        ("training, per token of such sequences", float(flop.training_flop_per_token(model, context)), "FLOP"),
    ]
    if as_json:
        print_json({"source": source, "figures": {name: value for name, value, _ in rows}, "notes": list(model.notes)})
        return
    show(Table(("figure", "value", "unit"), tuple(rows), source, tuple(model.notes)))
