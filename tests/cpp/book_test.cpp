// The live book from C++: nothing is allocated on the hot path after warm-up, and its levels are those of a new book.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "gexcore/gexcore.hpp"

namespace {

std::atomic<long> allocations{0};

int failures = 0;

void expect(bool good, const char* what) {
    if (good) return;
    ++failures;
    std::fprintf(stderr, "FAILED: %s\n", what);
}

}  // namespace

void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // std::stable_sort's buffer
    ++allocations;
    return std::malloc(size);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

using gexcore::Book;

struct Made {
    std::vector<gexcore::BookRow> rows;
    std::vector<gexcore::BookQuote> quotes;
    std::vector<double> years;
};

// Calls above, puts below; 40 expirations of 500 contracts.
Made made_rows() {
    Made made;
    for (int series = 0; series < 40; ++series) {
        made.years.push_back((series + 1) / 100.0);
        for (int i = 0; i < 500; ++i) {
            const bool call = i % 2 == 0;
            const double strike = 4000.0 + 8.0 * (i / 2), away = std::log(strike / 5000.0);
            gexcore::BookQuote quote;
            quote.implied_vol = 0.15 + 0.3 * away * away;
            quote.open_interest =
                100.0 + (call ? 3000.0 : 2900.0) * std::exp(-50.0 * std::pow(away - (call ? 0.03 : -0.03), 2));
            made.rows.push_back({strike, 100.0, 0.04, 0.01, call ? 1.0 : -1.0, series, call, gexcore::RowStatus::used});
            made.quotes.push_back(quote);
        }
    }
    return made;
}

double vol_at(long step) {
    return 0.1 + 0.001 * static_cast<double>(step % 150);
}

void run(Book& book, gexcore::BookLevels& levels, long from, long to) {
    for (long step = from; step < to; ++step) {
        const std::int64_t row = step * 7919 % 20000;
        const double vol = vol_at(step);
        book.update(&row, 1, {&vol});
        book.levels(step % 10 == 0, levels);
        book.set_spot(5000.0 + 5.0 * std::sin(0.1 * static_cast<double>(step)));
        book.regime(step % 10 == 0);
    }
}

}  // namespace

int main() {
    Made made = made_rows();
    Book book(5000.0, made.years);
    book.add_rows(made.rows.data(), made.quotes.data(), made.rows.size(), made.years);
    gexcore::BookLevels levels, again;
    run(book, levels, 0, 500);
    const long before = allocations;
    run(book, levels, 500, 1000);
    expect(allocations == before, "the hot path allocates nothing after warm-up");
    expect(before > 0, "allocations are counted");
    expect(!levels.crossings.empty(), "the book has a crossing");

    for (long step = 0; step < 1000; ++step)
        made.quotes[static_cast<std::size_t>(step * 7919 % 20000)].implied_vol = vol_at(step);
    book.levels(true, levels);
    Book fresh(levels.spot, made.years);
    fresh.add_rows(made.rows.data(), made.quotes.data(), made.rows.size(), made.years);
    fresh.levels(true, again);
    expect(levels.net == again.net && levels.gross == again.gross, "net and gross are those of a new book");
    expect(levels.zero_gamma == again.zero_gamma, "zero gamma is that of a new book");
    expect(levels.call_wall.strike == again.call_wall.strike && levels.call_wall.value == again.call_wall.value,
           "so is the call wall");

    bool refused = false;
    const std::int64_t none = 20000;
    const double vol = 0.2;
    try {
        book.update(&none, 1, {&vol});
    } catch (const gexcore::Error&) {
        refused = true;
    }
    expect(refused, "an unknown row is refused");
    return failures == 0 ? 0 : 1;
}
