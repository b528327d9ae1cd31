// Columns of option contracts, as the caller holds them: one array or one number each.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gexcore {

// A column that a function does not read may be left out. One that it reads is then NaN in every row; without is_call it throws
// Error.
template <typename T>
struct Column {
    const T* data = nullptr;  // `rows` values, or one value that holds for every row
    bool scalar = false;
};

struct Contracts {
    std::size_t rows = 0;
    Column<double> spot;            // price of the underlying
    Column<double> strike;          // in the same currency
    Column<double> time_to_expiry;  // years
    Column<double> implied_vol;     // decimal, per sqrt(year)
    Column<double> rate;            // continuous, decimal per year
    Column<double> dividend_yield;  // continuous, or any carry, decimal per year
    Column<std::uint8_t> is_call;   // 1 = call, 0 = put
};

}  // namespace gexcore
