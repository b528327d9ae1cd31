// Cuts contracts into blocks of rows for the kernels and adds the results of blocks in a fixed tree.
#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>

#include "gexcore/contracts.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace gexcore {

inline std::size_t block_count(std::size_t rows) {
    return (rows + kBlockRows - 1) / kBlockRows;
}

inline std::size_t block_rows(std::size_t rows, std::size_t block) {
    return std::min(kBlockRows, rows - block * kBlockRows);
}

// Leaves of the sums of a profile.
inline std::size_t leaf_count(std::size_t rows) {
    return (rows + kLeafRows - 1) / kLeafRows;
}

inline std::size_t leaf_rows(std::size_t rows, std::size_t leaf) {
    return std::min(kLeafRows, rows - leaf * kLeafRows);
}

// Gives unit-stride columns for any block; what holds for every row is spread once, at construction.
class BlockReader {
public:
    explicit BlockReader(const Contracts& contracts) : contracts_(contracts) {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        const std::size_t rows = std::min(kBlockRows, contracts.rows);
        for (int c = 0; c < kColumns; ++c)
            if (spread(column(c))) std::fill_n(spread_[c], rows, column(c).data == nullptr ? none : *column(c).data);
        const Column<std::uint8_t>& call = contracts.is_call;
        if (spread(call)) std::fill_n(sign_, rows, call.data == nullptr ? none : sign_of(*call.data));
    }

    GreekBlock read(std::size_t block) {
        const std::size_t first = block * kBlockRows;
        const double* at[kColumns];
        for (int c = 0; c < kColumns; ++c) at[c] = spread(column(c)) ? spread_[c] : column(c).data + first;
        if (!spread(contracts_.is_call)) {
            const std::uint8_t* call = contracts_.is_call.data + first;
            for (std::size_t i = 0; i < block_rows(contracts_.rows, block); ++i) sign_[i] = sign_of(call[i]);
        }
        return {at[0], at[1], at[2], at[3], at[4], at[5], sign_, contracts_.spot.scalar};
    }

private:
    static constexpr int kColumns = 6;

    // One value for every row: a number, or none at all.
    template <typename T>
    static bool spread(const Column<T>& column) {
        return column.scalar || column.data == nullptr;
    }

    // 1 or -1 by its bits: compilers make a branch of a choice, which calls and puts in no order mispredict every other row.
    static double sign_of(std::uint8_t call) {
        return __builtin_bit_cast(double, 0xbff0000000000000u ^ (std::uint64_t{call != 0} << 63));
    }

    const Column<double>& column(int c) const {
        const Column<double>* all[kColumns] = {&contracts_.spot,        &contracts_.strike, &contracts_.time_to_expiry,
                                               &contracts_.implied_vol, &contracts_.rate,   &contracts_.dividend_yield};
        return *all[c];
    }

    const Contracts& contracts_;
    alignas(64) double spread_[kColumns][kBlockRows];
    alignas(64) double sign_[kBlockRows];
};

// Calls work(reader.read(block), block) for every block. A reader serves several: what holds for every row is spread once for
// them.
template <typename Work>
void run_blocks(const Contracts& contracts, const Execution& execution, const Work& work) {
    constexpr std::size_t piece_blocks = 16;
    const std::size_t blocks = block_count(contracts.rows);
    const auto piece_of = [&](std::size_t piece) {
        BlockReader reader(contracts);
        for (std::size_t b = piece * piece_blocks; b < std::min(blocks, (piece + 1) * piece_blocks); ++b)
            work(reader.read(b), b);
    };
    if (blocks <= piece_blocks) return piece_of(0);  // nothing to share or to interrupt
    run_pieces((blocks + piece_blocks - 1) / piece_blocks, execution, piece_of);
}

// Throws Error if one of the greeks asks whether a row is a call and the contracts do not say.
void check_type(const Contracts& contracts, std::uint32_t which);

constexpr std::size_t kSegmentBlocks = 64;  // blocks per partial row of a keyed sum

// Throws Error for a key of rows first .. first + rows that is not in 0 .. keys.
void check_keys(const std::int32_t* key, std::size_t first, std::size_t rows, std::size_t keys);

// Adds `blocks` rows of `width` partial sums pairwise by block index, in place; the result is the first row.
inline void add_tree(double* partial, std::size_t blocks, std::size_t width) {
    for (std::size_t step = 1; step < blocks; step *= 2)
        for (std::size_t b = 0; b + step < blocks; b += 2 * step)
            for (std::size_t j = 0; j < width; ++j) partial[b * width + j] += partial[(b + step) * width + j];
}

}  // namespace gexcore
