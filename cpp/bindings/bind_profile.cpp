// GammaProfile and GreekProfile: contracts prepared once, sums of greeks read at any spots.
#include "gexcore/profile.hpp"

#include <cmath>

#include "gexcore/greek_profile.hpp"
#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr double kWidestRange = 10.0;  // in log spot; an infinite grid would never end

// Contracts to be re-priced at other spots, and the signed weight of each.
struct Book {
    ContractArguments contracts;
    ColumnArgument<double> weight;

    Book(py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate, py::handle dividend_yield,
         py::handle is_call, py::handle signed_weight)
        : contracts(py::float_(1.0), strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call),
          weight(signed_weight, "weight") {
        if (weight.scalar()) throw Error("weight: is a single number. Hint: pass one signed weight per contract");
        common_rows(contracts.strike, contracts.time_to_expiry, contracts.implied_vol, contracts.rate, contracts.dividend_yield,
                    contracts.is_call, weight);
    }

    Contracts columns() const { return contracts.contracts(weight.rows()); }
    const double* weights() const { return weight.column().data; }
};

GammaProfile prepare(py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                     py::handle dividend_yield, py::handle weight, py::handle threads) {
    const py::bool_ any_type(true);
    const Book book(strike, time_to_expiry, implied_vol, rate, dividend_yield, any_type, weight);
    std::optional<GammaProfile> profile;
    const Execution execution = execution_of(threads);
    run(book.weight.rows() >= 2000, [&] { profile.emplace(book.columns(), book.weights(), execution); });
    return std::move(*profile);
}

// Spots as a checked column: positive, finite, and ascending where a grid is needed.
struct Spots {
    ColumnArgument<double> column;
    const double* data;
    std::size_t count;

    Spots(py::handle spots, bool ascending) : column(spots, "spots") {
        if (column.scalar()) throw Error("spots: is a single number. Hint: pass a one-dimensional array");
        data = column.column().data;
        count = static_cast<std::size_t>(column.rows());
        for (std::size_t j = 0; j < count; ++j) {
            if (!(data[j] > 1e-290 && data[j] < 1e290)) refuse(j, "spots are positive and finite");
            if (ascending && j > 0 && !(data[j] > data[j - 1])) refuse(j, "spots ascend strictly");
        }
    }

private:
    [[noreturn]] void refuse(std::size_t row, const std::string& hint) const {
        throw Error("spots: row " + std::to_string(row) + " has " + std::to_string(data[row]) + ". Hint: " + hint);
    }
};

py::array_t<double> evaluate(const GammaProfile& profile, py::handle spots, py::handle threads) {
    const Spots grid(spots, false);
    py::array_t<double> result(static_cast<py::ssize_t>(grid.count));
    double* out = result.mutable_data();
    const Execution execution = execution_of(threads);
    run(profile.rows() * grid.count > 20000, [&] { profile.evaluate(grid.data, grid.count, out, nullptr, execution); });
    return result;
}

GreekProfile prepare_greeks(py::handle strike, py::handle time_to_expiry, py::handle implied_vol, py::handle rate,
                            py::handle dividend_yield, py::handle is_call, py::handle weight, std::uint32_t which,
                            py::handle threads) {
    checked_set(which);
    const Book book(strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call, weight);
    std::optional<GreekProfile> profile;
    const Execution execution = execution_of(threads);
    run(book.weight.rows() >= 2000, [&] { profile.emplace(book.columns(), book.weights(), which, execution); });
    return std::move(*profile);
}

// One row per greek of the set, in the order of gexcore::Greek, one column per spot.
py::array_t<double> evaluate_greeks(const GreekProfile& profile, py::handle spots, py::handle threads) {
    const Spots grid(spots, false);
    const auto width = static_cast<py::ssize_t>(grid.count);
    py::array_t<double> result({static_cast<py::ssize_t>(checked_set(profile.which())), width});
    double* row = result.mutable_data();
    double* out[greek_count] = {};
    for (std::uint32_t g = 0; g < greek_count; ++g)
        if (profile.which() & (1u << g)) {
            out[g] = row;
            row += width;
        }
    const Execution execution = execution_of(threads);
    run(profile.rows() * grid.count > 5000, [&] { profile.evaluate(grid.data, grid.count, out, execution); });
    return result;
}

py::array_t<double> search_grid(const GammaProfile& profile, double spot, double half_range) {
    if (!(spot > 1e-290 && spot < 1e290)) throw Error("spot: is " + std::to_string(spot) + ". Hint: positive and finite");
    if (!(half_range >= 0.0 && half_range <= kWidestRange))
        throw Error("half_range: is " + std::to_string(half_range) + ". Hint: from 0 to 10, in log spot");
    const std::vector<double> spots = profile.search_grid(spot, half_range);
    return py::array_t<double>(static_cast<py::ssize_t>(spots.size()), spots.data());
}

// Rows (spot, slope, upward, error).
py::list crossings(const GammaProfile& profile, py::handle spots, py::handle gamma, bool polish, py::handle threads) {
    const Spots grid(spots, true);
    const ColumnArgument<double> values(gamma, "gamma");
    common_rows(grid.column, values);
    if (values.scalar()) throw Error("gamma: is a single number. Hint: pass the profile at the spots");
    std::vector<Crossing> found;
    const Execution execution = execution_of(threads);
    run(profile.rows() > 1000,
        [&] { found = profile.crossings(grid.data, values.column().data, grid.count, polish, execution); });
    py::list rows;
    for (const Crossing& crossing : found)
        rows.append(py::make_tuple(crossing.spot, crossing.slope, crossing.upward, crossing.error));
    return rows;
}

}  // namespace

void bind_profile(py::module_& module) {
    py::class_<GreekProfile>(module, "GreekProfile")
        .def(py::init(&prepare_greeks), py::arg("strike"), py::arg("time_to_expiry"), py::arg("implied_vol"), py::arg("rate"),
             py::arg("dividend_yield"), py::arg("is_call"), py::arg("weight"), py::arg("which"),
             py::arg("threads") = py::none())
        .def("evaluate", &evaluate_greeks, py::arg("spots"), py::arg("threads") = py::none());
    py::class_<GammaProfile>(module, "GammaProfile")
        .def(py::init(&prepare), py::arg("strike"), py::arg("time_to_expiry"), py::arg("implied_vol"), py::arg("rate"),
             py::arg("dividend_yield"), py::arg("weight"), py::arg("threads") = py::none())
        .def("evaluate", &evaluate, py::arg("spots"), py::arg("threads") = py::none())
        .def("search_grid", &search_grid, py::arg("spot"), py::arg("half_range"))
        .def("crossings", &crossings, py::arg("spots"), py::arg("gamma"), py::arg("polish") = true,
             py::arg("threads") = py::none());
}

}  // namespace gexcore::bindings
