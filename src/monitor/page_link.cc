#include "monitor/page_link.h"

#include <cctype>
#include <cstdio>

namespace rankscope::monitor {
namespace {

std::string Escape(const std::string& text) {
  std::string out;
  for (unsigned char c : text) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(c));
    bool plain = std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
    out += plain ? std::string(1, static_cast<char>(c)) : hex;
  }
  return out;
}

}  // namespace

std::string PageLink(const std::string& external_url, const std::string& kind, const std::string& id,
                     const std::string& project) {
  if (external_url.empty()) return "";
  return external_url + "/" + kind + "/" + Escape(id) + (project == "default" ? "" : "?project=" + Escape(project));
}

}  // namespace rankscope::monitor
