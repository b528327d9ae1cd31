// Frozen yardstick of the ratio gate: ceilings.json is in units of this loop's time, so it must never change.
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define INDEPENDENT_ROWS _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT_ROWS _Pragma("GCC ivdep")
#endif
#define ALWAYS inline __attribute__((always_inline))

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

namespace {

ALWAYS double madd(double a, double b, double c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}

ALWAYS double bits_to_double(uint64_t bits) {
    double x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}
ALWAYS uint64_t double_to_bits(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

ALWAYS double exponential(double x) {
    const double shifted = madd(x, 1.4426950408889634, 0x1.8p52);
    const double k = shifted - 0x1.8p52;
    const double r = madd(k, -0.6931471805599453, x);
    double p = 2.48015873015873e-05;
    p = madd(p, r, 1.984126984126984e-04);
    p = madd(p, r, 1.3888888888888889e-03);
    p = madd(p, r, 8.333333333333333e-03);
    p = madd(p, r, 4.1666666666666664e-02);
    p = madd(p, r, 1.6666666666666666e-01);
    p = madd(p, r, 0.5);
    p = madd(p, r, 1.0);
    p = madd(p, r, 1.0);
    return p * bits_to_double((double_to_bits(shifted) + 1023) << 52);
}

ALWAYS double logarithm(double x) {
    const uint64_t t = double_to_bits(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    const uint64_t biased = t >> 52;
    const double k = bits_to_double(0x4330000000000000u | biased) - (0x1p52 + 1023.0);
    const double m = bits_to_double(double_to_bits(x) - ((biased - 1023) << 52));
    const double z = (m - 1.0) / (m + 1.0);
    const double w = z * z;
    double p = 0.15384615384615385;
    p = madd(p, w, 0.18181818181818182);
    p = madd(p, w, 0.2222222222222222);
    p = madd(p, w, 0.2857142857142857);
    p = madd(p, w, 0.4);
    p = madd(p, w, 0.6666666666666666);
    p = madd(p, w, 2.0);
    return madd(k, 0.6931471805599453, p * z);
}

// N(x) from the density by a polynomial (Abramowitz and Stegun 26.2.17, error 7.5e-8).
ALWAYS double distribution(double x, double density) {
    const double t = 1.0 / madd(0.2316419, x < 0.0 ? -x : x, 1.0);
    double p = 1.330274429;
    p = madd(p, t, -1.821255978);
    p = madd(p, t, 1.781477937);
    p = madd(p, t, -0.356563782);
    p = madd(p, t, 0.319381530);
    const double tail = density * p * t;
    return x < 0.0 ? tail : 1.0 - tail;
}

}  // namespace

// Nine columns of n rows in `out` from four of n rows: call price, delta, gamma, vega, theta, rho, vanna, charm, vomma.
extern "C" PUBLIC void reference(size_t n, const double* spot, const double* strike, const double* time, const double* vol,
                                 double rate, double* out) {
    double *price = out, *delta = out + n, *gamma = out + 2 * n, *vega = out + 3 * n, *theta = out + 4 * n, *rho = out + 5 * n,
           *vanna = out + 6 * n, *charm = out + 7 * n, *vomma = out + 8 * n;
    INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double root = __builtin_sqrt(time[i]);
        const double inverse_width = 1.0 / (vol[i] * root);
        const double d1 = madd(madd(0.5 * vol[i], vol[i], rate), time[i], logarithm(spot[i] / strike[i])) * inverse_width;
        const double d2 = madd(-vol[i], root, d1);
        const double n1 = 0.3989422804014327 * exponential(-0.5 * d1 * d1);
        const double value = strike[i] * exponential(-rate * time[i]);
        const double n2 = spot[i] * n1 / value;
        const double below1 = distribution(d1, n1), below2 = distribution(d2, n2);
        const double inverse_vol = root * inverse_width;
        const double inverse_root = vol[i] * inverse_width;
        const double v = spot[i] * n1 * root;
        price[i] = madd(spot[i], below1, -value * below2);
        delta[i] = below1;
        gamma[i] = n1 * inverse_width / spot[i];
        vega[i] = v;
        theta[i] = madd(-rate * value, below2, -0.5 * v * vol[i] * inverse_root * inverse_root);
        rho[i] = time[i] * value * below2;
        vanna[i] = -n1 * d2 * inverse_vol;
        charm[i] = n1 * madd(0.5 * d2, inverse_root * inverse_root, -rate * inverse_width);
        vomma[i] = v * d1 * d2 * inverse_vol;
    }
}
