"""Agents as token demand: how many there are, how often they act, how much an act takes."""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula()
def agent_tokens(
    owners: Numeric,
    agents_per_owner: Numeric,
    active_share: Numeric,
    acts_per_agent: Numeric,
    tokens_per_act: Numeric,
) -> Numeric:
    """Tokens of a population of agents.

    Parameters
    ----------
    owners
        People or firms that run agents, >= 0 [1].
    agents_per_owner
        Agents registered per owner, >= 0 [1].
    active_share
        Share of the agents that act at all, 0 to 1 [1].
    acts_per_agent
        Acts of an active agent in a year: posts, tool calls, look-ins, >= 0 [1/year].
    tokens_per_act
        Tokens read and written per act, >= 0 [token].

    Returns
    -------
    Numeric
        Token demand [token/year].

    Notes
    -----
    ``owners · agents/owner · active · acts · tokens/act``: five factors, each with its own uncertainty.

    Examples
    --------
    >>> f"{float(agent_tokens(17e3, 88.0, 0.5, 1461.0, 1e4)):.3e}"
    '1.093e+13'
    """
    return owners * agents_per_owner * active_share * acts_per_agent * tokens_per_act


@formula()
def tokens_of_act(prompt_tokens: Numeric, written_tokens: Numeric, turns: Numeric, resent_share: Numeric) -> Numeric:
    """Tokens of one act of several turns, where each turn sends the context again.

    Parameters
    ----------
    prompt_tokens
        Tokens read at the first turn, >= 0 [token].
    written_tokens
        Tokens written per turn, thinking included, >= 0 [token].
    turns
        Turns per act, >= 1 [1].
    resent_share
        Share of the context so far that a turn reads again, 0 (kept on the server) to 1 [1].

    Returns
    -------
    Numeric
        Tokens read and written in the act [token].

    Notes
    -----
    Turn i reads ``prompt + (i - 1)·written`` of context, of which the share is sent anew:
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
def mixed_intensity(
    agent_share: Numeric, multi_agent_share: Numeric, agent_multiple: Numeric, multi_agent_multiple: Numeric
) -> Numeric:
    """Tokens per task when some tasks move from chat to agents and to groups of agents.

    Parameters
    ----------
    agent_share
        Share of tasks done by a single agent, 0 to 1 [1].
    multi_agent_share
        Share of tasks done by several agents together, 0 to 1 less the other [1].
    agent_multiple
        Tokens of an agent's task over a chat's, >= 0; published: 4 [1].
    multi_agent_multiple
        Tokens of a multi-agent task over a chat's, >= 0; published: 15 [1].

    Returns
    -------
    Numeric
        Tokens per task over those of chat alone [1].

    Notes
    -----
    ``1 + a (m_a - 1) + b (m_b - 1)``.

    References
    ----------
    Anthropic, How we built our multi-agent research system (2025-06-13): agents about 4×, multi-agent systems
    about 15× the tokens of a chat.

    Examples
    --------
    >>> float(mixed_intensity(0.3, 0.1, 4.0, 15.0))
    3.3
    """
    return 1.0 + agent_share * (agent_multiple - 1.0) + multi_agent_share * (multi_agent_multiple - 1.0)


@formula()
def reasoning_intensity(reasoning_share: Numeric, output_share: Numeric, output_multiple: Numeric) -> Numeric:
    """Tokens per task when some tasks are thought through before they are answered.

    Parameters
    ----------
    reasoning_share
        Share of tasks done by a reasoning model, 0 to 1 [1].
    output_share
        Output tokens over all tokens of a task without reasoning, 0 to 1 [1].
    output_multiple
        Output tokens with reasoning over those without, >= 1; about 8 has been estimated [1].

    Returns
    -------
    Numeric
        Tokens per task over those without reasoning [1].

    Notes
    -----
    ``1 + s·o (m - 1)``: only what is written grows.

    Examples
    --------
    >>> float(reasoning_intensity(0.5, 0.25, 8.0))
    1.875
    """
    return 1.0 + reasoning_share * output_share * (output_multiple - 1.0)


@formula()
def network_acts(agents: Numeric, activity: Numeric, contagion: Numeric) -> Numeric:
    """Acts a year in an agent network where acts call forth acts.

    Parameters
    ----------
    agents
        Active agents, >= 0 [1].
    activity
        Acts of an agent a year on its own, >= 0 [1/year].
    contagion
        Acts that an act calls forth in others on average, 0 to less than 1 [1].

    Returns
    -------
    Numeric
        Acts a year [1/year].

    Notes
    -----
    Own acts start cascades of mean size ``1/(1 - contagion)``: a subcritical branching process. From posts and
    comments, contagion is the share of comments in all acts.

    Examples
    --------
    >>> round(float(network_acts(100.0, 10.0, 0.9)), 6)
    10000.0
    """
    return agents * activity / np.maximum(1.0 - contagion, 1e-12)
