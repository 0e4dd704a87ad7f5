"""``costmodel shape``: the figures of a model on the command line."""

from __future__ import annotations

import json
from functools import partial

import pytest


@pytest.fixture
def shown(command):
    """Run ``costmodel shape`` and return status, output and error."""
    return partial(command, "shape")


@pytest.mark.published
def test_llama_405b_has_its_parameters_cache_and_work(shown) -> None:
    # arXiv 2407.21783, table 3: 126 layers, 8 key-value heads of 128, vocabulary 128,256, width 16,384; 405 B
    _, out, _ = shown("Llama-3.1-405B", "--context", 1000, "--json")
    figures = json.loads(out)["figures"]
    assert figures["parameters"] == pytest.approx(405e9, rel=0.003)
    assert figures["active per token"] <= figures["parameters"]
    assert figures["in embedding tables"] == 2 * 128_256 * 16_384
    assert figures["cache of 1000 tokens"] == 1000 * 126 * 2 * 8 * 128 * 2
    assert figures["weights"] == 2 * figures["parameters"]
    assert figures["training, per token of such sequences"] == pytest.approx(6 * 405e9, rel=0.03)


@pytest.mark.published
def test_a_batch_of_a_mixture_touches_more_than_a_token_and_less_than_all(shown) -> None:
    # arXiv 2412.19437: 671 B parameters, 37 B active
    _, out, _ = shown("DeepSeek-V3", "--batch", 64, "--json")
    figures = json.loads(out)["figures"]
    assert figures["active per token"] == pytest.approx(37e9, rel=0.03)
    assert figures["active per token"] < figures["touched by 64 tokens"] < figures["parameters"]
    assert figures["weights read by 64 tokens"] < figures["weights"]
    _, out, _ = shown("DeepSeek-V3")
    assert "active per token" in out


@pytest.mark.contract
def test_an_unknown_model_is_one_line(shown) -> None:
    status, _, err = shown("Llama-3.1-406B")
    assert status == 2
    assert err.count("\n") == 1
