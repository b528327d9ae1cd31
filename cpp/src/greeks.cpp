// All greeks: blocks of rows through the kernel, pieces of blocks over the threads.
#include "gexcore/greeks.hpp"

#include "blocks.hpp"
#include "dispatch.hpp"
#include "gexcore/error.hpp"

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
    run_blocks(contracts, execution, [&](const GreekBlock& block, std::size_t b) {
        double* target[greek_count];
        for (std::uint32_t g = 0; g < greek_count; ++g) target[g] = which & (1u << g) ? out[g] + b * kBlockRows : nullptr;
        kernels.greeks(block, block_rows(contracts.rows, b), which, target);
    });
}

}  // namespace gexcore
