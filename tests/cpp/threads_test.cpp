// One writer and several readers of a live book, and callers who share the pool: only whole states are seen.
// Run plainly and under the thread sanitizer; what the threads share is relaxed, so that it orders nothing for them.
#include <atomic>
#include <thread>

#include "books.hpp"
#include "tables.hpp"

namespace {

using gexcore::Book;
using gexcore::BookLevels;
using gexcore::BookState;
using gexcore::RegimeReading;
using tables::Numbers;

constexpr int steps = 1500, readers = 4;
constexpr auto relaxed = std::memory_order_relaxed;

// Whole strikes hold a call and a put of one size and vol for each series: the book is long the one and short the other, so
// their sum is 0 in every whole state. Halves hold what gives the book a zero.
bool is_paired(double strike) {
    return strike == std::floor(strike);
}

// What the writer does is known beforehand: step k makes version k + 2.
class Plan {
public:
    Plan() {
        made.years = years_at(0.0);
        for (std::int32_t series = 0; series < 3; ++series)
            for (int k = 0; k < 30; ++k) {
                add_pair(85.0 + k, series, 500.0);
                made.add(85.5 + k, series, k > 14, 0.2, 900.0);
            }
    }
    static Numbers years_at(double days) { return {0.05 - days / 365, 0.1 - days / 365, 0.3 - days / 365}; }

    void apply(Book& book, int step) const {
        const std::int64_t pair = 3 * (step * 7 % 90), rows[] = {pair, pair + 1}, single = 3 * (step * 11 % 90) + 2;
        const double size = 400.0 + step % 97, vol = 0.15 + 0.001 * (step % 89), both[] = {size, size}, vols[] = {vol, vol};
        if (step % 100 == 99) return book.remove_rows(rows, 2);
        if (step % 100 == 98)  // in place of time, which stands where it stood five steps ago
            return static_cast<void>(book.add_rows(&made.rows[pair], &made.quotes[pair], 2, years_at(days_at(step - 5))));
        switch (step % 5) {
            case 0:
                return book.update(&single, 1, {&vol});
            case 1:
                return book.set_spot(spot_at(step));
            case 2:
                return update(book, rows, {nullptr, both});
            case 3:
                return book.set_years(years_at(days_at(step)), days_at(step));
            default:
                return update(book, rows, {vols, both});
        }
    }

    books::Made made{};

private:
    void add_pair(double strike, std::int32_t series, double size) {
        made.add(strike, series, true, 0.2, size);
        made.add(strike, series, false, 0.2, size);
    }
    static double spot_at(int step) { return 100.0 + 5.0 * std::sin(0.05 * step); }
    static double days_at(int step) { return 0.001 * (step - step % 5 + 3); }
    // A pair that was removed stays as it is.
    static void update(Book& book, const std::int64_t* rows, const Book::Columns& columns) {
        try {
            book.update(rows, 2, columns);
        } catch (const gexcore::Error&) {
            book.update(rows, 0, columns);  // counts as a version all the same
        }
    }
};

// What a read of a version must show: found beforehand by one thread.
struct Whole {
    double spot = 0.0, days = 0.0;
    std::size_t rows = 0;
    BookLevels levels{};
};

std::vector<Whole> replayed(const Plan& plan) {
    Book book(100.0, plan.made.years);
    plan.made.fill(book);
    std::vector<Whole> all(2);
    for (int step = -1; step < steps; ++step) {
        if (step >= 0) plan.apply(book, step);
        const BookState state = book.state();
        REQUIRE(state.version == static_cast<std::uint64_t>(step + 2));
        all.resize(state.version + 1);
        all.back().spot = state.spot, all.back().days = state.days, all.back().rows = state.status.size();
        book.levels(true, all.back().levels);
    }
    return all;
}

bool same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

class Reader {
public:
    Reader(Book& book, const std::vector<Whole>& whole) : book_(book), whole_(whole) {}

