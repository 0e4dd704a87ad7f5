"""Designs: the rank of every uncertain parameter in every draw.

A design records its paths in order, its method, its seed and its number of draws, and is part of every result.
Random designs use one counter-addressed stream per parameter *name*: adding a parameter does not change the draws of
others, any block can be drawn alone, and scenarios share draws. Latin hypercube designs need
memory for one permutation per parameter, O(draws). Sobol' dimensions follow the recorded order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np

from costmodel.foundation.arrays import FloatArray, ordered_sum, readonly
from costmodel.foundation.blocks import BLOCK
from costmodel.foundation.budgets import MAX_DRAWS, check_memory
from costmodel.foundation.errors import DomainError, ScenarioError

RandomSource: TypeAlias = "int | np.random.Generator | np.random.SeedSequence | None"
"""Accepted values of ``rng``: an integer seed (0 is one), a generator, a seed sequence, or None for fresh entropy."""

METHODS = ("random", "latin_hypercube", "sobol", "given")
_WORDS_PER_COUNTER = 4
"""64-bit words per count of the Philox generator [1]."""
_HALF_ULP = 2.0**-54
"""Half the spacing of the generator's uniform numbers, added so that a rank is never 0."""


class Uncertain(Protocol):
    """An object that lists its uncertain paths and their correlations, from which a design is made."""

    def uncertain_paths(self) -> tuple[str, ...]:
        """Return the paths that are distributions, in declared order."""
        ...

    def rank_correlations(self) -> tuple[tuple[str, str, float], ...]:
        """Return pairs of paths with their rank correlation."""
        ...


