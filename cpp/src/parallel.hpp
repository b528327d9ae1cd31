// Runs fixed pieces of work on a few threads. Which thread takes which piece is chance; results must not depend on it.
#pragma once
#include <cstddef>
#include <functional>

#include "gexcore/execution.hpp"

namespace gexcore {

// Calls work(piece) once for every piece < pieces, on the calling thread and on up to execution.threads - 1 workers that are
// parked between calls. A call that finds no worker free, or is made by a worker, does all the work itself.
void run_pieces(std::size_t pieces, const Execution& execution, const std::function<void(std::size_t)>& work);

}  // namespace gexcore
