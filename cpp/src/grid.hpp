// The common step of a geometric grid.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

namespace gexcore {

constexpr std::size_t kFewestUniform = 8;
constexpr double kSpotRounding = 1e-15;  // of ln S: a few roundings of S

// The step in ln S if all steps are equal up to the rounding of the spots themselves, and up to this share of a step, else 0.
// Rows no narrower than a step then have d1 = (ln S - center) / width right to that share.
inline double uniform_step(const double* high, const double* low, std::size_t count, double share = 1.0) {
    if (count < kFewestUniform) return 0.0;
    const auto distance = [&](std::size_t j) { return (high[j] - high[0]) + (low[j] - low[0]); };
    const double step = distance(count - 1) / static_cast<double>(count - 1);
    const double allowed = std::min(kSpotRounding, share * std::fabs(step));
    for (std::size_t j = 1; j < count; ++j)
        if (!(std::fabs(distance(j) - static_cast<double>(j) * step) <= allowed)) return 0.0;
    return step;
}

}  // namespace gexcore
