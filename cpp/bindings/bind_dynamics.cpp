// Vols that move with spot: the vols themselves, and sums over contracts re-priced with them.
#include "gexcore/dynamics.hpp"

#include <cmath>
#include <utility>

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kSmileColumns = 8;

// The columns of SmileColumns one after the other, each as long as the chain; None for no smile.
struct Dynamics {
    std::optional<ColumnArgument<double>> smile;
    VolDynamics dynamics;

    Dynamics(py::handle columns, double shift, double per_log_spot, double relative, double spot, py::ssize_t rows) {
        dynamics = {{}, shift, per_log_spot, relative, spot};
        for (const double number : {shift, per_log_spot, relative})
            if (!std::isfinite(number)) throw Error("dynamics: a parameter is not a finite number");
        if (!(spot > 1e-290 && spot < 1e290)) throw Error("spot: is " + std::to_string(spot) + ". Hint: positive and finite");
        if (columns.is_none()) {
            if (shift != 0.0) throw Error("smile: is None, but vols follow moneyness. Hint: fit_smiles(chain)");
            return;
        }
        smile.emplace(columns, "smile");
        if (smile->rows() != kSmileColumns * rows)
            throw Error("smile: " + std::to_string(smile->rows()) + " values. Hint: 8 columns, each as long as the chain");
        const double* at = smile->column().data;
        const auto next = [&] { return std::exchange(at, at + rows); };
        auto& s = dynamics.smile;
        for (const double** column :
             {&s.moneyness, &s.inverse_width, &s.level, &s.slope, &s.curvature, &s.low, &s.high, &s.floor})
            *column = next();
    }
};

py::ssize_t rows_of(const ColumnArgument<double>& column) {
    if (column.scalar()) throw Error(std::string(column.name()) + ": is a single number. Hint: pass one per contract");
    return column.rows();
}

// Two rows: vols at a spot, and their derivatives in ln spot.
py::array_t<double> move(py::handle implied_vol, py::handle smile, double shift, double per_log_spot, double relative,
                         double spot, double at, py::handle threads) {
    const py::float_ any(1.0);
    const ContractArguments contracts(any, any, any, implied_vol, any, any, py::bool_(true));
    const py::ssize_t rows = rows_of(contracts.implied_vol);
    const Dynamics how(smile, shift, per_log_spot, relative, spot, rows);
    if (!(at > 1e-290 && at < 1e290)) throw Error("at: is " + std::to_string(at) + ". Hint: a spot is positive and finite");
    py::array_t<double> result({py::ssize_t{2}, rows});
    double* out = result.mutable_data();
    const Execution execution = execution_of(threads);
    run(rows > 10000, [&] { move_vols(contracts.contracts(rows), how.dynamics, at, out, out + rows, execution); });
    return result;
}

// One row per greek of `which`, then effective gamma if asked; one column per spot.
py::array_t<double> sweep(py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                          py::handle dividend_yield, py::handle is_call, py::handle weight, py::handle smile, double shift,
                          double per_log_spot, double relative, double spot, py::handle spots, std::uint32_t which,
                          bool effective_gamma, py::handle threads) {
    const ContractArguments contracts(py::float_(1.0), strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call);
    const ColumnArgument<double> weights(weight, "weight"), grid(spots, "spots");
    const py::ssize_t rows = rows_of(weights), width = rows_of(grid);
    common_rows(contracts.strike, contracts.time_to_expiry, contracts.implied_vol, contracts.rate, contracts.dividend_yield,
                contracts.is_call, weights);
    const Dynamics how(smile, shift, per_log_spot, relative, spot, rows);
    const double* at = grid.column().data;
    for (py::ssize_t j = 0; j < width; ++j)
        if (!(at[j] > 1e-290 && at[j] < 1e290))
            throw Error("spots: row " + std::to_string(j) + " has " + std::to_string(at[j]) + ". Hint: positive and finite");
    py::array_t<double> result({static_cast<py::ssize_t>(checked_set(which)) + effective_gamma, width});
    double* row = result.mutable_data();
    double* out[greek_count] = {};
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (which & (1u << g)) out[g] = std::exchange(row, row + width);
    double* effective = effective_gamma ? row : nullptr;
    const Execution execution = execution_of(threads);
    run(rows * width > 2000, [&] {
        sweep_dynamics(contracts.contracts(rows), weights.column().data, how.dynamics, at, static_cast<std::size_t>(width),
                       which, out, effective, execution);
    });
    return result;
}

}  // namespace

void bind_dynamics(py::module_& module) {
    module.def("move_vols", &move, py::arg("implied_vol"), py::arg("smile").none(true), py::arg("shift"),
               py::arg("per_log_spot"), py::arg("relative"), py::arg("spot"), py::arg("at"), py::arg("threads") = py::none());
    module.def("sweep_dynamics", &sweep, py::arg("strike"), py::arg("time_to_expiry"), py::arg("implied_vol"), py::arg("rate"),
               py::arg("dividend_yield"), py::arg("is_call"), py::arg("weight"), py::arg("smile").none(true), py::arg("shift"),
               py::arg("per_log_spot"), py::arg("relative"), py::arg("spot"), py::arg("spots"), py::arg("which"),
               py::arg("effective_gamma"), py::arg("threads") = py::none());
}

}  // namespace gexcore::bindings
