// Black-Scholes-Merton price and greeks of many contracts in one pass.
#pragma once
#include <cstdint>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"

namespace gexcore {

// Of one unit of the underlying. Units: delta, gamma and speed per point of spot; vega, rho, vanna, vomma and zomma per 1.00 of
// vol or rate; theta, charm and color per year of calendar time moving forward.
enum class Greek : std::uint32_t { price, delta, gamma, vega, theta, rho, vanna, charm, vomma, speed, zomma, color };

inline constexpr const char* greek_names[] = {"price", "delta", "gamma", "vega",  "theta", "rho",
                                              "vanna", "charm", "vomma", "speed", "zomma", "color"};
inline constexpr std::uint32_t greek_count = 12;

constexpr std::uint32_t bit(Greek greek) {
    return 1u << static_cast<std::uint32_t>(greek);
}

// Writes greek g to out[g][0 .. rows) for every bit(g) in `which`; other entries of `out` may be null. `out` must not overlap
// the columns. A row with an input out of range becomes NaN in every greek; nothing is thrown for it.
void compute_greeks(const Contracts& contracts, std::uint32_t which, double* const out[greek_count],
                    const Execution& execution = {});

}  // namespace gexcore
