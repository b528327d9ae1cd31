// Quantities of one Black-Scholes-Merton contract that all greeks share, without cancellation (see docs/how_it_works.md).
#pragma once
#include "math.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

GEXCORE_INLINE bool within(double x, double low, double high) {
    const bool above = x >= low, below = x <= high;
    return above & below;  // && would be a branch
}

GEXCORE_INLINE double or_nan(bool good, double x) {
    return good ? x : __builtin_nan("");
}

GEXCORE_INLINE double nan_outside(double x, double low, double high) {
    return or_nan(within(x, low, high), 0.0);
}

struct Contract {
    double spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, sign;
};

constexpr double kNoWidth = 1e-60;  // s sqrt T up to here counts as 0; products of some inverses are still numbers

// What takes the divider and the root of T. The rest of a row waits for it, so that loops over many rows do this part first.
struct Start {
    LogParts log;  // ln(S / K); the exponent is NaN for a row with an input out of range
    double sqrt_time, width;
};

// Where a contract stands: all that comes before the exponentials.
struct Shape {
    double moneyness;  // ln(F / K)
    double x1, x2;     // x2 = |ln F/K| / width + width/2, x1 = x2 - width, width = s sqrt T
    double inverse_width;
    double exponent;  // L = base e^{-exponent}, base is S or K
    bool good;        // no input is out of range
    bool smooth;      // not exactly at the money with s sqrt T = 0, where derivatives do not exist
};

GEXCORE_INLINE Start start_of(const Contract& c) {
    const bool prices = within(c.spot, 1e-290, 1e290), strikes = within(c.strike, 1e-290, 1e290);
    const bool times = within(c.time_to_expiry, 0.0, 1e290), vols = within(c.implied_vol, 0.0, 1e100);
    const LogParts log = log_parts(c.spot, c.strike);
    const double sqrt_time = square_root(c.time_to_expiry);
    const bool good = prices & strikes & times & vols;
    return {{or_nan(good, log.exponent), log.z}, sqrt_time, c.implied_vol * sqrt_time};
}

// What no spot changes.
struct Terms {
    double carry, width, inverse_width;  // (r - y) T, s sqrt T and its inverse
    double discount, dividend;           // r T, y T
    bool good;
};

GEXCORE_INLINE Terms terms_of(const Contract& c, double width) {
    const double discount = c.rate * c.time_to_expiry, dividend = c.dividend_yield * c.time_to_expiry;
    const bool rates = abs(discount) <= 700.0, yields = abs(dividend) <= 700.0, good = rates & yields;
    const double carry = (c.rate - c.dividend_yield) * c.time_to_expiry;
    return {carry, width, 1.0 / max(width, kNoWidth), discount, dividend, good};
}

GEXCORE_INLINE Shape shape_at(const SplitLog& log, const Terms& terms) {
    Shape s;
    s.moneyness = log.high + (log.low + terms.carry);
    const double distance = abs(s.moneyness), u = distance * terms.inverse_width;
    const bool ratios = abs(log.high) <= 667.0;
    s.x1 = madd(-0.5, terms.width, u);
    s.x2 = madd(0.5, terms.width, u);
    s.inverse_width = terms.inverse_width;
    s.exponent = s.moneyness > 0.0 ? terms.discount : terms.dividend;
    s.good = ratios & terms.good;
    s.smooth = distance + terms.width > kNoWidth;
    return s;
}

// log(spot / strike) or a column out of range (beyond 1e+-290, |r T| or |y T| above 700) gives a NaN row, not an error.
GEXCORE_INLINE Shape shape_of(const Contract& c, const Start& start) {
    return shape_at(log_of(start.log), terms_of(c, start.width));
}

// The core of a row is base times this: L n(x1) = H n(x2) with L = min(S e^{-yT}, K e^{-rT}) = base e^{-exponent}, H = max.
// Every greek has it as a factor, or a tail made with it. Both exponents together are one rounding and one exponential.
GEXCORE_INLINE double density_of(double x1, double exponent) {
    return kInvSqrt2Pi * exp_flush(madd(-0.5 * x1, x1, -exponent));
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
    double spot, strike;  // e^{-yT} N(w d1), K e^{-rT} N(w d2)
    double price;
};

// The out-of-the-money price is L N(-x1) - H N(-x2), for calls and puts alike, = core (M(x1) - M(x2)). In the money, the
// discounted forward is added.
GEXCORE_INLINE Tails tails_of(bool call, bool forward_above, const Legs& legs, double x1, double core, double core_by_spot,
                              const Mills& m) {
    const bool in_the_money = call == forward_above;
    const bool wide = x1 < kMillsFrom;  // left of the map: M at |x1| and the complement
    const double lower = forward_above ? legs.strike : legs.spot;
    const double out = wide ? lower - core * m.left - core * m.right : core * m.difference;
    const double spot_tail = core_by_spot * (forward_above ? m.right : m.left);
    const double strike_tail = core * (forward_above ? m.left : m.right);
    const bool spot_rest = in_the_money != (wide & !forward_above), strike_rest = in_the_money != (wide & forward_above);
    return {spot_rest ? legs.spot_discount - spot_tail : spot_tail, strike_rest ? legs.strike - strike_tail : strike_tail,
            in_the_money ? out + abs(legs.forward) : out};
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
