// What columns become on their way into a chain: a status per row, values by day.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "gexcore/contracts.hpp"

namespace gexcore {

// Numbers of a row that decide whether it can be used.
struct IntakeColumns {
    std::size_t rows = 0;
    Column<double> strike, multiplier, time_to_expiry, implied_vol, open_interest;
};

// `bad`: strike or multiplier not in (0, inf), time not finite, vol or size negative or infinite. `expired`: time <= 0.
// `no_vol`: vol is not above 0. The first that holds counts, in this order.
struct StatusCodes {
    std::uint8_t bad, expired, no_vol, used;
};

void row_status(const IntakeColumns& columns, const StatusCodes& codes, std::uint8_t* out);

// Days since 1970; the least of all numbers is no day.
constexpr std::int64_t not_a_day = INT64_MIN;

// The days on which moments fall, counted from 1970 in seconds or parts of one: 1, 1000, 1e6 or 1e9 per second. False for any
// other.
bool days_of_times(const std::int64_t* times, std::size_t rows, std::int64_t per_second, std::int64_t* days);

// Place 0 is that of `not_a_day`, place p that of day first + p - 1.
struct SeenDays {
    std::int64_t first = 0;
    std::vector<std::uint8_t> seen;  // by place, 1 if a row has it
};

// Nothing if the days reach further than `widest`, so that a table of them would not pay.
std::optional<SeenDays> see_days(const std::int64_t* days, std::size_t rows, std::uint64_t widest);

// A table by place, or with codes by place and `hour`: table[place * hours + hour[code]].
struct DayTable {
    std::int64_t first = 0;
    std::size_t places = 1;
    const std::int64_t* values = nullptr;  // any eight bytes
    std::size_t hours = 1;
    const std::int64_t* hour = nullptr;  // of each code
    std::size_t codes = 0;
};

// Values of the rows' days. `code` may be null if the table has no hours. Throws Error for a code or an hour out of range; a
// day outside of the table gets what `not_a_day` gets.
void take_by_day(const DayTable& table, const std::int64_t* days, const std::int32_t* code, std::size_t rows,
                 std::int64_t* out);

}  // namespace gexcore
