// Which compiled variant of the kernels runs: psABI levels x86_v4, x86_v3, or baseline.
#pragma once
#include <string>
#include <vector>

namespace gexcore::cpu {

// Variants that this build has and this processor can run, best first.
std::vector<std::string> available();

// The variant in use. First call decides: GEXCORE_ISA if set, else the best. Throws Error if GEXCORE_ISA cannot be had.
std::string active();

// Switches to a variant by name for calls that start from now on. Throws Error for an unknown or unavailable name.
void use(const std::string& isa);

}  // namespace gexcore::cpu
