// Sums in row order: total, total of absolute values, by key.
#include "gexcore/sums.hpp"

#include "gexcore/gamma_sums.hpp"
#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 50000;

// A sum needs a column, not a number.
std::size_t column_rows(const ColumnArgument<double>& values) {
    if (values.scalar()) throw Error("values: is a single number. Hint: pass a one-dimensional array");
    return static_cast<std::size_t>(values.rows());
}

template <double (*Sum)(const double*, std::size_t, const Execution&)>
double total(py::handle values, py::handle threads) {
    const ColumnArgument<double> column(values, "values");
    const std::size_t rows = column_rows(column);
    const Execution execution = execution_of(threads);
    double result = 0.0;
    run(column.rows() >= kWorthReleasing, [&] { result = Sum(column.column().data, rows, execution); });
    return result;
}

using Codes = py::array_t<std::int32_t, py::array::c_style>;

void check_codes(const Codes& codes, const std::string& name, std::size_t rows, py::ssize_t count) {
    if (codes.ndim() != 1 || static_cast<std::size_t>(codes.size()) != rows)
        throw Error(name + ": one int32 code per value is needed. Hint: codes = np.unique(x, return_inverse=True)[1]");
    if (count < 0) throw Error("count: must not be negative. Hint: pass the number of different keys");
}

py::array_t<double> by_key(py::handle values, const Codes& keys, py::ssize_t count, py::handle threads) {
    const ColumnArgument<double> column(values, "values");
    const std::size_t rows = column_rows(column);
    check_codes(keys, "keys", rows, count);
    py::array_t<double> result(count);
    const std::int32_t* codes = keys.data();
    double* out = result.mutable_data();
    const Execution execution = execution_of(threads);
    run(column.rows() >= kWorthReleasing,
        [&] { sum_by(column.column().data, codes, rows, static_cast<std::size_t>(count), out, execution); });
    return result;
}

// Row 0 net, row 1 gross; then both over all rows.
py::tuple gamma_by_key(py::handle spot, py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                       py::handle dividend_yield, py::handle weight, double scale, const Codes& codes, py::ssize_t count,
                       py::handle threads) {
    const py::bool_ any_type(true);
    const ContractArguments arguments(spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, any_type);
    const ColumnArgument<double> weights(weight, "weight");
    if (weights.scalar()) throw Error("weight: is a single number. Hint: pass one signed weight per contract");
    common_rows(weights, arguments.spot, arguments.strike, arguments.time_to_expiry, arguments.implied_vol, arguments.rate,
                arguments.dividend_yield);
    const py::ssize_t rows = weights.rows();
    check_codes(codes, "codes", static_cast<std::size_t>(rows), count);
    py::array_t<double> result(std::vector<py::ssize_t>{2, count});
    double* net = result.mutable_data();
    const std::int32_t* code = codes.data();
    const Execution execution = execution_of(threads);
    NetGross total;
    run(rows >= kWorthReleasing / 4, [&] {
        total = gamma_sums(arguments.contracts(rows), weights.column().data, scale, code, static_cast<std::size_t>(count), net,
                           net + count, execution);
    });
    return py::make_tuple(result, total.net, total.gross);
}

}  // namespace

void bind_sums(py::module_& module) {
    module.def("sum", &total<&gexcore::sum>, py::arg("values"), py::arg("threads") = py::none());
    module.def("sum_abs", &total<&gexcore::sum_abs>, py::arg("values"), py::arg("threads") = py::none());
    module.def("sum_by", &by_key, py::arg("values"), py::arg("keys").noconvert(), py::arg("count"),
               py::arg("threads") = py::none());
    module.def("gamma_sums", &gamma_by_key, py::arg("spot"), py::arg("strike"), py::arg("time_to_expiry"),
               py::arg("implied_vol"), py::arg("rate"), py::arg("dividend_yield"), py::arg("weight"), py::arg("scale"),
               py::arg("codes").noconvert(), py::arg("count"), py::arg("threads") = py::none());
}

}  // namespace gexcore::bindings
