// Profiles of greeks: preparation by blocks of rows, evaluation in tiles of spots.
#include "gexcore/greek_profile.hpp"

#include <vector>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "gexcore/error.hpp"
#include "grid.hpp"
#include "parallel.hpp"

namespace gexcore {
namespace {

constexpr std::size_t kTileSpots = 256;  // bounds memory: blocks x greeks x this
constexpr std::size_t kLine = 64;        // bytes; columns start at one
constexpr double kUniformity = 6e-13;    // of a step; x 1.65, the steepest greek's slope in d1, makes 1e-12 of its maximum

// What the kernel's sum of a greek is to be multiplied with.
double spot_factor(Greek greek, double spot) {
    switch (greek) {
        case Greek::vega:
        case Greek::vomma:
            return spot;
        case Greek::gamma:
        case Greek::zomma:
        case Greek::color:
            return 1.0 / spot;
        case Greek::speed:
            return 1.0 / (spot * spot);
        default:
            return 1.0;
    }
}

}  // namespace

GreekProfile::GreekProfile(const Contracts& contracts, const double* weight, std::uint32_t which, const Execution& execution)
    : rows_(contracts.rows), which_(which) {
    if (which == 0 || (which & ~profile_greeks) != 0)
        throw Error("which: holds a greek without a profile, or none. Hint: leave out price, theta and rho");
    check_type(contracts, which);
    const Kernels& kernels = active_kernels();
    columns_ = kernels.moment_columns(which);
    const std::size_t blocks = block_count(rows_);
    storage_.reset(new double[blocks * kColumnStride * columns_ + kLine / sizeof(double)]);
    run_blocks(contracts, execution, [&](const GreekBlock& block, std::size_t b) {
        kernels.moment_prepare(block, weight + b * kBlockRows, block_rows(rows_, b), which_, columns_of(b));
    });
}

double* GreekProfile::columns_of(std::size_t block) const {
    const auto start = reinterpret_cast<std::uintptr_t>(storage_.get());
    const std::size_t skipped = (kLine - start % kLine) % kLine / sizeof(double);
    return storage_.get() + skipped + block * kColumnStride * columns_;
}

void GreekProfile::evaluate(const double* spots, std::size_t count, double* const out[greek_count],
                            const Execution& execution) const {
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(rows_);
    std::vector<Greek> greeks;
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (which_ & (1u << g)) greeks.push_back(static_cast<Greek>(g));
    const std::size_t tile = std::min(count, kTileSpots);
    std::vector<double> high(tile), low(tile), partial(std::max<std::size_t>(blocks, 1) * greeks.size() * tile, 0.0);
    for (std::size_t first = 0; first < count; first += tile) {
        const std::size_t here = std::min(tile, count - first), width = greeks.size() * here;
        kernels.split_log(spots + first, here, high.data(), low.data());
        const double step = std::max(uniform_step(high.data(), low.data(), here, kUniformity), 0.0);
        run_pieces(blocks, execution, [&](std::size_t b) {
            kernels.sweep_moments(columns_of(b), block_rows(rows_, b), which_, high.data(), low.data(), here, step,
                                  partial.data() + b * width);
        });
        add_tree(partial.data(), blocks, width);
        for (std::size_t k = 0; k < greeks.size(); ++k)
            for (std::size_t j = 0; j < here; ++j)
                out[static_cast<std::uint32_t>(greeks[k])][first + j] =
                    partial[k * here + j] * spot_factor(greeks[k], spots[first + j]);
    }
}

}  // namespace gexcore
