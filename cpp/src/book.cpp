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
constexpr double kOld = 1.0;          // days
constexpr double kJump = 1.2;         // of spot, either way
using Guard = std::lock_guard<std::mutex>;

bool is_spot(double spot) {
    return spot >= 1e-100 && spot <= 1e100;  // the square of a spot must be a number
}

std::string spot_error(double spot) {
    return "spot: is " + std::to_string(spot) + ". Hint: a price from 1e-100 to 1e100";
}

bool same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

void Book::Live::settle_series(const std::vector<double>& years) {
    if (years.size() == series_years.size() && std::equal(years.begin(), years.end(), series_years.begin(), same)) return;
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

// Sums of open interest, of its product with the days at which quotes and sizes came in, and of what was quoted long ago.
BookAges Book::Live::read_ages() {
    for (const std::size_t b : age_dirty.list()) {
        double sums[4] = {};
        for (std::size_t row = b * kBlockRows; row < b * kBlockRows + rows_of(b); ++row) {
            const bool used = slots.weight[row] != 0.0 && slots.open_interest[row] > 0.0;
            const double size = used ? slots.open_interest[row] : 0.0;
            sums[0] += size;
            sums[1] += size * slots.quoted[row];
            sums[2] += size * slots.sized[row];
            sums[3] += days - slots.quoted[row] > kOld ? size : 0.0;
        }
        std::copy_n(sums, 4, ages.leaf(b));
    }
    ages.add(age_dirty.list());
    age_dirty.clear();
    const double* sums = ages.root();
    if (!(sums[0] > 0.0)) return {};
    return {24.0 * (days - sums[1] / sums[0]), 24.0 * (days - sums[2] / sums[0]), sums[3] / sums[0]};
}

Book::Book(double spot, const std::vector<double>& years, const BookOptions& options) : live_(new Live(options)) {
    if (!is_spot(spot)) throw Error(spot_error(spot));
    live_->spot = spot;
    live_->kernels = &active_kernels();
    live_->settle_series(years);
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

std::size_t Book::stale_blocks(bool at_spot) const {
    const Guard guard(live_->lock);
    const std::size_t swept = live_->profile_dirty.list().size() * kLeafRows / kBlockRows;
    if (!at_spot) return swept;
    const bool moved = live_->value_spot != live_->spot;
    return std::max(swept, moved ? live_->blocks() : live_->value_dirty.list().size());
}

std::int64_t Book::first_row() const {
    const Guard guard(live_->lock);
    return live_->first_row;
}

BookCounts Book::counts() const {
    const Guard guard(live_->lock);
    return live_->counts;
}

void Book::set_spot(double spot) {
    const Guard guard(live_->lock);
    if (!is_spot(spot)) {
        live_->happened(BookEvent::bad_spot);
        throw Error(spot_error(spot));
    }
    if (std::max(spot / live_->spot, live_->spot / spot) >= kJump) live_->happened(BookEvent::spot_jump);
    live_->spot = spot;
    ++live_->version;
}

void Book::set_years(const std::vector<double>& years, double days) {
    const Guard guard(live_->lock);
    if (!(days >= live_->days && std::isfinite(days)))
        live_->refuse(BookEvent::bad_time, "days: " + std::to_string(days) + " is before the book's clock", "time passes");
    if (years.size() != live_->series_years.size()) throw Error("years: one per series is needed. Hint: the times to expiry");
    // what a row is does not depend on its time while it has some left
    std::vector<std::uint8_t> lives(years.size());
    const auto some = [](double t) { return t > 0.0 && std::isfinite(t); };
    for (std::size_t k = 0; k < years.size(); ++k) lives[k] = some(years[k]) && some(live_->series_years[k]);
    live_->settle_series(years);
    live_->days = days;
    for (std::size_t i = 0; i < live_->slots.count(); ++i) {
        const auto series = static_cast<std::size_t>(live_->slots.series[i]);
        live_->slots.years[i] = years[series];
        if (!lives[series]) live_->recompute(i);
    }
    live_->touch_all();
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
    return {live_->spot,     live_->days, live_->version, live_->anchors, live_->first_row,
            s.quoted,        s.sized,     s.years,        s.vol,          s.vendor_vol,
            s.open_interest, s.contracts, s.bid,          s.ask,          s.per_open_interest,
            s.held,          s.traded,    s.status,       s.removed};
}

}  // namespace gexcore
