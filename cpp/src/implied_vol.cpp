// Implied vols: blocks of rows through the kernel, pieces of blocks over the threads.
#include "gexcore/implied_vol.hpp"

#include "blocks.hpp"
#include "dispatch.hpp"
#include "gexcore/greeks.hpp"
#include "parallel.hpp"

namespace gexcore {

void implied_vol(const Contracts& contracts, const Column<double>& price, double* vol, std::uint8_t* status,
                 const Execution& execution) {
    check_type(contracts, bit(Greek::price));
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(contracts.rows);
    constexpr std::size_t piece_blocks = 8;
    const auto work = [&](std::size_t piece) {
        BlockReader reader(contracts);
        double prices[kBlockRows], codes[kBlockRows];
        if (price.scalar) std::fill_n(prices, std::min(kBlockRows, contracts.rows), *price.data);
        for (std::size_t b = piece * piece_blocks; b < std::min(blocks, (piece + 1) * piece_blocks); ++b) {
            const std::size_t first = b * kBlockRows, rows = block_rows(contracts.rows, b);
            kernels.implied_vol(reader.read(b), price.scalar ? prices : price.data + first, rows, vol + first, codes);
            if (status == nullptr) continue;
            for (std::size_t i = 0; i < rows; ++i) status[first + i] = static_cast<std::uint8_t>(codes[i]);
        }
    };
    if (blocks <= piece_blocks) return work(0);  // nothing to share or to interrupt
    run_pieces((blocks + piece_blocks - 1) / piece_blocks, execution, work);
}

}  // namespace gexcore
