// Implied vols at another spot.
#pragma once
#include "../src/kernels.hpp"
#include "math.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

constexpr double kHeldBeyond = 0.05;  // |x| from which a relative move of vol is held
constexpr double kLeastShare = 0.2;   // a vol never falls below this share of itself
constexpr double kEnd = 1e9;          // 1 / how near to the end of the data counts as the end

struct SmilePoint {
    double vol, slope;  // d vol / d moneyness
};

GEXCORE_INLINE SmilePoint smile_at(double moneyness, double inverse_width, double level, double slope, double curvature,
                                   double low, double high, double floor) {
    const double wanted = moneyness * inverse_width;
    const double z = min(max(wanted, low), high);
    const double raw = madd(madd(curvature, z, slope), z, level);
    // 1 inside, 0 outside, 1/2 at the ends, where the derivative jumps: what a central difference sees
    const double inside = min(max((wanted - low) * kEnd + 0.5, 0.0), 1.0) * min(max((high - wanted) * kEnd + 0.5, 0.0), 1.0);
    return {max(raw, floor), raw < floor ? 0.0 : inside * (madd(2.0 * curvature, z, slope) * inverse_width)};
}

void move_vols(const gexcore::VolBlock& in, size_t n, const gexcore::VolMove& move, double* vol, double* slope) {
    const double x = move.log_move;
    const double held = min(max(x, -kHeldBeyond), kHeldBeyond);
    const double growth = move.relative == 0.0 ? 1.0 : exp_both(move.relative * held).value;
    const double relative = held == x ? move.relative : 0.0;
    const double parallel = move.per_log_spot * x;
    const double *own = in.implied_vol, *moneyness = in.moneyness, *inverse_width = in.inverse_width, *level = in.level,
                 *tilt = in.slope, *curvature = in.curvature, *low = in.low, *high = in.high, *floor = in.floor;
    const double shift = move.shift;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double k = moneyness[i];
        const SmilePoint here = smile_at(k, inverse_width[i], level[i], tilt[i], curvature[i], low[i], high[i], floor[i]);
        const SmilePoint there =
            smile_at(k - shift * x, inverse_width[i], level[i], tilt[i], curvature[i], low[i], high[i], floor[i]);
        const double base = own[i] + ((there.vol - here.vol) + parallel);
        const double moved = base * growth;
        const double least = kLeastShare * own[i];
        const bool at_floor = moved < least;
        vol[i] = at_floor ? least : moved;
        slope[i] = at_floor ? 0.0 : madd(relative, moved, (move.per_log_spot - shift * there.slope) * growth);
    }
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
