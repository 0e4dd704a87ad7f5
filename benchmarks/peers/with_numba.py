"""The reduced model in numba: a plain loop, and blocks of draws that LLVM vectorizes, with powers as polynomials."""

from __future__ import annotations

import numpy as np
from numba import njit
from reduced_model import FIRST_OUTPUT, MONTHS, PRICES

BLOCK = 64
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10


@njit(error_model="numpy", fastmath=True, nogil=True)
def plain_loop(p0, e, b, g, life, u, out):
    """Run draw by draw, with powers of the C library."""
    bought = np.empty(MONTHS)
    for i in range(p0.size):
        uc, inst, total, dep, capex = p0[i] / 1.5, 0.0, FIRST_OUTPUT, 0.0, 0.0
        for t in range(MONTHS):
            work = 2628.0 * (1.0 + g[i]) ** (t / 12.0) * (total / FIRST_OUTPUT) ** b[i] * u[i]
            demand = 1e9 * (1.0 + 0.2 / 12.0) ** t * (uc * 1.5 / p0[i]) ** (-e[i])
            buy = max(demand / work - inst, 0.0)
            ago = t - int(life[i])
            retired = bought[ago] if ago >= 0 else 0.0
            bought[t] = buy
            capex += buy * PRICES[t]
            dep += (buy * PRICES[t] - retired * PRICES[max(ago, 0)]) / life[i]
            on = inst + buy
            served = max(min(demand, on * work), 1e-9)
            uc = min(max((dep + 200.0 * on) / served, 0.93 * uc), 1.07 * uc)
            total += demand
            inst = on - retired
        out[0, i], out[1, i], out[2, i], out[3, i] = uc, inst, capex, total


@njit(error_model="numpy", fastmath=True, nogil=True, inline="always")
def exponentials(x, bits, powers):
    """Replace a block by its exponentials; ``powers`` is ``bits`` seen as doubles."""
    for i in range(BLOCK):
        whole = np.floor(x[i] * _LOG2_E + 0.5)
        bits[i] = (np.int64(whole) + 1023) << 52
        r = (x[i] - whole * _LN2_HIGH) - whole * _LN2_LOW
        y = 1.0 / 6227020800.0
        for factorial in (479001600.0, 39916800.0, 3628800.0, 362880.0, 40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0):
            y = y * r + 1.0 / factorial
        x[i] = y * r * r + r + 1.0
    for i in range(BLOCK):
        x[i] *= powers[i]


@njit(error_model="numpy", fastmath=True, nogil=True, inline="always")
def logarithms(x, seen, bits, powers):
    """Replace a block of positive numbers by their logarithms; ``seen`` is ``x`` seen as integers."""
    for i in range(BLOCK):
        exponent = (seen[i] - 0x3FE6A09E667F3BCD) >> 52
        bits[i] = seen[i] - (exponent << 52)
        x[i] = np.float64(exponent)
    for i in range(BLOCK):
        s = (powers[i] - 1.0) / (powers[i] + 1.0)
        z = s * s
        y = 1.0 / 21.0
        for odd in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
            y = y * z + 1.0 / odd
        x[i] = x[i] * _LN2_HIGH + (x[i] * _LN2_LOW + 2.0 * s * (1.0 + z * y))


@njit(error_model="numpy", fastmath=True, nogil=True)
def in_blocks(p0, e, b, g, life, u, out):
    """Run blocks of draws; the number of draws is a multiple of ``BLOCK``."""
    bought = np.empty((MONTHS, BLOCK))
    bits = np.empty(BLOCK, dtype=np.int64)
    powers = bits.view(np.float64)
    demand, work, log_q, log_p0, log_g = (
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
    )
    uc, inst, total, dep, capex = (np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK))
    retired, old = np.empty(BLOCK), np.empty(BLOCK)
    for first in range(0, p0.size, BLOCK):
        for i in range(BLOCK):
            j = first + i
            uc[i], inst[i], total[i], dep[i], capex[i], log_q[i] = p0[j] / 1.5, 0.0, FIRST_OUTPUT, 0.0, 0.0, 0.0
            log_p0[i], log_g[i] = np.log(p0[j]), np.log(1.0 + g[j]) / 12.0
        rise = 1e9
        for t in range(MONTHS):
            for i in range(BLOCK):
                demand[i] = uc[i] * 1.5
                work[i] = t * log_g[i] + b[first + i] * log_q[i]
                ago = t - int(life[first + i])
                retired[i] = bought[ago, i] if ago >= 0 else 0.0
                old[i] = PRICES[max(ago, 0)]
            logarithms(demand, demand.view(np.int64), bits, powers)
            for i in range(BLOCK):
                demand[i] = -e[first + i] * (demand[i] - log_p0[i])
            exponentials(demand, bits, powers)
            exponentials(work, bits, powers)
            for i in range(BLOCK):
                wanted, each = rise * demand[i], 2628.0 * work[i] * u[first + i]
                buy = max(wanted / each - inst[i], 0.0)
                bought[t, i] = buy
                capex[i] += buy * PRICES[t]
                dep[i] += (buy * PRICES[t] - retired[i] * old[i]) / life[first + i]
                on = inst[i] + buy
                served = max(min(wanted, on * each), 1e-9)
                uc[i] = min(max((dep[i] + 200.0 * on) / served, 0.93 * uc[i]), 1.07 * uc[i])
                total[i] += wanted
                log_q[i] = total[i] / FIRST_OUTPUT
                inst[i] = on - retired[i]
            logarithms(log_q, log_q.view(np.int64), bits, powers)
            rise *= 1.0 + 0.2 / 12.0
        for i in range(BLOCK):
            j = first + i
            out[0, j], out[1, j], out[2, j], out[3, j] = uc[i], inst[i], capex[i], total[i]
