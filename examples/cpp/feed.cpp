// A feed loop: quotes and spot ticks into a live book of 20,000 contracts, with a histogram of how long each takes.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <vector>

#include "gexcore/gexcore.hpp"

namespace {

// Powers of two of nanoseconds.
class Histogram {
public:
    void add(long nanoseconds) {
        int bin = 0;
        while (bin < 39 && nanoseconds >> (bin + 1) > 0) ++bin;
        ++counts_[bin];
        ++total_;
    }
    void print(const char* title) const {
        std::printf("%s: %ld operations\n", title, total_);
        for (int bin = 0; bin < 40; ++bin)
            if (counts_[bin] > 0)
                std::printf("  from %10.3f us %9ld %5.1f%%\n", std::ldexp(1e-3, bin), counts_[bin],
                            100.0 * counts_[bin] / total_);
    }

private:
    long counts_[40] = {}, total_ = 0;
};

template <typename Work>
void timed(Histogram& histogram, const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    histogram.add((std::chrono::steady_clock::now() - start).count());
}

}  // namespace

int main() {
    std::vector<gexcore::BookRow> rows;
    std::vector<gexcore::BookQuote> quotes;
    std::vector<double> years;
    for (int series = 0; series < 40; ++series) {
        years.push_back((series + 1) / 100.0);
        for (int i = 0; i < 500; ++i) {
            const bool call = i % 2 == 0;
            gexcore::BookQuote quote;
            quote.implied_vol = 0.18;
            quote.open_interest = call ? 900.0 : 1000.0;
            rows.push_back({4000.0 + 8.0 * (i / 2) + (call ? 40.0 : 0.0), 100.0, 0.04, 0.01, call ? 1.0 : -1.0, series, call,
                            gexcore::RowStatus::used});
            quotes.push_back(quote);
        }
    }
    gexcore::Book book(5000.0, years);
    book.add_rows(rows.data(), quotes.data(), rows.size(), years);

    gexcore::BookLevels levels;
    Histogram on_quote, on_tick;
    book.levels(false, levels);
    for (long step = 0; step < 20000; ++step) {
        const std::int64_t row = step * 7919 % 20000;
        const double vol = 0.17 + 1e-4 * static_cast<double>(step % 200);
        timed(on_quote, [&] {
            book.update(&row, 1, {&vol});
            book.levels(false, levels);
        });
    }
    for (long step = 0; step < 20000; ++step)
        timed(on_tick, [&] {
            book.set_spot(5000.0 + 10.0 * std::sin(1e-3 * static_cast<double>(step)));
            book.regime(false);
        });
    on_quote.print("quote and levels");
    on_tick.print("spot tick and fast regime");
    book.levels(true, levels);
    std::printf("zero gamma %.6f, walls %.2f / %.2f, net %.6e\n", levels.zero_gamma, levels.put_wall.strike,
                levels.call_wall.strike, levels.net);
    return 0;
}
