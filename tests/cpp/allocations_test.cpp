// The live book's hot path allocates nothing after warm-up: operator new is replaced by one that counts.
#include <atomic>
#include <cstdlib>
#include <new>

#include "books.hpp"
#include "tables.hpp"

namespace {
std::atomic<long> allocations{0};
}

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

void run(gexcore::Book& book, gexcore::BookLevels& levels, long from, long to) {
    for (long step = from; step < to; ++step) {
        const std::int64_t row = step * 7919 % 20000;
        const double vol = 0.1 + 0.001 * static_cast<double>(step % 150);
        book.update(&row, 1, {&vol});
        book.levels(step % 10 == 0, levels);
        book.set_spot(5000.0 + 5.0 * std::sin(0.1 * static_cast<double>(step)));
        book.regime(step % 10 == 0);
    }
}

}  // namespace

TEST_CASE("20,000 contracts: quotes, levels, spot ticks and regimes allocate nothing") {
    const books::Made made = books::made_rows(40);
    gexcore::Book book(5000.0, made.years);
    made.fill(book);
    gexcore::BookLevels levels;
    run(book, levels, 0, 500);
    const long before = allocations;
    run(book, levels, 500, 1000);
    const long after = allocations;
    CHECK(after == before);
    CHECK(before > 1000);  // allocations are counted
    CHECK(!levels.crossings.empty());
}
