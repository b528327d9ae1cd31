// At-the-money vols per time to expiry, interpolated in total variance.
#include "gexcore/vols.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "blocks.hpp"

namespace gexcore {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kTie = 1.0 + 1e-15;  // strikes as near as that share

double at(const Column<double>& column, std::size_t row) {
    return column.data[column.scalar ? 0 : row];
}

// The forward of a time to expiry, computed again only where the carry changes within it.
struct Forward {
    double carry = std::numeric_limits<double>::quiet_NaN();
    double value = 0.0;
};

struct Mean {
    double nearest = kInfinite;  // forward / strike or strike / forward, whichever is above 1
    double total = 0.0;
    double count = 0.0;
};

std::vector<Mean> nearest_vols(const Contracts& contracts, const std::uint8_t* usable, const Codes& times) {
    std::vector<Forward> forwards(times.count);
    std::vector<Mean> found(times.count);
    std::vector<double> distance(contracts.rows, kInfinite);
    for (std::size_t i = 0; i < contracts.rows; ++i) {
        if (!usable[i]) continue;
        Forward& forward = forwards[times.code[i]];
        const double carry = at(contracts.rate, i) - at(contracts.dividend_yield, i);
        if (carry != forward.carry)
            forward = {carry, at(contracts.spot, i) * std::exp(carry * at(contracts.time_to_expiry, i))};
        const double strike = at(contracts.strike, i);
        distance[i] = std::max(strike / forward.value, forward.value / strike);
        double& nearest = found[times.code[i]].nearest;
        nearest = std::min(nearest, distance[i]);
    }
    for (std::size_t i = 0; i < contracts.rows; ++i) {
        if (!usable[i]) continue;
        Mean& mean = found[times.code[i]];
        if (!(distance[i] <= mean.nearest * kTie)) continue;
        mean.total += at(contracts.implied_vol, i);
        mean.count += 1.0;
    }
    return found;
}

}  // namespace

double at_the_money_vol(const Contracts& contracts, const std::uint8_t* usable, const Codes& times, double horizon) {
    check_keys(times.code, 0, contracts.rows, times.count);
    const std::vector<Mean> means = nearest_vols(contracts, usable, times);
    double before = 0.0, variance_before = 0.0, vol = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t k = 0; k < times.count; ++k) {
        if (means[k].count == 0.0) continue;
        const double time = times.values[k];
        const double mean = means[k].total / means[k].count;
        const double variance = mean * mean * time;
        if (time >= horizon) {
            if (std::isnan(vol)) return mean;
            const double share = (horizon - before) / (time - before);
            return std::sqrt((variance_before + share * (variance - variance_before)) / horizon);
        }
        before = time, variance_before = variance, vol = mean;
    }
    return vol;
}

}  // namespace gexcore
