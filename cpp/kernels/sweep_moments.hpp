// Sums of greeks over many contracts at many spots: the functions of d1 once per pair, for all terms of all greeks.
#pragma once
#include "moments.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

// The functions of d1 for a tile of rows at up to half a run of spots (or for one row at many).
struct Tile {
    alignas(64) double d[kHalf][kTile];
    alignas(64) double basis[kBases][kHalf][kTile];
    alignas(64) double above[kTile];  // w N(w d1) far above the strike: 1 for calls, 0 for puts
    alignas(64) double below[kTile];  // far below: 0 for calls, -1 for puts
};

GEXCORE_INLINE void set_side(double call, size_t i, Tile& at) {
    at.above[i] = call;
    at.below[i] = call - 1.0;
}

GEXCORE_INLINE void fill_directly(const Block& block, size_t first, const double* log_high, const double* log_low, size_t count,
                                  Tile& at) {
    const double *center_high = block.column(kCenterHigh) + first, *center_low = block.column(kCenterLow) + first,
                 *inverse_width = block.column(kInverseWidth) + first, *call = block.column(kCall) + first;
    for (size_t i = 0; i < kTile; ++i) set_side(call[i], i, at);
    for (size_t j = 0; j < count; ++j) {
        const double high = log_high[j], low = log_low[j];
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = 0; i < kTile; ++i) {
            const double d = (((high - center_high[i]) + low) - center_low[i]) * inverse_width[i];
            at.d[j][i] = d;
            at.basis[kBell][j][i] = exp_flush(-0.5 * (d * d));
        }
    }
}

GEXCORE_INLINE void store(double* p, Vector v) {
    *reinterpret_cast<Vector*>(p) = v;
}

// Bells by recurrence, at the first spots of half a run from its middle up or down.
GEXCORE_INLINE void fill_bells(const double* value, const double* ratio, const double* decay, size_t count, Tile& at) {
    for (size_t i = 0; i < kTile; i += kWidth) {
        Vector v = load(value + i), r = load(ratio + i);
        const Vector c = load(decay + i);
        for (size_t j = 0; j < count; ++j) {
            store(&at.basis[kBell][j][i], v);
            v *= r;
            r *= c;
        }
    }
}

// d1 at the same spots: position 0 is ln S = high + low + offset, the next ones follow at `step`. Rows narrower than the step
// are no part of the tile.
GEXCORE_INLINE void fill_distances(const Block& block, size_t first, double high, double low, double offset, double step,
                                   size_t count, Tile& at) {
    const double *center_high = block.column(kCenterHigh) + first, *center_low = block.column(kCenterLow) + first,
                 *inverse_width = block.column(kInverseWidth) + first, *call = block.column(kCall) + first;
    for (size_t i = 0; i < kTile; ++i) {
        const bool narrow = inverse_width[i] * abs(step) > kStepsPerWidth;
        at.above[i] = narrow ? 0.0 : call[i];
        at.below[i] = narrow ? 0.0 : call[i] - 1.0;
    }
    for (size_t i = 0; i < kTile; i += kWidth) {
        const Vector inverse = load(inverse_width + i);
        const Vector d = ((((high - load(center_high + i)) + low) - load(center_low + i)) + offset) * inverse;
        const Vector a = inverse * step;
        for (size_t j = 0; j < count; ++j) store(&at.d[j][i], d + static_cast<double>(j) * a);
    }
}

GEXCORE_INLINE void multiply(const double (*a)[kTile], const double (*b)[kTile], size_t count, double (*out)[kTile]) {
    for (size_t j = 0; j < count; ++j)
        for (size_t i = 0; i < kTile; ++i) out[j][i] = a[j][i] * b[j][i];
}

// The other functions of d1, as far as asked, from the bells and d1.
GEXCORE_INLINE void complete(size_t count, uint32_t bases, Tile& at) {
    if (bases & (bit(kBellD) | bit(kBellDD))) multiply(at.basis[kBell], at.d, count, at.basis[kBellD]);
    if (bases & bit(kBellDD)) multiply(at.basis[kBellD], at.d, count, at.basis[kBellDD]);
    if (!(bases & bit(kSide))) return;
    for (size_t j = 0; j < count; ++j) {
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = 0; i < kTile; ++i) {
            const double d = at.d[j][i];
            const double tail = kInvSqrt2Pi * at.basis[kBell][j][i] * mills(abs(d));
            at.basis[kSide][j][i] = d > 0.0 ? at.above[i] - tail : at.below[i] + tail;
        }
    }
}

struct Sums {
    alignas(64) double lanes[gexcore::kGreekCount][kHalf][kLanes];  // one lane per row modulo 8
};

// A term of a tile: coefficient x function of d1.
GEXCORE_INLINE void add_term(const double* coefficient, const double (*basis)[kTile], size_t count, double (*sums)[kLanes]) {
    for (size_t part = 0; part < kLanes; part += kWidth) {
        const double* c = coefficient + part;
        const Vector c0 = load(c), c1 = load(c + 8), c2 = load(c + 16), c3 = load(c + 24);
        for (size_t j = 0; j < count; ++j) {
            const double* b = basis[j] + part;
            const Vector sum = load(sums[j] + part);
            store(sums[j] + part, sum + ((c0 * load(b) + c1 * load(b + 8)) + (c2 * load(b + 16) + c3 * load(b + 24))));
        }
    }
}

