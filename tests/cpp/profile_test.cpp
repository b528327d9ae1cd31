// Profiles through the public interface, against books whose profile and zero are known in closed form.
#include <array>

#include "tables.hpp"

namespace {

using gexcore::bit;
using gexcore::Crossing;
using gexcore::GammaProfile;
using gexcore::Greek;
using tables::Numbers;
using tables::Owned;

constexpr double width = 0.08;  // s sqrt T of every contract here

// Without carry S gamma is amplitude exp(-(ln S - c)^2 / 2 w^2), c = ln K - w^2 / 2: two contracts of one width cancel where
// ln S = (c1 + c2) / 2 + w^2 ln(q1 / q2) / (c2 - c1), given q1 n(d1) = q2 n(d2).
struct Pair {
    Owned owned{{1.0}, {95.0, 105.0}, {0.16}, {width / 0.4}, {0.0}, {0.0}, {1}};
    Numbers weight{-300.0, 200.0};
    double zero() const {
        const double low = std::log(95.0) - width * width / 2, high = std::log(105.0) - width * width / 2;
        return std::exp((low + high) / 2 + width * width * std::log(300.0 / 200.0) / (high - low));
    }
};

double density(double x) {
    return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0));
}

double exact_gamma(double spot) {
    const auto one = [&](double strike) { return density(std::log(spot / strike) / width + width / 2) / (spot * width); };
    return -300.0 * one(95.0) + 200.0 * one(105.0);
}

}  // namespace

TEST_CASE("the profile is the sum of the gammas, on any spots") {
    const Pair pair;
    const GammaProfile profile(pair.owned.view(), pair.weight.data());
    CHECK(profile.rows() == 2);
    Numbers geometric, linear;
    for (int j = -60; j <= 60; ++j) {
        geometric.push_back(100.0 * std::exp(j * 0x1p-8));
        linear.push_back(100.0 + j / 2.0);
    }
    for (const Numbers& spots : {geometric, linear}) {
        Numbers gamma(spots.size()), speed(spots.size()), threaded(spots.size());
        profile.evaluate(spots.data(), spots.size(), gamma.data(), speed.data());
        profile.evaluate(spots.data(), spots.size(), threaded.data(), speed.data(), {4});
        CHECK(threaded == gamma);
        for (std::size_t j = 0; j < spots.size(); ++j) {
            CAPTURE(spots[j]);
            CHECK(std::fabs(gamma[j] - exact_gamma(spots[j])) <= 1e-13 * 500.0 * density(0.0) / (spots[j] * width));
            const double step = 1e-5 * spots[j];
            const double slope = (exact_gamma(spots[j] + step) - exact_gamma(spots[j] - step)) / (2 * step);
            CHECK(std::fabs(speed[j] - slope) <= 1e-6 * 500.0 / (spots[j] * spots[j] * width * width));
        }
    }
}

TEST_CASE("the crossing is the zero in closed form") {
    const Pair pair;
    const GammaProfile profile(pair.owned.view(), pair.weight.data());
    const Numbers spots = profile.search_grid(100.0, 0.15);
    CHECK(spots.front() <= 100.0 * std::exp(-0.15));
    CHECK(spots.back() >= 100.0 * std::exp(0.15));
    Numbers gamma(spots.size());
    profile.evaluate(spots.data(), spots.size(), gamma.data(), nullptr);

    const auto found = profile.crossings(spots.data(), gamma.data(), spots.size());
    REQUIRE(found.size() == 1);
    CHECK(found[0].spot == doctest::Approx(pair.zero()).epsilon(1e-11));
    CHECK(found[0].upward);
    CHECK(found[0].slope > 0.0);
    const auto quick = profile.crossings(spots.data(), gamma.data(), spots.size(), false);
    REQUIRE(quick.size() == 1);
    CHECK(std::fabs(quick[0].spot - pair.zero()) <= quick[0].error + 1e-11 * pair.zero());
    CHECK(quick[0].error < 0.01);
}

