// Memory that profiles hand on.
#include "spare.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <thread>
#include <vector>

#include "gexcore/profile.hpp"

TEST_CASE("a block that was given comes back to whoever fits into it") {
    gexcore::Spare spare;
    const gexcore::Spare::Block first = spare.take(10000);
    CHECK(first.size == 10000);
    spare.give(first);
    const gexcore::Spare::Block again = spare.take(9000), other = spare.take(9000);
    CHECK(again.memory == first.memory);
    CHECK(again.size == 10000);
    CHECK(other.memory != first.memory);
    CHECK(other.size == 9000);
    spare.give(again), spare.give(other);               // the later one stays
    const gexcore::Spare::Block few = spare.take(100);  // far too much for so little
    CHECK(few.memory != other.memory);
    CHECK(few.size == 100);
    const gexcore::Spare::Block most = spare.take(9000), large = spare.take(std::size_t{1} << 23);
    CHECK(most.memory == other.memory);
    spare.give(large);  // not held back
    const gexcore::Spare::Block next = spare.take(std::size_t{1} << 22);
    CHECK(next.size == std::size_t{1} << 22);
    spare.give(next), spare.give(few), spare.give(most);
}

TEST_CASE("profiles of many threads do not share their memory") {
    const std::size_t rows = 5000;
    std::vector<double> strike(rows), weight(rows, 1.0);
    for (std::size_t i = 0; i < rows; ++i) strike[i] = 90.0 + 20.0 * static_cast<double>(i) / rows;
    const double time = 0.1, vol = 0.2, rate = 0.0, spot = 100.0;
    gexcore::Contracts contracts;
    contracts.rows = rows;
    contracts.strike = {strike.data()};
    contracts.time_to_expiry = {&time, true};
    contracts.implied_vol = {&vol, true};
    contracts.rate = contracts.dividend_yield = {&rate, true};
    const auto gamma = [&] {
        double value;
        gexcore::GammaProfile(contracts, weight.data()).evaluate(&spot, 1, &value, nullptr);
        return value;
    };
    const double expected = gamma();
    std::vector<int> wrong(4, 0);
    std::vector<std::thread> threads;
    for (int& count : wrong)
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) count += gamma() != expected;
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(4, 0));
}