    void read(int turn) {
        switch (turn % 7) {
            case 0:
                return levels(true);
            case 1:
                return levels(false);
            case 2:
                return regime(true);
            case 3:
                return regime(false);
            case 4:
                return state();
            case 5:
                return strikes();
            default:
                return profile_and_net();
        }
    }

private:
    const Whole& seen(std::uint64_t version) {
        REQUIRE(version >= last_);  // time does not go back
        REQUIRE(version < whole_.size());
        last_ = version;
        return whole_[version];
    }
    void levels(bool exact) {
        book_.levels(exact, levels_);
        const Whole& whole = seen(levels_.version);
        CHECK(levels_.spot == whole.spot);
        CHECK(levels_.net == whole.levels.net);
        CHECK(levels_.gross == whole.levels.gross);
        CHECK(same(levels_.call_wall.strike, whole.levels.call_wall.strike));
        CHECK(same(levels_.put_wall.value, whole.levels.put_wall.value));
        REQUIRE(levels_.crossings.size() == whole.levels.crossings.size());
        for (std::size_t i = 0; i < levels_.crossings.size(); ++i) {
            const double away = std::fabs(levels_.crossings[i].spot - whole.levels.crossings[i].spot);
            CHECK(away <= (exact ? 0.0 : levels_.crossings[i].error + 1e-9));
        }
    }
    void regime(bool exact) {
        const RegimeReading reading = book_.regime(exact);
        const Whole& whole = seen(reading.version);
        CHECK(reading.spot == whole.spot);
        CHECK(std::fabs(reading.net - whole.levels.net) <= reading.bound + (exact ? 0.0 : 1e-12 * whole.levels.gross));
        if (exact) CHECK(same(reading.zero_gamma, whole.levels.zero_gamma));
    }
    void state() {
        const BookState state = book_.state();
        const Whole& whole = seen(state.version);
        CHECK(state.spot == whole.spot);
        CHECK(state.days == whole.days);
        CHECK(state.status.size() == whole.rows);
        CHECK(state.time_to_expiry.front() == Plan::years_at(state.days)[0]);
        CHECK(state.time_to_expiry[269] == Plan::years_at(state.days)[2]);
        for (std::size_t i = 0; i < state.status.size(); i += i < 270 ? 3 : 2) {
            CHECK(same(state.open_interest[i], state.open_interest[i + 1]));
            CHECK(same(state.implied_vol[i], state.implied_vol[i + 1]));
            CHECK(state.status[i] == state.status[i + 1]);
        }
    }
    void strikes() {
        book_.by_strike(first_, second_, third_);
        for (std::size_t k = 0; k < first_.size(); ++k)
            if (is_paired(first_[k])) CHECK(second_[k] == 0.0);
    }
    void profile_and_net() {
        book_.profile(first_, second_);
        CHECK(first_.size() == second_.size());
        CHECK(std::is_sorted(first_.begin(), first_.end()));
        double net = 0.0, gross = 0.0;
        const std::uint64_t before = book_.version();
        book_.net(net, gross);
        const std::uint64_t after = book_.version();
        bool known = false;
        for (std::uint64_t version = before; version <= after; ++version)
            known = known || (net == whole_[version].levels.net && gross == whole_[version].levels.gross);
        CHECK(known);
    }

    Book& book_;
    const std::vector<Whole>& whole_;
    std::uint64_t last_ = 0;
    BookLevels levels_{};
    Numbers first_{}, second_{}, third_{};
};

}  // namespace

TEST_CASE("a book: one writer, four readers, whole states alone") {
    const Plan plan;
    const std::vector<Whole> whole = replayed(plan);
    REQUIRE(!whole.back().levels.crossings.empty());
    Book book(100.0, plan.made.years);
    plan.made.fill(book);
    std::atomic<int> reads{0}, written{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < readers; ++number)
        threads.emplace_back([&, number] {
            Reader reader(book, whole);
            for (int turn = number; written.load(relaxed) < steps; ++turn) {
                reader.read(turn);
                reads.fetch_add(1, relaxed);
            }
        });
    for (int step = 0; step < steps; ++step) {
        plan.apply(book, step);
        while (reads.load(relaxed) < step) std::this_thread::yield();  // as many reads as writes at least
        written.fetch_add(1, relaxed);
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(book.version() == static_cast<std::uint64_t>(steps + 1));
    CHECK(reads >= steps - 1);
}

TEST_CASE("callers share the pool while the kernels change: the same numbers for all") {
    tables::Owned owned{{100.0}, {}, {0.25}, {0.2}, {0.04}, {0.01}, {0}};
    for (int i = 0; i < 20000; ++i) owned.strike.push_back(60.0 + 0.004 * i);
    const Numbers weight(owned.strike.size(), -100.0);
    const auto gamma = static_cast<std::size_t>(gexcore::Greek::gamma);
    const Numbers expected = tables::greeks_of(owned, 1u << gamma)[gamma];
    const double total = gexcore::sum(expected.data(), expected.size());
    std::atomic<int> running{3};
    std::vector<std::thread> threads;
    for (int number = 0; number < 3; ++number)
        threads.emplace_back([&, number] {
            for (int repeat = 0; repeat < 30; ++repeat) {
                const Numbers found = tables::greeks_of(owned, 1u << gamma, {2 + number})[gamma];
                CHECK(found[10000] == doctest::Approx(expected[10000]).epsilon(1e-13));
                const gexcore::GammaProfile profile(owned.view(), weight.data(), {2 + number});
                double at_spot = 0.0;
                profile.evaluate(owned.spot.data(), 1, &at_spot, nullptr, {2 + number});
                CHECK(at_spot == doctest::Approx(-100.0 * total).epsilon(1e-12));
            }
            running.fetch_sub(1, relaxed);
        });
    const std::string before = gexcore::cpu::active();
    const std::vector<std::string> names = gexcore::cpu::available();
    for (std::size_t turn = 0; running.load(relaxed) > 0; ++turn) {
        gexcore::cpu::use(names[turn % names.size()]);
        std::this_thread::yield();
    }
    gexcore::cpu::use(before);
    for (std::thread& thread : threads) thread.join();
}
