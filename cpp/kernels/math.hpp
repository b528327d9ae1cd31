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

// Before a short loop that cannot vectorise.
#if defined(__clang__)
#define GEXCORE_UNROLLED _Pragma("clang loop unroll(full)")
#else
#define GEXCORE_UNROLLED _Pragma("GCC unroll 8")
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
    const double r2 = r * r, r4 = r2 * r2;
    const double high = madd(2.5105217695684516e-08, r, 2.762008948195459e-07);
    const double p67 = madd(2.755725539833871e-06, r, 2.4801521293463862e-05);
    const double p45 = madd(0.00019841269874822307, r, 0.0013888888917215586);
    const double p23 = madd(0.008333333333326134, r, 0.04166666666662412);
    const double p01 = madd(0.1666666666666667, r, 0.5000000000000001);
    double p = madd(madd(high, r4, madd(p67, r2, p45)), r4, madd(p23, r2, p01));
    p = madd(r2, p, r);
    const double scale = as_double((as_bits(shifted) + 1023) << 52);
    return {madd(scale, p, scale), madd(scale, p, scale - 1.0)};
}

// e^x for x <= 709, exactly 0 below -708 (no subnormal results); within 1 ulp (2 without FMA).
GEXCORE_INLINE double exp_flush(double x) {
    const double y = exp_both(x).value;
    return x < -708.0 ? 0.0 : y;
}

// The root of x, 0 or normal, positive; within 0.76 ulp. Where there is FMA without the divider, which quotients need
// meanwhile: a guess of 1 / sqrt(x) from half the exponent (within 3.5%), a cubic in what it is off (7.5e-7), one step of third
// order.
GEXCORE_INLINE double square_root(double x) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    const double guess = as_double(0x5fe6eb50c7b537a9u - (as_bits(x) >> 1));
    const double r = madd(-(x * guess), guess, 1.0);
    const double p3 = madd(0.3130542068934219, r, 0.37627905368171924);
    const double inverse = guess * madd(madd(p3, r, 0.5000004230153852), r, 0.9999992535691179);
    const double root = x * inverse;
    const double rest = madd(-root, inverse, 1.0);
    return madd(root, madd(0.375, rest, 0.5) * rest, root);
#else
    return __builtin_sqrt(x);
#endif
}

// (ln((1 + z) / (1 - z)) - 2 z) / z^3 from w = z^2, for (1 + z) / (1 - z) in [1/1.5, 1.5]: within 3e-19 of the logarithm.
GEXCORE_INLINE double log_tail(double w) {
    const double w2 = w * w;
    const double p67 = madd(0.13840001141274003, w, 0.13174056945335286);
    const double p45 = madd(0.15391084141720524, w, 0.18181666746791064);
    const double p23 = madd(0.2222222428157198, w, 0.28571428555963274);
    const double p01 = madd(0.4000000000005611, w, 0.666666666666666);
    return madd(madd(p67, w2, p45), w2 * w2, madd(p23, w2, p01));
}

struct SplitLog {
    double high;  // multiple of the exponent's ln 2, exact
    double low;
};

struct LogParts {
    double exponent;  // k
    double z;
};

// ln(num / den) = k ln2 + ln((1 + z) / (1 - z)), den scaled by a power of two into [num / 1.5, num * 1.5], where num - den is
// exact (Sterbenz). Needs num and den normal, positive; their ratio may be anything as long as 2^k is a double. k comes from
// the difference of the bits, which is ln2(num / den) within 0.09: a quotient would cost as much as all the rest.
GEXCORE_INLINE LogParts log_parts(double num, double den) {
    const u64 t = as_bits(num) - as_bits(den) + 0x3ff8000000000000u;
    const u64 biased = t >> 52;
    const double scaled = den * as_double(biased << 52);
    return {as_double(0x4330000000000000u | biased) - (0x1p52 + 1023.0), (num - scaled) / (num + scaled)};
}

// The logarithm as k ln2 (high) + rest (low): relative error of the sum 2e-16 even for num close to den.
GEXCORE_INLINE SplitLog log_of(const LogParts& parts) {
    const double k = parts.exponent, z = parts.z;
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

// Four rows in step. Horner's rule waits for its last result at every coefficient; four rows fill the pause.
struct Four {
    double a, b, c, d;
};

GEXCORE_INLINE Four madd(const Four& x, const Four& y, const Four& z) {
    return {madd(x.a, y.a, z.a), madd(x.b, y.b, z.b), madd(x.c, y.c, z.c), madd(x.d, y.d, z.d)};
}
GEXCORE_INLINE Four madd(const Four& x, const Four& y, double z) {
    return madd(x, y, Four{z, z, z, z});
}

// Where on the map x1 and x2 = x1 + gap lie, gap >= 0.
struct MillsPoint {
    double gap, inverse, inv1, inv2;  // 1 / (y1 y2), 1 / y1, 1 / y2, with y = x + 5
    double t1, t2;
};

GEXCORE_INLINE MillsPoint mills_point(double x1, double x2, double gap) {
    const double y1 = x1 + kMillsShift;
    const double y2 = x2 + kMillsShift;
    MillsPoint p;
    p.gap = gap;
    p.inverse = 1.0 / (y1 * y2);
    p.inv1 = y2 * p.inverse;
    p.inv2 = y1 * p.inverse;
    p.t1 = madd(-kMillsSpan, p.inv1, 1.0);
    p.t2 = madd(-kMillsSpan, p.inv2, 1.0);
    return p;
}

template <typename T>
struct Horner {
    T value, slope;
};

// f(t2), and the divided difference f[t1, t2] by Horner over the partial results of f(t2); T is double or Four.
template <typename T>
GEXCORE_INLINE Horner<T> mills_horner(const T& t1, const T& t2) {
    T slope = madd(T{}, t1, kMillsOdd);
    T f2 = madd(slope, t2, kMillsEven);
#define GEXCORE_MILLS_STEP(c_odd, c_even) \
    slope = madd(slope, t1, f2);          \
    f2 = madd(f2, t2, c_odd);             \
    slope = madd(slope, t1, f2);          \
    f2 = madd(f2, t2, c_even);
    GEXCORE_MILLS_STEPS(GEXCORE_MILLS_STEP)
#undef GEXCORE_MILLS_STEP
    return {f2, slope};
}

GEXCORE_INLINE Mills mills_at(const MillsPoint& p, double f2, double slope) {
    const double gap_inverse = p.gap * p.inverse;  // (x2 - x1) / (y1 y2) = inv1 - inv2
    const double f1 = madd(-kMillsSpan * gap_inverse, slope, f2);
    return {p.inv1 * f1, p.inv2 * f2, gap_inverse * madd(-kMillsSpan * p.inv2, slope, f1)};
}

// Both ratios and their difference for x2 = x1 + gap, gap >= 0; all within 1e-15 relative.
GEXCORE_INLINE Mills mills_pair(double x1, double x2, double gap) {
    const MillsPoint p = mills_point(x1, x2, gap);
    const Horner<double> h = mills_horner(p.t1, p.t2);
    return mills_at(p, h.value, h.slope);
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
