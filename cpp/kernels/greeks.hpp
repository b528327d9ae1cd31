// All greeks in one pass over a block; a new greek is one line here, one name in greeks.hpp of the public headers.
#pragma once
#include "../src/kernels.hpp"
#include "black_scholes.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

using gexcore::kLanes;

// Same order as gexcore::Greek.
enum : uint32_t { kPrice, kDelta, kGamma, kVega, kTheta, kRho, kVanna, kCharm, kVomma, kSpeed, kZomma, kColor };

constexpr uint32_t bit(uint32_t greek) {
    return 1u << greek;
}
constexpr uint32_t kDensityGreeks =
    bit(kGamma) | bit(kVega) | bit(kVanna) | bit(kVomma) | bit(kSpeed) | bit(kZomma) | bit(kColor);
constexpr uint32_t kCommonGreeks = (1u << kSpeed) - 1;
constexpr uint32_t kAllGreeks = (1u << gexcore::kGreekCount) - 1;

// A block goes through the stages below in pieces of so many rows. Each stage is a loop of its own: one loop over all of them
// is a chain of 250 cycles in 400 instructions per vector, twice as long as processors look ahead. The pieces are short, so
// that the stores of one are still under way while the next is computed.
constexpr size_t kStageRows = 64;

struct Stages {
    alignas(64) double log_exponent[kStageRows], log_z[kStageRows], sqrt_time[kStageRows], width[kStageRows];  // Start
    alignas(64) double moneyness[kStageRows], x1[kStageRows], x2[kStageRows], inverse_width[kStageRows],
        exponent[kStageRows];                                                                                 // Shape
    alignas(64) double spot_discount[kStageRows], spot[kStageRows], strike[kStageRows], forward[kStageRows];  // Legs
    alignas(64) double density[kStageRows], core[kStageRows],
        core_by_spot[kStageRows], drift[kStageRows], decay[kStageRows];              // density
    alignas(64) double left[kStageRows], right[kStageRows], difference[kStageRows];  // Mills
};

// The block from a row on.
GEXCORE_INLINE gexcore::GreekBlock block_from(const gexcore::GreekBlock& in, size_t row) {
    return {in.spot + row, in.strike + row,         in.time_to_expiry + row, in.implied_vol + row,
            in.rate + row, in.dividend_yield + row, in.sign + row,           in.one_spot};
}

// One spot for all rows saves its division and checks.
template <bool OneSpot>
GEXCORE_INLINE Contract contract_at(const gexcore::GreekBlock& in, double first_spot, size_t i) {
    return {OneSpot ? first_spot : in.spot[i],
            in.strike[i],
            in.time_to_expiry[i],
            in.implied_vol[i],
            in.rate[i],
            in.dividend_yield[i],
            in.sign[i]};
}

template <bool OneSpot>
GEXCORE_INLINE void set_shapes(const gexcore::GreekBlock& in, size_t n, Stages& stages) {
    const double first_spot = in.spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Start s = start_of(contract_at<OneSpot>(in, first_spot, i));
        stages.log_exponent[i] = s.log.exponent;
        stages.log_z[i] = s.log.z;
        stages.sqrt_time[i] = s.sqrt_time;
        stages.width[i] = s.width;
    }
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Start start{{stages.log_exponent[i], stages.log_z[i]}, stages.sqrt_time[i], stages.width[i]};
        const Shape s = shape_of(contract_at<OneSpot>(in, first_spot, i), start);
        stages.moneyness[i] = s.moneyness;
        stages.x1[i] = s.x1;
        stages.x2[i] = s.x2;
        stages.inverse_width[i] = or_nan(s.smooth, s.inverse_width);
        stages.exponent[i] = or_nan(s.good, s.exponent);
    }
}

// The exponentials: the core, and what the two legs are worth today where a tail is asked for.
template <uint32_t Set, bool OneSpot>
GEXCORE_INLINE void set_exponentials(const gexcore::GreekBlock& in, size_t n, Stages& stages) {
    const double first_spot = in.spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c = contract_at<OneSpot>(in, first_spot, i);
        const double density = density_of(stages.x1[i], stages.exponent[i]);
        stages.density[i] = density;
        stages.core[i] = (stages.moneyness[i] > 0.0 ? c.strike : c.spot) * density;
    }
    if constexpr (!(Set & ~kDensityGreeks)) return;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Legs legs = legs_of(contract_at<OneSpot>(in, first_spot, i));
        stages.spot_discount[i] = legs.spot_discount;
        stages.spot[i] = legs.spot;
        stages.strike[i] = legs.strike;
        stages.forward[i] = legs.forward;
    }
}

