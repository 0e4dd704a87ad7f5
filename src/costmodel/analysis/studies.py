"""Common entry point to all sensitivity studies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costmodel.analysis.evidence import evidence_shares
from costmodel.analysis.one_at_a_time import elasticities, tornado
from costmodel.analysis.problem import Ranges
from costmodel.analysis.sensitivity import given_data_study, morris_study, sobol_study
from costmodel.analysis.targets import Output
from costmodel.foundation.errors import ScenarioError, near_matches
from costmodel.foundation.scenario import Scenario

STUDIES = {
    "elasticity": elasticities,
    "evidence": evidence_shares,
    "given-data": given_data_study,
    "morris": morris_study,
    "sobol": sobol_study,
    "tornado": tornado,
}
"""Studies by name of method."""


def sensitivity(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    method: str | None = None,
    **options: Any,
) -> Any:
    """Find the inputs that drive an output.

    Parameters
    ----------
    inputs
        A scenario, or for a plain function (``model=…``) its arguments: numbers, ``(low, high)``, distributions.
    outputs
        One output or several, such as ``user_spend@2030``.
    method
        ``"sobol"`` (shares of variance), ``"given-data"`` (the same for correlated inputs), ``"tornado"`` (one input
        at a time), ``"morris"`` (screening of many), ``"elasticity"`` (per cent per per cent at the medians) or
        ``"evidence"`` (shares by grade of evidence). None: ``"given-data"`` if inputs are correlated, else
        ``"sobol"``.
    options
        Options of the study, such as ``rng`` and ``draws``: see :data:`STUDIES`.

    Returns
    -------
    SobolIndices, Tornado, MorrisEffects, Elasticities, EvidenceShares or a pair of given-data indices and ranks
        Result of the study; ``.table()`` shows it.

    Raises
    ------
    ScenarioError
        If there is no such method.

    Examples
    --------
    >>> swings = sensitivity({"x": (0.0, 1.0), "y": 2.0}, method="tornado", model=lambda x, y: x + y, rng=0)
    >>> swings.names
    ('x',)
    """
    correlated = isinstance(inputs, Scenario) and bool(inputs.rank_correlations())
    chosen = method or ("given-data" if correlated else "sobol")
    study: Any = STUDIES.get(chosen)
    if study is None:
        raise ScenarioError(
            f"method must be one of {', '.join(STUDIES)}; got {method!r}{near_matches(chosen, STUDIES)}"
        )
    return study(inputs, outputs, **options)
