// Books that several tests share.
#pragma once
#include <cmath>
#include <vector>

#include "gexcore/gexcore.hpp"

namespace books {

struct Made {
    std::vector<gexcore::BookRow> rows{};
    std::vector<gexcore::BookQuote> quotes{};
    std::vector<double> years{};

    void add(double strike, std::int32_t series, bool call, double vol, double size) {
        gexcore::BookQuote quote;
        quote.implied_vol = vol;
        quote.open_interest = size;
        rows.push_back({strike, 100.0, 0.04, 0.01, call ? 1.0 : -1.0, series, call, gexcore::RowStatus::used});
        quotes.push_back(quote);
    }
    void fill(gexcore::Book& book) const { book.add_rows(rows.data(), quotes.data(), rows.size(), years); }
};

// Calls above, puts below, 500 contracts per expiration, spot near 5000.
inline Made made_rows(int expirations) {
    Made made;
    for (int series = 0; series < expirations; ++series) {
        made.years.push_back((series + 1) / 100.0);
        for (int i = 0; i < 500; ++i) {
            const bool call = i % 2 == 0;
            const double strike = 4000.0 + 8.0 * (i / 2), away = std::log(strike / 5000.0);
            const double size = (call ? 3000.0 : 2900.0) * std::exp(-50.0 * std::pow(away - (call ? 0.03 : -0.03), 2));
            made.add(strike, series, call, 0.15 + 0.3 * away * away, 100.0 + size);
        }
    }
    return made;
}

}  // namespace books
