// Sums of one block in a fixed order: 8 lanes, then a fixed tree over the lanes.
#pragma once
#include "../src/kernels.hpp"
#include "math.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

using gexcore::kLanes;

// Vectors as wide as the registers: 8 lanes are one, two or four of them.
#if defined(__AVX512F__)
constexpr size_t kWidth = 8;
#elif defined(__AVX2__)
constexpr size_t kWidth = 4;
#else
constexpr size_t kWidth = 2;
#endif
typedef double Vector __attribute__((vector_size(kWidth * sizeof(double)), aligned(8), may_alias));

constexpr size_t kParts = kLanes / kWidth;

// A cast, not a copy: GCC copies 32 bytes as two halves, and the load after them waits for both.
GEXCORE_INLINE Vector load(const double* p) {
    return *reinterpret_cast<const Vector*>(p);
}

GEXCORE_INLINE double add_lanes(const double* a) {
    return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

GEXCORE_INLINE double add_vectors(const Vector* parts) {
    return add_lanes(reinterpret_cast<const double*>(parts));
}

template <bool Absolute>
GEXCORE_INLINE void add_row(const double* values, Vector* total) {
    for (size_t part = 0; part < kParts; ++part) {
        const Vector v = load(values + part * kWidth);
        total[part] += Absolute ? (v < 0.0 ? -v : v) : v;
    }
}

// Rows past n count as zero, so a short block has the bits of a padded one.
template <bool Absolute>
GEXCORE_INLINE double add_rest(const double* values, size_t n, Vector* total) {
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) add_row<Absolute>(values + i, total);
    double rest[kLanes] = {};
    for (size_t lane = 0; i + lane < n; ++lane) rest[lane] = values[i + lane];
    add_row<Absolute>(rest, total);
    return add_vectors(total);
}

template <bool Absolute>
inline double sum_lanes(const double* values, size_t n) {
    Vector total[kParts] = {};
    return add_rest<Absolute>(values, n, total);
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

uint32_t largest_key(const int32_t* key, size_t n) {
    uint32_t largest = 0;
    for (size_t i = 0; i < n; ++i) {
        const uint32_t k = static_cast<uint32_t>(key[i]);
        largest = k > largest ? k : largest;
    }
    return largest;
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
