// How implied vols move with spot, and sums of weight * greek under it: every contract re-priced at every spot.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"
#include "gexcore/greeks.hpp"

namespace gexcore {

// The smile of each contract's expiration, one value per row, vols decimal: m(k) = max(level + slope z + curvature z^2, floor)
// with z = k * inverse_width clamped to [low, high] and k = ln(strike / forward).
struct SmileColumns {
    const double *moneyness, *inverse_width, *level, *slope, *curvature, *low, *high, *floor;
};

// With x = ln(spot' / spot) a contract of vol s moves to
// (s + m(k - shift x) - m(k) + per_log_spot x) e^{relative clamp(x, -0.05, 0.05)}, never below s / 5.
struct VolDynamics {
    SmileColumns smile{};  // null pointers: no smile, shift must be 0
    double shift = 0.0;    // 1 - skew-stickiness ratio
    double per_log_spot = 0.0;
    double relative = 0.0;
    double spot = 1.0;  // where the contracts carry their own vols
};

// vol[0 .. rows), decimal, of each contract at spot `at`, and slope[0 .. rows) = d vol / d ln spot there.
void move_vols(const Contracts& contracts, const VolDynamics& dynamics, double at, double* vol, double* slope,
               const Execution& execution = {});

// out[g][j] = sum of weight[0 .. rows) * greek g at spots[j], 0 <= j < count, with vols moved there, for every bit(g) of
// `which`; other entries of `out` may be null. weight: contracts * multiplier, signed. effective_gamma[j] (may be null) = sum
// of weight * (gamma + vanna * d vol / d spot), the whole derivative of delta. A row of weight 0 counts for nothing.
void sweep_dynamics(const Contracts& contracts, const double* weight, const VolDynamics& dynamics, const double* spots,
                    std::size_t count, std::uint32_t which, double* const out[greek_count], double* effective_gamma,
                    const Execution& execution = {});

}  // namespace gexcore
