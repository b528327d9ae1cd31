// One registration function per topic.
#pragma once
#include "columns.hpp"

namespace gexcore::bindings {

void bind_book(py::module_& module);
void bind_cpu(py::module_& module);
void bind_dynamics(py::module_& module);
void bind_greeks(py::module_& module);
void bind_implied_vol(py::module_& module);
void bind_intake(py::module_& module);
void bind_sums(py::module_& module);
void bind_profile(py::module_& module);
void bind_quick_levels(py::module_& module);
void bind_certify(py::module_& module);
void bind_texts(py::module_& module);
void bind_trades(py::module_& module);

}  // namespace gexcore::bindings
