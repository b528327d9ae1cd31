// Reads a book from standard input and prints its exact levels, so that they can be compared with Python's digit for digit.
// Input: spot, number of series and their years, number of rows and per row strike, series, call, vol, open interest.
#include <cstdio>
#include <vector>

#include "gexcore/gexcore.hpp"

int main() {
    double spot = 0.0;
    std::size_t series = 0, count = 0;
    if (std::scanf("%lf %zu", &spot, &series) != 2) return 1;
    std::vector<double> years(series);
    for (double& each : years)
        if (std::scanf("%lf", &each) != 1) return 1;
    if (std::scanf("%zu", &count) != 1) return 1;
    std::vector<gexcore::BookRow> rows;
    std::vector<gexcore::BookQuote> quotes;
    for (std::size_t i = 0; i < count; ++i) {
        double strike = 0.0;
        int of = 0, call = 0;
        gexcore::BookQuote quote;
        if (std::scanf("%lf %d %d %lf %lf", &strike, &of, &call, &quote.implied_vol, &quote.open_interest) != 5) return 1;
        rows.push_back({strike, 100.0, 0.04, 0.013, call ? 1.0 : -1.0, of, call != 0, gexcore::RowStatus::used});
        quotes.push_back(quote);
    }
    gexcore::Book book(spot, years);
    book.add_rows(rows.data(), quotes.data(), rows.size(), years);
    gexcore::BookLevels levels;
    book.levels(true, levels);
    std::printf("%.17g %.17g %.17g %.17g %.17g\n", levels.net, levels.gross, levels.zero_gamma, levels.call_wall.strike,
                levels.put_wall.strike);
    return 0;
}
