// Implied volatility of many prices.
#pragma once
#include <cstdint>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"

namespace gexcore {

enum class VolStatus : std::uint8_t { solved, below_intrinsic, above_maximum, not_a_number };

inline constexpr const char* vol_status_names[] = {"solved", "below_intrinsic", "above_maximum", "not_a_number"};

// vol[0 .. rows), decimal: vol[i] = implied vol of price i (`rows` prices, or one for all), NaN where none exists, and
// status[i] (may be null) says why: the price is at or below the intrinsic value of the forward, at or above the largest
// possible price, or an input is no number in range or the time is 0. contracts.implied_vol is not read.
void implied_vol(const Contracts& contracts, const Column<double>& price, double* vol, std::uint8_t* status,
                 const Execution& execution = {});

}  // namespace gexcore
