// implied_vol(): vols and, if asked, one status byte per row.
#include "gexcore/implied_vol.hpp"

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 1000;  // rows of about 20 ns

py::object solve(py::handle price, py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle rate,
                 py::handle dividend_yield, py::handle is_call, bool return_status, py::handle threads) {
    const py::float_ no_vol(1.0);
    const ColumnArgument<double> prices(price, "price");
    const ContractArguments arguments(spot, strike, time_to_expiry, no_vol, rate, dividend_yield, is_call);
    const py::ssize_t rows = common_rows(prices, arguments.spot, arguments.strike, arguments.time_to_expiry, arguments.rate,
                                         arguments.dividend_yield, arguments.is_call);
    const py::ssize_t n = rows < 0 ? 1 : rows;
    py::array_t<double> vol(n);
    py::array_t<std::uint8_t> status(return_status ? n : 0);
    double* out = vol.mutable_data();
    std::uint8_t* codes = return_status ? status.mutable_data() : nullptr;
    const Execution execution = execution_of(threads);
    run(n >= kWorthReleasing, [&] { implied_vol(arguments.contracts(n), prices.column(), out, codes, execution); });
    if (rows < 0 && return_status) return py::make_tuple(out[0], codes[0]);
    if (rows < 0) return py::float_(out[0]);
    return return_status ? py::object(py::make_tuple(vol, status)) : py::object(vol);
}

}  // namespace

void bind_implied_vol(py::module_& module) {
    py::tuple names(std::size(vol_status_names));
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = py::str(vol_status_names[i]);
    module.attr("VOL_STATUS") = names;
    module.def("implied_vol", &solve, py::arg("price"), py::arg("spot"), py::arg("strike"), py::arg("time_to_expiry"),
               py::arg("rate"), py::arg("dividend_yield"), py::arg("is_call"), py::arg("return_status"), py::arg("threads"));
}

}  // namespace gexcore::bindings
