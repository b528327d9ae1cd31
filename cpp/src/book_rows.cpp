// The rows of a live book: slots and what they are worth, rows that come, change and go.
#include <algorithm>
#include <cmath>

#include "book_live.hpp"
#include "gexcore/error.hpp"

namespace gexcore {
namespace {

constexpr std::int64_t kGeneration = std::int64_t{1} << 32;  // row numbers of one compact() to the next
constexpr auto kLastAsRead = static_cast<std::uint8_t>(RowStatus::adjusted_contract);
constexpr auto kUsed = static_cast<std::uint8_t>(RowStatus::used);
using Guard = std::lock_guard<std::mutex>;

bool positive(double x) {
    return x > 0.0 && std::isfinite(x);
}

// A vol or a size that cannot be; NaN is one that is missing.
bool impossible(double x) {
    return x < 0.0 || std::isinf(x);
}

bool is_quote(double x) {
    return x >= 0.0 && std::isfinite(x);
}

}  // namespace

void Book::Live::refuse(BookEvent event, const std::string& what, const std::string& hint) {
    happened(event);
    throw Error(what + ". Hint: " + hint);
}

std::uint32_t StrikeKeys::key_of(double at) {
    const double known = std::isnan(at) ? std::numeric_limits<double>::infinity() : at;  // used by no row
    const auto entry = found.try_emplace(known, static_cast<std::uint32_t>(listed.size()));
    if (!entry.second) return entry.first->second;
    order.push_back(entry.first->second);
    listed.push_back(known);
    rows.emplace_back();
    marked.push_back(0);
    return entry.first->second;
}

bool StrikeKeys::sort() {
    if (strike.size() == order.size()) return false;
    const auto lower = [&](std::uint32_t a, std::uint32_t b) { return listed[a] < listed[b]; };
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(strike.size());
    std::sort(middle, order.end(), lower);
    std::inplace_merge(order.begin(), middle, order.end(), lower);
    place.resize(order.size());
    for (auto* column : {&strike, &net, &gross, &calls, &puts}) column->resize(order.size());
    held.resize(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        strike[k] = listed[order[k]];
        place[order[k]] = static_cast<std::uint32_t>(k);
    }
    return true;
}

void Book::Live::check_rows(const std::int64_t* rows, std::size_t count, bool removed_too) {
    for (std::size_t i = 0; i < count; ++i) {
        const bool known = rows[i] >= first_row && slot_of(rows[i]) < slots.count();
        if (known && (removed_too || !slots.removed[slot_of(rows[i])])) continue;
        const std::string name = "row " + std::to_string(rows[i]);
        if (known) refuse(BookEvent::removed_row, "rows: " + name + " was removed", "add the contract again");
        if (rows[i] >= 0 && rows[i] < first_row)
            refuse(BookEvent::old_row, "rows: " + name + " is of before compact()", "look it up again");
        refuse(BookEvent::unknown_row, "rows: there is no " + name, "the book has " + std::to_string(slots.count()) + " rows");
    }
}

void Book::Live::touch(std::size_t row) {
    profile_dirty.mark(row / kLeafRows);
    changed.add(row);
    value_dirty.mark(row / kBlockRows);
    revalued.add(row);
    age_dirty.mark(row / kBlockRows);
    vol_known = false;
    const auto key = static_cast<std::uint32_t>(slots.key[row]);
    if (keys.marked[key]) return;
    keys.marked[key] = 1;
    keys.dirty.push_back(key);
}

void Book::Live::touch_all() {
    for (DirtyBlocks* dirty : {&profile_dirty, &value_dirty, &age_dirty}) dirty->mark_all();
    changed.lose();
    revalued.lose();
    keys_known = vol_known = false;
}

// Status, vol and weight from the numbers of a row, in the order in which the reasons are asked.
void Book::Live::recompute(std::size_t row) {
    BookSlots& s = slots;
    const double size = s.open_interest[row], years = s.years[row];
    const bool priced = s.source[row] != 0, missing = !(s.vendor_vol[row] > 0.0);
    const bool bad = !std::isfinite(years) || !positive(s.strike[row]) || !positive(s.multiplier[row]) ||
                     impossible(s.vendor_vol[row]) || impossible(size);
    RowStatus status = RowStatus::used;
    s.vol[row] = s.vendor_vol[row];
    if (bad)
        status = RowStatus::bad_row;
    else if (s.fixed[row] <= kLastAsRead)
        status = static_cast<RowStatus>(s.fixed[row]);
    else if (!(years > 0.0))
        status = RowStatus::expired;
    else if (missing)
        status = RowStatus::no_implied_vol;
    if (priced && status >= RowStatus::no_implied_vol && (missing || !s.only_missing[row])) {
        s.vol[row] = s.solved_vol[row];
        status = s.solved_vol[row] > 0.0 ? RowStatus::used : static_cast<RowStatus>(s.unsolved[row]);
    }
    const bool usable = status == RowStatus::used, was = s.status[row] == kUsed;
    series_usable[s.series[row]] += usable;
    series_usable[s.series[row]] -= was;
    s.status[row] = static_cast<std::uint8_t>(status);
    double held = s.held[row];
    if (!std::isnan(s.per_open_interest[row])) {
        held = s.per_open_interest[row] * (size > 0.0 ? size : 0.0);
        held = std::isfinite(held) && std::isfinite(size) ? held : 0.0;
    }
    s.contracts[row] = s.traded[row] == 0.0 ? held : held + s.traded[row];
    weightless -= s.counted[row] && s.weight[row] == 0.0;
    s.weight[row] = usable ? s.contracts[row] * s.multiplier[row] : 0.0;
    s.counted[row] = s.used[row] = usable && s.contracts[row] != 0.0;
    weightless += s.counted[row] && s.weight[row] == 0.0;
    touch(row);
}

// Files the last slot under its strike and series.
void Book::Live::enter(std::size_t row) {
    BookSlots& s = slots;
    const std::uint32_t key = keys.key_of(s.strike[row]);
    s.key[row] = static_cast<std::int32_t>(key);
    keys.rows[key].push_back(static_cast<std::uint32_t>(row));
    SeriesRows& series = series_rows[s.series[row]];
    const double carry = s.rate[row] - s.dividend_yield[row];
    if (series.rows.empty()) series.carry = carry;
    series.one_carry = series.one_carry && series.carry == carry;
    series.sorted = false;
    series.rows.push_back(static_cast<std::uint32_t>(row));
}

void Book::Live::append(const BookRow& row, const BookQuote& quote) {
    BookSlots& s = slots;
    const std::size_t at = s.count();
    s.each_column([&](auto& column) { column.emplace_back(); });
    s.strike[at] = positive(row.strike) ? row.strike : 0.0;  // never used then, but strikes must have an order
    s.multiplier[at] = row.multiplier;
    s.rate[at] = row.rate;
    s.dividend_yield[at] = row.dividend_yield;
    s.per_open_interest[at] = row.per_open_interest;
    s.series[at] = row.series;
    s.sign[at] = row.is_call ? 1.0 : -1.0;
    s.source[at] = static_cast<std::uint8_t>(row.vol_source);
    s.only_missing[at] = row.only_missing;
    s.settlement[at] = row.settlement < 0 ? row.series : row.settlement;
    s.quote_spot[at] = row.quote_spot;
    s.years[at] = series_years[row.series];
    const bool priced = row.vol_source != VolSource::vendor;
    s.vendor_vol[at] = priced ? quote.vendor_vol : quote.implied_vol;
    const bool solved = priced && (!row.only_missing || !(quote.vendor_vol > 0.0));
    s.solved_vol[at] = solved ? quote.implied_vol : kNone;
    const bool why = row.status > RowStatus::expired && row.status < RowStatus::used;
    s.unsolved[at] = static_cast<std::uint8_t>(why ? row.status : RowStatus::no_implied_vol);
    // a bad number may become good; a row that was read as bad with good numbers stays bad
    const bool numbers_bad = impossible(s.vendor_vol[at]) || impossible(quote.open_interest);
    const bool mend = row.status >= RowStatus::expired || (row.status == RowStatus::bad_row && numbers_bad);
    s.fixed[at] = static_cast<std::uint8_t>(mend ? RowStatus::used : row.status);
    s.status[at] = static_cast<std::uint8_t>(RowStatus::no_implied_vol);
    s.open_interest[at] = quote.open_interest;
    s.held[at] = std::isfinite(quote.contracts) ? quote.contracts : 0.0;
    s.traded[at] = std::isfinite(quote.traded) ? quote.traded : 0.0;
    s.bid[at] = quote.bid;
    s.ask[at] = quote.ask;
    s.quoted[at] = quote.quoted;
    s.sized[at] = quote.sized;
    enter(at);
}

// Room for the blocks of all slots.
void Book::Live::grow() {
    profile_dirty.resize(leaves());
    for (DirtyBlocks* dirty : {&value_dirty, &age_dirty}) dirty->resize(blocks());
    mixed.resize(blocks(), 0);
    sizes.resize(leaves(), 1);
    for (RangePeaks& each : peaks) {
        each = {};
        each.stale.resize(leaves());
        each.tree.resize(leaves(), kExponents);
    }
    totals.resize(blocks(), 2);
    ages.resize(blocks(), 4);
    nodes.resize(leaves(), std::max<std::size_t>(window.spots.size(), 1));
    forget_pairs();
    for (NodePair& cell : cells) {
        cell.with_gross = true;
        cell.resize(leaves());
    }
}

std::int64_t Book::add_rows(const BookRow* rows, const BookQuote* quotes, std::size_t count, const std::vector<double>& years) {
    const Guard guard(live_->lock);
    Live& live = *live_;
    for (std::size_t i = 0; i < count; ++i)
        if (rows[i].series < 0 || static_cast<std::size_t>(rows[i].series) >= years.size())
            throw Error("series: row " + std::to_string(i) + " has " + std::to_string(rows[i].series) +
                        ". Hint: one time per series");
    for (std::size_t k = 0; k < live.series_years.size(); ++k)
        if (k >= years.size() ||
            !(years[k] == live.series_years[k] || (std::isnan(years[k]) && std::isnan(live.series_years[k]))))
            throw Error("years: of series " + std::to_string(k) + " is not the book's. Hint: set_years lets time pass");
    const std::size_t first = live.slots.count(), leaves = live.leaves();
    if (first + count >= static_cast<std::size_t>(kGeneration)) throw Error("rows: too many. Hint: fewer than 2^32");
    live.settle_series(years);
    live.slots.each_column([&](auto& column) {
        if (column.capacity() < first + count) column.reserve(std::max(first + count, 2 * column.capacity()));
    });
    for (std::size_t i = 0; i < count; ++i) live.append(rows[i], quotes[i]);
    if (live.leaves() != leaves) live.grow();
    for (std::size_t row = first; row < first + count; ++row) live.recompute(row);
    ++live.version;
    return live.first_row + static_cast<std::int64_t>(first);
}

// Numbers of one row as they come in.
void Book::Live::write(std::size_t row, std::size_t at, const Columns& columns) {
    BookSlots& s = slots;
    const bool quoted = columns.bid != nullptr || columns.ask != nullptr;
    if (quoted || columns.implied_vol != nullptr) s.quoted[row] = days;
    if (columns.open_interest != nullptr || columns.contracts != nullptr) s.sized[row] = days;
    if (columns.bid != nullptr) s.bid[row] = columns.bid[at];
    if (columns.ask != nullptr) s.ask[row] = columns.ask[at];
    if (quoted) {
        const bool missing =
            (columns.bid != nullptr && !is_quote(s.bid[row])) || (columns.ask != nullptr && !is_quote(s.ask[row]));
        if (missing) happened(BookEvent::missing_quote);
        if (!missing && s.bid[row] > s.ask[row]) happened(BookEvent::crossed_quote);
    }
    if (columns.open_interest != nullptr) {
        s.open_interest[row] = columns.open_interest[at];
        if (!is_quote(s.open_interest[row])) happened(BookEvent::bad_size);
    }
    if (columns.contracts != nullptr) {
        const bool good = std::isfinite(columns.contracts[at]);
        s.held[row] = good ? columns.contracts[at] : 0.0;
        if (!good) happened(BookEvent::bad_size);
    }
    if (columns.implied_vol != nullptr) {
        s.vendor_vol[row] = columns.implied_vol[at];
        if (impossible(columns.implied_vol[at]))
            happened(BookEvent::bad_vol);
        else if (!(columns.implied_vol[at] > 0.0))
            happened(BookEvent::missing_vol);
    }
}

void Book::update(const std::int64_t* rows, std::size_t count, const Columns& columns) {
    const Guard guard(live_->lock);
    Live& live = *live_;
    live.check_rows(rows, count);
    if (columns.contracts != nullptr)
        for (std::size_t i = 0; i < count; ++i)
            if (!std::isnan(live.slots.per_open_interest[live.slot_of(rows[i])]))
                throw Error("contracts: row " + std::to_string(rows[i]) +
                            " follows its open interest. Hint: make the book with positions given as contracts");
    const bool quoted = columns.bid != nullptr || columns.ask != nullptr, vols = columns.implied_vol != nullptr;
    const bool moved = vols || columns.open_interest != nullptr || columns.contracts != nullptr;
    bool priced = false;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = live.slot_of(rows[i]);
        live.write(row, i, columns);
        priced = priced || live.slots.source[row] != 0;
        if (moved)
            live.recompute(row);
        else
            live.age_dirty.mark(row / kBlockRows);
    }
    if (priced && (quoted || vols)) {
        for (std::size_t i = 0; i < count; ++i) live.want_vol(live.slot_of(rows[i]), quoted);
        live.solve_vols();
    }
    ++live.version;
}

