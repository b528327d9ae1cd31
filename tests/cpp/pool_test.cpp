// The pool under stress: every piece once, errors, nesting, many callers. Run plainly and under the thread sanitizer.
#include "parallel.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using gexcore::Execution;
using gexcore::run_pieces;

// Pieces write plain numbers, so that a piece run twice or read too early is also a data race.
bool each_piece_once(std::size_t pieces, int threads) {
    std::vector<int> runs(pieces, 0);
    run_pieces(pieces, {threads}, [&](std::size_t piece) { ++runs[piece]; });
    bool once = true;
    for (const int count : runs) once = once && count == 1;
    return once;
}

}  // namespace

TEST_CASE("each piece runs once") {
    for (const std::size_t pieces : {0, 1, 2, 3, 7, 100})
        for (const int threads : {-1, 0, 1, 2, 3, 8, 200})
            for (int repeat = 0; repeat < 20; ++repeat) CHECK(each_piece_once(pieces, threads));
}

TEST_CASE("an exception reaches the caller, and the pool goes on") {
    for (int repeat = 0; repeat < 200; ++repeat) {
        std::string caught;
        try {
            run_pieces(16, {3}, [&](std::size_t piece) {
                if (piece % 5 == 3) throw std::runtime_error("piece");
            });
        } catch (const std::runtime_error& error) {
            caught = error.what();
        }
        CHECK(caught == "piece");
        CHECK(each_piece_once(16, 3));
    }
}

TEST_CASE("a call asks whether to stop, and stops") {
    static std::atomic<int> asked{0};
    std::atomic<int> done{0};
    const auto long_call = [&] {
        run_pieces(1'000'000, {3, [] { return ++asked == 2; }}, [&](std::size_t) {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
            ++done;
        });
    };
    CHECK_THROWS_AS(long_call(), gexcore::Interrupted);
    CHECK(asked == 2);
    CHECK(done < 1'000'000);  // work is left
    const int before = done;
    CHECK(each_piece_once(100, 3));
    CHECK(done == before);  // no worker goes on
}

TEST_CASE("a call within a call") {
    std::vector<std::vector<int>> runs(8, std::vector<int>(8, 0));
    run_pieces(8, {3}, [&](std::size_t outer) { run_pieces(8, {3}, [&](std::size_t inner) { ++runs[outer][inner]; }); });
    for (const auto& row : runs)
        for (const int count : row) CHECK(count == 1);
}

TEST_CASE("many callers at a time") {
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 8; ++caller)
        callers.emplace_back([caller] {
            for (int repeat = 0; repeat < 300; ++repeat)
                CHECK(each_piece_once(static_cast<std::size_t>(1 + repeat % 40), 2 + caller % 3));
        });
    for (std::thread& caller : callers) caller.join();
}
