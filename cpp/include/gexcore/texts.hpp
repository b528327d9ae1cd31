// Columns of text as Arrow hands them over, numbered.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gexcore {

// The C data interface and the C stream interface of Apache Arrow, as their specification lays them out.
struct ArrowSchema {
    const char *format, *name, *metadata;
    std::int64_t flags, n_children;
    ArrowSchema **children, *dictionary;
    void (*release)(ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    std::int64_t length, null_count, offset, n_buffers, n_children;
    const void** buffers;
    ArrowArray **children, *dictionary;
    void (*release)(ArrowArray*);
    void* private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
    int (*get_next)(ArrowArrayStream*, ArrowArray*);
    const char* (*get_last_error)(ArrowArrayStream*);
    void (*release)(ArrowArrayStream*);
    void* private_data;
};

// The texts in order of appearance, nothing for a gap.
using Texts = std::vector<std::optional<std::string>>;

// Reads the stream to its end: codes[row] is the place of the row's text. Nothing if the stream is no column of text (utf8,
// large utf8, views, or a dictionary of these), does not have `rows` rows, fails, or has more than `most` texts or one longer
// than 12 bytes; some codes are written then.
std::optional<Texts> number_texts(ArrowArrayStream& stream, std::size_t rows, std::size_t most, std::uint8_t* codes);

}  // namespace gexcore
