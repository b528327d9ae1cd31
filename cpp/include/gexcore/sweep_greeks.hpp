// Any exposure as a function of spot.
#pragma once
#include <cstddef>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"
#include "gexcore/greeks.hpp"

namespace gexcore {

// out[g][j] = sum of weight * greek g with every contract re-priced at spots[j], for every bit(g) in `which`. The spot column
// is not used; a row of weight 0 counts for nothing. For gamma alone GammaProfile is several times faster.
void sweep_greeks(const Contracts& contracts, const double* weight, const double* spots, std::size_t count, std::uint32_t which,
                  double* const out[greek_count], const Execution& execution = {});

}  // namespace gexcore
