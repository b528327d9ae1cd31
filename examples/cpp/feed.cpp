// A feed loop: quotes, spot ticks and time into a live book of 20,000 contracts, with a histogram of how long each takes.
// feed [OPERATIONS]: so many of each work (default 100,000), a tenth of clocks; checks its answers first.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "gexcore/gexcore.hpp"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kSeries = 40, kStrikes = 250;
constexpr double kRate = 0.04, kYield = 0.01, kMultiplier = 100.0;

// Counts of latencies, 16 bins to each power of two of nanoseconds: a percentile is read to 6%.
class Histogram {
public:
    void add(std::int64_t nanoseconds) {
        const auto t = static_cast<double>(std::max<std::int64_t>(nanoseconds, 1));
        ++counts_[std::min(static_cast<int>(16.0 * std::log2(t)), kBins - 1)];
        ++total_;
    }
    double percentile(double share) const {  // us
        long below = 0;
        int bin = 0;
        while (bin < kBins - 1 && (below += counts_[bin]) < share * static_cast<double>(total_)) ++bin;
        return 1e-3 * std::exp2((bin + 0.5) / 16.0);
    }
    void print(const char* title) const {
        std::printf("%s: %ld operations, p50 %.1f us, p99 %.1f us\n", title, total_, percentile(0.5), percentile(0.99));
        for (int octave = 0; octave < kBins / 16; ++octave) {
            long count = 0;
            for (int bin = 16 * octave; bin < 16 * (octave + 1); ++bin) count += counts_[bin];
            if (count > 0)
                std::printf("  from %9.3f us %8ld %6.2f%%\n", std::ldexp(1e-3, octave), count,
                            100.0 * static_cast<double>(count) / static_cast<double>(total_));
        }
    }

private:
    static constexpr int kBins = 16 * 36;
    long counts_[kBins] = {}, total_ = 0;
};

template <typename Work>
void timed(const char* title, long operations, const Work& work) {
    for (long i = 0; i < std::min(operations, 1000L); ++i) work(i);
    Histogram histogram;
    for (long i = 0; i < operations; ++i) {
        const auto start = Clock::now();
        work(i + 1000);
        histogram.add((Clock::now() - start).count());
    }
    histogram.print(title);
}

// Calls above and puts below, 500 contracts for each of 40 expirations.
struct Feed {
    std::vector<gexcore::BookRow> rows;
    std::vector<double> years;
    gexcore::Book book{5000.0, {}};
    gexcore::BookLevels levels;

    Feed() {
        std::vector<gexcore::BookQuote> quotes;
        for (int series = 0; series < kSeries; ++series) {
            years.push_back((series + 1) / 100.0);
            for (int i = 0; i < 2 * kStrikes; ++i) {
                const bool call = i % 2 == 0;
                const double strike = 4000.0 + 8.0 * (i / 2), away = std::log(strike / 5000.0);
                gexcore::BookQuote quote;
                quote.implied_vol = 0.15 + 0.3 * away * away;
                quote.open_interest = 100.0 + 3000.0 * std::exp(-50.0 * std::pow(away - (call ? 0.03 : -0.03), 2));
                rows.push_back({strike, kMultiplier, kRate, kYield, call ? 1.0 : -1.0, series, call, gexcore::RowStatus::used});
                quotes.push_back(quote);
            }
        }
        book.add_rows(rows.data(), quotes.data(), rows.size(), years);
    }

    void quote(long i) {
        const auto row = static_cast<std::int64_t>(i * 7919 % static_cast<long>(rows.size()));
        const double vol = 0.1 + 1e-3 * static_cast<double>(i % 150);
        book.update(&row, 1, {&vol});
    }
    void tick(long i) { book.set_spot(5000.0 + 10.0 * std::sin(1e-3 * static_cast<double>(i))); }
};

