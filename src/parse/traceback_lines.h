#pragma once

#include <string_view>

namespace rankscope::parse {

// How the lines of a Python traceback look. Each function is told a line without its launcher's prefix.
enum class TracebackShape {
  kNone,
  kPlain,  // "Traceback (most recent call last):", or a syntax error's first line; frames are indented
  kGroup,  // of an exception group: "  + Exception Group Traceback", its lines have a margin
  kBoxed,  // as rich draws it, in a box
};

// That of the traceback that begins with the line.
TracebackShape ShapeOfHead(std::string_view line);
// Whether it is a line of the traceback before its exception's own (of a group: the last of it).
bool IsFrame(std::string_view line, TracebackShape shape);
// Python's words between the tracebacks of a chain, torch's before that of a data loader's worker.
bool IsLink(std::string_view line);
// Empty, or the quotes below what another process has raised: what comes next may be the traceback's.
bool IsBlank(std::string_view line);
// Further lines of an exception's message that tell by themselves: indented, or what torch has below its errors.
bool IsMessage(std::string_view line);
// Whether it is a line of a log, and no exception's message: it has a time, a level or metrics.
bool IsLogged(std::string_view line);
// "3: ", "worker-1: ", "trainer-1  | ": what stands before the head of a traceback, and could be what a launcher puts
// before each line of a rank; it takes such a head to know it for that. Empty: nothing, or what any line shows to be
// one.
std::string_view MarkOfHead(std::string_view line);
// Where a traceback begins in the line as it stands, be it behind a bar that no newline has ended; npos: none does.
size_t BeginOfTraceback(std::string_view line);

// Lines of one traceback have the same prefix, which stays in the text.
std::string_view WithoutLauncherPrefix(std::string_view line);
// "[rank2]: ", with what a launcher has put before it: torch writes it before each line of the exception by which a
// rank ends, those of its message too. Empty: the line has none.
std::string_view PrefixOfLastWords(std::string_view line);

// What of a text's lines says how it ends: the exception's own where nothing but its message follows, else the last
// that is not empty. The traceback may be cut at its beginning.
std::string_view LastWordsOf(std::string_view text);

}  // namespace rankscope::parse
