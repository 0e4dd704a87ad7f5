"""Start times of sandboxes, measured on this machine."""

import importlib.util
import json
import math
import sys
import time

import pytest

import costmodel
from costmodel.foundation.errors import DomainError
from costmodel.studies import sandbox_start
from costmodel.studies.sandbox_start import Start, measure_starts, task_with, with_start


@pytest.mark.contract
def test_each_kind_is_measured_or_says_why_not():
    starts = measure_starts(2)
    assert len({start.kind for start in starts}) == len(starts) == 5
    for start in starts:
        if start.absent:
            assert math.isnan(start.median)
            assert "\n" not in start.absent
        else:
            assert 0.0 < start.low <= start.median <= start.high
    by_kind = {start.kind: start for start in starts}
    assert by_kind["Python in this process"].median < by_kind["Python subprocess"].median
    if importlib.util.find_spec("pydantic_monty") is not None:
        assert by_kind["Monty, a process kept warm"].median < by_kind["Python subprocess"].median


@pytest.mark.closed_form
def test_quantiles_are_those_of_the_calls_after_the_first():
    waits = iter([0.5, 0.02, 0.02, 0.02])
    start = sandbox_start._start("slow", 3, lambda: time.sleep(next(waits)))
    assert start.runs == 3
    assert 0.02 <= start.low <= start.high < 0.4, "the first, of half a second, is left out"


@pytest.mark.contract
def test_a_container_is_absent_where_no_engine_is(monkeypatch):
    monkeypatch.setattr(sandbox_start.shutil, "which", lambda name: None)
    assert sandbox_start._container(1).absent == "neither docker nor podman is installed"
    monkeypatch.setattr(sandbox_start.shutil, "which", lambda name: sys.executable)
    assert sandbox_start._container(1).absent, "an engine that cannot list its images"


ENGINE = """#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  image) echo sha-of-an-image; echo another ;;
  run) sleep 0.03; {end} ;;
esac
"""


def engine(folder, name, end="exit 0"):
    """Write a program that imitates a container engine, and return the file in which it logs its calls."""
    log = folder / f"{name}.log"
    (folder / name).write_text(ENGINE.format(log=log, end=end))
    (folder / name).chmod(0o755)
    return log


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for the engine")
@pytest.mark.contract
@pytest.mark.parametrize("name", sandbox_start.ENGINES)
def test_a_container_is_measured_without_network_or_download(name, tmp_path, monkeypatch):
    log = engine(tmp_path, name)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sandbox_start, "ENGINES", (name,))
    start = sandbox_start._container(3)
    assert (start.absent, start.runs) == ("", 3)
    assert 0.03 <= start.low <= start.median <= start.high, "each start waits 30 ms"
    asked, *started = log.read_text().splitlines()
    assert asked == "image ls --quiet"
    assert started == ["run --rm --pull=never --network=none --entrypoint=true sha-of-an-image"] * 4
    task = costmodel.load_scenario("agent-task")
    assert with_start(task, start).sandbox.start_time == start.median


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for the engine")
@pytest.mark.contract
def test_a_container_that_fails_is_absent_in_the_engines_words(tmp_path, monkeypatch):
    engine(tmp_path, "podman", "echo cannot connect to the daemon >&2; exit 125")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sandbox_start, "ENGINES", ("podman",))
    start = sandbox_start._container(3)
    assert start.runs == 0
    assert "cannot connect to the daemon" in start.absent


@pytest.mark.closed_form
def test_a_measured_start_is_written_with_its_source_and_slows_the_task():
    task = costmodel.load_scenario("agent-task").replace({"steps": 21.0, "tool_calls": 1.0})
    slow = Start("container", 0.4, 0.5, 0.9, 20)
    written = with_start(task, slow)
    assert type(written).from_toml(written.to_toml()) == written
    cited = next(line for line in written.sources() if line.path == "sandbox.start_time")
    assert (cited.grade.value, cited.source.title) == ("reported", "Measured on this machine")
    # a start before each of the twenty runs of code
    assert task_with(task, slow).start_up_time == pytest.approx(20 * 0.5)
    with pytest.raises(DomainError, match="was not measured: none"):
        with_start(task, Start("container", math.nan, math.nan, math.nan, 0, "none"))


@pytest.mark.contract
@pytest.mark.parametrize("runs", [0, -1, 10**6])
def test_a_number_of_runs_out_of_range_is_refused(runs):
    with pytest.raises(DomainError, match="1 to 10,000"):
        measure_starts(runs)


@pytest.mark.contract
def test_the_command_measures_runs_the_task_and_writes_it(command, tmp_path):
    file = tmp_path / "mine.toml"
    code, out, _ = command("sandbox", "--runs", 2, "--json", "-o", file, "--kind", "python sub")
    assert code == 0
    rows = json.loads(out)["starts"]
    sub = next(row for row in rows if row["kind"] == "Python subprocess")
    assert sub["published"] == pytest.approx(0.030)
    assert costmodel.load_scenario(file).sandbox.start_time == pytest.approx(sub["median"])
    code, _, said = command("sandbox", "bond-flywheel")
    assert code == 2 and "an agent_task is needed" in said
