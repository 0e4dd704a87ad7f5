/* The reduced model of benchmarks/reduced_model.py: blocks of draws that stay in cache, months outside, draws inside.

   Powers are exponentials of sums of logarithms. With -O3 -march=native -ffast-math, GCC vectorizes the loop over draws
   and takes exp and log from glibc's libmvec. */
#include <math.h>

#define MONTHS 120
#define BLOCK 64

static const double markup = 0.5, growth = 0.20, first_demand = 1e9, tokens_per_gpu = 2628.0, running = 200.0;
static const double least_served = 1e-9, clip = 0.07;

static void block(long n, const double *p0, const double *e, const double *b, const double *g, const double *life,
                  const double *u, const double *price, const double *rise, double *uc_out, double *inst_out,
                  double *capex_out, double *q_out)
{
    const double first_output = 12.0 * first_demand;
    double uc[BLOCK], inst[BLOCK], q[BLOCK], dep[BLOCK], capex[BLOCK], log_q[BLOCK], log_p0[BLOCK], log_g[BLOCK];
    double bought[MONTHS][BLOCK], retired[BLOCK], old_price[BLOCK];
    int months[BLOCK];
    for (long i = 0; i < n; i++) {
        uc[i] = p0[i] / (1.0 + markup);
        inst[i] = dep[i] = capex[i] = log_q[i] = 0.0;
        q[i] = first_output;
        log_p0[i] = log(p0[i]);
        log_g[i] = log(1.0 + g[i]) / 12.0;
        months[i] = (int)life[i];
    }
    for (int t = 0; t < MONTHS; t++) {
        for (long i = 0; i < n; i++) {
            int ago = t - months[i];
            int from = ago < 0 ? 0 : ago;
            retired[i] = ago < 0 ? 0.0 : bought[from][i];
            old_price[i] = price[from];
        }
        double *buy = bought[t];
        for (long i = 0; i < n; i++) {
            double demand = rise[t] * exp(-e[i] * (log(uc[i] * (1.0 + markup)) - log_p0[i]));
            double work = tokens_per_gpu * exp(t * log_g[i] + b[i] * log_q[i]) * u[i];
            double new = demand / work - inst[i];
            new = new > 0.0 ? new : 0.0;
            buy[i] = new;
            capex[i] += new * price[t];
            dep[i] += (new * price[t] - retired[i] * old_price[i]) / life[i];
            double on = inst[i] + new;
            double served = demand < on * work ? demand : on * work;
            served = served > least_served ? served : least_served;
            double cost = (dep[i] + running * on) / served;
            double low = (1.0 - clip) * uc[i], high = (1.0 + clip) * uc[i];
            cost = cost < low ? low : cost;
            uc[i] = cost > high ? high : cost;
            q[i] += demand;
            log_q[i] = log(q[i] / first_output);
            inst[i] = on - retired[i];
        }
    }
    for (long i = 0; i < n; i++) {
        uc_out[i] = uc[i];
        inst_out[i] = inst[i];
        capex_out[i] = capex[i];
        q_out[i] = q[i];
    }
}

void reduced(long n, const double *p0, const double *e, const double *b, const double *g, const double *life,
             const double *u, double *uc, double *inst, double *capex, double *q)
{
    double price[MONTHS], rise[MONTHS];
    for (int t = 0; t < MONTHS; t++) {
        price[t] = 30000.0 * pow(0.97, t / 12.0);
        rise[t] = first_demand * pow(1.0 + growth / 12.0, t);
    }
    for (long i = 0; i < n; i += BLOCK) {
        long m = n - i < BLOCK ? n - i : BLOCK;
        block(m, p0 + i, e + i, b + i, g + i, life + i, u + i, price, rise, uc + i, inst + i, capex + i, q + i);
    }
}
