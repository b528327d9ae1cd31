// What a live book holds: slots, caches by block, and what is out of date.
#pragma once
#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "block_tree.hpp"
#include "blocks.hpp"
#include "crossing.hpp"
#include "gexcore/book.hpp"
#include "gexcore/gamma_sums.hpp"
#include "lattice.hpp"

namespace gexcore {

constexpr double kRounding = 1e-13;  // of gross: a smaller sum owes its sign to the order of its rows

// Columns of the slots, one value each.
struct BookSlots {
    std::vector<double> strike, years, vol, open_interest, multiplier, rate, dividend_yield, sign, per_open_interest;
    std::vector<double> held, traded, contracts;  // those held if given, those taken from customers, both
    std::vector<double> bid, ask, quoted, sized;
    std::vector<double> vendor_vol, solved_vol, quote_spot;
    std::vector<double> weight;  // contracts * multiplier, 0 while the row is not usable
    std::vector<std::uint8_t> fixed, status, removed;
    std::vector<std::uint8_t> source, only_missing, unsolved;  // of vols; `unsolved`: the status of a row without solved vol
    std::vector<std::int32_t> series, settlement, key;
    std::vector<double> center_high, center_low, inverse_width, amplitude;  // prepared for sweeps
    std::vector<double> carry, width, inverse_root, discount, dividend;     // prepared for gamma at any spot
    std::vector<double> value;                                              // gamma exposure at `value_spot`
    std::vector<std::uint8_t> counted, used;                                // in exposures, if gamma exists; in exposures

    std::size_t count() const { return strike.size(); }
    template <typename Work>
    void each_column(const Work& work) {
        for (auto* column : {&strike,
                             &years,
                             &vol,
                             &open_interest,
                             &multiplier,
                             &rate,
                             &dividend_yield,
                             &sign,
                             &per_open_interest,
                             &held,
                             &traded,
                             &contracts,
                             &bid,
                             &ask,
                             &quoted,
                             &sized,
                             &vendor_vol,
                             &solved_vol,
                             &quote_spot,
                             &weight,
                             &center_high,
                             &center_low,
                             &inverse_width,
                             &amplitude,
                             &carry,
                             &width,
                             &inverse_root,
                             &discount,
                             &dividend,
                             &value})
            work(*column);
        for (auto* column : {&fixed, &status, &removed, &source, &only_missing, &unsolved, &counted, &used}) work(*column);
        for (auto* column : {&series, &settlement, &key}) work(*column);
    }
    GreekBlock terms(std::size_t at) const {
        return {nullptr, &strike[at], &years[at], &vol[at], &rate[at], &dividend_yield[at], &sign[at]};
    }
    GammaColumns gamma(std::size_t at) { return {&carry[at], &width[at], &inverse_root[at], &discount[at], &dividend[at]}; }
    SweepBlock sweep(std::size_t at) const { return {&center_high[at], &center_low[at], &inverse_width[at], &amplitude[at]}; }
};

struct SeriesRows {
    std::vector<std::uint32_t> rows;  // by strike once sorted
    double carry = 0.0;
    bool one_carry = true, sorted = false;
};

// Keys number strikes as they come, places by size.
struct StrikeKeys {
    std::unordered_map<double, std::uint32_t> found;      // key of a strike
    std::vector<std::vector<std::uint32_t>> rows;         // of each key, ascending
    std::vector<std::uint32_t> order, place;              // keys by ascending strike; the place of each key
    std::vector<double> listed;                           // strikes by key
    std::vector<double> strike, net, gross, calls, puts;  // by place, once sorted
    std::vector<std::uint32_t> held;                      // used rows, by place
    std::vector<std::uint8_t> marked;
    std::vector<std::uint32_t> dirty;
    // places of the largest at the last reading: none of the largest now is below the least of them
    std::array<std::vector<std::size_t>, 5> leaders;

    std::uint32_t key_of(double at);
    bool sort();  // false: nothing has moved
    void set(std::size_t at, const double* sums, std::uint32_t rows_held) {
        net[at] = sums[0], gross[at] = sums[1], calls[at] = sums[2], puts[at] = sums[3];
        held[at] = rows_held;
    }
};

// Nodes exp(j step) from j = first on, a seed of the recurrence.
struct Window {
    int exponent = 0;
    double first = 0.0;
    std::vector<double> spots, high, low, unit, gamma;  // unit: S^2 / 100
};

// Sums at two nodes, kept by leaf.
struct NodePair {
    std::int64_t before = 0, after = 0;  // j of the nodes
    bool upward = false, wanted = false, known = false, polished = false, with_gross = false;
    double low = 0.0, high = 0.0;
    Ends ends{};
    BlockTree tree;
    DirtyBlocks stale;  // leaves that changed since they were summed
    Crossing cubic{}, exact{};