GEXCORE_INLINE void add_tile(const Plan& plan, const Block& block, size_t first, size_t count, Tile& at, Sums& sums) {
    complete(count, plan.bases, at);
    for (size_t k = 0; k < plan.count; ++k)
        add_term(block.column(kFirstTerm + k) + first, at.basis[plan.terms[k].basis], count, sums.lanes[plan.terms[k].slot]);
}

// Rows narrower than two steps, one after the other: bells only at the few spots that they reach, constants on both sides.
inline void add_narrow_row(const Plan& plan, const Block& block, size_t row, const double* log_high, const double* log_low,
                           size_t spots, double step, Tile& at, double* out) {
    const double high = block.column(kCenterHigh)[row], low = block.column(kCenterLow)[row],
                 inverse = block.column(kInverseWidth)[row], call = block.column(kCall)[row];
    const double center = (((high - log_high[0]) - log_low[0]) + low) / step;
    const double reach = kBellReach / (inverse * step) + 1.0;
    const double end = static_cast<double>(spots);
    const size_t from = static_cast<size_t>(min(max(center - reach, 0.0), end));
    const size_t to = static_cast<size_t>(min(max(center + reach + 1.0, 0.0), end));
    for (size_t k = 0; k < plan.count; ++k) {
        if (plan.terms[k].basis != kSide) continue;
        const double coefficient = block.column(kFirstTerm + k)[row];
        double* sums = out + plan.terms[k].slot * spots;
        for (size_t j = 0; j < from; ++j) sums[j] += coefficient * (call - 1.0);
        for (size_t j = to; j < spots; ++j) sums[j] += coefficient * call;
    }
    for (size_t i = 0; i < kTile; ++i) set_side(call, i, at);
    for (size_t first = from; first < to; first += kTile) {
        const size_t count = to - first < kTile ? to - first : kTile;
        for (size_t i = 0; i < kTile; ++i) {
            const size_t j = i < count ? first + i : first;
            const double d = (((log_high[j] - high) + log_low[j]) - low) * inverse;
            at.d[0][i] = d;
            at.basis[kBell][0][i] = exp_flush(-0.5 * (d * d));
        }
        complete(1, plan.bases, at);
        for (size_t k = 0; k < plan.count; ++k) {
            const double coefficient = block.column(kFirstTerm + k)[row];
            double* sums = out + plan.terms[k].slot * spots + first;
            const double* basis = at.basis[plan.terms[k].basis][0];
            for (size_t i = 0; i < count; ++i) sums[i] += coefficient * basis[i];
        }
    }
}

void sweep_moments_directly(const Plan& plan, const Block& block, const double* log_high, const double* log_low, size_t spots,
                            double* out) {
    Tile at;
    for (size_t j = 0; j < spots; j += kHalf) {
        const size_t count = spots - j < kHalf ? spots - j : kHalf;
        Sums sums = {};
        for (size_t i = 0; i < block.rows; i += kTile) {
            fill_directly(block, i, log_high + j, log_low + j, count, at);
            add_tile(plan, block, i, count, at, sums);
        }
        for (size_t g = 0; g < plan.greeks; ++g)
            for (size_t k = 0; k < count; ++k) out[g * spots + j + k] = add_lanes(sums.lanes[g][k]);
    }
}

// The first spots of half a run, from its middle down or from the spot after it up.
inline void sweep_half(const Plan& plan, const Block& block, const Run& run, bool up, double high, double low, double step,
                       size_t count, Tile& at, Sums& sums) {
    const double middle = static_cast<double>(kHalf - 1) * step;
    const double *value = up ? run.next : run.value, *ratio = up ? run.ratio_up : run.ratio_down;
    for (size_t i = 0; i < block.rows; i += kTile) {
        if (!(plan.bases & bit(kSide)) && sum_abs(run.value + i, kTile) == 0.0) continue;
        fill_bells(value + i, ratio + i, run.decay + i, count, at);
        if (plan.bases != bit(kBell))
            fill_distances(block, i, high, low, up ? middle + step : middle, up ? step : -step, count, at);
        add_tile(plan, block, i, count, at, sums);
    }
}

void sweep_moments_uniformly(const Plan& plan, const Block& block, const double* log_high, const double* log_low, size_t spots,
                             double step, double* out) {
    Tile at;
    Run run;
    set_decay(block.bells(), block.rows, step, run);
    for (size_t first = 0; first < spots; first += kRun) {
        seed_run(block.bells(), block.rows, log_high[first], log_low[first], step, run);
        for (size_t half = 0; half < 2; ++half) {
            const size_t count = half == 1 ? spots_above(spots - first) : kHalf;
            if (count == 0) break;
            Sums sums = {};
            sweep_half(plan, block, run, half == 1, log_high[first], log_low[first], step, count, at, sums);
            for (size_t g = 0; g < plan.greeks; ++g)
                for (size_t j = 0; j < count; ++j) {
                    const size_t spot = half == 1 ? first + kHalf + j : first + kHalf - 1 - j;
                    if (spot < spots) out[g * spots + spot] = add_lanes(sums.lanes[g][j]);
                }
        }
    }
    for (size_t i = 0; i < block.rows; ++i)
        if (block.column(kInverseWidth)[i] * step > kStepsPerWidth)
            add_narrow_row(plan, block, i, log_high, log_low, spots, step, at, out);
}

void sweep_moments(const double* columns, size_t n, uint32_t which, const double* log_high, const double* log_low, size_t spots,
                   double step, double* out) {
    const Plan plan(which);
    const Block block(columns, n);
    if (step > 0.0)
        sweep_moments_uniformly(plan, block, log_high, log_low, spots, step, out);
    else
        sweep_moments_directly(plan, block, log_high, log_low, spots, out);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