@dataclass(frozen=True, slots=True)
class Design:
    """Ranks of the uncertain parameters of a scenario.

    Parameters
    ----------
    paths
        Dotted paths in recorded order.
    method
        random, latin_hypercube, sobol or given.
    seed
        Non-negative integer; the same seed gives the same draws.
    draws
        Number of draws, at least 1.
    correlations
        Pairs of paths with their rank (Spearman) correlation, by Gaussian copula.
    given
        Ranks of a ``given`` design, shape ``(path, draw)``.

    Examples
    --------
    >>> design = Design(("a", "b"), "random", seed=0, draws=3)
    >>> design.ranks()["a"].shape
    (3,)
    >>> bool((Design(("a",), "random", 0, 3).ranks()["a"] == design.ranks()["a"]).all())
    True
    """

    paths: tuple[str, ...]
    method: str
    seed: int
    draws: int
    correlations: tuple[tuple[str, str, float], ...] = ()
    given: FloatArray | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ScenarioError(f"unknown design method {self.method!r}: allowed are {', '.join(METHODS)}")
        if isinstance(self.draws, bool) or not isinstance(self.draws, int | np.integer) or self.draws < 1:
            raise DomainError(f"draws must be a whole number of at least 1; got {self.draws!r}")
        if self.draws > MAX_DRAWS:
            raise DomainError(f"draws must be at most {MAX_DRAWS:,}; got {self.draws:,}")
        if len(set(self.paths)) != len(self.paths):
            raise ScenarioError("a path occurs twice in the design")
        copula_factor(self.paths, self.correlations)

    @classmethod
    def random(cls, scenario: Uncertain, draws: int, rng: RandomSource = None) -> Design:
        """Return a design of independent random draws, up to the scenario's rank correlations."""
        return cls(scenario.uncertain_paths(), "random", seed_of(rng), draws, scenario.rank_correlations())

    @classmethod
    def latin_hypercube(cls, scenario: Uncertain, draws: int, rng: RandomSource = None) -> Design:
        """Return a design with one draw in each of ``draws`` equal strata of every parameter; O(draws) memory."""
        return cls(scenario.uncertain_paths(), "latin_hypercube", seed_of(rng), draws, scenario.rank_correlations())

    @classmethod
    def sobol(cls, scenario: Uncertain, draws: int, rng: RandomSource = None) -> Design:
        """Return a scrambled Sobol' design; balanced if ``draws`` is a power of two."""
        return cls(scenario.uncertain_paths(), "sobol", seed_of(rng), draws, scenario.rank_correlations())

    @classmethod
    def from_ranks(cls, ranks: Mapping[str, Any]) -> Design:
        """Return a design of ranks chosen by the caller (a screening or a pick-freeze design).

        Raises
        ------
        DomainError
            If ranks are not of equal length, or not between 0 and 1.
        """
        table = readonly(np.array([np.asarray(column, dtype=np.float64) for column in ranks.values()]))
        if table.ndim != 2 or not bool(((table >= 0) & (table <= 1)).all()):
            raise DomainError("ranks must be vectors of equal length with values between 0 and 1")
        return cls(tuple(ranks), "given", 0, table.shape[1], (), table)

    @property
    def blocks(self) -> int:
        """Number of canonical blocks."""
        return -(-self.draws // BLOCK)

    def block_draws(self, block: int) -> int:
        """Return the number of a block's draws without padding; only the last block has padding."""
        return min(BLOCK, self.draws - block * BLOCK)

    def ranks(self, block: int | None = None) -> dict[str, FloatArray]:
        """Return the ranks by path: of one canonical block, padded to its full size, or of all draws.

        Raises
        ------
        DomainError
            If there is no such block.
        """
        if block is None:
            check_memory(float(self.draws) * len(self.paths), f"a design of {self.draws:,} draws", "ask for fewer")
            return {path: row[: self.draws] for path, row in self._all_blocks().items()}
        if not 0 <= block < self.blocks:
            raise DomainError(f"block {block} does not exist: the design has {self.blocks}")
        return correlated(self._independent(block), self.correlations)

    def _all_blocks(self) -> dict[str, FloatArray]:
        parts = [self.ranks(block) for block in range(self.blocks)]
        return {path: np.concatenate([part[path] for part in parts]) for path in self.paths}

    def _independent(self, block: int) -> dict[str, FloatArray]:
        """Return the ranks of a block before correlation."""
        if self.method == "random":
            return {path: _stream(self.seed, path, block) for path in self.paths}
        if self.method == "sobol":
            table = _sobol_block(len(self.paths), self.seed, block)
            return {path: table[:, i] for i, path in enumerate(self.paths)}
        first, count = block * BLOCK, self.block_draws(block)
        rows: dict[str, FloatArray] = {}
        for i, path in enumerate(self.paths):
            column = self.given[i] if self.given is not None else _strata(self.seed, path, self.draws)
            rows[path] = np.full(BLOCK, 0.5)
            rows[path][:count] = column[first : first + count]
        return rows


def seed_of(rng: RandomSource) -> int:
    """Return the integer seed of ``rng``, which is recorded so that a run can be repeated.

    Raises
    ------
    DomainError
        If ``rng`` is negative, a bool, or not a source of randomness.

    Examples
    --------
    >>> seed_of(0)
    0
    """
    if isinstance(rng, bool) or (isinstance(rng, int | np.integer) and rng < 0):
        raise DomainError(f"rng must be a seed of at least 0; got {rng!r}")
    if isinstance(rng, int | np.integer):
        return int(rng)
    if rng is None or isinstance(rng, np.random.Generator | np.random.SeedSequence):
        words = np.random.default_rng(rng).integers(0, 2**32, size=4, dtype=np.uint64)
        return int(sum(int(word) << (32 * i) for i, word in enumerate(words)))
    raise DomainError(f"rng must be a whole number, a numpy Generator, a SeedSequence or None; got {rng!r}")


def _key(seed: int, path: str) -> Any:
    digest = hashlib.blake2b(f"{seed}|{path}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype=np.uint64)


def _stream(seed: int, path: str, block: int) -> FloatArray:
    """Return one block of a parameter's own counter-addressed stream."""
    generator = np.random.Philox(key=_key(seed, path))
    generator.advance(block * (BLOCK // _WORDS_PER_COUNTER))
    return np.random.Generator(generator).random(BLOCK) + _HALF_ULP


@lru_cache(maxsize=256)
def _strata(seed: int, path: str, draws: int) -> FloatArray:
    """Return a parameter's Latin hypercube ranks; cached, since all blocks share one permutation."""
    generator = np.random.Generator(np.random.Philox(key=_key(seed, path)))
    return readonly((generator.permutation(draws) + generator.random(draws) + _HALF_ULP) / draws)


def _sobol_block(dimensions: int, seed: int, block: int) -> FloatArray:
    from scipy.stats import qmc

    if dimensions == 0:
        return np.empty((BLOCK, 0))
    sampler = qmc.Sobol(dimensions, scramble=True, seed=np.random.default_rng(seed))
    if block:
        sampler.fast_forward(block * BLOCK)
    return np.asarray(np.clip(sampler.random(BLOCK), _HALF_ULP, 1.0 - _HALF_ULP))


def _involved(paths: Iterable[str], correlations: Sequence[tuple[str, str, float]]) -> list[str]:
    """Return the correlated paths sorted by name, so that the order of entries in a file does not change draws."""
    named = {path for a, b, _ in correlations for path in (a, b)}
    return sorted(path for path in paths if path in named)


def copula_factor(paths: Iterable[str], correlations: Sequence[tuple[str, str, float]]) -> FloatArray:
    """Return the lower Cholesky factor of the Gaussian copula of the correlated paths, in the order of their names.

    A rank (Spearman) correlation s corresponds to the Gaussian correlation 2 sin(pi s / 6).

    Raises
    ------
    ScenarioError
        If a path is not uncertain, or the correlations contradict each other.
    DomainError
        If a correlation is not strictly between -1 and 1.
    """
    pool = list(paths)
    involved = _involved(pool, correlations)
    matrix = np.eye(len(involved))
    for a, b, rank in correlations:
        for path in (a, b):
            if path not in pool:
                raise ScenarioError(f"correlation of {a!r} and {b!r}: {path!r} is not a distribution of this scenario")
        if a == b or not -1.0 < rank < 1.0:
            raise DomainError(
                f"correlation of {a!r} and {b!r} is {rank!r}; give two paths and a number between -1 and 1"
            )
        i, j = involved.index(a), involved.index(b)
        matrix[i, j] = matrix[j, i] = 2.0 * np.sin(np.pi * rank / 6.0)
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        raise ScenarioError(
            f"the rank correlations of {', '.join(involved)} contradict each other: no joint distribution has them all"
        ) from None


def correlated(ranks: dict[str, FloatArray], correlations: Sequence[tuple[str, str, float]]) -> dict[str, FloatArray]:
    """Return ranks with the given rank correlations, by Gaussian copula; uncorrelated ranks stay unchanged."""
    if not correlations:
        return ranks
    from scipy.special import ndtr, ndtri

    involved = _involved(ranks, correlations)
    factor = copula_factor(ranks, correlations)
    scores = [ndtri(ranks[path]) for path in involved]
    mixed = {
        path: np.asarray(ndtr(ordered_sum(factor[i, j] * scores[j] for j in range(i + 1))))
        for i, path in enumerate(involved)
    }
    return {**ranks, **mixed}
