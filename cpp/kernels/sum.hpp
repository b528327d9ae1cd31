// Sums of one block in a fixed order: 8 lanes, then a fixed tree over the lanes.
#pragma once
#include "../src/kernels.hpp"
#include "math.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

using gexcore::kLanes;

typedef double Lanes __attribute__((vector_size(64), aligned(8), may_alias));

inline double add_lanes(const Lanes& a) {
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

// Rows past n count as zero, so a short block has the bits of a padded one.
template <bool Absolute>
inline double sum_lanes(const double* values, size_t n) {
    Lanes total = {};
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const Lanes v = *reinterpret_cast<const Lanes*>(values + i);
        total += Absolute ? (v < 0.0 ? -v : v) : v;
    }
    if (i < n) {
        Lanes v = {};
        for (size_t lane = 0; i + lane < n; ++lane) v[lane] = values[i + lane];
        total += Absolute ? (v < 0.0 ? -v : v) : v;
    }
    return add_lanes(total);
}

double sum(const double* values, size_t n) {
    return sum_lanes<false>(values, n);
}

double sum_abs(const double* values, size_t n) {
    return sum_lanes<true>(values, n);
}

void sum_by(const double* values, const int32_t* key, size_t n, double* out) {
    for (size_t i = 0; i < n; ++i) out[key[i]] += values[i];
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
