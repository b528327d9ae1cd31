// Gamma of many contracts at many spots: each contract is a Gaussian in ln S.
#pragma once
#include "black_scholes.hpp"
#include "sum.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

void split_log(const double* spot, size_t n, double* high, double* low) {
    for (size_t i = 0; i < n; ++i) {
        const SplitLog log = log_ratio(spot[i], 1.0);
        high[i] = log.high;
        low[i] = log.low;
    }
}

// A row of weight 0 stays off whatever its columns hold (a NaN there must not reach the sum).
void sweep_prepare(const gexcore::GreekBlock& in, const double* weight, size_t n, double* center_high, double* center_low,
                   double* inverse_width, double* amplitude) {
    const double *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol, *rate = in.rate,
                 *yield = in.dividend_yield;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double k = strike[i], t0 = time[i], s0 = vol[i], r0 = rate[i], y0 = yield[i], w = weight[i];
        const bool on = w != 0.0;
        const SplitLog log = log_ratio(on ? k : 1.0, 1.0);
        const double t = on ? t0 : 1.0, s = on ? s0 : 1.0, r = on ? r0 : 0.0, y = on ? y0 : 0.0;
        const double inverse = 1.0 / (s * __builtin_sqrt(t));
        center_high[i] = log.high;
        center_low[i] = log.low - madd(0.5 * s, s, r - y) * t;
        inverse_width[i] = inverse;
        amplitude[i] = w * (kInvSqrt2Pi * exp_both(-y * t).value * inverse);
    }
}

template <bool WithSlope>
inline void sweep_spot(const gexcore::SweepBlock& rows, size_t n, double high, double low, double* values, double* slopes) {
    const double *center_high = rows.center_high, *center_low = rows.center_low, *inverse_width = rows.inverse_width,
                 *amplitude = rows.amplitude;
    for (size_t i = 0; i < n; ++i) {
        const double distance = ((high - center_high[i]) + low) - center_low[i];
        const double d1 = distance * inverse_width[i];
        const double value = amplitude[i] * exp_flush(-0.5 * (d1 * d1));
        values[i] = value;
        if constexpr (WithSlope) slopes[i] = -value * d1 * inverse_width[i];
    }
}

void sweep(const gexcore::SweepBlock& rows, size_t n, const double* log_high, const double* log_low, size_t spots, double* out,
           double* slope) {
    alignas(64) double values[gexcore::kBlockRows];
    alignas(64) double slopes[gexcore::kBlockRows];
    for (size_t j = 0; j < spots; ++j) {
        if (slope == nullptr) {
            sweep_spot<false>(rows, n, log_high[j], log_low[j], values, slopes);
        } else {
            sweep_spot<true>(rows, n, log_high[j], log_low[j], values, slopes);
            slope[j] = sum(slopes, n);
        }
        out[j] = sum(values, n);
    }
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
