"""Time of a run: FLOP, accelerator-hours, wall-clock and the two utilisations.

A utilisation always belongs to a peak: that of the precision named with it, dense.
"""

from __future__ import annotations

from costmodel.foundation.arrays import Numeric, formula
from costmodel.foundation.units import SECONDS_PER_HOUR
from costmodel.training.scaling import FLOP_PER_PARAMETER_TOKEN_TRAINING

__all__ = [
    "accelerator_hours",
    "hardware_flop_utilisation",
    "model_flop_utilisation",
    "training_flop",
    "wall_clock",
]


@formula()
def training_flop(parameters: Numeric, tokens: Numeric) -> Numeric:
    """Return the FLOP of a training run by the 6ND rule.

    Parameters
    ----------
    parameters : ``()`` or array
        Parameters active for a token, positive [1].
    tokens : ``()`` or array
        Training tokens, positive [token].

    Returns
    -------
    ``()`` or array
        Model FLOP [FLOP].

    Notes
    -----
    ``C = 6·N·D``, an approximation: it leaves attention over the context out, which adds 14 % for
    DeepSeek-V3 at 4,096 tokens. Where the shapes are known, take FLOP per token from
    :mod:`costmodel.compute`.

    References
    ----------
    Kaplan et al. (2020), arXiv 2001.08361, section 2.1.

    Examples
    --------
    >>> f"{float(training_flop(175e9, 300e9)):.2e}"
    '3.15e+23'
    """
    return FLOP_PER_PARAMETER_TOKEN_TRAINING * parameters * tokens


@formula()
def accelerator_hours(flop: Numeric, peak: Numeric, utilisation: Numeric) -> Numeric:
    """Return the accelerator-hours of a run.

    Parameters
    ----------
    flop : ``()`` or array
        Model FLOP of the run, positive [FLOP].
    peak : ``()`` or array
        Dense peak of one accelerator in the named precision, positive [FLOP/s].
    utilisation : ``()`` or array
        Model FLOP utilisation (MFU) against that peak, above 0 to 1 [1].

    Returns
    -------
    ``()`` or array
        Accelerator-hours [hour].

    Notes
    -----
    ``H = C / (P·MFU) / 3600``.

    References
    ----------
    Chowdhery et al. (2022), PaLM, arXiv 2204.02311, appendix B.

    Examples
    --------
    >>> round(float(accelerator_hours(3.14e23, 24.6e12, 1.0)) / 1e6, 3)
    3.546
    """
    return flop / (peak * utilisation) / SECONDS_PER_HOUR


@formula()
def model_flop_utilisation(flop: Numeric, peak: Numeric, hours: Numeric) -> Numeric:
    """Return the model FLOP utilisation (MFU) that a run's accelerator-hours imply.

    Parameters
    ----------
    flop : ``()`` or array
        Model FLOP of the run, without recomputation, positive [FLOP].
    peak : ``()`` or array
        Dense peak of one accelerator in the named precision, positive [FLOP/s].
    hours : ``()`` or array
        Accelerator-hours, positive [hour].

    Returns
    -------
    ``()`` or array
        MFU [1].

    Notes
    -----
    ``MFU = C / (P·3600·H)``. Hours that include downtime give a lower figure than a snapshot.

    References
    ----------
    Chowdhery et al. (2022), PaLM, arXiv 2204.02311, appendix B.

    Examples
    --------
    >>> round(float(model_flop_utilisation(3.8e25, 989.4e12, 30.84e6)), 3)
    0.346
    """
    return flop / (peak * SECONDS_PER_HOUR * hours)


@formula()
def hardware_flop_utilisation(utilisation: Numeric, recomputed_share: Numeric) -> Numeric:
    """Return the hardware FLOP utilisation (HFU), which counts recomputed activations.

    Parameters
    ----------
    utilisation : ``()`` or array
        Model FLOP utilisation (MFU), 0 to 1 [1].
    recomputed_share : ``()`` or array
        Share of the forward pass that is computed a second time, 0 to 1 [1].

    Returns
    -------
    ``()`` or array
        HFU [1].

    Notes
    -----
    The forward pass is a third of a step's FLOP: ``HFU = MFU·(1 + share/3)``; full recomputation gives 4/3.

    References
    ----------
    Korthikanti et al. (2022), "Reducing activation recomputation in large transformer models",
    arXiv 2205.05198.

    Examples
    --------
    >>> round(float(hardware_flop_utilisation(0.42, 1.0)), 2)
    0.56
    """
    return utilisation * (1.0 + recomputed_share / 3.0)


@formula()
def wall_clock(hours: Numeric, accelerators: Numeric, effective_time_ratio: Numeric) -> Numeric:
    """Return the time from start to end of a run.

    Parameters
    ----------
    hours : ``()`` or array
        Productive accelerator-hours, non-negative [hour].
    accelerators : ``()`` or array
        Accelerators that work on the run at once, positive [1].
    effective_time_ratio : ``()`` or array
        Share of the time that advances training, above 0 to 1 [1].

    Returns
    -------
    ``()`` or array
        Elapsed time [hour].

    Notes
    -----
    ``T = H / (n·ETTR)``; the accelerators are held, and paid for, during all of it.

    References
    ----------
    Patterson et al. (2021), arXiv 2104.10350, table 4: GPT-3's 14.8 days on 10,000 V100.

    Examples
    --------
    >>> round(float(wall_clock(3.5456e6, 10_000, 1.0)) / 24, 1)
    14.8
    """
    return hours / (accelerators * effective_time_ratio)
