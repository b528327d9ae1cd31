// Gamma of many contracts at many spots: each contract is a Gaussian in ln S.
#pragma once
#include "greeks.hpp"
#include "sum.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

struct Binary {
    double exponent, mantissa;  // x = mantissa 2^exponent, mantissa in [1/sqrt 2, sqrt 2]
};

// Needs x normal and positive.
GEXCORE_INLINE Binary binary_of(double x) {
    const u64 sqrt_half = 0x3fe6a09e667f3bcdu;
    const u64 biased = (as_bits(x) + (0x3ff0000000000000u - sqrt_half)) >> 52;
    return {as_double(0x4330000000000000u | biased) - (0x1p52 + 1023.0), x * as_double((2046 - biased) << 52)};
}

// c - a * b to the last bit, for a of 27 bits and a result of few.
GEXCORE_INLINE double residue_of(double c, double a, double b) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return madd(-a, b, c);
#else
    const double high = as_double(as_bits(b) & ~u64{0x7ffffff});
    return (c - a * high) - a * (b - high);
#endif
}

// ln x as an exact multiple of 2^-33 (high) and the rest (low), together within 4e-18: contracts of a minute are 1e-5 wide, and
// d1 is a distance in widths. `inverse` is 1 / (mantissa + 1).
GEXCORE_INLINE SplitLog fine_log(const Binary& x, double inverse) {
    const double k = x.exponent, m = x.mantissa, sum = m + 1.0;
    const double rest = m - (sum - 1.0);  // m + 1 = sum + rest
    // z = (m - 1) / (m + 1) = z_high + z_low, z_high a multiple of 2^-27
    const double z_high = ((m - 1.0) * inverse + 0x1.8p25) - 0x1.8p25;
    const double z_low = (residue_of(m - 1.0, z_high, sum) - z_high * rest) * inverse;
    const double z = z_high + z_low;
    return {madd(k, kLn2High, z_high + z_high), madd(k, kLn2Low, madd(z * (z * z), log_tail(z * z), z_low + z_low))};
}

GEXCORE_INLINE SplitLog fine_log(double x) {
    const Binary parts = binary_of(x);
    return fine_log(parts, 1.0 / (parts.mantissa + 1.0));
}

void split_log(const double* spot, size_t n, double* high, double* low) {
    for (size_t i = 0; i < n; ++i) {
        const SplitLog log = fine_log(spot[i]);
        high[i] = log.high;
        low[i] = log.low;
    }
}

// What the first loop leaves for the second, which waits for its quotients and roots.
struct SweepStart {
    alignas(64) double exponent[gexcore::kLeafRows], mantissa[gexcore::kLeafRows],
        inverse_sum[gexcore::kLeafRows], width[gexcore::kLeafRows], drift[gexcore::kLeafRows], discounted[gexcore::kLeafRows];
};

// A row of weight 0 stays off whatever its columns hold (a NaN there must not reach the sum).
GEXCORE_INLINE void set_starts(const gexcore::GreekBlock& in, const double* weight, size_t n, SweepStart& out) {
    const double *strike = in.strike, *time = in.time_to_expiry, *vol = in.implied_vol, *rate = in.rate,
                 *yield = in.dividend_yield;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double k0 = strike[i], t0 = time[i], s0 = vol[i], r0 = rate[i], y0 = yield[i];
        const bool on = weight[i] != 0.0;
        const double t = on ? t0 : 1.0, s = on ? s0 : 1.0, r = on ? r0 : 0.0, y = on ? y0 : 0.0;
        const Binary k = binary_of(on ? k0 : 1.0);
        out.exponent[i] = k.exponent;
        out.mantissa[i] = k.mantissa;
        out.inverse_sum[i] = 1.0 / (k.mantissa + 1.0);
        out.width[i] = or_nan(t >= 0.0, s * square_root(t));
        out.drift[i] = madd(0.5 * s, s, r - y) * t;
        out.discounted[i] = kInvSqrt2Pi * exp_both(-y * t).value;
    }
}

