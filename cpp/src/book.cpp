// The live book: slots and their status, time, at-the-money vol, and the public reads.
#include "gexcore/book.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "book_live.hpp"
#include "dispatch.hpp"
#include "gexcore/error.hpp"

namespace gexcore {
namespace {

constexpr double kHorizon = 30.0 / 365;
constexpr double kTie = 1.0 + 1e-15;  // strikes as near as that share
constexpr double kNearTie = 1e-9;     // further apart they cannot
using Guard = std::lock_guard<std::mutex>;

bool positive(double x) {
    return x > 0.0 && std::isfinite(x);
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint) {
    throw Error(what + ". Hint: " + hint);
}

void check_spot(double spot) {
    if (!(spot > 1e-290 && spot < 1e290)) refuse("spot: is " + std::to_string(spot), "positive and finite");
}

}  // namespace

void Book::Live::check_rows(const std::int64_t* rows, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i)
        if (rows[i] < 0 || static_cast<std::size_t>(rows[i]) >= slots.count())
            refuse("rows: there is no row " + std::to_string(rows[i]),
                   "the book has " + std::to_string(slots.count()) + " rows");
}

void Book::Live::touch(std::size_t row) {
    profile_dirty.mark(row / kBlockRows);
    value_dirty.mark(row / kBlockRows);
    vol_known = false;
    const std::uint32_t key = slots.key[row];
    if (keys.marked[key]) return;
    keys.marked[key] = 1;
    keys.dirty.push_back(key);
}

// Status and weight from the numbers of a row, in the order in which the reasons are asked.
void Book::Live::recompute(std::size_t row) {
    BookSlots& s = slots;
    const auto fixed = static_cast<RowStatus>(s.fixed[row]);
    const double vol = s.vol[row], size = s.open_interest[row], years = s.years[row];
    const bool bad = fixed == RowStatus::bad_row || !std::isfinite(years) || !positive(s.strike[row]) ||
                     !positive(s.multiplier[row]) || vol < 0.0 || std::isinf(vol) || size < 0.0 || std::isinf(size);
    RowStatus status = RowStatus::used;
    if (bad)
        status = RowStatus::bad_row;
    else if (fixed <= RowStatus::adjusted_contract)
        status = fixed;
    else if (!(years > 0.0))
        status = RowStatus::expired;
    else if (!(vol > 0.0))
        status = fixed < RowStatus::no_implied_vol ? fixed : RowStatus::no_implied_vol;
    const bool usable = status == RowStatus::used, was = s.status[row] == static_cast<std::uint8_t>(RowStatus::used);
    series_usable[s.series[row]] += usable;
    series_usable[s.series[row]] -= was;
    s.status[row] = static_cast<std::uint8_t>(status);
    if (!std::isnan(s.per_open_interest[row])) {
        const double held = s.per_open_interest[row] * (size > 0.0 ? size : 0.0);
        s.contracts[row] = std::isfinite(held) && std::isfinite(size) ? held : 0.0;
    }
    s.weight[row] = usable ? s.contracts[row] * s.multiplier[row] : 0.0;
    touch(row);
}

