// The step of bond-flywheel, fused by hand: what a processor core can do with these equations.
//
// One operator, four workloads, and the switches of bond-flywheel; hand.py refuses any other scenario. Eight draws make
// a vector, some vectors take a step together, and their state stays in cache. Against the library's formulas:
// - powers and ceilings share exponentials: a line in the log rent with the same slope in all workloads needs one;
// - slopes of premiums are exact instead of differences;
// - one running sum per row instead of amounts and their sum; delays that all draws share are scalars;
// - what does not depend on the step, or is 0 by these switches, is computed once or left out.
// The passes of the solvers and their stop rule are the library's. Every output that the library stores is computed.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

typedef double V __attribute__((vector_size(64)));
typedef int64_t I __attribute__((vector_size(64)));

constexpr int LANES = 8;
constexpr int WORK = 4;
constexpr double HOURS = 8766.0, TINY = 1e-300, NUDGE = 1e-300, FAR = 1e300;
constexpr double ARRIVED = 1e-14, LOWEST_RENT = 12.0, HIGHEST_RENT = 7.0, STEEPEST = 1e12, MOST_GROWTH = 3.0;
constexpr int PASSES = 18;

// ---- vectors --------------------------------------------------------------------------------------------------------

INLINE V all(double x) { return V{} + x; }
INLINE V pick(I mask, V yes, V no) { return mask ? yes : no; }
INLINE V largest(V a, V b) { return pick(a > b, a, b); }
INLINE V least(V a, V b) { return pick(a < b, a, b); }
INLINE V magnitude(V a) { return (V)((I)a & INT64_C(0x7FFFFFFFFFFFFFFF)); }
INLINE bool any(I mask) {
    int64_t found = 0;
    for (int lane = 0; lane < LANES; lane++) found |= mask[lane];
    return found != 0;
}

constexpr double SHIFT = 6755399441055744.0;  // 2^52 + 2^51: leaves a whole number in the lowest bits
constexpr double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;

// Taylor series to the 13th power after reduction to |r| <= ln 2/2; about one unit in the last place.
INLINE V expo(V x) {
    x = least(largest(x, all(-700.0)), all(700.0));
    V turned = x * 1.4426950408889634 + SHIFT;
    V n = turned - SHIFT;
    V r = (x - n * LN2_HIGH) - n * LN2_LOW;
    V s = r * r, q = s * s;
    V a = (1.0 / 2 + r * (1.0 / 6)) + s * (1.0 / 24 + r * (1.0 / 120));
    V b = (1.0 / 720 + r * (1.0 / 5040)) + s * (1.0 / 40320 + r * (1.0 / 362880));
    V c = (1.0 / 3628800 + r * (1.0 / 39916800)) + s * (1.0 / 479001600 + r * (1.0 / 6227020800));
    V p = 1.0 + (r + s * (a + q * (b + q * c)));
    return (V)((I)p + ((I)turned << 52));
}

INLINE V expm1o(V x) { return pick(magnitude(x) < 1e-5, x + 0.5 * x * x, expo(x) - 1.0); }

// FreeBSD msun's e_log.c, for positive normal numbers.
INLINE V loga(V x) {
    I bits = (I)x;
    I e = (bits - INT64_C(0x3FE6A09E667F3BCD)) >> 52;
    V f = (V)(bits - (e << 52)) - 1.0;
    V k = (V)(e + (I)all(SHIFT)) - SHIFT;
    V s = f / (f + 2.0), z = s * s, w = z * z;
    V t1 = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    V t2 = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 +
                w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    V h = 0.5 * f * f;
    return k * LN2_HIGH + (f - (h - (s * (h + (t1 + t2)) + k * LN2_LOW)));
}

// Rows of vectors: element `row` of lane i, by a row per lane.
INLINE V gathered(const V *rows, I row) {
#if defined(__AVX512F__)
    const I lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return (V)_mm512_i64gather_pd((__m512i)((row << 3) + lane), (const double *)rows, 8);
#else
    V found;
    for (int i = 0; i < LANES; i++) found[i] = ((const double *)(rows + row[i]))[i];
    return found;
#endif
}
INLINE I whole(V x) { return (I)(x + SHIFT) - (I)all(SHIFT); }  // of whole numbers
INLINE V below(V x) {                                           // floor
    V n = (x + SHIFT) - SHIFT;
    return n - pick(n > x, all(1.0), all(0.0));
}

// ---- inputs and outputs ---------------------------------------------------------------------------------------------

// SHARED(name, path): the same in all draws. OWN(name, path): by draw, the last axis.
#define INPUTS(SHARED, OWN) \
    SHARED(times, "drivers.times") OWN(price, "drivers.price") \
    OWN(power, "drivers.power") OWN(decline, "drivers.decline") OWN(hardware_growth, "drivers.hardware_growth") \
    SHARED(site_price, "drivers.site_price") SHARED(electricity, "drivers.electricity") \
    OWN(energised, "drivers.energised") OWN(software_trend, "drivers.software_trend") \
    SHARED(learning, "drivers.learning") SHARED(model_index, "drivers.model_index") \
    OWN(training_trend, "drivers.training_trend") SHARED(training_shock, "drivers.training_shock") \
    OWN(investors, "drivers.investors") SHARED(busy, "drivers.internal") SHARED(markup, "drivers.markup") \
    SHARED(demand_factor, "drivers.demand_factor") SHARED(tokens, "drivers.workloads.tokens") \
    SHARED(log_reference, "drivers.workloads.log_reference") OWN(elasticity, "drivers.workloads.elasticity") \
    OWN(capability_elasticity, "drivers.workloads.capability_elasticity") SHARED(memory, "drivers.workloads.memory") \
    OWN(adoption, "drivers.workloads.adoption") OWN(intensity, "drivers.workloads.intensity") \
    OWN(budget, "drivers.workloads.budget") SHARED(paid_share, "drivers.workloads.paid_share") \
    SHARED(realisation, "drivers.workloads.realisation") SHARED(speed, "market.speed") \
    SHARED(exponent, "market.exponent") SHARED(target_use, "market.target_use") SHARED(max_use, "market.max_use") \
    OWN(experience, "market.experience") SHARED(initial_tokens, "market.initial_tokens") \
    SHARED(compute, "market.compute") SHARED(compute_floor, "market.compute_floor") SHARED(mfu, "market.mfu") \
    SHARED(peak, "market.peak") SHARED(revenue_share, "market.revenue_share") \
    SHARED(revenue_memory, "market.revenue_memory") OWN(past_growth, "market.past_growth") \
    SHARED(capability_lag, "market.capability_lag") SHARED(internal_elasticity, "market.internal_elasticity") \
    SHARED(reference_rent, "market.reference_rent") SHARED(log_noticed, "state.prices.log_noticed") \
    SHARED(cumulative, "state.cumulative") SHARED(internal_value, "account.internal_value") \
    SHARED(resale_fee, "account.resale_fee") SHARED(full_load, "account.full_load") \
    SHARED(idle_fraction, "account.idle_fraction") SHARED(maintenance, "account.maintenance") \
    SHARED(site_operation, "account.site_operation") SHARED(staff, "account.staff") \
    SHARED(research, "account.research") SHARED(go_to_market, "account.go_to_market") \
    SHARED(overhead, "account.overhead") SHARED(other_revenue, "account.other_revenue") \
    SHARED(other_cost, "account.other_cost") SHARED(other_capex, "account.other_capex") OWN(wacc, "money.wacc") \
    OWN(claims_spread, "money.claims_spread") SHARED(credit_limit, "money.credit_limit") \
    SHARED(own_cash, "money.own_cash") SHARED(interest_rate, "money.interest_rate") \
    SHARED(cash_yield, "money.cash_yield") SHARED(minimum_cash, "money.minimum_cash") \
    SHARED(tax_rate, "money.tax_rate") SHARED(bonus, "money.bonus") SHARED(tax_life, "money.tax_life") \
    SHARED(loss_limit, "money.loss_limit") SHARED(opening_deduction, "money.opening_deduction") \
    SHARED(instalments, "money.debt._instalments") SHARED(cash, "money.cash") SHARED(losses, "money.losses") SHARED(cash_flow, "money.cash_flow") \
    SHARED(chip_life, "fleets.chips._stock.times.life") \
    SHARED(chip_opening_life, "fleets.chips._stock.times.opening_life") \
    SHARED(failures, "fleets.chips._stock.times.failures") OWN(chip_opened, "fleets.chips._stock.opened") \
    OWN(chip_coming, "fleets.chips._stock.coming") SHARED(equipment_life, "fleets.chips.books.accelerators.life") \
    SHARED(network_life, "fleets.chips.books.network.life") \
    SHARED(equipment_book, "fleets.chips.books.accelerators.opening.amount") \
    SHARED(equipment_left, "fleets.chips.books.accelerators.opening.life") \
    SHARED(network_book, "fleets.chips.books.network.opening.amount") \
    SHARED(network_left, "fleets.chips.books.network.opening.life") \
    SHARED(site_opening_life, "fleets.sites._stock.times.opening_life") \
    SHARED(site_physical, "fleets.sites._stock.times.life") OWN(site_opened, "fleets.sites._stock.opened") \
    OWN(site_coming, "fleets.sites._stock.coming") SHARED(site_book_life, "fleets.sites.books.sites.life") \
    SHARED(site_book, "fleets.sites.books.sites.opening.amount") \
    SHARED(site_left, "fleets.sites.books.sites.opening.life") SHARED(economic_life, "fleets.terms.economic_life") \
    SHARED(site_life, "fleets.terms.site_life") SHARED(availability, "fleets.terms.availability") \
    SHARED(network_share, "fleets.terms.network_share") SHARED(operation, "fleets.terms.operation") \
    SHARED(leaving_time, "fleets.terms.leaving_time") SHARED(impairment, "fleets.terms.impairment") \
    SHARED(building, "fleets.construction") OWN(unpaid, "fleets.unpaid") OWN(thirstiest, "fleets.thirstiest") \
    OWN(dearest, "fleets.dearest") SHARED(planned, "investment.planned") OWN(plan, "investment.plan") \
    SHARED(plan_sites, "investment.plan_sites") SHARED(adjustment, "investment.adjustment") \
    SHARED(trend_memory, "investment.memory") SHARED(damping, "investment.damping") \
    SHARED(room_time, "investment.room_time") SHARED(premium_memory, "investment.premium_memory") \
    OWN(lag, "investment.lag") OWN(site_lag, "investment.site_lag") \
    OWN(supply_elasticity, "investment.supply_elasticity") OWN(build_up, "investment.build_up") \
    OWN(max_build_up, "investment.max_build_up") SHARED(run_down, "investment.run_down") \
    SHARED(max_premium, "investment.max_premium") OWN(site_elasticity, "investment.site_elasticity") \
    SHARED(max_site_premium, "investment.max_site_premium") SHARED(supply, "investment.supply") \
    SHARED(trend, "investment.trend") SHARED(final_share, "final_share") SHARED(shipped, "shipped")

