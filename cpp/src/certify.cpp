// The cover: cells of ln S halved until every block of contracts is a short Taylor series on them, then the zeros of the sum.
#include "gexcore/certify.hpp"

#include <algorithm>

#include "dispatch.hpp"
#include "parallel.hpp"
#include "taylor.hpp"
#include "width_blocks.hpp"

namespace gexcore {
namespace {

using Block = WidthBlocks::Block;

constexpr std::size_t kFirstCells = 8;  // fixed, whatever the number of threads
constexpr double kThinnestCell = 1e-9;  // half, in ln S; place_error of any spot is below 2^-11 of it
constexpr double kHalfCell = 0.5;       // half a cell, in widths of its narrowest row: the series then ends below rounding
constexpr double kFar = 6.0;            // widths: beyond, a row counts only if nothing nearer does
constexpr double kNegligible = 0.0625;  // of the error so far, all rows left out together
constexpr double kResolved = 1e-12;     // of gross: rest of the series where the cell's size is not set by widths
constexpr double kVanishes = 700.0;     // e^-700 counts as
constexpr double kVanished = 1e-300;    // this
constexpr double kSpare = 1.02;         // rounding of the bounds themselves, and the overlap of cells
constexpr double kUnit = 0x1p-53;
constexpr double kShiftRoundings = 64.0;
constexpr double kRowRoundings = 160.0;  // see docs/how_it_works.md
constexpr double kSlopeErrors = 25.0;    // kTaylorTerms + 1

// What is proved of ln S up to `right`, from the end of the piece before: a sign, or else the one direction in which the sum
// goes through any zero, or else nothing (0). Zeros that follow each other go in opposite directions: one direction, at most
// one zero.
struct Piece {
    double right;
    int sign, direction;
    double root;  // of the polynomial, if there is no sign
};

struct TiltedSum {
    Taylor sum;
    double gross = 0.0;
};

int sign_of(double value) {
    return (value > 0.0) - (value < 0.0);
}

class Search {
public:
    Search(const Kernels& kernels, const WidthBlocks& book, const Cell& range) : kernels_(kernels), book_(book), range_(range) {
        for (const Block& block : book.blocks()) narrowest_ = std::max(narrowest_, block.narrowest);
    }

    // Pieces from the low to the high end of a cell.
    std::vector<Piece> pieces(const Cell& cell) {
        found_.clear();
        std::vector<const Block*> all;
        for (const Block& block : book_.blocks()) all.push_back(&block);
        descend(cell, all, {});
        return std::move(found_);
    }

    Crossing polish(const CoverInterval& interval) const;

private:
    void descend(const Cell& cell, const std::vector<const Block*>& open, Taylor sum);
    void descend_far(const Cell& cell);
    void resolve(const Cell& cell, const Taylor& sum, bool last_resort);
    bool isolate(const Cell& cell, Taylor sum, std::vector<Piece>& pieces) const;
    TiltedSum tilted(const Cell& cell, const WidthBlocks::Nearest& nearest) const;
    double add(Taylor& sum, const Block& block, const TaylorCell& cell) const;

    double additions() const { return static_cast<double>(book_.blocks().size()); }
    double allowance(const Taylor& sum) const { return (kShiftRoundings + additions()) * kUnit * sum.value_bound(0); }

    void found(const Piece& piece) {
        if (!found_.empty() && found_.back().sign == piece.sign && found_.back().direction == piece.direction)
            found_.back().right = piece.right;
        else
            found_.push_back(piece);
    }

