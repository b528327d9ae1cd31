// What a column may be: Python numbers, NumPy arrays, and whatever NumPy turns into a one-dimensional array of numbers.
#include "columns.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "gexcore/greeks.hpp"

namespace gexcore::bindings {
namespace {

constexpr int kAligned = py::detail::npy_api::NPY_ARRAY_ALIGNED_;
constexpr int kContiguous = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_;
constexpr int kWritable = py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
constexpr long kMostThreads = 1024;

template <typename T>
constexpr int type_number = std::is_same_v<T, double> ? py::detail::npy_api::NPY_DOUBLE_ : py::detail::npy_api::NPY_BOOL_;

struct Layout {
    int dimensions;
    int type;
    char order;
    int flags;
    py::ssize_t rows;
    const void* data;
};

bool is_array(py::handle object) {
    return py::detail::npy_api::get().PyArray_Check_(object.ptr());
}

Layout layout_of(py::handle array) {
    const auto* proxy = py::detail::array_proxy(array.ptr());
    const auto* type = py::detail::array_descriptor_proxy(proxy->descr);
    return {proxy->nd, type->type_num, type->byteorder, proxy->flags, proxy->nd == 1 ? proxy->dimensions[0] : 0, proxy->data};
}

bool directly_usable(const Layout& layout, int type) {
    constexpr int needed = kAligned | kContiguous;
    return layout.dimensions == 1 && layout.type == type && layout.order != '>' && (layout.flags & needed) == needed;
}

[[noreturn]] void refuse(const char* name, const std::string& what, const std::string& hint) {
    throw Error(std::string(name) + ": " + what + ". Hint: " + hint);
}

// Says why an array of a strange kind is refused; `kind` is NumPy's letter.
void check_kind(const char* name, char kind, bool wants_bool, const std::string& dtype) {
    if (wants_bool) {
        if (kind != 'b') refuse(name, "is " + dtype + ", not boolean", "pass True for calls, for example option_type == 'C'");
        return;
    }
    if (kind == 'f' || kind == 'i' || kind == 'u') return;
    const std::string hint = kind == 'O' ? "convert it first, with missing values as nan: np.asarray(x, dtype=float)"
                             : kind == 'M' || kind == 'm' ? "pass numbers; times are years, expiries go into expiry="
                                                          : "pass real numbers (float64)";
    refuse(name, "is " + dtype + ", not numbers", hint);
}

// An aligned contiguous array of the wanted type, converted in the open (float32, integers, strides, lists, series).
py::object converted_by_numpy(py::handle argument, const char* name, bool wants_bool) {
    const py::module_ numpy = py::module_::import("numpy");
    if (py::isinstance(argument, numpy.attr("ma").attr("MaskedArray")))
        refuse(name, "is a masked array", "fill it first: x.filled(float('nan'))");
    py::object array = numpy.attr("asarray")(argument);
    const auto kind = array.attr("dtype").attr("kind").cast<std::string>()[0];
    const bool empty_list = !is_array(argument) && array.attr("size").cast<py::ssize_t>() == 0;  // float64 for want of values
    if (!(empty_list && kind == 'f')) check_kind(name, kind, wants_bool, py::str(array.attr("dtype")).cast<std::string>());
    const auto dimensions = array.attr("ndim").cast<int>();
    if (dimensions > 1)
        refuse(name, "has " + std::to_string(dimensions) + " dimensions", "pass one-dimensional arrays or single numbers");
    return numpy.attr("require")(array, wants_bool ? "bool" : "float64", py::make_tuple("C", "A"));
}

// Ragged lists and objects with a failing __array__ raise errors that do not know which column they are.
py::object converted(py::handle argument, const char* name, bool wants_bool) {
    try {
        return converted_by_numpy(argument, name, wants_bool);
    } catch (const py::error_already_set& error) {
        if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError)) throw;
        const std::string type = py::str(error.type().attr("__name__"));
        const std::string text = py::str(error.value());
        refuse(name, "cannot be read as an array (" + type + ": " + text + ")", "pass a one-dimensional array or a number");
    }
}

std::atomic<int> chosen_threads{0};  // by set_num_threads(); 0: nobody has

// The number of threads that GEXCORE_NUM_THREADS asks for; 1 without it.
int threads_of_environment() {
    const char* text = std::getenv("GEXCORE_NUM_THREADS");
    if (text == nullptr || *text == '\0') return 1;
    char* end = nullptr;
    const long count = std::strtol(text, &end, 10);
    if (*end != '\0' || count < 1 || count > kMostThreads)
        refuse("GEXCORE_NUM_THREADS", std::string("is '") + text + "'", "set a whole number from 1 to 1024");
    return static_cast<int>(count);
}

