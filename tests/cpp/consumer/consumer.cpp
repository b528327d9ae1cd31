// A program outside the tree: reads a chain from standard input and prints its levels with all digits, those of a live book
// that got there by updates and those of one call, so that they can be compared with Python's digit for digit.
// Input: spot, number of times to expiry and each of them, number of rows and per row what `Row` holds.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "gexcore/gexcore.hpp"

namespace {

using gexcore::StrikeMark;

struct Row {
    double strike, vol, open_interest, contracts, multiplier, rate, dividend_yield;
    int time, call, status;
};

struct Chain {
    double spot = 0.0;
    std::vector<double> years{};
    std::vector<Row> rows{};

    bool read() {
        std::size_t times = 0, count = 0;
        if (std::scanf("%lf %zu", &spot, &times) != 2) return false;
        years.resize(times);
        for (double& each : years)
            if (std::scanf("%lf", &each) != 1) return false;
        if (std::scanf("%zu", &count) != 1) return false;
        rows.resize(count);
        for (Row& r : rows)
            if (std::scanf("%lf %lf %lf %lf %lf %lf %lf %d %d %d", &r.strike, &r.vol, &r.open_interest, &r.contracts,
                           &r.multiplier, &r.rate, &r.dividend_yield, &r.time, &r.call, &r.status) != 10)
                return false;
        return true;
    }
};

void print(const char* name, double value) {
    std::printf("%s %.17g\n", name, value);
}

void print(const char* name, double first, double second) {
    std::printf("%s %.17g %.17g\n", name, first, second);
}

void print(const char* name, const StrikeMark& mark) {
    std::printf("%s %.17g %.17g %.17g %.17g %.17g\n", name, mark.strike, mark.value, mark.share, mark.runner_up, mark.margin);
}

// Rows come in with other vols at another spot; quotes and a tick lead to the chain.
void live(const Chain& chain) {
    gexcore::Book book(1.02 * chain.spot, chain.years);
    std::vector<gexcore::BookRow> rows;
    std::vector<gexcore::BookQuote> quotes;
    std::vector<std::int64_t> numbers;
    std::vector<double> vols;
    for (const Row& r : chain.rows) {
        rows.push_back({r.strike, r.multiplier, r.rate, r.dividend_yield, gexcore::kNone, r.time, r.call != 0,
                        static_cast<gexcore::RowStatus>(r.status)});
        gexcore::BookQuote quote;
        quote.implied_vol = r.vol * 1.25;
        quote.open_interest = r.open_interest;
        quote.contracts = r.contracts;
        quotes.push_back(quote);
        numbers.push_back(static_cast<std::int64_t>(numbers.size()));
        vols.push_back(r.vol);
    }
    book.add_rows(rows.data(), quotes.data(), rows.size(), chain.years);
    gexcore::BookLevels levels;
    book.levels(true, levels);
    book.update(numbers.data(), numbers.size(), {vols.data()});
    book.levels(false, levels);
    book.set_spot(chain.spot);
    book.levels(true, levels);
    print("net", levels.net);
    print("gross", levels.gross);
    print("zero", levels.zero_gamma);
    print("searched", levels.low, levels.high);
    for (const gexcore::Crossing& crossing : levels.crossings) print("crossing", crossing.spot);
    print("call_wall", levels.call_wall);
    print("put_wall", levels.put_wall);
    print("absolute_gamma_strike", levels.absolute_gamma_strike);
    print("hvl", levels.hvl);
    print("cumulative", levels.cumulative_gamma_crossing);
    print("peak", levels.peak_spot, levels.peak);
    print("trough", levels.trough_spot, levels.trough);
    print("vol", levels.at_the_money_vol);
    std::printf("regime %s\n", gexcore::regime_names[static_cast<int>(book.regime(true).kind)]);
}

void at_once(const Chain& chain) {
    const std::size_t count = chain.rows.size();
    std::vector<double> strike, years, vol, rate, yield, weight, strikes;
    std::vector<std::uint8_t> call, usable;
    std::vector<std::int32_t> strike_code, time_code;
    for (const Row& r : chain.rows) strikes.push_back(r.strike);
    std::sort(strikes.begin(), strikes.end());
    strikes.erase(std::unique(strikes.begin(), strikes.end()), strikes.end());
    for (const Row& r : chain.rows) {
        const bool used = static_cast<gexcore::RowStatus>(r.status) == gexcore::RowStatus::used;
        strike.push_back(r.strike), years.push_back(chain.years[r.time]), vol.push_back(r.vol);
        rate.push_back(r.rate), yield.push_back(r.dividend_yield), call.push_back(r.call != 0), usable.push_back(used);
        weight.push_back(used ? r.contracts * r.multiplier : 0.0);
        strike_code.push_back(std::lower_bound(strikes.begin(), strikes.end(), r.strike) - strikes.begin());
        time_code.push_back(r.time);
    }
    const gexcore::Contracts contracts{count,        {&chain.spot, true}, {strike.data()}, {years.data()},
                                       {vol.data()}, {rate.data()},       {yield.data()},  {call.data()}};
    const gexcore::Codes times{time_code.data(), chain.years.data(), chain.years.size()};
    const double at_the_money = gexcore::at_the_money_vol(contracts, usable.data(), times, 30.0 / 365);
    const gexcore::QuickLevels levels =
        gexcore::quick_levels(contracts, weight.data(), chain.spot * chain.spot / 100.0,
                              {strike_code.data(), strikes.data(), strikes.size()}, at_the_money, {}, {2});
    print("net", levels.net);
    print("gross", levels.gross);
    for (const gexcore::Crossing& crossing : levels.crossings) print("crossing", crossing.spot);
    print("call_wall", levels.call_wall.best < 0 ? gexcore::kNone : strikes[levels.call_wall.best]);
    print("put_wall", levels.put_wall.best < 0 ? gexcore::kNone : strikes[levels.put_wall.best]);
    std::printf("regime %s\n", gexcore::regime_names[static_cast<int>(levels.regime)]);
}

}  // namespace

int main(int count, char** words) {
    Chain chain;
    if (count == 2 && std::string(words[1]) == "--version") return std::printf("%s\n", gexcore::version) < 0;
    try {
        if (!chain.read()) return std::fprintf(stderr, "the input is no chain\n"), 2;
        std::printf("book\n");
        live(chain);
        std::printf("quick\n");
        at_once(chain);
    } catch (const gexcore::Error& error) {
        return std::fprintf(stderr, "%s\n", error.what()), 1;
    }
    return 0;
}
