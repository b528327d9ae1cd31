// The contract between the code that is compiled once and the kernels that are compiled once per ISA.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace gexcore {

// Every kernel works on at most one block of rows; sums of a block use 8 lanes (row i belongs to lane i mod 8).
constexpr size_t kBlockRows = 512;
constexpr size_t kLanes = 8;
constexpr size_t kLeafRows = 128;  // sums of profiles: a tree over leaves of so many rows, in blocks and over all of them
constexpr size_t kGreekCount = 12;
constexpr size_t kSweepRun = 64;                       // spots between two seeds of the recurrence
constexpr size_t kColumnStride = kBlockRows + kLanes;  // of prepared columns; a power of two would collide in the cache
constexpr size_t kTaylorTerms = 24;                    // of a Taylor expansion over a cell

// Columns of one block, unit stride. `sign` is +1 for calls, -1 for puts.
struct GreekBlock {
    const double* spot;
    const double* strike;
    const double* time_to_expiry;
    const double* implied_vol;
    const double* rate;
    const double* dividend_yield;
    const double* sign;
    bool one_spot = false;  // all of `spot` is one number
};

// Rows prepared for re-pricing at any spot: d1 = inverse_width * (ln S - center), center = center_high + center_low.
struct SweepBlock {
    const double* center_high;
    const double* center_low;
    const double* inverse_width;
    const double* amplitude;  // weight e^{-yT} / (s sqrt T sqrt 2 pi); 0 switches the row off
};

// Rows prepared for gamma at any spot.
struct GammaColumns {
    double *carry, *width, *inverse_width;  // (r - y) T; s sqrt T, 0 included; its inverse, NaN for a row out of range
    double *discount, *dividend;            // r T; y T
};

// Vols of one block and the smile of each row's expiration (see gexcore/dynamics.hpp).
struct VolBlock {
    const double *implied_vol, *moneyness, *inverse_width, *level, *slope, *curvature, *low, *high, *floor;
};

struct VolMove {
    double log_move;  // ln(spot' / spot)
    double shift, per_log_spot, relative;
};

// A cell ln S = center + half_width t, |t| <= 1, and a Gaussian with d1 = tilt_d + tilt_b t there (0, 0 for none).
struct TaylorCell {
    double center, half_width;
    double tilt_d, tilt_b;
    double roundings;  // relative errors of 2^-53 that every row makes whatever its place
};

// Over a cell: terms of the series, the sum of |row| at its center, bounds on what the computed terms and the rest may be off.
struct TaylorSums {
    double terms[kTaylorTerms];
    double gross, rounding, truncation;
};

struct Kernels {
    const char* isa;
    // Writes greek g of rows 0..n-1 to out[g] for every bit g of `which`; other out[g] are not touched.
    void (*greeks)(const GreekBlock& in, size_t n, uint32_t which, double* const* out);
    // Sum and sum of absolute values of n <= kBlockRows numbers over 8 lanes.
    double (*sum)(const double* values, size_t n);
    double (*sum_abs)(const double* values, size_t n);
    // out[key[i]] += values[i] in row order.
    void (*sum_by)(const double* values, const int32_t* key, size_t n, double* out);
    // Fills `rows` (center_high.. amplitude as writable columns) from a block of contracts and weights.
    void (*sweep_prepare)(const GreekBlock& in, const double* weight, size_t n, double* center_high, double* center_low,
                          double* inverse_width, double* amplitude);
    // ln S of n spots as high + low.
    void (*split_log)(const double* spot, size_t n, double* high, double* low);
    // out[j] = sum_i amplitude_i exp(-d_ij^2 / 2) at spot j: S * sum of weight * gamma. `slope` (or null) gets d out[j] / d ln
    // S.
    void (*sweep)(const SweepBlock& rows, size_t n, const double* log_high, const double* log_low, size_t spots, double* out,
                  double* slope);
    // The same out[j] for spots whose ln S ascends by `step` each, by recurrence.
    void (*sweep_uniform)(const SweepBlock& rows, size_t n, const double* log_high, const double* log_low, size_t spots,
                          double step, double* out);
    // vol[i] from price[i], NaN where none exists; status: 0 solved, 1 at or below intrinsic, 2 at or above the maximum, 3 an
    // input that is not a number or out of range. in.implied_vol is not read.
    void (*implied_vol)(const GreekBlock& in, const double* price, size_t n, double* vol, double* status);
    // Vols after a move of spot, and their derivatives in ln spot.
    void (*move_vols)(const VolBlock& in, size_t n, const VolMove& move, double* vol, double* slope);
    // Columns of a block prepared for a set of greeks, kColumnStride apart.
    size_t (*moment_columns)(uint32_t which);
    void (*moment_prepare)(const GreekBlock& in, const double* weight, size_t n, uint32_t which, double* columns);
    // out[k * spots + j] = sum of weight * (k-th greek of `which` times a power of S) at spot j, from columns prepared for the
    // same set. step > 0: ln S ascends by `step` each (recurrence); 0: any spots.
    void (*sweep_moments)(const double* columns, size_t n, uint32_t which, const double* log_high, const double* log_low,
                          size_t spots, double step, double* out);
    // Taylor series in t of sum_i amplitude_i exp((tilt(t)^2 - d_i(t)^2) / 2) over a cell, with bounds on its errors.
    void (*expand)(const SweepBlock& rows, size_t n, const TaylorCell& cell, TaylorSums& sums);
    // Sum over the rows of a bound of |d^4 sweep / d (ln S)^4| on an interval of ln S: its middle high + low, and half of it.
    double (*sweep_fourth)(const SweepBlock& rows, size_t n, double high, double low, double half);
    // Adds v_i = weight[i] * (gamma_i * scale) to pairs[2 key[i]] and |v_i| to pairs[2 key[i] + 1], in row order; a row of
    // weight 0 adds 0. gamma_i has the bits of `greeks`, `net` and `gross` get the bits of `sum` and `sum_abs` of all v_i.
    void (*gamma_sums)(const GreekBlock& in, const double* weight, double scale, const int32_t* key, size_t n, double* pairs,
                       double* net, double* gross);
    // Fills what spot_gamma reads.
    void (*gamma_prepare)(const GreekBlock& in, size_t n, const GammaColumns& out);
    // value[i] = weight[i] * (gamma_i * scale) at a spot and the sums of all, with the bits of `gamma_sums`.
    void (*spot_gamma)(const double* strike, const GammaColumns& rows, double spot, const double* weight, double scale,
                       size_t n, double* value, double* net, double* gross);
    // The largest key as an unsigned number: a negative one is larger than any other.
    uint32_t (*largest_key)(const int32_t* key, size_t n);
};

}  // namespace gexcore