    const Kernels& kernels_;
    const WidthBlocks& book_;
    const Cell range_;
    double narrowest_ = 0.0;
    std::vector<Piece> found_;
};

// Returns the sum of |row| at the center.
double Search::add(Taylor& sum, const Block& block, const TaylorCell& cell) const {
    TaylorSums part;
    kernels_.expand(book_.rows(block), block.rows, cell, part);
    for (std::size_t k = 0; k < kTaylorTerms; ++k) sum.term[k] += part.terms[k];
    sum.error += part.rounding + part.truncation;
    sum.rest += part.truncation;
    return part.gross;
}

// `sum` holds the blocks that are series already on a cell around this one, `open` those that are not.
void Search::descend(const Cell& cell, const std::vector<const Block*>& open, Taylor sum) {
    if (sum.error == 0.0 && book_.all_beyond(kFar, cell)) return descend_far(cell);
    const TaylorCell here{cell.center, cell.half, 0.0, 0.0, kRowRoundings + additions()};
    const auto fits = [&](const Block& block) { return block.narrowest * cell.half <= kHalfCell; };
    std::vector<const Block*> rest, finer;
    for (const Block* block : open) {
        if (fits(*block) && block->distance(cell) <= kFar)
            add(sum, *block, here);
        else
            rest.push_back(block);
    }
    const double negligible = kNegligible * sum.error / static_cast<double>(book_.blocks().size());
    double ceiling = 0.0;
    for (const Block* block : rest) {
        const double most = block->ceiling(cell);
        if (most <= negligible) {
            sum.error += most;
        } else if (fits(*block)) {
            add(sum, *block, here);
        } else {
            ceiling += most;
            finer.push_back(block);
        }
    }
    if (finer.empty()) return resolve(cell, sum, false);
    if (std::fabs(sum.term[0]) > kSpare * (sum.value_bound(1) + sum.error + allowance(sum) + ceiling))
        return found({cell.high(), sign_of(sum.term[0]), 0, 0.0});
    const double half = 0.5 * cell.half;
    sum.error += allowance(sum);
    descend({cell.center - half, half}, finer, moved(sum, -0.5, 0.5));
    descend({cell.center + half, half}, finer, moved(sum, 0.5, 0.5));
}

// Where every row is far, all are divided by the nearest one: what is left neither underflows nor varies as fast.
TiltedSum Search::tilted(const Cell& cell, const WidthBlocks::Nearest& nearest) const {
    TiltedSum result;
    const double tilt_b = nearest.inverse_width * cell.half;
    const TaylorCell here{cell.center, cell.half, nearest.d, tilt_b, kRowRoundings + additions()};
    const double highest = std::fabs(nearest.d) + tilt_b;
    for (const Block& block : book_.blocks()) {
        const double d = block.distance(cell);
        if (0.5 * (d - highest) * (d + highest) > kVanishes) {
            result.sum.error += kVanished * block.size;
            continue;
        }
        result.gross += add(result.sum, block, here);
    }
    return result;
}

void Search::descend_far(const Cell& cell) {
    const TiltedSum here = tilted(cell, book_.nearest(cell));
    if (here.sum.rest <= kResolved * here.gross || cell.half <= kThinnestCell) return resolve(cell, here.sum, true);
    const double half = 0.5 * cell.half;
    descend_far({cell.center - half, half});
    descend_far({cell.center + half, half});
}

void Search::resolve(const Cell& cell, const Taylor& sum, bool last_resort) {
    std::vector<Piece> pieces;
    if (!isolate(cell, sum, pieces) && !last_resort && sum.rest > 0.5 * sum.error) return descend_far(cell);
    for (const Piece& piece : pieces) found(piece);
}

// Halves |t| <= 1 until the polynomial decides; false where it cannot. A monotone piece is halved too while the sign at an end
// of it is not certain: what stays undecided around a touch, or at a root on an end of the range, is as short as rounding
// allows.
bool Search::isolate(const Cell& cell, Taylor sum, std::vector<Piece>& pieces) const {
    sum.error = kSpare * (sum.error + allowance(sum));
    const double slack = place_error(cell.center) / cell.half;
    const double edge = std::min(1.0, range_.half / cell.half);
    const double end_doubt = sum.error + kSpare * slack * sum.slope_bound(1);
    const auto certain = [](double value, double doubt) { return std::fabs(value) > doubt ? sign_of(value) : 0; };
    bool decided = true;

    const auto split = [&](const auto& self, double from, double to) -> void {
        const double half = 0.5 * (to - from) + slack;
        const double left = cell.center + from * cell.half, right = cell.center + to * cell.half;
        const Taylor here = moved(sum, 0.5 * (from + to), half);
        const double varies = here.value_bound(1);
        const int sign = certain(here.term[0], varies + here.error);
        if (sign != 0) return pieces.push_back({right, sign, 0, 0.0});
        const int direction = certain(here.term[1], here.slope_bound(2) + kSlopeErrors * half * here.error);
        const int left_sign = certain(sum.at(from), end_doubt), right_sign = certain(sum.at(to), end_doubt);
        if (direction != 0 && left_sign != 0 && right_sign != 0) {
            if (left_sign == right_sign) return pieces.push_back({right, left_sign, 0, 0.0});
            pieces.push_back({left, left_sign, 0, 0.0});
            pieces.push_back({right, 0, direction, cell.center + cell.half * sum.zero(from, to)});
            return pieces.push_back({right, right_sign, 0, 0.0});
        }
        if (!(varies > here.error) || half <= 8.0 * slack) {
            decided = decided && direction != 0;
            return pieces.push_back({right, 0, direction, 0.5 * (left + right)});
        }
        self(self, from, 0.5 * (from + to));
        self(self, 0.5 * (from + to), to);
    };
    split(split, -edge, edge);
    return decided;
}

// Newton in ln S from a root of the polynomial, inside the bracket, until the value or the step is below rounding.
Crossing Search::polish(const CoverInterval& interval) const {
    const bool upward = interval.above > 0;
    double left = std::log(interval.low), right = std::log(interval.high);
    double root = std::log(interval.missed->spot), slope = 0.0;
    for (int round = 0; round < 100; ++round) {
        const WidthBlocks::Nearest nearest = book_.nearest({root, 0.0});
        const double half = 1e-3 / (narrowest_ * (1.0 + std::fabs(nearest.d)));  // the series ends at once
        const TiltedSum here = tilted({root, half}, nearest);
        const double value = here.sum.term[0];
        slope = here.sum.term[1] / half * std::exp(-0.5 * nearest.d * nearest.d);
        const double next = root - half * value / here.sum.term[1];
        const bool inside = next > left && next < right;
        if (std::fabs(value) <= here.sum.error || std::fabs(next - root) <= place_error(root)) {
            root = inside ? next : root;
            break;
        }
        ((value > 0.0) == upward ? right : left) = root;
        root = inside ? next : 0.5 * (left + right);
    }
    const double spot = std::min(std::max(std::exp(root), interval.low), interval.high);
    return {spot, slope / spot / spot, upward, 0.0};
}

void append(std::vector<CoverInterval>& cover, const CoverInterval& interval) {
    const bool joins = interval.content == Content::no_crossing && !cover.empty() && cover.back().above == interval.below &&
                       cover.back().content == Content::no_crossing;
    if (joins)
        cover.back().high = interval.high;
    else
        cover.push_back(interval);
}

// Pieces without a sign that follow each other, between two signs (0 at an end of the range where there is none).
struct Run {
    CoverInterval interval;
    int direction;  // the same all along, or 0

