// Levels in one call, against a book whose levels are known in closed form.
#include "tables.hpp"

namespace {

using gexcore::QuickLevels;
using gexcore::RegimeKind;
using gexcore::WallRule;
using gexcore::ZeroStatus;
using tables::Numbers;
using tables::Owned;

// Puts of 90 and 95 dealers are short of, calls of 105 and 110 they are long of; no carry, one width s sqrt T = 0.06.
struct Condor {
    Owned owned{{100.0}, {90.0, 95.0, 105.0, 110.0}, {0.09}, {0.2}, {0.0}, {0.0}, {0, 0, 1, 1}};
    Numbers weight{-100.0, -400.0, 500.0, 150.0};
    const std::int32_t codes[4] = {0, 1, 2, 3};
    const double strikes[4] = {90.0, 95.0, 105.0, 110.0};

    double vol = 0.2;  // at the money

    QuickLevels at(double spot, const WallRule& rule = {}, const gexcore::Execution& execution = {}) {
        owned.spot = {spot};
        return gexcore::quick_levels(owned.view(), weight.data(), spot * spot / 100.0, {codes, strikes, 4}, vol, rule,
                                     execution);
    }
    // USD of delta per 1%
    double exposure(std::size_t i, double spot) const {
        const double d = std::log(spot / strikes[i]) / 0.06 + 0.03;
        return weight[i] * spot / 100.0 / 0.06 * std::exp(-d * d / 2) / std::sqrt(2 * std::acos(-1.0));
    }
    double net(double spot) const {
        double sum = 0.0;
        for (std::size_t i = 0; i < 4; ++i) sum += exposure(i, spot);
        return sum;
    }
    double zero() const {  // by halving
        double low = 90.0, high = 110.0;
        for (int step = 0; step < 60; ++step) (net((low + high) / 2) < 0.0 ? low : high) = (low + high) / 2;
        return low;
    }
};

}  // namespace

TEST_CASE("net, gross, zero gamma, walls and regime of four contracts") {
    Condor condor;
    const QuickLevels levels = condor.at(97.0);
    double gross = 0.0;
    for (std::size_t i = 0; i < 4; ++i) gross += std::fabs(condor.exposure(i, 97.0));
    CHECK(levels.net == doctest::Approx(condor.net(97.0)).epsilon(1e-13));
    CHECK(levels.gross == doctest::Approx(gross).epsilon(1e-13));
    CHECK(levels.status == ZeroStatus::found);
    REQUIRE(levels.crossings.size() == 1);
    CHECK(levels.crossings[levels.nearest].spot == doctest::Approx(condor.zero()).epsilon(1e-11));
    CHECK(levels.low < levels.crossings[0].spot);
    CHECK(levels.high > levels.crossings[0].spot);
    CHECK(levels.call_wall.best == 2);
    CHECK(levels.call_wall.value == doctest::Approx(condor.exposure(2, 97.0)).epsilon(1e-13));
    CHECK(levels.put_wall.best == 1);
    CHECK(levels.put_wall.second == 0);
    CHECK(levels.put_wall.margin == doctest::Approx(1 - condor.exposure(0, 97.0) / condor.exposure(1, 97.0)).epsilon(1e-12));
    CHECK(levels.regime == RegimeKind::short_gamma);
    condor.owned.is_call.clear();  // by net gamma they are not asked
    CHECK(condor.at(97.0).put_wall.best == 1);
    CHECK(condor.at(105.0).regime == RegimeKind::long_gamma);
    CHECK(condor.at(condor.zero() * 1.005).regime == RegimeKind::transition);  // half a day away, 10% of gross
    condor.vol = std::nan("");                                                 // then only net against gross counts
    CHECK(condor.at(condor.zero() * 1.005).regime == RegimeKind::long_gamma);
    CHECK(condor.at(condor.zero()).regime == RegimeKind::transition);
}

TEST_CASE("walls may be gated by spot, and the rule of gross compares calls with calls") {
    Condor condor;
    CHECK(condor.at(107.0).call_wall.best == 2);
    CHECK(condor.at(107.0, {false, true}).call_wall.best == 3);
    CHECK(condor.at(92.0, {false, true}).put_wall.best == 0);
    condor.owned.is_call = {0, 1, 0, 1};  // the largest are a call of 95 and a put of 105
    CHECK(condor.at(100.0, {true, false}).call_wall.best == 1);
    CHECK(condor.at(100.0, {true, false}).put_wall.best == 2);
}

TEST_CASE("a book on one side, an empty book and rows without a gamma") {
    Condor condor;
    condor.weight = {100.0, 400.0, 500.0, 150.0};
    CHECK(condor.at(100.0).status == ZeroStatus::always_long);
    CHECK(condor.at(100.0).put_wall.best == -1);
    condor.weight = {0.0, 0.0, 0.0, 0.0};
    CHECK(condor.at(100.0).status == ZeroStatus::no_exposure);
    CHECK(condor.at(100.0).regime == RegimeKind::no_exposure);
    condor.weight = {-100.0, -400.0, 500.0, 150.0};
    const double without = condor.net(97.0) - condor.exposure(3, 97.0);
    condor.owned.implied_vol = {0.2, 0.2, 0.2, std::nan("")};
    CHECK(condor.at(97.0).net == doctest::Approx(without).epsilon(1e-13));
}

TEST_CASE("the same bits for any number of threads; errors name what is wrong") {
    Condor condor;
    const QuickLevels one = condor.at(97.0), four = condor.at(97.0, {}, {4});
    CHECK(one.net == four.net);
    CHECK(one.crossings[0].spot == four.crossings[0].spot);

    const std::int32_t bad[] = {0, 1, 4, 3};
    const auto quick = [&](const Owned& owned, const std::int32_t* codes) {
        return tables::error_of(
            [&] { gexcore::quick_levels(owned.view(), condor.weight.data(), 100.0, {codes, condor.strikes, 4}, 0.2); });
    };
    CHECK(quick(condor.owned, bad).find("row 2 has 4, outside 0..4") != std::string::npos);
    condor.owned.spot = {100.0, 100.0, 100.0, 101.0};
    CHECK(quick(condor.owned, condor.codes).find("spot: is an array. Hint: ") == 0);
}
