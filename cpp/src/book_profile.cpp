// The profile of a live book: nodes kept by block on a window of the lattice, crossings, the fast reading at spot.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "book_live.hpp"
#include "dispatch.hpp"

namespace gexcore {
namespace {

constexpr double kTransitionShare = 0.05;
constexpr double kTransitionDeviations = 0.5;
using Guard = std::lock_guard<std::mutex>;

double half_range(double vol) {
    return std::clamp(4.0 * (std::isnan(vol) ? 0.0 : vol) * std::sqrt(30.0 / 365), 0.15, 1.5);
}

BookRegime kind_of(double net, double gross, double distance, double daily) {
    if (!(gross > 0.0)) return BookRegime::no_exposure;
    if (std::fabs(net / gross) < kTransitionShare || std::fabs(distance / daily) < kTransitionDeviations)
        return BookRegime::transition;
    return net > 0.0 ? BookRegime::long_gamma : BookRegime::short_gamma;
}

}  // namespace

// Lays the window anew: from a seed of the recurrence on, in halves of its runs, as far as covers the nodes first .. last.
void Book::Live::anchor(int exponent, double first, double last) {
    const double run = static_cast<double>(kSweepRun), step = std::ldexp(1.0, exponent);
    window.exponent = exponent;
    window.first = std::floor(first / run) * run;
    const auto count = static_cast<std::size_t>((std::floor(2.0 * last / run) + 1.0) * (0.5 * run) - window.first);
    for (auto* column : {&window.spots, &window.high, &window.low, &window.unit, &window.gamma}) column->resize(count);
    for (std::size_t j = 0; j < count; ++j) {
        const double s = std::exp((window.first + static_cast<double>(j)) * step);
        window.spots[j] = s;
        window.unit[j] = s * s / 100.0;
    }
    kernels->split_log(window.spots.data(), count, window.high.data(), window.low.data());
    nodes.resize(leaves(), count);
    forget_pairs();
    ++anchors;
}

void Book::Live::forget_pairs() {
    for (NodePair& pair : pairs) pair.known = false;
    for (NodePair& cell : cells) cell.known = false;
}

// Sums of two variants of the kernels are never mixed.
void Book::Live::follow_kernels() {
    if (kernels == &active_kernels()) return;
    kernels = &active_kernels();
    touch_all();
    window.spots.clear();
}

void Book::Live::prepare_rows(std::size_t at, std::size_t count) {
    kernels->sweep_prepare(slots.terms(at), &slots.weight[at], count, &slots.center_high[at], &slots.center_low[at],
                           &slots.inverse_width[at], &slots.amplitude[at]);
}

// The range hops to and fro with the vol at the money: peaks of the last ranges are kept.
const double* Book::Live::peaks_in(const PeakRange& range) {
    RangePeaks* found = nullptr;
    for (RangePeaks& each : peaks) {
        for (const std::size_t k : profile_dirty.list()) each.stale.mark(k);
        if (each.low == range.low && each.high == range.high) found = &each;
    }
    if (found == nullptr) {
        found = &peaks[next_peaks++ % peaks.size()];
        found->low = range.low, found->high = range.high;
        found->stale.mark_all();
    }
    for (const std::size_t k : found->stale.list()) {
        double* leaf = found->tree.leaf(k);
        std::fill_n(leaf, kExponents, 0.0);
        add_peaks(slots.sweep(k * kLeafRows), rows_of_leaf(k), range, leaf);
    }
    found->tree.add(found->stale.list());
    found->stale.clear();
    return found->tree.root();
}

// Sums the leaves that changed, or all, at the nodes.
void Book::Live::sweep_leaves(bool all) {
    const double step = std::ldexp(1.0, window.exponent);
    const auto sweep = [&](std::size_t k) {
        kernels->sweep_uniform(slots.sweep(k * kLeafRows), rows_of_leaf(k), window.high.data(), window.low.data(),
                               window.spots.size(), step, nodes.leaf(k));
    };
    const std::vector<std::size_t>& dirty = profile_dirty.list();
    if (all) {
        for (std::size_t k = 0; k < leaves(); ++k) sweep(k);
        nodes.add_all();
        forget_pairs();
    } else {
        for (const std::size_t k : dirty) sweep(k);
        nodes.add(dirty);
        for (NodePair& pair : pairs) pair.follow(dirty);
        for (NodePair& cell : cells) cell.follow(dirty);
    }
    const double* root = nodes.root();
    for (std::size_t j = 0; j < window.spots.size(); ++j) window.gamma[j] = root[j] / window.spots[j] * window.unit[j];
    crossings_known = false;
}

void Book::Live::refresh_profile() {
    follow_kernels();
    if (changed.known())
        for (const std::size_t row : changed) prepare_rows(row, 1);
    else
        for (const std::size_t k : profile_dirty.list()) prepare_rows(k * kLeafRows, rows_of_leaf(k));
    for (const std::size_t k : profile_dirty.list())
        *sizes.leaf(k) = kernels->sum_abs(&slots.amplitude[k * kLeafRows], rows_of_leaf(k));
    sizes.add(profile_dirty.list());
    if (!vol_known || vol_spot != spot) {
        at_the_money_vol = at_the_money();
        vol_known = true, vol_spot = spot;
    }
    const double middle = std::log(spot), reach = half_range(at_the_money_vol);
    const int exponent = step_exponent(peaks_in({middle, reach}));
    const double step = std::ldexp(1.0, exponent);
    const double first = std::floor((middle - reach) / step), last = std::ceil((middle + reach) / step);
    const bool outside = window.spots.empty() || exponent != window.exponent || first < window.first ||
                         last >= window.first + static_cast<double>(window.spots.size());
    if (outside) anchor(exponent, first, last);
    const auto new_from = static_cast<std::size_t>(first - window.first),
               new_to = static_cast<std::size_t>(last - window.first);
    if (new_from != from || new_to != to) crossings_known = false;
    from = new_from, to = new_to;
    if (outside || !profile_dirty.empty()) sweep_leaves(outside);
    profile_dirty.clear();
    changed.clear();
    if (!crossings_known) find_crossings();
}

// Writes the sums of one leaf; cells around spot have those of absolute values too.
void Book::Live::sum_pair(NodePair& pair, std::size_t k) {
    const SweepBlock rows = slots.sweep(k * kLeafRows);
    const std::size_t n = rows_of_leaf(k);
    double* leaf = pair.tree.leaf(k);
    sum_ends(*kernels, rows, n, pair.ends, leaf);
    if (!pair.with_gross) return;
    double absolute[kLeafRows];
    for (std::size_t i = 0; i < n; ++i) absolute[i] = std::fabs(rows.amplitude[i]);
    const SweepBlock gross{rows.center_high, rows.center_low, rows.inverse_width, absolute};
    kernels->sweep(gross, n, pair.ends.high, pair.ends.low, 2, leaf + kEndSums, leaf + kEndSums + 2);
}

void Book::Live::sum_pair(NodePair& pair) {
    if (pair.known) {
        for (const std::size_t k : pair.stale.list()) sum_pair(pair, k);
        pair.tree.add(pair.stale.list());
        return pair.stale.clear();
    }
    pair.resize(leaves());
    for (std::size_t k = 0; k < leaves(); ++k) sum_pair(pair, k);
    pair.tree.add_all();
    pair.known = true;
    pair.polished = false;
}

NodePair& Book::Live::pair_of(std::int64_t before, std::int64_t after, bool upward) {
    NodePair* free = nullptr;
    for (NodePair& pair : pairs) {
        if (pair.known && pair.before == before && pair.after == after) {
            if (pair.upward != upward) pair.polished = false;
            pair.upward = upward;
            return pair;
        }
        if (!pair.wanted && (free == nullptr || !pair.known)) free = &pair;
    }
    if (free == nullptr) {
        pairs.emplace_back();
        free = &pairs.back();
    }
    const auto j = [&](std::int64_t node) { return static_cast<std::size_t>(node - static_cast<std::int64_t>(window.first)); };
    free->before = before, free->after = after, free->upward = upward;
    free->low = window.spots[j(before)], free->high = window.spots[j(after)];
    free->ends = {{window.high[j(before)], window.high[j(after)]}, {window.low[j(before)], window.low[j(after)]}};
    free->known = free->polished = false;
    return *free;
}

// Rounding shows as turns of sign, or it is everywhere: the nodes at turns and the largest one are looked at first.
void Book::Live::clear_rounding() {
    const double all = sizes.root()[0];
    const std::size_t count = found.size();
    order_scratch.clear();
    std::size_t largest = 0;
    for (std::size_t j = 0; j < count; ++j) {
        if (std::fabs(found[j]) > std::fabs(found[largest])) largest = j;
        const bool after = j + 1 < count && std::signbit(found[j]) != std::signbit(found[j + 1]);
        const bool before = j > 0 && std::signbit(found[j - 1]) != std::signbit(found[j]);
        if (after || before) order_scratch.push_back(j);
    }
    order_scratch.push_back(largest);
    const auto above = [&](std::size_t j) {  // no gross is above the sum of all peaks
        return std::fabs(found[j]) > 1.001 * kRounding * all * (window.spots[from + j] / 100.0);
    };
    if (std::all_of(order_scratch.begin(), order_scratch.end(), above)) return;
    const auto is_rounding = [&](std::size_t j) {
        double absolute[kBlockRows], gross = 0.0;
        for (std::size_t b = 0; b < blocks(); ++b) {
            const SweepBlock rows = slots.sweep(b * kBlockRows);
            for (std::size_t i = 0; i < rows_of(b); ++i) absolute[i] = std::fabs(rows.amplitude[i]);
            double part = 0.0;
            kernels->sweep({rows.center_high, rows.center_low, rows.inverse_width, absolute}, rows_of(b),
                           &window.high[from + j], &window.low[from + j], 1, &part, nullptr);
            gross += part;
        }
        const double s = window.spots[from + j];
        return std::fabs(found[j]) <= kRounding * (gross / s) * (s * s / 100.0);
    };
    if (std::none_of(order_scratch.begin(), order_scratch.end(), is_rounding)) return;
    order_scratch.clear();
    for (std::size_t j = 0; j < count; ++j)
        if (is_rounding(j)) order_scratch.push_back(j);
    for (const std::size_t j : order_scratch) found[j] = 0.0;
}

void Book::Live::find_crossings() {
    found.assign(window.gamma.begin() + from, window.gamma.begin() + to + 1);
    const bool any = std::any_of(found.begin(), found.end(), [](double g) { return g != 0.0; });
    if (any) clear_rounding();
    for (NodePair& pair : pairs) pair.wanted = false;
    crossing_pairs.clear();
    const auto base = static_cast<std::int64_t>(window.first) + static_cast<std::int64_t>(from);
    for_sign_changes(found.data(), found.size(), [&](std::size_t before, std::size_t after, bool upward) {
        NodePair& pair = pair_of(base + static_cast<std::int64_t>(before), base + static_cast<std::int64_t>(after), upward);
        pair.wanted = true;
        sum_pair(pair);
        EndSums sums;
        std::memcpy(&sums, pair.tree.root(), sizeof sums);
        pair.cubic = hermite_crossing(sums, pair.ends.width(), pair.low, pair.high, upward);
        crossing_pairs.push_back(static_cast<std::size_t>(&pair - pairs.data()));
    });
    for (NodePair& pair : pairs) pair.known = pair.known && pair.wanted;
    crossings_known = true;
}

const Crossing& Book::Live::polished(NodePair& pair) {
    if (pair.polished) return pair.exact;
    double value = 0.0, slope = 0.0;
    const auto at = [&](double s, double& v, double& d) {
        double high, low;
        kernels->split_log(&s, 1, &high, &low);
        scratch.resize(2 * std::max<std::size_t>(blocks(), 1));
        for (std::size_t b = 0; b < blocks(); ++b)
            kernels->sweep(slots.sweep(b * kBlockRows), rows_of(b), &high, &low, 1, &scratch[2 * b], &scratch[2 * b + 1]);
        add_tree(scratch.data(), blocks(), 2);
        v = scratch[0], d = scratch[1];
    };
    const double root = polished_root(pair.low, pair.high, pair.cubic.spot, pair.upward, at);
    at(root, value, slope);
    pair.exact = polished_crossing(root, value, slope, pair.upward);
    pair.polished = true;
    return pair.exact;
}

double Book::Live::nearest_crossing(bool exact, double* error) {
    double nearest = kNone;
    *error = 0.0;
    for (const std::size_t p : crossing_pairs) {
        const Crossing& crossing = exact ? polished(pairs[p]) : pairs[p].cubic;
        if (std::isnan(nearest) || std::fabs(crossing.spot - spot) < std::fabs(nearest - spot)) {
            nearest = crossing.spot;
            *error = exact ? 0.0 : crossing.error;
        }
    }
    return nearest;
}

// The cell from node j to the next, kept from earlier or new in place of the oldest.
NodePair& Book::Live::cell_at(std::size_t j) {
    const auto node = static_cast<std::int64_t>(window.first) + static_cast<std::int64_t>(j);
    for (NodePair& cell : cells)
        if (cell.known && cell.before == node) return cell;
    NodePair& cell = cells[next_cell++ % cells.size()];
    cell.before = node, cell.after = node + 1;
    cell.ends = {{window.high[j], window.high[j + 1]}, {window.low[j], window.low[j + 1]}};
    cell.known = false;
    return cell;
}

// Net and gross at spot from the cubic between the nodes around it.
void Book::Live::read_cell(RegimeReading& out) {
    const double step = std::ldexp(1.0, window.exponent), middle = std::log(spot);
    const auto count = static_cast<double>(window.spots.size());
    NodePair& cell = cell_at(static_cast<std::size_t>(std::clamp(std::floor(middle / step) - window.first, 0.0, count - 2.0)));
    sum_pair(cell);
    const double* sums = cell.tree.root();
    EndSums net{}, gross{};
    std::memcpy(&net, sums, sizeof net);
    std::memcpy(&gross, sums + kEndSums, sizeof gross - sizeof(double));
    const double width = cell.ends.width(), t = ((middle - cell.ends.high[0]) - cell.ends.low[0]) / width;
    out.net = Cubic(net, width).value(t) * (spot / 100.0);
    out.gross = Cubic(gross, width).value(t) * (spot / 100.0);
    out.bound = interpolation_error(width, net.fourth) * (spot / 100.0);
}

RegimeReading Book::regime(bool exact) {
    const Guard guard(live_->lock);
    Live& live = *live_;
    live.refresh_profile();
    RegimeReading out;
    out.spot = live.spot;
    out.version = live.version;
    out.ages = live.read_ages();
    out.at_the_money_vol = live.at_the_money_vol;
    out.zero_gamma = live.nearest_crossing(exact, &out.zero_gamma_error);
    if (exact) {
        live.refresh_values();
        out.net = live.totals.root()[0];
        out.gross = live.totals.root()[1];
    } else {
        live.read_cell(out);
    }
    const double daily = out.at_the_money_vol / std::sqrt(252.0);
    const double distance = std::log(out.spot / out.zero_gamma), off = out.zero_gamma_error / out.zero_gamma;
    out.kind = kind_of(out.net, out.gross, distance, daily);
    for (const double net : {out.net - out.bound, out.net + out.bound})
        for (const double gross : {out.gross - out.bound, out.gross + out.bound})
            for (const double away : {distance - off, distance + off})
                out.sure = out.sure && kind_of(net, gross, away, daily) == out.kind;
    return out;
}

void Book::profile(std::vector<double>& spots, std::vector<double>& gamma) {
    const Guard guard(live_->lock);
    live_->refresh_profile();
    const Window& window = live_->window;
    const auto from = static_cast<std::ptrdiff_t>(live_->from), to = static_cast<std::ptrdiff_t>(live_->to) + 1;
    spots.assign(window.spots.begin() + from, window.spots.begin() + to);
    gamma.assign(window.gamma.begin() + from, window.gamma.begin() + to);
}

}  // namespace gexcore