#define OUTPUTS(X) \
    X(token_revenue) X(net_rents) X(contract_gain) X(hosting_gain) X(resale_fees) X(internal_value) X(other_revenue) \
    X(energy_used) X(energy) X(site_operation) X(maintenance) X(staff) X(research) X(go_to_market) X(overhead) \
    X(other_cost) X(interest) X(cash_income) X(tax) X(leased) X(repaid) X(lease_repaid) X(borrowed) \
    X(investors_money) X(owners_money) X(rescue) X(paid_out) X(other_capex) X(bought_by_class) \
    X(additions_by_class) X(depreciation_by_class) X(write_offs_by_class) X(impairments_by_class) \
    X(uncovered_by_class) X(cash) X(debt) X(lease_debt) X(tax_losses) X(book_in_service) X(construction_by_class) \
    X(tokens_demanded) X(tokens_served) X(price) X(noticed_price) X(realised_price) X(unit_cost) \
    X(compute_per_token) X(model_index) X(adoption) X(intensity) X(price_response) X(capability_response) \
    X(ceiling_factor) X(paid_share) X(price_realisation) X(user_spend_by_workload) X(accelerators_by_workload) \
    X(software_efficiency) X(capability) X(rental_price) X(fill) X(rationing) X(training_compute) \
    X(training_budget) X(final_runs) X(internal) X(required_compute) X(trend) X(chip_premium) X(site_premium) \
    X(supplier_capability) X(required_rent_by_operator) X(paid_rent_by_operator) X(running_cost_by_operator) \
    X(equipment_share_by_operator) X(cost_of_capital) X(q) X(use_by_operator) X(units_by_operator) \
    X(capacity_by_operator) X(power_by_operator) X(site_power_by_operator) X(bought_by_operator) \
    X(shipped_by_operator) X(arrived_by_operator) X(retired_by_operator) X(failed_by_operator) \
    X(left_by_operator) X(on_order_by_operator) X(sites_ordered_by_operator) X(sites_energised_by_operator) \
    X(bound_held) X(cumulative_tokens)

#define NAMED(name, ...) #name,
#define LISTED(name, ...) name,
#define AS_SHARED(name, path) "shared " path,
#define AS_OWN(name, path) "own " path,
namespace out {
enum Number { OUTPUTS(LISTED) COUNT };
}
static const char *const INPUT_TEXT[] = {INPUTS(AS_SHARED, AS_OWN) nullptr};
static const char *const OUTPUT_TEXT[] = {OUTPUTS(NAMED) nullptr};

struct Inputs {
#define FIELD(name, path) const double *name;
    INPUTS(FIELD, FIELD)
};

extern "C" const char *input_name(int number) { return INPUT_TEXT[number]; }
extern "C" const char *output_name(int number) { return OUTPUT_TEXT[number]; }

// A series that is asked for: where to store it, or where to add it to sums and sums of squares.
struct Target {
    double *values;
    int64_t elements;
    V *sums;
};

// ---- state of a vector of draws -------------------------------------------------------------------------------------

enum { UNITS, WATTS, EQUIPMENT, NETWORK };                 // rows of the fleet of accelerators
enum { PLAN, RETURN, CHIPS, ROOM, CREDIT };                // limits of orders

struct Books {
    V *total;  // running sum of normalised cost placed
    V value, opening, before, charged;
    V written_off, impaired, lost, depreciation;
};

struct State {
    V *orders[4], *entered[4], *site_orders[2], *site_entered[2], *deductible, *effective;
    Books books[3];
    V late[4], site_late[2], site_middle[2];      // delayed curve of orders at the present bound; its last knot
    V level[4], before[4], arrived[4], opened[4], coming[4];
    V site_level[2], site_before[2], site_arrived[2], site_opened[2], site_coming[2];
    V log_price[WORK], log_noticed[WORK], log_target[WORK], needed_price[WORK], needed_noticed[WORK], needed_target[WORK];
    V cumulative, learned, last, earlier, revenue, log_rent, cash, debt, taken_up, losses, cash_flow, stopped;
    V construction[3], tested[3], book[3], shipped, usual, supply, premium, site_premium, trend, last_wanted, freed;
    V construction_shown[3];
    // constants of the draw
    V lag, site_lag, lag_steps, site_steps, part, site_part, kept_ahead[2], reach[2], survive[7], late_survive[7], ahead_at[7];
    I whole_lag, site_whole;
    V el[WORK];
    V excess_part, given_part, room_ahead, survive_room, freeable;
    I excess_low, given_low;
    int64_t first;
};

struct Step {  // what all draws share in a step
    double dt, alive0, alive1, alive2, decay, closing, weight, slope, decay_n, closing_n, weight_n, slope_n;
};

struct Run {
    const Inputs *in;
    Target *targets;
    int64_t draws;
    int steps, store;
    double dt, interest, yield, close_revenue, close_usual, close_trend, close_premium, close_flow;
    Step *shared;
};

#define S(name, at) (in.name[at])
#define D(name, at) (*(const V *)(in.name + (int64_t)(at) * run.draws + s.first))

template <bool STREAMED> INLINE void put(const Run &run, const State &s, int which, int row, int element, V value) {
    const Target &to = run.targets[which];
    if (STREAMED) {
        if (!to.sums) return;
        V *sums = to.sums + 2 * (row * to.elements + element);
        sums[0] += value;
        sums[1] += value * value;
        return;
    }
    if (!to.values) return;
    double *place = to.values + (row * to.elements + element) * run.draws + s.first;
#if defined(__AVX512F__)
    _mm512_stream_pd(place, (__m512d)value);
#else
    *(V *)place = value;
#endif
}
#define PUT(name, row, element, value) put<STREAMED>(run, s, out::name, row, element, (value))

INLINE double share_left(double bound, double life) { return 1.0 - fmin(bound / life, 1.0); }
INLINE V share_come(double bound, V lag) { return least(bound / lag, all(1.0)); }
INLINE V knot(const V *total, int bound) { return total[bound > 0 ? bound : 0]; }
INLINE V knot(const V *total, I bound) { return gathered(total, bound > 0 ? bound : (I){}); }

// Newton's method inside the bracket, else the Illinois method: the library's solve_decreasing.
template <class Residual> INLINE V solved(Residual residual, V low, V high, V start, I settled) {
    V value, slope, x = start;
    residual(x, value, slope);
    value = pick(settled, V{}, value);
    V best = x, best_size = magnitude(value), low_value = V{}, high_value = V{}, last_size = all(FAR), last_side = V{};
    I low_known = {}, high_known = {};
    for (int pass = 1; pass < PASSES && any(best_size > ARRIVED); pass++) {
        V size = magnitude(value);
        I above = value > 0.0;
        V side = pick(above, all(1.0), all(-1.0)), stale = pick(side == last_side, all(0.5), all(1.0));
        low_value = pick(above, value, low_value * stale);
        high_value = pick(above, high_value * stale, value);
        low = pick(above, x, low);
        high = pick(above, high, x);
        low_known |= above;
        high_known |= ~above;
        V secant = (low * high_value - high * low_value) / (high_value - low_value);
        V inner = pick(low_known & high_known & (high_value != low_value), secant, 0.5 * (low + high));
        V newton = x - value / least(slope, all(-TINY));
        I good = (newton > low) & (newton < high) & (size <= 0.5 * last_size);
        x = pick(best_size <= ARRIVED, best, pick(good, newton, inner));
        residual(x, value, slope);
        value = pick(settled, V{}, value);
        V now = magnitude(value);
        best = pick(now < best_size, x, best);
        best_size = least(now, best_size);
        last_size = size;
        last_side = side;
    }
    return best;
}

