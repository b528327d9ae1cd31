// Sides of trades: the three ways of Lee and Ready by hand.
#include "tables.hpp"

using gexcore::Decision;
using gexcore::QuoteState;
using gexcore::SideRule;

TEST_CASE("trades at the ask, at the bid, at the middle after a rise, and without a quote") {
    const double nan = std::nan("");
    const double price[] = {1.10, 1.00, 1.05, 1.07, 0.0};
    const double bid[] = {1.00, 1.00, 1.00, nan, 1.00}, ask[] = {1.10, 1.10, 1.10, nan, 1.10};
    std::int8_t side[5];
    Decision decision[5];
    QuoteState quote[5];
    gexcore::TradeColumns trades;
    trades.rows = 5;
    trades.price = price;
    trades.bid = {bid};
    trades.ask = {ask};
    gexcore::classify_trades(trades, SideRule::lee_ready, {side, decision, quote});
    const int expected[] = {1, -1, 1, 1, 0};
    const Decision why[] = {Decision::quote, Decision::quote, Decision::tick, Decision::tick, Decision::no_price};
    for (std::size_t i = 0; i < 5; ++i) {
        CAPTURE(i);
        CHECK(side[i] == expected[i]);
        CHECK(decision[i] == why[i]);
    }
    CHECK(quote[0] == QuoteState::two_sided);
    CHECK(quote[3] == QuoteState::no_quote);

    const std::int32_t series[] = {0, 0, 1, 0, 0};
    trades.series = series;
    CHECK(tables::error_of([&] {
              gexcore::classify_trades(trades, SideRule::tick, {side, decision, quote});
          }).find("row 2 has 1") != std::string::npos);
}
