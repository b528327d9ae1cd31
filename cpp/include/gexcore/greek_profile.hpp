// Any exposure as a function of spot: every contract re-priced at every spot (sticky strike).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"
#include "gexcore/greeks.hpp"

namespace gexcore {

// The greeks whose sums have a profile.
inline constexpr std::uint32_t profile_greeks = bit(Greek::delta) | bit(Greek::gamma) | bit(Greek::vega) | bit(Greek::vanna) |
                                                bit(Greek::charm) | bit(Greek::vomma) | bit(Greek::speed) | bit(Greek::zomma) |
                                                bit(Greek::color);

// Sums of weight * greek, prepared once for a set of greeks, read at any spots. A row of weight 0 counts for nothing, whatever
// its columns hold; any other row without time or vol, or with an input out of range, makes the sums NaN.
class GreekProfile {
public:
    // weight: contracts * multiplier, signed, one per row. The spot column is not used. Throws Error unless `which` is a
    // non-empty part of profile_greeks.
    GreekProfile(const Contracts& contracts, const double* weight, std::uint32_t which, const Execution& execution = {});

    std::size_t rows() const { return rows_; }
    std::uint32_t which() const { return which_; }

    // out[g][j] = sum of weight * greek g at spots[j], 0 <= j < count, in the units of Greek, for every bit(g) of which();
    // other entries of `out` may be null. On geometric grids by recurrence. Errors stay below 1e-12 of the maximum of the
    // profile of absolute values.
    void evaluate(const double* spots, std::size_t count, double* const out[greek_count],
                  const Execution& execution = {}) const;

private:
    double* columns_of(std::size_t block) const;

    std::size_t rows_;
    std::uint32_t which_;
    std::size_t columns_;
    std::unique_ptr<double[]> storage_;  // written once: never cleared first
};

}  // namespace gexcore
