// Texts of up to twelve bytes as two numbers each, compared without branches with the few that were met before.
#include "gexcore/texts.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace gexcore {
namespace {

constexpr std::size_t kBlock = 1024;  // rows whose keys stay in the first cache
constexpr std::size_t kShort = 12;    // bytes that fit beside a length of four

// As Arrow's views have short texts: four bytes of length, then the text, zeros after it.
struct Key {
    std::uint64_t head, tail;
};
constexpr Key kGap{0xffffffff, 0}, kUnreadable{0xfffffffe, 0};  // no short text is as long as this

bool operator==(const Key& a, const Key& b) {
    return (a.head == b.head) & (a.tail == b.tail);
}

Key key_of(const char* text, std::uint64_t length) {
    if (length > kShort) return kUnreadable;
    char bytes[16] = {};
    const auto size = static_cast<std::uint32_t>(length);
    std::memcpy(bytes, &size, 4);
    if (length > 0) std::memcpy(bytes + 4, text, length);
    Key key;
    std::memcpy(&key, bytes, sizeof key);
    return key;
}

std::string text_of(const Key& key) {
    char bytes[16];
    std::memcpy(bytes, &key, sizeof key);
    std::uint32_t size;
    std::memcpy(&size, bytes, 4);
    return std::string(bytes + 4, size);
}

bool is_null(const ArrowArray& array, std::int64_t row) {
    const auto* valid = static_cast<const std::uint8_t*>(array.buffers[0]);
    return !(valid[row / 8] >> (row % 8) & 1);
}

void mark_gaps(const ArrowArray& array, std::int64_t first, std::size_t rows, Key* keys) {
    if (array.null_count == 0 || array.buffers[0] == nullptr) return;
    for (std::size_t i = 0; i < rows; ++i)
        if (is_null(array, array.offset + first + static_cast<std::int64_t>(i))) keys[i] = kGap;
}

template <typename Offset>
void read_texts(const ArrowArray& array, std::int64_t first, std::size_t rows, Key* keys) {
    const Offset* ends = static_cast<const Offset*>(array.buffers[1]) + array.offset + first;
    const auto* data = static_cast<const char*>(array.buffers[2]);
    const Offset last = static_cast<const Offset*>(array.buffers[1])[array.offset + array.length];
    for (std::size_t i = 0; i < rows; ++i) {
        const auto length = static_cast<std::uint64_t>(ends[i + 1] - ends[i]);
        const char* text = data + ends[i];
        if (length > 4 || last - ends[i] < 4) {
            keys[i] = key_of(text, length);
            continue;
        }
        std::uint32_t bytes;  // some of the next text too
        std::memcpy(&bytes, text, 4);
        keys[i] = {length | (bytes & ((std::uint64_t{1} << 8 * length) - 1)) << 32, 0};
    }
}

void read_views(const ArrowArray& array, std::int64_t first, std::size_t rows, Key* keys) {
    const char* views = static_cast<const char*>(array.buffers[1]) + 16 * (array.offset + first);
    std::memcpy(keys, views, 16 * rows);
    for (std::size_t i = 0; i < rows; ++i)
        if ((keys[i].head & 0xffffffff) > kShort) keys[i] = kUnreadable;
}

using Read = void (*)(const ArrowArray&, std::int64_t, std::size_t, Key*);

Read reader_of(std::string_view format) {
    if (format == "u") return read_texts<std::int32_t>;
    if (format == "U") return read_texts<std::int64_t>;
    return format == "vu" ? read_views : nullptr;
}

// What was met so far, and the numbering of blocks by it.
class Known {
public:
    explicit Known(std::size_t most) : most_(most) {}

    // False when there are too many texts, or one that keys do not hold.
    bool number(const Key* keys, std::size_t rows, std::uint8_t* codes) {
        std::memset(codes, 0, rows);
        for (std::size_t k = 0; k < known_.size(); k += 2) mark(k, keys, rows, codes);
        for (;;) {
            const auto* open = static_cast<const std::uint8_t*>(std::memchr(codes, 0, rows));
            if (open == nullptr) break;
            const Key& fresh = keys[open - codes];
            if (known_.size() == most_ || fresh == kUnreadable) return false;
            known_.push_back(fresh);
            mark(known_.size() - 1, keys, rows, codes);
        }
        for (std::size_t i = 0; i < rows; ++i) --codes[i];
        return true;
    }

    Texts texts() const {
        Texts found;
        for (const Key& key : known_) found.push_back(key == kGap ? std::nullopt : std::optional(text_of(key)));
        return found;
    }

private:
    // Adds k + 1 where the text is known_[k], and k + 2 where it is the next, by multiplication: compilers make a branch of a
    // choice.
    void mark(std::size_t k, const Key* __restrict keys, std::size_t rows, std::uint8_t* __restrict codes) const {
        const bool two = k + 1 < known_.size();
        const Key one = known_[k], next = known_[two ? k + 1 : k];
        const unsigned code = static_cast<unsigned>(k) + 1, next_code = two ? code + 1 : 0;
        for (std::size_t i = 0; i < rows; ++i)
            codes[i] += static_cast<std::uint8_t>((keys[i] == one) * code + (keys[i] == next) * next_code);
    }

    std::size_t most_;
    std::vector<Key> known_;
};

template <typename Object>
struct Released {
    Object object{};
    Released() = default;
    Released(const Released&) = delete;
    Released& operator=(const Released&) = delete;
    ~Released() {
        if (object.release != nullptr) object.release(&object);
    }
};

bool number_chunk(Read read, const ArrowArray& chunk, Known& known, std::uint8_t* codes) {
    Key keys[kBlock];
    for (std::int64_t first = 0; first < chunk.length; first += kBlock) {
        const std::size_t rows = std::min(kBlock, static_cast<std::size_t>(chunk.length - first));
        read(chunk, first, rows, keys);
        mark_gaps(chunk, first, rows, keys);
        if (!known.number(keys, rows, codes + first)) return false;
    }
    return true;
}

}  // namespace

std::optional<Texts> number_texts(ArrowArrayStream& stream, std::size_t rows, std::size_t most, std::uint8_t* codes) {
    Released<ArrowSchema> schema;
    if (stream.get_schema(&stream, &schema.object) != 0) return std::nullopt;
    const Read read = schema.object.dictionary == nullptr ? reader_of(schema.object.format) : nullptr;
    if (read == nullptr) return std::nullopt;
    Known known(most);
    std::size_t done = 0;
    for (;;) {
        Released<ArrowArray> chunk;
        if (stream.get_next(&stream, &chunk.object) != 0) return std::nullopt;
        if (chunk.object.release == nullptr) break;  // the end
        const auto length = static_cast<std::size_t>(chunk.object.length);
        if (length > rows - done || !number_chunk(read, chunk.object, known, codes + done)) return std::nullopt;
        done += length;
    }
    if (done != rows) return std::nullopt;
    return known.texts();
}

}  // namespace gexcore
