"""The model ``deployment``: throughput, times and costs of a resolved scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np

from costmodel.catalog import accelerator as catalog_accelerator
from costmodel.compute.architectures import shape
from costmodel.compute.machine import PARTS, Machine
from costmodel.foundation.arrays import Numeric
from costmodel.serving.configuration import Configuration, Draft, Engine, Layout, Traffic
from costmodel.serving.cost import blended_cost, cost_of_accelerator_time, energy_per_token
from costmodel.serving.deployment import Deployment, DeploymentResult, LayoutInputs
from costmodel.serving.engines import POOLED, profile
from costmodel.serving.load import closed_loop, open_arrivals
from costmodel.serving.measured import throughput_on_front
from costmodel.serving.memory import version_remark
from costmodel.serving.records import machine_of, power_in_use
from costmodel.serving.reserve import older_reserve, reserve, reserve_remark
from costmodel.serving.targets import LARGEST_BATCH, serve_within
from costmodel.serving.throughput import TARGETS, Serving, serve


def deploy(resolved: Deployment) -> DeploymentResult:
    """Compute the throughput, times and token costs of a deployment.

    Parameters
    ----------
    resolved
        A resolved scenario: numbers, or one vector of draws per parameter.

    Returns
    -------
    DeploymentResult
        NaN, with the reason, where the deployment is infeasible.

    Raises
    ------
    CatalogError
        If the architecture, the accelerator or a record that the scenario leaves to the catalog is missing.

    Examples
    --------
    >>> chat = Deployment(
    ...     name="chat", architecture="Llama-3-70B", accelerator="H100-SXM", precision="fp8",
    ...     layout={"tensor": 4}, workload={"mean_input": 2000.0, "mean_output": 400.0}, hour_price="2 USD/hour",
    ... )
    >>> result = deploy(chat.resolve())
    >>> str(result.basis("output_cost"))
    'per output token, decode only, idle hours in, rented price'
    >>> bool(result.output_cost > result.input_cost > 0)
    True
    """
    served = _measured(resolved, _serve(resolved)) if resolved.measured else _serve(resolved)
    workload, load, energy = resolved.workload, resolved.load, resolved.energy
    utilisation = load.busy_share()

    def cost(seconds: Numeric) -> Numeric:
        return cost_of_accelerator_time(resolved.hour_price, seconds, utilisation)

    costs = cost(served.input_seconds), cost(served.cached_seconds), cost(served.output_seconds)
    mix = blended_cost(*costs, workload.mean_input, workload.cached_share, workload.mean_output)
    power = power_in_use(resolved.accelerator, served.batch)[0] if energy.power is None else energy.power
    used = energy_per_token(power, served.tokens_per_second, utilisation, energy.idle_share, energy.pue)
    values: dict[str, Any] = {
        "reason": served.infeasible,
        "batch": served.batch,
        "accelerators": served.accelerators,
        "time_to_first_token": served.time_to_first_token,
        "time_per_output_token": served.time_per_output_token,
        "tokens_per_second": served.tokens_per_second,
        "output_per_second": served.output_per_second,
        "requests_per_second": served.requests_per_second,
        "prefill_share": served.prefill_share,
        "utilisation": utilisation,
        "input_cost": costs[0],
        "cached_cost": costs[1],
        "output_cost": costs[2],
        "blended_cost": mix,
        "energy": used,
    }
    shaped = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values.values()))
    values = {name: array[()] for name, array in zip(values, shaped, strict=True)}
    refused, version = np.not_equal(values["reason"], 0.0), version_remark(configuration(resolved), "engine.name")
    said = remarks_of(resolved) + ((version,) if version else ())
    return DeploymentResult(scenario=resolved, remarks=said, infeasible=refused, **values)


def _serve(resolved: Deployment) -> Serving:
    """Serve with the batch that the scenario gives, or the largest that fits and keeps its targets."""
    what, traffic = configuration(resolved), traffic_of(resolved)
    options: dict[str, Any] = {"mode": resolved.mode, "margin": resolved.engine.margin}
    if resolved.prefill_layout is not None:
        options["prefill_layout"] = layout_of(resolved.prefill_layout)
    if resolved.batch is not None:
        return serve(what, traffic, resolved.batch, **options)
    if resolved.arrivals is not None:
        return open_arrivals(what, traffic, resolved.arrivals, mode=resolved.mode)
    if resolved.concurrency is not None:
        waves = np.inf if resolved.requests is None else resolved.requests / resolved.concurrency
        return closed_loop(
            what,
            traffic,
            resolved.concurrency,
            waves=np.maximum(waves, 1.0),
            mode=resolved.mode,
            prefill_layout=options.get("prefill_layout"),
            readers=_or(resolved.prefill_copies, 1.0),
            writers=_or(resolved.decode_copies, 1.0),
        )
    if not resolved.measured:
        options["max_time_to_first_token"] = _or(resolved.max_time_to_first_token, np.inf)
        options["max_time_per_output_token"] = _or(resolved.max_time_per_output_token, np.inf)
    return serve_within(what, traffic, largest=_or(resolved.max_batch, LARGEST_BATCH), **options)


def _measured(resolved: Deployment, modelled: Serving) -> Serving:
    """Replace the model's throughput by the measured one, keeping its split between input and output."""
    rows = resolved.measured
    speeds = np.array([row.user_speed for row in rows])
    rates = np.array([row.tokens_per_second for row in rows])
    speed = 1.0 / np.asarray(_or(resolved.max_time_per_output_token, 1.0 / float(speeds.min())))
    rate = throughput_on_front(speeds, rates, speed)
    first = np.array([nan if row.time_to_first_token is None else row.time_to_first_token for row in rows])
    nearest = np.argmin(np.abs(speeds - speed[..., None]), axis=-1)
    slower = modelled.tokens_per_second / rate
    reached = np.isfinite(rate)

    def kept(value: Numeric) -> Numeric:
        return np.where(reached, value, nan)[()]

    return replace(
        modelled,
        infeasible=np.where(reached, modelled.infeasible, TARGETS)[()],
        time_to_first_token=kept(first[nearest]),
        time_per_output_token=kept(1.0 / speed),
        requests_per_second=modelled.requests_per_second / slower,
        input_seconds=modelled.input_seconds * slower,
        cached_seconds=modelled.cached_seconds * slower,
        output_seconds=modelled.output_seconds * slower,
        tokens_per_second=modelled.tokens_per_second / slower,
        output_per_second=modelled.output_per_second / slower,
    )


