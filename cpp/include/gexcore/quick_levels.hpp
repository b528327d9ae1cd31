// Net gamma, where it is zero, the walls and the regime of a book in one call.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"
#include "gexcore/profile.hpp"
#include "gexcore/vols.hpp"

namespace gexcore {

enum class ZeroStatus : std::uint8_t { found, always_long, always_short, no_exposure };
enum class RegimeKind : std::uint8_t { long_gamma, short_gamma, transition, no_exposure };

inline constexpr const char* zero_status_names[] = {"found", "always_long", "always_short", "no_exposure"};
inline constexpr const char* regime_names[] = {"long_gamma", "short_gamma", "transition", "no_exposure"};

struct WallRule {
    bool gross = false;  // call gamma alone for the call wall, put gamma alone for the put wall; else net gamma of a strike
    bool gated = false;  // call wall at or above spot, put wall at or below
};

// Rows of the strikes, -1 where no strike qualifies. Ties go to the strike nearest spot.
struct Wall {
    std::ptrdiff_t best = -1, second = -1;
    double value = 0.0;   // of the best strike, with its sign
    double margin = 0.0;  // how far the second stays behind, as a share
};

struct QuickLevels {
    double net = 0.0, gross = 0.0;
    ZeroStatus status = ZeroStatus::no_exposure;
    double low = 0.0, high = 0.0;     // searched for zeros
    std::vector<Crossing> crossings;  // slopes of weight * gamma
    std::size_t nearest = 0;          // the crossing nearest spot
    Wall call_wall, put_wall;
    RegimeKind regime = RegimeKind::no_exposure;
};

// All levels are those of docs/definitions.md at contracts.spot, one number. Net, gross and walls are sums of weight * (gamma *
// scale): scale = spot * spot / 100 with weight = contracts * multiplier gives $ per 1% move. A row of weight 0 counts for
// nothing; a row whose gamma does not exist is left out of net, gross and walls. at_the_money_vol is that of 30 days, NaN if
// unknown. Throws Error for a code out of range.
QuickLevels quick_levels(const Contracts& contracts, const double* weight, double scale, const Codes& strikes,
                         double at_the_money_vol, const WallRule& rule = {}, const Execution& execution = {});

}  // namespace gexcore
