#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2024.4"]
# ///
"""Tasks: `nox -l` lists them; each runs what `.ci/run` runs, in an environment of its own."""

from __future__ import annotations

import shutil

import nox

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "uv|virtualenv"
PYTHONS = ["3.11", "3.12", "3.13"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and import contracts."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install("-e", ".[dev]")
    session.run("mypy")
    session.run("python", "tests/typed_share.py")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests; arguments go to pytest."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def lowest(session: nox.Session) -> None:
    """Run the tests on the oldest supported versions of what a plain install needs."""
    session.install("-c", "requirements/lowest.txt", ".", "pytest>=8.0", "hypothesis>=6.100")
    session.run("pytest", "-p", "no:cacheprovider")


@nox.session(default=False)
def newest(session: nox.Session) -> None:
    """Run the tests on the newest versions, pre-releases too, in a random order."""
    session.install("--pre", "--upgrade", ".", "pytest>=8.0", "hypothesis>=6.100", "pytest-randomly>=3.15")
    session.run("pytest", "-p", "no:cacheprovider", *session.posargs)


@nox.session(default=False)
def start(session: nox.Session) -> None:
    """Do the three jobs of the site's first page from the installed package."""
    session.install(".[plots,report,frames]")
    session.run("python", "docs/try_start.py")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the site with its gallery executed, then check its links; a warning is an error."""
    session.install("-e", ".[docs,plots,frames,prices]")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")
    session.run("linkchecker", "--no-status", "-f", "docs/links.ini", "docs/_build/html/index.html")
    if shutil.which("chromedriver"):
        session.run("python", "docs/try_site.py", "docs/_build/html")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and check what they say of themselves."""
    session.install("build", "twine", "check-manifest", "sp-repo-review[cli]")
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("twine", "check", "--strict", "dist/*")
    session.run("check-manifest")
    session.run("repo-review", ".")


if __name__ == "__main__":
    nox.main()
