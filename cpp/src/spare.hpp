// Memory that is handed on: a system clears the pages of a large allocation each time it is made, which takes half as long as a
// whole profile of 20,000 contracts.
#pragma once
#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace gexcore {

// One block of doubles that its last owner does not need. Whoever comes while another thread has the lock, or after a fork that
// found it locked, goes to the system as ever.
class Spare {
public:
    struct Block {
        double* memory = nullptr;
        std::size_t size = 0;
    };

    ~Spare() { free(block_.memory); }

    Block take(std::size_t size) {
        const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
        if (lock && block_.size >= size && block_.size / 4 <= size) return std::exchange(block_, {});
        return {static_cast<double*>(::operator new(size * sizeof(double), kLine)), size};
    }

    void give(Block block) {
        if (block.size >= kLeast && block.size <= kMost) {
            const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
            if (lock) std::swap(block, block_);
        }
        free(block.memory);
    }

private:
    // A vector that lies across two cache lines is two loads.
    static constexpr std::align_val_t kLine{64};

    static void free(double* memory) { ::operator delete(memory, kLine); }

    static constexpr std::size_t kLeast = std::size_t{1} << 13;  // below, the library's allocator keeps the pages itself
    static constexpr std::size_t kMost = std::size_t{1} << 22;   // 32 MiB: no more is held back

    std::mutex mutex_;
    Block block_;
};

}  // namespace gexcore
