#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "model/filter.h"
#include "model/record_value.h"
#include "store/scan/text_term.h"

namespace rankscope::store {

// Whether the key is a member of origins.
bool IsOriginKey(model::RecordKey::Kind kind);

// A filter's tree, with what its leaves are about. One thread at a time.
struct FilterNode {
  using Kind = model::Filter::Kind;

  Kind kind = Kind::kAll;
  std::vector<std::shared_ptr<FilterNode>> children;
  // Of a leaf. kTime has no matcher; `term` is there where it is about the text.
  model::RecordKey key;
  model::Filter filter;
  std::unique_ptr<model::Matcher> matcher;
  std::shared_ptr<const TextTerm> term;
  size_t number = 0;  // among the leaves of the whole filter that have a term, or among the others

  // kInvalid: a regex that RE2 does not take.
  static base::Result<std::shared_ptr<FilterNode>> Make(const model::Filter& filter);

  bool leaf() const { return kind != Kind::kAll && kind != Kind::kAnd && kind != Kind::kOr && kind != Kind::kNot; }

  template <typename Visit>
  void ForEachLeaf(const Visit& visit) {
    if (leaf()) visit(*this);
    for (const auto& child : children) child->ForEachLeaf(visit);
  }
  template <typename Visit>
  void ForEachLeaf(const Visit& visit) const {
    if (leaf()) visit(*this);
    for (const auto& child : children) std::as_const(*child).ForEachLeaf(visit);
  }

  // Whether all leaves are about members of origins, and there is one; whether all are about project and job.
  bool OnlyOrigins() const;
  bool OnlyJobs() const;
  bool AsksText() const;

  // REQUIRES OnlyOrigins().
  bool HoldsForOrigin(const model::Record& record) const;

  // `judge` gives a leaf's verdict.
  template <typename Judge>
  Verdict Evaluate(const Judge& judge) const {
    switch (kind) {
      case Kind::kAll:
        return Verdict::kYes;
      case Kind::kAnd: {
        Verdict least = Verdict::kYes;
        for (const auto& child : children) least = std::min(least, child->Evaluate(judge));
        return least;
      }
      case Kind::kOr: {
        Verdict most = Verdict::kNo;
        for (const auto& child : children) most = std::max(most, child->Evaluate(judge));
        return most;
      }
      case Kind::kNot:
        return static_cast<Verdict>(2 - static_cast<int>(children[0]->Evaluate(judge)));
      default:
        return judge(*this);
    }
  }
};

}  // namespace rankscope::store
