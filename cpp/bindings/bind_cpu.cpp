// The kernel variant, the default number of threads, and the version that was compiled in.
#include <pybind11/stl.h>

#include "columns.hpp"
#include "gexcore/cpu.hpp"
#include "gexcore/version.hpp"
#include "topics.hpp"

namespace gexcore::bindings {

void bind_cpu(py::module_& module) {
    cpu::active();  // an instruction set that cannot be had must fail the import
    module.attr("__version__") = version;
    module.def("cpu_available", &cpu::available);
    module.def("cpu_active", &cpu::active);
    module.def("cpu_use", &cpu::use, py::arg("isa"));
    module.def("get_num_threads", &default_threads);
    module.def("set_num_threads", &set_default_threads, py::arg("threads"));
}

}  // namespace gexcore::bindings
