// The lattice ln S = j * step, step a power of two, on which default grids lie: a node has the same bits in every grid that
// contains it, because the recurrence is seeded at multiples of kSweepRun whatever node the grid starts from.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "grid.hpp"
#include "kernels.hpp"

namespace gexcore {

constexpr int kCoarsest = -8;  // exponents of the step of the search grid
constexpr int kFinest = -13;
constexpr std::size_t kExponents = kCoarsest - kFinest + 1;
constexpr double kShareThatMatters = 1e-3;
constexpr double kPeakCell = 0x1p-5;  // the range in which peaks count ends at multiples of this, so that few spots move it

struct Lattice {
    double step = 0.0;       // 0: none
    double first = 0.0;      // j of the first spot
    std::size_t before = 0;  // nodes between the last multiple of kSweepRun and the first spot

    explicit operator bool() const { return step > 0.0; }
};

// The lattice that some spots lie on, up to the rounding of the spots themselves; `step` 0 is guessed from the spots.
inline Lattice lattice_of(const double* high, const double* low, std::size_t count, double step) {
    if (step == 0.0) {
        const double uniform = uniform_step(high, low, count);
        if (!(uniform > 0.0)) return {};
        step = std::ldexp(1.0, static_cast<int>(std::lround(std::log2(uniform))));
    }
    const double first = std::round((high[0] + low[0]) / step);
    for (std::size_t j = 0; j < count; ++j)
        if (!(std::fabs((high[j] - (first + static_cast<double>(j)) * step) + low[j]) <= kSpotRounding)) return {};
    const double run = static_cast<double>(kSweepRun);
    return {step, first, static_cast<std::size_t>(first - std::floor(first / run) * run)};
}

using Peaks = std::array<double, kExponents>;  // by exponent of the width, all outside clamped in

// Ends in ln S of the range in which the peaks of contracts count.
struct PeakRange {
    double low, high;
    PeakRange(double middle, double half_range)
        : low(std::floor((middle - half_range) / kPeakCell) * kPeakCell),
          high(std::ceil((middle + half_range) / kPeakCell) * kPeakCell) {}
    bool operator!=(const PeakRange& other) const { return low != other.low || high != other.high; }
};

inline void add_peaks(const SweepBlock& rows, std::size_t n, const PeakRange& range, double* peaks) {
    for (std::size_t i = 0; i < n; ++i) {
        const double center = rows.center_high[i] + rows.center_low[i];
        if (rows.amplitude[i] == 0.0 || center < range.low || center > range.high) continue;
        std::uint64_t bits;
        std::memcpy(&bits, rows.inverse_width + i, sizeof bits);
        const int below = 1023 - static_cast<int>(bits >> 52 & 0x7ff);  // exponent of the width, one more for odd mantissas
        const int exponent = below - ((bits & ((std::uint64_t{1} << 52) - 1)) != 0);
        peaks[std::clamp(exponent, kFinest, kCoarsest) - kFinest] += std::fabs(rows.amplitude[i]);
    }
}

// Exponent of the widest step that still resolves the contracts that matter.
inline int step_exponent(const double* peaks) {
    double all = 0.0, narrow = 0.0;
    for (std::size_t e = 0; e < kExponents; ++e) all += peaks[e];
    int exponent = kFinest;
    while (exponent < kCoarsest && (narrow += peaks[exponent - kFinest]) <= kShareThatMatters * all) ++exponent;
    return exponent;
}

}  // namespace gexcore