    void resize(std::size_t leaves) {
        stale.clear();
        stale.resize(leaves);
        tree.resize(leaves, with_gross ? kEndSums + 4 : kEndSums);
    }
    void follow(const std::vector<std::size_t>& changed) {
        polished = false;
        if (!known) return;
        for (const std::size_t leaf : changed) stale.mark(leaf);
    }
};

// Peaks of contracts by leaf, over one range of ln S.
struct RangePeaks {
    double low = 1.0, high = -1.0;
    BlockTree tree;
    DirtyBlocks stale;  // leaves that changed since they were added
};

struct Book::Live {
    explicit Live(const BookOptions& chosen) : options(chosen) {}

    void happened(BookEvent event) { ++counts[static_cast<std::size_t>(event)]; }
    [[noreturn]] void refuse(BookEvent event, const std::string& what, const std::string& hint);

    // book_rows.cpp
    std::size_t slot_of(std::int64_t row) const { return static_cast<std::size_t>(row - first_row); }
    void check_rows(const std::int64_t* rows, std::size_t count, bool removed_too = false);
    void append(const BookRow& row, const BookQuote& quote);
    void enter(std::size_t row);
    void write(std::size_t row, std::size_t at, const Columns& columns);
    void recompute(std::size_t row);
    void touch(std::size_t row);
    void touch_all();
    void grow();

    // book_vols.cpp
    double price_of(std::size_t row, VolSource source) const;
    bool out_of_the_money(std::size_t row) const;
    std::int64_t donor_of(std::size_t row) const;
    void want_vol(std::size_t row, bool quoted);
    void solve_vols();

    // book.cpp
    void settle_series(const std::vector<double>& years);
    BookAges read_ages();
    std::size_t blocks() const { return block_count(slots.count()); }
    std::size_t rows_of(std::size_t block) const { return block_rows(slots.count(), block); }
    std::size_t leaves() const { return leaf_count(slots.count()); }
    std::size_t rows_of_leaf(std::size_t leaf) const { return leaf_rows(slots.count(), leaf); }
    std::size_t group_end(std::size_t from) const;
    double forward(std::uint32_t row) const;
    void gather_nearest(SeriesRows& series);
    double mean_vol(std::size_t from, std::size_t to);
    double at_the_money();

    // book_profile.cpp
    void follow_kernels();
    void refresh_profile();
    void prepare_rows(std::size_t from, std::size_t count);
    void prepare_changed();
    const double* peaks_in(const PeakRange& range);
    void sweep_leaves(bool all);
    void anchor(int exponent, double first, double last);
    void forget_pairs();
    void sum_pair(NodePair& pair, std::size_t leaf);
    void sum_pair(NodePair& pair);
    NodePair& cell_at(std::size_t j);
    NodePair& pair_of(std::int64_t before, std::int64_t after, bool upward);
    void find_crossings();
    void clear_rounding();
    const Crossing& polished(NodePair& pair);
    void read_cell(RegimeReading& out);
    double nearest_crossing(bool exact, double* error);

    // book_strikes.cpp
    void refresh_values();
    NetGross value_rows(std::size_t from, std::size_t count);
    void refresh_keys();
    void add_value(std::size_t row, double* sums) const;
    void sum_key(std::uint32_t key);
    void sum_keys();
    void read_strikes(BookLevels& out);

    BookOptions options;
    mutable std::mutex lock;
    const Kernels* kernels = nullptr;
    BookSlots slots;
    StrikeKeys keys;
    std::int64_t first_row = 0;
    double spot = 0.0, days = 0.0;
    std::vector<double> series_years;
    std::vector<std::uint32_t> series_order;  // by years, then number
    std::vector<SeriesRows> series_rows;
    std::vector<std::uint32_t> series_usable;
    std::uint64_t version = 0, anchors = 0;
    BookCounts counts{};

    DirtyBlocks profile_dirty, value_dirty, age_dirty;  // leaves, blocks, blocks
    FewRows changed, revalued;                          // the rows behind the first and the second
    std::vector<std::uint8_t> mixed;                    // blocks with counted rows that are not used
    std::size_t weightless = 0;                         // counted rows of weight 0
    BlockTree sizes, nodes, totals, ages;               // sizes: sums of |amplitude|
    std::array<RangePeaks, 4> peaks;                    // the range now and those before
    std::size_t next_peaks = 0;
    Window window;
    std::size_t from = 0, to = 0;  // nodes of the window that are searched
    double at_the_money_vol = kNone, vol_spot = kNone;
    bool vol_known = false, crossings_known = false, keys_known = false;
    std::vector<double> found;  // gamma on the searched nodes, rounding cleared
    std::vector<NodePair> pairs;
    std::vector<std::size_t> crossing_pairs;
    std::array<NodePair, 4> cells;  // the nodes around spot, now and before
    std::size_t next_cell = 0;
    double value_spot = kNone;
    std::vector<double> scratch;
    std::vector<std::uint32_t> row_scratch;
    std::vector<std::size_t> order_scratch;
    std::vector<std::pair<std::uint32_t, std::int64_t>> to_solve;  // rows, and whose price gives their vol
};

}  // namespace gexcore