// ---- fleets ---------------------------------------------------------------------------------------------------------

INLINE V opening_left(double bound, double life, V amount) { return amount * share_left(bound, life); }

// Amounts of a row of accelerators that survive horizon `h` (its constants are in the state), without this step's order.
INLINE V surviving(const Run &run, const State &s, int k, int row, int h, bool retiring) {
    const Inputs &in = *run.in;
    V time = k + s.ahead_at[h];
    V left = 1.0 - least(time / in.chip_opening_life[0], all(1.0));
    V own = s.entered[row][k + 1] + s.opened[row] * left;
    if (retiring) {
        V late = largest(time - in.chip_life[0], V{});
        late = least(late, all(k + 1.0));
        V low = below(late);
        I at = whole(low);
        V first = gathered(s.entered[row], at);
        I next = at + 1;
        V second = gathered(s.entered[row], next > k + 1 ? (I){} + (k + 1) : next);
        own -= first + (late - low) * (second - first);
    }
    V coming = s.orders[row][k] - s.late[row] + s.coming[row] * (1.0 - share_come(k + 1, s.lag_steps));
    return run.shared[k].alive0 * s.survive[h] * own + coming * s.late_survive[h];
}

INLINE V position(const Run &run, const State &s, int k, int row, int h, double adjustment) {
    bool retiring = any(k + s.ahead_at[h + 2] > run.in->chip_life[0]);
    V before = surviving(run, s, k, row, h, retiring), now = surviving(run, s, k, row, h + 1, retiring);
    V after = surviving(run, s, k, row, h + 2, retiring);
    return largest(now - adjustment * (before - after) / run.dt, V{});
}

// Amounts of site power that survive; sites neither fail nor retire within the run, except the opening ones.
INLINE V sites_surviving(const Run &run, const State &s, int k, V ahead) {
    V time = k + ahead;
    V left = 1.0 - least(time / run.in->site_opening_life[0], all(1.0));
    V later = largest(time, all(k + 1.0));
    V at = largest(least(later - s.site_steps, all((double)k)), V{});
    V low = below(at);
    I row = whole(low), next = row + 1;
    V first = gathered(s.site_orders[0], row), second = gathered(s.site_orders[0], next > k ? (I){} + k : next);
    V coming = first + (at - low) * (second - first) - s.site_late[0];
    coming += s.site_coming[0] * (least(later / s.site_steps, all(1.0)) - share_come(k + 1, s.site_steps));
    return s.site_entered[0][k + 1] + s.site_opened[0] * left + coming;
}

INLINE V net(const Books &own, double bound, double life) { return own.value + own.opening * share_left(bound, life); }

// Depreciate a step; `normal` is the normalised cost placed in it.
INLINE void charge(Books &own, const Step &at, int k, double life, double left, V normal) {
    int delay = (int)life;
    V due = 0.5 * (own.total[k] + own.total[k + 1]) - 0.5 * (knot(own.total, k - delay) + knot(own.total, k + 1 - delay));
    V depreciated = due / life;
    V expense = depreciated + own.opening * (share_left(k, left) - share_left(k + 1, left));
    own.value -= depreciated;
    V after = net(own, k + 1, left);
    own.written_off = at.alive0 * own.before + at.alive1 * (normal - expense) - at.alive2 * after;
    own.depreciation = at.alive1 * expense;
    own.lost = own.impaired = V{};
}

INLINE void impair(Books &own, int k, double alive, double left, V share) {
    if (!any(share > 0.0)) return;
    V kept = 1.0 - share;
    own.impaired = alive * net(own, k + 1, left) * share;
    own.value *= kept;
    own.opening *= kept;
    for (int row = 1; row <= k + 1; row++) own.total[row] *= kept;
}

// Site power of the vintages that do not pay: what they take now, and what they still take when the next orders need it.
static void unprofitable(const Run &run, const State &s, int k, V earned, V watt, double upkeep, V *here_now, V *later) {
    const Inputs &in = *run.in;
    const int life = (int)in.chip_life[0], now = k + 1;
    V old[4], at_once = {}, then = {};
    const int first = now - life - 1 > 0 ? now - life - 1 : 0;
    for (int row = 0; row < 4; row++) old[row] = s.entered[row][first];
    for (int cohort = first; cohort < now; cohort++) {
        const double age = now - cohort, here = fmin(fmax(life - age + 1.0, 0.0), 1.0);
        V amount[4];
        for (int row = 0; row < 4; row++) {
            amount[row] = s.entered[row][cohort + 1] - old[row];
            old[row] = s.entered[row][cohort + 1];
        }
        V worth = earned * amount[UNITS] + watt * amount[WATTS] + upkeep * (amount[EQUIPMENT] + amount[NETWORK]);
        V watts = pick(worth < 0.0, amount[WATTS], V{});
        at_once += watts * here;
        then += watts * least(largest(life - s.room_ahead - age + 1.0, V{}), all(1.0));
    }
    V worth = earned * s.opened[UNITS] + watt * s.opened[WATTS] + upkeep * (s.opened[EQUIPMENT] + s.opened[NETWORK]);
    V opened = pick(worth < 0.0, s.opened[WATTS], V{});
    at_once += opened * share_left(now, in.chip_opening_life[0]);
    then += opened * (1.0 - least((now + s.room_ahead) / in.chip_opening_life[0], all(1.0)));
    *here_now = run.shared[k].alive2 * at_once;
    *later = run.shared[k].alive2 * s.survive_room * then;
}

// Retire a share `going` of the vintages that do not pay; returns nothing if none goes.
static void leave(const Run &run, State &s, int k, V going, V earned, V watt, double upkeep, V *left_rows) {
    const Inputs &in = *run.in;
    const int life = (int)in.chip_life[0], now = k + 1;
    const int first = now - life - 1 > 0 ? now - life - 1 : 0;
    const double alive = run.shared[k].alive2, book_life = in.equipment_life[0];
    V gone[4] = {}, lost[2] = {}, old[4], sum[4], old_book[2], sum_book[2];
    for (int row = 0; row < 4; row++) old[row] = sum[row] = s.entered[row][first];
    for (int c = 0; c < 2; c++) old_book[c] = sum_book[c] = s.books[c].total[first];
    for (int cohort = first; cohort < now; cohort++) {
        const double age = now - cohort, here = fmin(fmax(life - age + 1.0, 0.0), 1.0);
        V amount[4];
        for (int row = 0; row < 4; row++) {
            amount[row] = s.entered[row][cohort + 1] - old[row];
            old[row] = s.entered[row][cohort + 1];
        }
        V worth = earned * amount[UNITS] + watt * amount[WATTS] + upkeep * (amount[EQUIPMENT] + amount[NETWORK]);
        V out = here > 0.0 ? pick(worth < 0.0, going, V{}) : V{};
        for (int row = 0; row < 4; row++) {
            gone[row] += amount[row] * out * here;
            sum[row] += amount[row] * (1.0 - out);
            s.entered[row][cohort + 1] = sum[row];
        }
        const double charged = fmin(fmax(book_life - age + 1.0, 0.0), 1.0);
        const double base = charged * (1.0 - (age - 1.0 + 0.5 * charged) / book_life);
        for (int c = 0; c < 2; c++) {
            V cost = s.books[c].total[cohort + 1] - old_book[c];
            old_book[c] = s.books[c].total[cohort + 1];
            lost[c] += cost * base * out;
            sum_book[c] += cost * (1.0 - out);
            s.books[c].total[cohort + 1] = sum_book[c];
        }
    }
    V worth = earned * s.opened[UNITS] + watt * s.opened[WATTS] + upkeep * (s.opened[EQUIPMENT] + s.opened[NETWORK]);
    V out = pick(worth < 0.0, going, V{});
    const double opening = share_left(now, in.chip_opening_life[0]);
    for (int row = 0; row < 4; row++) {
        left_rows[row] = alive * (gone[row] + s.opened[row] * opening * out);
        s.opened[row] *= 1.0 - out;
        s.level[row] -= left_rows[row];
    }
    const double lives[2] = {in.equipment_left[0], in.network_left[0]};
    for (int c = 0; c < 2; c++) {
        Books &own = s.books[c];
        own.value -= lost[c];
        own.lost += alive * (lost[c] + own.opening * share_left(now, lives[c]) * out);
        own.opening *= 1.0 - out;
    }
}

