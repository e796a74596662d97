#pragma once

#include <memory>
#include <vector>

#include "store/scan/filter_node.h"

namespace rankscope::store {

// A filter's conjuncts, by what they are about; those about time alone are none of them.
struct FilterTerms {
  using Terms = std::vector<std::shared_ptr<FilterNode>>;

  Terms jobs;     // project and job: the same for a whole segment
  Terms origins;  // members of origins
  Terms shapes;   // what rows have beside their text (RowShape), and numbers
  Terms texts;    // the text, and maybe more
  // How many leaves those have: FilterNode::number counts either sort from 0.
  size_t text_leaves = 0, other_leaves = 0;

  void Add(std::shared_ptr<FilterNode> term) {
    if (term->OnlyOrigins()) return (term->OnlyJobs() ? jobs : origins).push_back(std::move(term));
    term->ForEachLeaf([this](FilterNode& leaf) { leaf.number = leaf.term ? text_leaves++ : other_leaves++; });
    (term->AsksText() ? texts : shapes).push_back(std::move(term));
  }
};

}  // namespace rankscope::store
