// Greeks as sums of terms, coefficient of the contract x function of d1: the table of terms and the preparation of contracts.
#pragma once
#include "greeks.hpp"
#include "sweep.hpp"

namespace GEXCORE_KERNEL_NAMESPACE {
namespace {

constexpr size_t kTile = kGroup;  // rows at once
constexpr size_t kStride = gexcore::kColumnStride;

// The functions of d1: e^{-d1^2/2} without and with powers of d1, and w N(w d1).
enum Basis : uint32_t { kBell, kBellD, kBellDD, kSide, kBases };

// What coefficients are made of. Rows of weight 0 are all zeros, rows with an input out of range NaN.
struct Facts {
    double held;       // weight e^{-yT}
    double amplitude;  // held / (s sqrt T sqrt 2 pi)
    double inverse_width, root_time, vol, carry, yield;

    GEXCORE_INLINE double width() const { return vol * root_time; }
    GEXCORE_INLINE double inverse_vol() const { return inverse_width * root_time; }
    GEXCORE_INLINE double half_by_time() const { return 0.5 * (vol * inverse_width) * (vol * inverse_width); }  // 1 / (2 T)
    GEXCORE_INLINE double vol_by_root() const { return 0.5 * vol * (vol * inverse_width); }  // s / (2 sqrt T)
};

struct FactColumns {
    alignas(64) double held[kTile];
    alignas(64) double amplitude[kTile];
    alignas(64) double inverse_width[kTile];
    alignas(64) double root_time[kTile];
    alignas(64) double vol[kTile];
    alignas(64) double carry[kTile];
    alignas(64) double yield[kTile];

    GEXCORE_INLINE Facts at(size_t i) const {
        return {held[i], amplitude[i], inverse_width[i], root_time[i], vol[i], carry[i], yield[i]};
    }
};

struct Term {
    uint32_t greek;
    uint32_t basis;
    void (*fill)(const FactColumns& rows, double* column);
};

#define GEXCORE_TERM(greek, basis, coefficient)                  \
    {greek, basis, [](const FactColumns& rows, double* column) { \
         GEXCORE_INDEPENDENT_ROWS                                \
         for (size_t i = 0; i < kTile; ++i) {                    \
             const Facts row = rows.at(i);                       \
             column[i] = coefficient;                            \
         }                                                       \
     }}

// A greek x a power of S (see greek_profile.cpp) as a polynomial in d1, with d2 = d1 - s sqrt T. The terms of a greek stand
// together.
// clang-format off
constexpr Term kTerms[] = {
    GEXCORE_TERM(kDelta, kSide, row.held),
    GEXCORE_TERM(kGamma, kBell, row.amplitude),
    GEXCORE_TERM(kVega, kBell, row.amplitude * row.width() * row.root_time),
    GEXCORE_TERM(kVanna, kBell, row.amplitude * row.width() * row.root_time),
    GEXCORE_TERM(kVanna, kBellD, -row.amplitude * row.root_time),
    GEXCORE_TERM(kCharm, kBell, -row.amplitude * madd(0.5 * row.vol, row.vol, row.carry)),
    GEXCORE_TERM(kCharm, kBellD, row.amplitude * row.vol_by_root()),
    GEXCORE_TERM(kCharm, kSide, row.held * row.yield),
    GEXCORE_TERM(kVomma, kBellD, -row.amplitude * row.width() * row.root_time * row.root_time),
    GEXCORE_TERM(kVomma, kBellDD, row.amplitude * row.root_time * row.root_time),
    GEXCORE_TERM(kSpeed, kBell, -row.amplitude),
    GEXCORE_TERM(kSpeed, kBellD, -row.amplitude * row.inverse_width),
    GEXCORE_TERM(kZomma, kBell, -row.amplitude * row.inverse_vol()),
    GEXCORE_TERM(kZomma, kBellD, -row.amplitude * row.root_time),
    GEXCORE_TERM(kZomma, kBellDD, row.amplitude * row.inverse_vol()),
    GEXCORE_TERM(kColor, kBell, row.amplitude * (row.yield + row.half_by_time())),
    GEXCORE_TERM(kColor, kBellD, row.amplitude * madd(row.carry, row.inverse_width, row.vol_by_root())),
    GEXCORE_TERM(kColor, kBellDD, -row.amplitude * row.half_by_time()),
};
// clang-format on
#undef GEXCORE_TERM
constexpr size_t kTermCount = sizeof(kTerms) / sizeof(kTerms[0]);

// Columns of a prepared block: these, then one per term of the asked greeks.
enum : size_t { kCenterHigh, kCenterLow, kInverseWidth, kOn, kCall, kFirstTerm };

// The terms of a set of greeks; `slot` numbers the asked greeks.
struct Plan {
    struct {
        uint32_t basis;
        size_t slot;
    } terms[kTermCount];
    size_t count = 0;
    size_t greeks = 0;
    uint32_t bases = 0;

