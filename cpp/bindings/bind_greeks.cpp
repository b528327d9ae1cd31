// greeks(): one (k, n) buffer, row j holds the j-th asked greek in the order of gexcore::Greek.
#include "gexcore/greeks.hpp"

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 2000;  // rows of about 10 ns

py::object greeks(py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                  py::handle dividend_yield, py::handle is_call, std::uint32_t which, py::handle out, py::handle threads) {
    const auto count = static_cast<py::ssize_t>(checked_set(which));
    const ContractArguments arguments(spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call);
    const py::ssize_t rows = arguments.rows();
    const bool scalar = rows < 0;
    const std::vector<py::ssize_t> shape = scalar ? std::vector{count} : std::vector{count, rows};
    const py::ssize_t n = scalar ? 1 : rows;

    const py::object result = out.is_none() ? py::object(py::array_t<double>(shape)) : py::reinterpret_borrow<py::object>(out);
    double* data = checked_output(result, shape);
    if (!out.is_none()) arguments.refuse_overlap_with(data, static_cast<std::size_t>(count * n));
    double* target[greek_count] = {};
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (which & (1u << g)) {
            target[g] = data;
            data += n;
        }
    const Execution execution = execution_of(threads);
    run(n >= kWorthReleasing, [&] { compute_greeks(arguments.contracts(n), which, target, execution); });
    return result;
}

}  // namespace

void bind_greeks(py::module_& module) {
    py::tuple names(greek_count);
    for (std::uint32_t g = 0; g < greek_count; ++g) names[g] = py::str(greek_names[g]);
    module.attr("GREEKS") = names;
    module.def("greeks", &greeks, py::arg("spot"), py::arg("strike"), py::arg("time_to_expiry"), py::arg("implied_vol"),
               py::arg("rate"), py::arg("dividend_yield"), py::arg("is_call"), py::arg("which"), py::arg("out").none(true),
               py::arg("threads").none(true));
}

}  // namespace gexcore::bindings