// Present value of what cohorts earn: `weighted(row)` is their running sum. Lives are whole steps, so that the discount
// of a cohort is that of the next younger one times a constant.
template <class Weighted> INLINE V worth(Weighted weighted, V opening, int now, double life, double opening_life, double dt, V rate) {
    rate += NUDGE;
    const V pace = expo(rate * dt);
    V discount = expo(-rate * (dt * (life - 0.5))), total = {}, later = weighted(now);  // age 1: half a step gone
    for (int cohort = now - 1; cohort >= 0 && now - cohort <= life; cohort--) {
        V earlier = weighted(cohort);
        total += (later - earlier) * (1.0 - discount);
        later = earlier;
        discount *= pace;
    }
    const double rest = 0.5 * dt * fmax(opening_life - now, 0.0);
    return (total - opening * share_left(now, opening_life) * expm1o(-rate * rest)) / rate;
}

INLINE V short_of(V worth, V book) {
    V found = 1.0 - largest(worth, V{}) / largest(book, all(TINY));
    return pick(book > 0.0, least(largest(found, V{}), all(1.0)), V{});
}

// ---- premiums -------------------------------------------------------------------------------------------------------

// A rule gives orders and their slope in the log premium. Returns orders; changes the premium; gives the log of orders at list price over supply.
template <class Rule> INLINE V cleared(Rule rule, V able, V &premium, V elasticity, double most, double closing, V *shortage) {
    const V log_able = loga(largest(able, all(TINY))), top = all(std::log(most));
    V wanted, slope;
    auto excess = [&](V at, V &value, V &fall) {
        V amount, change;
        rule(at, amount, change);
        amount = largest(amount, all(TINY));
        value = loga(amount) - log_able - elasticity * at;
        fall = change / amount - elasticity;
    };
    V none_value, top_value, unused;
    excess(V{}, none_value, unused);
    excess(top, top_value, unused);
    I free = none_value <= 0.0, scarce = top_value >= 0.0;
    V clearing = pick(free, V{}, top);
    if (any(~(free | scarce))) clearing = pick(free, V{}, pick(scarce, top, solved(excess, V{}, top, premium, free | scarce)));
    rule(premium, wanted, slope);
    V room = able * expo(elasticity * premium);
    V share = least(room / largest(wanted, all(TINY)), all(1.0));
    premium += closing * (clearing - premium);
    *shortage = none_value;
    return wanted * share;
}

// ---- a step ---------------------------------------------------------------------------------------------------------

INLINE void curves(const Run &run, State &s, int k) {  // the delayed curves of orders at bound k + 1
    I row = (k + 1) - s.whole_lag, before = row - 1;
    for (int i = 0; i < 4; i++) {
        V high = knot(s.orders[i], row), low = knot(s.orders[i], before);
        V now = high - s.part * (high - low);
        s.arrived[i] = now - s.late[i];
        s.late[i] = now;
    }
    row = (k + 1) - s.site_whole;
    before = row - 1;
    for (int i = 0; i < 2; i++) {
        V high = knot(s.site_orders[i], row), low = knot(s.site_orders[i], before);
        V now = high - s.site_part * (high - low);
        s.site_arrived[i] = now - s.site_late[i];
        s.site_middle[i] = low;
        s.site_late[i] = now;
    }
}

template <bool STREAMED> static void stocks(const Run &run, State &s, int k) {
    PUT(cumulative_tokens, k, 0, s.cumulative);
    PUT(cash, k, 0, s.cash);
    PUT(debt, k, 0, s.debt);
    PUT(lease_debt, k, 0, V{});
    PUT(tax_losses, k, 0, s.losses);
    for (int c = 0; c < 3; c++) {
        PUT(book_in_service, k, c, s.book[c]);
        PUT(construction_by_class, k, c, s.construction_shown[c]);
    }
}

