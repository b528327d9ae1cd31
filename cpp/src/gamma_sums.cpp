// Gamma exposure by key: a block goes from columns to sums while it is in the first-level cache.
#include "gexcore/gamma_sums.hpp"

#include <vector>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "parallel.hpp"

namespace gexcore {
NetGross gamma_sums(const Contracts& contracts, const double* weight, double scale, const std::int32_t* key, std::size_t keys,
                    double* net, double* gross, const Execution& execution) {
    const Kernels& kernels = active_kernels();
    const std::size_t blocks = block_count(contracts.rows);
    const std::size_t segments = (blocks + kSegmentBlocks - 1) / kSegmentBlocks;
    std::vector<double> total(std::max<std::size_t>(blocks, 1) * 2, 0.0);
    std::vector<double> by_key(std::max<std::size_t>(segments, 1) * keys * 2, 0.0);
    run_pieces(segments, execution, [&](std::size_t s) {
        BlockReader reader(contracts);
        for (std::size_t b = s * kSegmentBlocks; b < std::min(blocks, (s + 1) * kSegmentBlocks); ++b) {
            const std::size_t at = b * kBlockRows, rows = block_rows(contracts.rows, b);
            check_keys(key, at, rows, keys);
            kernels.gamma_sums(reader.read(b), weight + at, scale, key + at, rows, by_key.data() + s * keys * 2, &total[2 * b],
                               &total[2 * b + 1]);
        }
    });
    add_tree(total.data(), blocks, 2);
    add_tree(by_key.data(), segments, keys * 2);
    for (std::size_t k = 0; k < keys; ++k) {
        net[k] = by_key[2 * k];
        gross[k] = by_key[2 * k + 1];
    }
    return {total[0], total[1]};
}

}  // namespace gexcore
