// Sums of weight * greek at many spots, by evaluating the greeks themselves: any greek, any spots.
#include "gexcore/sweep_greeks.hpp"

#include <vector>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "parallel.hpp"

namespace gexcore {

void sweep_greeks(const Contracts& contracts, const double* weight, const double* spots, std::size_t count, std::uint32_t which,
                  double* const out[greek_count], const Execution& execution) {
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(contracts.rows);
    std::vector<std::uint32_t> wanted;
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (which & (1u << g)) wanted.push_back(g);
    const std::size_t width = wanted.size();
    std::vector<double> partial(std::max<std::size_t>(blocks, 1) * width);

    for (std::size_t j = 0; j < count; ++j) {
        std::fill(partial.begin(), partial.end(), 0.0);
        Contracts moved = contracts;
        moved.spot = {&spots[j], true};
        run_pieces(blocks, execution, [&](std::size_t b) {
            const std::size_t rows = block_rows(contracts.rows, b);
            const double* w = weight + b * kBlockRows;
            BlockReader reader(moved);
            double values[greek_count][kBlockRows];
            double* target[greek_count] = {};
            for (const std::uint32_t g : wanted) target[g] = values[g];
            kernels.greeks(reader.read(b), rows, which, target);
            for (std::size_t k = 0; k < width; ++k) {
                double* value = values[wanted[k]];
                for (std::size_t i = 0; i < rows; ++i) value[i] = w[i] == 0.0 ? 0.0 : w[i] * value[i];
                partial[b * width + k] = kernels.sum(value, rows);
            }
        });
        add_tree(partial.data(), blocks, width);
        for (std::size_t k = 0; k < width; ++k) out[wanted[k]][j] = partial[k];
    }
}

}  // namespace gexcore
