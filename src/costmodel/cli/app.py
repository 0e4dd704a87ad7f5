"""The command line: one module per command, errors on one line, exit status 2."""

from __future__ import annotations

import sys

import typer

from costmodel.cli.backtest import backtest_command
from costmodel.cli.breakeven import breakeven_command
from costmodel.cli.catalog import catalog_command
from costmodel.cli.compare import compare_command
from costmodel.cli.run import list_command, run_command
from costmodel.cli.sensitivity import sensitivity_command
from costmodel.cli.stability import stability_command
from costmodel.cli.validate import validate_command
from costmodel.foundation.errors import CostModelError

app = typer.Typer(
    help="The economics of AI compute: training, inference, depreciation, demand and the flywheel that ties them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run_command)
app.command("list")(list_command)
app.command("stability")(stability_command)
app.command("sensitivity")(sensitivity_command)
app.command("breakeven")(breakeven_command)
app.command("compare")(compare_command)
app.command("backtest")(backtest_command)
app.command("catalog")(catalog_command)
app.command("validate")(validate_command)


def main() -> None:
    """Run the command line; a known error becomes one line on standard error and exit status 2."""
    try:
        app()
    except CostModelError as error:
        typer.echo(f"costmodel: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
