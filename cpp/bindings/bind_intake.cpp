// Columns on their way into a chain: status of each row, values by day.
#include "gexcore/intake.hpp"

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 20000;  // rows of about a nanosecond

using Int64 = py::array_t<std::int64_t, py::array::c_style>;
using Int32 = py::array_t<std::int32_t, py::array::c_style>;

py::array_t<std::uint8_t> status(py::handle strike, py::handle multiplier, py::handle time_to_expiry, py::handle implied_vol,
                                 py::handle open_interest, std::uint8_t bad, std::uint8_t expired, std::uint8_t no_vol,
                                 std::uint8_t used) {
    const ColumnArgument<double> strikes(strike, "strike"), multipliers(multiplier, "multiplier"),
        years(time_to_expiry, "time_to_expiry"), vols(implied_vol, "implied_vol"), sizes(open_interest, "open_interest");
    const py::ssize_t rows = common_rows(strikes, multipliers, years, vols, sizes);
    if (rows < 0) throw Error("strike: is a single number. Hint: pass a one-dimensional array");
    py::array_t<std::uint8_t> result(rows);
    std::uint8_t* out = result.mutable_data();
    const IntakeColumns columns{
        static_cast<std::size_t>(rows), strikes.column(), multipliers.column(), years.column(), vols.column(), sizes.column()};
    run(rows >= kWorthReleasing, [&] { row_status(columns, {bad, expired, no_vol, used}, out); });
    return result;
}

template <typename Array>
Array checked(py::handle column, const char* name) {
    if (!py::isinstance<Array>(column)) throw Error(std::string(name) + ": has another type or layout than the core reads");
    Array array = py::reinterpret_borrow<Array>(column);
    if (array.ndim() != 1) throw Error(std::string(name) + ": has " + std::to_string(array.ndim()) + " dimensions, not one");
    return array;
}

Int64 days_of(py::handle column, std::int64_t per_second) {
    const Int64 times = checked<Int64>(column, "times");
    const std::int64_t* data = times.data();
    const py::ssize_t rows = times.size();
    Int64 days(rows);
    std::int64_t* out = days.mutable_data();
    bool known = false;
    run(rows >= kWorthReleasing, [&] { known = days_of_times(data, static_cast<std::size_t>(rows), per_second, out); });
    if (!known) throw Error("per_second: is not 1, a thousand, a million or a billion");
    return days;
}

// The first day and which places are seen; None if the days reach too far.
py::object days_seen(py::handle column, std::uint64_t widest) {
    const Int64 days = checked<Int64>(column, "days");
    const std::int64_t* data = days.data();
    const py::ssize_t rows = days.size();
    std::optional<SeenDays> found;
    run(rows >= kWorthReleasing, [&] { found = see_days(data, static_cast<std::size_t>(rows), widest); });
    if (!found) return py::none();
    return py::make_tuple(found->first,
                          py::array_t<std::uint8_t>(static_cast<py::ssize_t>(found->seen.size()), found->seen.data()));
}

Int64 by_day(py::handle column, std::int64_t first, const Int64& table, py::handle code, py::handle hour) {
    const Int64 days = checked<Int64>(column, "days");
    if (table.ndim() != 2 || table.shape(0) < 1 || table.shape(1) < 1) throw Error("table: places and hours are needed");
    DayTable known{
        first, static_cast<std::size_t>(table.shape(0)), table.data(), static_cast<std::size_t>(table.shape(1)), nullptr, 0};
    const py::ssize_t rows = days.size();
    Int32 codes;
    Int64 hours;
    if (!code.is_none()) {
        codes = checked<Int32>(code, "code");
        hours = checked<Int64>(hour, "hour");
        if (codes.size() != rows) throw Error("code: one per day is needed");
        known.hour = hours.data();
        known.codes = static_cast<std::size_t>(hours.size());
    } else if (table.shape(1) != 1) {
        throw Error("table: has hours, but the rows have no codes of them");
    }
    Int64 result(rows);
    const std::int32_t* of_row = code.is_none() ? nullptr : codes.data();
    const std::int64_t* data = days.data();
    std::int64_t* out = result.mutable_data();
    run(rows >= kWorthReleasing, [&] { take_by_day(known, data, of_row, static_cast<std::size_t>(rows), out); });
    return result;
}

}  // namespace

void bind_intake(py::module_& module) {
    module.def("row_status", &status, py::arg("strike"), py::arg("multiplier"), py::arg("time_to_expiry"),
               py::arg("implied_vol"), py::arg("open_interest"), py::arg("bad"), py::arg("expired"), py::arg("no_vol"),
               py::arg("used"));
    module.def("days_of_times", &days_of, py::arg("times"), py::arg("per_second"));
    module.def("days_seen", &days_seen, py::arg("days"), py::arg("widest"));
    module.def("take_by_day", &by_day, py::arg("days"), py::arg("first"), py::arg("table").noconvert(),
               py::arg("code").none(true), py::arg("hour").none(true));
}

}  // namespace gexcore::bindings