void sweep_prepare(const gexcore::GreekBlock& in, const double* weight, size_t n, double* center_high, double* center_low,
                   double* inverse_width, double* amplitude) {
    SweepStart start;
    for (size_t first = 0; first < n; first += gexcore::kLeafRows) {
        const size_t count = n - first < gexcore::kLeafRows ? n - first : gexcore::kLeafRows;
        set_starts(block_from(in, first), weight + first, count, start);
        GEXCORE_INDEPENDENT_ROWS
        for (size_t i = 0; i < count; ++i) {
            const size_t row = first + i;
            const SplitLog log = fine_log(Binary{start.exponent[i], start.mantissa[i]}, start.inverse_sum[i]);
            const double inverse = 1.0 / start.width[i];
            center_high[row] = log.high;
            center_low[row] = log.low - start.drift[i];
            inverse_width[row] = inverse;
            amplitude[row] = weight[row] * (start.discounted[i] * inverse);
        }
    }
}

constexpr size_t kLeafRows = gexcore::kLeafRows;
constexpr size_t kLeaves = gexcore::kBlockRows / kLeafRows;

GEXCORE_INLINE size_t leaf_end(size_t from, size_t n) {
    return n - from < kLeafRows ? n : from + kLeafRows;
}

// Adds the rows of leaves pairwise by index, in place; the result is the first row.
template <size_t Width>
GEXCORE_INLINE void add_leaves(double (*leaf)[Width], size_t leaves) {
    for (size_t step = 1; step < leaves; step *= 2)
        for (size_t a = 0; a + step < leaves; a += 2 * step)
            for (size_t j = 0; j < Width; ++j) leaf[a][j] += leaf[a + step][j];
}

double sum_by_leaf(const double* values, size_t n) {
    double leaf[kLeaves][1] = {};
    size_t leaves = 0;
    for (size_t i = 0; i < n; i += kLeafRows) leaf[leaves++][0] = sum(values + i, leaf_end(i, n) - i);
    add_leaves(leaf, leaves);
    return leaf[0][0];
}

template <bool WithSlope>
inline void sweep_spot(const gexcore::SweepBlock& rows, size_t n, double high, double low, double* values, double* slopes) {
    const double *center_high = rows.center_high, *center_low = rows.center_low, *inverse_width = rows.inverse_width,
                 *amplitude = rows.amplitude;
    for (size_t i = 0; i < n; ++i) {
        const double distance = ((high - center_high[i]) + low) - center_low[i];
        const double d1 = distance * inverse_width[i];
        const double value = amplitude[i] * exp_flush(-0.5 * (d1 * d1));
        values[i] = value;
        if constexpr (WithSlope) slopes[i] = -value * d1 * inverse_width[i];
    }
}

void sweep(const gexcore::SweepBlock& rows, size_t n, const double* log_high, const double* log_low, size_t spots, double* out,
           double* slope) {
    alignas(64) double values[gexcore::kBlockRows];
    alignas(64) double slopes[gexcore::kBlockRows];
    for (size_t j = 0; j < spots; ++j) {
        if (slope == nullptr) {
            sweep_spot<false>(rows, n, log_high[j], log_low[j], values, slopes);
        } else {
            sweep_spot<true>(rows, n, log_high[j], log_low[j], values, slopes);
            slope[j] = sum_by_leaf(slopes, n);
        }
        out[j] = sum_by_leaf(values, n);
    }
}

// The fourth derivative of e^{-d^2/2} is (d^4 - 6 d^2 + 3) e^{-d^2/2}: at most 3, and falling with (d^4 + 6 d^2 + 3)
// e^{-d^2/2}.
double sweep_fourth(const gexcore::SweepBlock& rows, size_t n, double high, double low, double half) {
    alignas(64) double bounds[gexcore::kBlockRows];
    for (size_t i = 0; i < n; ++i) {
        const double inverse = rows.inverse_width[i];
        const double distance = ((high - rows.center_high[i]) + low) - rows.center_low[i];
        const double d = max(abs(distance) - half, 0.0) * inverse;
        const double square = d * d;
        const double tail = madd(square, square + 6.0, 3.0) * exp_flush(-0.5 * square);
        bounds[i] = abs(rows.amplitude[i]) * ((inverse * inverse) * (inverse * inverse)) * min(tail, 3.0);
    }
    return sum_by_leaf(bounds, n);
}

constexpr size_t kRun = gexcore::kSweepRun;
constexpr size_t kHalf = kRun / 2;
constexpr size_t kGroup = 4 * kLanes;  // rows in flight
constexpr double kBellReach = 37.6;    // widths from a center, where e^{-d^2/2} is still a normal number
// Steps per width up to which the recurrence takes a Gaussian: one that is 0 at the middle of a run is then below 1e-101 at its
// ends too.
constexpr double kStepsPerWidth = 16.0 / kHalf;

