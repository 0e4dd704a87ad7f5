"""A population of agents as token demand."""

import numpy as np
import pytest

import costmodel
from costmodel.foundation.errors import DomainError
from costmodel.market.agent_population import AgentPopulation, network_acts, run_population, tokens_of_act


@pytest.mark.closed_form
def test_a_population_multiplies_owners_agents_activity_and_tokens():
    # 17,000 owners × 88 agents, half of them active, four acts a day, 10,000 tokens an act, half a dollar a million
    written = {"owners": 17e3, "agents_per_owner": 88.0, "active_share": 0.5, "activity": 4 * 365.25}
    result = run_population(AgentPopulation(name="p", prompt_tokens=1e4, price=5e-7, **written).resolve())
    assert result.active_agents == 17_000 * 88 / 2
    assert result.tokens == pytest.approx(17_000 * 88 / 2 * 1461 * 10_000, rel=1e-14)
    assert result.user_spend == pytest.approx(17_000 * 88 / 2 * 1461 * 0.005, rel=1e-14)
    called = AgentPopulation(name="p", prompt_tokens=1e3, written_tokens=500.0, turns=2.0, contagion=0.75, **written)
    more = run_population(called.resolve())
    assert more.acts == pytest.approx(4 * 17_000 * 88 / 2 * 1461, rel=1e-12)
    assert more.tokens_per_act == 1000 + 1500 + 2 * 500
    assert np.isnan(more.user_spend)


@pytest.mark.contract
def test_the_built_in_network_runs_and_a_cascade_without_end_is_refused():
    result = costmodel.run("moltbook-agents", draws=500, rng=0)
    low, high = np.quantile(result.tokens, [0.05, 0.95])
    assert 1e11 < low < high < 1e15
    assert np.all(result.user_spend == pytest.approx(result.tokens * 5e-7))
    with pytest.raises(DomainError, match="contagion"):
        costmodel.load_scenario("moltbook-agents").replace({"contagion": 1.0})


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.agent_population:tokens_of_act")
def test_resent_context_grows_with_the_square_of_turns():
    # three turns: reads 2000, 2500, 3000 and writes 500 each
    assert tokens_of_act(2000.0, 500.0, 3.0, 1.0) == 2000 + 2500 + 3000 + 3 * 500
    assert tokens_of_act(2000.0, 500.0, 3.0, 0.0) == 2000 + 3 * 500


@pytest.mark.closed_form
@pytest.mark.reference("costmodel.market.agent_population:network_acts")
def test_comments_per_post_set_the_size_of_cascades():
    # 250,000 posts and 8.5 M comments: contagion is the comments' share, and the total comes back
    posts, comments = 250_000, 8_500_000
    assert network_acts(1.0, posts, comments / (posts + comments)) == pytest.approx(posts + comments, rel=1e-12)
    assert network_acts(10.0, 3.0, 0.0) == 30.0


@pytest.mark.closed_form
def test_a_cascade_that_hardly_ends_is_very_large_and_finite() -> None:
    """Next to a contagion of 1 an act brings nearly endless others: it counts as one of 1 - 1e-12."""
    assert float(network_acts(100.0, 10.0, 0.5)) == 2000.0
    assert float(network_acts(100.0, 10.0, np.nextafter(1.0, 0.0))) == pytest.approx(1e3 / 1e-12, rel=1e-3)
