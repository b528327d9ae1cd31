// At-the-money implied vol of a chain at a horizon.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gexcore/contracts.hpp"

namespace gexcore {

// Numbers of the distinct values of a column: `code[i]` says which of the `count` ascending `values` row i has.
struct Codes {
    const std::int32_t* code = nullptr;
    const double* values = nullptr;
    std::size_t count = 0;
};

// Decimal. Mean vol of the rows at the strike nearest the forward, for each time to expiry; total variance linear in time
// between them, held flat outside. Rows with usable[0 .. rows) = 0 do not count; NaN if none does. `horizon` in years;
// contracts.is_call is not read. Throws Error for a code out of range.
double at_the_money_vol(const Contracts& contracts, const std::uint8_t* usable, const Codes& times, double horizon);

}  // namespace gexcore