// Greeks that are the core times a function of d1 and d2, and what the tails need of it.
template <uint32_t Set, bool OneSpot>
GEXCORE_INLINE void write_density_greeks(const gexcore::GreekBlock& in, size_t n, Stages& stages, double* const* out) {
    double *gamma = out[kGamma], *vega = out[kVega], *vanna = out[kVanna], *vomma = out[kVomma], *speed = out[kSpeed],
           *zomma = out[kZomma], *color = out[kColor];
    const double first_spot = in.spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c = contract_at<OneSpot>(in, first_spot, i);
        const bool above = stages.moneyness[i] > 0.0;
        const double core = stages.core[i];
        const double d1 = above ? stages.x2[i] : -stages.x1[i];
        const double d2 = above ? stages.x1[i] : -stages.x2[i];
        const double inverse_width = stages.inverse_width[i];
        const double inverse_sqrt_time = c.implied_vol * inverse_width;
        const double inverse_vol = stages.sqrt_time[i] * inverse_width;
        const double inverse_spot = 1.0 / c.spot;
        // from the density, not from the core: a tiny or huge spot leaves delta as it is
        const double strike_by_spot = c.strike * inverse_spot;
        const double core_by_spot = stages.density[i] * (above ? strike_by_spot : 1.0);
        const double g = core * inverse_width * inverse_spot * inverse_spot;
        const double v = core * stages.sqrt_time[i];
        // d d1 / d T, calendar time to expiry
        const double drift = (c.rate - c.dividend_yield) * inverse_width - 0.5 * d2 * inverse_sqrt_time * inverse_sqrt_time;
        if constexpr (Set & bit(kGamma)) gamma[i] = g;
        if constexpr (Set & bit(kVega)) vega[i] = v;
        if constexpr (Set & bit(kVanna)) vanna[i] = -core_by_spot * d2 * inverse_vol;
        if constexpr (Set & bit(kVomma)) vomma[i] = v * (d1 * d2) * inverse_vol;
        if constexpr (Set & bit(kSpeed)) speed[i] = -g * inverse_spot * madd(d1, inverse_width, 1.0);
        if constexpr (Set & bit(kZomma)) zomma[i] = g * madd(d1, d2, -1.0) * inverse_vol;
        if constexpr (Set & bit(kColor))
            color[i] = g * madd(d1, drift, madd(0.5 * inverse_sqrt_time, inverse_sqrt_time, c.dividend_yield));
        if constexpr (Set & ~kDensityGreeks) {
            stages.core_by_spot[i] = core_by_spot;
            stages.drift[i] = drift;
            stages.decay[i] = 0.5 * core * c.implied_vol * inverse_sqrt_time;
        }
    }
}

// Left of the map at |x1|, for the complement.
GEXCORE_INLINE MillsPoint mills_point_at(const Stages& stages, size_t i) {
    const double x1 = stages.x1[i], x2 = stages.x2[i];
    const bool wide = x1 < kMillsFrom;
    return mills_point(wide ? -x1 : x1, x2, wide ? x1 + x2 : stages.width[i]);
}

GEXCORE_INLINE void put(Stages& stages, size_t i, const Mills& m) {
    stages.left[i] = m.left;
    stages.right[i] = m.right;
    stages.difference[i] = m.difference;
}

GEXCORE_INLINE void set_mills(size_t n, Stages& stages) {
    size_t done = 0;
    for (; done + 4 * kLanes <= n; done += 4 * kLanes) {
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = done; i < done + kLanes; ++i) {
            const MillsPoint a = mills_point_at(stages, i), b = mills_point_at(stages, i + kLanes),
                             c = mills_point_at(stages, i + 2 * kLanes), d = mills_point_at(stages, i + 3 * kLanes);
            const Horner<Four> h = mills_horner(Four{a.t1, b.t1, c.t1, d.t1}, Four{a.t2, b.t2, c.t2, d.t2});
            put(stages, i, mills_at(a, h.value.a, h.slope.a));
            put(stages, i + kLanes, mills_at(b, h.value.b, h.slope.b));
            put(stages, i + 2 * kLanes, mills_at(c, h.value.c, h.slope.c));
            put(stages, i + 3 * kLanes, mills_at(d, h.value.d, h.slope.d));
        }
    }
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = done; i < n; ++i) {
        const MillsPoint p = mills_point_at(stages, i);
        const Horner<double> h = mills_horner(p.t1, p.t2);
        put(stages, i, mills_at(p, h.value, h.slope));
    }
}