void Book::Live::append(const BookRow& row, const BookQuote& quote) {
    BookSlots& s = slots;
    const auto at = static_cast<std::uint32_t>(s.count());
    const double strike = positive(row.strike) ? row.strike : 0.0;  // never used, but strikes must have an order
    const auto same = [&](std::uint32_t k, double strike) { return keys.strike[k] < strike; };
    auto place = std::lower_bound(keys.order.begin(), keys.order.end(), strike, same);
    if (place == keys.order.end() || keys.strike[*place] != strike) {
        place = keys.order.insert(place, static_cast<std::uint32_t>(keys.strike.size()));
        keys.strike.push_back(strike);
        keys.rows.emplace_back();
        for (auto* sums : {&keys.net, &keys.gross, &keys.calls, &keys.puts}) sums->push_back(0.0);
        keys.held.push_back(0);
        keys.marked.push_back(0);
    }
    keys.rows[*place].push_back(at);
    SeriesRows& series = series_rows[row.series];
    const double carry = row.rate - row.dividend_yield;
    if (series.rows.empty()) series.carry = carry;
    series.one_carry = series.one_carry && series.carry == carry;
    series.sorted = false;
    series.rows.push_back(at);
    s.key.push_back(static_cast<std::int32_t>(*place));
    s.strike.push_back(strike);
    s.multiplier.push_back(row.multiplier);
    s.rate.push_back(row.rate);
    s.dividend_yield.push_back(row.dividend_yield);
    s.per_open_interest.push_back(row.per_open_interest);
    s.series.push_back(row.series);
    s.sign.push_back(row.is_call ? 1.0 : -1.0);
    // a bad number may become good; a row that was read as bad with good numbers stays bad
    const bool numbers_bad = quote.implied_vol < 0.0 || std::isinf(quote.implied_vol) || quote.open_interest < 0.0 ||
                             std::isinf(quote.open_interest);
    const bool mend = row.status == RowStatus::expired || (row.status == RowStatus::bad_row && numbers_bad);
    s.fixed.push_back(static_cast<std::uint8_t>(mend ? RowStatus::used : row.status));
    s.status.push_back(static_cast<std::uint8_t>(RowStatus::no_implied_vol));
    s.years.push_back(series_years[row.series]);
    s.vol.push_back(quote.implied_vol);
    s.open_interest.push_back(quote.open_interest);
    s.contracts.push_back(std::isfinite(quote.contracts) ? quote.contracts : 0.0);
    s.bid.push_back(quote.bid);
    s.ask.push_back(quote.ask);
    s.quoted.push_back(quote.quoted);
    s.sized.push_back(quote.sized);
    s.removed.push_back(quote.removed);
    for (auto* column : {&s.weight, &s.center_high, &s.center_low, &s.inverse_width, &s.amplitude, &s.value})
        column->push_back(0.0);
    s.used.push_back(0);
    grow();
    recompute(at);
}

void Book::Live::grow() {
    profile_dirty.resize(blocks());
    value_dirty.resize(blocks());
    peaks.resize(blocks(), kExponents + 1);
    totals.resize(blocks(), 2);
    nodes.resize(blocks(), std::max<std::size_t>(window.spots.size(), 1));
    for (NodePair& pair : pairs) pair.known = false;
    cell.known = false;
}

void Book::Live::settle_series(const std::vector<double>& years) {
    if (years.size() < series_years.size()) refuse("years: too few", "one per series");
    series_years = years;
    series_rows.resize(years.size());
    series_usable.resize(years.size(), 0);
    series_order.resize(years.size());
    std::iota(series_order.begin(), series_order.end(), 0u);
    const auto when = [&](std::uint32_t k) {
        return std::isnan(years[k]) ? std::numeric_limits<double>::infinity() : years[k];
    };
    std::stable_sort(series_order.begin(), series_order.end(), [&](auto a, auto b) { return when(a) < when(b); });
}

double Book::Live::forward(std::uint32_t row) const {
    return spot * std::exp((slots.rate[row] - slots.dividend_yield[row]) * slots.years[row]);
}

