// Weighted gammas of a block, added to the sums of their keys without being stored in between.
#pragma once
#include "black_scholes.hpp"
#include "sum.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

// All that comes before the exponentials. They are a loop of their own: one loop over both would be a chain of operations
// longer than processors look ahead.
struct GammaRows {
    alignas(64) double x1[gexcore::kBlockRows];
    alignas(64) double base[gexcore::kBlockRows];  // min(S e^{-yT}, K e^{-rT}) = base e^{-exponent}
    alignas(64) double exponent[gexcore::kBlockRows];
    alignas(64) double inverse_width[gexcore::kBlockRows];  // NaN for a row without gamma
    alignas(64) double exposure[gexcore::kBlockRows];
};

// One spot for all rows saves a division per row.
template <bool OneSpot>
GEXCORE_INLINE void set_gamma_rows(const gexcore::GreekBlock& in, size_t n, GammaRows& rows) {
    const double *spot = in.spot, *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol, *rate = in.rate,
                 *yield = in.dividend_yield;
    const double first_spot = spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c{OneSpot ? first_spot : spot[i], strike[i], time[i], vol[i], rate[i], yield[i], 1.0};
        const Shape s = shape_of(c);
        const bool above = s.moneyness > 0.0;
        rows.x1[i] = s.x1;
        rows.base[i] = above ? c.strike : c.spot;
        rows.exponent[i] = (above ? c.rate : c.dividend_yield) * c.time_to_expiry;
        rows.inverse_width[i] = s.inverse_width + s.poison;
    }
}

// The operations of `greeks` in the same order.
template <bool OneSpot>
GEXCORE_INLINE void set_exposures(const double* spot, const double* weight, double scale, size_t from, size_t to,
                                  GammaRows& rows) {
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = from; i < to; ++i) {
        const double lower = rows.base[i] * exp_both(-rows.exponent[i]).value;
        const double core = lower * (kInvSqrt2Pi * exp_flush(-0.5 * (rows.x1[i] * rows.x1[i])));
        const double inverse_spot = 1.0 / (OneSpot ? spot[0] : spot[i]);
        const double gamma = core * rows.inverse_width[i] * inverse_spot * inverse_spot;
        const double w = weight[i];
        const double value = w * (gamma * scale);
        rows.exposure[i] = w == 0.0 ? 0.0 : value;
    }
}

typedef double Pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef u64 PairBits __attribute__((vector_size(16)));

// Both sums of a key lie together: one load and one store for the two.
GEXCORE_INLINE void add_by_key(const double* value, const int32_t* key, size_t from, size_t to, double* pairs) {
    const PairBits kept = {~u64{0}, ~u64{0} >> 1};  // the sign of the first alone
    GEXCORE_UNROLLED
    for (size_t i = from; i < to; ++i) {
        Pair& sum = *reinterpret_cast<Pair*>(pairs + 2 * static_cast<size_t>(key[i]));
        sum += reinterpret_cast<Pair>(reinterpret_cast<PairBits>(Pair{value[i], value[i]}) & kept);
    }
}

// Asks for a row of the next block. The columns of a block are a page of memory each, and hardware stops at its end.
template <typename... Columns>
GEXCORE_INLINE void fetch_ahead(size_t row, const Columns*... columns) {
    (__builtin_prefetch(columns + gexcore::kBlockRows + row), ...);
}

