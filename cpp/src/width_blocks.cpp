// Rows sorted by counting: half octave of the width first, then place.
#include "width_blocks.hpp"

#include <algorithm>
#include <cmath>

namespace gexcore {
namespace {

constexpr std::size_t kRows = 128;
constexpr int kWidthClasses = 64;  // half octaves from 1 on, the rest clamped in
constexpr int kPlaces = 256;
constexpr double kNarrowest = 1e8;  // inverse width: beyond, a row is as narrow as the rounding of a place
constexpr double kSlack = 1.0 + 1e-9;
constexpr double kVanished = 1e-300;  // never 0: a row that underflows is not nothing

double between(double low, double value, double high) {
    return std::min(std::max(value, low), high);
}

}  // namespace

double WidthBlocks::Block::distance(const Cell& cell) const {
    const double gap = std::max(left - cell.high(), cell.low() - right) - 4.0 * place_error(cell.center);
    return std::max(gap, 0.0) * widest / kSlack;
}

double WidthBlocks::Block::ceiling(const Cell& cell) const {
    const double d = distance(cell);
    return size * std::max(std::exp(-0.5 * d * d), kVanished) * kSlack;
}

WidthBlocks::WidthBlocks(const GammaProfile& profile, const Cell& range) {
    sort(profile, range);
    if (finite_) cut();
}

void WidthBlocks::sort(const GammaProfile& profile, const Cell& range) {
    const GammaProfile::Columns from = profile.columns();
    std::vector<int> key(profile.rows());
    std::vector<std::size_t> next(kWidthClasses * kPlaces + 1, 0);  // first by key, then the next free row
    const double per_place = kPlaces / std::max(2.0 * range.half, 1e-9);
    for (std::size_t i = 0; i < profile.rows(); ++i) {
        key[i] = -1;
        if (from.amplitude[i] == 0.0) continue;
        const double center = from.center_high[i] + from.center_low[i], inverse = from.inverse_width[i];
        finite_ = finite_ && std::isfinite(from.amplitude[i]) && std::isfinite(center) && inverse <= kNarrowest;
        if (!finite_) return;
        const int width = std::clamp(std::ilogb(inverse * inverse), 0, kWidthClasses - 1);
        const int place = static_cast<int>(between(0.0, (center - range.low()) * per_place, kPlaces - 1));
        key[i] = width * kPlaces + place;
        ++next[key[i] + 1];
    }
    for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
    const std::size_t kept = next.back();
    for (auto* column : {&center_high_, &center_low_, &inverse_width_, &amplitude_}) column->resize(kept);
    width_class_.resize(kept);
    for (std::size_t i = 0; i < profile.rows(); ++i) {
        if (key[i] < 0) continue;
        const std::size_t at = next[key[i]]++;
        center_high_[at] = from.center_high[i];
        center_low_[at] = from.center_low[i];
        inverse_width_[at] = from.inverse_width[i];
        amplitude_[at] = from.amplitude[i];
        width_class_[at] = key[i] / kPlaces;
    }
}

void WidthBlocks::cut() {
    for (std::size_t i = 0; i < amplitude_.size(); ++i) {
        const double center = center_high_[i] + center_low_[i], inverse = inverse_width_[i];
        if (blocks_.empty() || blocks_.back().rows == kRows || width_class_[i] != width_class_[i - 1])
            blocks_.push_back({i, 0, center, center, inverse, inverse, 0.0});
        Block& block = blocks_.back();
        block.rows += 1;
        block.left = std::min(block.left, center);
        block.right = std::max(block.right, center);
        block.widest = std::min(block.widest, inverse);
        block.narrowest = std::max(block.narrowest, inverse);
        block.size += std::fabs(amplitude_[i]);
    }
}

SweepBlock WidthBlocks::rows(const Block& block) const {
    return {&center_high_[block.first], &center_low_[block.first], &inverse_width_[block.first], &amplitude_[block.first]};
}

bool WidthBlocks::all_beyond(double distance, const Cell& cell) const {
    for (const Block& block : blocks_) {
        if (block.distance(cell) > distance) continue;
        for (std::size_t i = block.first; i < block.first + block.rows; ++i)
            if ((std::fabs(offset(i, cell.center)) - cell.half) * inverse_width_[i] <= distance) return false;
    }
    return true;
}

WidthBlocks::Nearest WidthBlocks::nearest(const Cell& cell) const {
    Nearest best{INFINITY, 1.0};
    for (const Block& block : blocks_) {
        if (block.distance({cell.center, 0.0}) > std::fabs(best.d)) continue;
        for (std::size_t i = block.first; i < block.first + block.rows; ++i) {
            const double d = offset(i, cell.center) * inverse_width_[i];
            if (std::fabs(d) < std::fabs(best.d)) best = {d, inverse_width_[i]};
        }
    }
    return best;
}

}  // namespace gexcore
