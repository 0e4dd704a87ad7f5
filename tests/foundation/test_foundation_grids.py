"""Large grids: the smallest arrays that broadcast to them, and pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from costmodel.compute import activation_bytes, block_time, blocks, machine, shape, training_state_bytes
from costmodel.compute.precision import by_part
from costmodel.compute.roofline import product_time
from costmodel.foundation import grids
from costmodel.foundation.errors import DomainError
from costmodel.foundation.grids import LARGE, PIECE, compacted, factored, in_pieces, spread

RNG = np.random.default_rng(1)
AXES = np.broadcast_arrays(
    np.geomspace(1.0, 4096.0, 40).reshape(-1, 1, 1),
    np.array([0.5, 1.0, 2.0]).reshape(1, -1, 1),
    np.geomspace(1.0, 64.0, 300).reshape(1, 1, -1),
)
BATCH, WIDTH, CHIPS = (np.ascontiguousarray(axis) for axis in AXES)
MIXED = [axis.reshape(-1)[RNG.permutation(BATCH.size)] for axis in (BATCH, WIDTH, CHIPS)]


@pytest.mark.closed_form
def test_repeats_along_an_axis_are_left_out() -> None:
    assert compacted(BATCH).shape == (40, 1, 1)
    assert compacted(WIDTH).shape == (1, 3, 1)
    assert np.array_equal(np.broadcast_to(compacted(CHIPS), CHIPS.shape), CHIPS)
    odd = BATCH.copy()
    odd[7, 2, 299] += 1.0  # a single entry that differs keeps its axes
    assert compacted(odd).shape == odd.shape
    assert np.array_equal(compacted(np.full((300, 200), np.nan)), np.full((300, 200), np.nan), equal_nan=True)
    small = np.ones((3, 3))
    assert compacted(small) is small


@pytest.mark.closed_form
def test_a_result_has_the_shape_of_the_grid_and_may_be_written() -> None:
    found = spread(compacted(BATCH), BATCH)
    assert found.shape == BATCH.shape
    found[0, 0, 0] = 5.0
    assert spread(3.0, 2.0) == 3.0


@pytest.mark.closed_form
def test_the_function_sees_few_entries_of_a_grid_and_pieces_of_scattered_points() -> None:
    seen: list[int] = []

    def product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        seen.append(np.broadcast(one, other).size)
        return one * other

    assert np.array_equal(in_pieces(product)(BATCH, WIDTH), BATCH * WIDTH)
    assert seen == [120]
    seen.clear()
    assert np.array_equal(in_pieces(product)(*MIXED[:2]), MIXED[0] * MIXED[1])
    assert max(seen) == PIECE
    assert sum(seen) == BATCH.size > LARGE
    seen.clear()
    assert np.array_equal(in_pieces(product, lambda: True)(*MIXED[:2]), MIXED[0] * MIXED[1])
    assert seen == [BATCH.size]


@pytest.mark.contract
@pytest.mark.parametrize("axes", [(BATCH, WIDTH, CHIPS), MIXED], ids=["grid", "scattered"])
@pytest.mark.parametrize("varied", [False, True], ids=["one chip", "a chip of many bandwidths"])
def test_a_layer_takes_as_long_on_a_grid_as_point_by_point(axes: tuple[np.ndarray, ...], varied: bool) -> None:
    batch, width, chips = axes
    chip = machine("H100-SXM", scale_out_bandwidth=50e9)
    if varied:
        chip = replace(chip, bandwidth=chip.bandwidth * np.linspace(0.5, 1.0, batch.size).reshape(batch.shape))
    model = shape("DeepSeek-V3")
    whole = [block_time(chip, block, batch, batch, by_part(width)) for block in blocks(model, batch, chips)]
    reduced = chip.all_reduce(batch * 4096.0, chips)
    for place in (0, 17_003, batch.size - 1):
        one, wide, of = (axis.flat[place] for axis in axes)
        alone = replace(chip, bandwidth=chip.bandwidth.flat[place]) if varied else chip
        expected = [block_time(alone, block, one, one, by_part(wide)) for block in blocks(model, one, of)]
        assert [time.flat[place] for time in whole] == pytest.approx(expected, rel=1e-13)
        assert reduced.flat[place] == pytest.approx(float(chip.all_reduce(one * 4096.0, of)), rel=1e-13)


@pytest.mark.contract
def test_a_formula_computes_the_same_on_arrays_of_several_shapes() -> None:
    rest = (7168.0, 18432.0, 1.0, 1.0, 1.0, 2e15, 3e12, 0.7, 0.9, 300.0, 64.0, 1e6, 4e-6)
    flat = np.geomspace(1.0, 4096.0, 50_000)
    tall = np.array([[1.0], [2.0]])
    found = product_time(flat, tall * 7168.0, *rest[1:])
    assert found.shape == (2, 50_000)
    assert found[1, 40_000] == pytest.approx(float(product_time(flat[40_000], 2.0 * 7168.0, *rest[1:])), rel=1e-13)
    halves = product_time(flat.astype(np.float32), *rest)
    assert halves.dtype == np.float64


@pytest.mark.contract
def test_an_array_that_stands_for_several_arguments_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[int] = []

    def counted(array: object) -> object:
        examined.append(id(array))
        return compacted(array)

    monkeypatch.setattr(grids, "compacted", counted)
    training_state_bytes(37e9, WIDTH, WIDTH, 12.0, CHIPS, CHIPS, CHIPS)
    assert examined.count(id(WIDTH)) == examined.count(id(CHIPS)) == 1


@pytest.mark.closed_form
def test_a_factor_is_left_whole() -> None:
    seen: list[tuple[object, ...]] = []

    def share(tokens: np.ndarray, chips: np.ndarray) -> np.ndarray:
        seen.append((np.size(tokens), chips.size))
        return tokens * (3.0 + 1.0 / chips)

    tokens = np.linspace(1.0, 2.0, BATCH.size).reshape(BATCH.shape)
    assert np.array_equal(factored(share)(tokens, CHIPS), tokens * (3.0 + 1.0 / CHIPS))
    assert seen == [(1, 300)]
    found = factored(share)(
        2.0, CHIPS
    )  # the result has the grid's shape where the factor is a number, and may be written
    found[0, 0, 0] = 5.0
    assert np.array_equal(found[1], 2.0 * (3.0 + 1.0 / CHIPS[1]))
    seen.clear()
    assert np.array_equal(factored(share)(MIXED[0], MIXED[2]), MIXED[0] * (3.0 + 1.0 / MIXED[2]))
    assert seen == [(BATCH.size, BATCH.size)]
    assert np.array_equal(factored(share)(tokens=MIXED[0], chips=MIXED[2]), MIXED[0] * (3.0 + 1.0 / MIXED[2]))


@pytest.mark.closed_form
@pytest.mark.parametrize("computed", [factored, in_pieces])
def test_what_is_given_by_name_beside_a_grid_counts(computed: Any) -> None:
    def cost(tokens: np.ndarray, chips: np.ndarray, *, overhead: float = 1.0) -> np.ndarray:
        return tokens * (chips + overhead)

    assert np.array_equal(computed(cost)(BATCH, CHIPS), BATCH * (CHIPS + 1.0))
    assert np.array_equal(computed(cost)(BATCH, CHIPS, overhead=5.0), BATCH * (CHIPS + 5.0))


@pytest.mark.contract
@pytest.mark.parametrize("recompute", ["none", "selective", "full"])
def test_activations_of_a_grid_are_those_of_its_points(recompute: str) -> None:
    model = shape("DeepSeek-V3")
    for batch, chips in ((BATCH, CHIPS), (MIXED[0], MIXED[2])):
        whole = activation_bytes(model, batch * 4096.0, batch, chips, recompute)
        for place in (0, 17_003, batch.size - 1):
            one, of = float(batch.flat[place]), float(chips.flat[place])
            assert whole.flat[place] == activation_bytes(model, one * 4096.0, one, of, recompute)


@pytest.mark.contract
def test_a_user_s_grid_is_held_against_the_ranges() -> None:
    sizes = (37e9, WIDTH, WIDTH, 12.0)
    low = CHIPS.copy()
    low[..., 7] = 0.25
    with pytest.raises(DomainError, match=r"weight_shards = 0\.25 is outside its range, at least 1"):
        training_state_bytes(*sizes, low, CHIPS, CHIPS)
    with pytest.raises(DomainError, match=r"training_state_bytes: has no finite value at .*, gradient_shards = 1,"):
        training_state_bytes(1e308, WIDTH, WIDTH, 12.0, CHIPS, CHIPS, CHIPS)
    odd = CHIPS.copy()
    odd[39, 2, 299] = 0.5  # a single entry
    with pytest.raises(DomainError, match=r"optimizer_shards = 0\.5 is outside"):
        training_state_bytes(*sizes, CHIPS, CHIPS, odd)
