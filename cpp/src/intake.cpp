// Columns of a chain, one pass per question; no branches on what a row holds.
#include "gexcore/intake.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "blocks.hpp"
#include "gexcore/error.hpp"

namespace gexcore {
namespace {

constexpr std::size_t kPieceRows = 8192;  // of days, read twice: the second time from the cache

// A block of a column; a number that holds for every row is spread once.
class BlockOf {
public:
    explicit BlockOf(const Column<double>& column) : column_(column) {
        if (column.scalar) std::fill_n(spread_, kBlockRows, *column.data);
    }
    const double* at(std::size_t row) const { return column_.scalar ? spread_ : column_.data + row; }

private:
    const Column<double>& column_;
    double spread_[kBlockRows];
};

struct StatusBlock {
    const double *strike, *multiplier, *years, *vol, *size;
};

void status_of_block(const StatusBlock& in, std::size_t rows, const StatusCodes& codes, std::uint8_t* __restrict out) {
    constexpr double endless = HUGE_VAL;
    for (std::size_t i = 0; i < rows; ++i) {
        const double strike = in.strike[i], multiplier = in.multiplier[i], years = in.years[i], vol = in.vol[i],
                     size = in.size[i];
        const bool sound = (strike > 0.0) & (strike < endless) & (multiplier > 0.0) & (multiplier < endless) &
                           (std::fabs(years) < endless) & !(vol < 0.0) & (vol != endless) & !(size < 0.0) & (size != endless);
        const std::uint8_t with_vol = vol > 0.0 ? codes.used : codes.no_vol;
        const std::uint8_t live = years > 0.0 ? with_vol : codes.expired;
        out[i] = sound ? live : codes.bad;
    }
}

// Moves the days so that `first` is place 1; `not_a_day` and whatever is outside become place 0.
class Place {
public:
    Place(std::int64_t first, std::size_t places) : before_(static_cast<std::uint64_t>(first) - 1), places_(places) {}
    std::uint64_t operator()(std::int64_t day) const {
        const std::uint64_t place = static_cast<std::uint64_t>(day) - before_;
        return place < places_ ? place : 0;
    }

private:
    std::uint64_t before_, places_;
};

// From the first day to the last; of no day before one is met.
struct Reach {
    std::int64_t first = INT64_MAX, last = not_a_day;
    std::uint64_t days() const {
        return last == not_a_day ? 0 : static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) + 1;
    }
};

Reach reach_of(const std::int64_t* days, std::size_t rows, Reach reach) {
    for (std::size_t i = 0; i < rows; ++i) {
        reach.first = std::min(reach.first, days[i] == not_a_day ? INT64_MAX : days[i]);
        reach.last = std::max(reach.last, days[i]);
    }
    return reach;
}

template <std::int64_t Ticks>
void floor_days(const std::int64_t* times, std::size_t rows, std::int64_t* days) {
    for (std::size_t i = 0; i < rows; ++i) {
        const std::int64_t time = times[i], whole = time / Ticks;
        const std::int64_t day = whole - (time % Ticks < 0);
        days[i] = time == not_a_day ? not_a_day : day;
    }
}

}  // namespace

void row_status(const IntakeColumns& columns, const StatusCodes& codes, std::uint8_t* out) {
    const BlockOf strike(columns.strike), multiplier(columns.multiplier), years(columns.time_to_expiry),
        vol(columns.implied_vol), size(columns.open_interest);
    for (std::size_t b = 0; b < block_count(columns.rows); ++b) {
        const std::size_t at = b * kBlockRows;
        const StatusBlock block{strike.at(at), multiplier.at(at), years.at(at), vol.at(at), size.at(at)};
        status_of_block(block, block_rows(columns.rows, b), codes, out + at);
    }
}

std::optional<SeenDays> see_days(const std::int64_t* days, std::size_t rows, std::uint64_t widest) {
    Reach all;
    std::vector<std::uint8_t> seen(1);
    for (std::size_t at = 0; at < rows; at += kPieceRows) {
        const std::size_t end = std::min(rows, at + kPieceRows);
        const Reach wider = reach_of(days + at, end - at, all);
        if (wider.days() > widest) return std::nullopt;
        // the days before those that were known, and after them
        if (all.days() > 0) seen.insert(seen.begin() + 1, static_cast<std::size_t>(all.first - wider.first), 0);
        seen.resize(wider.days() + 1);
        all = wider;
        const Place place(all.first, seen.size());
        for (std::size_t i = at; i < end; ++i) seen[place(days[i])] = 1;
    }
    return SeenDays{all.days() > 0 ? all.first : 0, std::move(seen)};
}

bool days_of_times(const std::int64_t* times, std::size_t rows, std::int64_t per_second, std::int64_t* days) {
    constexpr std::int64_t day = 86400;
    if (per_second == 1)
        floor_days<day>(times, rows, days);
    else if (per_second == 1000)
        floor_days<day * 1000>(times, rows, days);
    else if (per_second == 1000000)
        floor_days<day * 1000000>(times, rows, days);
    else if (per_second == 1000000000)
        floor_days<day * 1000000000>(times, rows, days);
    else
        return false;
    return true;
}

void take_by_day(const DayTable& table, const std::int64_t* days, const std::int32_t* code, std::size_t rows,
                 std::int64_t* out) {
    const Place place(table.first, table.places);
    if (code == nullptr) {
        for (std::size_t i = 0; i < rows; ++i) out[i] = table.values[place(days[i])];
        return;
    }
    check_keys(code, 0, rows, table.codes);
    const auto outside = [&](std::int64_t hour) { return hour < 0 || static_cast<std::size_t>(hour) >= table.hours; };
    if (std::any_of(table.hour, table.hour + table.codes, outside)) throw Error("hour: outside of the table");
    for (std::size_t i = 0; i < rows; ++i)
        out[i] = table.values[place(days[i]) * table.hours + static_cast<std::size_t>(table.hour[code[i]])];
}

}  // namespace gexcore
