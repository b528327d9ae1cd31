// The one exception type of the library: a message that names the column, row or option and says what to do.
#pragma once
#include <stdexcept>

namespace gexcore {

class Error : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

}  // namespace gexcore
