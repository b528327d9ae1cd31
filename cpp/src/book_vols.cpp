// Vols of a live book that come from prices: solved anew whenever a quote comes in, as a chain implies them.
#include <algorithm>
#include <cmath>

#include "book_live.hpp"
#include "dispatch.hpp"
#include "gexcore/implied_vol.hpp"

namespace gexcore {
namespace {

RowStatus reason_of(double price, double code) {
    if (std::isnan(price)) return RowStatus::no_price;
    switch (static_cast<VolStatus>(static_cast<int>(code))) {
        case VolStatus::below_intrinsic:
            return RowStatus::below_intrinsic;
        case VolStatus::above_maximum:
            return RowStatus::above_maximum;
        default:
            return RowStatus::no_implied_vol;
    }
}

}  // namespace

// The price of a row by a rule, NaN where there is none.
double Book::Live::price_of(std::size_t row, VolSource source) const {
    const auto good = [](double x) { return x > 0.0 && std::isfinite(x); };
    const double bid = slots.bid[row], ask = slots.ask[row];
    switch (source) {
        case VolSource::bid:
            return good(bid) ? bid : kNone;
        case VolSource::ask:
            return good(ask) ? ask : kNone;
        case VolSource::mid:
        case VolSource::otm:
            return good(bid) && good(ask) && ask >= bid ? (bid + ask) / 2.0 : kNone;
        default:
            return kNone;
    }
}

// At the forward that its quotes see; a strike there counts as outside for calls and puts alike.
bool Book::Live::out_of_the_money(std::size_t row) const {
    const double carry = std::exp((slots.rate[row] - slots.dividend_yield[row]) * slots.years[row]);
    const double above = slots.strike[row] - spot * slots.quote_spot[row] * carry;
    return slots.sign[row] * above >= 0.0;
}

// The row whose price gives a row its vol: itself, or the first quoted one of its settlement and strike that is out of the
// money; -1 if none.
std::int64_t Book::Live::donor_of(std::size_t row) const {
    if (static_cast<VolSource>(slots.source[row]) != VolSource::otm) return static_cast<std::int64_t>(row);
    for (const std::uint32_t other : keys.rows[static_cast<std::size_t>(slots.key[row])]) {
        const bool alive = slots.status[other] > static_cast<std::uint8_t>(RowStatus::expired);
        if (slots.settlement[other] != slots.settlement[row] || !alive) continue;
        if (!std::isnan(price_of(other, VolSource::otm)) && out_of_the_money(other)) return other;
    }
    return -1;
}

// Notes which vols a change of a row asks for. A quote in the money says nothing about the vol of its strike, unless nothing
// else does.
void Book::Live::want_vol(std::size_t row, bool quoted) {
    const auto want = [&](std::size_t at) {
        const auto source = static_cast<VolSource>(slots.source[at]);
        const bool implied = !slots.only_missing[at] || !(slots.vendor_vol[at] > 0.0);
        // also where the size or the vendor's vol is bad now: the next one may be good
        const bool alive = slots.years[at] > 0.0 && slots.fixed[at] > static_cast<std::uint8_t>(RowStatus::adjusted_contract);
        if (source == VolSource::vendor || source == VolSource::last || !implied || !alive) return;
        to_solve.emplace_back(static_cast<std::uint32_t>(at), donor_of(at));
    };
    const bool shared = quoted && static_cast<VolSource>(slots.source[row]) == VolSource::otm;
    if (!shared) return want(row);
    if (!out_of_the_money(row)) {
        if (donor_of(row) < 0) want(row);
        return;
    }
    for (const std::uint32_t other : keys.rows[static_cast<std::size_t>(slots.key[row])])
        if (slots.settlement[other] == slots.settlement[row] && static_cast<VolSource>(slots.source[other]) == VolSource::otm)
            want(other);
}

void Book::Live::solve_vols() {
    std::sort(to_solve.begin(), to_solve.end());
    to_solve.erase(std::unique(to_solve.begin(), to_solve.end()), to_solve.end());
    const BookSlots& s = slots;
    double columns[6][kBlockRows], price[kBlockRows], vol[kBlockRows], code[kBlockRows];
    for (std::size_t first = 0; first < to_solve.size(); first += kBlockRows) {
        const std::size_t n = std::min(kBlockRows, to_solve.size() - first);
        for (std::size_t i = 0; i < n; ++i) {
            const auto& [row, donor] = to_solve[first + i];
            const auto from = donor < 0 ? row : static_cast<std::size_t>(donor);
            price[i] = donor < 0 ? kNone : price_of(from, static_cast<VolSource>(s.source[row]));
            const double values[] = {spot * s.quote_spot[from], s.strike[from], s.years[from], s.rate[from],
                                     s.dividend_yield[from],    s.sign[from]};
            for (std::size_t c = 0; c < 6; ++c) columns[c][i] = values[c];
        }
        const GreekBlock in{columns[0], columns[1], columns[2], nullptr, columns[3], columns[4], columns[5]};
        active_kernels().implied_vol(in, price, n, vol, code);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t row = to_solve[first + i].first;
            slots.solved_vol[row] = vol[i];
            slots.unsolved[row] = static_cast<std::uint8_t>(reason_of(price[i], code[i]));
            recompute(row);
        }
    }
    to_solve.clear();
}

}  // namespace gexcore
