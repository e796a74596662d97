#include "cli/record_lines.h"

#include "cli/answer_end.h"
#include "cli/http_client.h"

namespace rankscope::cli {

base::Status GetRecords(const std::string& server, const std::string& path,
                        const std::function<bool(std::string_view)>& take, const std::function<bool()>& idle) {
  base::Status broken;
  RETURN_IF_ERROR(GetLines(
      server, path,
      [&](std::string_view line) {
        base::Status end = EndSaidBy(line);
        if (end.ok()) return take(line);
        broken = end;
        return true;
      },
      idle));
  return broken;
}

}  // namespace rankscope::cli
