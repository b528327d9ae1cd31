// The short way from a book to its levels: one pass for the sums, one for the profile. Every number has the bits that the long
// way gives (gexcore.analyze in Python); tests compare them.
#include "gexcore/quick_levels.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "blocks.hpp"
#include "gexcore/error.hpp"
#include "gexcore/gamma_sums.hpp"
#include "gexcore/greeks.hpp"

namespace gexcore {
namespace {

constexpr double kRounding = 1e-13;  // of gross: a smaller sum owes its sign to the order of its rows
constexpr double kTransitionShare = 0.05;
constexpr double kTransitionDeviations = 0.5;

struct StrikeSums {
    NetGross all;
    std::vector<double> up, down;  // what the walls compare, with the sign of the exposure
};

// Sums by strike, or by strike and option type: put 2 k, call 2 k + 1.
StrikeSums sums_of(const Contracts& contracts, const double* weight, double scale, const Codes& strikes, const WallRule& rule,
                   const Execution& execution) {
    StrikeSums sums;
    if (!rule.gross) {
        std::vector<double> gross(strikes.count);
        sums.up.resize(strikes.count);
        sums.all = gamma_sums(contracts, weight, scale, strikes.code, strikes.count, sums.up.data(), gross.data(), execution);
        sums.down = sums.up;
        return sums;
    }
    check_type(contracts, bit(Greek::delta));
    check_keys(strikes.code, 0, contracts.rows, strikes.count);
    const Column<std::uint8_t>& call = contracts.is_call;
    std::vector<std::int32_t> side(contracts.rows);
    for (std::size_t i = 0; i < contracts.rows; ++i) side[i] = 2 * strikes.code[i] + call.data[call.scalar ? 0 : i];
    std::vector<double> net(2 * strikes.count), gross(2 * strikes.count);
    sums.all = gamma_sums(contracts, weight, scale, side.data(), net.size(), net.data(), gross.data(), execution);
    for (std::size_t k = 0; k < strikes.count; ++k) {
        sums.down.push_back(net[2 * k]);
        sums.up.push_back(net[2 * k + 1]);
    }
    return sums;
}

// The weights without the rows whose gamma is no number.
std::vector<double> weights_of_finite(const Contracts& contracts, const double* weight, const Execution& execution) {
    std::vector<double> gamma(contracts.rows), kept(weight, weight + contracts.rows);
    double* out[greek_count] = {};
    out[static_cast<std::size_t>(Greek::gamma)] = gamma.data();
    compute_greeks(contracts, bit(Greek::gamma), out, execution);
    for (std::size_t i = 0; i < contracts.rows; ++i)
        if (!std::isfinite(gamma[i])) kept[i] = 0.0;
    return kept;
}

// The strike of the largest height above rounding. `sign` turns exposures into heights; 0 takes their size.
Wall peak(const std::vector<double>& sums, int sign, const Codes& strikes, double gross, double spot, double from, double to) {
    const auto height = [&](std::size_t k) { return sign == 0 ? std::fabs(sums[k]) : sign * sums[k]; };
    const auto higher = [&](std::size_t a, std::ptrdiff_t b) {
        if (b < 0 || height(a) != height(b)) return b < 0 || height(a) > height(b);
        return std::fabs(strikes.values[a] - spot) < std::fabs(strikes.values[b] - spot);
    };
    Wall wall;
    for (std::size_t k = 0; k < strikes.count; ++k) {
        if (!(height(k) > kRounding * gross) || strikes.values[k] < from || strikes.values[k] > to) continue;
        if (higher(k, wall.best)) {
            wall.second = wall.best;
            wall.best = static_cast<std::ptrdiff_t>(k);
        } else if (higher(k, wall.second)) {
            wall.second = static_cast<std::ptrdiff_t>(k);
        }
    }
    if (wall.best >= 0) wall.value = sums[wall.best];
    if (wall.second >= 0) wall.margin = 1.0 - height(wall.second) / height(wall.best);
    return wall;
}

double half_range(double at_the_money_vol) {
    const double vol = std::isnan(at_the_money_vol) ? 0.0 : at_the_money_vol;
    return std::clamp(4.0 * vol * std::sqrt(30.0 / 365.0), 0.15, 1.5);
}

// 0 for every node where a balanced book leaves nothing but rounding.
void clear_rounding(const Contracts& contracts, const double* weight, const std::vector<double>& spots,
                    std::vector<double>& gamma, const Execution& execution) {
    std::vector<double> size(contracts.rows);
    for (std::size_t i = 0; i < contracts.rows; ++i) size[i] = std::fabs(weight[i]);
    const GammaProfile absolute(contracts, size.data(), execution);
    const auto rounding = [&](const std::vector<std::size_t>& nodes) {
        std::vector<double> at, gross(nodes.size());
        for (const std::size_t j : nodes) at.push_back(spots[j]);
        absolute.evaluate(at.data(), at.size(), gross.data(), nullptr, execution);
        std::vector<std::size_t> found;
        for (std::size_t m = 0; m < nodes.size(); ++m)
            if (std::fabs(gamma[nodes[m]]) <= kRounding * gross[m] * (at[m] * at[m] / 100.0)) found.push_back(nodes[m]);
        return found;
    };
    // rounding shows as turns of sign, or it is everywhere
    std::vector<std::size_t> all, deciding;
    std::size_t largest = 0;
    for (std::size_t j = 0; j < gamma.size(); ++j) {
        all.push_back(j);
        if (std::fabs(gamma[j]) > std::fabs(gamma[largest])) largest = j;
    }
    for (std::size_t j = 0; j < gamma.size(); ++j) {
        const bool turns_after = j + 1 < gamma.size() && std::signbit(gamma[j]) != std::signbit(gamma[j + 1]);
        const bool turns_before = j > 0 && std::signbit(gamma[j - 1]) != std::signbit(gamma[j]);
        if (turns_after || turns_before || j == largest) deciding.push_back(j);
    }
    if (rounding(deciding).empty()) return;
    for (const std::size_t j : rounding(all)) gamma[j] = 0.0;
}

void find_zeros(const Contracts& contracts, const double* weight, double spot, double at_the_money_vol,
                const Execution& execution, QuickLevels& levels) {
    const GammaProfile profile(contracts, weight, execution);
    const std::vector<double> spots = profile.search_grid(spot, half_range(at_the_money_vol));
    std::vector<double> gamma(spots.size());
    profile.evaluate(spots.data(), spots.size(), gamma.data(), nullptr, execution);
    for (std::size_t j = 0; j < spots.size(); ++j) gamma[j] *= spots[j] * spots[j] / 100.0;
    const auto nonzero = [](double value) { return value != 0.0; };
    if (std::any_of(gamma.begin(), gamma.end(), nonzero)) clear_rounding(contracts, weight, spots, gamma, execution);
    const auto first = std::find_if(gamma.begin(), gamma.end(), nonzero);
    if (first == gamma.end()) return;

    levels.low = spots.front();
    levels.high = spots.back();
    levels.status = *first > 0.0 ? ZeroStatus::always_long : ZeroStatus::always_short;
    levels.crossings = profile.crossings(spots.data(), gamma.data(), spots.size(), true, execution);
    if (levels.crossings.empty()) return;
    levels.status = ZeroStatus::found;
    const auto nearer = [&](const Crossing& a, const Crossing& b) {
        return std::fabs(a.spot - spot) < std::fabs(b.spot - spot);
    };
    levels.nearest = std::min_element(levels.crossings.begin(), levels.crossings.end(), nearer) - levels.crossings.begin();
}

RegimeKind regime_of(const QuickLevels& levels, double spot, double at_the_money_vol) {
    if (!(levels.gross > 0.0)) return RegimeKind::no_exposure;
    if (std::fabs(levels.net / levels.gross) < kTransitionShare) return RegimeKind::transition;
    if (levels.status == ZeroStatus::found && at_the_money_vol > 0.0) {
        const double distance = std::log(spot / levels.crossings[levels.nearest].spot);
        if (std::fabs(distance / (at_the_money_vol / std::sqrt(252.0))) < kTransitionDeviations) return RegimeKind::transition;
    }
    return levels.net > 0.0 ? RegimeKind::long_gamma : RegimeKind::short_gamma;
}

}  // namespace

QuickLevels quick_levels(const Contracts& contracts, const double* weight, double scale, const Codes& strikes,
                         double at_the_money_vol, const WallRule& rule, const Execution& execution) {
    if (!contracts.spot.scalar) throw Error("spot: is an array. Hint: levels are those of one spot");
    const double spot = *contracts.spot.data;
    StrikeSums sums = sums_of(contracts, weight, scale, strikes, rule, execution);
    if (!std::isfinite(sums.all.gross)) {
        const std::vector<double> kept = weights_of_finite(contracts, weight, execution);
        sums = sums_of(contracts, kept.data(), scale, strikes, rule, execution);
    }
    QuickLevels levels;
    levels.net = sums.all.net;
    levels.gross = sums.all.gross;
    constexpr double infinite = std::numeric_limits<double>::infinity();
    levels.call_wall = peak(sums.up, rule.gross ? 0 : 1, strikes, levels.gross, spot, rule.gated ? spot : -infinite, infinite);
    levels.put_wall =
        peak(sums.down, rule.gross ? 0 : -1, strikes, levels.gross, spot, -infinite, rule.gated ? spot : infinite);
    find_zeros(contracts, weight, spot, at_the_money_vol, execution, levels);
    levels.regime = regime_of(levels, spot, at_the_money_vol);
    return levels;
}

}  // namespace gexcore
