// Exposures of a live book at its spot: totals by block, sums by strike, and the levels that are strikes.
#include <algorithm>
#include <cmath>

#include "book_live.hpp"

namespace gexcore {
namespace {

constexpr std::size_t kSegmentRows = 64 * kBlockRows;  // as in sum_by
using Guard = std::lock_guard<std::mutex>;

// As Python's spot**2 / 100: the power of the C library, which the compiler must not replace by a product.
double dollars_per_percent(double spot) {
    volatile double two = 2.0;
    return std::pow(spot, two) / 100.0;
}

}  // namespace

// Exposures of rows of one block at spot, and their sums. A row whose gamma does not exist is not used.
NetGross Book::Live::value_rows(std::size_t at, std::size_t count) {
    const double scale = dollars_per_percent(spot);
    NetGross sums;
    kernels->spot_gamma(&slots.strike[at], slots.gamma(at), spot, &slots.weight[at], scale, count, &slots.value[at], &sums.net,
                        &sums.gross);
    std::uint8_t& unused = mixed[at / kBlockRows];
    if (std::isfinite(sums.gross) && weightless == 0 && !unused) return sums;
    double gamma[kBlockRows], spots[kBlockRows];
    std::fill_n(spots, count, spot);
    GreekBlock in = slots.terms(at);
    in.spot = spots;
    double* out[kGreekCount] = {};
    out[2] = gamma;
    kernels->greeks(in, count, 1u << 2, out);
    unused = unused && count < rows_of(at / kBlockRows);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = at + i;
        slots.used[row] = slots.counted[row] && std::isfinite(gamma[i]);
        unused |= slots.used[row] != slots.counted[row];
        if (!slots.used[row]) slots.value[row] = 0.0;
    }
    return {kernels->sum(&slots.value[at], count), kernels->sum_abs(&slots.value[at], count)};
}

void Book::Live::refresh_values() {
    follow_kernels();
    const auto prepare = [&](std::size_t at, std::size_t count) {
        kernels->gamma_prepare(slots.terms(at), count, slots.gamma(at));
    };
    if (revalued.known())
        for (const std::size_t row : revalued) prepare(row, 1);
    else
        for (const std::size_t b : value_dirty.list()) prepare(b * kBlockRows, rows_of(b));
    if (value_spot != spot) {
        value_spot = spot;
        value_dirty.mark_all();
        revalued.lose();
        keys_known = false;
    }
    if (revalued.known())
        for (const std::size_t row : revalued) value_rows(row, 1);
    for (const std::size_t b : value_dirty.list()) {
        const std::size_t at = b * kBlockRows, n = rows_of(b);
        const NetGross sums = revalued.known()
                                  ? NetGross{kernels->sum(&slots.value[at], n), kernels->sum_abs(&slots.value[at], n)}
                                  : value_rows(at, n);
        totals.leaf(b)[0] = sums.net;
        totals.leaf(b)[1] = sums.gross;
    }
    totals.add(value_dirty.list());
    value_dirty.clear();
    revalued.clear();
}

// Net, gross, calls, puts of a strike.
void Book::Live::add_value(std::size_t row, double* sums) const {
    const double value = slots.value[row];
    sums[0] += value;
    sums[1] += std::fabs(value);
    sums[slots.sign[row] > 0.0 ? 2 : 3] += value;
}

// The sums of a strike in row order: segments as in sum_by, added in their tree.
void Book::Live::sum_key(std::uint32_t key) {
    const std::size_t segments = std::max<std::size_t>((slots.count() + kSegmentRows - 1) / kSegmentRows, 1);
    scratch.assign(4 * segments, 0.0);
    std::uint32_t held = 0;
    for (const std::uint32_t row : keys.rows[key]) {
        if (!slots.used[row]) continue;
        ++held;
        add_value(row, &scratch[row / kSegmentRows * 4]);
    }
    add_tree(scratch.data(), segments, 4);
    keys.set(keys.place[key], scratch.data(), held);
}

// The same of all strikes, in one pass over the rows.
void Book::Live::sum_keys() {
    const std::size_t count = keys.strike.size();
    const std::size_t segments = std::max<std::size_t>((slots.count() + kSegmentRows - 1) / kSegmentRows, 1);
    scratch.assign(4 * segments * count, 0.0);
    std::fill(keys.held.begin(), keys.held.end(), 0u);
    for (std::size_t row = 0; row < slots.count(); ++row) {
        if (!slots.used[row]) continue;
        const std::size_t place = keys.place[static_cast<std::size_t>(slots.key[row])];
        ++keys.held[place];
        add_value(row, &scratch[4 * (row / kSegmentRows * count + place)]);
    }
    add_tree(scratch.data(), segments, 4 * count);
    for (std::size_t place = 0; place < count; ++place) keys.set(place, &scratch[4 * place], keys.held[place]);
}