template <bool STREAMED> static void take(const Run &run, State &s, int k) {
    const Inputs &in = *run.in;
    const Step &at = run.shared[k];
    const double dt = run.dt;
    stocks<STREAMED>(run, s, k);
    const V chip_premium = s.premium, site_premium = s.site_premium;
    const V dearness = expo(chip_premium), site_dearness = expo(site_premium);

    // -- arrivals
    const double lives[3] = {in.equipment_left[0], in.network_left[0], in.site_left[0]};
    for (int c = 0; c < 3; c++) s.books[c].before = net(s.books[c], k, lives[c]);
    curves(run, s, k);
    const V come = share_come(k + 1, s.lag_steps) - share_come(k, s.lag_steps);
    V middle[4], site_middle[2], normal[4];
    const int life = (int)in.chip_life[0];
    for (int row = 0; row < 4; row++) {
        s.before[row] = s.level[row];
        s.arrived[row] += s.coming[row] * come;
        normal[row] = s.arrived[row] / at.alive1;
        V *total = s.entered[row];
        total[k + 1] = total[k] + normal[row];
        V own = total[k + 1] - knot(total, k + 1 - life);
        s.level[row] = at.alive2 * (own + opening_left(k + 1, in.chip_opening_life[0], s.opened[row]));
        middle[row] = 0.5 * (s.before[row] + s.level[row]);
    }
    const V site_come = share_come(k + 1, s.site_steps) - share_come(k, s.site_steps);
    for (int row = 0; row < 2; row++) {
        s.site_before[row] = s.site_level[row];
        s.site_arrived[row] += s.site_coming[row] * site_come;
        V *total = s.site_entered[row];
        total[k + 1] = total[k] + s.site_arrived[row];
        s.site_level[row] = total[k + 1] + opening_left(k + 1, in.site_opening_life[0], s.site_opened[row]);
        site_middle[row] = 0.5 * (s.site_before[row] + s.site_level[row]);
    }
    const V placed[3] = {normal[EQUIPMENT], normal[NETWORK], s.site_arrived[1]};
    for (int c = 0; c < 3; c++) {
        s.books[c].total[k + 1] = s.books[c].total[k] + placed[c];
        s.books[c].value += placed[c];
    }
    const V powered = least(site_middle[0] / largest(middle[WATTS], all(TINY)), all(1.0));
    const V occupied = least(middle[WATTS] / largest(site_middle[0], all(TINY)), all(1.0));
    const V capacity = S(availability, 0) * middle[UNITS] * powered;

    // -- required rent
    const V flow = largest(s.cash_flow, all(TINY));
    const V claims = least(s.debt, S(credit_limit, 0) * flow);
    const V rate = loga(1.0 + D(wacc, 0) + D(claims_spread, 0) * claims / flow);
    const V price = D(price, k), power = D(power, k), site = S(site_price, k) * power;
    const double energy_full = S(full_load, 0) * HOURS * S(electricity, k), idle = S(idle_fraction, 0);
    const double hours = HOURS * S(availability, 0) * S(target_use, 0);
    const V running = power * (energy_full * (idle + (1.0 - idle) * S(target_use, 0))) + S(maintenance, 0) * price +
                      S(operation, 0) * site;
    const V falling = rate + D(decline, k) + NUDGE;
    const V chip_rent = price * falling / (hours * (1.0 - expo(-falling * S(economic_life, 0))));
    const V site_rent = site * rate / (hours * (1.0 - expo(-rate * S(site_life, 0))));
    const V running_rent = running / hours;
    const V required = chip_rent + site_rent + running_rent;
    const V paid_rent = chip_rent * dearness + site_rent * site_dearness + running_rent;
    const V chip_share = chip_rent / largest(required, all(TINY)), site_share = site_rent / largest(required, all(TINY));

    // -- situation
    V learned = s.learned;
    if (k > 0) {
        V growth = {};
        if (k > 1) {
            growth = loga(largest(s.last, all(TINY)) / largest(s.earlier, all(TINY)));
            growth = least(largest(growth, all(-MOST_GROWTH)), all(MOST_GROWTH));
        }
        V half = expo(0.5 * growth);
        learned += s.last * half * half * (S(learning, k) * dt) / (1.0 + half);
    }
    const V efficiency =
        expo(D(software_trend, k) + D(experience, 0) * loga(learned / S(initial_tokens, 0)));
    V log_capability = D(past_growth, 0) * S(times, 0);
    if (k > 0) {
        const double lag = fmax(S(capability_lag, 0), dt), first = S(times, 0), now = S(times, k);
        const double where = (now - lag - first) / dt;
        int low = (int)std::floor(where);
        low = low < 0 ? 0 : (low > k - 1 ? k - 1 : low);
        const int high = low + 1 < k - 1 ? low + 1 : k - 1;
        const double part = fmax(where - low, 0.0);
        const V growth = D(past_growth, 0);
        const V level = s.effective[low] * (1.0 - part) + s.effective[high] * part;
        log_capability = level + growth * fmin(now - lag - first, 0.0) - (s.effective[0] - growth * (first + lag));
    }
    V level[WORK], hours_of[WORK], compute[WORK], answer[WORK], pressed[WORK], target_at[WORK], usual_at[WORK],
        price_at[WORK], goal_at[WORK], goal[WORK], money_at[WORK], price_line[WORK], noticed_line[WORK], log_goal[WORK];
    bool paying[WORK];  // a workload that nobody pays for takes its cost from the budget
    V prepaid = {};
    for (int w = 0; w < WORK; w++) {
        const int kw = k * WORK + w;
        compute[w] = largest(S(compute, w) * S(model_index, kw) / efficiency, all(S(compute_floor, w)));
        hours_of[w] = compute[w] / (S(mfu, w) * S(peak, 0) * 3600.0);
        answer[w] = expo(log_capability * D(capability_elasticity, w));
        level[w] = (S(tokens, w) * S(demand_factor, k)) * D(adoption, kw) * D(intensity, kw) * answer[w];
        if (k == 0) prepaid += level[w] * expo(s.log_price[w]) * (S(realisation, kw) * S(paid_share, kw));
        log_goal[w] = S(markup, kw) + loga(hours_of[w]);
        price_line[w] = s.log_price[w] * at.decay +
                        at.closing * (at.weight * s.log_target[w] + (1.0 - at.weight) * log_goal[w]);
        noticed_line[w] = s.log_noticed[w] * at.decay_n +
                          at.closing_n * (at.weight_n * s.log_price[w] + (1.0 - at.weight_n) * price_line[w]);
        price_at[w] = expo(price_line[w]);
        usual_at[w] = s.el[w] * (noticed_line[w] - S(log_reference, w));
        goal_at[w] = s.el[w] * (log_goal[w] - S(log_reference, w));
        const double paid = S(paid_share, kw) * S(realisation, kw);
        paying[w] = paid > 0.0;
        money_at[w] = paying[w] ? price_at[w] : hours_of[w];
        goal[w] = hours_of[w] * (paying[w] ? std::exp(S(markup, kw)) : 1.0);
        pressed[w] = level[w] * (paying[w] ? paid : 1.0) / D(budget, kw);
    }
    if (k == 0) s.revenue = prepaid;
    const V budget = S(revenue_share, 0) * s.revenue + D(investors, k);
    const double internal_power = S(internal_elasticity, 0);
    const double internal_at = S(busy, k) * HOURS * std::pow(S(reference_rent, 0), -internal_power);

    // -- clearing
    const V offered_hours = capacity * HOURS, spread = largest(paid_rent - running_rent, all(TINY));
    const double root = 1.0 / S(exponent, 0), max_use = S(max_use, 0), target_use = S(target_use, 0);
    auto residual = [&](V x, V &gap, V &fall) {
        const V rent = expo(x), turned = expo(at.slope * x);
        V wanted = {}, change = {};
        for (int w = 0; w < WORK; w++) {
            const V el = s.el[w];
            const V usual = expo(usual_at[w] + el * (at.slope_n * x)), z = pressed[w] * usual * money_at[w] * (paying[w] ? turned : rent);
            const V clear = expo(goal_at[w] + el * x), zc = pressed[w] * clear * goal[w] * rent;
            const V over = 1.0 / (1.0 + z), over_c = 1.0 / (1.0 + zc);
            const V one = usual * over, two = clear * over_c;
            const V free = el * at.slope_n;
            const V slope_one = free - z * over * (free + (paying[w] ? at.slope : 1.0)), slope_two = el - zc * over_c * (el + 1.0);
            const V busy = level[w] * hours_of[w] * least(one, two);
            wanted += busy;
            change += busy * pick(two < one, slope_two, slope_one);
        }
        const V training = budget / rent, internal = internal_at * expo(internal_power * x);
        wanted += training + internal;
        change += internal_power * internal - training;
        const V above = largest(rent - running_rent, all(TINY));
        const V free_use = target_use * expo(root * loga(above / spread));
        const V supply = offered_hours * least(free_use, all(max_use));
        const V supply_slope = pick(free_use < max_use, least(rent * root / above, all(STEEPEST)), V{});
        gap = loga(largest(wanted, all(TINY))) - loga(largest(supply, all(TINY)));
        fall = change / largest(wanted, all(TINY)) - supply_slope;
    };
    const V dearest = loga(largest(paid_rent, all(TINY)));
    const V low = largest(loga(largest(running_rent, all(TINY))), dearest - LOWEST_RENT), high = dearest + HIGHEST_RENT;
    V start = k == 0 ? dearest : s.log_rent;
    start = pick((start > low) & (start < high), start, 0.5 * (low + high));
    const V x = solved(residual, low, high, start, I{});
    const V rent = expo(x), turned = expo(at.slope * x);
    const V above = largest(rent - running_rent, V{});
    const V offered = least(pick(above > 0.0, target_use * expo(root * loga(largest(above, all(TINY)) / spread)), V{}),
                            all(max_use));
    const V room_hours = offered_hours * offered;
    V demanded[WORK], bought[WORK], unbounded[WORK], response[WORK], token_hours[WORK], served[WORK], all_tokens = {};
    for (int w = 0; w < WORK; w++) {
        const V el = s.el[w];
        response[w] = expo(usual_at[w] + el * (at.slope_n * x));
        const V clear = expo(goal_at[w] + el * x);
        unbounded[w] = level[w] * response[w];
        demanded[w] = unbounded[w] / (1.0 + pressed[w] * response[w] * money_at[w] * (paying[w] ? turned : rent));
        bought[w] = least(demanded[w], level[w] * clear / (1.0 + pressed[w] * clear * goal[w] * rent));
        token_hours[w] = bought[w] * hours_of[w];
        all_tokens += token_hours[w];
    }
    V training_hours = budget / rent, internal_hours = internal_at * expo(internal_power * x);
    const V wanted_hours = all_tokens + training_hours + internal_hours;
    const V rationing = least(room_hours / largest(wanted_hours, all(TINY)), all(1.0));
    const V sold_hours = wanted_hours * rationing * room_hours / largest(room_hours, all(TINY));
    training_hours *= rationing;
    internal_hours *= rationing;
    all_tokens *= rationing;
    V user_spend = {}, served_all = {}, demanded_all = {}, paid_price[WORK], spend[WORK], list[WORK];
    for (int w = 0; w < WORK; w++) {
        const int kw = k * WORK + w;
        served[w] = bought[w] * rationing;
        token_hours[w] *= rationing;
        list[w] = price_at[w] * turned;
        paid_price[w] = list[w] * S(realisation, kw);
        spend[w] = paid_price[w] * S(paid_share, kw) * served[w];
        user_spend += spend[w];
        served_all += served[w];
        demanded_all += demanded[w];
        s.log_price[w] = price_line[w] + at.slope * x;
        s.log_noticed[w] = noticed_line[w] + at.slope_n * x;
        s.log_target[w] = log_goal[w] + x;
    }
    s.log_rent = x;
    s.cumulative += served_all * dt;
    s.learned += served_all * (dt * S(learning, k));
    s.earlier = s.last;
    s.last = served_all;
    s.revenue += run.close_revenue * (user_spend - s.revenue);
    s.effective[k] = loga(largest(training_hours * S(training_shock, k), all(TINY))) + D(training_trend, k);
    const V use = sold_hours / largest(offered_hours, all(TINY));

    // -- flows
    const V net_hours = sold_hours - all_tokens - training_hours - internal_hours;
    const V token_revenue = user_spend * dt;
    const V energy = middle[WATTS] * (S(full_load, 0) * (idle + (1.0 - idle) * use)) * (HOURS * dt);
    const V resale = S(resale_fee, 0) * rent * largest(net_hours, V{}) * dt;
    const V net_rents = rent * net_hours * dt, internal_value = S(internal_value, 0) * rent * internal_hours * dt;
    const V energy_cost = energy * S(electricity, k);
    const V operation = S(site_operation, 0) * site_middle[0] * (S(site_price, k) * dt);
    const V upkeep = S(maintenance, 0) * (middle[EQUIPMENT] + middle[NETWORK]) * dt;
    const double staff = S(staff, k) * dt, research = S(research, k) * dt;
    const double other_revenue = S(other_revenue, k) * dt, other_cost = S(other_cost, k) * dt;
    const V selling = S(go_to_market, 0) * token_revenue, overhead = S(overhead, 0) * token_revenue;

    // -- records of the market and of the fleets
    for (int w = 0; w < WORK; w++) {
        const int kw = k * WORK + w;
        PUT(tokens_demanded, k, w, demanded[w] * dt);
        PUT(tokens_served, k, w, served[w] * dt);
        PUT(price, k, w, list[w]);
        PUT(noticed_price, k, w, expo(s.log_noticed[w]));
        PUT(realised_price, k, w, paid_price[w]);
        PUT(unit_cost, k, w, hours_of[w] * required);
        PUT(compute_per_token, k, w, compute[w]);
        PUT(model_index, k, w, all(S(model_index, kw)));
        PUT(adoption, k, w, D(adoption, kw) * S(demand_factor, k));
        PUT(intensity, k, w, D(intensity, kw));
        PUT(price_response, k, w, response[w]);
        PUT(capability_response, k, w, answer[w]);
        PUT(ceiling_factor, k, w, pick(unbounded[w] > 0.0, demanded[w] / largest(unbounded[w], all(TINY)), all(1.0)));
        PUT(paid_share, k, w, all(S(paid_share, kw)));
        PUT(price_realisation, k, w, all(S(realisation, kw)));
        PUT(user_spend_by_workload, k, w, spend[w] * dt);
        PUT(accelerators_by_workload, k, w, token_hours[w] / HOURS);
    }
    PUT(software_efficiency, k, 0, efficiency);
    PUT(capability, k, 0, expo(log_capability));
    PUT(rental_price, k, 0, rent);
    PUT(fill, k, 0, pick(demanded_all > 0.0, served_all / largest(demanded_all, all(TINY)), all(1.0)));
    PUT(rationing, k, 0, rationing);
    PUT(training_compute, k, 0, training_hours / HOURS);
    PUT(training_budget, k, 0, budget * rationing * dt);
    PUT(final_runs, k, 0, training_hours / HOURS * S(final_share, k));
    PUT(internal, k, 0, internal_hours / HOURS);
    PUT(required_rent_by_operator, k, 0, required);
    PUT(paid_rent_by_operator, k, 0, paid_rent);
    PUT(running_cost_by_operator, k, 0, running_rent);
    PUT(equipment_share_by_operator, k, 0, chip_share);
    PUT(cost_of_capital, k, 0, rate);
    {
        const V whole_rent = required * target_use;
        PUT(q, k, 0, pick(whole_rent > 0.0, rent * use / largest(whole_rent, all(TINY)), all(1.0)));
    }
    PUT(use_by_operator, k, 0, use);
    PUT(units_by_operator, k, 0, middle[UNITS]);
    PUT(capacity_by_operator, k, 0, capacity);
    PUT(power_by_operator, k, 0, middle[WATTS]);
    PUT(site_power_by_operator, k, 0, site_middle[0]);
    PUT(chip_premium, k, 0, expm1o(chip_premium));
    PUT(site_premium, k, 0, expm1o(site_premium));
    PUT(supplier_capability, k, 0, s.supply);

    // -- wanted compute
    const V log_required = loga(largest(required, all(TINY))), required_turned = expo(at.slope * log_required);
    const V required_training = budget / required, required_internal = internal_at * expo(internal_power * log_required);
    V wanted = required_training + required_internal, falls = required_training - internal_power * required_internal;
    for (int w = 0; w < WORK; w++) {
        const V el = s.el[w];
        if (k == 0) s.needed_price[w] = s.needed_noticed[w] = s.needed_target[w] = log_goal[w] + log_required;
        const V line = s.needed_price[w] * at.decay +
                       at.closing * (at.weight * s.needed_target[w] + (1.0 - at.weight) * log_goal[w]);
        const V noticed = s.needed_noticed[w] * at.decay_n +
                          at.closing_n * (at.weight_n * s.needed_price[w] + (1.0 - at.weight_n) * line) +
                          at.slope_n * log_required;
        const V usual = expo(el * (noticed - S(log_reference, w)));
        const V money = paying[w] ? expo(line) * required_turned : hours_of[w] * required;
        const V tokens = level[w] * usual / (1.0 + pressed[w] * usual * money) * hours_of[w];
        const V zc = pressed[w] * expo(goal_at[w] + el * log_required) * goal[w] * required;
        falls -= tokens * (el - zc / (1.0 + zc) * (el + 1.0));
        wanted += tokens;
        s.needed_price[w] = line + at.slope * log_required;
        s.needed_noticed[w] = noticed;
        s.needed_target[w] = log_goal[w] + log_required;
    }
    const V fall = falls / largest(wanted, all(TINY)), log_wanted = loga(largest(wanted, all(TINY)));
    if (k > 0) s.trend += run.close_trend * ((log_wanted - s.last_wanted) / dt - s.trend);
    s.last_wanted = log_wanted;
    const V aim = wanted / HOURS / (target_use * S(availability, 0));
    const double adjustment = S(adjustment, 0);
    V aims[2];
    for (int i = 0; i < 2; i++)
        aims[i] = aim * expo(s.trend * s.reach[i]) * largest(1.0 + adjustment * s.trend * s.kept_ahead[i], V{});

    // -- orders of sites
    const V earned = rent * (HOURS * S(availability, 0)) * use;
    s.usual = k == 0 ? earned : s.usual + run.close_usual * (earned - s.usual);
    const V horizon = s.lag + S(room_time, 0);
    V room = surviving(run, s, k, WATTS, 6, any(k + s.ahead_at[6] > in.chip_life[0]));
    room = largest(room - s.freed, V{});
    room = largest(sites_surviving(run, s, k, horizon / dt + 0.5) - room, V{}) / power / (S(room_time, 0) + 0.5 * dt);
    room = pick(s.site_lag < horizon, all(FAR), room);
    const bool planned = S(planned, k) > 0.5;
    const double pace = 1.0 / (adjustment + 0.5 * dt);
    V site_units;
    if (planned) {
        V low_sites = {}, high_sites = {};
        for (int i = 0; i < LANES; i++) {
            low_sites[i] = in.plan_sites[k + s.given_low[i]];
            high_sites[i] = in.plan_sites[k + s.given_low[i] + 1];
        }
        site_units = low_sites * (1.0 - s.given_part) + high_sites * s.given_part;
        s.site_premium -= run.close_premium * s.site_premium;
    } else {
        const V units = position(run, s, k, UNITS, 3, adjustment), watts = position(run, s, k, WATTS, 3, adjustment);
        V given, per_chip;
        for (int i = 0; i < LANES; i++) {
            const int64_t lane = s.first + i, at_given = (k + s.given_low[i]) * run.draws + lane;
            given[i] = in.energised[at_given] * (1.0 - s.given_part[i]) + in.energised[at_given + run.draws] * s.given_part[i];
            const int64_t at_power = (k + s.excess_low[i]) * run.draws + lane;
            per_chip[i] = in.power[at_power] * (1.0 - s.excess_part[i]) + in.power[at_power + run.draws] * s.excess_part[i];
        }
        const V before = sites_surviving(run, s, k, s.site_steps), after = sites_surviving(run, s, k, s.site_steps + 1.0);
        const V now = sites_surviving(run, s, k, s.site_steps + 0.5);
        const V there = largest(now - adjustment * (before - after) / dt, V{});
        const V ruled = (1.0 - s.stopped) * pace, pull = -fall * site_share;
        auto rule = [&](V premium, V &amount, V &change) {
            const V target = aims[1] * expo(pull * premium);
            const I most = target < units;
            const V kept = pick(units > 0.0, pick(most, target / largest(units, all(TINY)), all(1.0)), all(1.0));
            const V need = kept * watts + largest(target - units, V{}) * per_chip;
            const V per_target = pick(most, watts / largest(units, all(TINY)), per_chip);
            amount = ruled * largest(need - there, V{});
            change = pick(need > there, ruled * per_target * pull * target, V{});
        };
        V shortage;
        site_units = cleared(rule, given, s.site_premium, D(site_elasticity, 0), S(max_site_premium, 0), run.close_premium, &shortage);
    }
    const V site_ordered[2] = {site_units * dt, site_units * dt * (S(site_price, k) * site_dearness)};
    for (int row = 0; row < 2; row++) s.site_orders[row][k + 1] = s.site_orders[row][k] + site_ordered[row];

    // -- settle sites, then test them once a year
    charge(s.books[2], Step{dt, 1.0, 1.0, 1.0}, k, S(site_book_life, 0), lives[2], s.site_arrived[1]);
    const V late_before = s.site_late[1] - (s.site_arrived[1] - s.site_coming[1] * site_come);
    const V mean_late = 0.5 * (s.site_part * (late_before + s.site_middle[1]) + (1.0 - s.site_part) * (s.site_middle[1] + s.site_late[1]));
    const V site_built = (0.5 * (s.site_orders[1][k] + s.site_orders[1][k + 1]) - mean_late) / s.site_steps;
    s.construction[2] += site_built - s.site_arrived[1];
    const bool yearly = (k + 1) % (int)std::lround(1.0 / dt) == 0;
    V uncovered[3] = {};
    const V capital = largest(chip_share + site_share, all(TINY));
    const V watt_cost = energy_full * (idle + (1.0 - idle) * use);
    if (yearly) {
        const V unit = s.usual - power * watt_cost - S(maintenance, 0) * price;
        const V watt = unit / power * site_share / capital * occupied;
        const V *entered = s.site_entered[0];
        V value = worth([&](int row) { return watt * entered[row]; }, watt * s.site_opened[0], k + 1, S(site_physical, 0),
                        S(site_opening_life, 0), dt, rate);
        const V book = s.tested[2] + largest(s.site_level[1] - s.site_before[1], V{});
        const V lacking = short_of(value, book);
        uncovered[2] = lacking * book;
        impair(s.books[2], k, 1.0, lives[2], pick(lacking > S(impairment, 0), lacking, V{}));
    }
    const V left0 = 1.0 - least(k * dt / s.site_lag, all(1.0)), left1 = 1.0 - least((k + 1) * dt / s.site_lag, all(1.0));
    const V opening_payment = D(unpaid, 0) * (left0 * left0 - left1 * left1);

    // -- orders of accelerators
    const V site_paid = (site_built + opening_payment) / dt;
    const V there = position(run, s, k, UNITS, 0, adjustment);
    const V shortfall = pick(s.stopped > 0.0, V{}, all(1.0)), pull = -fall * chip_share;
    V units;
    V shortage = {};
    V plans = {};
    if (planned) {
        const V left = largest(D(plan, k) - site_paid, V{});
        plans = left / price;
        const V able = largest(s.supply, plans);
        const V wanted_units = plans / dearness;
        const V most = able * expo(D(supply_elasticity, 0) * chip_premium);
        units = wanted_units * least(most / largest(wanted_units, all(TINY)), all(1.0));
        s.premium -= run.close_premium * s.premium;
        shortage = loga(largest(plans, all(TINY))) - loga(largest(able, all(TINY)));
    } else {
        auto rule = [&](V premium, V &amount, V &change) {
            const V target = aims[0] * expo(pull * premium), free = largest(target - there, V{}) * pace;
            amount = least(free, room) * shortfall;
            change = pick((free < room) & (free > 0.0), pull * target * pace * shortfall, V{});
        };
        units = cleared(rule, s.supply, s.premium, D(supply_elasticity, 0), S(max_premium, 0), run.close_premium, &shortage);
    }
    const V able = largest(s.supply, plans);
    const V expand = D(hardware_growth, k) + least(D(build_up, 0) * chip_premium, D(max_build_up, 0));
    s.supply = able * expo(least(largest(shortage / S(premium_memory, 0), all(-S(run_down, 0))), expand) * dt);
    V held;
    if (planned) {
        held = all(PLAN);
    } else {
        const V free = largest(aims[0] * expo(pull * s.premium) - there, V{}) * pace;
        held = pick(s.stopped > 0.0, all(CREDIT), pick(shortage > 0.0, all(CHIPS), pick(free > room, all(ROOM), all(RETURN))));
    }
    const V cost_each = price * dearness, count = units * dt;
    const V ordered[4] = {count, count * power, count * cost_each * (1.0 - S(network_share, 0)), count * cost_each * S(network_share, 0)};
    for (int row = 0; row < 4; row++) s.orders[row][k + 1] = s.orders[row][k] + ordered[row];

    // -- settle accelerators, then early retirement and the yearly test
    const V retired = at.alive1 * (knot(s.entered[UNITS], k + 1 - life) - knot(s.entered[UNITS], k - life) +
                                   s.opened[UNITS] * (share_left(k, in.chip_opening_life[0]) - share_left(k + 1, in.chip_opening_life[0])));
    const V failed = s.before[UNITS] + s.arrived[UNITS] - retired - s.level[UNITS];
    const double book_lives[2] = {in.equipment_life[0], in.network_life[0]};
    for (int c = 0; c < 2; c++) {
        charge(s.books[c], at, k, book_lives[c], lives[c], normal[EQUIPMENT + c]);
        s.construction[c] += ordered[EQUIPMENT + c] - s.arrived[EQUIPMENT + c];
    }
    V left_rows[4] = {};
    {
        const V own = required * hours * (1.0 - site_share);
        const V watt = -(watt_cost + largest(earned - own, V{}) / power);
        const V worst = earned + watt * D(thirstiest, k) - S(maintenance, 0) * D(dearest, k);
        s.freed = V{};
        if (any(worst < 0.0)) {
            V here_now, later;
            unprofitable(run, s, k, earned, watt, -S(maintenance, 0), &here_now, &later);
            const V needed = largest(s.level[WATTS] - s.site_level[0], V{}) / largest(here_now, all(TINY));
            const V most = all(-std::expm1(-dt / S(leaving_time, 0)));
            const V going = pick((worst < 0.0) & (here_now > 0.0), least(needed, most), V{});
            if (any(going > 0.0)) leave(run, s, k, going, earned, watt, -S(maintenance, 0), left_rows);
            s.freed = pick(worst < 0.0, later * (1.0 - going) * s.freeable, V{});
        }
    }
    if (yearly) {
        const double keep = S(maintenance, 0);
        auto weighted = [&](const V *r0, const V *r1, const V *r2, const V *r3) {
            return s.usual * *r0 - watt_cost * *r1 - keep * (*r2 + *r3);
        };
        V value = worth(
            [&](int row) {
                return weighted(s.entered[0] + row, s.entered[1] + row, s.entered[2] + row, s.entered[3] + row);
            },
            weighted(s.opened, s.opened + 1, s.opened + 2, s.opened + 3), k + 1, in.chip_life[0],
            in.chip_opening_life[0], dt, rate + D(decline, k));
        const V watts = 0.5 * (s.before[WATTS] + s.level[WATTS]);  // after early retirement
        value = at.alive2 * value * chip_share / capital * least(site_middle[0] / largest(watts, all(TINY)), all(1.0));
        V grown[2], sum = {};
        for (int c = 0; c < 2; c++) {
            grown[c] = s.level[EQUIPMENT + c] - s.before[EQUIPMENT + c];
            sum += grown[c];
        }
        const V lacking = short_of(value, s.tested[0] + s.tested[1] + largest(sum, V{}));
        const V down = pick(lacking > S(impairment, 0), lacking, V{});
        for (int c = 0; c < 2; c++) {
            uncovered[c] = lacking * (s.tested[c] + largest(grown[c], V{}));
            impair(s.books[c], k, at.alive2, lives[c], down);
        }
    }

    // -- close the books
    const V payments[3] = {ordered[EQUIPMENT], ordered[NETWORK], site_built + opening_payment};
    const V arrivals[3] = {s.arrived[EQUIPMENT], s.arrived[NETWORK], s.site_arrived[1]};
    V paid_all = {};
    for (int c = 0; c < 3; c++) {
        Books &own = s.books[c];
        s.book[c] = s.tested[c] = (c < 2 ? at.alive2 : 1.0) * net(own, k + 1, lives[c]);
        s.construction_shown[c] = s.construction[c] - (c == 2 ? D(unpaid, 0) * left1 * left1 : V{});
        paid_all += payments[c];
        PUT(bought_by_class, k, c, payments[c]);
        PUT(additions_by_class, k, c, arrivals[c]);
        PUT(depreciation_by_class, k, c, own.depreciation);
        PUT(write_offs_by_class, k, c, own.written_off + own.lost + own.impaired);
        PUT(impairments_by_class, k, c, own.impaired);
        PUT(uncovered_by_class, k, c, uncovered[c]);
    }

    // -- money
    const V interest = s.debt * run.interest, income = largest(s.cash, V{}) * run.yield;
    const V revenue = token_revenue + net_rents + internal_value + other_revenue;
    const V cost = resale + energy_cost + operation + upkeep + staff + research + selling + overhead + other_cost;
    const V equipment = arrivals[0] + arrivals[1], bonus = S(bonus, k) * equipment;
    s.deductible[k + 1] = s.deductible[k] + (equipment - bonus);
    const int tax_steps = (int)std::lround(S(tax_life, 0) / dt);
    const V spread_out = 0.5 * (s.deductible[k] + s.deductible[k + 1] - knot(s.deductible, k - tax_steps) -
                                knot(s.deductible, k + 1 - tax_steps)) * (dt / S(tax_life, 0));
    const V deduction = bonus + spread_out + s.books[2].depreciation + S(opening_deduction, k);
    const V profit = revenue - cost - (interest - income) - deduction;
    const V used = least(s.losses, S(loss_limit, 0) * largest(profit, V{}));
    s.losses += largest(-profit, V{}) - used;
    const V tax = S(tax_rate, 0) * largest(profit - used, V{});
    const V operating = revenue - cost - interest + income - tax, invested = D(investors, k) * dt;
    const V due = least(s.taken_up / S(instalments, 0), s.debt);
    const V after = s.cash + operating + invested - paid_all - due;
    const V lacking = largest(S(minimum_cash, 0) - after, V{});
    const V owners = least(lacking, all(S(own_cash, k) * dt));
    const V borrowed = least(lacking - owners, largest(S(credit_limit, 0) * largest(s.cash_flow, V{}) - s.debt + due, V{}));
    const V rescue = lacking - owners - borrowed;
    s.stopped = pick(rescue > 0.0, all(1.0), V{});
    s.cash = after + owners + borrowed + rescue;
    s.debt += borrowed - due;
    s.taken_up += borrowed;
    s.cash_flow += run.close_flow * ((operating + interest) / dt + S(own_cash, k) - s.cash_flow);

    // -- records of investment and money
    s.shipped += ordered[UNITS];
    PUT(required_compute, k, 0, wanted / HOURS);
    PUT(trend, k, 0, s.trend);
    PUT(bought_by_operator, k, 0, ordered[UNITS]);
    PUT(shipped_by_operator, k, 0, s.shipped);
    PUT(arrived_by_operator, k, 0, s.arrived[UNITS]);
    PUT(retired_by_operator, k, 0, retired);
    PUT(failed_by_operator, k, 0, failed);
    PUT(left_by_operator, k, 0, left_rows[UNITS]);
    PUT(on_order_by_operator, k, 0,
        s.orders[UNITS][k + 1] - s.late[UNITS] + s.coming[UNITS] * (1.0 - share_come(k + 1, s.lag_steps)));
    PUT(sites_ordered_by_operator, k, 0, site_ordered[0]);
    PUT(sites_energised_by_operator, k, 0, s.site_arrived[0]);
    PUT(bound_held, k, 0, held);
    PUT(token_revenue, k, 0, token_revenue);
    PUT(net_rents, k, 0, net_rents);
    PUT(contract_gain, k, 0, V{});
    PUT(hosting_gain, k, 0, V{});
    PUT(resale_fees, k, 0, resale);
    PUT(internal_value, k, 0, internal_value);
    PUT(other_revenue, k, 0, all(other_revenue));
    PUT(energy_used, k, 0, energy);
    PUT(energy, k, 0, energy_cost);
    PUT(site_operation, k, 0, operation);
    PUT(maintenance, k, 0, upkeep);
    PUT(staff, k, 0, all(staff));
    PUT(research, k, 0, all(research));
    PUT(go_to_market, k, 0, selling);
    PUT(overhead, k, 0, overhead);
    PUT(other_cost, k, 0, all(other_cost));
    PUT(interest, k, 0, interest);
    PUT(cash_income, k, 0, income);
    PUT(tax, k, 0, tax);
    PUT(leased, k, 0, V{});
    PUT(repaid, k, 0, due);
    PUT(lease_repaid, k, 0, V{});
    PUT(borrowed, k, 0, borrowed);
    PUT(investors_money, k, 0, invested);
    PUT(owners_money, k, 0, owners);
    PUT(rescue, k, 0, rescue);
    PUT(paid_out, k, 0, V{});
    PUT(other_capex, k, 0, all(S(other_capex, k) * dt));
}

