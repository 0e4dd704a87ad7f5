"""Token demand of a population of agents: their number, how often they act, and tokens per act.

Public counts of an agent network show what agents write. Tokens also go into reading, and into checks that end without
a post. Each factor is a parameter of its own, with its own uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from costmodel.foundation.arrays import FloatArray, Numeric, as_array, formula
from costmodel.foundation.inputs import Parameter, parameter
from costmodel.foundation.results import Result, output
from costmodel.foundation.scenario import Scenario, register_model

_ALL_BUT_ALL = 1.0 - 1e-12
"""Upper limit on contagion [1]: at 1 a cascade has no mean size."""


@formula()
def tokens_of_act(prompt_tokens: Numeric, written_tokens: Numeric, turns: Numeric, resent_share: Numeric) -> Numeric:
    """Return the tokens of one act of several turns, where each turn sends the context again.

    Parameters
    ----------
    prompt_tokens
        Tokens read at the first turn, >= 0 [token].
    written_tokens
        Tokens written per turn, thinking included, >= 0 [token].
    turns
        Turns per act, >= 1 [1].
    resent_share
        Share of the earlier context that a turn reads again, 0 (kept on the server) to 1 [1].

    Returns
    -------
    Numeric
        Tokens read and written in the act [token].

    Notes
    -----
    Turn i has ``prompt + (i - 1)·written`` of context, of which ``resent_share`` is read again. Over n turns:
    ``prompt + n·written + resent · [(n - 1)·prompt + written·n(n - 1)/2]``.

    Examples
    --------
    >>> float(tokens_of_act(2000.0, 500.0, 1.0, 1.0))
    2500.0
    >>> float(tokens_of_act(2000.0, 500.0, 10.0, 1.0))
    47500.0
    """
    resent = (turns - 1.0) * prompt_tokens + written_tokens * turns * (turns - 1.0) / 2.0
    return prompt_tokens + turns * written_tokens + resent_share * resent


@formula()
def network_acts(agents: Numeric, activity: Numeric, contagion: Numeric) -> Numeric:
    """Return the acts per year in an agent network in which acts trigger further acts.

    Parameters
    ----------
    agents
        Active agents, >= 0 [1].
    activity
        Untriggered acts of an agent per year, >= 0 [1/year].
    contagion
        Acts that an act directly triggers in other agents on average, 0 to less than 1 [1].

    Returns
    -------
    Numeric
        Acts a year [1/year].

    Notes
    -----
    Untriggered acts start cascades of mean size ``1/(1 - contagion)``: a subcritical branching process. With posts as
    untriggered acts and comments as triggered ones, contagion is the share of comments in all acts.

    Examples
    --------
    >>> round(float(network_acts(100.0, 10.0, 0.9)), 6)
    10000.0
    """
    return agents * activity / (1.0 - np.minimum(contagion, _ALL_BUT_ALL))


class AgentPopulation(Scenario):
    """A population of agents, as a scenario.

    Examples
    --------
    >>> AgentPopulation(name="p", owners=17e3, agents_per_owner=88.0, activity=1461.0, prompt_tokens=1e4).turns
    1.0
    """

    model: Literal["agent_population"] = "agent_population"
    owners: Parameter = parameter("1", ge=0, description="People or firms that run agents.")
    agents_per_owner: Parameter = parameter("1", ge=0, description="Agents registered per owner.")
    active_share: Parameter = parameter("1", ge=0, le=1, default=1.0, description="Share of the agents that act.")
    activity: Parameter = parameter(
        "1/year", ge=0, description="Untriggered acts of an active agent: posts, tool calls, checks."
    )
    contagion: Parameter = parameter(
        "1", ge=0, lt=1, default=0.0, description="Acts that an act directly triggers in other agents."
    )
    prompt_tokens: Parameter = parameter("token", ge=0, description="Tokens read at the first turn of an act.")
    written_tokens: Parameter = parameter(
        "token", ge=0, default=0.0, description="Tokens written per turn, thinking included."
    )
    turns: Parameter = parameter("1", ge=1, default=1.0, description="Turns per act.")
    resent_share: Parameter = parameter(
        "1", ge=0, le=1, default=1.0, description="Share of the earlier context that a turn reads again."
    )
    price: Parameter = parameter(
        "USD/token", ge=0, optional=True, description="Average price paid per token, read or written."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPopulationResult(Result):
    """Token demand of a population of agents, and its owners' spend on tokens."""

    active_agents: FloatArray = output("1", label="active agents")
    acts: FloatArray = output("1/year", label="acts, with triggered ones")
    tokens_per_act: FloatArray = output("token", label="tokens read and written per act")
    tokens: FloatArray = output("token/year", label="tokens of the population")
    user_spend: FloatArray = output("USD/year", label="owners' spend on tokens", blank="where no token price is given")


def run_population(resolved: AgentPopulation) -> AgentPopulationResult:
    """Compute the token demand of a population of agents.

    Parameters
    ----------
    resolved
        Resolved inputs: floats or ``(draw,)`` arrays.

    Returns
    -------
    AgentPopulationResult
        Active agents [1], acts [1/year], tokens [token/year] and user spend [USD/year].

    Notes
    -----
    ``owners · agents/owner · active`` agents act ``activity/(1 - contagion)`` times a year each.

    Examples
    --------
    >>> population = AgentPopulation(
    ...     name="p", owners=17e3, agents_per_owner=88.0, active_share=0.5, activity=1461.0, prompt_tokens=1e4
    ... )
    >>> f"{float(run_population(population.resolve()).tokens):.3e}"
    '1.093e+13'
    """
    active = resolved.owners * resolved.agents_per_owner * resolved.active_share
    acts = network_acts(active, resolved.activity, resolved.contagion)
    tokens_each = tokens_of_act(resolved.prompt_tokens, resolved.written_tokens, resolved.turns, resolved.resent_share)
    tokens = acts * tokens_each
    return AgentPopulationResult(
        scenario=resolved,
        active_agents=active,
        acts=as_array(acts),
        tokens_per_act=as_array(tokens_each),
        tokens=as_array(tokens),
        user_spend=as_array(tokens * (np.nan if resolved.price is None else resolved.price)),
    )


register_model("agent_population", AgentPopulation, "costmodel.market.agent_population:run_population")
