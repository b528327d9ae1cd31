// Book: a live book shared by Python threads; its lock is never waited for with the GIL held.
#include "gexcore/book.hpp"

#include <cstring>
#include <mutex>
#include <string>
#include <type_traits>

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

using Doubles = py::array_t<double, py::array::c_style>;
template <typename T>
using Array = py::array_t<T, py::array::c_style>;

std::vector<double> vector_of(const Doubles& values) {
    return {values.data(), values.data() + values.size()};
}

class SharedBook {
public:
    SharedBook(double spot, const Doubles& years, bool gross, bool gated) : book_(spot, vector_of(years), {gross, gated}) {}

    // Work on the book alone: at once if it is free, else without the GIL; long work is always without.
    template <typename Work>
    void with(bool long_work, const Work& work) {
        std::unique_lock<std::mutex> lock(lock_, std::defer_lock);
        if (!long_work && lock.try_lock()) return work(book_);
        without_gil(lock, work);
    }

    // A read, which is long where much has changed since the last one.
    template <typename Work>
    void read(bool at_spot, const Work& work) {
        std::unique_lock<std::mutex> lock(lock_, std::defer_lock);
        if (lock.try_lock() && book_.stale_blocks(at_spot) <= kFewBlocks) return work(book_);
        without_gil(lock, work);
    }

private:
    static constexpr std::size_t kFewBlocks = 8;  // about 20 us of work

    // Who holds the lock may wait for the GIL, but nobody waits for the lock with the GIL held.
    template <typename Work>
    void without_gil(std::unique_lock<std::mutex>& lock, const Work& work) {
        const py::gil_scoped_release released;
        if (!lock.owns_lock()) lock.lock();
        work(book_);
        lock.unlock();
    }

    Book book_;
    std::mutex lock_;
};

// One row, or an array or sequence of rows.
struct RowsArgument {
    std::int64_t one = 0;
    py::object owner;
    const std::int64_t* data = &one;
    std::size_t count = 1;

    explicit RowsArgument(py::handle rows) {
        const bool number = PyLong_CheckExact(rows.ptr()) ||
                            (PyIndex_Check(rows.ptr()) && !py::isinstance<py::array>(rows) && !PyBool_Check(rows.ptr()));
        if (number) {
            one = PyNumber_AsSsize_t(rows.ptr(), PyExc_OverflowError);
            if (one == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
            return;
        }
        const py::array given = py::array::ensure(rows);
        const bool none = given && given.ndim() == 1 && given.size() == 0;  // a list without rows has no type
        const auto array = none ? Array<std::int64_t>(0) : Array<std::int64_t>::ensure(given);  // may be a copy
        if (!array || !given || given.dtype().kind() == 'b')
            throw Error("rows: row numbers are needed. Hint: one, or an array of them, as book.rows(...) gives");
        if (array.ndim() != 1) throw Error("rows: has " + std::to_string(array.ndim()) + " dimensions. Hint: one is needed");
        owner = array;
        data = array.data();
        count = static_cast<std::size_t>(array.size());
    }
    RowsArgument(const RowsArgument&) = delete;
    RowsArgument& operator=(const RowsArgument&) = delete;
};

// A number for one row, or an array as long as the rows; null for None.
struct MoveArgument {
    double one = 0.0;
    std::optional<ColumnArgument<double>> column;
    const double* data = nullptr;