void Book::Live::refresh_keys() {
    refresh_values();
    if (keys.sort()) keys_known = false;
    if (keys_known)
        for (const std::uint32_t key : keys.dirty) sum_key(key);
    else
        sum_keys();
    for (const std::uint32_t key : keys.dirty) keys.marked[key] = 0;
    keys.dirty.clear();
    keys_known = true;
}

namespace {

struct Strikes {
    StrikeKeys& keys;
    double spot, gross;

    // What the largest heights are not below, by those of the leaders of the last reading; so few of the others are compared.
    template <typename Height>
    double floor_of(std::size_t who, std::size_t count, const Height& height, double low, double high) const {
        const std::vector<std::size_t>& leaders = keys.leaders[who];
        if (leaders.size() < count) return 0.0;
        double least = std::numeric_limits<double>::infinity();
        for (const std::size_t k : leaders) {
            if (k >= keys.strike.size() || keys.strike[k] < low || keys.strike[k] > high) return 0.0;
            if (!(height(k) > 0.0)) return 0.0;
            least = std::min(least, height(k));
        }
        return least;
    }

    // The strike where height(place) is largest, if above rounding; ties go to the nearest spot, then to the lower strike.
    template <typename Height, typename Value>
    StrikeMark peak(std::size_t who, const Height& height, const Value& value, StrikeMark::Status why, double low,
                    double high) const {
        constexpr std::size_t none = -1;
        std::size_t best = none, second = none;
        const auto higher = [&](std::size_t a, std::size_t b) {
            if (b == none) return true;
            if (height(a) != height(b)) return height(a) > height(b);
            return std::fabs(keys.strike[a] - spot) < std::fabs(keys.strike[b] - spot);
        };
        const double floor = floor_of(who, 2, height, low, high);
        for (std::size_t k = 0; k < keys.strike.size(); ++k) {
            if (!(height(k) >= floor) || !(height(k) > kRounding * gross)) continue;
            if (keys.strike[k] < low || keys.strike[k] > high) continue;
            if (higher(k, best))
                second = best, best = k;
            else if (higher(k, second))
                second = k;
        }
        keys.leaders[who].clear();
        StrikeMark mark;
        if (best == none) {
            mark.status = gross != 0.0 ? why : StrikeMark::Status::no_exposure;
            return mark;
        }
        mark = {StrikeMark::Status::found, keys.strike[best], value(best), std::fabs(value(best)) / gross};
        if (second == none) return mark;
        mark.runner_up = keys.strike[second];
        mark.margin = 1.0 - height(second) / height(best);
        keys.leaders[who].assign({best, second});
        return mark;
    }

    void cumulative(BookLevels& out) const {
        StrikeMark& mark = out.hvl;
        mark = {};
        double sum = 0.0, least = 0.0, least_strike = kNone, crossing = kNone;
        std::size_t held = 0, least_at = 0;
        int sign = 0;
        for (std::size_t k = 0; k < keys.strike.size(); ++k) {
            if (keys.held[k] == 0) continue;
            sum += keys.net[k];
            if (held == 0 || sum < least) least = sum, least_strike = keys.strike[k], least_at = held;
            ++held;
            if (!(std::fabs(sum) > kRounding * gross)) continue;
            const int now = sum > 0.0 ? 1 : -1;
            const double away = std::fabs(keys.strike[k] - spot);
            if (sign != 0 && now != sign && (std::isnan(crossing) || away < std::fabs(crossing - spot)))
                crossing = keys.strike[k];
            sign = now;
        }
        out.cumulative_gamma_crossing = crossing;
        if (gross == 0.0) return;
        mark.status = StrikeMark::Status::at_end_strike;
        if (least_at == 0 || least_at + 1 == held) return;
        mark = {StrikeMark::Status::found, least_strike, least, std::fabs(least) / gross};
    }

    // The strikes with the largest net exposure of a sign; ties in order of strike.
    std::size_t largest(std::size_t who, double sign, double* strike, double* value) const {
        constexpr std::size_t most = BookLevels::top_count;
        constexpr double infinite = std::numeric_limits<double>::infinity();
        const auto height = [&](std::size_t k) { return sign * keys.net[k]; };
        const double floor = floor_of(who, most, height, -infinite, infinite);
        std::size_t count = 0, places[most];
        for (std::size_t k = 0; k < keys.strike.size(); ++k) {
            if (!(height(k) >= floor) || !(height(k) > 0.0)) continue;
            std::size_t place = count;
            while (place > 0 && height(places[place - 1]) < height(k)) --place;
            if (place == most) continue;
            count = std::min(count + 1, most);
            for (std::size_t i = count - 1; i > place; --i) places[i] = places[i - 1];
            places[place] = k;
        }
        for (std::size_t i = 0; i < count; ++i) strike[i] = keys.strike[places[i]], value[i] = keys.net[places[i]];
        keys.leaders[who].assign(places, places + count);
        return count;
    }
};

}  // namespace

