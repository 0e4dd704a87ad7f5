"""``costmodel explore``: explore scenarios in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from costmodel.cli.arguments import Changes, Name
from costmodel.cli.common import scenario_with


def explore_command(
    name: Name = "token-planner",
    set_: Changes = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free port.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Explore a scenario in a browser: sliders, live figures, two scenarios side by side, the audit of a bill."""
    from costmodel.explorer.server import serve
    from costmodel.explorer.session import Explorer

    scenario = scenario_with(name, set_)

    def say(address: str) -> None:
        typer.echo(f"{scenario.name} at {address}\nCtrl-C stops it.")
        if browser:
            typer.launch(address)

    serve(Explorer(scenario), scenario.name, port, say=say)
