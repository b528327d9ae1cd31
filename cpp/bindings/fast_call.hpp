// Functions registered with Python itself: positional arguments only, a tenth of the cost of pybind11's dispatch.
#pragma once
#include <pybind11/pybind11.h>

#include <utility>

namespace gexcore::bindings {

template <typename>
struct FastCall;

// The calling convention METH_FASTCALL for a function of handles. Exceptions take the way of all others, by the translators.
template <typename... Arguments>
struct FastCall<pybind11::object (*)(Arguments...)> {
    using Function = pybind11::object (*)(Arguments...);

    template <Function function>
    static PyObject* call(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
        constexpr Py_ssize_t wanted = sizeof...(Arguments);
        if (count == wanted) return guarded<function>(arguments, std::make_index_sequence<sizeof...(Arguments)>());
        PyErr_Format(PyExc_TypeError, "%zd positional arguments are needed, not %zd", wanted, count);
        return nullptr;
    }

private:
    template <Function function, std::size_t... I>
    static PyObject* guarded(PyObject* const* arguments, std::index_sequence<I...>) {
        try {
            return function(pybind11::handle(arguments[I])...).release().ptr();
        } catch (pybind11::error_already_set& error) {
            error.restore();
        } catch (...) {
            pybind11::detail::try_translate_exceptions();
        }
        return nullptr;
    }
};

// `definition` must live as long as the module.
template <auto function>
void add_fast_call(pybind11::module_& module, PyMethodDef& definition, const char* name, const char* signature) {
    const auto call = &FastCall<decltype(function)>::template call<function>;
    definition = {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call)), METH_FASTCALL, signature};
    const pybind11::object owner = module.attr("__name__");
    PyObject* made = PyCFunction_NewEx(&definition, module.ptr(), owner.ptr());
    if (made == nullptr) throw pybind11::error_already_set();
    module.attr(name) = pybind11::reinterpret_steal<pybind11::object>(made);
}

}  // namespace gexcore::bindings
