// What several tests share: tables of comma-separated values, contracts made of columns, errors measured.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gexcore/gexcore.hpp"

namespace tables {

using Numbers = std::vector<double>;

inline std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> found;
    std::istringstream rest(line);
    for (std::string cell; std::getline(rest, cell, ',');) found.push_back(cell);
    return found;
}

class Table {
public:
    // Lines before the one that begins with `first` are passed over.
    Table(const std::string& path, const std::string& first) {
        std::ifstream file(path);
        REQUIRE_MESSAGE(file.good(), "cannot read " << path);
        for (std::string line; std::getline(file, line);) {
            if (!line.empty() && line.back() == '\r') line.pop_back();
            if (!header_.empty())
                rows_.push_back(cells(line));
            else if (line.rfind(first, 0) == 0)
                header_ = cells(line);
        }
        REQUIRE_MESSAGE(!rows_.empty(), path << " has no rows below " << first);
    }

    std::size_t rows() const { return rows_.size(); }
    const std::string& text(std::size_t row, std::size_t column) const { return rows_[row].at(column); }
    double number(std::size_t row, std::size_t column) const { return std::strtod(text(row, column).c_str(), nullptr); }
    std::size_t column(const std::string& name) const {
        const auto place = std::find(header_.begin(), header_.end(), name);
        REQUIRE_MESSAGE(place != header_.end(), "no column " << name);
        return static_cast<std::size_t>(place - header_.begin());
    }
    const std::string& text(std::size_t row, const std::string& name) const { return text(row, column(name)); }
    Numbers numbers(const std::string& name) const {
        const std::size_t at = column(name);
        Numbers out;
        for (std::size_t i = 0; i < rows(); ++i) out.push_back(number(i, at));
        return out;
    }

private:
    std::vector<std::string> header_{};
    std::vector<std::vector<std::string>> rows_{};
};

inline Table reference(const std::string& name) {
    return {std::string(GEXCORE_TESTS_FOLDER) + "/reference/" + name, "spot,"};
}

// Owns columns; a column of one value holds for every row.
struct Owned {
    Numbers spot, strike, time_to_expiry, implied_vol, rate, dividend_yield;
    std::vector<std::uint8_t> is_call{};

    gexcore::Contracts view() const {
        const auto column = [](const auto& values) {
            return gexcore::Column<std::decay_t<decltype(values[0])>>{values.empty() ? nullptr : values.data(),
                                                                      values.size() == 1};
        };
        std::size_t rows = std::max({spot.size(), strike.size(), time_to_expiry.size(), implied_vol.size(), is_call.size()});
        return {rows,         column(spot),           column(strike), column(time_to_expiry), column(implied_vol),
                column(rate), column(dividend_yield), column(is_call)};
    }
};

inline Owned contracts_of(const Table& table) {
    Owned owned{table.numbers("spot"), table.numbers("strike"),        table.numbers("time_to_expiry"), {},
                table.numbers("rate"), table.numbers("dividend_yield")};
    for (const double flag : table.numbers("is_call")) owned.is_call.push_back(flag == 1.0);
    return owned;
}

inline std::vector<Numbers> greeks_of(const Owned& owned, std::uint32_t which, const gexcore::Execution& execution = {}) {
    const gexcore::Contracts contracts = owned.view();
    std::vector<Numbers> found(gexcore::greek_count);
    double* out[gexcore::greek_count] = {};
    for (std::uint32_t g = 0; g < gexcore::greek_count; ++g) {
        if (!(which & 1u << g)) continue;
        found[g].resize(contracts.rows);
        out[g] = found[g].data();
    }
    gexcore::compute_greeks(contracts, which, out, execution);
    return found;
}

// The message of the Error that `work` throws.
template <typename Work>
std::string error_of(const Work& work) {
    try {
        work();
    } catch (const gexcore::Error& error) {
        return error.what();
    }
    FAIL("no gexcore::Error was thrown");
    return {};
}

}  // namespace tables
