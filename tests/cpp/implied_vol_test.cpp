// Implied vols through the public interface: exact roots, and a status where none exists.
#include "tables.hpp"

using gexcore::VolStatus;
using tables::Numbers;
using tables::Owned;

TEST_CASE("implied vols are the exact roots") {
    const tables::Table table = tables::reference("implied_vols.csv");
    const Owned owned = tables::contracts_of(table);
    const Numbers price = table.numbers("price"), exact = table.numbers("implied_vol"), condition = table.numbers("condition");
    Numbers vol(price.size());
    std::vector<std::uint8_t> status(price.size(), 9);
    gexcore::implied_vol(owned.view(), {price.data()}, vol.data(), status.data());
    double worst = 0.0;
    for (std::size_t i = 0; i < price.size(); ++i) {
        REQUIRE(status[i] == static_cast<std::uint8_t>(VolStatus::solved));
        worst = std::max(worst, std::fabs(vol[i] / exact[i] - 1.0) / std::max(1.0, condition[i]));
    }
    CHECK(worst <= 5e-13);

    Numbers again(price.size());
    gexcore::implied_vol(owned.view(), {price.data()}, again.data(), nullptr, {3});
    CHECK(again == vol);
}

TEST_CASE("where no vol exists there is a reason") {
    // a call: worth more than S e^{-yT} - K e^{-rT} = 10, less than S e^{-yT} = 100
    const Owned owned{{100.0}, {90.0}, {1.0}, {}, {0.0}, {0.0}, {1}};
    gexcore::Contracts contracts = owned.view();
    const Numbers price{9.0, 10.0, 100.0, std::nan(""), 15.0};
    contracts.rows = price.size();
    Numbers vol(price.size());
    std::vector<std::uint8_t> status(price.size());
    gexcore::implied_vol(contracts, {price.data()}, vol.data(), status.data());
    const VolStatus expected[] = {VolStatus::below_intrinsic, VolStatus::below_intrinsic, VolStatus::above_maximum,
                                  VolStatus::not_a_number, VolStatus::solved};
    for (std::size_t i = 0; i < price.size(); ++i) {
        CAPTURE(i);
        CHECK(static_cast<VolStatus>(status[i]) == expected[i]);
        CHECK(std::isnan(vol[i]) == (expected[i] != VolStatus::solved));
    }
}

TEST_CASE("the vol at the money is linear in total variance between expirations") {
    // forward 100; strikes 99 and 101 are as near, in ratio 101 only just: 99 is 1.0101 away, 101 is 1.01
    const Owned owned{{100.0}, {99.0, 101.0, 120.0, 100.0}, {0.05, 0.05, 0.05, 0.15}, {0.30, 0.20, 0.9, 0.25}, {0.0}, {0.0},
                      {1}};
    const std::vector<std::uint8_t> usable(4, 1);
    const std::int32_t code[] = {0, 0, 0, 1};
    const double years[] = {0.05, 0.15};
    const gexcore::Codes times{code, years, 2};
    const auto at = [&](double horizon) { return gexcore::at_the_money_vol(owned.view(), usable.data(), times, horizon); };
    CHECK(at(0.05) == 0.20);
    CHECK(at(0.01) == 0.20);  // flat outside
    CHECK(at(1.00) == 0.25);
    CHECK(at(0.08) == doctest::Approx(std::sqrt((0.7 * 0.04 * 0.05 + 0.3 * 0.0625 * 0.15) / 0.08)).epsilon(1e-14));
    const std::int32_t outside[] = {0, 0, 2, 1};
    CHECK(tables::error_of([&] {
              gexcore::at_the_money_vol(owned.view(), usable.data(), {outside, years, 2}, 0.1);
          }).find("row 2 has 2") != std::string::npos);
}
