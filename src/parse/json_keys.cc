#include "parse/json_keys.h"

#include <algorithm>
#include <cstring>

namespace rankscope::parse {
namespace {

struct KnownKey {
  std::string_view name;
  JsonKey key;
};
constexpr std::array<KnownKey, 14> kKnownKeys = {{{"timestamp", JsonKey::kTime},
                                                  {"project", JsonKey::kProject},
                                                  {"job_id", JsonKey::kJob},
                                                  {"job", JsonKey::kJobAlias},
                                                  {"attempt", JsonKey::kAttempt},
                                                  {"node_rank", JsonKey::kNodeRank},
                                                  {"rank", JsonKey::kRank},
                                                  {"local_rank", JsonKey::kLocalRank},
                                                  {"host", JsonKey::kHost},
                                                  {"stream", JsonKey::kStream},
                                                  {"seq", JsonKey::kSeq},
                                                  {"step", JsonKey::kStep},
                                                  {"level", JsonKey::kLevel},
                                                  {"msg", JsonKey::kText}}};

JsonKey KeyOf(std::string_view name) {
  for (const KnownKey& known : kKnownKeys) {
    if (known.name == name) return known.key;
  }
  auto is = [name](std::string_view alias) { return alias == name; };
  if (std::any_of(kTimeAliases.begin(), kTimeAliases.end(), is)) return JsonKey::kTimeAlias;
  if (std::any_of(kTextAliases.begin(), kTextAliases.end(), is)) return JsonKey::kTextAlias;
  return JsonKey::kField;
}

}  // namespace

void JsonKeys::BeginLine() {
  same_ = true;
  ++line_;
}

JsonKey JsonKeys::Next(simdjson::ondemand::field* field, size_t place, std::string_view* name,
                       simdjson::error_code* fault) {
  const char* raw = field->key().raw();
  if (place >= places_.size()) places_.resize(place + 1);
  Place& known = places_[place];
  for (size_t i = 0; i < known.count; ++i) {
    size_t at = (known.last + i) % known.count;
    const Known& last = known.keys[at];
    // A key that is written with escapes compares unequal, which costs time and nothing else.
    if (std::memcmp(last.name.data(), raw, last.name.size()) != 0 || raw[last.name.size()] != '"') continue;
    same_ = same_ && i == 0 && known.line == kept_;
    known.last = at;
    known.line = line_;
    *name = last.name;
    return last.key;
  }
  same_ = false;
  known.line = line_;
  *fault = field->unescaped_key().get(*name);
  if (*fault) return JsonKey::kField;
  known.last = known.count < known.keys.size() ? known.count++ : (known.last + 1) % known.count;
  known.keys[known.last] = {std::string(*name), KeyOf(*name)};
  *name = known.keys[known.last].name;
  return known.keys[known.last].key;
}

}  // namespace rankscope::parse
