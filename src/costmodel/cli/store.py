"""``costmodel store``: check a stored ensemble, and compute damaged or missing blocks again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel.cli.common import executor_of, progress, say
from costmodel.foundation.blocks import BLOCK

store_app = typer.Typer(help="Check a stored ensemble, or compute damaged blocks again.", no_args_is_help=True)
_Folder = Annotated[Path, typer.Argument(help="Folder of the store.")]


@store_app.command("check")
def check_command(folder: _Folder) -> None:
    """Read every complete block and compare it with its digest; exit status 1 where one is damaged."""
    from costmodel.analysis.store import open_store
    from costmodel.entry import register_models

    register_models()
    store = open_store(folder)
    with progress("checking") as shown:
        bad = store.damaged(shown)
    complete = int(store.complete.sum())
    say(f"{folder}: {complete} of {store.design.blocks} blocks complete, {len(bad)} damaged")
    for block in bad:
        typer.echo(f"  block {block}: draws {block * BLOCK} to {block * BLOCK + store.design.block_draws(block) - 1}")
    if bad:
        typer.echo("compute them again: costmodel store repair")
        raise typer.Exit(1)


@store_app.command("repair")
def repair_command(
    folder: _Folder, workers: Annotated[int | None, typer.Option(help="Processes that share the blocks.")] = None
) -> None:
    """Compute damaged and missing blocks again, from the scenario and the seed that the store holds."""
    from costmodel.analysis.store import open_store, store_ensemble
    from costmodel.entry import register_models

    register_models()
    store = open_store(folder)
    asked = store.asked
    with executor_of(workers) as pool, progress("computing") as shown:
        again = store_ensemble(
            folder, store.scenario, asked, design=store.design, executor=pool, on_progress=shown, repair=True
        )
    say(f"{folder}: {int(again.complete.sum())} of {again.design.blocks} blocks complete")
