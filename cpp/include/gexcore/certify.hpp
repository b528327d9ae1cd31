// Proof that no zero of a gamma profile was missed: a cover of a range of spots by intervals whose content is known.
#pragma once
#include <optional>
#include <vector>

#include "gexcore/profile.hpp"

namespace gexcore {

enum class Content { no_crossing, one_crossing, undecided };

struct CoverInterval {
    double low, high;  // spots; each interval begins where the one before ends
    Content content;
    int below, above;                // proved sign of gamma at either end, 0 where it is below rounding
    std::optional<Crossing> missed;  // where the signs differ and no known crossing lies inside: a crossing, polished
};

// Covers [low, high], 0 < low <= high. What is said of an interval is proved for the exact sum over the contracts: every
// rounding is bounded, that of the prepared columns included (for |y T| < 30 and |r - y| T, s^2 T < 1). Undecided is only what
// cannot be told in double precision: gamma below rounding all over, a touch, or crossings too close to be told apart.
std::vector<CoverInterval> certify(const GammaProfile& profile, double low, double high, const std::vector<double>& known,
                                   const Execution& execution = {});

}  // namespace gexcore
