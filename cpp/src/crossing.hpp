// A change of sign of the profile between two nodes: the root of the cubic Hermite interpolant with a bound of its error, and
// the polished root. The batch and the live book share this code, so that they agree to the last bit.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "gexcore/profile.hpp"
#include "kernels.hpp"

namespace gexcore {

// Sums over rows at the two ends of an interval of ln S: value = S * sum of weight * gamma, slope = d value / d ln S, and a
// bound of the fourth derivative between them.
struct EndSums {
    double value[2], slope[2], fourth;
};
constexpr std::size_t kEndSums = 5;
static_assert(sizeof(EndSums) == kEndSums * sizeof(double));

struct Ends {
    double high[2], low[2];  // ln S
    double width() const { return (high[1] - high[0]) + (low[1] - low[0]); }
};

inline void sum_ends(const Kernels& kernels, const SweepBlock& rows, std::size_t n, const Ends& ends, double* out) {
    kernels.sweep(rows, n, ends.high, ends.low, 2, out, out + 2);
    const double half = 0.5 * ends.width();
    out[4] = kernels.sweep_fourth(rows, n, ends.high[0], ends.low[0] + half, half);
}

// The cubic with these values and slopes, t = 0 .. 1 across the interval.
class Cubic {
public:
    Cubic(const EndSums& ends, double width) : c0_(ends.value[0]), c1_(ends.slope[0] * width) {
        const double rise = ends.value[1] - ends.value[0], last = ends.slope[1] * width;
        c2_ = 3.0 * rise - 2.0 * c1_ - last;
        c3_ = c1_ + last - 2.0 * rise;
    }
    double value(double t) const { return c0_ + t * (c1_ + t * (c2_ + t * c3_)); }
    double slope(double t) const { return c1_ + t * (2.0 * c2_ + t * (3.0 * c3_)); }

    // The smallest |slope| on 0 .. 1, 0 if the slope changes sign.
    double least_slope() const {
        const double first = slope(0.0), last = slope(1.0), turn = -c2_ / (3.0 * c3_);
        const double middle = turn > 0.0 && turn < 1.0 ? slope(turn) : first;
        if ((first < 0.0) != (last < 0.0) || (first < 0.0) != (middle < 0.0)) return 0.0;
        return std::min({std::fabs(first), std::fabs(middle), std::fabs(last)});
    }

    // Newton where it stays inside the bracket, else bisection.
    double root(bool upward) const {
        double a = 0.0, b = 1.0, t = c0_ / (c0_ - value(1.0));
        for (int round = 0; round < 100; ++round) {
            const double v = value(t);
            if (v == 0.0) break;
            ((v > 0.0) == upward ? b : a) = t;
            const double newton = t - v / slope(t);
            const double next = newton > a && newton < b ? newton : 0.5 * (a + b);
            const double step = next - t;
            t = next;
            if (std::fabs(step) <= 1e-15) break;
        }
        return t;
    }

private:
    double c0_, c1_, c2_, c3_;
};

// Error of cubic Hermite interpolation: width^4 / 384 of the fourth derivative for values, sqrt(3) width^3 / 216 for slopes.
inline double interpolation_error(double width, double fourth) {
    return (width * width) * (width * width) * fourth / 384.0;
}

inline Crossing hermite_crossing(const EndSums& ends, double width, double low, double high, bool upward) {
    const double sign = upward ? 1.0 : -1.0;
    if (!(sign * ends.value[0] < 0.0 && sign * ends.value[1] > 0.0)) {  // nothing but rounding at one of the ends
        const int end = std::fabs(ends.value[0]) <= std::fabs(ends.value[1]) ? 0 : 1;
        const double spot = end == 0 ? low : high;
        return {spot, ends.slope[end] / (spot * spot), upward, high - low};
    }
    const Cubic cubic(ends, width);
    const double t = cubic.root(upward);
    const double spot = std::clamp(low * std::exp(t * width), low, high);
    const double least = cubic.least_slope() / width - std::sqrt(3.0) / 216.0 * (width * width * width) * ends.fourth;
    const double error = least > 0.0 ? std::min(interpolation_error(width, ends.fourth) / least, width) : width;
    return {spot, cubic.slope(t) / width / (spot * spot), upward, high * error};
}

// An accepted Newton step of this share leaves its square times the curvature: below 1e-14 for contracts a minute wide.
constexpr double kNewtonDone = 1e-10;

// Newton in S from a first guess while it stays inside the bracket and at least halves its step, else bisection; `at` gives
// value and slope at a spot. Returns the root.
template <typename At>
double polished_root(double low, double high, double guess, bool upward, const At& at) {
    double root = guess, value = 0.0, slope = 0.0;
    const double first = low, last = high;
    double step = high - low;
    for (int round = 0; round < 200; ++round) {
        at(root, value, slope);
        if (value == 0.0) break;
        ((value > 0.0) == upward ? high : low) = root;
        const double newton = std::clamp(root - root * value / slope, first, last), away = std::fabs(newton - root);
        const bool inside = newton > low && newton < high;
        // at the root rounding alone says on which side of it the next step falls
        const bool accepted = (inside || away <= kNewtonDone * root) && away <= 0.5 * std::fabs(step);
        const double next = accepted ? newton : 0.5 * (low + high);
        step = next - root;
        root = next;
        if (std::fabs(step) <= (accepted ? kNewtonDone : 1e-14) * root) break;
    }
    return root;
}

// The polished crossing from its root and the sums there: d (sum of weight * gamma) / d spot.
inline Crossing polished_crossing(double root, double value, double slope, bool upward) {
    const double gamma = value / root;
    return {root, (slope / root - gamma) / root, upward, 1e-12 * root};
}

// Calls found(before, after, upward) for each change of sign of values[0 .. count); zeros are stepped over.
template <typename Found>
void for_sign_changes(const double* values, std::size_t count, const Found& found) {
    std::size_t before = count;  // last node with a sign
    for (std::size_t j = 0; j < count; ++j) {
        if (values[j] == 0.0) continue;
        if (before != count && (values[before] < 0.0) != (values[j] < 0.0)) found(before, j, values[j] > 0.0);
        before = j;
    }
}

}  // namespace gexcore
