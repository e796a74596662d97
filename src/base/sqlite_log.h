#pragma once

#include <string>
#include <string_view>

namespace rankscope::base {

// What is damaged in the bytes of a write-ahead log of SQLite (https://sqlite.org/fileformat2.html, section 4); empty:
// nothing. SQLite itself takes the first frame that does not hold for the end. So it is here where nothing tells that
// more was committed behind it: a crash leaves a commit half written, and after a log begins anew frames of the one
// before it lie behind its end.
std::string FindLogDamage(std::string_view log);

}  // namespace rankscope::base
