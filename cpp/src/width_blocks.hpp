// The contracts of a profile, sorted into blocks of about one width and place: what a block adds to a cell can be bounded at
// once.
#pragma once
#include <cstddef>
#include <vector>

#include "gexcore/profile.hpp"
#include "kernels.hpp"

namespace gexcore {

// An interval of ln S.
struct Cell {
    double center, half;

    double low() const { return center - half; }
    double high() const { return center + half; }
};

// Widest error of a place in ln S: rounding of the end of a cell, of ln and exp.
inline double place_error(double place) {
    return 4e-16 * (4.0 + (place < 0.0 ? -place : place));
}

class WidthBlocks {
public:
    struct Block {
        std::size_t first, rows;
        double left, right;        // of all centers
        double widest, narrowest;  // least and largest inverse width
        double size;               // sum of |amplitude|

        // No row is fewer widths away from any point of the cell.
        double distance(const Cell& cell) const;
        // No more than this is the sum of |row| anywhere in the cell.
        double ceiling(const Cell& cell) const;
    };

    struct Nearest {
        double d, inverse_width;  // signed distance of a cell's center, in widths
    };

    // Rows of amplitude 0 are left out.
    WidthBlocks(const GammaProfile& profile, const Cell& range);

    const std::vector<Block>& blocks() const { return blocks_; }
    SweepBlock rows(const Block& block) const;
    bool finite() const { return finite_; }  // all numbers are, and no row is narrower than rounding

    bool all_beyond(double distance, const Cell& cell) const;  // every row, from all of the cell
    Nearest nearest(const Cell& cell) const;                   // the row fewest widths from the center

private:
    double offset(std::size_t row, double place) const { return (place - center_high_[row]) - center_low_[row]; }
    void sort(const GammaProfile& profile, const Cell& range);
    void cut();

    std::vector<double> center_high_, center_low_, inverse_width_, amplitude_;
    std::vector<int> width_class_;
    std::vector<Block> blocks_;
    bool finite_ = true;
};

}  // namespace gexcore
