// Greeks through the public interface: the worked contract of docs/definitions.md and exact tables.
#include "tables.hpp"

namespace {

using gexcore::bit;
using gexcore::Greek;
using tables::Numbers;
using tables::Owned;

constexpr std::uint32_t every = (1u << gexcore::greek_count) - 1;

std::size_t at(Greek greek) {
    return static_cast<std::size_t>(greek);
}

// Largest relative error, values near underflow apart.
double worst_error(const Numbers& found, const Numbers& exact) {
    double worst = 0.0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        if (std::fabs(exact[i]) < 1e-280) continue;
        const double error = std::fabs(found[i] / exact[i] - 1.0);
        worst = error <= worst ? worst : error;  // NaN counts
    }
    return worst;
}

}  // namespace

TEST_CASE("the worked contract of the definitions") {
    // recomputed with 50 digits and by finite differences; a call and a put
    const Owned owned{{100.0}, {105.0}, {30.0 / 365}, {0.25}, {0.04}, {0.01}, {1, 0}};
    const auto greeks = tables::greeks_of(owned, every);
    const auto rounded = [&](Greek greek, std::size_t row, int digits) {
        const double unit = std::pow(10.0, digits);
        return std::round(greeks[at(greek)][row] * unit) / unit;
    };
    CHECK(rounded(Greek::delta, 0, 7) == 0.2705443);
    CHECK(rounded(Greek::delta, 1, 7) == -0.7286341);
    CHECK(rounded(Greek::charm, 0, 7) == -1.5087242);
    CHECK(rounded(Greek::charm, 1, 7) == -1.5187160);
    for (const std::size_t row : {0, 1}) {
        CHECK(rounded(Greek::gamma, row, 7) == 0.0461601);
        CHECK(rounded(Greek::vanna, row, 7) == 0.9027612);
        CHECK(rounded(Greek::speed, row, 8) == 0.00347024);
        CHECK(rounded(Greek::zomma, row, 7) == -0.1077450);
        CHECK(rounded(Greek::color, row, 7) == 0.1525282);
    }
}

TEST_CASE("every greek agrees with 60-digit arithmetic") {
    const tables::Table table = tables::reference("greeks_A.csv");
    Owned owned = tables::contracts_of(table);
    owned.implied_vol = table.numbers("implied_vol");
    const auto found = tables::greeks_of(owned, every);
    constexpr std::uint32_t one_term =
        bit(Greek::price) | bit(Greek::delta) | bit(Greek::gamma) | bit(Greek::vega) | bit(Greek::rho);
    for (std::uint32_t g = 0; g < gexcore::greek_count; ++g) {
        const char* name = gexcore::greek_names[g];
        CAPTURE(name);
        // the others pass through zero, where no relative error is small
        CHECK(worst_error(found[g], table.numbers(name)) <= (one_term & 1u << g ? 3e-13 : 1e-10));
    }
}

TEST_CASE("what was not asked for is not written, and a bad row spoils nothing else") {
    const double nan = std::nan("");
    const Owned owned{{100.0}, {105.0, -1.0, nan, 95.0}, {0.25}, {0.2}, {0.04}, {0.01}, {1}};
    const auto gamma = tables::greeks_of(owned, bit(Greek::gamma));
    CHECK(gamma[at(Greek::delta)].empty());
    CHECK(gamma[at(Greek::gamma)][0] > 0.0);
    CHECK(std::isnan(gamma[at(Greek::gamma)][1]));
    CHECK(std::isnan(gamma[at(Greek::gamma)][2]));
    CHECK(gamma[at(Greek::gamma)][3] > 0.0);
}

TEST_CASE("a column that is left out is missed where it is read alone") {
    const Owned whole{{100.0}, Numbers(1300, 105.0), {0.25}, {0.2}, {0.04}, {0.01}, {1}};
    Owned owned = whole;
    owned.is_call.clear();
    const auto greeks = tables::greeks_of(whole, every);
    for (const Greek greek : {Greek::gamma, Greek::vega, Greek::vanna, Greek::vomma, Greek::speed, Greek::zomma, Greek::color})
        CHECK(tables::greeks_of(owned, bit(greek))[at(greek)] == greeks[at(greek)]);
    for (const Greek greek : {Greek::price, Greek::delta, Greek::theta, Greek::rho, Greek::charm})
        CHECK(tables::error_of([&] { tables::greeks_of(owned, bit(greek)); }).rfind("is_call: is missing. Hint: ", 0) == 0);
    owned = whole;
    owned.rate.clear();
    for (const Numbers& values : tables::greeks_of(owned, every)) CHECK(std::isnan(values[1299]));
    owned = whole;
    owned.spot.clear();
    const Numbers weight(1300, -100.0);
    const gexcore::GammaProfile profile(owned.view(), weight.data());
    double gamma = 0.0;
    profile.evaluate(whole.spot.data(), 1, &gamma, nullptr);
    CHECK(gamma == doctest::Approx(-130000.0 * greeks[at(Greek::gamma)][0]).epsilon(1e-12));
}

TEST_CASE("bits do not depend on threads or on columns that are one number") {
    const std::size_t rows = 40000;
    Owned owned{{100.0}, {}, {0.25}, {}, {0.04}, {0.01}, {0}};
    for (std::size_t i = 0; i < rows; ++i) {
        owned.strike.push_back(60.0 + 0.002 * static_cast<double>(i));
        owned.implied_vol.push_back(0.15 + 1e-6 * static_cast<double>(i * 7919 % 1000));
    }
    const auto one = tables::greeks_of(owned, every);
    CHECK(tables::greeks_of(owned, every, {4}) == one);
    owned.rate.assign(rows, 0.04);
    owned.spot.assign(rows, 100.0);
    CHECK(tables::greeks_of(owned, every) == one);
}

TEST_CASE("kernels are chosen by name") {
    const std::vector<std::string> names = gexcore::cpu::available();
    const std::string before = gexcore::cpu::active();
    CHECK(std::count(names.begin(), names.end(), before) == 1);
    CHECK(names.back() == "baseline");
    const Owned owned{{100.0}, {105.0}, {0.25}, {0.2}, {0.04}, {0.01}, {1}};
    const double gamma = tables::greeks_of(owned, bit(Greek::gamma))[at(Greek::gamma)][0];
    for (const std::string& name : names) {
        gexcore::cpu::use(name);
        CHECK(gexcore::cpu::active() == name);
        CHECK(tables::greeks_of(owned, bit(Greek::gamma))[at(Greek::gamma)][0] == doctest::Approx(gamma).epsilon(1e-14));
    }
    gexcore::cpu::use(before);
    const std::string message = tables::error_of([] { gexcore::cpu::use("x87"); });
    CHECK(message.find("'x87'") != std::string::npos);
    CHECK(message.find("Hint: use one of ") != std::string::npos);
    CHECK(gexcore::cpu::active() == before);
}

TEST_CASE("a call stops when it is told to") {
    const std::size_t rows = 4'000'000;
    Owned owned{{100.0}, Numbers(rows, 105.0), {0.25}, {0.2}, {0.04}, {0.01}, {1}};
    CHECK_THROWS_AS(tables::greeks_of(owned, every, {2, [] { return true; }}), gexcore::Interrupted);
}
