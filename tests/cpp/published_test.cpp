// Published numbers that are not shipped: found in the folder that GEXCORE_TEST_DATA names.
#include "tables.hpp"

namespace {

using gexcore::Greek;
using tables::Numbers;
using tables::Owned;
using tables::Table;

std::string path_of(const std::string& name) {
    const char* folder = std::getenv("GEXCORE_TEST_DATA");
    REQUIRE_MESSAGE(folder != nullptr, "GEXCORE_TEST_DATA is not set: published numbers are not at hand");
    return std::string(folder) + "/" + name;
}

std::size_t at(Greek greek) {
    return static_cast<std::size_t>(greek);
}

// A table of Haug's book: call or put, strike, spot, q, r, years, vol.
Owned haug(const Table& table) {
    Owned owned{table.numbers("spot"), table.numbers("strike"), table.numbers("t_years"),
                table.numbers("vol"),  table.numbers("r"),      table.numbers("q")};
    for (std::size_t i = 0; i < table.rows(); ++i) owned.is_call.push_back(table.text(i, "type") == "call");
    return owned;
}

// Days since 1970-01-01 of "Fri Jan 05 2024", by counting years and months.
int day_number(const std::string& date) {
    static const std::string months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const int month = static_cast<int>(months.find(date.substr(4, 3)) / 3), year = std::stoi(date.substr(11));
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30};
    int day = std::stoi(date.substr(8, 2)) - 1 + (year - 1970) * 365 + (year - 1969) / 4;
    for (int m = 0; m < month; ++m) day += lengths[m];
    return day;
}

// Mondays to Fridays from one day up to another, which does not count.
int weekdays(int from, int to) {
    int count = 0;
    for (int day = from; day < to; ++day) count += (day + 3) % 7 < 5;  // 1970-01-01 was a Thursday
    return count;
}

}  // namespace

TEST_CASE("prices of Haug's book") {
    const Table table(path_of("reference/ql_european_haug_values.csv"), "type,");
    const Numbers found = tables::greeks_of(haug(table), gexcore::bit(Greek::price))[at(Greek::price)];
    const Numbers value = table.numbers("value"), tolerance = table.numbers("tol");
    CHECK(found.size() >= 40);
    for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        CHECK(std::fabs(found[i] - value[i]) <= tolerance[i]);
    }
}

TEST_CASE("greeks of Haug's book") {
    const Table table(path_of("reference/ql_european_haug_greeks.csv"), "greek,");
    const auto found = tables::greeks_of(haug(table), (1u << gexcore::greek_count) - 1);
    const Numbers value = table.numbers("value");
    int compared = 0;
    for (std::size_t i = 0; i < table.rows(); ++i)
        for (std::uint32_t g = 0; g < gexcore::greek_count; ++g) {
            if (table.text(i, "greek") != gexcore::greek_names[g]) continue;
            CAPTURE(i);
            CHECK(std::fabs(found[g][i] - value[i]) <= 5.001e-5);  // four decimals are printed
            ++compared;
        }
    CHECK(compared == 8);
}

TEST_CASE("a published zero gamma and total of SPX, 2024-01-07") {
    // 4,734 was read off 60 points, the root is 4,734.722; -11.00 bn come from the vendor's gammas; no rates, days / 262
    const Table table(path_of("data/cboe_spx_2024-01-07.csv"), "Expiration Date,");
    const double spot = 4697.2402;
    const int today = day_number("Sun Jan 07 2024");
    Owned owned{{spot}, {}, {}, {}, {0.0}, {0.0}};
    Numbers weight, vendor;
    for (std::size_t i = 0; i < table.rows(); ++i)
        for (const bool call : {true, false}) {
            const std::size_t side = call ? 7 : 18;  // of IV; delta, gamma and open interest follow
            const double signed_size = (call ? 100.0 : -100.0) * table.number(i, side + 3), vol = table.number(i, side);
            vendor.push_back(signed_size * table.number(i, side + 2) * spot * spot / 100.0);
            if (!(vol > 0.0)) continue;
            owned.strike.push_back(table.number(i, 11));
            owned.implied_vol.push_back(vol);
            owned.time_to_expiry.push_back(std::max(weekdays(today, day_number(table.text(i, 0))), 1) / 262.0);
            weight.push_back(signed_size);
        }
    owned.is_call = {1};
    CHECK(gexcore::sum(vendor.data(), vendor.size()) / 1e9 == doctest::Approx(-10.9987).epsilon(5e-6));
    const gexcore::GammaProfile profile(owned.view(), weight.data());
    const Numbers spots = profile.search_grid(spot, 0.15);
    Numbers gamma(spots.size());
    profile.evaluate(spots.data(), spots.size(), gamma.data(), nullptr);
    const auto found = profile.crossings(spots.data(), gamma.data(), spots.size());
    REQUIRE(found.size() == 1);
    CHECK(found[0].spot == doctest::Approx(4734.722).epsilon(1e-7));
    CHECK(found[0].upward);
}
