// certify: the proof that no crossing of a GammaProfile was missed.
#include "gexcore/certify.hpp"

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

const char* const kContents[] = {"no_crossing", "one_crossing", "undecided"};

// Rows (low, high, content, sign below, sign above, crossing (spot, slope, upward) that is not among the known, or None).
py::list cover(const GammaProfile& profile, double low, double high, py::handle known, py::handle threads) {
    if (!(low > 1e-290 && low <= high && high < 1e290))
        throw Error("low, high: are " + std::to_string(low) + ", " + std::to_string(high) +
                    ". Hint: positive and finite, low first");
    const ColumnArgument<double> spots(known, "known");
    if (spots.scalar()) throw Error("known: is a single number. Hint: pass an array of spots");
    const double* first = spots.column().data;
    const std::vector<double> roots(first, first + spots.rows());
    const Execution execution = execution_of(threads);
    std::vector<CoverInterval> found;
    run(profile.rows() > 100, [&] { found = certify(profile, low, high, roots, execution); });
    py::list rows;
    for (const CoverInterval& interval : found) {
        py::object missed = py::none();
        if (interval.missed) missed = py::make_tuple(interval.missed->spot, interval.missed->slope, interval.missed->upward);
        rows.append(py::make_tuple(interval.low, interval.high, kContents[static_cast<int>(interval.content)], interval.below,
                                   interval.above, missed));
    }
    return rows;
}

}  // namespace

void bind_certify(py::module_& module) {
    module.def("certify", &cover, py::arg("profile"), py::arg("low"), py::arg("high"), py::arg("known"),
               py::arg("threads") = py::none());
}

}  // namespace gexcore::bindings
