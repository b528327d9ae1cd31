// A standing pool: workers are parked between calls. The calling thread takes part, and watches for interruption.
#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "gexcore/error.hpp"

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace gexcore {
namespace {

// A counter hands out the pieces of one call.
struct Job {
    std::size_t pieces;
    const std::function<void(std::size_t)>& work;
    std::size_t wanted;      // workers that may still join, and
    std::size_t inside = 0;  // those at work: both under the pool's lock
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stop{false};
    std::atomic<bool> failed{false};
    std::exception_ptr failure{};

    template <typename Watch>
    void drain(Watch watch) {
        try {
            for (std::size_t piece; !stop && (piece = next.fetch_add(1)) < pieces; watch()) work(piece);
        } catch (...) {
            stop = true;
            if (!failed.exchange(true)) failure = std::current_exception();
        }
    }
};

class Pool {
public:
    // The pool of this process. It is never destroyed: parked workers may outlive static destructors.
    static Pool& here();
    static void forget() { current.store(nullptr); }
    bool is_here() const { return current.load() == this; }

    // Lets workers join. One call gets the workers it asks for; calls at the same time share one per processor.
    void open(Job& job) {
        const std::lock_guard<std::mutex> guard(lock_);
        std::size_t claimed = job.wanted;
        for (const Job* other : open_) claimed += other->wanted;
        const std::size_t most = std::max<std::size_t>(job.wanted, std::max(std::thread::hardware_concurrency(), 1u) - 1);
        try {
            while (idle_ < claimed && workers_ < most) start_worker();
        } catch (const std::system_error&) {
            // No more threads to be had: those that run, and the caller, do the work.
        }
        open_.push_back(&job);
        for (std::size_t i = 0; i < job.wanted; ++i) wake_.notify_one();
    }

    // Returns when no worker is inside and none will join.
    void close(Job& job) {
        std::unique_lock<std::mutex> guard(lock_);
        open_.erase(std::remove(open_.begin(), open_.end(), &job), open_.end());
        left_.wait(guard, [&] { return job.inside == 0; });
    }

private:
    void start_worker() {
        std::thread([this] { work(); }).detach();
        ++workers_;
        ++idle_;
    }

    [[noreturn]] void work();

    static std::atomic<Pool*> current;

    std::mutex lock_{};
    std::condition_variable wake_{}, left_{};
    std::vector<Job*> open_{};  // jobs that workers may still join, oldest first
    std::size_t workers_ = 0;
    std::size_t idle_ = 0;
};

std::atomic<Pool*> Pool::current{nullptr};

Pool& Pool::here() {
    Pool* pool = current.load();
    if (pool != nullptr) return *pool;
    auto* fresh = new Pool;
    if (current.compare_exchange_strong(pool, fresh)) return *fresh;
    delete fresh;  // another thread was first
    return *pool;
}

// Signals sent to the process are for the threads of its owner; faults stay with the thread that made them.
void leave_signals_to_others() {
#if !defined(_WIN32)
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
#endif
}

void Pool::work() {
    leave_signals_to_others();
    std::unique_lock<std::mutex> guard(lock_);
    for (;;) {
        wake_.wait(guard, [this] { return !open_.empty(); });
        Job& job = *open_.front();
        if (--job.wanted == 0) open_.erase(open_.begin());
        ++job.inside;
        --idle_;
        guard.unlock();
        job.drain([] {});
        guard.lock();
        ++idle_;
        if (--job.inside == 0) left_.notify_all();
    }
}

#if !defined(_WIN32)
// A forked child has none of its parent's workers, and locks in any state: it starts with a pool of its own.
const int forgotten_in_children = pthread_atfork(nullptr, nullptr, &Pool::forget);
#endif

// Asks now and then whether to stop; the time of the last question is kept, so that many short calls are interruptible too.
void watch(const Execution& execution) {
    using Time = std::chrono::steady_clock;
    thread_local auto asked = Time::now();
    if (execution.interrupted == nullptr || Time::now() - asked < std::chrono::milliseconds(20)) return;
    asked = Time::now();
    if (execution.interrupted()) throw Interrupted();
}

}  // namespace

void run_pieces(std::size_t pieces, const Execution& execution, const std::function<void(std::size_t)>& work) {
    const auto threads = std::min(static_cast<std::size_t>(std::max(execution.threads, 1)), std::max<std::size_t>(pieces, 1));
    Job job{pieces, work, threads - 1};
    Pool* pool = threads > 1 ? &Pool::here() : nullptr;
    if (pool != nullptr) pool->open(job);
    job.drain([&] { watch(execution); });
    const bool forked = pool != nullptr && !pool->is_here();
    if (pool != nullptr && !forked) pool->close(job);
    if (job.failure) std::rethrow_exception(job.failure);
    if (forked)
        throw Error("threads: a signal handler forked in the middle of a call. Hint: use threads=1, or fork between calls");
}

}  // namespace gexcore
