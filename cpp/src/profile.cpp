// The gamma profile: preparation, evaluation at spots, the default search grid, zero crossings.
#include "gexcore/profile.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "blocks.hpp"
#include "crossing.hpp"
#include "dispatch.hpp"
#include "lattice.hpp"
#include "parallel.hpp"
#include "spare.hpp"

namespace gexcore {
namespace {

constexpr std::size_t kTileSpots = 1024;

// Columns begin where cache lines do.
constexpr std::size_t stride_of(std::size_t rows) {
    return (rows + kLanes - 1) / kLanes * kLanes;
}

Spare& spare_columns() {
    static Spare* const spare = new Spare;  // never destroyed: profiles may outlive any other static
    return *spare;
}

}  // namespace

void GammaProfile::Release::operator()(double* memory) const {
    spare_columns().give({memory, size});
}

GammaProfile::Memory GammaProfile::memory_for(std::size_t size) {
    const Spare::Block block = spare_columns().take(size);
    return {block.memory, Release{block.size}};
}

GammaProfile::GammaProfile(const Contracts& contracts, const double* weight, const Execution& execution)
    : rows_(contracts.rows),
      columns_(memory_for(4 * stride_of(contracts.rows))),
      center_high_(columns_.get()),
      center_low_(center_high_ + stride_of(rows_)),
      inverse_width_(center_low_ + stride_of(rows_)),
      amplitude_(inverse_width_ + stride_of(rows_)) {
    const Kernels& kernels = active_kernels();
    run_blocks(contracts, execution, [&](const GreekBlock& block, std::size_t b) {
        const std::size_t at = b * kBlockRows;
        kernels.sweep_prepare(block, weight + at, block_rows(rows_, b), &center_high_[at], &center_low_[at],
                              &inverse_width_[at], &amplitude_[at]);
    });
}

// value = S * sum of weight * gamma, slope = d value / d ln S. Spots go in tiles, which bounds memory and the time between two
// looks at an interruption. On the lattice nodes before the first spot, back to a multiple of kSweepRun, are swept with it.
void GammaProfile::evaluate_log_derivative(const double* spots, std::size_t count, double* value, double* slope,
                                           const Execution& execution) const {
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(rows_);
    const std::size_t tile = std::min(count, kTileSpots), nodes = tile + kSweepRun;
    const std::size_t width = slope == nullptr ? nodes : 2 * nodes;
    std::vector<double> high(nodes), low(nodes), partial(std::max<std::size_t>(blocks, 1) * width, 0.0);
    double lattice_step = 0.0;
    for (std::size_t first = 0; first < count; first += tile) {
        const std::size_t here = std::min(tile, count - first);
        kernels.split_log(spots + first, here, high.data(), low.data());
        Lattice lattice;
        if (slope == nullptr && (first == 0 || lattice_step > 0.0))
            lattice = lattice_of(high.data(), low.data(), here, lattice_step);
        lattice_step = lattice.step;
        const std::size_t before = lattice.before;
        if (before > 0) {
            double lead[kSweepRun];
            for (std::size_t j = 0; j < before; ++j)
                lead[j] = std::exp((lattice.first - static_cast<double>(before - j)) * lattice.step);
            std::copy_backward(high.begin(), high.begin() + here, high.begin() + before + here);
            std::copy_backward(low.begin(), low.begin() + here, low.begin() + before + here);
            kernels.split_log(lead, before, high.data(), low.data());
        }
        const double step = lattice ? lattice.step : slope == nullptr ? uniform_step(high.data(), low.data(), here) : 0.0;
        run_pieces(blocks, execution, [&](std::size_t b) {
            double* row = partial.data() + b * width;
            const SweepBlock rows = rows_from(b * kBlockRows);
            const std::size_t n = block_rows(rows_, b);
            if (step > 0.0)
                kernels.sweep_uniform(rows, n, high.data(), low.data(), before + here, step, row);
            else
                kernels.sweep(rows, n, high.data(), low.data(), here, row, slope == nullptr ? nullptr : row + nodes);
        });
        add_tree(partial.data(), blocks, width);
        std::copy_n(partial.data() + before, here, value + first);
        if (slope != nullptr) std::copy_n(partial.data() + nodes, here, slope + first);
    }
}

SweepBlock GammaProfile::rows_from(std::size_t at) const {
    return {&center_high_[at], &center_low_[at], &inverse_width_[at], &amplitude_[at]};
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
    const PeakRange range(middle, half_range);
    const std::size_t leaves = leaf_count(rows_);
    std::vector<double> peaks(std::max<std::size_t>(leaves, 1) * kExponents, 0.0);
    for (std::size_t k = 0; k < leaves; ++k)
        add_peaks(rows_from(k * kLeafRows), leaf_rows(rows_, k), range, &peaks[k * kExponents]);
    add_tree(peaks.data(), leaves, kExponents);

    const double step = std::ldexp(1.0, step_exponent(peaks.data()));
    const double first = std::floor((middle - half_range) / step);
    const double last = std::ceil((middle + half_range) / step);
    std::vector<double> spots;
    for (double j = first; j <= last; j += 1.0) spots.push_back(std::exp(j * step));
    return spots;
}

std::vector<Crossing> GammaProfile::crossings(const double* spots, const double* gamma, std::size_t count, bool polish,
                                              const Execution& execution) const {
    std::vector<Crossing> found;
    for_sign_changes(gamma, count, [&](std::size_t before, std::size_t after, bool upward) {
        const double low = spots[before], high = spots[after];
        const Crossing first = between(low, high, upward, execution);
        found.push_back(polish ? polished(low, high, first, execution) : first);
    });
    return found;
}

// The crossing of the cubic Hermite interpolant.
Crossing GammaProfile::between(double low, double high, bool upward, const Execution& execution) const {
    const Kernels& kernels = active_kernels();
    const double spots[] = {low, high};
    Ends ends;
    kernels.split_log(spots, 2, ends.high, ends.low);
    const std::size_t blocks = block_count(rows_);
    std::vector<double> partial(std::max<std::size_t>(blocks, 1) * kEndSums, 0.0);
    run_pieces(blocks, execution, [&](std::size_t b) {
        sum_ends(kernels, rows_from(b * kBlockRows), block_rows(rows_, b), ends, &partial[b * kEndSums]);
    });
    add_tree(partial.data(), blocks, kEndSums);
    EndSums sums;
    std::memcpy(&sums, partial.data(), sizeof sums);
    return hermite_crossing(sums, ends.width(), low, high, upward);
}

Crossing GammaProfile::polished(double low, double high, const Crossing& first, const Execution& execution) const {
    double value = 0.0, slope = 0.0;
    const auto at = [&](double spot, double& v, double& s) { evaluate_log_derivative(&spot, 1, &v, &s, execution); };
    const double root = polished_root(low, high, first.spot, first.upward, at);
    at(root, value, slope);
    return polished_crossing(root, value, slope, first.upward);
}

}  // namespace gexcore
