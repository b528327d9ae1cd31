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

#if defined(__clang__) || __GNUC__ >= 12
#define GEXCORE_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef u64 Places __attribute__((vector_size(kWidth * sizeof(u64))));
#define GEXCORE_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (Places){__VA_ARGS__})
#endif

// out[j] = add_vectors(parts[j]) for `count` j, a multiple of 8: shuffled together, 8 sums take less than 8 times one.
GEXCORE_INLINE void add_many_vectors(const Vector (*parts)[kParts], size_t count, double* out) {
    for (size_t j = 0; j < count; j += kWidth) {
        Vector v[kWidth];
#if defined(__AVX512F__)
        Vector w[4];
        for (size_t i = 0; i < 4; ++i) {
            const Vector a = parts[j + 2 * i][0], b = parts[j + 2 * i + 1][0];
            w[i] = GEXCORE_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + GEXCORE_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
        }
        for (size_t i = 0; i < 2; ++i) {
            const Vector a = w[2 * i], b = w[2 * i + 1];
            v[i] = GEXCORE_SHUFFLE(a, b, 0, 1, 4, 5, 8, 9, 12, 13) + GEXCORE_SHUFFLE(a, b, 2, 3, 6, 7, 10, 11, 14, 15);
        }
        const Vector sums =
            GEXCORE_SHUFFLE(v[0], v[1], 0, 2, 4, 6, 8, 10, 12, 14) + GEXCORE_SHUFFLE(v[0], v[1], 1, 3, 5, 7, 9, 11, 13, 15);
#elif defined(__AVX2__)
        for (size_t i = 0; i < 2; ++i) {
            const Vector a = parts[j + 2 * i][0] + parts[j + 2 * i][1], b = parts[j + 2 * i + 1][0] + parts[j + 2 * i + 1][1];
            v[i] = GEXCORE_SHUFFLE(a, b, 0, 1, 4, 5) + GEXCORE_SHUFFLE(a, b, 2, 3, 6, 7);
        }
        const Vector sums = GEXCORE_SHUFFLE(v[0], v[1], 0, 2, 4, 6) + GEXCORE_SHUFFLE(v[0], v[1], 1, 3, 5, 7);
#else
        for (size_t i = 0; i < 2; ++i) v[i] = (parts[j + i][0] + parts[j + i][2]) + (parts[j + i][1] + parts[j + i][3]);
        const Vector sums = GEXCORE_SHUFFLE(v[0], v[1], 0, 2) + GEXCORE_SHUFFLE(v[0], v[1], 1, 3);
#endif
        *reinterpret_cast<Vector*>(out + j) = sums;
    }
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
