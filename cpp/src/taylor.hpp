// Polynomials that stand for a function on |t| <= 1, to within a bound.
#pragma once
#include <cmath>
#include <cstddef>

#include "kernels.hpp"

namespace gexcore {

struct Taylor {
    double term[kTaylorTerms] = {};
    double error = 0.0;  // no more than this is the function off the polynomial on |t| <= 1, its slope off by 25 times this
    double rest = 0.0;   // the part of it that a smaller cell would not have

    double at(double t) const {
        double value = 0.0;
        for (std::size_t k = kTaylorTerms; k-- > 0;) value = value * t + term[k];
        return value;
    }

    // Where it changes sign between two places of opposite signs.
    double zero(double from, double to) const {
        const bool upward = at(to) > 0.0;
        for (int round = 0; round < 60; ++round) {
            const double middle = 0.5 * (from + to);
            ((at(middle) > 0.0) == upward ? to : from) = middle;
        }
        return 0.5 * (from + to);
    }

    // Sum of |term[k]| k from `first` on: bounds a slope; without the factor k it bounds the value.
    double value_bound(std::size_t first) const {
        double sum = 0.0;
        for (std::size_t k = first; k < kTaylorTerms; ++k) sum += std::fabs(term[k]);
        return sum;
    }
    double slope_bound(std::size_t first) const {
        double sum = 0.0;
        for (std::size_t k = first; k < kTaylorTerms; ++k) sum += static_cast<double>(k) * std::fabs(term[k]);
        return sum;
    }
};

// The same polynomial in u, t = middle + half u, by repeated synthetic division; the error is copied. For |t| <= 1 rounding
// adds at most 64 x 2^-53 value_bound(0) to the value, 25 times this to the slope.
inline Taylor moved(const Taylor& from, double middle, double half) {
    Taylor to = from;
    double scale = 1.0;
    for (std::size_t k = 0; k < kTaylorTerms; ++k) {
        if (middle != 0.0)
            for (std::size_t j = kTaylorTerms - 1; j > k; --j) to.term[j - 1] += middle * to.term[j];
        to.term[k] *= scale;
        scale *= half;
    }
    return to;
}

}  // namespace gexcore
