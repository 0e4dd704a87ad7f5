"""The command line: one module per command, errors on one line, exit status 2."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from typing import Annotated, Any, NoReturn

import typer

from costmodel.catalog.own import use
from costmodel.cli.allocate import allocate_command
from costmodel.cli.answer import answer_command
from costmodel.cli.audit import audit_command
from costmodel.cli.backtest import backtest_command
from costmodel.cli.balance import balance_command
from costmodel.cli.breakeven import breakeven_command
from costmodel.cli.calibrate import calibrate_command
from costmodel.cli.catalog import catalog_command
from costmodel.cli.compare import compare_command
from costmodel.cli.estimate_records import estimate_app
from costmodel.cli.explore import explore_command
from costmodel.cli.files import with_file
from costmodel.cli.margin import margin_command
from costmodel.cli.refit import refit_command
from costmodel.cli.report import report_command
from costmodel.cli.run import list_command, run_command
from costmodel.cli.sandbox import sandbox_command
from costmodel.cli.sensitivity import sensitivity_command
from costmodel.cli.shape import shape_command
from costmodel.cli.show import describe_command, diff_command, show_command, sources_command
from costmodel.cli.stability import stability_command
from costmodel.cli.store import store_app
from costmodel.cli.usage import usage_command
from costmodel.cli.validate import validate_command
from costmodel.entry import load_models
from costmodel.foundation.errors import CatalogError, CostModelError, ScenarioError, one_line
from costmodel.foundation.version import VERSION


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"costmodel {VERSION}")
        raise typer.Exit


app = typer.Typer(
    help="The economics of AI compute: training, inference, depreciation, demand and the flywheel that links them.",
    epilog="Every command accepts --catalog FOLDER: your own records, added to the catalog or replacing its fields.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="FILE.py|MODULE",
            help="Python file that registers your own models, imported before the command; repeatable.",
        ),
    ] = None,
) -> None:
    """Handle the options that come before a command."""
    for source in with_ or []:
        load_models(source)


app.command("run")(run_command)
app.command("list")(with_file(list_command))
app.command("show")(show_command)
app.command("diff")(with_file(diff_command))
app.command("sources")(with_file(sources_command))
app.command("describe")(with_file(describe_command))
app.command("answer")(with_file(answer_command))
app.command("stability")(with_file(stability_command))
app.command("sensitivity")(with_file(sensitivity_command))
app.command("breakeven")(with_file(breakeven_command))
app.command("calibrate")(calibrate_command)
app.command("compare")(with_file(compare_command))
app.command("allocate")(with_file(allocate_command))
app.command("audit")(with_file(audit_command))
app.command("backtest")(with_file(backtest_command))
app.command("refit")(with_file(refit_command))
app.command("balance")(with_file(balance_command))
app.add_typer(estimate_app, name="estimate")
app.command("margin")(with_file(margin_command))
app.command("sandbox")(sandbox_command)
app.command("shape")(with_file(shape_command))
app.add_typer(store_app, name="store")
app.command("report")(report_command)
app.command("explore")(explore_command)
app.command("usage")(with_file(usage_command))
app.command("catalog")(with_file(catalog_command))
app.command("validate")(with_file(validate_command))


_UsageError: type[Exception] = typer.BadParameter.__mro__[2]
"""Base class of all usage errors, whichever version of click typer uses."""


def main() -> None:
    """Run the command line; a known error becomes one line on standard error and exit status 2."""
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without a sign still shows the rest
    if not sys.argv[1:]:
        app(["--help"], standalone_mode=False)
        sys.exit(2)
    try:
        _check_digits(sys.argv[1:])
        _use_catalogs(sys.argv)
        code = app(standalone_mode=False)
    except CostModelError as error:
        _stop(str(error))
    except _UsageError as error:
        _stop(_usage(error))
    except MemoryError:
        _stop("not enough memory: ask for fewer draws")
    except OSError as error:
        _discard_output()
        _stop(f"cannot write the output: {error.strerror or error}")
    sys.exit(code if isinstance(code, int) else 0)


def _check_digits(arguments: list[str]) -> None:
    """Refuse a number in other digits than 0 to 9 or with ``_`` in it, which Python and some versions of typer take.

    Raises
    ------
    ScenarioError
        If there is one.
    """
    for argument in arguments:
        text = argument.partition("=")[2] if argument.startswith("--") and "=" in argument else argument
        if ("_" in text or not text.isascii()) and _is_number(text):
            raise ScenarioError(
                f"{argument!r}: write a number in the digits 0 to 9 alone; a file of that name as ./NAME"
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _use_catalogs(arguments: list[str]) -> None:
    """Remove ``--catalog FOLDER``, which every command accepts, from the arguments and use its records."""
    while True:
        at = next((i for i, text in enumerate(arguments) if text.partition("=")[0] == "--catalog"), None)
        if at is None:
            return
        _, sign, folder = arguments.pop(at).partition("=")
        if not sign:
            if at >= len(arguments):
                raise CatalogError("--catalog needs a folder of records: --catalog FOLDER")
            folder = arguments.pop(at)
        use(folder)


def _stop(message: str) -> NoReturn:
    """Print one line on standard error and exit with status 2."""
    typer.echo(f"costmodel: {one_line(message)}", err=True)
    sys.exit(2)


def _usage(error: Any) -> str:
    """Return what was wrong with the command, and which command prints help."""
    context = error.ctx
    where = context.command_path if context is not None else "costmodel"
    return f"{error.format_message().rstrip('.')}; {where} --help lists what it accepts"


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    typer.echo(f"costmodel: warning: {one_line(str(message))}", err=True)


def _discard_output() -> None:
    """Discard unwritten output, so that closing a full or broken stream prints no further error."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
