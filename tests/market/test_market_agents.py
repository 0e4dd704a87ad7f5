"""Agent populations as token demand."""

import pytest

from costmodel.market.agents import agent_tokens, mixed_intensity, network_acts, reasoning_intensity, tokens_of_act

pytestmark = pytest.mark.closed_form


@pytest.mark.reference("costmodel.market.agents:agent_tokens")
def test_agent_tokens_multiply_owners_agents_activity_and_tokens():
    # 17,000 owners × 88 agents, half of them active, four acts a day, 10,000 tokens an act
    assert agent_tokens(17e3, 88.0, 0.5, 4 * 365.25, 1e4) == pytest.approx(17_000 * 88 / 2 * 1461 * 10_000, rel=1e-14)


@pytest.mark.reference("costmodel.market.agents:tokens_of_act")
def test_resent_context_grows_with_the_square_of_turns():
    # three turns: reads 2000, 2500, 3000 and writes 500 each
    assert tokens_of_act(2000.0, 500.0, 3.0, 1.0) == 2000 + 2500 + 3000 + 3 * 500
    assert tokens_of_act(2000.0, 500.0, 3.0, 0.0) == 2000 + 3 * 500


@pytest.mark.reference("costmodel.market.agents:mixed_intensity")
def test_mixed_intensity_is_the_average_task():
    assert mixed_intensity(0.3, 0.1, 4.0, 15.0) == pytest.approx(0.6 * 1 + 0.3 * 4 + 0.1 * 15, rel=1e-14)
    assert mixed_intensity(0.0, 0.0, 4.0, 15.0) == 1.0


@pytest.mark.reference("costmodel.market.agents:network_acts")
def test_comments_per_post_set_the_size_of_cascades():
    # 250,000 posts and 8.5 M comments: contagion is the comments' share, and the total comes back
    posts, comments = 250_000, 8_500_000
    assert network_acts(1.0, posts, comments / (posts + comments)) == pytest.approx(posts + comments, rel=1e-12)
    assert network_acts(10.0, 3.0, 0.0) == 30.0


@pytest.mark.reference("costmodel.market.agents:reasoning_intensity")
def test_reasoning_multiplies_only_what_is_written():
    # 1,500 tokens read and 500 written; half of the tasks write eight times as much
    assert reasoning_intensity(0.5, 0.25, 8.0) == pytest.approx((2000 + (1500 + 8 * 500)) / 2 / 2000, rel=1e-14)
    assert reasoning_intensity(0.0, 0.25, 8.0) == 1.0
