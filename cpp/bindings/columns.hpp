// Checked views of Python arguments: numbers and arrays in, no silent copies or conversions, errors that name the column.
#pragma once
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gexcore/contracts.hpp"
#include "gexcore/error.hpp"
#include "gexcore/execution.hpp"

namespace gexcore::bindings {

namespace py = pybind11;

// One argument: a number that holds for every row, or an array of `rows` values that this object keeps alive.
template <typename T>
class ColumnArgument {
public:
    ColumnArgument() = default;
    ColumnArgument(py::handle argument, const char* name);
    ColumnArgument(const ColumnArgument&) = delete;
    ColumnArgument& operator=(const ColumnArgument&) = delete;

    bool scalar() const { return rows_ < 0; }
    py::ssize_t rows() const { return rows_; }
    const char* name() const { return name_; }
    Column<T> column() const { return {scalar() ? &value_ : data_, scalar()}; }
    const void* begin() const { return scalar() ? nullptr : data_; }
    const void* end() const { return scalar() ? nullptr : data_ + rows_; }

private:
    const char* name_ = "";
    T value_{};
    const T* data_ = nullptr;
    py::ssize_t rows_ = -1;
    py::object owner_;
};

// The number of rows that all arrays agree on; -1 if every argument is a number. Throws Error naming both columns otherwise.
template <typename... Columns>
py::ssize_t common_rows(const Columns&... columns) {
    py::ssize_t rows = -1;
    const char* first = "";
    const auto check = [&](py::ssize_t n, const char* name) {
        if (n < 0) return;
        if (rows >= 0 && n != rows)
            throw Error(std::string(name) + ": " + std::to_string(n) + " rows, but " + first + " has " + std::to_string(rows) +
                        ". Hint: give arrays of one length, or single numbers");
        rows = n;
        first = name;
    };
    (check(columns.rows(), columns.name()), ...);
    return rows;
}

// A float64 array of exactly `shape`, C-contiguous, aligned and writable, that overlaps none of the inputs.
double* checked_output(py::handle out, const std::vector<py::ssize_t>& shape);

template <typename... Columns>
void refuse_overlap(const double* out, std::size_t count, const Columns&... columns) {
    const auto check = [&](const void* begin, const void* end, const char* name) {
        if (begin != nullptr && begin < static_cast<const void*>(out + count) && static_cast<const void*>(out) < end)
            throw Error(std::string("out: shares memory with ") + name + ". Hint: write into an array of its own");
    };
    (check(columns.begin(), columns.end(), columns.name()), ...);
}

// The number of greeks in a bit set. Throws Error for an empty set and for bits that are no greek.
int checked_set(std::uint32_t which);

// What threads=None means: the number that was set, else GEXCORE_NUM_THREADS, else 1.
int default_threads();
void set_default_threads(py::handle threads);

Execution execution_of(py::handle threads);

// Lets other threads run Python while it lives.
class WithoutGil {
public:
    WithoutGil();
    ~WithoutGil();
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;
};

// Runs `work` without the GIL when it is long enough to be worth the switch; a pending Ctrl-C becomes KeyboardInterrupt.
template <typename Work>
void run(bool long_enough, const Work& work) {
    try {
        std::optional<WithoutGil> released;
        if (long_enough) released.emplace();
        work();
    } catch (const Interrupted&) {
        throw py::error_already_set();
    }
}

// The columns of one call, kept alive while it runs.
struct ContractArguments {
    ColumnArgument<double> spot, strike, time_to_expiry, implied_vol, rate, dividend_yield;
    ColumnArgument<std::uint8_t> is_call;

    ContractArguments(py::handle s, py::handle k, py::handle t, py::handle v, py::handle r, py::handle y, py::handle c)
        : spot(s, "spot"),
          strike(k, "strike"),
          time_to_expiry(t, "time_to_expiry"),
          implied_vol(v, "implied_vol"),
          rate(r, "rate"),
          dividend_yield(y, "dividend_yield"),
          is_call(c, "is_call") {}

    py::ssize_t rows() const { return common_rows(spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call); }

    Contracts contracts(py::ssize_t count) const {
        return {static_cast<std::size_t>(count), spot.column(),        strike.column(),
                time_to_expiry.column(),         implied_vol.column(), rate.column(),
                dividend_yield.column(),         is_call.column()};
    }

    void refuse_overlap_with(const double* out, std::size_t count) const {
        refuse_overlap(out, count, spot, strike, time_to_expiry, implied_vol, rate, dividend_yield, is_call);
    }
};

}  // namespace gexcore::bindings
