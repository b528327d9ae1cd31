// Dealer gamma as a function of spot: every contract re-priced at every spot (sticky strike), and the spots where it is zero.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"

namespace gexcore {

struct SweepBlock;

struct Crossing {
    double spot;   // where the sum is zero
    double slope;  // d (sum of weight * gamma) / d spot there
    bool upward;   // negative below, positive above
    double error;  // bound of |spot - root|, rounding apart
};

// Prepared once, read at any spots. A row of weight 0 counts for nothing, whatever its columns hold.
class GammaProfile {
public:
    // weight: contracts * multiplier, signed, one per row. The spot column is not used.
    GammaProfile(const Contracts& contracts, const double* weight, const Execution& execution = {});

    std::size_t rows() const { return rows_; }

    // A row is amplitude exp(-d^2 / 2) in S * gamma, d = inverse_width * (ln S - center_high - center_low).
    struct Columns {
        const double *center_high, *center_low, *inverse_width, *amplitude;
    };
    Columns columns() const { return {center_high_, center_low_, inverse_width_, amplitude_}; }

    // gamma[j] = sum of weight * gamma at spots[j], 0 <= j < count (shares per unit of price); speed[j] is its derivative.
    // `speed` may be null; the last digits of gamma may then differ.
    void evaluate(const double* spots, std::size_t count, double* gamma, double* speed, const Execution& execution = {}) const;

    // The default grid: geometric nodes exp(j h), j integer, that cover spot * exp(+-half_range). The step h is a power of two,
    // no wider than the narrowest contracts that matter (s sqrt T; together 0.1% of all peaks), within [2^-13, 2^-8]. A node
    // has the same profile, bit for bit, in every grid of that step.
    std::vector<double> search_grid(double spot, double half_range) const;

    // One crossing per change of sign of gamma[0 .. count), in any unit, over ascending spots (zeros are stepped over): the
    // root of the cubic with the values and slopes of both ends, and with `polish` a safeguarded Newton iteration on exact
    // values from there, to a relative 1e-12.
    std::vector<Crossing> crossings(const double* spots, const double* gamma, std::size_t count, bool polish = true,
                                    const Execution& execution = {}) const;

private:
    SweepBlock rows_from(std::size_t at) const;
    Crossing between(double low, double high, bool upward, const Execution& execution) const;
    Crossing polished(double low, double high, const Crossing& first, const Execution& execution) const;
    void evaluate_log_derivative(const double* spots, std::size_t count, double* value, double* slope,
                                 const Execution& execution) const;

    struct Release {
        std::size_t size;
        void operator()(double* memory) const;
    };
    using Memory = std::unique_ptr<double[], Release>;
    static Memory memory_for(std::size_t size);

    std::size_t rows_;
    Memory columns_;  // four columns, written once: never cleared first
    double *center_high_, *center_low_, *inverse_width_, *amplitude_;
};

}  // namespace gexcore
