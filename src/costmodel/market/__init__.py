"""Market for compute: demand, cost decline, prices and rents, and the model ``token_market``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costmodel.foundation.lazy import attach

if TYPE_CHECKING:
    from costmodel.market.agent_population import (
        AgentPopulation,
        AgentPopulationResult,
        network_acts,
        run_population,
        tokens_of_act,
    )
    from costmodel.market.attribution import (
        GrowthSplit,
        split_usage_growth,
    )
    from costmodel.market.clearing import money_per_token, offered_use, offered_use_slope
    from costmodel.market.commitment_terms import (
        TermStructure,
        break_even_fill,
        forward_rent,
        quoted_terms,
        yearly_rent_ratio,
    )
    from costmodel.market.contest import (
        Contest,
        Contestant,
        ContestResult,
        choice_utility,
        followed_share,
        run_contest,
    )
    from costmodel.market.decline import (
        learning_rate,
        moore,
        wright,
    )
    from costmodel.market.demand import (
        bass_adoption,
        budget_ceiling,
        capability_response,
        constant_elasticity,
        fading_growth,
        launch_ramp,
        logistic_adoption,
    )
    from costmodel.market.inputs import (
        CostInputs,
        MarketWorkload,
        TokenMarket,
    )
    from costmodel.market.model import (
        TokenMarketResult,
        run_market,
    )
    from costmodel.market.pricing import (
        closing_share,
        first_order_lag,
        lagged_target_weight,
    )
    from costmodel.market.substitution import (
        ces_price_index,
        logit_shares,
    )
    from costmodel.market.welfare import (
        consumer_surplus_change,
        rebound_of_saving,
    )
    from costmodel.market.workload import AdoptionInputs, Period, WorkloadDemand

__all__ = [
    "AdoptionInputs",
    "AgentPopulation",
    "AgentPopulationResult",
    "Contest",
    "ContestResult",
    "Contestant",
    "CostInputs",
    "GrowthSplit",
    "MarketWorkload",
    "Period",
    "TermStructure",
    "TokenMarket",
    "TokenMarketResult",
    "WorkloadDemand",
    "bass_adoption",
    "break_even_fill",
    "budget_ceiling",
    "capability_response",
    "ces_price_index",
    "choice_utility",
    "closing_share",
    "constant_elasticity",
    "consumer_surplus_change",
    "fading_growth",
    "first_order_lag",
    "followed_share",
    "forward_rent",
    "lagged_target_weight",
    "launch_ramp",
    "learning_rate",
    "logistic_adoption",
    "logit_shares",
    "money_per_token",
    "moore",
    "network_acts",
    "offered_use",
    "offered_use_slope",
    "quoted_terms",
    "rebound_of_saving",
    "run_contest",
    "run_market",
    "run_population",
    "split_usage_growth",
    "tokens_of_act",
    "wright",
    "yearly_rent_ratio",
]

__getattr__, __dir__ = attach(__name__)
