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
    const SplitLog log = log_ratio(x, 1.0);
    return log.high + log.low;
}

// An out-of-the-money price in units of L = min(S e^{-yT}, K e^{-rT}): p = N(-x1) - e^k N(-x2), k = |ln F/K|.
struct Target {
    double k;
    double log_p;           // ln p
    double log_complement;  // ln(1 - p), for prices near the maximum
    double guess;           // of s sqrt T
};

// With one Gaussian for both tails (Bachelier) k / width is a function of price / k alone, here a rational function of
// w = sqrt(ln(1 + k^2 / (2 pi b^2))), within 0.3%; the last factor, exact for K = F up to an approximation of N, bends it to
// the logarithmic model.
GEXCORE_INLINE double guess_width(double k, double b, double p, double complement) {
    const double t = min(max(k / (kSqrt2Pi * b), 1e-4), 1e140);
    const double w = __builtin_sqrt(log_of(madd(t, t, 1.0)));
    const double up = madd(madd(madd(0.32748268, w, -0.34308355), w, 0.93841973), w, 1.00200741);
    const double down = madd(madd(madd(0.32611902, w, -0.23564956), w, 2.25521119), w, 1.0);
    const double bachelier = t * kSqrt2Pi * b * down / (w * up);
    const double bend = __builtin_sqrt(max(-log_of(complement * (1.0 + p)), 0.0)) / p;
    return p > 1e-4 ? bachelier * bend : bachelier;
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
    // f' = sign / r; a = f''/f' and b = f'''/f' follow, h = f/f' is the Newton step.
    const double over_r = 1.0 / r;
    const double h = sign * f * r;
    const double a = -r1 * over_r;
    const double b = madd(2.0 * a, a, -r2 * over_r);
    const double step = h * madd(-0.5 * a, h, 1.0) / madd(h * h, b * (1.0 / 6.0), madd(-a, h, 1.0));
    return min(max(width - step, 0.25 * width), 4.0 * width);
}

// `spot` .. `sign` as for greeks, implied_vol of the block is not read. status is one of the four numbers above.
void implied_vol(const gexcore::GreekBlock& in, const double* price, size_t n, double* vol, double* status) {
    const double *spot = in.spot, *strike = in.strike, *time = in.time_to_expiry, *rate = in.rate, *yield = in.dividend_yield,
                 *sign = in.sign;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c{spot[i], strike[i], time[i], 1.0, rate[i], yield[i], sign[i]};
        const double given = price[i];
        const Density d = density_of(c);
        const double poison = d.poison + nan_outside(c.time_to_expiry, 1e-250, 1e290) + nan_outside(given, -1e290, 1e290);
        const Exponential dividend = exp_both(-c.dividend_yield * c.time_to_expiry);
        const Exponential discount = exp_both(-c.rate * c.time_to_expiry);
        const double forward = madd(c.spot, dividend.minus_one, madd(-c.strike, discount.minus_one, c.spot - c.strike));
        const double spot_value = c.spot * dividend.value;
        const double strike_value = c.strike * discount.value;
        const double intrinsic = max(c.sign * forward, 0.0);
        const double time_value = given - intrinsic;
        const double lower = d.forward_above ? strike_value : spot_value;
        const double p = time_value / lower;
        const double complement = (lower - time_value) / lower;
        const bool inside = p > 1e-280 && complement > 0.0;
        const double safe_p = inside ? p : 0.25;
        const double safe_complement = inside ? complement : 0.75;

        Target target;
        target.k = abs(d.moneyness);
        target.log_p = log_of(safe_p);
        target.log_complement = log_of(safe_complement);
        const double b = safe_p * __builtin_sqrt(lower / (d.forward_above ? spot_value : strike_value));
        target.guess = guess_width(target.k, b, safe_p, safe_complement);
        double width = improve(target, target.guess);
        width = improve(target, width);
        width = improve(target, width);

        const double code = p > 1e-280 ? (complement > 0.0 ? kSolved : kAboveMaximum) : kBelowIntrinsic;
        status[i] = poison == 0.0 ? code : kNotANumber;
        vol[i] = poison == 0.0 && inside ? width / d.sqrt_time : __builtin_nan("");
    }
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
