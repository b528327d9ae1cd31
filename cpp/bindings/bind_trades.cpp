// classify_trades(): sides, what each was found from, and the state of the quotes, one byte per trade each.
#include "gexcore/trades.hpp"

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

constexpr py::ssize_t kWorthReleasing = 2000;  // rows of about 10 ns

template <std::size_t size>
py::tuple names_of(const char* const (&names)[size]) {
    py::tuple tuple(size);
    for (std::size_t i = 0; i < size; ++i) tuple[i] = py::str(names[i]);
    return tuple;
}

py::tuple classify(py::handle price, py::handle bid, py::handle ask, py::handle series, py::ssize_t series_count,
                   std::size_t rule) {
    const ColumnArgument<double> prices(price, "price"), bids(bid, "bid"), asks(ask, "ask");
    if (prices.scalar()) throw Error("price: is a single number. Hint: pass a one-dimensional array");
    const py::ssize_t rows = common_rows(prices, bids, asks);
    TradeColumns trades{static_cast<std::size_t>(rows), prices.column().data, bids.column(), asks.column(), nullptr, 1};
    py::array_t<std::int32_t, py::array::c_style> codes;
    if (!series.is_none()) {
        if (!py::isinstance<decltype(codes)>(series)) throw Error("contract: is not an int32 array");
        codes = py::reinterpret_borrow<decltype(codes)>(series);
        if (codes.ndim() != 1 || codes.size() != rows)
            throw Error("contract: " + std::to_string(codes.size()) + " rows, but price has " + std::to_string(rows) +
                        ". Hint: one code per trade");
        if (series_count < 0) throw Error("contract: the number of series is negative");
        trades.series = codes.data();
        trades.series_count = static_cast<std::size_t>(series_count);
    }
    if (rule >= std::size(side_rule_names)) throw Error("rule: there is no such code");
    py::array_t<std::int8_t> side(rows);
    py::array_t<std::uint8_t> decision(rows), quote(rows);
    const SideColumns out{side.mutable_data(), reinterpret_cast<Decision*>(decision.mutable_data()),
                          reinterpret_cast<QuoteState*>(quote.mutable_data())};
    const Execution execution = execution_of(py::none());
    run(rows >= kWorthReleasing, [&] { classify_trades(trades, static_cast<SideRule>(rule), out, execution); });
    return py::make_tuple(side, decision, quote);
}

}  // namespace

void bind_trades(py::module_& module) {
    module.attr("SIDE_RULES") = names_of(side_rule_names);
    module.attr("DECISIONS") = names_of(decision_names);
    module.attr("QUOTE_STATES") = names_of(quote_state_names);
    module.def("classify_trades", &classify, py::arg("price"), py::arg("bid"), py::arg("ask"), py::arg("series").none(true),
               py::arg("series_count"), py::arg("rule"));
}

}  // namespace gexcore::bindings
