// Partial sums of blocks kept with the nodes of the tree that adds them: a new block costs one path, and the root has the bits
// of add_tree over all blocks.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gexcore {

class BlockTree {
public:
    // Forgets all sums unless the width stays.
    void resize(std::size_t blocks, std::size_t width) {
        if (width != width_) counts_.clear();
        width_ = width;
        std::size_t level = 0;
        for (std::size_t count = std::max<std::size_t>(blocks, 1);; count = (count + 1) / 2, ++level) {
            if (level == counts_.size()) counts_.push_back(0);
            if (level == sums_.size()) sums_.emplace_back();
            sums_[level].resize(count * width, 0.0);
            counts_[level] = count;
            if (count == 1) break;
        }
        counts_.resize(level + 1);
    }

    // The sums of a block, to be written before add().
    double* leaf(std::size_t block) { return &sums_[0][block * width_]; }
    const double* root() const { return sums_[counts_.size() - 1].data(); }

    void add(std::size_t block) {
        for (std::size_t level = 0; level + 1 < counts_.size(); ++level, block /= 2) add_pair(level, block / 2);
    }

    void add(const std::vector<std::size_t>& list) {
        if (list.size() > counts_[0] / 8) return add_all();
        for (const std::size_t block : list) add(block);
    }

    void add_all() {
        for (std::size_t level = 0; level + 1 < counts_.size(); ++level)
            for (std::size_t pair = 0; pair < counts_[level + 1]; ++pair) add_pair(level, pair);
    }

private:
    void add_pair(std::size_t level, std::size_t pair) {
        const double* left = &sums_[level][2 * pair * width_];
        double* out = &sums_[level + 1][pair * width_];
        if (2 * pair + 1 == counts_[level]) {
            std::copy_n(left, width_, out);
            return;
        }
        for (std::size_t j = 0; j < width_; ++j) out[j] = left[j] + left[width_ + j];
    }

    std::size_t width_ = 0;
    std::vector<std::size_t> counts_;  // blocks of each level
    std::vector<std::vector<double>> sums_;
};

// Blocks whose sums are out of date, in the order in which they became so.
class DirtyBlocks {
public:
    // Room for all: marking allocates nothing.
    void resize(std::size_t blocks) {
        marked_.resize(blocks, 0);
        list_.reserve(blocks);
    }
    void mark(std::size_t block) {
        if (marked_[block]) return;
        marked_[block] = 1;
        list_.push_back(block);
    }
    void mark_all() {
        for (std::size_t block = 0; block < marked_.size(); ++block) mark(block);
    }
    bool empty() const { return list_.empty(); }
    const std::vector<std::size_t>& list() const { return list_; }
    void clear() {
        for (const std::size_t block : list_) marked_[block] = 0;
        list_.clear();
    }

private:
    std::vector<std::uint8_t> marked_;
    std::vector<std::size_t> list_;
};

// Rows that changed, while they are few.
class FewRows {
public:
    void add(std::size_t row) {
        if (count_ < rows_.size()) rows_[count_] = row;
        count_ = std::min(count_ + 1, rows_.size() + 1);
    }
    void lose() { count_ = rows_.size() + 1; }
    void clear() { count_ = 0; }
    bool known() const { return count_ <= rows_.size(); }
    const std::size_t* begin() const { return rows_.data(); }
    const std::size_t* end() const { return rows_.data() + count_; }

private:
    std::array<std::size_t, 16> rows_{};
    std::size_t count_ = 0;
};

}  // namespace gexcore
