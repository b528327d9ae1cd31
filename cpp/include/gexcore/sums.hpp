// Sums whose bits depend on the order of the rows alone: fixed blocks, fixed lanes, a fixed tree over the blocks.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gexcore/execution.hpp"

namespace gexcore {

// Sum of values[0 .. rows), NaN if one of them is; 0 of no values.
double sum(const double* values, std::size_t rows, const Execution& execution = {});

// Sum of the absolute values.
double sum_abs(const double* values, std::size_t rows, const Execution& execution = {});

// out[k] = sum of the values[0 .. rows) whose key[0 .. rows) is k, for 0 <= k < keys. Throws Error for a key out of range,
// before anything is written.
void sum_by(const double* values, const std::int32_t* key, std::size_t rows, std::size_t keys, double* out,
            const Execution& execution = {});

}  // namespace gexcore
