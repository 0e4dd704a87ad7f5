"""Published fits of the scaling law, with the range they were fitted in, and optima that have no closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import costmodel.catalog as catalog
from costmodel.foundation.arrays import Numeric
from costmodel.foundation.errors import CatalogError, DomainError, near_matches
from costmodel.training import allocation, scaling

__all__ = ["PARAMETRIC_FITS", "ScalingFit", "data_limited_optimum", "inference_aware_optimum", "scaling_fit"]

PARAMETRIC_FITS = ("hoffmann_rounded", "hoffmann_tex", "besiroglu", "sardana_used")
"""Fits of the parametric loss, by their name in the catalog: as printed, unrounded, refitted by Besiroglu et al. and as
used by Sardana et al."""
FITTED_PARAMETERS = (70e6, 16e9)
"""Smallest and largest model behind all four fits [1]. Hoffmann et al. (2022), arXiv 2203.15556, abstract; Besiroglu et
al. refit points of its figure 4."""
FITTED_TOKENS = (5e9, 500e9)
"""Fewest and most training tokens behind all four fits [token]. Same sources."""

_BISECTIONS = 60
"""Halvings of a bracket, enough to reach the spacing of floating-point numbers [1]."""
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingFit:
    """One fit of ``L(N, D) = E + A/N^α + B/D^β``.

    Parameters
    ----------
    name
        Its name in the catalog.
    irreducible_loss, parameter_coefficient, token_coefficient, parameter_exponent, token_exponent
        E, A, B, α and β.
    parameter_range, token_range
        Smallest and largest values among the points of the fit [1], [token].

    Examples
    --------
    >>> fit = scaling_fit("besiroglu")
    >>> round(float(fit.optimal_tokens(5.76e23) / fit.optimal_parameters(5.76e23)), 1)
    18.4
    """

    name: str
    irreducible_loss: float
    parameter_coefficient: float
    token_coefficient: float
    parameter_exponent: float
    token_exponent: float
    parameter_range: tuple[float, float] = FITTED_PARAMETERS
    token_range: tuple[float, float] = FITTED_TOKENS

    @property
    def coefficients(self) -> dict[str, float]:
        """A, B, α and β by their argument names in :mod:`costmodel.training.scaling`."""
        names = ("parameter_coefficient", "token_coefficient", "parameter_exponent", "token_exponent")
        return {name: getattr(self, name) for name in names}

    def loss(self, parameters: Numeric, tokens: Numeric) -> Numeric:
        """Return the loss [nat/token]; see :func:`scaling.parametric_loss`."""
        return scaling.parametric_loss(parameters, tokens, self.irreducible_loss, **self.coefficients)

    def optimal_parameters(self, compute: Numeric) -> Numeric:
        """Return compute-optimal parameters [1]; see :func:`allocation.optimal_parameters`."""
        return allocation.optimal_parameters(compute, **self.coefficients)

    def optimal_tokens(self, compute: Numeric) -> Numeric:
        """Return compute-optimal tokens [token]; see :func:`allocation.optimal_tokens`."""
        return allocation.optimal_tokens(compute, **self.coefficients)

    def optimal_tokens_for_parameters(self, parameters: Numeric) -> Numeric:
        """Return tokens on which a model is compute-optimal [token]."""
        return allocation.optimal_tokens_for_parameters(parameters, **self.coefficients)

    def tokens_for_loss(self, loss: Numeric, parameters: Numeric) -> Numeric:
        """Return tokens that bring a model to a loss [token]; infinite where none do."""
        return scaling.tokens_for_loss(loss, parameters, self.irreducible_loss, **self.coefficients)

    def compute_for_loss(self, loss: Numeric) -> Numeric:
        """Return the least compute that reaches a loss [FLOP]."""
        return allocation.compute_for_loss(loss, self.irreducible_loss, **self.coefficients)

    def within_range(self, parameters: ArrayLike, tokens: ArrayLike) -> Any:
        """Return whether a model lies among the points of the fit; elsewhere the law is extrapolated.

        Examples
        --------
        >>> fit = scaling_fit("besiroglu")
        >>> bool(fit.within_range(10e9, 200e9)), bool(fit.within_range(405e9, 15.6e12))
        (True, False)
        """
        size, data = np.asarray(parameters, dtype=np.float64), np.asarray(tokens, dtype=np.float64)
        (low, high), (few, many) = self.parameter_range, self.token_range
        return ((size >= low) & (size <= high) & (data >= few) & (data <= many))[()]


def scaling_fit(name: str) -> ScalingFit:
    """Return a published fit of the parametric loss from the catalog.

    Parameters
    ----------
    name
        One of :data:`PARAMETRIC_FITS`.

    Raises
    ------
    CatalogError
        If there is no such fit; near matches are in the message.

    Notes
    -----
    Besiroglu et al. report standard errors of .03 (E), 124.58 (A), 1293.23 (B), .02 (α) and .02 (β): A and B have
    little meaning without their exponents.
    """
    if name not in PARAMETRIC_FITS:
        listed = ", ".join(PARAMETRIC_FITS)
        hint = near_matches(name, PARAMETRIC_FITS)
        raise CatalogError(f"{name!r} is not a fit of the parametric loss: there are {listed}{hint}")
    record = catalog.scaling_fit(name)
    return ScalingFit(
        name=name,
        irreducible_loss=record.value("E"),
        parameter_coefficient=record.value("A"),
        token_coefficient=record.value("B"),
        parameter_exponent=record.value("alpha"),
        token_exponent=record.value("beta"),
    )


def inference_aware_optimum(
    fit: ScalingFit, loss: ArrayLike, inference_tokens: ArrayLike, price_ratio: ArrayLike = 1.0
) -> tuple[Any, Any]:
    """Return the model that reaches a loss at the least cost of training and serving together.

    Parameters
    ----------
    fit
        The scaling law.
    loss : ``()`` or array
        Loss to reach, above the irreducible one [nat/token].
    inference_tokens : ``()`` or array
        Tokens that the model will serve, non-negative [token].
    price_ratio : ``()`` or array
        Cost of a FLOP in serving over one in training, positive [1]: below the ratio of the utilisations where serving
        runs on cheaper or better used hardware, above it otherwise.

    Returns
    -------
    parameters, tokens : float or array
        The cheapest model [1] and its training tokens [token].

    Raises
    ------
    DomainError
        If the loss cannot be reached, or an argument is negative.

    Notes
    -----
    Minimises ``6·N·D + ρ·2·N·D_inf`` on ``L(N, D) = ℓ``. With u the share of ``ℓ − E`` that is due to the finite model,
    the optimum is the root of ``6·D(u)·(1 − (α/β)·u/(1 − u)) + 2·ρ·D_inf``, which falls from ``u = β/(α + β)``, the
    compute-optimal model, to 1.

    References
    ----------
    Sardana et al. (2024), "Beyond Chinchilla-optimal", arXiv 2401.00448.

    Examples
    --------
    A model of the quality of a compute-optimal 13B that will serve 2 T tokens:

    >>> fit = scaling_fit("sardana_used")
    >>> loss = fit.loss(13e9, fit.optimal_tokens_for_parameters(13e9))
    >>> parameters, tokens = inference_aware_optimum(fit, loss, 2e12)
    >>> round(parameters / 1e9, 2), round(tokens / 1e12, 2)
    (6.97, 1.25)
    """
    reducible = np.asarray(loss, dtype=np.float64) - fit.irreducible_loss
    served = np.asarray(inference_tokens, dtype=np.float64) * np.asarray(price_ratio, dtype=np.float64)
    if np.any(reducible <= 0.0):
        raise DomainError(f"loss {loss!r} is not above the irreducible loss {fit.irreducible_loss!r} of {fit.name!r}")
    if np.any(served < 0.0):
        raise DomainError("inference_tokens and price_ratio must not be negative")
    alpha, beta = fit.parameter_exponent, fit.token_exponent
    shape = np.broadcast_shapes(reducible.shape, served.shape)
    low, high = np.full(shape, beta / (alpha + beta)), np.ones(shape)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        tokens = np.power(fit.token_coefficient / ((1.0 - middle) * reducible), 1.0 / beta)
        slope = 6.0 * tokens * (1.0 - (alpha / beta) * middle / (1.0 - middle)) + 2.0 * served
        rising = slope > 0.0
        low, high = np.where(rising, middle, low), np.where(rising, high, middle)
    share = 0.5 * (low + high)
    parameters = np.power(fit.parameter_coefficient / (share * reducible), 1.0 / alpha)
    tokens = np.power(fit.token_coefficient / ((1.0 - share) * reducible), 1.0 / beta)
    return _scalar(parameters), _scalar(tokens)


def data_limited_optimum(
    fit: ScalingFit, compute: ArrayLike, unique_tokens: ArrayLike, repetition_constant: float = 15.39
) -> tuple[Any, Any]:
    """Return the best model for a compute budget when distinct tokens are limited and may be repeated.

    Parameters
    ----------
    fit
        The scaling law.
    compute : ``()`` or array
        Training compute, positive [FLOP].
    unique_tokens : ``()`` or array
        Distinct tokens available, positive [token].
    repetition_constant
        Repetitions over which the worth of repeated tokens falls by a factor e, positive [1].

    Returns
    -------
    parameters, tokens : float or array
        The best model [1] and the tokens it is trained on, counting repetitions [token].

    Raises
    ------
    DomainError
        If an argument is not positive.

    Notes
    -----
    Minimises ``L(N, D'(C/(6N), U))``, D' being :func:`scaling.effective_tokens`, by golden section on ln N. The source
    also discounts parameters in excess of what the unique tokens support; that is not done here.

    References
    ----------
    Muennighoff et al. (2023), arXiv 2305.16264, eq. 5.

    Examples
    --------
    >>> fit = scaling_fit("besiroglu")
    >>> parameters, tokens = data_limited_optimum(fit, 5.76e23, 0.3e12)
    >>> round(parameters / 1e9), round(tokens / 0.3e12, 1)  # epochs
    (83, 3.9)
    """
    work, unique = np.asarray(compute, dtype=np.float64), np.asarray(unique_tokens, dtype=np.float64)
    if np.any(work <= 0.0) or np.any(unique <= 0.0) or repetition_constant <= 0.0:
        raise DomainError("compute, unique_tokens and repetition_constant must be positive")

    def loss(log_parameters: Any) -> Any:
        parameters = np.exp(log_parameters)
        tokens = work / (scaling.FLOP_PER_PARAMETER_TOKEN_TRAINING * parameters)
        return fit.loss(parameters, scaling.effective_tokens(tokens, unique, repetition_constant))

    start = np.log(np.broadcast_to(fit.optimal_parameters(work), np.broadcast_shapes(work.shape, unique.shape)))
    low, high = start - 1.0, start + 12.0
    for _ in range(2 * _BISECTIONS):
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        better_left = loss(left) < loss(right)
        low, high = np.where(better_left, low, left), np.where(better_left, right, high)
    parameters = np.exp(0.5 * (low + high))
    return _scalar(parameters), _scalar(work / (scaling.FLOP_PER_PARAMETER_TOKEN_TRAINING * parameters))


def _scalar(values: Any) -> Any:
    array = np.asarray(values)
    return float(array) if array.ndim == 0 else array