// Adds the usable rows of a series that may be nearest its forward: those next to it on both sides, all if carries differ.
void Book::Live::gather_nearest(SeriesRows& series) {
    const auto used = static_cast<std::uint8_t>(RowStatus::used);
    std::vector<std::uint32_t>& rows = series.rows;
    const auto lower = [&](std::uint32_t a, std::uint32_t b) { return slots.strike[a] < slots.strike[b]; };
    if (!series.sorted) std::sort(rows.begin(), rows.end(), lower);
    series.sorted = true;
    if (!series.one_carry || rows.empty()) {
        for (const std::uint32_t i : rows)
            if (slots.status[i] == used) row_scratch.push_back(i);
        return;
    }
    const auto below = [&](std::uint32_t i, double strike) { return slots.strike[i] < strike; };
    const auto middle = std::lower_bound(rows.begin(), rows.end(), forward(rows.front()), below);
    const auto gather = [&](auto from, auto to) {
        double first = kNone;
        for (; from != to; ++from) {
            if (slots.status[*from] != used) continue;
            if (std::isnan(first)) first = slots.strike[*from];
            if (std::fabs(slots.strike[*from] / first - 1.0) > kNearTie) break;
            row_scratch.push_back(*from);
        }
    };
    gather(std::make_reverse_iterator(middle), rows.rend());
    gather(middle, rows.end());
}

// Mean vol of the strikes nearest the forward, over series [from, to) of the order, which settle together.
double Book::Live::mean_vol(std::size_t from, std::size_t to) {
    row_scratch.clear();
    scratch.clear();
    for (std::size_t k = from; k < to; ++k) gather_nearest(series_rows[series_order[k]]);
    std::sort(row_scratch.begin(), row_scratch.end());
    double least = std::numeric_limits<double>::infinity();
    for (const std::uint32_t i : row_scratch) {
        const double ahead = forward(i);
        scratch.push_back(std::max(slots.strike[i] / ahead, ahead / slots.strike[i]));
        least = std::min(least, scratch.back());
    }
    double total = 0.0, count = 0.0;
    for (std::size_t k = 0; k < row_scratch.size(); ++k) {
        if (!(scratch[k] <= least * kTie)) continue;
        total += slots.vol[row_scratch[k]];
        count += 1.0;
    }
    return total / count;
}

// The end of the group of series that settle with the first of it.
std::size_t Book::Live::group_end(std::size_t from) const {
    std::size_t to = from;
    while (to < series_order.size() && !(series_years[series_order[to]] > series_years[series_order[from]])) ++to;
    return to;
}

// 30 days ahead, total variance linear in time; NaN if no row is usable.
double Book::Live::at_the_money() {
    const std::size_t none = series_order.size();
    std::size_t before = none, after = none;  // groups with usable rows around the horizon
    for (std::size_t from = 0, to = 0; from < none && after == none; from = to) {
        to = group_end(from);
        std::uint32_t usable = 0;
        for (std::size_t k = from; k < to; ++k) usable += series_usable[series_order[k]];
        if (usable > 0) (series_years[series_order[from]] < kHorizon ? before : after) = from;
    }
    if (before == none && after == none) return kNone;
    const auto vol_of = [&](std::size_t group) { return mean_vol(group, group_end(group)); };
    if (before == none || after == none) return vol_of(before == none ? after : before);
    const double early = series_years[series_order[before]], late = series_years[series_order[after]];
    const double first = vol_of(before), second = vol_of(after);
    const double variance = first * first * early;
    const double share = (kHorizon - early) / (late - early);
    return std::sqrt((variance + share * (second * second * late - variance)) / kHorizon);
}

Book::Book(double spot, const std::vector<double>& years, const BookOptions& options) : live_(new Live(options)) {
    check_spot(spot);
    live_->spot = spot;
    live_->kernels = &active_kernels();
    live_->settle_series(years);
    live_->spread.resize(kBlockRows);
    live_->grow();
}

Book::~Book() = default;

std::size_t Book::rows() const {
    const Guard guard(live_->lock);
    return live_->slots.count();
}

std::uint64_t Book::version() const {
    const Guard guard(live_->lock);
    return live_->version;
}

void Book::add_rows(const BookRow* rows, const BookQuote* quotes, std::size_t count, const std::vector<double>& years) {
    const Guard guard(live_->lock);
    for (std::size_t i = 0; i < count; ++i)
        if (rows[i].series < 0 || static_cast<std::size_t>(rows[i].series) >= years.size())
            refuse("series: row " + std::to_string(i) + " has " + std::to_string(rows[i].series), "one time per series");
    live_->settle_series(years);
    for (std::size_t i = 0; i < count; ++i) live_->append(rows[i], quotes[i]);
    ++live_->version;
}

