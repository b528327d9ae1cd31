// Implied volatility: a guess good to a few percent, then three Householder steps on ln(price), the same for every row.
#pragma once
#include "../src/kernels.hpp"
#include "black_scholes.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

constexpr double kSolved = 0, kBelowIntrinsic = 1, kAboveMaximum = 2, kNotANumber = 3;

constexpr double kSqrt2Pi = 2.5066282746310002;
constexpr double kLogSqrt2Pi = 0.91893853320467278;

GEXCORE_INLINE double log_of(double x) {
    const SplitLog log = log_of(log_parts(x, 1.0));
    return log.high + log.low;
}

// An out-of-the-money price in units of L = min(S e^{-yT}, K e^{-rT}): p = N(-x1) - e^k N(-x2), k = |ln F/K|.
struct Target {
    double k;
    double log_p;           // ln p
    double log_complement;  // ln(1 - p), for prices near the maximum
};

// With one Gaussian for both tails (Bachelier) k / width is a function of price / k alone, here a rational function of
// w = sqrt(ln(1 + k^2 / (2 pi b^2))), within 0.3%; the last factor, exact for K = F up to an approximation of N, bends it to
// the logarithmic model.
GEXCORE_INLINE double guess_width(double k, double b, double p, double log_p, double log_complement) {
    const double t = max(k / (kSqrt2Pi * b), 1e-4);
    const bool far = t > 1e8;  // 1 + t^2 is t^2, which may be too large, and b too small, for a double
    const double log = log_of(far ? k / kSqrt2Pi : madd(t, t, 1.0));
    const double w = __builtin_sqrt(far ? 2.0 * (log - madd(-0.5, k, log_p)) : log);
    const double up = madd(madd(madd(0.32748268, w, -0.34308355), w, 0.93841973), w, 1.00200741);
    const double down = madd(madd(madd(0.32611902, w, -0.23564956), w, 2.25521119), w, 1.0);
    const double bachelier = (far ? k : t * kSqrt2Pi * b) * down / (w * up);
    // -ln(1 - p^2) / p^2, by its series or from ln(1 - p) and a fraction for ln(1 + p)
    const double square = p * p;
    const double series = madd(madd(madd(0.25, square, 1.0 / 3.0), square, 0.5), square, 1.0);
    const double steep = -(log_complement + p * (6.0 + p) / madd(4.0, p, 6.0)) / square;
    return bachelier * __builtin_sqrt(p < 0.6 ? series : steep);
}

// One step of Householder's third-order method on f = ln p - target, or ln(1 - p) - target where x1 < -1/2. With R = p / n(x1)
// (or (1 - p) / n(x1)) the derivatives follow from R' = +-1 - R x1 x2 / width.
GEXCORE_INLINE double improve(const Target& target, double width) {
    const double inverse = 1.0 / width;
    const double u = target.k * inverse;
    const double x1 = madd(-0.5, width, u);
    const double x2 = madd(0.5, width, u);
    const bool wide = x1 < kMillsFrom;
    const double near = wide ? -x1 : x1;
    const Mills m = mills_pair(near, x2, wide ? x1 + x2 : width);
    const double sign = wide ? -1.0 : 1.0;
    const double r = wide ? m.left + m.right : m.difference;
    const double wanted = wide ? target.log_complement : target.log_p;
    const double f = madd(-0.5 * x1, x1, log_of(r) - kLogSqrt2Pi) - wanted;

    const double q = x1 * x2 * inverse;
    const double q1 = madd(-3.0 * u * u * inverse, inverse, -0.25);  // d q / d width
    const double r1 = madd(-q, r, sign);
    const double r2 = -madd(q1, r, q * r1);
    // With e = sign f: h = f/f' = e r is the Newton step, h f''/f' = -e r1, h^2 f'''/f' = e^2 (2 r1^2 - r r2).
    const double e = sign * f;
    const double curl = madd(2.0 * r1, r1, -r * r2) * (e * e);
    const double step = e * r * madd(0.5 * e, r1, 1.0) / madd(curl, 1.0 / 6.0, madd(e, r1, 1.0));
    return min(max(width - step, 0.25 * width), 4.0 * width);
}

// Targets of one block. Each stage is a loop of its own: one loop over all of them would be a chain of 800 cycles per vector,
// longer than processors look ahead.
struct VolBlock {
    alignas(64) double k[gexcore::kBlockRows];
    alignas(64) double log_p[gexcore::kBlockRows];
    alignas(64) double log_complement[gexcore::kBlockRows];
    alignas(64) double width[gexcore::kBlockRows];
};

GEXCORE_INLINE void set_targets(const gexcore::GreekBlock& in, const double* price, size_t n, VolBlock& block, double* vol,
                                double* status) {
    const double *spot = in.spot, *strike = in.strike, *time = in.time_to_expiry, *rate = in.rate, *yield = in.dividend_yield,
                 *sign = in.sign;
    // starts stand in columns of the block until their row's target takes the place
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Start s = start_of({spot[i], strike[i], time[i], 1.0, 0.0, 0.0, 1.0});
        block.k[i] = s.log.exponent;
        block.log_p[i] = s.log.z;
        block.width[i] = s.sqrt_time;
    }
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c{spot[i], strike[i], time[i], 1.0, rate[i], yield[i], sign[i]};
        const double given = price[i], sqrt_time = block.width[i];
        const Shape s = shape_of(c, {{block.k[i], block.log_p[i]}, sqrt_time, sqrt_time});
        const Legs legs = legs_of(c);
        const bool above = s.moneyness > 0.0;
        const bool times = within(c.time_to_expiry, 1e-250, 1e290), prices = within(given, -1e290, 1e290);
        const bool spots = within(legs.spot, 1e-290, 1e290), strikes = within(legs.strike, 1e-290, 1e290);
        const bool good = s.good & times & prices & spots & strikes;
        const double time_value = given - max(c.sign * legs.forward, 0.0);
        const double lower = above ? legs.strike : legs.spot;
        const double inverse_lower = 1.0 / lower;
        const double p = time_value * inverse_lower;
        const double complement = (lower - time_value) * inverse_lower;
        const bool positive = p > 1e-280, below = complement > 0.0, inside = positive & below;
        const double safe_p = inside ? p : 0.25;
        const double log_p = log_of(safe_p);
        const double log_complement = log_of(inside ? complement : 0.75);
        const double k = abs(s.moneyness);
        const double b = safe_p * __builtin_sqrt(lower / (above ? legs.spot : legs.strike));
        block.k[i] = k;
        block.log_p[i] = log_p;
        block.log_complement[i] = log_complement;
        block.width[i] = guess_width(k, b, safe_p, log_p, log_complement);
        const double code = positive ? (below ? kSolved : kAboveMaximum) : kBelowIntrinsic;
        status[i] = good ? code : kNotANumber;
        vol[i] = or_nan(good & inside, 1.0 / sqrt_time);
    }
}

// `spot` .. `sign` as for greeks, implied_vol of the block is not read. status is one of the four numbers above.
void implied_vol(const gexcore::GreekBlock& in, const double* price, size_t n, double* vol, double* status) {
    VolBlock block;
    set_targets(in, price, n, block, vol, status);
    for (int round = 0; round < 3; ++round) {
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = 0; i < n; ++i)
            block.width[i] = improve({block.k[i], block.log_p[i], block.log_complement[i]}, block.width[i]);
    }
    for (size_t i = 0; i < n; ++i) vol[i] *= block.width[i];
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
