#pragma once

#include <memory>

#include "store/segment.h"
#include "store/texts/template_dictionary.h"

namespace rankscope::store {

// One block that a scan looks at, and the templates of its job.
struct BlockPiece {
  std::shared_ptr<const Segment> segment;
  size_t block;
  std::shared_ptr<const TemplateDictionary> templates;
};

}  // namespace rankscope::store
