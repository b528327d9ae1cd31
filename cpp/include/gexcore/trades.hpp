// Which side of each trade the customer took, from the quote before it and the prices before it.
#pragma once
#include <cstddef>
#include <cstdint>

#include "gexcore/contracts.hpp"
#include "gexcore/execution.hpp"

namespace gexcore {

enum class SideRule : std::uint8_t { quote, tick, lee_ready, emo, clnv };
inline constexpr const char* side_rule_names[] = {"quote", "tick", "lee_ready", "emo", "clnv"};

// What a side was found from; `undecided` and `no_price` go with side 0.
enum class Decision : std::uint8_t { quote, tick, zero_tick, undecided, no_price };
inline constexpr const char* decision_names[] = {"quote", "tick", "zero_tick", "undecided", "no_price"};

// The first two can be used. A bid of 0 is a bid, an ask of 0 is none.
enum class QuoteState : std::uint8_t { two_sided, locked, crossed, negative, one_sided, no_quote };
inline constexpr const char* quote_state_names[] = {"two_sided", "locked", "crossed", "negative", "one_sided", "no_quote"};

// Trades in time order within each series, which may be interleaved.
struct TradeColumns {
    std::size_t rows = 0;
    const double* price = nullptr;  // `rows` of them
    Column<double> bid;             // before the trade
    Column<double> ask;
    const std::int32_t* series = nullptr;  // codes 0 .. series_count-1; none: all rows are one series
    std::size_t series_count = 1;
};

// One value per trade each; none may be null.
struct SideColumns {
    std::int8_t* side = nullptr;  // +1 customer buys, -1 sells, 0 unknown
    Decision* decision = nullptr;
    QuoteState* quote = nullptr;
};

// Prices that agree to 1e-9 are equal. Throws Error for a code out of range.
void classify_trades(const TradeColumns& trades, SideRule rule, const SideColumns& out, const Execution& execution = {});

}  // namespace gexcore