def configuration(resolved: Deployment) -> Configuration:
    """Return the configuration of a resolved deployment: the catalog's records, overridden by the scenario.

    Parameters
    ----------
    resolved
        A resolved scenario.

    Raises
    ------
    CatalogError
        If a record that the scenario leaves to the catalog is missing.
    """
    return Configuration(
        shape=shape(resolved.source()),
        machine=_machine(resolved),
        engine=_engine(resolved),
        layout=layout_of(resolved.layout),
        precision=resolved.stored().precision(),
    )


def remarks_of(resolved: Deployment) -> tuple[str, ...]:
    """Return remarks on a deployment's figures: substitutes for missing records, and formats that the chip lacks.

    Parameters
    ----------
    resolved
        A scenario, resolved or as written.
    """
    model, engine = shape(resolved.source()), resolved.engine.name
    found = [*model.notes, *resolved.stored().remarks(model, catalog_accelerator(resolved.accelerator).__contains__)]
    if engine != POOLED:
        found += [profile(engine).remark, reserve_remark(engine)]
    return tuple(filter(None, found))


def _machine(resolved: Deployment) -> Machine:
    """Return the catalog's machine, overridden by the scenario."""
    chip, reached = resolved.chip, resolved.engine
    recorded = machine_of(resolved.accelerator, resolved.stored(), scores=resolved.attention_precision)
    rates = _given({"peak": chip.peak, "share": reached.compute_share})
    changes: dict[str, Any] = {
        "scores_peak": chip.attention_peak,
        "scores_share": reached.attention_share,
        "bandwidth": chip.bandwidth,
        "memory": chip.memory,
        "memory_share": reached.memory_share,
        "cache_share": reached.memory_share,
        "scale_up_bandwidth": chip.scale_up_bandwidth,
        "scale_up_domain": chip.scale_up_domain,
        "scale_out_bandwidth": chip.scale_out_bandwidth,
    }
    for part in PARTS:
        if part != "head":
            changes[part] = replace(recorded.rate(part), **rates)
    return replace(recorded, **_given(changes))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that are not absent."""
    return {name: value for name, value in values.items() if value is not None}


def _engine(resolved: Deployment) -> Engine:
    """Return the profile of the engine, overridden by the scenario; an installation's deviation moves all its times."""
    given = resolved.engine
    times = ("prefill_factor", "decode_factor", "host_time", "launch_time")
    found = replace(
        profile(given.name).engine(),
        memory_use=given.memory_use,
        held_steps=given.held_steps,
        reserve=reserve(given.name, resolved.accelerator),
        older_reserve=older_reserve(given.name, resolved.accelerator),
        **_given({name: getattr(given, name) for name in times}),
    )
    slower = {name: getattr(found, name) * given.deviation for name in times}
    return replace(found, **slower)


def layout_of(given: LayoutInputs) -> Layout:
    """Return the layout of the serving model from a scenario's table.

    Parameters
    ----------
    given
        Numbers, or one vector of draws for each.
    """
    return Layout(
        tensor=float(given.tensor),
        expert=float(given.expert),
        pipeline=float(given.pipeline),
        micro_batches=float(given.micro_batches),
        overlap=given.overlap,
        dimensions=float(given.dimensions),
    )


def traffic_of(resolved: Deployment) -> Traffic:
    """Return the traffic of a resolved deployment.

    Parameters
    ----------
    resolved
        A resolved scenario.
    """
    workload, draft = resolved.workload, resolved.draft
    return Traffic(
        mean_input=workload.mean_input,
        mean_output=workload.mean_output,
        variation_input=workload.variation_input,
        variation_output=workload.variation_output,
        correlation=workload.correlation,
        cached_share=workload.cached_share,
        chunk=resolved.chunk,
        draft=Draft(tokens=draft.tokens, acceptance=draft.acceptance, cost=draft.cost),
    )


def _or(given: Numeric | None, default: float) -> Numeric:
    return default if given is None else given
