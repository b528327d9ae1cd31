// The live book as a C++ program meets it: levels in closed form, moves, reads, and what it refuses.
#include "books.hpp"
#include "tables.hpp"

namespace {

using gexcore::Book;
using gexcore::BookLevels;
using gexcore::RegimeReading;
using tables::error_of;
using tables::Numbers;

// A put of 95 and a call of 105 of one width w = s sqrt T, rates as in books.hpp: with the forwards' centres c = ln K - carry T
// - w^2 / 2 gamma is zero where ln S = (c1 + c2) / 2 + w^2 ln(q1 / q2) / (c2 - c1).
double zero_of_pair(double vol, double years, double puts, double calls) {
    const double variance = vol * vol * years, shift = 0.03 * years + variance / 2;
    const double low = std::log(95.0) - shift, high = std::log(105.0) - shift;
    return std::exp((low + high) / 2 + variance * std::log(puts / calls) / (high - low));
}

struct PairBook {
    books::Made made;
    Book book;
    BookLevels levels{};
    explicit PairBook(const gexcore::BookOptions& options = {}) : book(100.0, {0.16}, options) {
        made.years = {0.16};
        made.add(95.0, 0, false, 0.2, 300.0);
        made.add(105.0, 0, true, 0.2, 200.0);
        made.fill(book);
    }
    double zero(bool exact = true) {
        book.levels(exact, levels);
        return levels.zero_gamma;
    }
};

void check_same(const BookLevels& a, const BookLevels& b) {
    CHECK(a.net == b.net);
    CHECK(a.gross == b.gross);
    CHECK(a.zero_gamma == b.zero_gamma);
    CHECK(a.call_wall.strike == b.call_wall.strike);
    CHECK(a.call_wall.value == b.call_wall.value);
    CHECK(a.put_wall.value == b.put_wall.value);
    CHECK(a.hvl.strike == b.hvl.strike);
    CHECK(a.peak == b.peak);
    REQUIRE(a.crossings.size() == b.crossings.size());
    for (std::size_t i = 0; i < a.crossings.size(); ++i) CHECK(a.crossings[i].spot == b.crossings[i].spot);
}

}  // namespace

TEST_CASE("levels of two contracts are those in closed form, after each kind of move") {
    PairBook pair;
    const auto close = [](double value) { return doctest::Approx(value).epsilon(1e-11); };
    CHECK(pair.zero() == close(zero_of_pair(0.2, 0.16, 300.0, 200.0)));
    CHECK(pair.levels.put_wall.strike == 95.0);
    CHECK(pair.levels.call_wall.strike == 105.0);
    CHECK(pair.levels.zero == BookLevels::Zero::found);

    const std::int64_t rows[] = {0, 1};
    const double sizes[] = {250.0, 400.0}, vols[] = {0.25, 0.25};
    pair.book.update(rows, 2, {nullptr, sizes});
    CHECK(pair.zero() == close(zero_of_pair(0.2, 0.16, 250.0, 400.0)));
    pair.book.update(rows, 2, {vols});
    CHECK(pair.zero() == close(zero_of_pair(0.25, 0.16, 250.0, 400.0)));
    pair.book.set_years({0.12}, 15.0);
    const double moved = zero_of_pair(0.25, 0.12, 250.0, 400.0);
    CHECK(pair.zero() == close(moved));
    pair.book.set_spot(97.0);
    CHECK(pair.zero() == close(moved));
    CHECK(pair.levels.spot == 97.0);
    CHECK(pair.levels.version == pair.book.version());
    pair.zero(false);
    CHECK(std::fabs(pair.levels.crossings[0].spot - moved) <= pair.levels.crossings[0].error + 1e-11 * moved);
}

