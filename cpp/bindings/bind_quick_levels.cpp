// quick_levels(): a book's levels as plain numbers; at_the_money_vol(), which it needs.
#include "gexcore/quick_levels.hpp"

#include <cmath>

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 1000;

using Integers = py::array_t<std::int32_t, py::array::c_style>;
using Flags = py::array_t<bool, py::array::c_style>;

// A column numbered by Chain.codes.
struct CodesArgument {
    Integers code;
    ColumnArgument<double> values;

    CodesArgument(const Integers& given, py::handle distinct, const char* name, py::ssize_t rows)
        : code(given), values(distinct, name) {
        if (code.ndim() != 1 || code.size() != rows || values.scalar())
            throw Error(std::string(name) +
                        ": one int32 code per contract and an array of values are needed. Hint: Chain.codes");
    }

    Codes codes() const { return {code.data(), values.column().data, static_cast<std::size_t>(values.rows())}; }
};

// None if no row is usable.
py::object at_the_money(py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                        py::handle dividend_yield, const Flags& usable, const Integers& codes, py::handle times,
                        double horizon) {
    const py::bool_ any_type(true);
    const ContractArguments arguments(spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, any_type);
    const py::ssize_t rows = usable.size();
    const CodesArgument by_time(codes, times, "times", rows);
    if (arguments.rows() != rows) throw Error("usable: one flag per contract is needed. Hint: chain.status == USED");
    const double vol = at_the_money_vol(arguments.contracts(rows), reinterpret_cast<const std::uint8_t*>(usable.data()),
                                        by_time.codes(), horizon);
    return std::isnan(vol) ? py::object(py::none()) : py::float_(vol);
}

py::tuple row_of(const Wall& wall) {
    return py::make_tuple(wall.best, wall.value, wall.second, wall.margin);
}

py::tuple quick(py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                py::handle dividend_yield, py::handle is_call, py::handle weight, double scale, const Integers& codes,
                py::handle strikes, py::handle vol, bool gross, bool gated, py::handle threads) {
    const ContractArguments arguments(spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call);
    const ColumnArgument<double> weights(weight, "weight");
    const py::ssize_t rows = arguments.rows();
    if (rows < 0 || weights.rows() != rows) throw Error("weight: one per contract is needed. Hint: pass arrays of one length");
    const CodesArgument by_strike(codes, strikes, "strikes", rows);
    const double at_the_money = vol.is_none() ? std::nan("") : vol.cast<double>();
    const Execution execution = execution_of(threads);
    QuickLevels found;
    run(rows >= kWorthReleasing, [&] {
        found = quick_levels(arguments.contracts(rows), weights.column().data, scale, by_strike.codes(), at_the_money,
                             {gross, gated}, execution);
    });
    py::list crossings;
    for (const Crossing& crossing : found.crossings)
        crossings.append(py::make_tuple(crossing.spot, crossing.slope, crossing.upward));
    return py::make_tuple(found.net, found.gross, zero_status_names[static_cast<int>(found.status)], found.low, found.high,
                          crossings, found.nearest, row_of(found.call_wall), row_of(found.put_wall),
                          regime_names[static_cast<int>(found.regime)]);
}

}  // namespace

void bind_quick_levels(py::module_& module) {
    module.def("at_the_money_vol", &at_the_money, py::arg("spot"), py::arg("strike"), py::arg("time_to_expiry"),
               py::arg("implied_vol"), py::arg("rate"), py::arg("dividend_yield"), py::arg("usable").noconvert(),
               py::arg("codes").noconvert(), py::arg("times"), py::arg("horizon"));
    module.def("quick_levels", &quick, py::arg("spot"), py::arg("strike"), py::arg("time_to_expiry"), py::arg("implied_vol"),
               py::arg("rate"), py::arg("dividend_yield"), py::arg("is_call"), py::arg("weight"), py::arg("scale"),
               py::arg("codes").noconvert(), py::arg("strikes"), py::arg("at_the_money_vol").none(true), py::arg("gross"),
               py::arg("gated"), py::arg("threads").none(true));
}

}  // namespace gexcore::bindings