    void close(std::vector<CoverInterval>& cover, int above) {
        interval.above = above;
        if (direction != 0 && above != 0 && interval.below == above)
            interval.content = Content::no_crossing;
        else if (direction != 0 && above == direction && interval.below == -above)
            interval.content = Content::one_crossing;
        append(cover, interval);
    }
};

// Equal signs side by side become one interval, and so do the pieces between two signs: a root on the border of two cells is
// inside such a run.
std::vector<CoverInterval> assemble(const std::vector<Piece>& pieces, double low, double high) {
    std::vector<CoverInterval> cover;
    std::optional<Run> run;
    int sign = 0;
    double from = low;
    for (const Piece& piece : pieces) {
        const double to = &piece == &pieces.back() ? high : std::min(std::max(std::exp(piece.right), from), high);
        if (piece.sign != 0) {
            if (run) run->close(cover, piece.sign);
            run.reset();
            sign = piece.sign;
            append(cover, {from, to, Content::no_crossing, sign, sign, {}});
        } else {
            const Crossing guess{std::exp(piece.root), 0.0, false, 0.0};
            if (!run) run = {{from, to, Content::undecided, sign, 0, guess}, piece.direction};
            run->interval.high = to;
            if (piece.direction != run->direction) run->direction = 0;
        }
        from = to;
    }
    if (run) run->close(cover, 0);
    const auto empty = [&](const CoverInterval& i) {
        return i.content == Content::no_crossing && i.low == i.high && low < high;
    };
    cover.erase(std::remove_if(cover.begin(), cover.end(), empty), cover.end());
    return cover;
}

bool holds_any(const CoverInterval& interval, const std::vector<double>& spots) {
    const double low = interval.low * (1.0 - 1e-12), high = interval.high * (1.0 + 1e-12);
    return std::any_of(spots.begin(), spots.end(), [&](double spot) { return low <= spot && spot <= high; });
}

}  // namespace

std::vector<CoverInterval> certify(const GammaProfile& profile, double low, double high, const std::vector<double>& known,
                                   const Execution& execution) {
    const double left = std::log(low), right = std::log(high);
    const Cell range{0.5 * (left + right), 0.5 * (right - left)};
    const WidthBlocks book(profile, range);
    if (!book.finite() || book.blocks().empty()) return {{low, high, Content::undecided, 0, 0, {}}};

    const Kernels& kernels = active_kernels();
    const std::size_t cells = range.half > kFirstCells * kThinnestCell ? kFirstCells : 1;
    const double half = range.half / static_cast<double>(cells);
    std::vector<std::vector<Piece>> parts(cells);
    run_pieces(cells, execution, [&](std::size_t c) {
        const double center = range.low() + (2.0 * static_cast<double>(c) + 1.0) * half;
        parts[c] = Search(kernels, book, range).pieces({center, std::max(half, kThinnestCell)});
    });
    std::vector<Piece> pieces;
    for (const auto& part : parts) pieces.insert(pieces.end(), part.begin(), part.end());

    std::vector<CoverInterval> cover = assemble(pieces, low, high);
    std::vector<CoverInterval*> missed;
    for (CoverInterval& interval : cover)
        if (interval.below * interval.above < 0 && !holds_any(interval, known))
            missed.push_back(&interval);
        else
            interval.missed.reset();
    const Search search(kernels, book, range);
    run_pieces(missed.size(), execution, [&](std::size_t i) { missed[i]->missed = search.polish(*missed[i]); });
    return cover;
}

}  // namespace gexcore