TEST_CASE("every read tells of the same book") {
    PairBook pair;
    double net = 0.0, gross = 0.0;
    pair.book.net(net, gross);
    pair.zero();
    CHECK(net == pair.levels.net);
    CHECK(gross == pair.levels.gross);
    // 1 call of strike 105: gamma e^{-yT} n(d1) / (S w), times 200 contracts of 100, times S^2 / 100
    const double d = (std::log(100.0 / 105.0) + 0.03 * 0.16) / 0.08 + 0.04;
    const double call = std::exp(-0.01 * 0.16 - d * d / 2) / std::sqrt(2 * std::acos(-1.0)) / 8.0 * 200.0 * 100.0 * 100.0;
    Numbers strikes, nets, sizes, spots, gamma;
    pair.book.by_strike(strikes, nets, sizes);
    CHECK(strikes == Numbers{95.0, 105.0});
    CHECK(nets[1] == doctest::Approx(call).epsilon(1e-13));
    CHECK(sizes[0] == -nets[0]);
    CHECK(nets[0] + nets[1] == net);
    pair.book.profile(spots, gamma);
    REQUIRE(spots.size() == gamma.size());
    CHECK(spots.front() < 100.0 * std::exp(-0.14));
    CHECK(gamma.front() < 0.0);
    CHECK(gamma.back() > 0.0);
    const RegimeReading exact = pair.book.regime(true), quick = pair.book.regime(false);
    CHECK(exact.net == net);
    CHECK(exact.bound == 0.0);
    CHECK(std::fabs(quick.net - net) <= quick.bound);
    CHECK(quick.kind == gexcore::BookRegime::short_gamma);
    CHECK(quick.sure);
    const gexcore::BookState state = pair.book.state();
    CHECK(state.spot == 100.0);
    CHECK(state.open_interest == Numbers{300.0, 200.0});
    CHECK(state.contracts == Numbers{-300.0, 200.0});
}

TEST_CASE("any way to the same rows gives the bits of a new book") {
    books::Made made = books::made_rows(4);
    Book book(5000.0, made.years);
    made.fill(book);
    BookLevels levels, again;
    for (std::int64_t step = 0; step < 3000; ++step) {
        const std::int64_t row = step * 7919 % 2000;
        const double vol = 0.1 + 0.001 * static_cast<double>(step % 150);
        book.update(&row, 1, {&vol});
        made.quotes[static_cast<std::size_t>(row)].implied_vol = vol;
        book.set_spot(5000.0 + 50.0 * std::sin(0.01 * static_cast<double>(step)));
        if (step % 10 == 0) book.levels(step % 20 == 0, levels);
        if (step % 1000 != 999) continue;
        book.levels(true, levels);
        Book fresh(levels.spot, made.years);
        made.fill(fresh);
        fresh.levels(true, again);
        check_same(levels, again);
    }
    CHECK(!levels.crossings.empty());
}

TEST_CASE("rows come and go") {
    PairBook pair;
    const std::int64_t call = 1;
    pair.book.remove_rows(&call, 1);
    CHECK(std::isnan(pair.zero()));
    CHECK(pair.levels.zero == BookLevels::Zero::always_short);
    const gexcore::BookState state = pair.book.state();
    CHECK(state.open_interest == Numbers{300.0, 0.0});
    CHECK(state.contracts == Numbers{-300.0, 0.0});
    CHECK(std::isnan(state.implied_vol[1]));
    CHECK(error_of([&] { pair.book.update(&call, 1, {&pair.levels.spot}); }) ==
          "rows: row 1 was removed. Hint: add the contract again");
    pair.book.add_rows(&pair.made.rows[1], &pair.made.quotes[1], 1, pair.made.years);
    CHECK(pair.book.rows() == 3);
    CHECK(pair.zero() == doctest::Approx(zero_of_pair(0.2, 0.16, 300.0, 200.0)).epsilon(1e-11));
    const std::int64_t others[] = {0, 2};
    pair.book.remove_rows(others, 2);
    CHECK(std::isnan(pair.zero()));
    CHECK(pair.levels.zero == BookLevels::Zero::no_exposure);
    CHECK(pair.levels.gross == 0.0);
    CHECK(pair.book.regime(true).kind == gexcore::BookRegime::no_exposure);
}

