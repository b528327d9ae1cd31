// Taylor series of a block of Gaussians over a cell of ln S, with rigorous bounds on the rest and on all rounding.
#pragma once
#include "sweep.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

using gexcore::kTaylorTerms;

struct Expansion {
    alignas(64) double value[gexcore::kBlockRows];  // a row is value e^{first t + second t^2 / 2}
    alignas(64) double first[gexcore::kBlockRows];
    alignas(64) double second[gexcore::kBlockRows];
    alignas(64) double rounding[gexcore::kBlockRows];
    alignas(64) double truncation[gexcore::kBlockRows];
};

constexpr double kUnit = 0x1p-53;             // relative error of one operation
constexpr double kReach = 6.0;                // radius of Cauchy's circle around the cell
constexpr double kRest = 2.6e-19;             // sum of ((1 + 2^-11) / 6)^k from k = 24 on
constexpr double kOverlap = 1.0 + 0x1p-10;    // bounds hold a little beyond the cell, so that neighbours overlap
constexpr double kRoundingsPerSquare = 30.0;  // see docs/how_it_works.md

// e^x held within what a double can carry; below, the bound is larger than anything exp_flush drops.
GEXCORE_INLINE double exp_bound(double x) {
    return exp_both(min(max(x, -640.0), 700.0)).value;
}

GEXCORE_INLINE void prepare_rows(const gexcore::SweepBlock& rows, size_t n, const gexcore::TaylorCell& cell, Expansion& out) {
    const double *center_high = rows.center_high, *center_low = rows.center_low, *inverse_width = rows.inverse_width,
                 *amplitude = rows.amplitude;
    const double middle = cell.center, half = cell.half_width, tilt_d = cell.tilt_d, tilt_b = cell.tilt_b;
    const double tilt = abs(tilt_d) + tilt_b, roundings = madd(kRoundingsPerSquare * tilt, tilt, cell.roundings);
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double inverse = inverse_width[i], low = center_low[i];
        const double d = ((middle - center_high[i]) - low) * inverse;
        const double b = inverse * half;
        const double level = 0.5 * ((tilt_d - d) * (tilt_d + d));
        const double first = tilt_d * tilt_b - d * b;
        const double second = (tilt_b - b) * (tilt_b + b);
        const double size = abs(amplitude[i]), slope = kOverlap * abs(first), bend = kOverlap * abs(second);
        const double place = abs(d) + b;
        const double errors = madd(kRoundingsPerSquare * place, place + inverse * (1.0 + abs(low)), roundings);
        out.value[i] = amplitude[i] * exp_flush(min(level, 700.0));
        out.first[i] = first;
        out.second[i] = second;
        out.rounding[i] = size * (kUnit * errors) * exp_bound(level + madd(0.5, bend, slope));
        out.truncation[i] = size * kRest * exp_bound(level + kReach * madd(0.5 * kReach, bend, slope));
    }
    for (size_t i = n; i % kGroup != 0; ++i) out.value[i] = out.first[i] = out.second[i] = 0.0;
}

// Terms of value e^{u t + v t^2 / 2} of 32 rows: term k + 1 is (u term k + v term k-1) / (k + 1).
GEXCORE_INLINE void add_terms(const double* value, const double* first, const double* second, Vector (*sums)[kLanes / kWidth]) {
    for (size_t part = 0; part < kLanes / kWidth; ++part) {
        const size_t at = part * kWidth;
        Vector a0 = load(value + at), a1 = load(value + at + 8), a2 = load(value + at + 16), a3 = load(value + at + 24);
        const Vector u0 = load(first + at), u1 = load(first + at + 8), u2 = load(first + at + 16), u3 = load(first + at + 24);
        const Vector v0 = load(second + at), v1 = load(second + at + 8), v2 = load(second + at + 16),
                     v3 = load(second + at + 24);
        Vector b0 = {}, b1 = {}, b2 = {}, b3 = {};
        for (size_t k = 0; k < kTaylorTerms; ++k) {
            sums[k][part] += (a0 + a1) + (a2 + a3);
            const double inverse = 1.0 / static_cast<double>(k + 1);
            const Vector c0 = (u0 * a0 + v0 * b0) * inverse, c1 = (u1 * a1 + v1 * b1) * inverse,
                         c2 = (u2 * a2 + v2 * b2) * inverse, c3 = (u3 * a3 + v3 * b3) * inverse;
            b0 = a0, b1 = a1, b2 = a2, b3 = a3;
            a0 = c0, a1 = c1, a2 = c2, a3 = c3;
        }
    }
}

void expand(const gexcore::SweepBlock& rows, size_t n, const gexcore::TaylorCell& cell, gexcore::TaylorSums& sums) {
    Expansion expansion;
    prepare_rows(rows, n, cell, expansion);
    Vector terms[kTaylorTerms][kLanes / kWidth] = {};
    for (size_t i = 0; i < n; i += kGroup) {
        if (sum_abs(expansion.value + i, kGroup) == 0.0) continue;
        add_terms(expansion.value + i, expansion.first + i, expansion.second + i, terms);
    }
    for (size_t k = 0; k < kTaylorTerms; ++k) sums.terms[k] = add_vectors(terms[k]);
    sums.gross = sum_abs(expansion.value, n);
    sums.rounding = sum(expansion.rounding, n);
    sums.truncation = sum(expansion.truncation, n);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
