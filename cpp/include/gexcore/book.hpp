// A live book of option contracts: rows change one by one, levels follow, with the bits of a computation from scratch.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <vector>

#include "gexcore/profile.hpp"

namespace gexcore {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Why a row cannot be used; the same numbers as in Python's REASONS.
enum class RowStatus : std::uint8_t {
    bad_row,
    duplicate,
    adjusted_contract,
    expired,
    no_price,
    below_intrinsic,
    above_maximum,
    no_implied_vol,
    used
};

// Where the vol of a row comes from: somebody else, or the price of its own contract; `otm` is the mid of whichever contract of
// its settlement and strike is out of the money.
enum class VolSource : std::uint8_t { vendor, mid, bid, ask, last, otm };

// What a row is: fixed while it lives.
struct BookRow {
    double strike, multiplier, rate, dividend_yield;  // price; units per contract; continuous, per year
    double per_open_interest;  // signed contracts held per open contract; NaN: contracts are given, not derived
    std::int32_t series;       // rows of one series settle together
    bool is_call;
    RowStatus status;  // as read; the first three stay whatever the numbers become
    VolSource vol_source = VolSource::vendor;
    bool only_missing = true;      // the vendor's vol is used where there is one
    std::int32_t settlement = -1;  // of `otm`; -1: its series
    double quote_spot = 1.0;       // the spot that quotes belong to, as a multiple of the book's
};

// What moves.
struct BookQuote {
    double implied_vol = kNone;  // the one in use
    double open_interest = kNone;
    double contracts = kNone;  // signed, dealer long > 0; read where the row does not follow its open interest
    double bid = kNone, ask = kNone;
    double quoted = 0.0, sized = 0.0;  // days on the clock when quote and size came in
    double vendor_vol = kNone;         // read where the source of vols is a price
    double traded = 0.0;               // contracts that dealers took from customers, on top of those held
};

// A strike, its exposure in $ per 1% move and as a share of gross; the next in line, and how far it stays behind, as a share.
struct StrikeMark {
    enum class Status : std::uint8_t { found, no_positive_strike, no_negative_strike, no_exposure, at_end_strike };
    Status status = Status::no_exposure;
    double strike = kNone, value = kNone, share = kNone, runner_up = kNone, margin = kNone;
};

// All in $ per 1% move; NaN where a number does not exist.
struct BookNumbers {
    enum class Zero : std::uint8_t { found, always_long, always_short, no_exposure };
    static constexpr std::size_t top_count = 5;