// Exponentials wait for multipliers, sums by key for memory: 8 rows of the one and 8 earlier rows of the other, in turns.
template <bool OneSpot>
void gamma_sums_of(const gexcore::GreekBlock& in, const double* weight, double scale, const int32_t* key, size_t n,
                   double* pairs, double* net, double* gross) {
    constexpr size_t kBehind = 4 * kLanes;
    const double *spot = in.spot, *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol;
    GammaRows rows;
    set_gamma_rows<OneSpot>(in, n, rows);
    Vector signed_total[kParts] = {}, total[kParts] = {};
    size_t i = 0, added = 0;
    for (; i + kLanes <= n; i += kLanes) {
        fetch_ahead(i, strike, time, vol, weight, key);
        set_exposures<OneSpot>(spot, weight, scale, i, i + kLanes, rows);
        if (i < kBehind) continue;
        add_row<false>(rows.exposure + added, signed_total);
        add_row<true>(rows.exposure + added, total);
        add_by_key(rows.exposure, key, added, added + kLanes, pairs);
        added += kLanes;
    }
    set_exposures<OneSpot>(spot, weight, scale, i, n, rows);
    add_by_key(rows.exposure, key, added, n, pairs);
    *net = add_rest<false>(rows.exposure + added, n - added, signed_total);
    *gross = add_rest<true>(rows.exposure + added, n - added, total);
}

void gamma_sums(const gexcore::GreekBlock& in, const double* weight, double scale, const int32_t* key, size_t n, double* pairs,
                double* net, double* gross) {
    (in.one_spot ? gamma_sums_of<true> : gamma_sums_of<false>)(in, weight, scale, key, n, pairs, net, gross);
}

// The parts of `shape_of` and of the legs that no spot changes, by the same operations.
void gamma_prepare(const gexcore::GreekBlock& in, size_t n, const gexcore::GammaColumns& out) {
    const double *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol, *rate = in.rate,
                 *yield = in.dividend_yield;
    double *carry = out.carry, *widths = out.width, *inverse = out.inverse_width, *leg = out.strike_leg,
           *discount = out.spot_discount;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double k = strike[i], t = time[i], s = vol[i], r = rate[i], y = yield[i];
        const bool strikes = within(k, 1e-290, 1e290), times = within(t, 0.0, 1e290), vols = within(s, 0.0, 1e100);
        const bool rates = abs(r * t) <= 700.0, yields = abs(y * t) <= 700.0;
        const double width = s * __builtin_sqrt(t);
        carry[i] = (r - y) * t;
        widths[i] = width;
        inverse[i] = 1.0 / max(width, kNoWidth) + (strikes & times & vols & rates & yields ? 0.0 : __builtin_nan(""));
        leg[i] = k * exp_both(-(r * t)).value;
        discount[i] = exp_both(-(y * t)).value;
    }
}

void spot_gamma(const double* strike, const gexcore::GammaColumns& rows, double spot, const double* weight, double scale,
                size_t n, double* value, double* net, double* gross) {
    const double *carry = rows.carry, *widths = rows.width, *inverses = rows.inverse_width, *leg = rows.strike_leg,
                 *discount = rows.spot_discount;
    const double inverse_spot = 1.0 / spot, poison = nan_outside(spot, 1e-290, 1e290);
    alignas(64) double x1[gexcore::kBlockRows], lower[gexcore::kBlockRows], inverse_width[gexcore::kBlockRows];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const SplitLog log = log_ratio(spot, strike[i]);
        const double moneyness = log.high + (log.low + carry[i]);
        const double width = widths[i], inverse = inverses[i];
        const bool some = max(width - kNoWidth, abs(moneyness)) > 0.0, ratios = abs(log.high) <= 667.0;
        x1[i] = madd(-0.5, width, min(abs(moneyness) * inverse, 1e8));
        const double strike_leg = leg[i], spot_leg = spot * discount[i];
        lower[i] = moneyness > 0.0 ? strike_leg : spot_leg;
        inverse_width[i] = some & ratios ? inverse + poison : __builtin_nan("");
    }
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double core = lower[i] * (kInvSqrt2Pi * exp_flush(-0.5 * (x1[i] * x1[i])));
        const double gamma = core * inverse_width[i] * inverse_spot * inverse_spot;
        const double w = weight[i];
        const double exposure = w * (gamma * scale);
        value[i] = w == 0.0 ? 0.0 : exposure;
    }
    *net = sum(value, n);
    *gross = sum_abs(value, n);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