int checked_threads(py::handle threads, const char* hint) {
    const long count = PyBool_Check(threads.ptr()) ? 0 : PyLong_AsLong(threads.ptr());
    if (count == -1 && PyErr_Occurred()) PyErr_Clear();
    if (count < 1 || count > kMostThreads) refuse("threads", "must be a whole number from 1 to 1024", hint);
    return static_cast<int>(count);
}

thread_local PyThreadState* released = nullptr;  // of this thread, while it goes without the GIL

void release_gil() {
    released = PyEval_SaveThread();
}

// When the interpreter ends, Python before 3.14 unwinds every other thread that asks for the GIL, and the process dies at the
// first catch (...) on the way. Such a thread waits here for the end, as it does in Python 3.14.
void take_gil() {
    try {
        PyEval_RestoreThread(std::exchange(released, nullptr));
    } catch (...) {
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

bool asked_to_stop() {
    const bool without = released != nullptr;
    if (without) take_gil();
    const bool stop = PyErr_CheckSignals() != 0;
    if (without) release_gil();
    return stop;
}

}  // namespace

template <typename T>
ColumnArgument<T>::ColumnArgument(py::handle argument, const char* name) : name_(name) {
    constexpr bool wants_bool = !std::is_same_v<T, double>;
    if (wants_bool ? PyBool_Check(argument.ptr()) : PyFloat_CheckExact(argument.ptr())) {
        value_ = wants_bool ? static_cast<T>(argument.ptr() == Py_True) : static_cast<T>(PyFloat_AS_DOUBLE(argument.ptr()));
        return;
    }
    const bool plain = is_array(argument) &&
                       Py_TYPE(argument.ptr()) == reinterpret_cast<PyTypeObject*>(py::detail::npy_api::get().PyArray_Type_);
    owner_ = plain && directly_usable(layout_of(argument), type_number<T>) ? py::reinterpret_borrow<py::object>(argument)
                                                                           : converted(argument, name, wants_bool);
    const Layout layout = layout_of(owner_);
    if (layout.dimensions == 0) {
        value_ = *static_cast<const T*>(layout.data);
    } else {
        data_ = static_cast<const T*>(layout.data);
        rows_ = layout.rows;
    }
}

template class ColumnArgument<double>;
template class ColumnArgument<std::uint8_t>;

double* checked_output(py::handle out, const std::vector<py::ssize_t>& shape) {
    std::string wanted;
    for (const py::ssize_t size : shape) wanted += (wanted.empty() ? "" : ", ") + std::to_string(size);
    const auto refuse_out = [&](const std::string& what) {
        refuse("out", what, "pass an earlier result of the same call, or a writable float64 array of shape (" + wanted + ")");
    };
    if (!is_array(out)) refuse_out("is not an array");
    const auto* proxy = py::detail::array_proxy(out.ptr());
    const Layout layout = layout_of(out);
    constexpr int needed = kAligned | kContiguous;
    if (layout.type != py::detail::npy_api::NPY_DOUBLE_ || layout.order == '>') refuse_out("is not float64");
    if (proxy->nd != static_cast<int>(shape.size()) || !std::equal(shape.begin(), shape.end(), proxy->dimensions))
        refuse_out("has another shape");
    if ((layout.flags & needed) != needed) refuse_out("is strided");
    if (!(layout.flags & kWritable)) refuse_out("is read-only");
    return static_cast<double*>(const_cast<void*>(layout.data));
}

int checked_set(std::uint32_t which) {
    if (which == 0 || which >> greek_count != 0)
        throw Error("which: is not a set of greeks. Hint: names are in gexcore.bsm.GREEKS");
    return __builtin_popcount(which);
}

int default_threads() {
    const int chosen = chosen_threads.load(std::memory_order_relaxed);
    if (chosen > 0) return chosen;
    static const int from_environment = threads_of_environment();
    return from_environment;
}

void set_default_threads(py::handle threads) {
    chosen_threads = checked_threads(threads, "one thread is set_num_threads(1)");
}

WithoutGil::WithoutGil() {
    release_gil();
}

WithoutGil::~WithoutGil() {
    take_gil();
}

Execution execution_of(py::handle threads) {
    return {threads.is_none() ? default_threads() : checked_threads(threads, "leave it out for one thread"), &asked_to_stop};
}

}  // namespace gexcore::bindings
