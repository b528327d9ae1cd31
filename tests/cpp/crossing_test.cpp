// The search of a root: rounding must not send it back to halving the bracket.
#include "crossing.hpp"

#include <doctest/doctest.h>

TEST_CASE("Newton ends at the root although no value there is zero") {
    for (const double off : {1e-19, -1e-19, 3e-17, -3e-17}) {
        int calls = 0;
        const auto at = [&](double spot, double& value, double& slope) {
            ++calls;
            value = std::log(spot / 5003.7) + off;
            slope = 1.0;
        };
        const double root = gexcore::polished_root(4900.0, 5100.0, 5003.0, true, at);
        CHECK(root == doctest::Approx(5003.7).epsilon(1e-14));
        CHECK(calls <= 4);
    }
}

TEST_CASE("what Newton overshoots is halved") {
    int calls = 0;
    const auto at = [&](double spot, double& value, double& slope) {
        ++calls;
        const double x = 50.0 * std::log(spot / 90.0);
        value = std::atan(x);
        slope = 50.0 / (1.0 + x * x);
    };
    CHECK(gexcore::polished_root(50.0, 150.0, 149.0, true, at) == doctest::Approx(90.0).epsilon(1e-14));
    CHECK(calls < 40);
}
