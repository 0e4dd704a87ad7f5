"""A reduced flywheel of 120 months with four outputs: a reference for speed, not the library's model.

Its explicit recursion (price follows accounting cost per token served) would be unstable without the clip on unit
cost; the library's own flywheel clears the market instead.
"""

from __future__ import annotations

import numpy as np

MONTHS = 120
MARKUP = 0.5
DEMAND_GROWTH = 0.20  # per year, compounded over twelve months
FIRST_DEMAND = 1e9  # Mtoken a month
TOKENS_PER_GPU = 2628.0  # Mtoken per GPU-month at the start
FIRST_OUTPUT = 12.0 * FIRST_DEMAND
RUNNING_COST = 200.0  # USD per GPU-month
LEAST_SERVED = 1e-9
CLIP = 0.07
PRICES = 30_000.0 * 0.97 ** (np.arange(MONTHS) / 12.0)  # USD per GPU

CHUNK = 4096  # draws at a time, so that the work arrays stay in cache

INPUTS = {
    "p0": {"dist": "lognormal", "median": 1.0, "sigma": 0.3},
    "e": {"dist": "uniform", "low": 1.1, "high": 2.0},
    "b": {"dist": "uniform", "low": 0.1, "high": 0.5},
    "g": {"dist": "uniform", "low": 0.2, "high": 0.5},
    "life": {"dist": "discrete", "values": [float(months) for months in range(36, 73)]},
    "u": {"dist": "uniform", "low": 0.3, "high": 0.8},
}
OUTPUTS = ("uc", "inst", "capex", "Q")


def reduced_model(p0, e, b, g, life, u):
    """Run every draw at once; inputs are ``(draw,)`` or scalars, outputs ``(draw,)`` by name."""
    columns = np.broadcast_arrays(*(np.asarray(column, dtype=np.float64) for column in (p0, e, b, g, life, u)))
    shape = columns[0].shape or (1,)
    columns = [column.reshape(-1) for column in columns]
    order = np.argsort(columns[4], kind="stable")  # sorted by life, so that draws that retire in a month are contiguous
    outputs = {name: np.empty(order.size) for name in OUTPUTS}
    for start in range(0, order.size, CHUNK):
        chosen = order[start : start + CHUNK]
        for name, values in zip(OUTPUTS, _chunk(*(column[chosen] for column in columns)), strict=True):
            outputs[name][chosen] = values
    return {name: values.reshape(shape) for name, values in outputs.items()}


def _chunk(p0, e, b, g, life, u):
    """Run some draws; return the four outputs."""
    n = p0.size
    months = life.astype(np.intp)
    column = np.arange(n)
    bought = np.zeros((MONTHS, n))
    uc, inst, dep, capex = p0 / (1.0 + MARKUP), np.zeros(n), np.zeros(n), np.zeros(n)
    total = np.full(n, FIRST_OUTPUT)
    log_growth, log_output = np.log1p(g) / 12.0, np.zeros(n)
    log_first = np.log(p0)
    demand, per_gpu, work, on, retired = (np.empty(n) for _ in range(5))
    for month in range(MONTHS):
        # powers as exp of logarithms: p^-e and (1+g)^t (Q/Q0)^b in one exponential each
        np.multiply(uc, 1.0 + MARKUP, out=demand)
        np.log(demand, out=demand)
        demand -= log_first
        demand *= e
        np.negative(demand, out=demand)
        np.exp(demand, out=demand)
        demand *= FIRST_DEMAND * (1.0 + DEMAND_GROWTH / 12.0) ** month
        np.multiply(b, log_output, out=per_gpu)
        np.multiply(log_growth, float(month), out=work)
        per_gpu += work
        np.exp(per_gpu, out=per_gpu)
        per_gpu *= TOKENS_PER_GPU
        per_gpu *= u
        buy = bought[month]
        np.divide(demand, per_gpu, out=buy)
        buy -= inst
        np.maximum(buy, 0.0, out=buy)
        np.multiply(buy, PRICES[month], out=work)
        capex += work
        retired.fill(0.0)
        if month >= 36:  # no draw has a shorter life
            ago = month - months
            old = ago >= 0
            np.maximum(ago, 0, out=ago)
            np.multiply(bought[ago, column], old, out=retired)
            work -= retired * PRICES[ago]
        work /= life
        dep += work
        np.add(inst, buy, out=on)
        np.multiply(on, per_gpu, out=per_gpu)
        np.minimum(demand, per_gpu, out=per_gpu)
        np.maximum(per_gpu, LEAST_SERVED, out=per_gpu)
        np.multiply(on, RUNNING_COST, out=work)
        work += dep
        work /= per_gpu
        np.clip(work, (1.0 - CLIP) * uc, (1.0 + CLIP) * uc, out=uc)
        total += demand
        np.divide(total, FIRST_OUTPUT, out=log_output)
        np.log(log_output, out=log_output)
        np.subtract(on, retired, out=inst)
    return uc, inst, capex, total


def reduced_model_plainly(p0, e, b, g, life, u):
    """Run one draw as in the definition; the reference for the fast form."""
    uc, inst, produced, dep, capex = p0 / (1 + MARKUP), 0.0, FIRST_OUTPUT, 0.0, 0.0
    bought = []
    for t in range(MONTHS):
        p = uc * (1 + MARKUP)
        per_gpu = TOKENS_PER_GPU * (1 + g) ** (t / 12) * (produced / FIRST_OUTPUT) ** b
        demand = FIRST_DEMAND * (1 + DEMAND_GROWTH / 12) ** t * (p / p0) ** (-e)
        buy = max(demand / (per_gpu * u) - inst, 0.0)
        ago = t - int(life)
        retired = bought[ago] if ago >= 0 else 0.0
        bought.append(buy)
        capex += buy * PRICES[t]
        dep += (buy * PRICES[t] - (retired * PRICES[ago] if ago >= 0 else 0.0)) / life
        on = inst + buy
        served = max(min(demand, on * per_gpu * u), LEAST_SERVED)
        uc = min(max((dep + RUNNING_COST * on) / served, (1 - CLIP) * uc), (1 + CLIP) * uc)
        produced += demand
        inst = on - retired
    return {"uc": uc, "inst": inst, "capex": capex, "Q": produced}