void Book::Live::read_strikes(BookLevels& out) {
    constexpr double infinite = std::numeric_limits<double>::infinity();
    out.net = totals.root()[0];
    out.gross = totals.root()[1];
    const Strikes strikes{keys, spot, out.gross};
    const double above = options.gated_walls ? spot : -infinite, below = options.gated_walls ? spot : infinite;
    const auto net = [&](std::size_t k) { return keys.net[k]; };
    const auto gross = [&](std::size_t k) { return keys.gross[k]; };
    const auto calls = [&](std::size_t k) { return keys.calls[k]; };
    const auto puts = [&](std::size_t k) { return keys.puts[k]; };
    using Status = StrikeMark::Status;
    if (options.gross_walls) {
        const auto call_size = [&](std::size_t k) { return std::fabs(keys.calls[k]); };
        const auto put_size = [&](std::size_t k) { return std::fabs(keys.puts[k]); };
        out.call_wall = strikes.peak(0, call_size, calls, Status::no_positive_strike, above, infinite);
        out.put_wall = strikes.peak(1, put_size, puts, Status::no_negative_strike, -infinite, below);
    } else {
        const auto down = [&](std::size_t k) { return -keys.net[k]; };
        out.call_wall = strikes.peak(0, net, net, Status::no_positive_strike, above, infinite);
        out.put_wall = strikes.peak(1, down, net, Status::no_negative_strike, -infinite, below);
    }
    out.absolute_gamma_strike = strikes.peak(2, gross, gross, Status::no_exposure, -infinite, infinite);
    strikes.cumulative(out);
    out.positive = strikes.largest(3, 1.0, out.top_positive_strike.data(), out.top_positive.data());
    out.negative = strikes.largest(4, -1.0, out.top_negative_strike.data(), out.top_negative.data());
}

void Book::levels(bool exact, BookLevels& out) {
    const Guard guard(live_->lock);
    Live& live = *live_;
    live.refresh_profile();
    live.refresh_keys();
    live.read_strikes(out);
    out.spot = live.spot;
    out.at_the_money_vol = live.at_the_money_vol;
    out.exact = exact;
    out.version = live.version;
    out.anchors = live.anchors;
    out.crossings.clear();
    for (const std::size_t p : live.crossing_pairs)
        out.crossings.push_back(exact ? live.polished(live.pairs[p]) : live.pairs[p].cubic);
    double error = 0.0;
    out.zero_gamma = live.nearest_crossing(exact, &error);
    const auto nonzero = std::find_if(live.found.begin(), live.found.end(), [](double g) { return g != 0.0; });
    out.low = out.high = out.peak = out.peak_spot = out.trough = out.trough_spot = kNone;
    out.zero = BookLevels::Zero::no_exposure;
    const double* gamma = &live.window.gamma[live.from];
    const std::size_t count = live.to - live.from + 1;
    if (std::any_of(gamma, gamma + count, [](double g) { return g != 0.0; })) {
        const std::size_t top = std::max_element(gamma, gamma + count) - gamma;
        const std::size_t bottom = std::min_element(gamma, gamma + count) - gamma;
        out.peak_spot = live.window.spots[live.from + top], out.peak = gamma[top];
        out.trough_spot = live.window.spots[live.from + bottom], out.trough = gamma[bottom];
    }
    if (nonzero == live.found.end()) return;
    out.low = live.window.spots[live.from], out.high = live.window.spots[live.to];
    out.zero = *nonzero > 0.0 ? BookLevels::Zero::always_long : BookLevels::Zero::always_short;
    if (!out.crossings.empty()) out.zero = BookLevels::Zero::found;
}

void Book::by_strike(std::vector<double>& strikes, std::vector<double>& net, std::vector<double>& gross) {
    const Guard guard(live_->lock);
    live_->refresh_keys();
    const StrikeKeys& keys = live_->keys;
    strikes.clear(), net.clear(), gross.clear();
    for (std::size_t k = 0; k < keys.strike.size(); ++k) {
        if (keys.held[k] == 0) continue;
        strikes.push_back(keys.strike[k]);
        net.push_back(keys.net[k]);
        gross.push_back(keys.gross[k]);
    }
}

}  // namespace gexcore
