// All greeks: blocks of rows through the kernel, pieces of blocks over the threads.
#include "gexcore/greeks.hpp"

#include "blocks.hpp"
#include "dispatch.hpp"
#include "parallel.hpp"

namespace gexcore {

static_assert(greek_count == kGreekCount);

void compute_greeks(const Contracts& contracts, std::uint32_t which, double* const out[greek_count],
                    const Execution& execution) {
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(contracts.rows);
    constexpr std::size_t piece_blocks = 16;
    run_pieces((blocks + piece_blocks - 1) / piece_blocks, execution, [&](std::size_t piece) {
        BlockReader reader(contracts);
        for (std::size_t b = piece * piece_blocks; b < std::min(blocks, (piece + 1) * piece_blocks); ++b) {
            double* target[greek_count] = {};
            for (std::uint32_t g = 0; g < greek_count; ++g)
                if (which & (1u << g)) target[g] = out[g] + b * kBlockRows;
            kernels.greeks(reader.read(b), block_rows(contracts.rows, b), which, target);
        }
    });
}

}  // namespace gexcore
