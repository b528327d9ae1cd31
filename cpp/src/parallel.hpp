// Runs fixed pieces of work on a few threads. Which thread takes which piece is chance; results must not depend on it.
#pragma once
#include <cstddef>
#include <functional>

#include "gexcore/execution.hpp"

namespace gexcore {

// Calls work(piece) once for every piece < pieces. Threads live as long as the call, so a forked child finds none missing.
void run_pieces(std::size_t pieces, const Execution& execution, const std::function<void(std::size_t)>& work);

}  // namespace gexcore
