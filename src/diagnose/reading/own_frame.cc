#include "diagnose/reading/own_frame.h"

#include <re2/re2.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rankscope::diagnose {
namespace {

// The code that Python quotes below a frame; empty: it had none.
std::string_view CodeBelow(const Reading& reading, size_t frame) {
  for (size_t i = frame + 1; i < reading.bodies.size() && reading.tracebacks.is_inside[i]; ++i) {
    if (reading.ranks[i] != reading.ranks[frame]) continue;
    std::string_view text = reading.bodies[i].text;
    return text.starts_with("File \"") ? "" : text;
  }
  return "";
}

std::string PlaceOf(const Reading& reading, size_t frame) {
  static const re2::RE2 kFrame(R"re(^File "(.+)", line (\d+)(, in .+)?$)re");
  std::string_view text = reading.bodies[frame].text;
  std::string file, number, function;
  if (!re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kFrame, &file, &number, &function)) return "";
  std::string place = file + ":" + number;
  if (!function.empty()) place += function.substr(1);
  std::string_view code = CodeBelow(reading, frame);
  return code.empty() ? place : place + ": " + std::string(code);
}

}  // namespace

bool IsOwnFrame(std::string_view text) {
  if (!text.starts_with("File \"")) return false;
  constexpr std::string_view kLibraries[] = {"-packages/", "/usr/lib", "/lib/python", "<frozen "};
  return std::none_of(std::begin(kLibraries), std::end(kLibraries),
                      [&](std::string_view library) { return text.find(library) != std::string_view::npos; });
}

std::optional<OwnFrame> InnermostOwnFrame(const Reading& reading, size_t exception) {
  auto ends = reading.ends.find(exception);
  if (ends == reading.ends.end()) return std::nullopt;
  for (size_t i = exception; i-- > reading.tracebacks.all[ends->second].begin;) {
    const bool of_it = reading.tracebacks.is_inside[i] && reading.ranks[i] == reading.ranks[exception];
    const bool script = reading.bodies[i].text.find(".py\"") == std::string_view::npos;  // a launcher's
    if (!of_it || script || !IsOwnFrame(reading.bodies[i].text)) continue;
    std::string place = PlaceOf(reading, i);
    if (!place.empty()) return OwnFrame{i, std::move(place)};
  }
  return std::nullopt;
}

}  // namespace rankscope::diagnose
