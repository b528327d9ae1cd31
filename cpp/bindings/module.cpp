// The extension module gexcore._core: registration calls only.
#include "gexcore/error.hpp"
#include "topics.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
    // Every gexcore::Error becomes gexcore.errors.InputError; anything else keeps pybind11's mapping.
    py::register_local_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const gexcore::Error& error) {
            const py::object type = py::module_::import("gexcore.errors").attr("InputError");
            PyErr_SetString(type.ptr(), error.what());
        }
    });
    gexcore::bindings::bind_book(module);
    gexcore::bindings::bind_cpu(module);
    gexcore::bindings::bind_dynamics(module);
    gexcore::bindings::bind_greeks(module);
    gexcore::bindings::bind_implied_vol(module);
    gexcore::bindings::bind_intake(module);
    gexcore::bindings::bind_sums(module);
    gexcore::bindings::bind_profile(module);
    gexcore::bindings::bind_quick_levels(module);
    gexcore::bindings::bind_certify(module);
    gexcore::bindings::bind_texts(module);
    gexcore::bindings::bind_trades(module);
}