    explicit Plan(uint32_t which) {
        size_t slots[gexcore::kGreekCount] = {};
        for (uint32_t g = 0; g < gexcore::kGreekCount; ++g)
            if (which & bit(g)) slots[g] = greeks++;
        for (const Term& term : kTerms)
            if (which & bit(term.greek)) {
                terms[count++] = {term.basis, slots[term.greek]};
                bases |= bit(term.basis);
            }
    }
};

size_t moment_columns(uint32_t which) {
    return kFirstTerm + Plan(which).count;
}

// A prepared block; rows are padded to whole tiles by rows that are off.
struct Block {
    const double* columns;
    size_t rows;

    Block(const double* prepared, size_t n) : columns(prepared), rows((n + kTile - 1) / kTile * kTile) {}
    GEXCORE_INLINE const double* column(size_t c) const { return columns + c * kStride; }
    gexcore::SweepBlock bells() const { return {column(kCenterHigh), column(kCenterLow), column(kInverseWidth), column(kOn)}; }
};

// Rows of contracts, sound numbers in place of whatever a row of weight 0 holds.
struct Rows {
    alignas(64) double strike[kTile], time[kTile], vol[kTile], rate[kTile], yield[kTile], weight[kTile], call[kTile];
};

// The n <= 32 rows of a block from its row `first` on; rows of weight 0 fill the tile.
GEXCORE_INLINE void read_rows(const gexcore::GreekBlock& in, const double* weight, size_t first, size_t n, Rows& rows) {
    const double *strike = in.strike + first, *time = in.time_to_expiry + first, *vol = in.implied_vol + first,
                 *rate = in.rate + first, *yield = in.dividend_yield + first, *sign = in.sign + first;
    weight += first;
    for (size_t i = n; i < kTile; ++i) {
        rows.strike[i] = rows.time[i] = rows.vol[i] = 1.0;
        rows.rate[i] = rows.yield[i] = rows.weight[i] = rows.call[i] = 0.0;
    }
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < n; ++i) {
        const double k = strike[i], t = time[i], s = vol[i], r = rate[i], y = yield[i], w = weight[i];
        const bool on = w != 0.0;
        rows.strike[i] = on ? k : 1.0;
        rows.time[i] = on ? t : 1.0;
        rows.vol[i] = on ? s : 1.0;
        rows.rate[i] = on ? r : 0.0;
        rows.yield[i] = on ? y : 0.0;
        rows.weight[i] = w;
        rows.call[i] = max(sign[i], 0.0);
    }
}

GEXCORE_INLINE void prepare_tile(const Rows& rows, double* block, FactColumns& facts) {
    double *center_high = block + kCenterHigh * kStride, *center_low = block + kCenterLow * kStride,
           *inverse_width = block + kInverseWidth * kStride, *on = block + kOn * kStride, *call = block + kCall * kStride;
    GEXCORE_INDEPENDENT_ROWS
    for (size_t i = 0; i < kTile; ++i) {
        const double k = rows.strike[i], t = rows.time[i], s = rows.vol[i], r = rows.rate[i], y = rows.yield[i],
                     w = rows.weight[i];
        const double root = __builtin_sqrt(t);
        const double width = s * root;
        const double poison = nan_outside(k, 1e-290, 1e290) + nan_outside(s, 0.0, 1e100) + nan_outside(t, 0.0, 1e290) +
                              nan_outside(width, kNoWidth, 1e290) + nan_outside(r * t, -700.0, 700.0) +
                              nan_outside(y * t, -700.0, 700.0) + nan_outside(w, -1e290, 1e290);
        const double inverse = w != 0.0 ? 1.0 / width + poison : 0.0;
        const double held = w * exp_both(-y * t).value + poison;
        const SplitLog log = fine_log(k);
        center_high[i] = log.high;
        center_low[i] = log.low - madd(0.5 * s, s, r - y) * t;
        inverse_width[i] = inverse;
        on[i] = w != 0.0 ? 1.0 + poison : 0.0;
        call[i] = rows.call[i];
        facts.held[i] = held;
        facts.amplitude[i] = held * (kInvSqrt2Pi * inverse);
        facts.inverse_width[i] = inverse;
        facts.root_time[i] = root;
        facts.vol[i] = s;
        facts.carry[i] = r - y;
        facts.yield[i] = y;
    }
}

void moment_prepare(const gexcore::GreekBlock& in, const double* weight, size_t n, uint32_t which, double* block) {
    Rows rows;
    FactColumns facts;
    for (size_t first = 0; first < n; first += kTile) {
        read_rows(in, weight, first, n - first < kTile ? n - first : kTile, rows);
        prepare_tile(rows, block + first, facts);
        double* column = block + kFirstTerm * kStride + first;
        for (const Term& term : kTerms) {
            if (!(which & bit(term.greek))) continue;
            term.fill(facts, column);
            column += kStride;
        }
    }
}

}  // namespace
}  // namespace GEXCORE_KERNEL_NAMESPACE