    MoveArgument(py::handle value, const char* name, std::size_t count) {
        if (value.is_none()) return;
        if (PyFloat_CheckExact(value.ptr()) && count == 1) {
            one = PyFloat_AS_DOUBLE(value.ptr());
            data = &one;
            return;
        }
        column.emplace(value, name);
        if (column->scalar() ? count != 1 : static_cast<std::size_t>(column->rows()) != count)
            throw Error(std::string(name) + ": one value per row is needed. Hint: " + std::to_string(count) +
                        " rows were named");
        data = column->column().data;
    }
    MoveArgument(const MoveArgument&) = delete;
    MoveArgument& operator=(const MoveArgument&) = delete;
};

void update(SharedBook& shared, py::handle rows, py::handle implied_vol, py::handle open_interest, py::handle contracts,
            py::handle bid, py::handle ask) {
    const RowsArgument at(rows);
    const MoveArgument vol(implied_vol, "implied_vol", at.count), size(open_interest, "open_interest", at.count),
        held(contracts, "contracts", at.count), low(bid, "bid", at.count), high(ask, "ask", at.count);
    shared.with(at.count > 1000,
                [&](Book& book) { book.update(at.data, at.count, {vol.data, size.data, held.data, low.data, high.data}); });
}

// A column of new rows by its name; every one is needed, numbers spread over all rows are not accepted.
template <typename T>
const T* column_of(const py::dict& columns, const char* name, py::ssize_t count) {
    const py::object column = columns[name];
    if (!py::isinstance<Array<T>>(column)) throw Error(std::string(name) + ": another type is needed. Hint: contiguous");
    const auto array = py::reinterpret_borrow<Array<T>>(column);
    if (array.ndim() != 1 || array.size() != count)
        throw Error(std::string(name) + ": one value per row is needed. Hint: " + std::to_string(count) + " rows are new");
    return array.data();  // the dictionary keeps it alive
}

std::int64_t add_rows(SharedBook& shared, const py::dict& columns, const Doubles& years) {
    const py::ssize_t count = py::len(columns["strike"]);
    const auto number = [&](const char* name) { return column_of<double>(columns, name, count); };
    const auto code = [&](const char* name) { return column_of<std::uint8_t>(columns, name, count); };
    const auto index = [&](const char* name) { return column_of<std::int32_t>(columns, name, count); };
    const auto flag = [&](const char* name) { return column_of<bool>(columns, name, count); };
    const auto *strike = number("strike"), *multiplier = number("multiplier"), *rate = number("rate"),
               *yield = number("dividend_yield"), *share = number("per_open_interest"), *spot = number("quote_spot");
    const auto *vol = number("implied_vol"), *vendor = number("vendor_vol"), *size = number("open_interest"),
               *held = number("contracts"), *bid = number("bid"), *ask = number("ask"), *traded = number("traded");
    const auto *status = code("status"), *source = code("vol_source");
    const auto *series = index("series"), *settlement = index("settlement");
    const bool *is_call = flag("is_call"), *only_missing = flag("only_missing");
    const auto days = columns["days"].cast<double>();
    const double* quoted = columns.contains("quoted") ? number("quoted") : nullptr;  // of rows that were in a book before
    const double* sized = columns.contains("sized") ? number("sized") : nullptr;
    std::vector<BookRow> rows;
    std::vector<BookQuote> quotes;
    rows.reserve(count), quotes.reserve(count);
    for (py::ssize_t i = 0; i < count; ++i) {
        rows.push_back({strike[i], multiplier[i], rate[i], yield[i], share[i], series[i], is_call[i],
                        static_cast<RowStatus>(status[i]), static_cast<VolSource>(source[i]), only_missing[i], settlement[i],
                        spot[i]});
        quotes.push_back({vol[i], size[i], held[i], bid[i], ask[i], quoted ? quoted[i] : days, sized ? sized[i] : days,
                          vendor[i], traded[i]});
    }
    const std::vector<double> times = vector_of(years);
    std::int64_t first = 0;
    shared.with(true, [&](Book& book) { first = book.add_rows(rows.data(), quotes.data(), rows.size(), times); });
    return first;
}

void set_traded(SharedBook& shared, const Array<std::int64_t>& rows, const Doubles& traded) {
    if (rows.size() != traded.size()) throw Error("traded: one value per row is needed. Hint: as many as rows");
    const std::vector<std::int64_t> at(rows.data(), rows.data() + rows.size());
    const std::vector<double> contracts = vector_of(traded);
    shared.with(at.size() > 1000, [&](Book& book) { book.set_traded(at.data(), at.size(), contracts.data()); });
}

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::dict state(SharedBook& shared) {
    BookState found;
    shared.with(true, [&](Book& book) { found = book.state(); });
    py::dict columns;
    columns["spot"] = found.spot;
    columns["days"] = found.days;
    columns["version"] = found.version;
    columns["anchors"] = found.anchors;
    columns["first_row"] = found.first_row;
    columns["quoted"] = array_of(found.quoted);
    columns["sized"] = array_of(found.sized);
    columns["time_to_expiry"] = array_of(found.time_to_expiry);
    columns["implied_vol"] = array_of(found.implied_vol);
    columns["vendor_vol"] = array_of(found.vendor_vol);
    columns["open_interest"] = array_of(found.open_interest);
    columns["contracts"] = array_of(found.contracts);
    columns["per_open_interest"] = array_of(found.per_open_interest);
    columns["held"] = array_of(found.held);
    columns["traded"] = array_of(found.traded);
    columns["bid"] = array_of(found.bid);
    columns["ask"] = array_of(found.ask);
    columns["status"] = array_of(found.status);
    columns["removed"] = array_of(found.removed);
    return columns;
}

py::dict counts(SharedBook& shared) {
    BookCounts found{};
    shared.with(false, [&](Book& book) { found = book.counts(); });
    py::dict names;
    for (std::size_t i = 0; i < kBookEvents; ++i) names[book_event_names[i]] = found[i];
    return names;
}

py::array_t<std::int64_t> compact(SharedBook& shared) {
    std::vector<std::int64_t> moved;
    shared.with(true, [&](Book& book) { moved = book.compact(); });
    return array_of(moved);
}

py::tuple mark_of(const StrikeMark& mark) {
    static const char* const names[] = {"found", "no_positive_strike", "no_negative_strike", "no_exposure", "at_end_strike"};
    return py::make_tuple(names[static_cast<int>(mark.status)], mark.strike, mark.value, mark.share, mark.runner_up,
                          mark.margin);
}

py::list crossings_of(const BookLevels& levels) {
    py::list rows;
    for (const Crossing& c : levels.crossings) rows.append(py::make_tuple(c.spot, c.slope, c.upward, c.error));
    return rows;
}

py::list top_of(const std::array<double, BookLevels::top_count>& strike, const std::array<double, BookLevels::top_count>& value,
                std::size_t count) {
    py::list rows;
    for (std::size_t i = 0; i < count; ++i) rows.append(py::make_tuple(strike[i], value[i]));
    return rows;
}

// The bytes of a reading: it is pickled and compared as those.
py::tuple bytes_of(const BookLevels& levels) {
    const BookNumbers& numbers = levels;
    return py::make_tuple(
        py::bytes(reinterpret_cast<const char*>(&numbers), sizeof numbers),
        py::bytes(reinterpret_cast<const char*>(levels.crossings.data()), levels.crossings.size() * sizeof(Crossing)));
}

BookLevels levels_of(const py::tuple& state) {
    static_assert(std::is_trivially_copyable_v<BookNumbers> && std::is_trivially_copyable_v<Crossing>);
    const auto numbers = state[0].cast<std::string>(), crossings = state[1].cast<std::string>();
    if (numbers.size() != sizeof(BookNumbers)) throw Error("levels: were pickled by another version. Hint: use that one");
    BookLevels levels;
    std::memcpy(static_cast<BookNumbers*>(&levels), numbers.data(), numbers.size());
    levels.crossings.resize(crossings.size() / sizeof(Crossing));
    if (!levels.crossings.empty())  // nothing has no address
        std::memcpy(levels.crossings.data(), crossings.data(), levels.crossings.size() * sizeof(Crossing));
    return levels;
}

void bind_readings(py::module_& module) {
    static const char* const zeros[] = {"found", "always_long", "always_short", "no_exposure"};
    static const char* const kinds[] = {"long_gamma", "short_gamma", "transition", "no_exposure"};
    py::class_<BookLevels>(module, "LevelsReading")
        .def_readonly("spot", &BookLevels::spot)
        .def_readonly("net", &BookLevels::net)
        .def_readonly("gross", &BookLevels::gross)
        .def_readonly("at_the_money_vol", &BookLevels::at_the_money_vol)
        .def_readonly("zero_gamma", &BookLevels::zero_gamma)
        .def_property_readonly("zero_status", [](const BookLevels& l) { return zeros[static_cast<int>(l.zero)]; })
        .def_readonly("low", &BookLevels::low)
        .def_readonly("high", &BookLevels::high)
        .def_property_readonly("crossings", &crossings_of)
        .def_property_readonly("call_wall", [](const BookLevels& l) { return mark_of(l.call_wall); })
        .def_property_readonly("put_wall", [](const BookLevels& l) { return mark_of(l.put_wall); })
        .def_property_readonly("absolute_gamma_strike", [](const BookLevels& l) { return mark_of(l.absolute_gamma_strike); })
        .def_property_readonly("hvl", [](const BookLevels& l) { return mark_of(l.hvl); })
        .def_property_readonly("top_positive",
                               [](const BookLevels& l) { return top_of(l.top_positive_strike, l.top_positive, l.positive); })
        .def_property_readonly("top_negative",
                               [](const BookLevels& l) { return top_of(l.top_negative_strike, l.top_negative, l.negative); })
        .def_readonly("cumulative_gamma_crossing", &BookLevels::cumulative_gamma_crossing)
        .def_property_readonly("profile_peak", [](const BookLevels& l) { return py::make_tuple(l.peak_spot, l.peak); })
        .def_property_readonly("profile_trough", [](const BookLevels& l) { return py::make_tuple(l.trough_spot, l.trough); })
        .def_readonly("exact", &BookLevels::exact)
        .def_readonly("version", &BookLevels::version)
        .def_readonly("anchors", &BookLevels::anchors)
        .def("__eq__", [](const BookLevels& a, const BookLevels& b) { return bytes_of(a).equal(bytes_of(b)); })
        .def("__hash__", [](const BookLevels& a) { return py::hash(bytes_of(a)); })
        .def(py::pickle(&bytes_of, &levels_of));
    py::class_<RegimeReading>(module, "RegimeReading")
        .def_property_readonly("kind", [](const RegimeReading& r) { return kinds[static_cast<int>(r.kind)]; })
        .def_readonly("sure", &RegimeReading::sure)
        .def_readonly("spot", &RegimeReading::spot)
        .def_readonly("net", &RegimeReading::net)
        .def_readonly("gross", &RegimeReading::gross)
        .def_readonly("bound", &RegimeReading::bound)
        .def_readonly("zero_gamma", &RegimeReading::zero_gamma)
        .def_readonly("zero_gamma_error", &RegimeReading::zero_gamma_error)
        .def_readonly("at_the_money_vol", &RegimeReading::at_the_money_vol)
        .def_property_readonly("quote_age", [](const RegimeReading& r) { return r.ages.quote; })
        .def_property_readonly("size_age", [](const RegimeReading& r) { return r.ages.size; })
        .def_property_readonly("old_share", [](const RegimeReading& r) { return r.ages.old; })
        .def_readonly("version", &RegimeReading::version);
}

}  // namespace

