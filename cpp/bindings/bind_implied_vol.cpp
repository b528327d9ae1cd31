// implied_vol(): vols and, if asked, one status byte per row.
#include "gexcore/implied_vol.hpp"

#include "fast_call.hpp"
#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 1000;  // rows of about 20 ns

py::object solve(py::handle price, py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle rate,
                 py::handle dividend_yield, py::handle is_call, py::handle return_status, py::handle threads) {
    const py::float_ no_vol(1.0);
    const bool with_status = PyObject_IsTrue(return_status.ptr()) == 1;
    const ColumnArgument<double> prices(price, "price");
    const ContractArguments arguments(spot, strike, time_to_expiry, no_vol, rate, dividend_yield, is_call);
    const py::ssize_t rows = common_rows(prices, arguments.spot, arguments.strike, arguments.time_to_expiry, arguments.rate,
                                         arguments.dividend_yield, arguments.is_call);
    const Execution execution = execution_of(threads);
    if (rows < 0) {
        double vol;
        std::uint8_t code;
        run(false, [&] { implied_vol(arguments.contracts(1), prices.column(), &vol, &code, execution); });
        return with_status ? py::object(py::make_tuple(vol, code)) : py::object(py::float_(vol));
    }
    const py::object vol = new_array({1, {rows, 0}});
    py::array_t<std::uint8_t> status(with_status ? rows : 0);
    double* out = data_of(vol);
    std::uint8_t* codes = with_status ? status.mutable_data() : nullptr;
    run(rows >= kWorthReleasing, [&] { implied_vol(arguments.contracts(rows), prices.column(), out, codes, execution); });
    return with_status ? py::object(py::make_tuple(vol, status)) : vol;
}

}  // namespace

void bind_implied_vol(py::module_& module) {
    py::tuple names(std::size(vol_status_names));
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = py::str(vol_status_names[i]);
    module.attr("VOL_STATUS") = names;
    static PyMethodDef definition;
    add_fast_call<&solve>(module, definition, "implied_vol",
                          "implied_vol($module, price, spot, strike, time_to_expiry, rate, dividend_yield, is_call, "
                          "return_status, threads, /)\n--\n\n");
}

}  // namespace gexcore::bindings
