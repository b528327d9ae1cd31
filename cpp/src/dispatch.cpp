// Chooses the kernel variant: what the build has, what the processor can run, what the user asked for.
#include "dispatch.hpp"

#include <atomic>
#include <cstdlib>

#include "gexcore/cpu.hpp"
#include "gexcore/error.hpp"

#if defined(GEXCORE_HAVE_X86_VARIANTS)
#include <cpuid.h>
#endif

namespace baseline {
extern const gexcore::Kernels kernels;
}
#if defined(GEXCORE_HAVE_X86_VARIANTS)
namespace x86_v3 {
extern const gexcore::Kernels kernels;
}
namespace x86_v4 {
extern const gexcore::Kernels kernels;
}
#endif

namespace gexcore {
namespace {

bool always() {
    return true;
}

#if defined(GEXCORE_HAVE_X86_VARIANTS)
// The builtin also asks the operating system; lzcnt, movbe and f16c of the level are asked of the processor itself.
bool has_v3() {
    unsigned a = 0, b = 0, basic = 0, extended = 0, d = 0;
    if (!__get_cpuid(1, &a, &b, &basic, &d) || !__get_cpuid(0x80000001u, &a, &b, &extended, &d)) return false;
    const bool movbe = basic & (1u << 22), f16c = basic & (1u << 29), lzcnt = extended & (1u << 5);
    return movbe && f16c && lzcnt && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool has_v4() {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

struct Variant {
    const Kernels* kernels;
    bool (*runs_here)();
};

const Variant variants[] = {
#if defined(GEXCORE_HAVE_X86_VARIANTS)
    {&x86_v4::kernels, has_v4},
    {&x86_v3::kernels, has_v3},
#endif
    {&baseline::kernels, always},
};

std::atomic<const Kernels*> active{nullptr};

const Kernels* find(const std::string& isa, const std::string& asked_by) {
    std::string names;
    for (const Variant& variant : variants) {
        if (!variant.runs_here()) continue;
        if (isa == variant.kernels->isa) return variant.kernels;
        names += names.empty() ? variant.kernels->isa : std::string(", ") + variant.kernels->isa;
    }
    throw Error(asked_by + ": instruction set '" + isa + "' is unknown or not available here. Hint: use one of " + names);
}

}  // namespace

const Kernels& active_kernels() {
    const Kernels* current = active.load(std::memory_order_acquire);
    if (current == nullptr) {
        const char* forced = std::getenv("GEXCORE_ISA");
        current = forced != nullptr && *forced != '\0' ? find(forced, "GEXCORE_ISA") : find(cpu::available().front(), "cpu");
        active.store(current, std::memory_order_release);
    }
    return *current;
}

namespace cpu {

std::vector<std::string> available() {
    std::vector<std::string> names;
    for (const Variant& variant : variants)
        if (variant.runs_here()) names.emplace_back(variant.kernels->isa);
    return names;
}

std::string active() {
    return active_kernels().isa;
}

void use(const std::string& isa) {
    gexcore::active.store(find(isa, "cpu.use"), std::memory_order_release);
}

}  // namespace cpu
}  // namespace gexcore