// Greeks that hold N(d1) or N(d2).
template <bool OneSpot>
GEXCORE_INLINE void write_tail_greeks(const gexcore::GreekBlock& in, size_t n, const Stages& stages, double* const* out) {
    double *price = out[kPrice], *delta = out[kDelta], *theta = out[kTheta], *rho = out[kRho], *charm = out[kCharm];
    const double first_spot = in.spot[0];
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const Contract c = contract_at<OneSpot>(in, first_spot, i);
        const Legs legs{stages.spot_discount[i], stages.spot[i], stages.strike[i], stages.forward[i]};
        const Mills mills{stages.left[i], stages.right[i], stages.difference[i]};
        const Tails t = tails_of(c.sign > 0.0, stages.moneyness[i] > 0.0, legs, stages.x1[i], stages.core[i],
                                 stages.core_by_spot[i], mills);
        const double spot_part = c.sign * t.spot;
        const double strike_part = c.sign * t.strike;
        const double carried = c.dividend_yield * spot_part;
        price[i] = t.price;
        delta[i] = spot_part;
        theta[i] = madd(c.spot, carried, -c.rate * strike_part) - stages.decay[i];
        rho[i] = c.time_to_expiry * strike_part;
        charm[i] = madd(-stages.core_by_spot[i], stages.drift[i], carried);
    }
}

// Asks for the lines that the next piece will write. Few columns at a time: memory takes only some tens of requests at once.
template <uint32_t Columns>
GEXCORE_INLINE void fetch_next(double* const* out, size_t rows) {
    for (uint32_t g = 0; g < gexcore::kGreekCount; ++g)
        for (size_t i = 0; (Columns & bit(g)) && i < rows; i += kLanes) __builtin_prefetch(out[g] + kStageRows + i, 1);
}

template <uint32_t Set, bool OneSpot>
void greeks_of_set(const gexcore::GreekBlock& in, size_t n, double* const* out) {
    const size_t next = n > kStageRows ? kStageRows : 0;
    Stages stages;
    for (size_t first = 0; first < n; first += kStageRows) {
        const size_t rows = n - first < kStageRows ? n - first : kStageRows;
        const gexcore::GreekBlock at = block_from(in, first);
        double* to[gexcore::kGreekCount];
        for (size_t g = 0; g < gexcore::kGreekCount; ++g) to[g] = out[g] + first;
        fetch_next<Set & kDensityGreeks>(to, next);
        set_shapes<OneSpot>(at, rows, stages);
        if constexpr (Set & ~kDensityGreeks) fetch_next<bit(kPrice) | bit(kDelta)>(to, next);
        set_exponentials<Set, OneSpot>(at, rows, stages);
        write_density_greeks<Set, OneSpot>(at, rows, stages, to);
        if constexpr (Set & ~kDensityGreeks) {
            fetch_next<bit(kTheta) | bit(kRho)>(to, next);
            set_mills(rows, stages);
            fetch_next<bit(kCharm)>(to, next);
            write_tail_greeks<OneSpot>(at, rows, stages, to);
        }
    }
}

template <uint32_t Set>
void greeks_of_spots(const gexcore::GreekBlock& in, size_t n, double* const* out) {
    (in.one_spot ? greeks_of_set<Set, true> : greeks_of_set<Set, false>)(in, n, out);
}

// The smallest compiled set that holds all of `which`; what is not wanted goes to a scratch block.
void greeks(const gexcore::GreekBlock& in, size_t n, uint32_t which, double* const* out) {
    double scratch[gexcore::kBlockRows];
    double* target[gexcore::kGreekCount];
    for (size_t g = 0; g < gexcore::kGreekCount; ++g) target[g] = which & bit(g) ? out[g] : scratch;
    if (which == bit(kGamma)) return greeks_of_spots<bit(kGamma)>(in, n, target);
    if (!(which & ~kDensityGreeks)) return greeks_of_spots<kDensityGreeks>(in, n, target);
    if (!(which & ~kCommonGreeks)) return greeks_of_spots<kCommonGreeks>(in, n, target);
    greeks_of_spots<kAllGreeks>(in, n, target);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
