"""The flywheel: whether user spend rises as unit cost falls, and when inference passes training."""

from __future__ import annotations

import numpy as np

from costmodel.analysis.by_elasticity import elasticity_range
from costmodel.answers.question import DRAWS, SEED, Answer, Flags, in_year, over_draws, share_of_draws
from costmodel.entry import load_scenario
from costmodel.flywheel.decomposition import net_and_gross
from costmodel.flywheel.inputs import FlywheelScenario
from costmodel.flywheel.simulate import simulate
from costmodel.flywheel.trajectory import Trajectory
from costmodel.foundation.arrays import FloatArray

STOPPED = "2023-12-31"
"""Day on which technical progress stops in the run without it: the end of the scenario's first year."""
LAST_FITTED, LAST = 2026, 2030
"""Last year with history to fit, and last year of the scenario."""


def _base() -> FlywheelScenario:
    scenario: FlywheelScenario = load_scenario("bond-flywheel")
    return scenario


def spend_and_unit_cost() -> tuple[Answer, ...]:
    """Answer whether user spend rises as unit cost falls, compared with a run whose progress stops."""
    base = _base()
    stopped = base.replace({"software.progress_until": STOPPED, "hardware.progress_until": STOPPED})
    run, still = (simulate(scenario, draws=DRAWS, rng=SEED) for scenario in (base, stopped))
    growth = in_year(run, "user_spend", LAST) / in_year(run, "user_spend", LAST_FITTED)
    cost = in_year(run, "fixed_weight_unit_cost", LAST) / in_year(run, "fixed_weight_unit_cost", LAST_FITTED)
    without = in_year(still, "user_spend", LAST) / in_year(still, "user_spend", LAST_FITTED)
    ratio = in_year(run, "user_spend", LAST) / in_year(still, "user_spend", LAST)
    rests = f"bond-flywheel, 5 to 95 % of {DRAWS} draws; price elasticity, growth of adoption and intensity"
    figures = [over_draws(values) for values in (growth, without, ratio)]
    (grown, grown_low, grown_high), (alone, alone_low, alone_high), (times, low, high) = figures
    return (
        Answer(
            claim="user spend rises while unit cost at constant quality falls, 2026 to 2030",
            says=f"{share_of_draws((growth > 1.0) & (cost < 1.0))}; user spend of 2030 over 2026",
            value=grown, low=grown_low, high=grown_high, rests_on=rests,
        ),
        Answer(
            claim="without technical progress since 2023 user spend would not rise, 2026 to 2030",
            says=f"it rises all the same {share_of_draws(without > 1.0)}; user spend of 2030 over 2026",
            value=alone, low=alone_low, high=alone_high, rests_on=f"{rests}; progress stopped at the end of 2023",
        ),
        Answer(
            claim="cheaper compute raises total user spend of 2030",
            says=f"{share_of_draws(ratio > 1.0)}; with progress over without",
            value=times, low=low, high=high, rests_on=f"{rests}; progress stopped at the end of 2023",
        ),
    )  # fmt: skip


def spend_of_2030() -> tuple[Answer, ...]:
    """Answer how large user spend and capex are in 2030, with every draw fitted to history at each elasticity."""
    found = elasticity_range(_base(), [f"user_spend@{LAST}", f"capex@{LAST}"], draws=DRAWS, rng=SEED)
    errors = ", ".join(f"{item.token_error:.0%} at {item.elasticity:g}" for item in found.found)
    answers = []
    for label, what in zip(found.outputs, ("user spend", "capex"), strict=True):
        medians, (low, middle, high) = found.medians(label), found.pooled(label)
        ends = [f"{medians[at] / 1e9:,.0f} G USD at {at:g}" for at in (min(medians), max(medians))]
        answers.append(
            Answer(
                claim=f"{what} of {LAST}",
                says=f"medians from {ends[1]} to {ends[0]}, with history to mid-2026 told at every elasticity",
                value=float(middle), low=float(low), high=float(high), unit="USD",
                rests_on=f"bond-flywheel, 5 to 95 % of {DRAWS} draws at each price elasticity; "
                f"mean error of the fit to tokens {errors}",
            )
        )  # fmt: skip
    return tuple(answers)


def _first_year(ahead: Flags, years: tuple[int, ...]) -> FloatArray:
    """Return the first year from which a condition holds to the end, per draw; infinite where it does not."""
    lasting = np.logical_and.accumulate(ahead[::-1], axis=0)[::-1]
    return np.where(lasting.any(axis=0), np.asarray(years, dtype=np.float64)[np.argmax(lasting, axis=0)], np.inf)


def inference_passes_training() -> tuple[Answer, ...]:
    """Answer when inference passes training for good, in compute and in cost, and the chance that it does not."""
    run: Trajectory = simulate(_base(), draws=DRAWS, rng=SEED)
    answers = []
    for name, what in (("training_share_of_compute", "compute"), ("training_share_of_cost", "cost")):
        years, shares = run.by_year(name)
        passed = _first_year(np.asarray(shares) < 0.5, tuple(years))
        middle, low, high = over_draws(passed)
        answers.append(
            Answer(
                claim=f"inference passes training in {what}",
                says=f"not by {LAST} {share_of_draws(np.isinf(passed))}; for good from",
                value=middle, low=low, high=high, unit="date",
                rests_on=f"bond-flywheel, 5 to 95 % of {DRAWS} draws; the budgets of training, which are assumed",
            )
        )  # fmt: skip
    return tuple(answers)


def price_in_growth() -> tuple[Answer, ...]:
    """Answer which share of the growth of user spend falling prices explain, gross and net of the lower price."""
    run = simulate(_base(), draws=DRAWS, rng=SEED)
    shares = net_and_gross(run, until=LAST_FITTED)
    net, gross = (over_draws(share) for share in shares)
    rests = f"bond-flywheel, log-mean Divisia parts, 5 to 95 % of {DRAWS} draws; price elasticity"
    return (
        Answer(
            claim="usage answers falling prices: its share of the growth of user spend to 2026, gross",
            says=f"above half {share_of_draws(shares[1] > 0.5)}",
            value=gross[0], low=gross[1], high=gross[2], unit="%", rests_on=rests,
        ),
        Answer(
            claim="the same, net of the fall in price",
            says=f"it adds to user spend {share_of_draws(shares[0] > 0.0)}",
            value=net[0], low=net[1], high=net[2], unit="%", rests_on=rests,
        ),
    )  # fmt: skip


def who_pays() -> tuple[Answer, ...]:
    """Answer who pays in and who is paid in the last year: users and funders, chipmakers, and sites with power."""
    run = simulate(_base(), draws=DRAWS, rng=SEED)
    users = in_year(run, "user_spend", LAST)
    funded, repaid = (
        np.sum([in_year(run, name, LAST).sum(axis=0) for name in names], axis=0)
        for names in (("owners_money", "borrowed"), ("repaid", "lease_repaid"))
    )
    pockets = {
        "owners and lenders put in, net of what is repaid": np.asarray(funded - repaid),
        "chipmakers are paid": in_year(run, "paid_to_chipmakers", LAST),
        "sites and power are paid": in_year(run, "paid_to_sites_and_power", LAST),
    }
    answers = []
    for claim, money in pockets.items():
        middle, low, high = over_draws(money)
        answers.append(
            Answer(
                claim=f"{LAST}: {claim}",
                says=f"more than users spend {share_of_draws(money > users)}",
                value=middle, low=low, high=high, unit="USD",
                rests_on=f"bond-flywheel, 5 to 95 % of {DRAWS} draws; orders, which follow demand",
            )
        )  # fmt: skip
    return tuple(answers)
