// A shared counter hands out pieces; the calling thread takes part and watches for interruption.
#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace gexcore {
namespace {

struct Job {
    std::size_t pieces;
    const std::function<void(std::size_t)>& work;
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stop{false};
    std::mutex lock{};
    std::exception_ptr failure{};

    template <typename Watch>
    void drain(Watch watch) {
        try {
            for (std::size_t piece; !stop && (piece = next.fetch_add(1)) < pieces; watch()) work(piece);
        } catch (...) {
            stop = true;
            const std::lock_guard<std::mutex> guard(lock);
            if (!failure) failure = std::current_exception();
        }
    }
};

}  // namespace

void run_pieces(std::size_t pieces, const Execution& execution, const std::function<void(std::size_t)>& work) {
    Job job{pieces, work};
    const auto helpers = std::min(static_cast<std::size_t>(std::max(execution.threads, 1)), pieces);
    std::vector<std::thread> threads;
    threads.reserve(helpers);
    try {
        for (std::size_t i = 1; i < helpers; ++i) threads.emplace_back([&job] { job.drain([] {}); });
    } catch (const std::system_error&) {
        // No more threads to be had: those that run, and this one, do the work.
    }

    using Time = std::chrono::steady_clock;
    thread_local auto asked = Time::now();  // kept between calls, so that many short ones are interruptible too
    job.drain([&] {
        if (execution.interrupted == nullptr || Time::now() - asked < std::chrono::milliseconds(20)) return;
        asked = Time::now();
        if (execution.interrupted()) throw Interrupted();
    });
    for (std::thread& thread : threads) thread.join();
    if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace gexcore
