"""Engine profiles: factors and host times of vLLM, SGLang and TensorRT-LLM, fitted once on stated rows.

A profile is two factors and the host's two times, with the error on groups of rows that were left out of the fit in
turn. It is fitted on Hopper and used on every chip; an engine without a profile takes the pooled one, with a remark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from costmodel.catalog import table
from costmodel.foundation.distributions import Distribution
from costmodel.serving.configuration import Engine
from costmodel.serving.engine_versions import engine_version

_TABLE = "engines"
POOLED = "pooled"
"""Name of the profile over all engines."""
EIGHTY_PERCENT = 1.2815515655446004
"""Standard deviations from the median to the 90 % quantile of a normal distribution [1]."""
NINETY_PERCENT = 1.6448536269514722
"""Standard deviations from the median to the 95 % quantile of a normal distribution [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A fitted engine.

    Parameters
    ----------
    name
        Engine, or ``"pooled"``.
    prefill_factor, decode_factor, host_time, launch_time
        As in :class:`~costmodel.serving.configuration.Engine`.
    spread, first_token_spread
        Standard deviation of the logarithm of measured over predicted time per output token, and time to first token,
        on groups left out of the fit in turn [1].
    error
        Median absolute error of the time per output token on those groups [1].
    rows
        Rows of the fit [1].
    fitted_on
        Description of these rows.
    versions
        Versions of the engine among these rows.
    remark
        Remark on this profile for the user; empty where it is the engine's own.
    """

    name: str
    prefill_factor: float
    decode_factor: float
    host_time: float
    launch_time: float
    spread: float
    first_token_spread: float
    error: float
    rows: int
    fitted_on: str
    versions: str
    remark: str = ""

    def engine(self, memory_use: float = 0.9) -> Engine:
        """Return the engine at the profile's values.

        Parameters
        ----------
        memory_use
            Share of memory given to weights and cache, 0 < s < 1 [1].
        """
        return Engine(
            prefill_factor=self.prefill_factor,
            decode_factor=self.decode_factor,
            host_time=self.host_time,
            launch_time=self.launch_time,
            memory_use=memory_use,
        )

    def deviation(self) -> Distribution:
        """Return the distribution of an installation's times over the profile's: lognormal around 1 [1]."""
        factor = float(np.exp(NINETY_PERCENT * self.spread))
        # built as it is parsed, without the inverse normal that checking its support would import
        return Distribution("lognormal", (("p5", 1.0 / factor), ("p95", factor)))


def engine_names() -> tuple[str, ...]:
    """Return the engines that have a profile, the pooled one last.

    Examples
    --------
    >>> engine_names()
    ('vllm', 'sglang', 'trtllm', 'pooled')
    """
    return tuple(table(_TABLE))


@cache
def profile(name: str = POOLED) -> Profile:
    """Return the profile of an engine, or the pooled one.

    Parameters
    ----------
    name
        Engine: ``"vllm"``, ``"sglang"``, ``"trtllm"``, also with a version; any other name gives the pooled profile
        with a remark.

    Examples
    --------
    >>> profile("vllm").name, profile("tgi").name
    ('vllm', 'pooled')
    >>> profile("tgi").remark
    "no profile of the engine 'tgi': the pooled profile of vllm, sglang, trtllm is used"
    """
    records = table(_TABLE)
    known = next((one for one in (name, engine_version(name)[0]) if one in records), POOLED)
    record = records[known]
    others = ", ".join(other for other in records if other != POOLED)
    numbers = (
        "prefill_factor",
        "decode_factor",
        "host_time",
        "launch_time",
        "spread",
        "first_token_spread",
        "error",
    )
    return Profile(
        name=known,
        **{field: record.value(field) for field in numbers},
        rows=round(record.value("rows")),
        fitted_on=record.text("fitted_on"),
        versions=record.text("versions"),
        remark=""
        if known != POOLED or name == POOLED
        else f"no profile of the engine {name!r}: the pooled profile of {others} is used",
    )
