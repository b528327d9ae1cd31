// Branch-free elementary functions: one straight line of IEEE operations each, so that a plain loop over them vectorises.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Clang leaves the longer helpers as calls otherwise, and a loop with a call does not vectorise.
#define GEXCORE_INLINE inline __attribute__((always_inline))

// Before a loop whose columns never overlap between rows: the compiler may vectorise without checks for aliasing.
#if defined(__clang__)
#define GEXCORE_INDEPENDENT_ROWS _Pragma("clang loop vectorize(assume_safety)")
#else
#define GEXCORE_INDEPENDENT_ROWS _Pragma("GCC ivdep")
#endif

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

using u64 = uint64_t;

GEXCORE_INLINE double as_double(u64 bits) {
    return __builtin_bit_cast(double, bits);
}
GEXCORE_INLINE u64 as_bits(double x) {
    return __builtin_bit_cast(u64, x);
}

// a * b + c: one rounding where the ISA has FMA, two elsewhere (a call into libm would cost ten times the rest).
GEXCORE_INLINE double madd(double a, double b, double c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

GEXCORE_INLINE double max(double a, double b) {
    return a > b ? a : b;
}
GEXCORE_INLINE double min(double a, double b) {
    return a < b ? a : b;
}
GEXCORE_INLINE double abs(double x) {
    return as_double(as_bits(x) & ~(u64{1} << 63));
}

constexpr double kLn2High = 0x1.62e42fee00000p-1;  // 32 bits: times any exponent is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kInvSqrt2Pi = 0.3989422804014327;
constexpr double kShifter = 0x1.8p52;  // adding it rounds to an integer that sits in the low bits

struct Exponential {
    double value;      // e^x
    double minus_one;  // e^x - 1, without cancellation near 0
};

// e^x and e^x - 1; value within 1 ulp (2 without FMA) for -708 <= x <= 709; outside that range meaningless.
GEXCORE_INLINE Exponential exp_both(double x) {
    const double shifted = madd(x, 1.4426950408889634, kShifter);
    const double k = shifted - kShifter;
    double r = madd(k, -kLn2High, x);
    r = madd(k, -kLn2Low, r);
    double p = 2.5105217695684516e-08;
    p = madd(p, r, 2.762008948195459e-07);
    p = madd(p, r, 2.755725539833871e-06);
    p = madd(p, r, 2.4801521293463862e-05);
    p = madd(p, r, 0.00019841269874822307);
    p = madd(p, r, 0.0013888888917215586);
    p = madd(p, r, 0.008333333333326134);
    p = madd(p, r, 0.04166666666662412);
    p = madd(p, r, 0.1666666666666667);
    p = madd(p, r, 0.5000000000000001);
    p = madd(r * r, p, r);
    const double scale = as_double((as_bits(shifted) + 1023) << 52);
    return {madd(scale, p, scale), madd(scale, p, scale - 1.0)};
}

// e^x for x <= 709, exactly 0 below -708 (no subnormal results); within 1 ulp (2 without FMA).
GEXCORE_INLINE double exp_flush(double x) {
    const double y = exp_both(max(x, -708.0)).value;
    return x < -708.0 ? 0.0 : y;
}

// (ln((1 + z) / (1 - z)) - 2 z) / z^3 from w = z^2, for (1 + z) / (1 - z) in [1/sqrt 2, sqrt 2].
GEXCORE_INLINE double log_tail(double w) {
    double p = 0.14617229114009048;
    p = madd(p, w, 0.1533165379922582);
    p = madd(p, w, 0.1818289133623783);
    p = madd(p, w, 0.22222211101577205);
    p = madd(p, w, 0.2857142862620096);
    p = madd(p, w, 0.39999999999898944);
    return madd(p, w, 0.666666666666667);
}

struct SplitLog {
    double high;  // multiple of the exponent's ln 2, exact
    double low;
};

// ln(num / den) as k ln2 (high) + rest (low), den scaled by a power of two into [num/sqrt 2, num sqrt 2], where num - den is
// exact (Sterbenz): relative error of the sum 2e-16 even for num close to den. Needs num, den and num/den normal, positive.
GEXCORE_INLINE SplitLog log_ratio(double num, double den) {
    const u64 sqrt_half = 0x3fe6a09e667f3bcdu;
    const u64 t = as_bits(num / den) + (0x3ff0000000000000u - sqrt_half);
    const u64 biased = t >> 52;
    const double k = as_double(0x4330000000000000u | biased) - (0x1p52 + 1023.0);
    const double scaled = den * as_double(biased << 52);
    const double z = (num - scaled) / (num + scaled);
    const double w = z * z;
    const double log_m = madd(z * w, log_tail(w), z + z);
    return {k * kLn2High, madd(k, kLn2Low, log_m)};
}

// Tail of the normal law by its Mills ratio M(x) = N(-x) / n(x) = f(t) / (x + 5), t = (x - 4) / (x + 5), for x >= -0.5.
// f is a degree-25 polynomial in t over [-1, 1], relative error 4e-16 with rounding of its coefficients.
constexpr double kMillsShift = 5.0;  // x + 5: pole of the map
constexpr double kMillsSpan = 9.0;   // t = 1 - 9 / (x + 5)
constexpr double kMillsFrom = -0.5;  // left end of the map, t = -1

// Coefficients of f from the highest power down, odd and even ones side by side.
constexpr double kMillsOdd = 1.3783746785819951e-09, kMillsEven = 1.4588169098454317e-10;
#define GEXCORE_MILLS_STEPS(STEP)                          \
    STEP(-1.532225607743908e-08, -5.725199542604892e-09)   \
    STEP(9.442173921345539e-08, 6.928339053064916e-08)     \
    STEP(-4.644512036779404e-07, -5.362304536019537e-07)   \
    STEP(2.224176428473123e-06, 3.3357250314232377e-06)    \
    STEP(-1.1830636127307356e-05, -1.7911432310735582e-05) \
    STEP(7.44042868827132e-05, 7.227665818191045e-05)      \
    STEP(-0.0005342918974642593, 9.400745829416185e-05)    \
    STEP(0.0037045671767907424, -0.007938756326150083)     \
    STEP(-0.010664482065728892, 0.10746054982595817)       \
    STEP(-0.3552473060508354, 0.792388590862762)           \
    STEP(-1.3616057757877893, 1.897106298088054)           \
    STEP(-2.1947564897842966, 2.129871446222046)

// M(x), within 1e-15 relative. Two polynomials in t^2 side by side: half the time to wait for.
GEXCORE_INLINE double mills(double x) {
    const double inverse = 1.0 / (x + kMillsShift);
    const double t = madd(-kMillsSpan, inverse, 1.0);
    const double square = t * t;
    double odd = kMillsOdd, even = kMillsEven;
#define GEXCORE_MILLS_STEP(c_odd, c_even) \
    odd = madd(odd, square, c_odd);       \
    even = madd(even, square, c_even);
    GEXCORE_MILLS_STEPS(GEXCORE_MILLS_STEP)
#undef GEXCORE_MILLS_STEP
    return inverse * madd(odd, t, even);
}

struct Mills {
    double left;        // M(x1)
    double right;       // M(x2)
    double difference;  // M(x1) - M(x2), as a divided difference: no cancellation however close x1 and x2 are
};

// Both ratios and their difference for x2 = x1 + gap, gap >= 0; all within 1e-15 relative.
GEXCORE_INLINE Mills mills_pair(double x1, double x2, double gap) {
    const double y1 = x1 + kMillsShift;
    const double y2 = x2 + kMillsShift;
    const double inverse = 1.0 / (y1 * y2);
    const double inv1 = y2 * inverse;
    const double inv2 = y1 * inverse;
    const double t1 = madd(-kMillsSpan, inv1, 1.0);
    const double t2 = madd(-kMillsSpan, inv2, 1.0);
    double slope = kMillsOdd;  // divided difference f[t1, t2]: Horner over the partial results of f(t2)
    double f2 = madd(kMillsOdd, t2, kMillsEven);
#define GEXCORE_MILLS_STEP(c_odd, c_even) \
    slope = madd(slope, t1, f2);          \
    f2 = madd(f2, t2, c_odd);             \
    slope = madd(slope, t1, f2);          \
    f2 = madd(f2, t2, c_even);
    GEXCORE_MILLS_STEPS(GEXCORE_MILLS_STEP)
#undef GEXCORE_MILLS_STEP
    const double gap_inverse = gap * inverse;  // (x2 - x1) / (y1 y2) = inv1 - inv2
    const double f1 = madd(-kMillsSpan * gap_inverse, slope, f2);
    return {inv1 * f1, inv2 * f2, gap_inverse * madd(-kMillsSpan * inv2, slope, f1)};
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