// ---- a run ----------------------------------------------------------------------------------------------------------

static void open(const Run &run, State &s, V *memory, int64_t first) {
    const Inputs &in = *run.in;
    const int rows = run.steps + 2;
    memset((void *)&s, 0, sizeof s);
    memset((void *)memory, 0, sizeof(V) * 17 * rows);
    V **own[] = {&s.orders[0], &s.orders[1], &s.orders[2], &s.orders[3], &s.entered[0], &s.entered[1], &s.entered[2],
                 &s.entered[3], &s.site_orders[0], &s.site_orders[1], &s.site_entered[0], &s.site_entered[1],
                 &s.books[0].total, &s.books[1].total, &s.books[2].total, &s.deductible, &s.effective};
    for (V **place : own) {
        *place = memory;
        memory += rows;
    }
    s.first = first;
    const double dt = run.dt, failures = in.failures[0];
    s.lag = D(lag, 0);
    s.site_lag = D(site_lag, 0);
    s.lag_steps = s.lag / dt;
    s.site_steps = s.site_lag / dt;
    const V steps = s.lag_steps, site_steps = s.site_steps;
    s.part = steps - below(steps);
    s.whole_lag = whole(below(steps));
    s.site_part = site_steps - below(site_steps);
    s.site_whole = whole(below(site_steps));
    for (int row = 0; row < 4; row++) {
        s.level[row] = s.opened[row] = D(chip_opened, row);
        s.coming[row] = D(chip_coming, row);
    }
    for (int row = 0; row < 2; row++) {
        s.site_level[row] = s.site_opened[row] = D(site_opened, row);
        s.site_coming[row] = D(site_coming, row);
    }
    for (int w = 0; w < WORK; w++) {
        s.log_price[w] = s.log_target[w] = all(S(log_reference, w));
        s.log_noticed[w] = all(S(log_noticed, w));
        s.el[w] = D(elasticity, w);
    }
    s.cumulative = s.learned = all(S(cumulative, 0));
    s.cash = all(S(cash, 0));
    s.losses = all(S(losses, 0));
    s.cash_flow = all(S(cash_flow, 0));
    s.supply = all(S(supply, 0));
    s.trend = all(S(trend, 0));
    s.shipped = all(S(shipped, 0));
    const double opening[3] = {in.equipment_book[0], in.network_book[0], in.site_book[0]};
    for (int c = 0; c < 3; c++) {
        s.books[c].opening = s.book[c] = s.tested[c] = all(opening[c]);
        s.construction_shown[c] = all(in.building[c]);
        s.construction[c] = c < 2 ? s.coming[EQUIPMENT + c] : s.site_coming[1];
    }
    const V horizons[2] = {s.lag, s.site_lag};
    for (int i = 0; i < 2; i++) {
        const V age = horizons[i] / S(damping, 0);
        s.kept_ahead[i] = expo(-age);
        s.reach[i] = -horizons[i] * expm1o(-age) / age;
        for (int j = 0; j < 3; j++) s.ahead_at[3 * i + j] = (horizons[i] + (j - 1) * 0.5 * dt) / dt + 0.5;
    }
    s.room_ahead = (s.lag + S(room_time, 0)) / dt;
    s.ahead_at[6] = s.room_ahead + 0.5;
    s.survive_room = expo(-failures * s.room_ahead);
    s.freeable = -expm1o(-s.room_ahead * (dt / S(leaving_time, 0)));
    s.freed = V{};
    for (int h = 0; h < 7; h++) {
        s.survive[h] = expo(-failures * s.ahead_at[h]);
        s.late_survive[h] = expo(-failures * largest(s.ahead_at[h] - 0.5 * (1.0 + least(steps, s.ahead_at[h])), V{}));
    }
    const V excess = largest(s.site_lag - s.lag, V{}) / dt;
    s.excess_low = whole(below(excess));
    s.excess_part = excess - below(excess);
    s.given_low = s.site_whole;
    s.given_part = s.site_part;
}