    double spot = kNone, net = 0.0, gross = 0.0, at_the_money_vol = kNone;
    Zero zero = Zero::no_exposure;
    double zero_gamma = kNone;         // the crossing nearest spot
    double low = kNone, high = kNone;  // searched for crossings
    StrikeMark call_wall, put_wall, absolute_gamma_strike, hvl;
    std::array<double, top_count> top_positive_strike{}, top_positive{}, top_negative_strike{}, top_negative{};
    std::size_t positive = 0, negative = 0;  // how many of those exist
    double cumulative_gamma_crossing = kNone;
    double peak_spot = kNone, peak = kNone, trough_spot = kNone, trough = kNone;
    bool exact = false;
    std::uint64_t version = 0, anchors = 0;  // changes seen so far; times the grid was laid anew
};

struct BookLevels : BookNumbers {
    std::vector<Crossing> crossings;
};

// Hours on the book's clock since quotes and sizes came in, over the used rows, weighted by open interest; `old` is the share
// of it that was quoted more than a day ago. NaN where nothing is used.
struct BookAges {
    double quote = kNone, size = kNone, old = kNone;
};

enum class BookRegime : std::uint8_t { long_gamma, short_gamma, transition, no_exposure };

// Net and gross with a bound of their error: 0 where they are summed, that of the interpolation where they are read off the
// profile. `sure`: no number within the bounds gives another kind.
struct RegimeReading {
    BookRegime kind = BookRegime::no_exposure;
    bool sure = true;
    double spot = kNone, net = 0.0, gross = 0.0, bound = 0.0, zero_gamma = kNone, zero_gamma_error = 0.0;
    double at_the_money_vol = kNone;
    BookAges ages;
    std::uint64_t version = 0;
};

struct BookOptions {
    bool gross_walls = false;  // walls by call gamma alone and put gamma alone, else by net gamma
    bool gated_walls = false;  // call wall at or above spot, put wall at or below
};

// What came in that was unusual, or was refused.
enum class BookEvent : std::uint8_t {
    missing_vol,    // NaN or 0
    bad_vol,        // negative or infinite
    bad_size,       // open interest or contracts: negative where that cannot be, infinite, NaN
    missing_quote,  // NaN, negative or infinite
    crossed_quote,
    spot_jump,  // by a fifth or more
    bad_spot,
    bad_time,
    unknown_row,
    removed_row,
    old_row  // of before compact()
};
inline constexpr const char* book_event_names[] = {"missing_vol",   "bad_vol",     "bad_size", "missing_quote",
                                                   "crossed_quote", "spot_jump",   "bad_spot", "bad_time",
                                                   "unknown_row",   "removed_row", "old_row"};
constexpr std::size_t kBookEvents = std::size(book_event_names);
using BookCounts = std::array<std::uint64_t, kBookEvents>;

// The columns of a consistent moment; what rows are does not change and is not copied.
struct BookState {
    double spot = 0.0, days = 0.0;
    std::uint64_t version = 0, anchors = 0;
    std::int64_t first_row = 0;
    std::vector<double> quoted, sized;  // days on the clock when quote and size of a row came in
    std::vector<double> time_to_expiry, implied_vol, vendor_vol, open_interest, contracts, bid, ask;
    std::vector<double> per_open_interest, held, traded;  // what contracts are made of
    std::vector<std::uint8_t> status, removed;
};

// Every member may be called from any thread at any time; a read is one consistent moment. Throws Error for what cannot be, and
// then nothing has changed. Rows are numbered as they are added, from 0; compact() gives them new numbers, and refuses the old
// ones from then on.
class Book {
public:
    // years: time to expiry of each series.
    Book(double spot, const std::vector<double>& years, const BookOptions& options = {});
    ~Book();
    Book(const Book&) = delete;
    Book& operator=(const Book&) = delete;

    std::size_t rows() const;
    std::uint64_t version() const;
    // Blocks of 512 rows that the next read of the profile sums anew; `at_spot`: of levels, net or an exact regime.
    std::size_t stale_blocks(bool at_spot) const;
    std::int64_t first_row() const;  // number of the row in slot 0; those of other slots follow

    // New rows get the next numbers, the first of which is returned. Series beyond those known need `years` for all.
    std::int64_t add_rows(const BookRow* rows, const BookQuote* quotes, std::size_t count, const std::vector<double>& years);
    // A null column is left as it is. A vol of NaN or 0 takes the row out of use, as do open interest and contracts of 0. Where
    // vols come from prices, those of the rows named are solved anew from bid and ask, at the book's spot and time.
    struct Columns {
        const double *implied_vol = nullptr, *open_interest = nullptr, *contracts = nullptr, *bid = nullptr, *ask = nullptr;
    };
    void update(const std::int64_t* rows, std::size_t count, const Columns& columns);
    // Contracts that dealers took from customers so far, on top of those held.
    void set_traded(const std::int64_t* rows, std::size_t count, const double* traded);
    // A slot of weight zero: no vol, no open interest, no contracts; it cannot be updated any more.
    void remove_rows(const std::int64_t* rows, std::size_t count);
    // Closes the slots of removed rows; returns the new number of the row in each old slot, -1 where it was removed.
    std::vector<std::int64_t> compact();
    void set_spot(double spot);
    // Times to expiry of all series in years, and the days that the clock shows; it never goes back.
    void set_years(const std::vector<double>& years, double days);

    // Exposure at spot, $ per 1% move.
    void net(double& net, double& gross);
    // Keeps the memory of `out`: nothing is allocated once it has been used.
    void levels(bool exact, BookLevels& out);
    // Exact: summed and polished; else read off the profile, with a bound.
    RegimeReading regime(bool exact);
    // Strikes of used rows, ascending, with net and gross gamma, $ per 1% move: three of one length.
    void by_strike(std::vector<double>& strikes, std::vector<double>& net, std::vector<double>& gross);
    // The search grid and net gamma on it, $ per 1% move.
    void profile(std::vector<double>& spots, std::vector<double>& gamma);
    BookState state();
    BookCounts counts() const;

private:
    struct Live;
    std::unique_ptr<Live> live_;
};

}  // namespace gexcore