void Book::set_traded(const std::int64_t* rows, std::size_t count, const double* traded) {
    const Guard guard(live_->lock);
    live_->check_rows(rows, count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = live_->slot_of(rows[i]);
        live_->slots.traded[row] = std::isfinite(traded[i]) ? traded[i] : 0.0;
        live_->recompute(row);
    }
    ++live_->version;
}

void Book::remove_rows(const std::int64_t* rows, std::size_t count) {
    const Guard guard(live_->lock);
    live_->check_rows(rows, count, true);
    BookSlots& s = live_->slots;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = live_->slot_of(rows[i]);
        s.removed[row] = 1;
        s.vendor_vol[row] = s.solved_vol[row] = s.bid[row] = s.ask[row] = kNone;
        s.open_interest[row] = s.held[row] = s.traded[row] = 0.0;
        s.source[row] = static_cast<std::uint8_t>(VolSource::vendor);
        live_->recompute(row);
    }
    ++live_->version;
}

std::vector<std::int64_t> Book::compact() {
    const Guard guard(live_->lock);
    Live& live = *live_;
    BookSlots& s = live.slots;
    const std::size_t before = s.count();
    std::vector<std::int64_t> moved(before, -1);
    std::int64_t next = live.first_row + kGeneration;
    for (std::size_t row = 0; row < before; ++row)
        if (!s.removed[row]) moved[row] = next++;
    s.each_column([&](auto& column) {
        std::size_t to = 0;
        for (std::size_t row = 0; row < before; ++row)
            if (moved[row] >= 0) column[to++] = column[row];
        column.resize(to);
    });
    live.first_row += kGeneration;
    live.keys = {};
    for (SeriesRows& series : live.series_rows) series = {};
    for (std::size_t row = 0; row < s.count(); ++row) live.enter(row);
    for (DirtyBlocks* dirty : {&live.profile_dirty, &live.value_dirty, &live.age_dirty}) *dirty = {};
    for (BlockTree* tree : {&live.sizes, &live.nodes, &live.totals, &live.ages}) *tree = {};
    live.window.spots.clear();  // laid anew
    live.grow();
    live.mixed.assign(live.blocks(), 1);  // looked at again
    live.touch_all();
    ++live.version;
    return moved;
}

}  // namespace gexcore
