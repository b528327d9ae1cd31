// How a call runs: number of threads and a question that is asked now and then ("stop?"). Results never depend on it.
#pragma once
#include <stdexcept>

namespace gexcore {

struct Execution {
    int threads = 1;
    bool (*interrupted)() = nullptr;  // called on the calling thread about every 20 ms
};

// Thrown when Execution::interrupted answered true.
class Interrupted : public std::runtime_error {
public:
    Interrupted() : std::runtime_error("interrupted") {}
};

}  // namespace gexcore
