"""Variance by evidence: the share of an output's variance that comes from unmeasured inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.analysis.finite_draws import OnNonFinite
from costmodel.analysis.problem import Model, Problem, Progress, Ranges, as_problem
from costmodel.analysis.sensitivity import sobol_study
from costmodel.analysis.sobol import SobolIndices, output_index
from costmodel.analysis.targets import Output
from costmodel.foundation.design import RandomSource, seed_of
from costmodel.foundation.errors import DomainError
from costmodel.foundation.provenance import Grade, weakest
from costmodel.foundation.scenario import Scenario
from costmodel.foundation.tables import Cell, Table, TabledByOutput

UNMEASURED = (Grade.ESTIMATED, Grade.UNVERIFIED, Grade.ASSUMED)
"""Grades that count as unmeasured: a third party's estimate, a figure without a source, an assumption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceShares(TabledByOutput):
    """Variance of outputs by the grade of evidence of the inputs.

    ``by_grade`` holds the closed group index of each grade: the share of variance that its inputs explain alone,
    including interactions among them. These shares and the interaction between grades add up to 1 exactly.
    """

    by_grade: SobolIndices
    measured_or_not: SobolIndices
    """The same for two groups, ``measured`` and ``unmeasured``; a group without inputs is absent."""
    members: dict[str, tuple[str, ...]]
    """Inputs by grade, strongest first."""
    moved: dict[str, str]
    """Inputs counted under a weaker grade than their own, because they are correlated with an input of that grade."""

    def interaction(self, output: str | None = None) -> tuple[float, float, float]:
        """Return the share that no grade explains alone, with its interval."""
        column = output_index(self.by_grade.outputs, output)
        low, high = self.by_grade.first_sum_interval[:, column]
        return 1.0 - float(self.by_grade.first_sum[column]), 1.0 - float(high), 1.0 - float(low)

    def unmeasured(self, output: str | None = None) -> tuple[float, float]:
        """Return the share of unmeasured inputs alone, and with their interactions with measured inputs."""
        column = output_index(self.measured_or_not.outputs, output)
        if "unmeasured" not in self.measured_or_not.names:
            return 0.0, 0.0
        row = self.measured_or_not.names.index("unmeasured")
        return float(self.measured_or_not.first[row, column]), float(self.measured_or_not.total[row, column])

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the outputs."""
        return self.by_grade.outputs

    def table(self, output: str | None = None) -> Table:
        """Return a table with a row per grade, strongest evidence first, and the interaction; shares add up to 1."""
        column = output_index(self.by_grade.outputs, output)
        rows: list[dict[str, Cell]] = [
            {
                "grade": name,
                "inputs": len(self.members[name]),
                "share": float(self.by_grade.first[row, column]),
                "low": float(self.by_grade.first_interval[0, row, column]),
                "high": float(self.by_grade.first_interval[1, row, column]),
            }
            for row, name in enumerate(self.by_grade.names)
        ]
        share, low, high = self.interaction(output)
        return Table.of([*rows, {"grade": "interaction", "inputs": None, "share": share, "low": low, "high": high}])


def evidence_shares(
    inputs: Scenario | Ranges,
    outputs: Output | Sequence[Output] | None = None,
    *,
    base_points: int = 2048,
    replicates: int = 8,
    unmeasured: Sequence[Grade] = UNMEASURED,
    rng: RandomSource = None,
    level: float = 0.95,
    on_nonfinite: OnNonFinite = "raise",
    on_progress: Progress | None = None,
    model: Model | None = None,
) -> EvidenceShares:
    """Apportion an output's variance to the grades of evidence behind the inputs.

    Parameters
    ----------
    inputs, outputs, model
        See :func:`~costmodel.analysis.problem.as_problem`.
    base_points
        n, a power of two; the study costs n (grades + 2) and 4n runs.
    replicates
        Number of independent samples among which base points are divided; intervals come from their differences.
    unmeasured
        Grades that count as not measured.
    rng
        Seed.
    level, on_nonfinite
        See :func:`~costmodel.analysis.sobol.sobol_indices`.
    on_progress
        Called with runs done and runs in all, for the study by grade.

    Returns
    -------
    EvidenceShares

    Raises
    ------
    DomainError
        If nothing is uncertain.

    Notes
    -----
    Closed indices are estimated by Janon's formula, which is exact if one grade explains everything. Groups must be
    independent of each other, so correlated inputs are counted together, under the weakest grade among them; ``moved``
    names those whose own grade is stronger.
    """
    problem = as_problem(inputs, outputs, model=model)
    if not problem.names:
        raise DomainError("nothing is uncertain here: write a distribution for at least one input")
    counted = _tied_grades(problem)
    members = {
        grade.value: tuple(name for name in problem.names if counted[name] is grade)
        for grade in Grade
        if grade in counted.values()
    }
    halves = {
        "measured": tuple(name for name in problem.names if counted[name] not in unmeasured),
        "unmeasured": tuple(name for name in problem.names if counted[name] in unmeasured),
    }
    seed = seed_of(rng)

    def study(groups: dict[str, tuple[str, ...]], progress: Progress | None) -> SobolIndices:
        return sobol_study(
            inputs,
            outputs,
            base_points=base_points,
            replicates=replicates,
            groups=groups,
            rng=seed,
            level=level,
            estimator="janon",
            on_nonfinite=on_nonfinite,
            on_progress=progress,
            model=model,
        )

    return EvidenceShares(
        by_grade=study(members, on_progress),
        measured_or_not=study({key: names for key, names in halves.items() if names}, None),
        members=members,
        moved={name: counted[name].value for name in problem.names if counted[name] is not problem.grade(name)},
    )


def _tied_grades(problem: Problem) -> dict[str, Grade]:
    """Return the grade under which each input is counted: the weakest among the inputs correlated with it."""
    cluster = {name: {name} for name in problem.names}
    for a, b, _ in problem.correlations:
        joined = cluster[a] | cluster[b]
        for name in joined:
            cluster[name] = joined
    return {name: weakest(problem.grade(other) for other in cluster[name]) for name in problem.names}


def unmeasured_share_text(shares: EvidenceShares, output: str | None = None) -> str:
    """Return a sentence on the share of variance due to unmeasured inputs."""
    alone, total = shares.unmeasured(output)
    label = shares.by_grade.outputs[output_index(shares.by_grade.outputs, output)]
    if np.isnan(total):
        return f"{label} does not vary"
    return f"{alone:.0%} of the variance of {label} rests on unmeasured inputs alone, {total:.0%} with interactions"