// Spots above the middle of a run of which `left` spots are wanted, and up to 7 more.
constexpr size_t spots_above(size_t left) {
    return left <= kHalf ? 0 : left < kRun ? (left - kHalf + kLanes - 1) / kLanes * kLanes : kHalf;
}

// Adds value, value * ratio, value * ratio^2 decay, ... of 32 rows to `steps` sums, one lane per row modulo 8; backwards from
// the last if Down. The first rows of a leaf overwrite the sums.
template <bool Down, bool First>
GEXCORE_INLINE void add_half(const double* value, const double* ratio, const double* decay, size_t steps,
                             Vector (*sums)[kParts]) {
    for (size_t part = 0; part < kParts; ++part) {
        const size_t at = part * kWidth;
        Vector v0 = load(value + at), v1 = load(value + at + 8), v2 = load(value + at + 16), v3 = load(value + at + 24);
        Vector r0 = load(ratio + at), r1 = load(ratio + at + 8), r2 = load(ratio + at + 16), r3 = load(ratio + at + 24);
        const Vector c0 = load(decay + at), c1 = load(decay + at + 8), c2 = load(decay + at + 16), c3 = load(decay + at + 24);
        for (size_t j = 0; j < steps; ++j) {
            Vector& total = sums[Down ? kHalf - 1 - j : j][part];
            total = First ? (v0 + v1) + (v2 + v3) : total + ((v0 + v1) + (v2 + v3));
            v0 *= r0, v1 *= r1, v2 *= r2, v3 *= r3;
            r0 *= c0, r1 *= c1, r2 *= c2, r3 *= c3;
        }
    }
}

struct Run {
    alignas(64) double value[gexcore::kBlockRows];       // at the middle of the run
    alignas(64) double next[gexcore::kBlockRows];        // value * ratio_up, the first step up
    alignas(64) double ratio_up[gexcore::kBlockRows];    // from the second step up on
    alignas(64) double ratio_down[gexcore::kBlockRows];  // from the middle down
    alignas(64) double decay[gexcore::kBlockRows];
};

// How much the ratio of neighbouring values shrinks per step: e^{-(step / width)^2}, the same for every run.
GEXCORE_INLINE void set_decay(const gexcore::SweepBlock& rows, size_t n, double step, Run& run) {
    const double* inverse_width = rows.inverse_width;
    for (size_t i = 0; i < n; ++i) {
        const double a = min(inverse_width[i] * step, kStepsPerWidth);
        run.decay[i] = exp_both(-a * a).value;
    }
    for (size_t i = n; i % kGroup != 0; ++i)
        run.value[i] = run.next[i] = run.ratio_up[i] = run.ratio_down[i] = run.decay[i] = 0.0;
}

// Seeds of a run that starts at ln S = high + low, at its middle: half as many steps lose a quarter as many digits.
// Rows whose Gaussian is narrower than two steps, and rows that do not reach the run, get 0.
GEXCORE_INLINE void seed_run(const gexcore::SweepBlock& rows, size_t n, double high, double low, double step, Run& run) {
    const double *center_high = rows.center_high, *center_low = rows.center_low, *inverse_width = rows.inverse_width,
                 *amplitude = rows.amplitude;
    const double half = static_cast<double>(kHalf - 1) * step;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double a = inverse_width[i] * step;
        const double d = ((((high - center_high[i]) + low) - center_low[i]) + half) * inverse_width[i];
        const double value = exp_both(-0.5 * (d * d)).value, exponent = -a * madd(0.5, a, d);
        const bool reaches = (a <= kStepsPerWidth) & (abs(d) < kBellReach);
        run.value[i] = amplitude[i] * (reaches ? value : 0.0);  // NaN stays NaN
        run.ratio_up[i] = reaches ? exponent : 0.0;
    }
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double up = exp_both(run.ratio_up[i]).value, decay = run.decay[i];
        run.next[i] = run.value[i] * up;
        run.ratio_up[i] = up * decay;
        run.ratio_down[i] = decay / up;
    }
}

// A Gaussian narrower than two steps, and the nodes that it reaches.
struct NarrowRow {
    size_t row, from, to;
};