void bind_book(py::module_& module) {
    bind_readings(module);
    py::class_<SharedBook>(module, "Book")
        .def(py::init<double, const Doubles&, bool, bool>(), py::arg("spot"), py::arg("years"), py::arg("gross_walls"),
             py::arg("gated_walls"))
        .def("__len__",
             [](SharedBook& shared) {
                 std::size_t rows = 0;
                 shared.with(false, [&](Book& book) { rows = book.rows(); });
                 return rows;
             })
        .def_property_readonly("first_row",
                               [](SharedBook& shared) {
                                   std::int64_t first = 0;
                                   shared.with(false, [&](Book& book) { first = book.first_row(); });
                                   return first;
                               })
        .def("add_rows", &add_rows, py::arg("columns"), py::arg("years"))
        .def("set_traded", &set_traded, py::arg("rows"), py::arg("traded"))
        .def("compact", &compact)
        .def("counts", &counts)
        .def("update", &update, py::arg("rows"), py::arg("implied_vol"), py::arg("open_interest"), py::arg("contracts"),
             py::arg("bid"), py::arg("ask"))
        .def(
            "remove_rows",
            [](SharedBook& shared, py::handle rows) {
                const RowsArgument at(rows);
                shared.with(at.count > 1000, [&](Book& book) { book.remove_rows(at.data, at.count); });
            },
            py::arg("rows"))
        .def(
            "set_spot", [](SharedBook& shared, double spot) { shared.with(false, [&](Book& book) { book.set_spot(spot); }); },
            py::arg("spot"))
        .def(
            "set_years",
            [](SharedBook& shared, const Doubles& years, double days) {
                const std::vector<double> times = vector_of(years);
                shared.with(true, [&](Book& book) { book.set_years(times, days); });
            },
            py::arg("years"), py::arg("days"))
        .def("net",
             [](SharedBook& shared) {
                 double net = 0.0, gross = 0.0;
                 shared.read(true, [&](Book& book) { book.net(net, gross); });
                 return py::make_tuple(net, gross);
             })
        .def(
            "levels",
            [](SharedBook& shared, bool exact) {
                BookLevels found;
                shared.read(true, [&](Book& book) { book.levels(exact, found); });
                return found;
            },
            py::arg("exact"))
        .def(
            "regime",
            [](SharedBook& shared, bool exact) {
                RegimeReading found;
                shared.read(exact, [&](Book& book) { found = book.regime(exact); });
                return found;
            },
            py::arg("exact"))
        .def("by_strike",
             [](SharedBook& shared) {
                 std::vector<double> strikes, net, gross;
                 shared.with(true, [&](Book& book) { book.by_strike(strikes, net, gross); });
                 return py::make_tuple(array_of(strikes), array_of(net), array_of(gross));
             })
        .def("profile",
             [](SharedBook& shared) {
                 std::vector<double> spots, gamma;
                 shared.with(true, [&](Book& book) { book.profile(spots, gamma); });
                 return py::make_tuple(array_of(spots), array_of(gamma));
             })
        .def("state", &state);
}

}  // namespace gexcore::bindings
