// number_texts(): a byte per row and the few texts of a column that comes as an Arrow stream.
#include "gexcore/texts.hpp"

#include "topics.hpp"

namespace gexcore::bindings {
namespace {

// None where the core cannot number the texts. The GIL stays: the stream may be a library's that calls Python.
py::object number(py::handle capsule, py::ssize_t rows, std::size_t most) {
    auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array_stream"));
    if (stream == nullptr) throw py::error_already_set();
    if (stream->release == nullptr) throw Error("stream: was read before");
    if (rows < 0 || most > 255) throw Error("rows, most: out of range");
    py::array_t<std::uint8_t> codes(rows);
    const std::optional<Texts> texts = number_texts(*stream, static_cast<std::size_t>(rows), most, codes.mutable_data());
    if (!texts) return py::none();
    py::list names;
    for (const std::optional<std::string>& text : *texts)
        names.append(text ? py::object(py::str(*text)) : py::object(py::none()));
    return py::make_tuple(codes, names);
}

}  // namespace

void bind_texts(py::module_& module) {
    module.def("number_texts", &number, py::arg("stream"), py::arg("rows"), py::arg("most"));
}

}  // namespace gexcore::bindings
