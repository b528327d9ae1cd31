// All greeks: blocks of rows through the kernel, pieces of blocks over the threads.
#include "gexcore/greeks.hpp"

#include "blocks.hpp"
#include "dispatch.hpp"
#include "gexcore/error.hpp"
#include "parallel.hpp"

namespace gexcore {

static_assert(greek_count == kGreekCount);

void check_type(const Contracts& contracts, std::uint32_t which) {
    constexpr std::uint32_t typed =
        bit(Greek::price) | bit(Greek::delta) | bit(Greek::theta) | bit(Greek::rho) | bit(Greek::charm);
    if (which & typed && contracts.is_call.data == nullptr && contracts.rows > 0)
        throw Error("is_call: is missing. Hint: one value per row, or one for all, 1 for calls and 0 for puts");
}

void compute_greeks(const Contracts& contracts, std::uint32_t which, double* const out[greek_count],
                    const Execution& execution) {
    check_type(contracts, which);
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(contracts.rows);
    constexpr std::size_t piece_blocks = 16;
    const auto work = [&](std::size_t piece) {
        BlockReader reader(contracts);
        for (std::size_t b = piece * piece_blocks; b < std::min(blocks, (piece + 1) * piece_blocks); ++b) {
            double* target[greek_count];
            for (std::uint32_t g = 0; g < greek_count; ++g) target[g] = which & (1u << g) ? out[g] + b * kBlockRows : nullptr;
            kernels.greeks(reader.read(b), block_rows(contracts.rows, b), which, target);
        }
    };
    if (blocks <= piece_blocks) return work(0);  // nothing to share or to interrupt
    run_pieces((blocks + piece_blocks - 1) / piece_blocks, execution, work);
}

}  // namespace gexcore
