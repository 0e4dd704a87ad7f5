"""Find all sign changes of a function on a grid, and refine them for many draws at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from costmodel.foundation.arrays import FloatArray
from costmodel.foundation.errors import ConvergenceError, DomainError, NonFiniteResultError

IndexArray: TypeAlias = NDArray[np.intp]
Batched: TypeAlias = Callable[[FloatArray, IndexArray], FloatArray]
"""Function of points ``(n,)`` and of the draw of each, ``(n,)`` integers."""

MAX_ROUNDS = 200
"""Largest number of rounds of refinement [1]; a bracket halves at least every second round."""
_JUMP = 1e-6
"""Share of the bracket's first values [1] above which the value at a sign change may be that of a jump."""
_BESIDE = 1e-4
"""Distance from a possible jump at which the function is tried, in grid cells [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Result of a scan: roots and jumps, each with its draw, and the values on the grid."""

    grid: FloatArray
    values: FloatArray
    """Values on the grid, ``(point, draw)``."""
    roots: FloatArray
    root_draws: IndexArray
    jumps: FloatArray
    jump_draws: IndexArray

    def of(self, draw: int) -> tuple[float, ...]:
        """Return the roots of one draw, rising."""
        return tuple(sorted(float(root) for root in self.roots[self.root_draws == draw]))

    def jumps_of(self, draw: int) -> tuple[float, ...]:
        """Return the points where one draw changes sign by a jump, rising."""
        return tuple(sorted(float(jump) for jump in self.jumps[self.jump_draws == draw]))