TEST_CASE("a proof finds the crossing that a coarse search missed") {
    const Pair pair;
    const GammaProfile profile(pair.owned.view(), pair.weight.data());
    const auto count = [&](const std::vector<double>& known) {
        std::vector<double> missed;
        double end = 85.0;
        for (const gexcore::CoverInterval& part : gexcore::certify(profile, 85.0, 115.0, known)) {
            CHECK(part.low == end);
            CHECK(part.content != gexcore::Content::undecided);
            end = part.high;
            if (part.missed) missed.push_back(part.missed->spot);
        }
        CHECK(end == 115.0);
        return missed;
    };
    const std::vector<double> missed = count({});
    REQUIRE(missed.size() == 1);
    CHECK(missed[0] == doctest::Approx(pair.zero()).epsilon(1e-11));
    CHECK(count(missed).empty());
}

TEST_CASE("profiles of other greeks are the sums of those greeks") {
    Pair pair;
    const std::uint32_t which = gexcore::profile_greeks;
    const gexcore::GreekProfile profile(pair.owned.view(), pair.weight.data(), which);
    const Numbers spots{80.0, 93.5, 100.0, 108.0};
    std::array<Numbers, gexcore::greek_count> sums;
    double* out[gexcore::greek_count] = {};
    for (std::uint32_t g = 0; g < gexcore::greek_count; ++g)
        if (which & 1u << g) sums[g].resize(spots.size()), out[g] = sums[g].data();
    profile.evaluate(spots.data(), spots.size(), out);
    for (std::size_t j = 0; j < spots.size(); ++j) {
        pair.owned.spot = {spots[j]};
        const auto greeks = tables::greeks_of(pair.owned, which);
        for (std::uint32_t g = 0; g < gexcore::greek_count; ++g) {
            if (!(which & 1u << g)) continue;
            CAPTURE(gexcore::greek_names[g]);
            const double low = -300.0 * greeks[g][0], high = 200.0 * greeks[g][1];
            CHECK(std::fabs(sums[g][j] - (low + high)) <= 1e-12 * (std::fabs(low) + std::fabs(high)));
        }
    }
    const auto refused = [&](std::uint32_t asked) {
        return tables::error_of([&] { gexcore::GreekProfile(pair.owned.view(), pair.weight.data(), asked); });
    };
    CHECK(refused(0).find("Hint: ") != std::string::npos);
    CHECK(refused(bit(Greek::rho)).find("Hint: ") != std::string::npos);
}

TEST_CASE("vols that move with spot change the profile as the rule says") {
    Pair pair;
    gexcore::VolDynamics dynamics;
    dynamics.per_log_spot = -0.3;
    dynamics.spot = 100.0;
    pair.owned.implied_vol = {0.2, 0.2};
    const double moved = 0.2 - 0.3 * std::log(1.04);
    Numbers vol(2), slope(2);
    gexcore::move_vols(pair.owned.view(), dynamics, 104.0, vol.data(), slope.data());
    CHECK(vol[1] == doctest::Approx(moved).epsilon(1e-14));
    CHECK(slope[1] == doctest::Approx(-0.3).epsilon(1e-14));

    Numbers gamma(1);
    double* out[gexcore::greek_count] = {};
    out[static_cast<std::size_t>(Greek::gamma)] = gamma.data();
    const double spot = 104.0;
    gexcore::sweep_dynamics(pair.owned.view(), pair.weight.data(), dynamics, &spot, 1, bit(Greek::gamma), out, nullptr);
    Owned there = pair.owned;
    there.spot = {spot};
    there.implied_vol = {moved, moved};
    const Numbers each = tables::greeks_of(there, bit(Greek::gamma))[static_cast<std::size_t>(Greek::gamma)];
    CHECK(gamma[0] == doctest::Approx(-300.0 * each[0] + 200.0 * each[1]).epsilon(1e-12));
}
