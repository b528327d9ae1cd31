// Sums in row order: one partial sum per block, added in a tree; keyed sums keep one partial row per segment of blocks.
#include "gexcore/sums.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "blocks.hpp"
#include "dispatch.hpp"
#include "gexcore/error.hpp"
#include "parallel.hpp"

namespace gexcore {
namespace {

double sum_blocks(double (*kernel)(const double*, std::size_t), const double* values, std::size_t rows,
                  const Execution& execution) {
    const std::size_t blocks = block_count(rows);
    std::vector<double> partial(blocks, 0.0);
    run_pieces((blocks + kSegmentBlocks - 1) / kSegmentBlocks, execution, [&](std::size_t piece) {
        for (std::size_t b = piece * kSegmentBlocks; b < std::min(blocks, (piece + 1) * kSegmentBlocks); ++b)
            partial[b] = kernel(values + b * kBlockRows, block_rows(rows, b));
    });
    add_tree(partial.data(), blocks, 1);
    return blocks == 0 ? 0.0 : partial[0];
}

}  // namespace

void check_keys(const std::int32_t* key, std::size_t first, std::size_t rows, std::size_t keys) {
    const auto outside = [&](std::uint32_t k) { return k >= keys || k >> 31 != 0; };
    if (rows == 0 || !outside(active_kernels().largest_key(key + first, rows))) return;
    while (!outside(static_cast<std::uint32_t>(key[first]))) ++first;
    throw Error("key: row " + std::to_string(first) + " has " + std::to_string(key[first]) + ", outside 0.." +
                std::to_string(keys) + ". Hint: codes number the keys from 0");
}

double sum(const double* values, std::size_t rows, const Execution& execution) {
    return sum_blocks(active_kernels().sum, values, rows, execution);
}

double sum_abs(const double* values, std::size_t rows, const Execution& execution) {
    return sum_blocks(active_kernels().sum_abs, values, rows, execution);
}

void sum_by(const double* values, const std::int32_t* key, std::size_t rows, std::size_t keys, double* out,
            const Execution& execution) {
    check_keys(key, 0, rows, keys);
    const Kernels& kernels = active_kernels();
    constexpr std::size_t segment_rows = kSegmentBlocks * kBlockRows;
    const std::size_t segments = (rows + segment_rows - 1) / segment_rows;
    std::vector<double> partial(std::max<std::size_t>(segments, 1) * keys, 0.0);
    run_pieces(segments, execution, [&](std::size_t s) {
        const std::size_t first = s * segment_rows;
        kernels.sum_by(values + first, key + first, std::min(segment_rows, rows - first), partial.data() + s * keys);
    });
    add_tree(partial.data(), segments, keys);
    std::copy_n(partial.data(), keys, out);
}

}  // namespace gexcore
