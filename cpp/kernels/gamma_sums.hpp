// Weighted gammas of a block, added to the sums of their keys without being stored in between.
#pragma once
#include "greeks.hpp"
#include "sum.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

// So many rows go through the loops below at a time: what one leaves for the next stays in the first cache beside the columns.
constexpr size_t kSumRows = 128;

struct GammaRows {
    alignas(64) double strike[kSumRows], log_exponent[kSumRows], log_z[kSumRows], width[kSumRows];      // Start
    alignas(64) double moneyness[kSumRows], x1[kSumRows], exponent[kSumRows], inverse_width[kSumRows];  // Shape
    alignas(64) double exposure[kSumRows];
};

GEXCORE_INLINE void put(GammaRows& rows, size_t i, const Shape& s) {
    rows.moneyness[i] = s.moneyness;
    rows.x1[i] = s.x1;
    rows.exponent[i] = s.exponent;
    rows.inverse_width[i] = or_nan(s.good & s.smooth, s.inverse_width);
}

// All that comes before the exponentials, in loops of their own: one loop over all would be a chain of operations longer than
// processors look ahead. One spot for all rows saves a division per row.
template <bool OneSpot>
GEXCORE_INLINE void set_starts(const gexcore::GreekBlock& in, size_t n, GammaRows& rows) {
    const double *spot = in.spot, *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol;
    const double first_spot = spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Start s = start_of({OneSpot ? first_spot : spot[i], strike[i], time[i], vol[i], 0.0, 0.0, 1.0});
        rows.strike[i] = strike[i];
        rows.log_exponent[i] = s.log.exponent;
        rows.log_z[i] = s.log.z;
        rows.width[i] = s.width;
    }
}

GEXCORE_INLINE void set_shapes(const gexcore::GreekBlock& in, size_t n, GammaRows& rows) {
    const double *time = in.time_to_expiry, *rate = in.rate, *yield = in.dividend_yield;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c{0.0, 0.0, time[i], 0.0, rate[i], yield[i], 1.0};
        put(rows, i, shape_of(c, {{rows.log_exponent[i], rows.log_z[i]}, 0.0, rows.width[i]}));
    }
}

// The operations of `greeks` in the same order.
template <bool OneSpot>
GEXCORE_INLINE void set_exposures(const double* spot, const double* weight, double scale, size_t n, const GammaRows& rows,
                                  double* exposure) {
    const double first_spot = spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double s = OneSpot ? first_spot : spot[i], inverse_spot = 1.0 / s;
        const double core = (rows.moneyness[i] > 0.0 ? rows.strike[i] : s) * density_of(rows.x1[i], rows.exponent[i]);
        const double gamma = core * rows.inverse_width[i] * inverse_spot * inverse_spot;
        const double w = weight[i];
        const double value = w * (gamma * scale);
        exposure[i] = w == 0.0 ? 0.0 : value;
    }
}

typedef double Pair __attribute__((vector_size(16), aligned(8), may_alias));
typedef u64 PairBits __attribute__((vector_size(16)));

// Both sums of a key lie together: one load and one store for the two.
GEXCORE_INLINE void add_by_key(const double* value, const int32_t* key, size_t n, double* pairs) {
    const PairBits kept = {~u64{0}, ~u64{0} >> 1};  // the sign of the first alone
    GEXCORE_UNROLLED
    for (size_t i = 0; i < n; ++i) {
        Pair& sum = *reinterpret_cast<Pair*>(pairs + 2 * static_cast<size_t>(key[i]));
        sum += reinterpret_cast<Pair>(reinterpret_cast<PairBits>(Pair{value[i], value[i]}) & kept);
    }
}

// Asks for the next piece of a column, one column before each loop: memory takes only some tens of requests at once.
template <typename T>
GEXCORE_INLINE void fetch_next(const T* piece) {
    for (size_t i = 0; i < kSumRows; i += 64 / sizeof(T)) __builtin_prefetch(piece + kSumRows + i);
}

template <bool OneSpot>
void gamma_sums_of(const gexcore::GreekBlock& in, const double* weight, double scale, const int32_t* key, size_t n,
                   double* pairs, double* net, double* gross) {
    GammaRows rows;
    Vector signed_total[kParts] = {}, total[kParts] = {};
    size_t first = 0;
    for (; first < n; first += kSumRows) {
        const size_t count = n - first < kSumRows ? n - first : kSumRows;
        const gexcore::GreekBlock at = block_from(in, first);
        fetch_next(at.strike);
        set_starts<OneSpot>(at, count, rows);
        fetch_next(at.implied_vol);
        set_shapes(at, count, rows);
        fetch_next(weight + first);
        set_exposures<OneSpot>(at.spot, weight + first, scale, count, rows, rows.exposure);
        fetch_next(at.time_to_expiry);
        fetch_next(key + first);
        add_by_key(rows.exposure, key + first, count, pairs);
        if (count < kSumRows) break;
        for (size_t i = 0; i < count; i += kLanes) {
            add_row<false>(rows.exposure + i, signed_total);
            add_row<true>(rows.exposure + i, total);
        }
    }
    const size_t rest = first < n ? n - first : 0;
    *net = add_rest<false>(rows.exposure, rest, signed_total);
    *gross = add_rest<true>(rows.exposure, rest, total);
}

void gamma_sums(const gexcore::GreekBlock& in, const double* weight, double scale, const int32_t* key, size_t n, double* pairs,
                double* net, double* gross) {
    (in.one_spot ? gamma_sums_of<true> : gamma_sums_of<false>)(in, weight, scale, key, n, pairs, net, gross);
}

void gamma_prepare(const gexcore::GreekBlock& in, size_t n, const gexcore::GammaColumns& out) {
    const double *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol, *rate = in.rate,
                 *yield = in.dividend_yield;
    double *carry = out.carry, *width = out.width, *inverse = out.inverse_width, *discount = out.discount,
           *dividend = out.dividend;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c{1.0, strike[i], time[i], vol[i], rate[i], yield[i], 1.0};
        const Start start = start_of(c);
        const Terms terms = terms_of(c, start.width);
        const double poison = or_nan(terms.good, 0.0 * start.log.exponent);
        carry[i] = terms.carry;
        width[i] = terms.width;
        inverse[i] = terms.inverse_width + poison;
        discount[i] = terms.discount;
        dividend[i] = terms.dividend;
    }
}

void spot_gamma(const double* strike, const gexcore::GammaColumns& terms, double spot, const double* weight, double scale,
                size_t n, double* value, double* net, double* gross) {
    const double *carry = terms.carry, *width = terms.width, *inverse = terms.inverse_width, *discount = terms.discount,
                 *dividend = terms.dividend;
    const double poison = nan_outside(spot, 1e-290, 1e290);
    GammaRows rows;
    for (size_t first = 0; first < n; first += kSumRows) {
        const size_t count = n - first < kSumRows ? n - first : kSumRows;
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = 0; i < count; ++i) {
            const LogParts log = log_parts(spot, strike[first + i]);
            rows.strike[i] = strike[first + i];
            rows.log_exponent[i] = log.exponent + poison;
            rows.log_z[i] = log.z;
        }
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = 0; i < count; ++i) {
            const size_t row = first + i;
            const Terms at{carry[row], width[row], inverse[row], discount[row], dividend[row], true};
            put(rows, i, shape_at(log_of(LogParts{rows.log_exponent[i], rows.log_z[i]}), at));
        }
        set_exposures<true>(&spot, weight + first, scale, count, rows, value + first);
    }
    *net = sum(value, n);
    *gross = sum_abs(value, n);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
