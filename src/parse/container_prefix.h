#pragma once

#include "parse/launcher_prefix.h"
#include "parse/prefix_cursor.h"

namespace rankscope::parse {

// What puts containers' names and times before their lines. Each takes its prefix and says whose line it makes it, or
// leaves the line as it was and returns false.
bool TakePod(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix);
bool TakeContainerTime(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix);
bool TakeServiceName(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix);
bool TakeReplica(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix);
bool TakeSternPod(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix);

}  // namespace rankscope::parse
