"""The command line: one module per command, errors on one line, exit status 2."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import warnings
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from costmodel.foundation.errors import CatalogError, CostModelError, ScenarioError, one_line
from costmodel.foundation.version import VERSION

COMMANDS = {
    "run": "costmodel.cli.run:run_command",
    "list": "costmodel.cli.run:list_command",
    "show": "costmodel.cli.show:show_command",
    "diff": "costmodel.cli.show:diff_command",
    "sources": "costmodel.cli.show:sources_command",
    "describe": "costmodel.cli.show:describe_command",
    "answer": "costmodel.cli.answer:answer_command",
    "stability": "costmodel.cli.stability:stability_command",
    "sensitivity": "costmodel.cli.sensitivity:sensitivity_command",
    "breakeven": "costmodel.cli.breakeven:breakeven_command",
    "calibrate": "costmodel.cli.calibrate:calibrate_command",
    "compare": "costmodel.cli.compare:compare_command",
    "allocate": "costmodel.cli.allocate:allocate_command",
    "audit": "costmodel.cli.audit:audit_command",
    "backtest": "costmodel.cli.backtest:backtest_command",
    "refit": "costmodel.cli.refit:refit_command",
    "balance": "costmodel.cli.balance:balance_command",
    "estimate": "costmodel.cli.estimate_records:estimate_app",
    "margin": "costmodel.cli.margin:margin_command",
    "sandbox": "costmodel.cli.sandbox:sandbox_command",
    "shape": "costmodel.cli.shape:shape_command",
    "store": "costmodel.cli.store:store_app",
    "report": "costmodel.cli.report:report_command",
    "explore": "costmodel.cli.explore:explore_command",
    "usage": "costmodel.cli.usage:usage_command",
    "catalog": "costmodel.cli.catalog:catalog_command",
    "validate": "costmodel.cli.validate:validate_command",
}
"""Every command and where it is, in the order of the help. Only the one that is asked for is imported."""
GARBAGE_FROM = 50_000
"""New objects after which Python looks for cycles among them [1]: starting makes many and drops few."""
START = {"OPENBLAS_NUM_THREADS": "1", "PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Variables that a command sets, where they are not set, before NumPy and pydantic are imported: no pool of threads for
matrix products, of which no model has large ones, and no search of all installed packages for plugins of pydantic."""
OWN_FILES = frozenset({"run", "show", "calibrate", "sandbox", "report", "explore"})
"""Commands that write files of their own, or none; the others write their tables to ``--out``."""


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"costmodel {VERSION}")
        raise typer.Exit


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
        from costmodel.entry import load_models

        load_models(source)


def application(*names: str) -> typer.Typer:
    """Return the command line with some of its commands; with all where none is named."""
    app = typer.Typer(
        help="The economics of AI compute: training, inference, depreciation, demand and the flywheel that links them.",
        epilog="Every command accepts --catalog FOLDER: your own records, added to the catalog or replacing its "
        "fields.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    from costmodel.cli.files import with_file

    app.callback()(options)
    for name in names or COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found if name in OWN_FILES else with_file(found))
    return app


def __getattr__(name: str) -> Any:
    """Return ``app``, the whole command line, for those who import it."""
    if name == "app":
        return application()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_UsageError: type[Exception] = typer.BadParameter.__mro__[2]
"""Base class of all usage errors, whichever version of click typer uses."""


def main() -> None:
    """Run the command line; a known error becomes one line on standard error and exit status 2."""
    gc.set_threshold(GARBAGE_FROM)
    for name, value in START.items():
        os.environ.setdefault(name, value)
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without a sign still shows the rest
    if not sys.argv[1:]:
        application()(["--help"], standalone_mode=False)
        sys.exit(2)
    try:
        _check_digits(sys.argv[1:])
        _use_catalogs(sys.argv)
        code = application(*[name for name in sys.argv[1:2] if name in COMMANDS])(standalone_mode=False)
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
        from costmodel.catalog.own import use

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