// Few of a book are: a count of them, which vectorises, passes over the others.
GEXCORE_INLINE size_t find_narrow(const gexcore::SweepBlock& rows, size_t n, const double* log_high, const double* log_low,
                                  size_t spots, double step, NarrowRow* found) {
    size_t count = 0;
    const double last = static_cast<double>(spots) - 1.0;
    for (size_t first = 0; first < n; first += kGroup) {
        const size_t end = first + kGroup < n ? first + kGroup : n;
        u64 narrow = 0;
        for (size_t i = first; i < end; ++i) narrow += rows.inverse_width[i] * step > kStepsPerWidth;
        for (size_t i = first; narrow != 0 && i < end; ++i) {
            const double inverse = rows.inverse_width[i];
            if (!(inverse * step > kStepsPerWidth) || rows.amplitude[i] == 0.0) continue;
            const double center = (((rows.center_high[i] - log_high[0]) - log_low[0]) + rows.center_low[i]) / step;
            const double reach = kBellReach / (inverse * step) + 1.0;
            if (center + reach < 0.0 || center - reach > last) continue;
            const size_t from = static_cast<size_t>(max(center - reach, 0.0));
            found[count++] = {i, from, static_cast<size_t>(min(center + reach, last)) + 1};
        }
    }
    return count;
}

// Adds one of them to the sums of a run.
GEXCORE_INLINE void add_narrow(const gexcore::SweepBlock& rows, const NarrowRow& narrow, const double* log_high,
                               const double* log_low, size_t first, double* sums) {
    const size_t i = narrow.row, end = narrow.to < first + kRun ? narrow.to : first + kRun;
    for (size_t j = narrow.from > first ? narrow.from : first; j < end; ++j) {
        const double distance = ((log_high[j] - rows.center_high[i]) + log_low[j]) - rows.center_low[i];
        const double d = distance * rows.inverse_width[i];
        sums[j - first] += rows.amplitude[i] * exp_flush(-0.5 * (d * d));
    }
}

template <bool First>
GEXCORE_INLINE void add_group(const Run& run, size_t i, size_t above, Vector (*sums)[kParts]) {
    add_half<true, First>(run.value + i, run.ratio_down + i, run.decay + i, kHalf, sums);  // the middle and all below
    add_half<false, First>(run.next + i, run.ratio_up + i, run.decay + i, above, sums + kHalf);
}

// The sums of rows from .. to at the spots of a run, up to `above` beyond its middle.
GEXCORE_INLINE void add_leaf(const Run& run, size_t from, size_t to, size_t above, double* sums) {
    Vector total[kRun][kParts];
    size_t i = from;
    while (i < to && sum_abs(run.value + i, kGroup) == 0.0) i += kGroup;
    if (i >= to) {
        for (size_t j = 0; j < kRun; ++j) sums[j] = 0.0;
        return;
    }
    add_group<true>(run, i, above, total);
    for (i += kGroup; i < to; i += kGroup)
        if (sum_abs(run.value + i, kGroup) != 0.0) add_group<false>(run, i, above, total);
    add_many_vectors(total, kHalf + above, sums);
}

// On a uniform grid in ln S a Gaussian is g, g r, g r^2 c, ...: two multiplications per step, no exp. Seeded once a run.
void sweep_uniform(const gexcore::SweepBlock& rows, size_t n, const double* log_high, const double* log_low, size_t spots,
                   double step, double* out) {
    Run run;
    NarrowRow narrow[gexcore::kBlockRows];
    double leaf[kLeaves][kRun] = {};
    set_decay(rows, n, step, run);
    const size_t count = find_narrow(rows, n, log_high, log_low, spots, step, narrow);
    for (size_t first = 0; first < spots; first += kRun) {
        seed_run(rows, n, log_high[first], log_low[first], step, run);
        const size_t above = spots_above(spots - first);
        size_t leaves = 0, next = 0;
        for (size_t from = 0; from < n; from += kLeafRows, ++leaves) {
            const size_t to = leaf_end(from, n);
            add_leaf(run, from, to, above, leaf[leaves]);
            for (; next < count && narrow[next].row < to; ++next)
                add_narrow(rows, narrow[next], log_high, log_low, first, leaf[leaves]);
        }
        add_leaves(leaf, leaves);
        for (size_t j = 0; j < kRun && first + j < spots; ++j) out[first + j] = leaf[0][j];
    }
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
