"""Typed access to the records of the catalog."""

from __future__ import annotations

from costmodel.catalog.library import Tables
from costmodel.catalog.named_records import Accelerator, Company, TokenPrice, TrainingRun
from costmodel.catalog.records import Record


class Catalog(Tables):
    """Typed access to sourced records, complete or as known at a date.

    Examples
    --------
    >>> Catalog().accelerator("H100-SXM").peak("bf16")
    989400000000000.0
    """

    # ------------------------------------------------------------------ hardware

    def accelerator(self, name: str) -> Accelerator:
        """Return an accelerator, such as ``"H100-SXM"``."""
        return self._thing("accelerators", name, Accelerator)

    def accelerator_price(self, name: str) -> Record:
        """Return dated prices of an accelerator: fields ``server``, ``card``, ``rack``, ``vendor_average``."""
        return self.record("accelerator_prices", name)

    def accelerator_hour(self, name: str) -> Record:
        """Return dated costs and rents of an accelerator-hour: ``own``, ``neocloud``, ``rent``, ``market_rent``."""
        return self.record("accelerator_hours", name)

    def installed_base(self, name: str) -> Record:
        """Return the number of accelerators in the world, such as ``"H100+H200"``: ``units``, ``h100e``."""
        return self.record("installed_base", name)

    def server(self, name: str) -> Record:
        """Return the power of a server or a rack, such as ``"DGX H100"``."""
        return self.record("servers", name)

    # ------------------------------------------------------------------ models and runs

    def architecture(self, name: str) -> Record:
        """Return the shape of a model."""
        return self.record("architectures", name)

    def training_run(self, name: str) -> TrainingRun:
        """Return a training run, such as ``"Llama3.1-405B"``."""
        return self._thing("training_runs", name, TrainingRun)

    def cost_case(self, name: str) -> Record:
        """Return a run costed by Epoch's method, with inputs and parts."""
        return self.record("cost_cases", name)

    def published_cost(self, name: str) -> Record:
        """Return a training cost as Epoch published it."""
        return self.record("published_costs", name)

    def cost_method(self, name: str) -> Record:
        """Return constants of Epoch's cost method for a class of hardware, such as ``"H100"`` or ``"hardware"``."""
        return self.record("cost_method", name)

    def training_layout(self, name: str) -> Record:
        """Return the parallel layout of a run, such as ``"Llama3.1-405B 16384"``."""
        return self.record("training_layouts", name)

    def scaling_fit(self, name: str) -> Record:
        """Return a scaling-law fit, such as ``"besiroglu"``."""
        return self.record("scaling_fits", name)

    def throughput(self, name: str) -> Record:
        """Return a measured or modelled inference throughput."""
        return self.record("throughput", name)

    # ------------------------------------------------------------------ companies and sites

    def company(self, name: str) -> Company:
        """Return a company, such as ``"Alphabet"``."""
        return self._thing("companies", name, Company)

    def useful_life_changes(self, company: str | None = None) -> tuple[Record, ...]:
        """Return changes of useful life, of one company or of all."""
        every = self.table("useful_lives").values()
        return tuple(record for record in every if company is None or record.label("company") == company)

    def facility(self, name: str) -> Record:
        """Return the cost of a data centre."""
        return self.record("facilities", name)

    def electricity(self, region: str) -> Record:
        """Return electricity prices of a region, such as ``"Ohio"``; ``"US industrial"`` is a yearly series."""
        return self.record("electricity", region)

    def pue(self, operator: str) -> Record:
        """Return the power usage effectiveness of an operator."""
        return self.record("pue", operator)

    def price_index(self, name: str) -> Record:
        """Return a price index by year."""
        return self.record("price_indices", name)

    # ------------------------------------------------------------------ tokens and demand

    def token_price(self, model: str) -> TokenPrice:
        """Return the dated list prices of a model's tokens, such as ``"gpt-4o-mini"``."""
        return self._thing("token_prices", model, TokenPrice)

    def token_volume(self, name: str) -> Record:
        """Return the tokens that a company processes per month, by date, such as ``"Google"``."""
        return self.record("token_volumes", name)

    def users(self, name: str) -> Record:
        """Return the users and messages of a service by date, such as ``"ChatGPT"``."""
        return self.record("users", name)

    def elasticity(self, study: str) -> Record:
        """Return an estimate of the price elasticity of demand, such as ``"Demirer 2025"``."""
        return self.record("elasticities", study)

    def multiplier(self, name: str) -> Record:
        """Return the token multiplier of a kind of use, such as ``"agent"``."""
        return self.record("multipliers", name)

    def agent_network(self, name: str) -> Record:
        """Return counts of a network of agents, such as ``"Moltbook"``."""
        return self.record("agent_networks", name)

    # ------------------------------------------------------------------ change, failure, time

    def trend(self, name: str) -> Record:
        """Return a published rate of change, such as ``"GPU price-performance"``."""
        return self.record("trends", name)

    def learning_rate(self, name: str) -> Record:
        """Return the experience curve of a technology."""
        return self.record("learning_rates", name)

    def reliability(self, name: str) -> Record:
        """Return failure rates or goodput of a cluster, such as ``"RSC-1"``."""
        return self.record("reliability", name)

    def lead_time(self, name: str) -> Record:
        """Return the lead time of a chip, building, equipment or grid connection, such as ``"transformer"``."""
        return self.record("lead_times", name)

    def tax(self, name: str) -> Record:
        """Return rules of US tax depreciation, such as ``"bonus depreciation"``."""
        return self.record("tax", name)

    def ceiling(self, name: str) -> Record:
        """Return a physical limit on AI compute."""
        return self.record("ceilings", name)

    def claim(self, name: str) -> Record:
        """Return a public statement about totals, such as ``"Burry 2025"``."""
        return self.record("claims", name)

    def default(self, name: str) -> Record:
        """Return a starting value with its range, graded as assumed, such as ``"price elasticity"``."""
        return self.record("defaults", name)

    # ------------------------------------------------------------------ serving and agents

    def serving_system(self, name: str) -> Record:
        """Return a serving system in operation, such as ``"DeepSeek V3/R1"``."""
        return self.record("serving_systems", name)

    def rental(self, name: str) -> Record:
        """Return dated offers of accelerators for rent, such as ``"AWS p5.48xlarge"``."""
        return self.record("rentals", name)

    def sandbox(self, name: str) -> Record:
        """Return the start-up time of a sandbox for model-written code, such as ``"Docker"``."""
        return self.record("sandboxes", name)

    def discovery_run(self, name: str) -> Record:
        """Return a run of test-time training on one problem, such as ``"TTT-Discover"``."""
        return self.record("discovery_runs", name)

    def development(self, name: str) -> Record:
        """Return a model's development cost beyond its final run, such as ``"GPT-4"``."""
        return self.record("development", name)

    def packaged_token_price(self, model: str, provider: str | None = None) -> TokenPrice:
        """Return a model's token prices as the installed genai-prices package lists them (extra ``prices``)."""
        from costmodel.catalog.packaged_prices import packaged_token_price

        return packaged_token_price(model, provider)