TEST_CASE("what cannot be is refused with place and hint, and changes nothing") {
    PairBook pair;
    const double zero = pair.zero(), vol = 0.3, size = 1.0;
    const std::uint64_t version = pair.book.version();
    const std::int64_t unknown[] = {0, 2}, known = 0;
    const double vols[] = {0.9, 0.9};
    const auto refused = [](const auto& work, const std::string& start) {
        const std::string message = error_of(work);
        CAPTURE(message);
        CHECK(message.rfind(start, 0) == 0);
        CHECK(message.find(". Hint: ") != std::string::npos);
    };
    refused([&] { pair.book.update(unknown, 2, {vols}); }, "rows: there is no row 2");
    refused([&] { pair.book.remove_rows(unknown, 2); }, "rows: there is no row 2");
    refused([&] { pair.book.update(&known, 1, {nullptr, nullptr, &size}); }, "contracts: row 0 follows its open interest");
    refused([&] { pair.book.set_spot(std::nan("")); }, "spot: is nan");
    refused([&] { pair.book.set_spot(-1.0); }, "spot: is -1");
    refused([&] { pair.book.set_years({0.1}, -1.0); }, "days: ");
    refused([&] { pair.book.set_years({0.1, 0.2}, 1.0); }, "years: ");
    gexcore::BookRow row = pair.made.rows[0];
    row.series = 1;
    refused([&] { pair.book.add_rows(&row, &pair.made.quotes[0], 1, pair.made.years); }, "series: row 0 has 1");
    refused([] { Book(0.0, {0.1}); }, "spot: is 0");
    CHECK(pair.book.version() == version);
    CHECK(pair.zero() == zero);
    pair.book.update(&known, 1, {&vol});
    CHECK(pair.book.version() == version + 1);
    CHECK(pair.zero() != zero);
    CHECK_THROWS_AS(pair.book.set_spot(0.0), std::invalid_argument);  // one type, and a standard one
}

TEST_CASE("quotes that are no numbers take a row out of use until they are") {
    PairBook pair;
    const double zero = pair.zero();
    const std::int64_t put = 0;
    const double good = 0.2;
    for (const double bad : {std::nan(""), 0.0, -0.1, HUGE_VAL}) {
        CAPTURE(bad);
        pair.book.update(&put, 1, {&bad});
        CHECK(std::isnan(pair.zero()));
        CHECK(pair.levels.zero == BookLevels::Zero::always_long);
        pair.book.update(&put, 1, {&good});
        CHECK(pair.zero() == zero);
    }
}

TEST_CASE("rows whose strike is no number are never used and put nothing out of order") {
    books::Made made, spoiled;
    made.years = spoiled.years = {0.1};
    for (const bool up : {true, false})
        for (int i = 0; i < 30; ++i) {
            const double strike = up ? 85.0 + i : 114.0 - i, size = up ? 500.0 + 40.0 * i : 1000.0;
            made.add(strike, 0, up, 0.2, size);
            spoiled.add(strike, 0, up, 0.2, size);
            if (i % 3 != 0) continue;
            made.add(1.0, 0, up, 0.2, 0.0);
            spoiled.add(i % 2 == 0 ? std::nan("") : -HUGE_VAL, 0, up, 0.2, 1000.0);
        }
    Book book(100.0, made.years), other(100.0, made.years);
    made.fill(book), spoiled.fill(other);
    BookLevels levels, again;
    book.levels(true, levels), other.levels(true, again);
    check_same(levels, again);
    CHECK(!levels.crossings.empty());
    Numbers strikes, net, gross;
    other.by_strike(strikes, net, gross);
    CHECK(strikes.size() == 30);
    CHECK(std::is_sorted(strikes.begin(), strikes.end()));
}

TEST_CASE("walls by gross and walls gated by spot") {
    PairBook gated({false, true});
    gated.zero();
    CHECK(gated.levels.call_wall.strike == 105.0);
    gated.book.set_spot(106.0);
    gated.zero();
    CHECK(gated.levels.call_wall.status == gexcore::StrikeMark::Status::no_positive_strike);
    CHECK(std::isnan(gated.levels.call_wall.strike));
    PairBook gross({true, false});
    gross.zero();
    CHECK(gross.levels.put_wall.strike == 95.0);
    CHECK(gross.levels.put_wall.value < 0.0);
}
