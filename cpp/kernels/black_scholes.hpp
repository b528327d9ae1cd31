// Quantities of one Black-Scholes-Merton contract that all greeks share, without cancellation (see docs/how_it_works.md).
#pragma once
#include "math.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

GEXCORE_INLINE double nan_outside(double x, double low, double high) {
    return x >= low && x <= high ? 0.0 : __builtin_nan("");
}

struct Contract {
    double spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, sign;
};

constexpr double kNoWidth = 1e-130;  // s sqrt T up to here counts as 0; its inverse can still be squared

// Everything density-like. `core` = S e^{-yT} n(d1) = K e^{-rT} n(d2) is the common factor of gamma, vega, vanna, ...
struct Density {
    double poison;         // 0, or NaN for a row with an input out of range
    double singular;       // 0, or NaN exactly at the money with s sqrt T = 0, where derivatives do not exist
    double moneyness;      // ln(F / K)
    bool forward_above;    // F > K
    double x1, x2, width;  // x2 = |ln F/K| / width + width/2, x1 = x2 - width, width = s sqrt T
    double inverse_width, sqrt_time, inverse_sqrt_time, inverse_vol;
    double d1, d2;
    double lower;   // min(S e^{-yT}, K e^{-rT})
    double normal;  // n(x1)
    double core;
};

// log(spot / strike) or a column out of range (beyond 1e+-290, |r T| or |y T| above 700) gives a NaN row, not an error.
GEXCORE_INLINE Density density_of(const Contract& c) {
    const double ratio = c.spot / c.strike;
    const double carry = (c.rate - c.dividend_yield) * c.time_to_expiry;
    Density d;
    d.poison = nan_outside(c.spot, 1e-290, 1e290) + nan_outside(c.strike, 1e-290, 1e290) + nan_outside(ratio, 1e-290, 1e290) +
               nan_outside(c.time_to_expiry, 0.0, 1e290) + nan_outside(c.implied_vol, 0.0, 1e100) +
               nan_outside(c.rate * c.time_to_expiry, -700.0, 700.0) +
               nan_outside(c.dividend_yield * c.time_to_expiry, -700.0, 700.0);
    const SplitLog log = log_ratio(c.spot, c.strike);
    const double moneyness = log.high + (log.low + carry);
    d.moneyness = moneyness;
    d.forward_above = moneyness > 0.0;
    d.sqrt_time = __builtin_sqrt(c.time_to_expiry);
    d.width = c.implied_vol * d.sqrt_time;
    d.inverse_width = 1.0 / max(d.width, kNoWidth);
    d.inverse_sqrt_time = c.implied_vol * d.inverse_width;
    d.inverse_vol = d.sqrt_time * d.inverse_width;
    d.singular = max(d.width - kNoWidth, abs(moneyness)) <= 0.0 ? __builtin_nan("") : 0.0;
    const double u = min(abs(moneyness) * d.inverse_width, 1e8);
    d.x1 = madd(-0.5, d.width, u);
    d.x2 = madd(0.5, d.width, u);
    d.d1 = d.forward_above ? d.x2 : -d.x1;
    d.d2 = d.forward_above ? d.x1 : -d.x2;
    const double exponent = d.forward_above ? c.rate * c.time_to_expiry : c.dividend_yield * c.time_to_expiry;
    d.lower = (d.forward_above ? c.strike : c.spot) * exp_both(-exponent).value;
    d.normal = kInvSqrt2Pi * exp_flush(-0.5 * (d.x1 * d.x1));
    d.core = d.lower * d.normal;
    return d;
}

// Values that need the normal distribution itself, not only its density.
struct Tails {
    double spot_discount;  // e^{-yT}
    double strike_value;   // K e^{-rT}
    double n1, n2;         // N(w d1), N(w d2)
    double price;
};

// S e^{-yT} - K e^{-rT}: from S - K (exact when close) and e^x - 1 while both are small, which keeps the digits of short-dated
// contracts; else as it stands.
GEXCORE_INLINE double forward_value(const Contract& c, const Exponential& dividend, const Exponential& discount) {
    const double soon = madd(c.spot, dividend.minus_one, madd(-c.strike, discount.minus_one, c.spot - c.strike));
    const double late = c.spot * dividend.value - c.strike * discount.value;
    return max(abs(dividend.minus_one), abs(discount.minus_one)) < 0.4 ? soon : late;
}

// With L = min, H = max of (S e^{-yT}, K e^{-rT}) the out-of-the-money price is L N(-x1) - H N(-x2), for calls and puts alike,
// = core (M(x1) - M(x2)); L n(x1) = H n(x2) = core. In the money, the discounted forward is added.
GEXCORE_INLINE Tails tails_of(const Contract& c, const Density& d) {
    const Exponential dividend = exp_both(-c.dividend_yield * c.time_to_expiry);
    const Exponential discount = exp_both(-c.rate * c.time_to_expiry);
    Tails t;
    t.spot_discount = dividend.value;
    t.strike_value = c.strike * discount.value;
    const double spot_value = c.spot * dividend.value;
    const double higher = d.forward_above ? spot_value : t.strike_value;

    const bool wide = d.x1 < kMillsFrom;  // left of the map: use |x1| and the complement
    const double near = wide ? -d.x1 : d.x1;
    const Mills m = mills_pair(near, d.x2, wide ? d.x1 + d.x2 : d.width);
    const double tail_near = d.normal * m.left;
    const double tail_far = (d.core / higher) * m.right;
    const double below = wide ? 1.0 - tail_near : tail_near;  // N(-x1)
    const double above = wide ? tail_near : 1.0 - tail_near;  // N(x1)
    const double out = wide ? d.lower * below - d.core * m.right : d.core * m.difference;

    const bool in_the_money = (c.sign > 0.0) == d.forward_above;
    const double of_x1 = in_the_money ? above : below;
    const double of_x2 = in_the_money ? 1.0 - tail_far : tail_far;
    t.n1 = d.forward_above ? of_x2 : of_x1;
    t.n2 = d.forward_above ? of_x1 : of_x2;
    t.price = in_the_money ? out + abs(forward_value(c, dividend, discount)) : out;
    return t;
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
