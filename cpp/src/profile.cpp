// The gamma profile: preparation, evaluation at spots, the default search grid, polished zero crossings.
#include "gexcore/profile.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "grid.hpp"
#include "parallel.hpp"

namespace gexcore {
namespace {

constexpr int kCoarsest = -8;  // exponents of the step of the search grid
constexpr int kFinest = -13;
constexpr double kShareThatMatters = 1e-3;
constexpr std::size_t kTileSpots = 1024;

}  // namespace

GammaProfile::GammaProfile(const Contracts& contracts, const double* weight, const Execution& execution)
    : rows_(contracts.rows),
      columns_(new double[4 * contracts.rows]),
      center_high_(columns_.get()),
      center_low_(center_high_ + rows_),
      inverse_width_(center_low_ + rows_),
      amplitude_(inverse_width_ + rows_) {
    const Kernels& kernels = active_kernels();
    run_pieces(block_count(rows_), execution, [&](std::size_t b) {
        BlockReader reader(contracts);
        const std::size_t at = b * kBlockRows;
        kernels.sweep_prepare(reader.read(b), weight + at, block_rows(rows_, b), &center_high_[at], &center_low_[at],
                              &inverse_width_[at], &amplitude_[at]);
    });
}

// value = S * sum of weight * gamma, slope = d value / d ln S. Spots go in tiles, which bounds memory and the time between two
// looks at an interruption.
void GammaProfile::evaluate_log_derivative(const double* spots, std::size_t count, double* value, double* slope,
                                           const Execution& execution) const {
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(rows_);
    const std::size_t tile = std::min(count, kTileSpots);
    const std::size_t width = slope == nullptr ? tile : 2 * tile;
    std::vector<double> high(tile), low(tile), partial(std::max<std::size_t>(blocks, 1) * width, 0.0);
    for (std::size_t first = 0; first < count; first += tile) {
        const std::size_t here = std::min(tile, count - first);
        kernels.split_log(spots + first, here, high.data(), low.data());
        const double step = slope == nullptr ? uniform_step(high.data(), low.data(), here) : 0.0;
        run_pieces(blocks, execution, [&](std::size_t b) {
            const std::size_t at = b * kBlockRows;
            const SweepBlock block{&center_high_[at], &center_low_[at], &inverse_width_[at], &amplitude_[at]};
            double* row = partial.data() + b * width;
            const std::size_t rows = block_rows(rows_, b);
            if (step > 0.0)
                kernels.sweep_uniform(block, rows, high.data(), low.data(), here, step, row);
            else
                kernels.sweep(block, rows, high.data(), low.data(), here, row, slope == nullptr ? nullptr : row + tile);
        });
        add_tree(partial.data(), blocks, width);
        std::copy_n(partial.data(), here, value + first);
        if (slope != nullptr) std::copy_n(partial.data() + tile, here, slope + first);
    }
}

void GammaProfile::evaluate(const double* spots, std::size_t count, double* gamma, double* speed,
                            const Execution& execution) const {
    evaluate_log_derivative(spots, count, gamma, speed, execution);
    for (std::size_t j = 0; j < count; ++j) {
        gamma[j] /= spots[j];
        if (speed != nullptr) speed[j] = (speed[j] / spots[j] - gamma[j]) / spots[j];
    }
}

std::vector<double> GammaProfile::search_grid(double spot, double half_range) const {
    const double middle = std::log(spot);
    std::array<double, kCoarsest - kFinest + 1> peaks{};  // by exponent of the width, all outside clamped in
    for (std::size_t i = 0; i < rows_; ++i) {
        if (amplitude_[i] == 0.0 || std::fabs(center_high_[i] + center_low_[i] - middle) > half_range) continue;
        const int exponent = std::clamp(std::ilogb(1.0 / inverse_width_[i]), kFinest, kCoarsest);
        peaks[exponent - kFinest] += std::fabs(amplitude_[i]);
    }
    double all = 0.0, narrow = 0.0;
    for (const double peak : peaks) all += peak;
    int exponent = kFinest;
    while (exponent < kCoarsest && (narrow += peaks[exponent - kFinest]) <= kShareThatMatters * all) ++exponent;

    const double step = std::ldexp(1.0, exponent);
    const double first = std::floor((middle - half_range) / step);
    const double last = std::ceil((middle + half_range) / step);
    std::vector<double> spots;
    for (double j = first; j <= last; j += 1.0) spots.push_back(std::exp(j * step));
    return spots;
}

std::vector<Crossing> GammaProfile::crossings(const double* spots, const double* gamma, std::size_t count,
                                              const Execution& execution) const {
    std::vector<Crossing> found;
    std::size_t before = count;  // last node with a sign
    for (std::size_t j = 0; j < count; ++j) {
        if (gamma[j] == 0.0) continue;
        if (before != count && (gamma[before] < 0.0) != (gamma[j] < 0.0))
            found.push_back(polish(spots[before], spots[j], gamma[j] > 0.0, execution));
        before = j;
    }
    return found;
}

// Newton in S while it stays inside the bracket and at least halves its step, else bisection.
Crossing GammaProfile::polish(double low, double high, bool upward, const Execution& execution) const {
    double root = 0.5 * (low + high), value = 0.0, slope = 0.0;
    double step = high - low;
    for (int round = 0; round < 200; ++round) {
        evaluate_log_derivative(&root, 1, &value, &slope, execution);
        if (value == 0.0) break;
        ((value > 0.0) == upward ? high : low) = root;
        const double newton = root - root * value / slope;
        const bool accepted = newton > low && newton < high && std::fabs(newton - root) <= 0.5 * std::fabs(step);
        const double next = accepted ? newton : 0.5 * (low + high);
        step = next - root;
        root = next;
        if (std::fabs(step) <= 1e-14 * root) break;
    }
    double gamma = 0.0, speed = 0.0;
    evaluate(&root, 1, &gamma, &speed, execution);
    return {root, speed, upward};
}

}  // namespace gexcore
