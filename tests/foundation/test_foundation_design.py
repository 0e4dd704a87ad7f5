"""Designs: seeds, blocks, strata, correlation."""

from __future__ import annotations

import numpy as np
import pytest

from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.design import Design, copula_factor, seed_of
from costmodel.foundation.errors import DomainError, ScenarioError

pytestmark = pytest.mark.contract


class Names:
    def __init__(self, *paths: str, pairs: tuple[tuple[str, str, float], ...] = ()) -> None:
        self.paths, self.pairs = paths, pairs

    def uncertain_paths(self) -> tuple[str, ...]:
        return self.paths

    def rank_correlations(self) -> tuple[tuple[str, str, float], ...]:
        return self.pairs


def test_a_design_has_as_many_blocks_as_hold_its_draws() -> None:
    for draws, count in ((1, 1), (BLOCK, 1), (BLOCK + 1, 2), (3 * BLOCK, 3)):
        assert Design(("a",), "random", 0, draws).blocks == count


def test_same_seed_same_draws_and_zero_is_a_seed() -> None:
    one, two = (Design.random(Names("a", "b"), 100, rng=0).ranks() for _ in range(2))
    assert np.array_equal(one["a"], two["a"])
    assert not np.array_equal(one["a"], Design.random(Names("a"), 100, rng=1).ranks()["a"])
    assert seed_of(None) != seed_of(None)
    assert seed_of(np.random.default_rng(3)) == seed_of(np.random.default_rng(3))


def test_adding_a_parameter_leaves_the_others_alone() -> None:
    alone = Design.random(Names("a"), 50, rng=7).ranks()["a"]
    assert np.array_equal(alone, Design.random(Names("z", "a", "b"), 50, rng=7).ranks()["a"])


@pytest.mark.parametrize("make", [Design.random, Design.latin_hypercube, Design.sobol])
def test_blocks_join_to_the_whole(make) -> None:
    design = make(Names("a", "b", pairs=(("a", "b", 0.5),)), BLOCK + 10, rng=2)
    whole = design.ranks()["b"]
    parts = [design.ranks(i)["b"][: design.block_draws(i)] for i in range(design.blocks)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert len(whole) == BLOCK + 10 and whole.min() > 0 and whole.max() < 1


def test_latin_hypercube_fills_every_stratum() -> None:
    ranks = Design.latin_hypercube(Names("a"), 1000, rng=0).ranks()["a"]
    assert sorted(np.floor(ranks * 1000).astype(int)) == list(range(1000))


def test_rank_correlation_is_met() -> None:
    from scipy.stats import spearmanr

    ranks = Design.random(Names("a", "b", "c", pairs=(("a", "b", -0.7),)), 40000, rng=5).ranks()
    assert abs(spearmanr(ranks["a"], ranks["b"]).statistic + 0.7) < 0.01
    assert abs(spearmanr(ranks["a"], ranks["c"]).statistic) < 0.02


def test_refusals() -> None:
    with pytest.raises(ScenarioError, match="contradict"):
        Design.random(Names("a", "b", "c", pairs=(("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", -0.9))), 5)
    with pytest.raises(ScenarioError, match="not a distribution"):
        Design.random(Names("a", pairs=(("a", "q", 0.5),)), 5)
    for draws in (0, -1, True, 2.5):
        with pytest.raises(DomainError, match="draws"):
            Design.random(Names("a"), draws)
    for rng in (-1, True, "0"):
        with pytest.raises(DomainError, match="rng"):
            Design.random(Names("a"), 5, rng=rng)
    with pytest.raises(DomainError, match="block 3"):
        Design.random(Names("a"), 5, rng=0).ranks(3)
    with pytest.raises(DomainError, match="ranks"):
        Design.from_ranks({"a": [0.5, 1.5]})


def test_blocks_of_a_parameter_are_one_stream_of_its_own_counter() -> None:
    import hashlib

    key = np.frombuffer(hashlib.blake2b(b"7|chips.price", digest_size=16).digest(), dtype=np.uint64)
    stream = np.random.Generator(np.random.Philox(key=key)).random(3 * BLOCK)
    whole = Design.random(Names("chips.price"), 3 * BLOCK, rng=7).ranks()["chips.price"]
    np.testing.assert_allclose(whole, stream, rtol=0, atol=2.0**-52)


def test_sobol_blocks_are_the_sequence_of_scipy() -> None:
    from scipy.stats import qmc

    design = Design.sobol(Names("a", "b", "c"), 2 * BLOCK, rng=3)
    points = qmc.Sobol(3, scramble=True, seed=np.random.default_rng(3)).random(2 * BLOCK)
    for column, path in enumerate("abc"):
        np.testing.assert_allclose(design.ranks()[path], points[:, column], rtol=0, atol=2.0**-52)


def test_a_pair_has_the_gaussian_correlation_of_its_rank_correlation() -> None:
    for rank in (-0.9, 0.3, 0.5):
        rho = 2.0 * np.sin(np.pi * rank / 6.0)
        factor = copula_factor(["a", "b", "c"], [("c", "a", rank)])
        np.testing.assert_allclose(factor @ factor.T, [[1.0, rho], [rho, 1.0]], rtol=1e-14)
    for rank in (1.0, -1.0, 1.5):
        with pytest.raises(DomainError, match=r"a number between -1 and 1"):
            copula_factor(["a", "b"], [("a", "b", rank)])
    with pytest.raises(DomainError, match="two paths"):
        copula_factor(["a"], [("a", "a", 0.5)])


def test_every_draw_of_a_hypercube_or_sequence_lies_inside() -> None:
    for make in (Design.latin_hypercube, Design.sobol):
        ranks = make(Names("a"), 64, rng=0).ranks()["a"]
        assert ranks.min() > 0.0 and ranks.max() < 1.0
    sequence = np.sort(Design.sobol(Names("a"), 64, rng=0).ranks()["a"])
    assert np.floor(sequence * 64).astype(int).tolist() == list(range(64))


def test_a_generator_becomes_four_words_of_its_stream() -> None:
    words = np.random.default_rng(3).integers(0, 2**32, size=4, dtype=np.uint64)
    assert seed_of(np.random.default_rng(3)) == sum(int(word) << (32 * place) for place, word in enumerate(words))
    assert seed_of(np.random.SeedSequence(5)) == seed_of(np.random.default_rng(np.random.SeedSequence(5)))
    assert seed_of(2**70) == 2**70