void Book::update(const std::int64_t* rows, std::size_t count, const Columns& columns) {
    const Guard guard(live_->lock);
    live_->check_rows(rows, count);
    BookSlots& s = live_->slots;
    for (std::size_t i = 0; i < count; ++i)
        if (s.removed[rows[i]]) refuse("rows: row " + std::to_string(rows[i]) + " was removed", "add the contract again");
    if (columns.contracts != nullptr)
        for (std::size_t i = 0; i < count; ++i)
            if (!std::isnan(s.per_open_interest[rows[i]]))
                refuse("contracts: row " + std::to_string(rows[i]) + " follows its open interest",
                       "make the book with positions given as contracts");
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t row = rows[i];
        if (columns.bid != nullptr || columns.ask != nullptr || columns.implied_vol != nullptr) s.quoted[row] = live_->days;
        if (columns.open_interest != nullptr || columns.contracts != nullptr) s.sized[row] = live_->days;
        if (columns.bid != nullptr) s.bid[row] = columns.bid[i];
        if (columns.ask != nullptr) s.ask[row] = columns.ask[i];
        if (columns.open_interest != nullptr) s.open_interest[row] = columns.open_interest[i];
        if (columns.contracts != nullptr) s.contracts[row] = std::isfinite(columns.contracts[i]) ? columns.contracts[i] : 0.0;
        if (columns.implied_vol != nullptr) {
            s.vol[row] = columns.implied_vol[i];
            if (s.fixed[row] > static_cast<std::uint8_t>(RowStatus::adjusted_contract))
                s.fixed[row] = static_cast<std::uint8_t>(RowStatus::used);
        }
        if (columns.implied_vol != nullptr || columns.open_interest != nullptr || columns.contracts != nullptr)
            live_->recompute(static_cast<std::size_t>(row));
    }
    ++live_->version;
}

void Book::remove_rows(const std::int64_t* rows, std::size_t count) {
    const Guard guard(live_->lock);
    live_->check_rows(rows, count);
    BookSlots& s = live_->slots;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t row = rows[i];
        s.removed[row] = 1;
        s.vol[row] = kNone;
        s.open_interest[row] = s.contracts[row] = 0.0;
        if (s.fixed[row] > static_cast<std::uint8_t>(RowStatus::adjusted_contract))
            s.fixed[row] = static_cast<std::uint8_t>(RowStatus::used);
        live_->recompute(static_cast<std::size_t>(row));
    }
    ++live_->version;
}

void Book::set_spot(double spot) {
    check_spot(spot);
    const Guard guard(live_->lock);
    live_->spot = spot;
    ++live_->version;
}

void Book::set_years(const std::vector<double>& years, double days) {
    const Guard guard(live_->lock);
    if (!(days >= live_->days)) refuse("days: " + std::to_string(days) + " is before the book's clock", "time passes");
    if (years.size() != live_->series_years.size()) refuse("years: one per series is needed", "the times to expiry");
    live_->settle_series(years);
    live_->days = days;
    for (std::size_t i = 0; i < live_->slots.count(); ++i) {
        live_->slots.years[i] = years[live_->slots.series[i]];
        live_->recompute(i);
    }
    ++live_->version;
}

void Book::net(double& net, double& gross) {
    const Guard guard(live_->lock);
    live_->refresh_values();
    net = live_->totals.root()[0];
    gross = live_->totals.root()[1];
}

BookState Book::state() {
    const Guard guard(live_->lock);
    const BookSlots& s = live_->slots;
    return {live_->spot, live_->days,     live_->version, live_->anchors, s.quoted, s.sized, s.years,
            s.vol,       s.open_interest, s.contracts,    s.bid,          s.ask,    s.status};
}

}  // namespace gexcore
