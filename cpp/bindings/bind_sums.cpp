// Sums in row order: total, total of absolute values, by key.
#include "gexcore/sums.hpp"

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

py::array_t<double> by_key(py::handle values, const py::array_t<std::int32_t, py::array::c_style>& keys, py::ssize_t count,
                           py::handle threads) {
    const ColumnArgument<double> column(values, "values");
    const std::size_t rows = column_rows(column);
    if (keys.ndim() != 1 || static_cast<std::size_t>(keys.size()) != rows)
        throw Error("keys: one int32 code per value is needed. Hint: codes = np.unique(x, return_inverse=True)[1]");
    if (count < 0) throw Error("count: must not be negative. Hint: pass the number of different keys");
    py::array_t<double> result(count);
    const std::int32_t* codes = keys.data();
    double* out = result.mutable_data();
    const Execution execution = execution_of(threads);
    run(column.rows() >= kWorthReleasing,
        [&] { sum_by(column.column().data, codes, rows, static_cast<std::size_t>(count), out, execution); });
    return result;
}

}  // namespace

void bind_sums(py::module_& module) {
    module.def("sum", &total<&gexcore::sum>, py::arg("values"), py::arg("threads") = py::none());
    module.def("sum_abs", &total<&gexcore::sum_abs>, py::arg("values"), py::arg("threads") = py::none());
    module.def("sum_by", &by_key, py::arg("values"), py::arg("keys").noconvert(), py::arg("count"),
               py::arg("threads") = py::none());
}

}  // namespace gexcore::bindings
