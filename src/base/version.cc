#include "base/version.h"

namespace rankscope::base {

const char kVersion[] = RANKSCOPE_VERSION;

}  // namespace rankscope::base
