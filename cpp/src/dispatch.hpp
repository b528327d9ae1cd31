// The kernel table in use.
#pragma once
#include "kernels.hpp"

namespace gexcore {

// A call fetches this once and uses it to its end, so that cpu::use() never mixes variants within a call.
const Kernels& active_kernels();

}  // namespace gexcore