// Levels of the book's columns from scratch have the same bits; its net is that of the textbook's gamma.
bool check(Feed& feed) {
    const gexcore::BookState now = feed.book.state();
    const std::size_t n = feed.rows.size();
    std::vector<double> strike, weight, strikes;
    std::vector<std::int32_t> code;
    double net = 0.0;
    for (int k = 0; k < kStrikes; ++k) strikes.push_back(4000.0 + 8.0 * k);
    for (std::size_t i = 0; i < n; ++i) {
        const double k = feed.rows[i].strike, t = now.time_to_expiry[i], width = now.implied_vol[i] * std::sqrt(t);
        const double d = (std::log(now.spot / k) + (kRate - kYield) * t) / width + 0.5 * width;
        strike.push_back(k);
        weight.push_back(now.contracts[i] * kMultiplier);
        code.push_back(static_cast<std::int32_t>(i) % (2 * kStrikes) / 2);
        net += weight[i] * std::exp(-kYield * t - 0.5 * d * d) / std::sqrt(2.0 * std::acos(-1.0)) / width * now.spot / 100.0;
    }
    const gexcore::Contracts contracts{n,
                                       {&now.spot, true},
                                       {strike.data()},
                                       {now.time_to_expiry.data()},
                                       {now.implied_vol.data()},
                                       {&kRate, true},
                                       {&kYield, true},
                                       {}};
    feed.book.levels(true, feed.levels);
    const gexcore::BookLevels& live = feed.levels;
    const gexcore::QuickLevels batch =
        gexcore::quick_levels(contracts, weight.data(), now.spot * now.spot / 100.0,
                              {code.data(), strikes.data(), strikes.size()}, live.at_the_money_vol);
    return std::fabs(live.net - net) <= 1e-12 * live.gross && live.net == batch.net && live.gross == batch.gross &&
           !batch.crossings.empty() && live.zero_gamma == batch.crossings[batch.nearest].spot &&
           live.call_wall.strike == strikes[batch.call_wall.best] && live.put_wall.strike == strikes[batch.put_wall.best];
}

// 1,000 quotes and one look at the levels every 10 ms, for a second.
void sustained(Feed& feed) {
    constexpr auto period = std::chrono::milliseconds(10);
    Clock::duration busy{};
    auto next = Clock::now();
    for (long turn = 0; turn < 100; ++turn) {
        const auto start = Clock::now();
        for (long i = 0; i < 1000; ++i) feed.quote(1000 * turn + i);
        feed.book.levels(false, feed.levels);
        busy += Clock::now() - start;
        std::this_thread::sleep_until(next += period);
    }
    std::printf("100,000 quotes a second, levels every 10 ms: %.1f%% of a core\n",
                100.0 * std::chrono::duration<double>(busy) / std::chrono::duration<double>(100 * period));
}

}  // namespace

int main(int count, char** arguments) {
    const long operations = count > 1 ? std::max(std::atol(arguments[1]), 1L) : 100000;
    Feed feed;
    for (long i = 0; i < 100; ++i) feed.quote(i), feed.tick(i);
    if (!check(feed)) return std::puts("levels are not those from scratch"), 1;
    std::printf("20,000 contracts, %s\n", gexcore::cpu::active().c_str());
    timed("quote and levels", operations, [&](long i) { feed.quote(i), feed.book.levels(false, feed.levels); });
    timed("quote and exact levels", operations, [&](long i) { feed.quote(i), feed.book.levels(true, feed.levels); });
    timed("spot tick and fast regime", operations, [&](long i) { feed.tick(i), feed.book.regime(false); });
    timed("spot tick and exact regime", operations, [&](long i) { feed.tick(i), feed.book.regime(true); });
    double days = 0.0;
    timed("clock and levels", operations / 10, [&](long) {
        days += 1e-6;
        for (double& each : feed.years) each -= 1e-6 / 365.0;
        feed.book.set_years(feed.years, days);
        feed.book.levels(false, feed.levels);
    });
    sustained(feed);
    if (!check(feed)) return std::puts("levels are not those from scratch"), 1;
    std::printf("zero gamma %.6f, walls %.2f / %.2f, net %.6e\n", feed.levels.zero_gamma, feed.levels.put_wall.strike,
                feed.levels.call_wall.strike, feed.levels.net);
    return 0;
}
