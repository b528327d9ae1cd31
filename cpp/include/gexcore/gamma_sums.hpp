// Gamma exposure of a book, summed by key, without a column of gammas in between.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"

namespace gexcore {

struct NetGross {
    double net = 0.0;
    double gross = 0.0;  // sum of absolute values
};

// net[k] and gross[k] = sums of weight * (gamma * scale) over the rows whose key is k, 0 <= k < keys; returns the sums over all
// rows. weight[0 .. rows): signed contracts * multiplier; key[0 .. rows); scale = spot * spot / 100 gives $ per 1% move. The
// bits are those of compute_greeks, a product per row, and sum, sum_abs and sum_by. A row of weight 0 counts for nothing,
// whatever its columns hold; contracts.is_call is not read. Throws Error for a key out of range.
NetGross gamma_sums(const Contracts& contracts, const double* weight, double scale, const std::int32_t* key, std::size_t keys,
                    double* net, double* gross, const Execution& execution = {});

}  // namespace gexcore
