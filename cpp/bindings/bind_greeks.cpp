// greeks(): one (k, n) buffer, row j holds the j-th asked greek in the order of gexcore::Greek.
#include "gexcore/greeks.hpp"

#include "fast_call.hpp"
#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 2000;  // rows of about 10 ns

std::uint32_t set_of(py::handle which) {
    const unsigned long bits = PyLong_AsUnsignedLong(which.ptr());
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    checked_set(bits >> greek_count == 0 ? static_cast<std::uint32_t>(bits) : 0);
    return static_cast<std::uint32_t>(bits);
}

py::object greeks(py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                  py::handle dividend_yield, py::handle is_call, py::handle which, py::handle out, py::handle threads) {
    const std::uint32_t set = set_of(which);
    const ContractArguments arguments(spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call);
    const py::ssize_t rows = arguments.rows();
    const py::ssize_t count = __builtin_popcount(set), n = rows < 0 ? 1 : rows;
    const Shape shape{rows < 0 ? 1 : 2, {count, rows}};
    if (!out.is_none()) {
        check_output(out, shape);
        arguments.refuse_overlap_with(data_of(out), static_cast<std::size_t>(count * n));
    }
    py::object result = out.is_none() ? new_array(shape) : py::reinterpret_borrow<py::object>(out);
    double* target[greek_count] = {};
    double* data = data_of(result);
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (set & (1u << g)) {
            target[g] = data;
            data += n;
        }
    const Execution execution = execution_of(threads);
    run(n >= kWorthReleasing, [&] { compute_greeks(arguments.contracts(n), set, target, execution); });
    return result;
}

}  // namespace

void bind_greeks(py::module_& module) {
    py::tuple names(greek_count);
    for (std::uint32_t g = 0; g < greek_count; ++g) names[g] = py::str(greek_names[g]);
    module.attr("GREEKS") = names;
    static PyMethodDef definition;
    add_fast_call<&greeks>(module, definition, "greeks",
                           "greeks($module, spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call, which, "
                           "out, threads, /)\n--\n\n");
}

}  // namespace gexcore::bindings
