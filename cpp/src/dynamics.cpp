// Vols at another spot, and sums over contracts re-priced with them.
#include "gexcore/dynamics.hpp"

#include <cmath>
#include <vector>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "parallel.hpp"

namespace gexcore {
namespace {

// The smile of the rows of one block; zeros where there is none.
class SmileReader {
public:
    explicit SmileReader(const SmileColumns& smile) : smile_(smile) {}

    VolBlock read(std::size_t block, const double* implied_vol) const {
        const auto at = [&](const double* column) { return column == nullptr ? zeros_ : column + block * kBlockRows; };
        return {implied_vol,          at(smile_.moneyness), at(smile_.inverse_width), at(smile_.level), at(smile_.slope),
                at(smile_.curvature), at(smile_.low),       at(smile_.high),          at(smile_.floor)};
    }

private:
    static constexpr double zeros_[kBlockRows] = {};
    const SmileColumns& smile_;
};

VolMove move_of(const VolDynamics& dynamics, double at) {
    return {std::log(at / dynamics.spot), dynamics.shift, dynamics.per_log_spot, dynamics.relative};
}

}  // namespace

void move_vols(const Contracts& contracts, const VolDynamics& dynamics, double at, double* vol, double* slope,
               const Execution& execution) {
    const Kernels& kernels = active_kernels();
    const SmileReader smile(dynamics.smile);
    const VolMove move = move_of(dynamics, at);
    run_blocks(contracts, execution, [&](const GreekBlock& block, std::size_t b) {
        const std::size_t first = b * kBlockRows;
        kernels.move_vols(smile.read(b, block.implied_vol), block_rows(contracts.rows, b), move, vol + first, slope + first);
    });
}

void sweep_dynamics(const Contracts& contracts, const double* weight, const VolDynamics& dynamics, const double* spots,
                    std::size_t count, std::uint32_t which, double* const out[greek_count], double* effective_gamma,
                    const Execution& execution) {
    check_type(contracts, which);
    const Kernels& kernels = active_kernels();
    const SmileReader smile(dynamics.smile);
    const std::size_t blocks = block_count(contracts.rows);
    std::vector<std::uint32_t> wanted;
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (which & (1u << g)) wanted.push_back(g);
    const std::uint32_t needed = which | (effective_gamma == nullptr ? 0u : bit(Greek::gamma) | bit(Greek::vanna));
    const std::size_t width = wanted.size() + (effective_gamma != nullptr);
    std::vector<double> partial(std::max<std::size_t>(blocks, 1) * width * count, 0.0);

    run_pieces(blocks, execution, [&](std::size_t b) {
        const std::size_t rows = block_rows(contracts.rows, b);
        const double* w = weight + b * kBlockRows;
        BlockReader reader(contracts);
        GreekBlock block = reader.read(b);
        const VolBlock vols = smile.read(b, block.implied_vol);
        double spot[kBlockRows], vol[kBlockRows], slope[kBlockRows], values[greek_count][kBlockRows];
        double* target[greek_count];
        for (std::uint32_t g = 0; g < greek_count; ++g) target[g] = values[g];
        block.spot = spot;
        block.implied_vol = vol;
        const auto sum_of = [&](double* value) {
            for (std::size_t i = 0; i < rows; ++i) value[i] = w[i] == 0.0 ? 0.0 : w[i] * value[i];
            return kernels.sum(value, rows);
        };
        for (std::size_t j = 0; j < count; ++j) {
            std::fill_n(spot, rows, spots[j]);
            kernels.move_vols(vols, rows, move_of(dynamics, spots[j]), vol, slope);
            kernels.greeks(block, rows, needed, target);
            double* sums = partial.data() + (b * count + j) * width;
            if (effective_gamma != nullptr) {
                const double *gamma = target[static_cast<std::size_t>(Greek::gamma)],
                             *vanna = target[static_cast<std::size_t>(Greek::vanna)];
                for (std::size_t i = 0; i < rows; ++i) slope[i] = gamma[i] + vanna[i] * (slope[i] / spots[j]);
                sums[wanted.size()] = sum_of(slope);
            }
            for (std::size_t k = 0; k < wanted.size(); ++k) sums[k] = sum_of(target[wanted[k]]);
        }
    });
    add_tree(partial.data(), blocks, width * count);
    for (std::size_t j = 0; j < count; ++j) {
        for (std::size_t k = 0; k < wanted.size(); ++k) out[wanted[k]][j] = partial[j * width + k];
        if (effective_gamma != nullptr) effective_gamma[j] = partial[j * width + wanted.size()];
    }
}

}  // namespace gexcore