def scan_grid(low: float, high: float, points: int, *, log: bool = False) -> FloatArray:
    """Return the scanning grid between two ends.

    Raises
    ------
    DomainError
        If the ends do not rise, are not finite, or are not positive for a logarithmic grid.

    Examples
    --------
    >>> scan_grid(1.0, 100.0, 3, log=True).round(9).tolist()
    [1.0, 10.0, 100.0]
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high) or points < 3:
        raise DomainError(
            f"a scan needs finite rising ends and at least 3 points; got {low} to {high} in {points} points"
        )
    if log and low <= 0.0:
        raise DomainError(f"a logarithmic scan needs ends above 0; got {low}")
    grid = np.geomspace(low, high, points) if log else np.linspace(low, high, points)
    grid[0], grid[-1] = low, high
    return np.asarray(grid, dtype=np.float64)


def scan_roots(function: Batched, grid: FloatArray, draws: int = 1, *, relative: float = 1e-12) -> Scan:
    """Find every sign change between neighbouring grid points, and refine each to a root.

    Parameters
    ----------
    function
        Called with points and the draw of each.
    grid
        Rising points to scan; two roots between neighbours are not seen.
    draws
        Number of independent functions scanned together.
    relative
        Accuracy of a root, relative to the grid's spacing and the root's size, [1].

    Returns
    -------
    Scan

    Raises
    ------
    NonFiniteResultError
        If the function is not finite at a point of the grid.

    Examples
    --------
    >>> scan = scan_roots(lambda x, draw: (x - 1.0) * (x - 2.0 - draw), np.linspace(0.0, 4.0, 10), draws=2)
    >>> [tuple(round(root, 9) for root in scan.of(draw)) for draw in (0, 1)]
    [(1.0, 2.0), (1.0, 3.0)]
    """
    index = np.arange(draws)
    points = np.repeat(grid, draws)
    values = function(points, np.tile(index, grid.size)).reshape(grid.size, draws)
    if not np.isfinite(values).all():
        raise NonFiniteResultError(_not_finite(grid, np.isfinite(values)))
    exact = np.argwhere(values == 0.0)
    change = np.argwhere(values[:-1] * values[1:] < 0.0)
    cells, owners = change[:, 0], change[:, 1]
    roots, final = refine(
        function, grid[cells], grid[cells + 1], values[cells, owners], values[cells + 1, owners], owners, relative
    )
    size = np.maximum(np.abs(values[cells, owners]), np.abs(values[cells + 1, owners]))
    jump = np.abs(final) > _JUMP * size
    jump[jump] = _stays_away(function, roots[jump], final[jump], np.diff(grid)[cells[jump]], owners[jump])
    return Scan(
        grid=grid,
        values=values,
        roots=np.concatenate([roots[~jump], grid[exact[:, 0]]]),
        root_draws=np.concatenate([owners[~jump], exact[:, 1]]),
        jumps=roots[jump],
        jump_draws=owners[jump],
    )


def _not_finite(grid: FloatArray, finite: NDArray[np.bool_]) -> str:
    """Return a message: where a scan is not finite, and between which points it is finite."""
    where, draw = (int(i) for i in np.argwhere(~finite)[0])
    text = (
        f"the gap to the target is not finite in {int((~finite).sum())} of {finite.size} points, first at "
        f"{grid[where]:.6g} (draw {draw}): narrow the range"
    )
    sound = np.flatnonzero(finite.all(axis=1))
    return f"{text}; it is finite from {grid[sound[0]]:.6g} to {grid[sound[-1]]:.6g}" if sound.size else text


def _stays_away(
    function: Batched, roots: FloatArray, final: FloatArray, width: FloatArray, draws: IndexArray
) -> NDArray[np.bool_]:
    """Whether the function is as large at a sign change as next to it, as at a jump or a pole.

    Even a root with a vertical tangent falls towards zero; a jump does not.
    """
    if roots.size == 0:
        return np.zeros(0, dtype=np.bool_)
    beside = np.stack([function(roots + side * _BESIDE * width, draws) for side in (-1.0, 1.0)])
    return np.asarray(np.abs(final) > 0.5 * np.abs(beside).min(axis=0), dtype=np.bool_)


def refine(
    function: Batched,
    low: FloatArray,
    high: FloatArray,
    f_low: FloatArray,
    f_high: FloatArray,
    draws: IndexArray,
    relative: float = 1e-12,
) -> tuple[FloatArray, FloatArray]:
    """Refine brackets to roots, all at once; return the roots and the function at them.

    Chandrupatla's method: inverse quadratic interpolation where it is safe, else bisection.

    Parameters
    ----------
    function
        Called with the points not yet refined and the draw of each.
    low, high, f_low, f_high
        Brackets and the function at their ends, of opposite sign, ``(bracket,)``.
    draws
        Draw of each bracket.
    relative
        Accuracy relative to the bracket's width and the root's size, [1].

    Raises
    ------
    ConvergenceError
        If a bracket is still open after 200 rounds.

    References
    ----------
    Chandrupatla, *A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function without
    using derivatives*, Advances in Engineering Software 28 (1997).
    """
    a, b = np.array(high, dtype=np.float64), np.array(low, dtype=np.float64)
    f_a, f_b = np.array(f_high, dtype=np.float64), np.array(f_low, dtype=np.float64)
    share = np.full(a.shape, 0.5)
    best, f_best = b.copy(), f_b.copy()
    width = np.abs(a - b)
    open_ = np.arange(a.size)
    for _ in range(MAX_ROUNDS):
        if open_.size == 0:
            return best, f_best
        point = a + share * (b - a)
        value = function(point, draws[open_])
        same = np.sign(value) == np.sign(f_a)
        c, f_c = np.where(same, a, b), np.where(same, f_a, f_b)
        b, f_b = np.where(same, b, a), np.where(same, f_b, f_a)
        a, f_a = point, value
        nearer = np.abs(f_a) < np.abs(f_b)
        best[open_], f_best[open_] = np.where(nearer, a, b), np.where(nearer, f_a, f_b)
        slack = relative * (0.5 * width[open_] + np.abs(best[open_]))
        with np.errstate(all="ignore"):
            least = slack / np.abs(b - a)
            xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
            safe = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
            quadratic = f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (
                f_c - f_b
            )
        share = np.where(safe & np.isfinite(quadratic), quadratic, 0.5)
        share = np.clip(share, np.minimum(least, 0.5), np.maximum(1.0 - least, 0.5))
        going = (least < 0.5) & (f_best[open_] != 0.0)
        open_, a, b, f_a, f_b, share = open_[going], a[going], b[going], f_a[going], f_b[going], share[going]
    if open_.size == 0:
        return best, f_best
    raise ConvergenceError(
        f"{open_.size} brackets have not converged after {MAX_ROUNDS} rounds, the first near {best[open_[0]]:.6g}"
    )
