// The pool under stress: every piece once, errors, nesting, many callers. Run plainly and under the thread sanitizer.
#include "parallel.hpp"

#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using gexcore::Execution;
using gexcore::run_pieces;

std::atomic<int> failures{0};

void check(bool holds, const char* what) {
    if (holds) return;
    ++failures;
    std::fprintf(stderr, "failed: %s\n", what);
}

// Pieces write plain numbers, so that a piece run twice or read too early is also a data race.
bool each_piece_once(std::size_t pieces, int threads) {
    std::vector<int> runs(pieces, 0);
    run_pieces(pieces, {threads}, [&](std::size_t piece) { ++runs[piece]; });
    bool once = true;
    for (const int count : runs) once = once && count == 1;
    return once;
}

void test_pieces() {
    for (const std::size_t pieces : {0, 1, 2, 3, 7, 100})
        for (const int threads : {-1, 0, 1, 2, 3, 8, 200})
            for (int repeat = 0; repeat < 20; ++repeat) check(each_piece_once(pieces, threads), "each piece once");
}

void test_exceptions() {
    for (int repeat = 0; repeat < 200; ++repeat) {
        std::string caught;
        try {
            run_pieces(16, {3}, [&](std::size_t piece) {
                if (piece % 5 == 3) throw std::runtime_error("piece");
            });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        check(caught == "piece", "an exception reaches the caller");
        check(each_piece_once(16, 3), "the pool goes on after an exception");
    }
}

void test_interruption() {
    static std::atomic<int> asked{0};
    bool stopped = false;
    std::atomic<int> done{0};
    try {
        run_pieces(1'000'000, {3, [] { return ++asked == 2; }}, [&](std::size_t) {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            ++done;
        });
    } catch (const gexcore::Interrupted&) {
        stopped = true;
    }
    check(stopped && asked == 2, "a call asks and stops");
    check(done < 1'000'000, "work is left when a call stops");
    const int before = done;
    check(each_piece_once(100, 3) && done == before, "no worker goes on after an interruption");
}

void test_nesting() {
    std::vector<std::vector<int>> runs(8, std::vector<int>(8, 0));
    run_pieces(8, {3}, [&](std::size_t outer) { run_pieces(8, {3}, [&](std::size_t inner) { ++runs[outer][inner]; }); });
    for (const auto& row : runs)
        for (const int count : row) check(count == 1, "a call within a call");
}

void test_many_callers() {
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller)
        callers.emplace_back([caller] {
            for (int repeat = 0; repeat < 300; ++repeat)
                check(each_piece_once(static_cast<std::size_t>(1 + repeat % 40), 2 + caller % 3), "many callers");
        });
    for (std::thread& caller : callers) caller.join();
}

}  // namespace

int main() {
    test_pieces();
    test_exceptions();
    test_interruption();
    test_nesting();
    test_many_callers();
    return failures == 0 ? 0 : 1;
}
