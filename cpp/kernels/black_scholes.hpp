// Quantities of one Black-Scholes-Merton contract that all greeks share, without cancellation (see docs/how_it_works.md).
#pragma once
#include "math.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

GEXCORE_INLINE bool within(double x, double low, double high) {
    const bool above = x >= low, below = x <= high;
    return above & below;  // && would be a branch
}

GEXCORE_INLINE double nan_outside(double x, double low, double high) {
    return within(x, low, high) ? 0.0 : __builtin_nan("");
}

struct Contract {
    double spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, sign;
};

constexpr double kNoWidth = 1e-130;  // s sqrt T up to here counts as 0; its inverse can still be squared

// Where a contract stands: all that comes before the exponentials.
struct Shape {
    double poison;         // 0, or NaN for a row with an input out of range
    double moneyness;      // ln(F / K)
    double x1, x2, width;  // x2 = |ln F/K| / width + width/2, x1 = x2 - width, width = s sqrt T
    double inverse_width;  // NaN exactly at the money with s sqrt T = 0, where derivatives do not exist
    double sqrt_time;
};

// log(spot / strike) or a column out of range (beyond 1e+-290, |r T| or |y T| above 700) gives a NaN row, not an error.
GEXCORE_INLINE Shape shape_of(const Contract& c) {
    const SplitLog log = log_ratio(c.spot, c.strike);
    const double carry = (c.rate - c.dividend_yield) * c.time_to_expiry;
    const bool prices = within(c.spot, 1e-290, 1e290), strikes = within(c.strike, 1e-290, 1e290);
    const bool ratios = abs(log.high) <= 667.0, times = within(c.time_to_expiry, 0.0, 1e290);
    const bool vols = within(c.implied_vol, 0.0, 1e100);
    const bool rates = abs(c.rate * c.time_to_expiry) <= 700.0, yields = abs(c.dividend_yield * c.time_to_expiry) <= 700.0;
    const bool good = prices & strikes & ratios & times & vols & rates & yields;
    Shape s;
    s.poison = good ? 0.0 : __builtin_nan("");
    s.moneyness = log.high + (log.low + carry);
    s.sqrt_time = __builtin_sqrt(c.time_to_expiry);
    s.width = c.implied_vol * s.sqrt_time;
    const double inverse = 1.0 / max(s.width, kNoWidth);
    const double u = min(abs(s.moneyness) * inverse, 1e8);
    s.x1 = madd(-0.5, s.width, u);
    s.x2 = madd(0.5, s.width, u);
    s.inverse_width = max(s.width - kNoWidth, abs(s.moneyness)) <= 0.0 ? __builtin_nan("") : inverse;
    return s;
}

// n(x1), NaN for a poisoned row: every greek has it, or a tail made with it, as a factor.
GEXCORE_INLINE double normal_of(double x1, double poison) {
    return madd(kInvSqrt2Pi, exp_flush(-0.5 * (x1 * x1)), poison);
}

// min(S e^{-yT}, K e^{-rT}), for one exponential where legs_of takes two.
GEXCORE_INLINE double lower_leg_of(const Contract& c, bool forward_above) {
    const double exponent = (forward_above ? c.rate : c.dividend_yield) * c.time_to_expiry;
    return (forward_above ? c.strike : c.spot) * exp_both(-exponent).value;
}

// What the two legs are worth today.
struct Legs {
    double spot_discount;  // e^{-yT}
    double spot, strike;   // S e^{-yT}, K e^{-rT}
    double forward;        // their difference
};

// The difference is taken from S - K (exact when close) and e^x - 1 while both are small, which keeps the digits of short-dated
// contracts; else as it stands.
GEXCORE_INLINE Legs legs_of(const Contract& c) {
    const Exponential dividend = exp_both(-c.dividend_yield * c.time_to_expiry);
    const Exponential discount = exp_both(-c.rate * c.time_to_expiry);
    const double spot = c.spot * dividend.value;
    const double strike = c.strike * discount.value;
    const double soon = madd(c.spot, dividend.minus_one, madd(-c.strike, discount.minus_one, c.spot - c.strike));
    const bool early = max(abs(dividend.minus_one), abs(discount.minus_one)) < 0.4;
    return {dividend.value, spot, strike, early ? soon : spot - strike};
}

// Values that need the normal distribution itself, not only its density.
struct Tails {
    double n1, n2;  // N(w d1), N(w d2)
    double price;
};

// With L = min, H = max of the legs the out-of-the-money price is L N(-x1) - H N(-x2), for calls and puts alike,
// = core (M(x1) - M(x2)); L n(x1) = H n(x2) = core. In the money, the discounted forward is added.
GEXCORE_INLINE Tails tails_of(bool call, bool forward_above, const Legs& legs, double x1, double normal, const Mills& m) {
    const double lower = forward_above ? legs.strike : legs.spot;
    const double higher = forward_above ? legs.spot : legs.strike;
    const double core = lower * normal;
    const bool wide = x1 < kMillsFrom;  // left of the map: M at |x1| and the complement
    const double tail_near = normal * m.left;
    const double tail_far = (core / higher) * m.right;
    const double below = wide ? 1.0 - tail_near : tail_near;  // N(-x1)
    const double above = wide ? tail_near : 1.0 - tail_near;  // N(x1)
    const double out = wide ? lower * below - core * m.right : core * m.difference;

    const bool in_the_money = call == forward_above;
    const double of_x1 = in_the_money ? above : below;
    const double of_x2 = in_the_money ? 1.0 - tail_far : tail_far;
    return {forward_above ? of_x2 : of_x1, forward_above ? of_x1 : of_x2, in_the_money ? out + abs(legs.forward) : out};
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