static double closed(double speed, double step) { return -std::expm1(-speed * step); }

// Weight of the previous target in a first-order lag.
static double weight(double width) {
    if (width < 0.1) {
        const double square = width * width;
        return 0.5 - width * (1.0 / 12.0 - square * (1.0 / 720.0 - square * (1.0 / 30240.0 - square / 1209600.0)));
    }
    return 1.0 / width + std::exp(-width) / std::expm1(-width);
}

static void share(Run &run) {
    const Inputs &in = *run.in;
    const double failures = in.failures[0];
    for (int k = 0; k < run.steps; k++) {
        Step &at = run.shared[k];
        const double span = k == 0 ? run.dt / 2.0 : run.dt, slow = in.speed[0] * span, noticed = in.memory[0] * span;
        at = {run.dt, std::exp(-failures * k), std::exp(-failures * (k + 0.5)), std::exp(-failures * (k + 1))};
        at.decay = std::exp(-slow);
        at.closing = closed(slow, 1.0);
        at.weight = weight(slow);
        at.slope = at.closing * (1.0 - at.weight);
        at.decay_n = std::exp(-noticed);
        at.closing_n = closed(noticed, 1.0);
        at.weight_n = weight(noticed);
        at.slope_n = at.closing_n * (1.0 - at.weight_n) * at.slope;
    }
    run.interest = std::expm1(run.dt * std::log1p(in.interest_rate[0]));
    run.yield = std::expm1(run.dt * std::log1p(in.cash_yield[0]));
    run.close_revenue = closed(1.0 / in.revenue_memory[0], run.dt);
    run.close_usual = closed(2.0, run.dt);  // the memory of earnings is half a year
    run.close_trend = closed(1.0 / in.trend_memory[0], run.dt);
    run.close_premium = closed(1.0 / in.premium_memory[0], run.dt);
    run.close_flow = closed(1.0, run.dt);
}

