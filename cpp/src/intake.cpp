// Columns of a chain, one pass per question; no branches on what a row holds.
#include "gexcore/intake.hpp"

#include <algorithm>
#include <cmath>

#include "blocks.hpp"
#include "gexcore/error.hpp"

namespace gexcore {
namespace {

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
    std::int64_t first = INT64_MAX, last = INT64_MIN;
    for (std::size_t i = 0; i < rows; ++i) {
        first = std::min(first, days[i] == not_a_day ? INT64_MAX : days[i]);
        last = std::max(last, days[i]);
    }
    if (last == not_a_day) first = 1, last = 0;  // no day at all
    const std::uint64_t reach = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) + 1;
    if (reach > widest) return std::nullopt;
    SeenDays found{first, std::vector<std::uint8_t>(reach + 1)};
    const Place place(first, reach + 1);
    for (std::size_t i = 0; i < rows; ++i) found.seen[place(days[i])] = 1;
    return found;
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
