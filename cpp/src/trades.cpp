// One pass in row order; each series remembers its last price and which way the price last moved.
#include "gexcore/trades.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gexcore/error.hpp"
#include "parallel.hpp"

namespace gexcore {
namespace {

constexpr std::size_t kPieceRows = 1 << 16;  // between two looks at Ctrl-C
constexpr double kTie = 1e-9;                // (1.07 + 1.09) / 2 need not be 1.08
constexpr double kReach = 0.3;               // of the spread, under CLNV

struct Last {
    double price = 0.0;  // 0 before the first trade
    int direction = 0;
};

bool is_price(double value) {
    return value > 0.0 && value < HUGE_VAL;
}

QuoteState state_of(double bid, double ask) {
    const double tie = kTie * ask;
    if (bid >= 0.0 && ask - bid > tie && ask < HUGE_VAL) return QuoteState::two_sided;
    const bool has_ask = std::isfinite(ask) && ask != 0.0, has_bid = std::isfinite(bid);
    if (!has_ask && (!has_bid || bid == 0.0)) return QuoteState::no_quote;
    if (!has_ask || !has_bid) return QuoteState::one_sided;
    if (bid < 0.0 || ask < 0.0) return QuoteState::negative;
    return bid - ask > tie ? QuoteState::crossed : QuoteState::locked;
}

int sign(double difference, double tie) {
    return (difference > tie) - (difference < -tie);
}

// +1, -1, or 0 where a usable quote leaves the side open.
template <SideRule rule>
int side_by_quote(double price, double bid, double ask) {
    const double tie = kTie * ask;
    if constexpr (rule == SideRule::emo) return (std::fabs(price - ask) <= tie) - (std::fabs(price - bid) <= tie);
    if constexpr (rule == SideRule::clnv) {
        const double reach = kReach * (ask - bid) + tie;
        const bool near_ask = price <= ask + tie && price >= ask - reach;
        const bool near_bid = price >= bid - tie && price <= bid + reach;
        return near_ask - near_bid;
    }
    return sign(price - 0.5 * (bid + ask), tie);
}

// Moves the memory of a series on to this price; true if the price differs from the last.
bool move(Last& last, double price) {
    const int way = last.price > 0.0 ? sign(price - last.price, kTie * price) : 0;
    last.price = price;
    if (way != 0) last.direction = way;
    return way != 0;
}

template <SideRule rule>
void classify(const TradeColumns& trades, std::size_t first, std::size_t end, Last* memory, const SideColumns& out) {
    constexpr bool looks_at_quote = rule != SideRule::tick, looks_at_ticks = rule != SideRule::quote;
    const std::size_t bid_step = !trades.bid.scalar, ask_step = !trades.ask.scalar;
    for (std::size_t i = first; i < end; ++i) {
        const double price = trades.price[i], bid = trades.bid.data[i * bid_step], ask = trades.ask.data[i * ask_step];
        const QuoteState quote = state_of(bid, ask);
        int side = 0;
        Decision decision = Decision::no_price;
        if (is_price(price)) {
            decision = Decision::undecided;
            if (looks_at_quote && quote <= QuoteState::locked) side = side_by_quote<rule>(price, bid, ask);
            if (side != 0) decision = Decision::quote;
            if constexpr (looks_at_ticks) {
                Last& last = memory[trades.series == nullptr ? 0 : trades.series[i]];
                const bool moved = move(last, price);
                if (side == 0 && last.direction != 0) {
                    side = last.direction;
                    decision = moved ? Decision::tick : Decision::zero_tick;
                }
            }
        }
        out.side[i] = static_cast<std::int8_t>(side);
        out.decision[i] = decision;
        out.quote[i] = quote;
    }
}

using Classify = void (*)(const TradeColumns&, std::size_t, std::size_t, Last*, const SideColumns&);
constexpr Classify kClassify[] = {classify<SideRule::quote>, classify<SideRule::tick>, classify<SideRule::lee_ready>,
                                  classify<SideRule::emo>, classify<SideRule::clnv>};

}  // namespace

void classify_trades(const TradeColumns& trades, SideRule rule, const SideColumns& out, const Execution& execution) {
    if (trades.series != nullptr)
        for (std::size_t i = 0; i < trades.rows; ++i)
            if (trades.series[i] < 0 || static_cast<std::size_t>(trades.series[i]) >= trades.series_count)
                throw Error("contract: row " + std::to_string(i) + " has " + std::to_string(trades.series[i]) +
                            ", outside 0.." + std::to_string(trades.series_count) + ". Hint: codes number contracts from 0");
    std::vector<Last> memory(trades.series == nullptr ? 1 : trades.series_count);
    const Classify run = kClassify[static_cast<std::size_t>(rule)];
    const Execution in_order{1, execution.interrupted};  // each piece goes on from what the one before it remembers
    run_pieces((trades.rows + kPieceRows - 1) / kPieceRows, in_order, [&](std::size_t piece) {
        run(trades, piece * kPieceRows, std::min(trades.rows, (piece + 1) * kPieceRows), memory.data(), out);
    });
}

}  // namespace gexcore