template <bool STREAMED> static void all_draws(const Run &run, int group) {
    const int rows = run.steps + 2;
    State *states = (State *)aligned_alloc(64, sizeof(State) * group);
    V *memory = (V *)aligned_alloc(64, sizeof(V) * 17 * rows * group);
    for (int64_t begin = 0; begin < run.draws; begin += group * LANES) {
        int count = 0;
        for (; count < group && begin + count * LANES < run.draws; count++)
            open(run, states[count], memory + (int64_t)17 * rows * count, begin + count * LANES);
        for (int k = 0; k < run.steps; k++)
            for (int i = 0; i < count; i++) take<STREAMED>(run, states[i], k);
        for (int i = 0; i < count; i++) stocks<STREAMED>(run, states[i], run.steps);
    }
    free(states);
    free(memory);
}

extern "C" void flywheel(const double *const *inputs, Target *targets, int64_t draws, int64_t steps, double dt, int64_t group, int64_t streamed) {
    Run run = {};
    run.in = (const Inputs *)inputs;
    run.targets = targets;
    run.draws = draws;
    run.steps = (int)steps;
    run.dt = dt;
    run.shared = (Step *)malloc(sizeof(Step) * (size_t)steps);
    share(run);
    if (streamed) all_draws<true>(run, (int)group);
    else all_draws<false>(run, (int)group);
    free(run.shared);
}
