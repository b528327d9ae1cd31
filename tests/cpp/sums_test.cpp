// Sums, keyed sums and gamma summed by key through the public interface.
#include "tables.hpp"

using tables::Numbers;

TEST_CASE("sums of whole numbers are exact, for any number of threads") {
    for (const std::size_t rows : {0, 1, 7, 511, 512, 513, 100000}) {
        CAPTURE(rows);
        Numbers values;
        std::vector<std::int32_t> key;
        double expected = 0.0, size = 0.0, by_key[3] = {};
        for (std::size_t i = 0; i < rows; ++i) {
            values.push_back(static_cast<double>(i * 37 % 1001) - 400.0);
            key.push_back(static_cast<std::int32_t>(i * i % 3));
            expected += values[i], size += std::fabs(values[i]), by_key[key[i]] += values[i];
        }
        for (const int threads : {1, 3}) {
            double found[3] = {-1.0, -1.0, -1.0};
            CHECK(gexcore::sum(values.data(), rows, {threads}) == expected);
            CHECK(gexcore::sum_abs(values.data(), rows, {threads}) == size);
            gexcore::sum_by(values.data(), key.data(), rows, 3, found, {threads});
            for (const int k : {0, 1, 2}) CHECK(found[k] == by_key[k]);
        }
    }
}

TEST_CASE("a key out of range is refused by name before anything is written") {
    const Numbers values{1.0, 2.0, 3.0};
    for (const std::int32_t bad : {-1, 2}) {
        const std::int32_t key[] = {0, bad, 1};
        double out[2] = {7.0, 8.0};
        const std::string message = tables::error_of([&] { gexcore::sum_by(values.data(), key, 3, 2, out); });
        CHECK(message.find("key: row 1 has " + std::to_string(bad)) == 0);
        CHECK(message.find("Hint: ") != std::string::npos);
        CHECK(out[0] == 7.0);
        CHECK(out[1] == 8.0);
    }
}

TEST_CASE("gamma exposure: the worked example of the definitions, in USD per 1%") {
    // a put of SPX: gamma .0019138 per point, USD 574.136 per point of a contract, 17,224.08 per 1%
    const tables::Owned owned{{3000.0}, {2900.0, 2900.0, 3100.0}, {30.0 / 365}, {0.2}, {0.0}, {0.0}, {0}};
    const Numbers weight{100.0, -300.0, 0.0};
    const std::int32_t key[] = {0, 0, 1};
    double net[2], gross[2];
    const gexcore::NetGross all = gexcore::gamma_sums(owned.view(), weight.data(), 3000.0 * 3000.0 / 100.0, key, 2, net, gross);
    CHECK(all.net == doctest::Approx(-2 * 17224.08).epsilon(1e-6));
    CHECK(all.gross == doctest::Approx(4 * 17224.08).epsilon(1e-6));
    CHECK(net[0] == doctest::Approx(all.net).epsilon(1e-15));
    CHECK(gross[0] == doctest::Approx(all.gross).epsilon(1e-15));
    CHECK(net[1] == 0.0);
}
