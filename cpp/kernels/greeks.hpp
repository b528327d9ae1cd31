// All greeks in one pass over a block; a new greek is one line here, one name in greeks.hpp of the public headers.
#pragma once
#include "../src/kernels.hpp"
#include "black_scholes.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

// Same order as gexcore::Greek.
enum : uint32_t { kPrice, kDelta, kGamma, kVega, kTheta, kRho, kVanna, kCharm, kVomma, kSpeed, kZomma, kColor };

constexpr uint32_t bit(uint32_t greek) {
    return 1u << greek;
}
constexpr uint32_t kDensityGreeks =
    bit(kGamma) | bit(kVega) | bit(kVanna) | bit(kVomma) | bit(kSpeed) | bit(kZomma) | bit(kColor);
constexpr uint32_t kAllGreeks = (1u << gexcore::kGreekCount) - 1;

// One and the same NaN for every bad row, whatever NaN the arithmetic came to.
GEXCORE_INLINE double checked(double value, double poison) {
    return poison == 0.0 ? value : poison;
}

// d d1 / d T, calendar time to expiry.
GEXCORE_INLINE double d1_by_time(const Contract& c, const Density& d) {
    return (c.rate - c.dividend_yield) * d.inverse_width - 0.5 * d.d2 * d.inverse_sqrt_time * d.inverse_sqrt_time;
}

template <uint32_t Set>
void greeks_of_set(const gexcore::GreekBlock& in, size_t n, double* const* out) {
    const double *spot = in.spot, *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol, *rate = in.rate,
                 *yield = in.dividend_yield, *sign = in.sign;
    double *price = out[kPrice], *delta = out[kDelta], *gamma = out[kGamma], *vega = out[kVega], *theta = out[kTheta],
           *rho = out[kRho], *vanna = out[kVanna], *charm = out[kCharm], *vomma = out[kVomma], *speed = out[kSpeed],
           *zomma = out[kZomma], *color = out[kColor];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c{spot[i], strike[i], time[i], vol[i], rate[i], yield[i], sign[i]};
        const Density d = density_of(c);
        const double bad = d.poison + d.singular;
        const double inverse_spot = 1.0 / c.spot;
        const double g = d.core * d.inverse_width * inverse_spot * inverse_spot;
        const double v = d.core * d.sqrt_time;
        const double drift = d1_by_time(c, d);
        if constexpr (Set & bit(kGamma)) gamma[i] = checked(g, bad);
        if constexpr (Set & bit(kVega)) vega[i] = checked(v, d.poison);
        if constexpr (Set & bit(kVanna)) vanna[i] = checked(-d.core * inverse_spot * d.d2 * d.inverse_vol, bad);
        if constexpr (Set & bit(kVomma)) vomma[i] = checked(v * (d.d1 * d.d2) * d.inverse_vol, bad);
        if constexpr (Set & bit(kSpeed)) speed[i] = checked(-g * inverse_spot * madd(d.d1, d.inverse_width, 1.0), bad);
        if constexpr (Set & bit(kZomma)) zomma[i] = checked(g * madd(d.d1, d.d2, -1.0) * d.inverse_vol, bad);
        if constexpr (Set & bit(kColor))
            color[i] =
                checked(g * madd(d.d1, drift, madd(0.5 * d.inverse_sqrt_time, d.inverse_sqrt_time, c.dividend_yield)), bad);
        if constexpr (Set & ~kDensityGreeks) {
            const Tails t = tails_of(c, d);
            const double spot_part = c.sign * t.spot_discount * t.n1;
            const double strike_part = c.sign * t.strike_value * t.n2;
            const double carried = c.dividend_yield * spot_part;
            if constexpr (Set & bit(kPrice)) price[i] = checked(t.price, d.poison);
            if constexpr (Set & bit(kDelta)) delta[i] = checked(spot_part, d.poison);
            if constexpr (Set & bit(kTheta))
                theta[i] = checked(
                    madd(c.spot, carried, -c.rate * strike_part) - 0.5 * d.core * c.implied_vol * d.inverse_sqrt_time, bad);
            if constexpr (Set & bit(kRho)) rho[i] = checked(c.time_to_expiry * strike_part, d.poison);
            if constexpr (Set & bit(kCharm)) charm[i] = checked(madd(-d.core * inverse_spot, drift, carried), bad);
        }
    }
}

// The smallest compiled set that holds all of `which`; what is not wanted goes to a scratch block.
void greeks(const gexcore::GreekBlock& in, size_t n, uint32_t which, double* const* out) {
    double scratch[gexcore::kBlockRows];
    double* target[gexcore::kGreekCount];
    for (size_t g = 0; g < gexcore::kGreekCount; ++g) target[g] = which & bit(g) ? out[g] : scratch;
    if (which == bit(kGamma)) return greeks_of_set<bit(kGamma)>(in, n, target);
    if (!(which & ~kDensityGreeks)) return greeks_of_set<kDensityGreeks>(in, n, target);
    greeks_of_set<kAllGreeks>(in, n, target);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
