"""The development programme around a final run: experiments, failed runs, post-training, staff, data.

Experiments before the final run, staff and data cost as much as the run itself or several times
as much. Multipliers are inputs and usually distributions.
"""

from __future__ import annotations

from costmodel.foundation.arrays import Numeric, formula

__all__ = [
    "data_cost",
    "experiments_cost",
    "failed_runs_cost",
    "staff_cost",
]


@formula()
def experiments_cost(final_run_cost: Numeric, experiments_multiplier: Numeric) -> Numeric:
    """Return the cost of the experiments before the final run.

    Parameters
    ----------
    final_run_cost : ``()`` or array
        Cost of the final run, non-negative [USD].
    experiments_multiplier : ``()`` or array
        Compute of the whole development over that of the final run, at least 1 [1]: 2.2 (90 % interval 1.2
        to 4) in the source; 5.6 for Olmo 3.

    Returns
    -------
    ``()`` or array
        Cost of experiments, without the final run [USD].

    Notes
    -----
    ``C·(m − 1)``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015.

    Examples
    --------
    >>> round(float(experiments_cost(40e6, 2.2)) / 1e6, 6)
    48.0
    """
    return final_run_cost * (experiments_multiplier - 1.0)


@formula()
def failed_runs_cost(final_run_cost: Numeric, failed_share: Numeric) -> Numeric:
    """Return the cost of runs at full scale that were thrown away.

    Parameters
    ----------
    final_run_cost : ``()`` or array
        Cost of the final run, non-negative [USD].
    failed_share : ``()`` or array
        Share of all compute at full scale that was thrown away, 0 to below 1 [1].

    Returns
    -------
    ``()`` or array
        Cost of failed runs [USD].

    Notes
    -----
    ``C·f/(1 − f)``.

    References
    ----------
    Definition.

    Examples
    --------
    >>> float(failed_runs_cost(30e6, 0.25))
    10000000.0
    """
    return final_run_cost * failed_share / (1.0 - failed_share)


@formula()
def staff_cost(headcount: Numeric, years: Numeric, salary: Numeric, overhead_rate: Numeric, equity: Numeric) -> Numeric:
    """Return the cost of the people who develop a model.

    Parameters
    ----------
    headcount : ``()`` or array
        Full-time equivalents, non-negative [1].
    years : ``()`` or array
        Length of the development, non-negative [year].
    salary : ``()`` or array
        Cash pay of one person, non-negative [USD/year].
    overhead_rate : ``()`` or array
        Benefits, office and taxes over cash pay, non-negative [1].
    equity : ``()`` or array
        Equity granted to one person at its value when granted, non-negative [USD/year].

    Returns
    -------
    ``()`` or array
        Cost [USD].

    Notes
    -----
    ``n·T·(w·(1 + o) + q)``.

    References
    ----------
    Cottier et al. (2024), arXiv 2405.21015: with equity, staff is 29 to 49 % of development.

    Examples
    --------
    >>> round(float(staff_cost(100, 1.5, 300e3, 0.25, 400e3)) / 1e6, 6)
    116.25
    """
    return headcount * years * (salary * (1.0 + overhead_rate) + equity)


@formula()
def data_cost(acquisition: Numeric, size: Numeric, storage_price: Numeric, years: Numeric) -> Numeric:
    """Return the cost of training data: bought, licensed or labelled, and hosted.

    Parameters
    ----------
    acquisition : ``()`` or array
        Licences, labelling and collection, non-negative [USD].
    size : ``()`` or array
        Data kept, non-negative [byte].
    storage_price : ``()`` or array
        Price of keeping it, non-negative [USD/byte/year]; 0.02 USD per GB and month is 2.4e-10.
    years : ``()`` or array
        How long it is kept, non-negative [year].

    Returns
    -------
    ``()`` or array
        Cost [USD].

    Notes
    -----
    ``A + S·p·T``.

    References
    ----------
    Definition.

    Examples
    --------
    >>> round(float(data_cost(5e6, 10e15, 2.4e-10, 1.5)) / 1e6, 6)
    8.6
    """
    return acquisition + size * storage_price * years
