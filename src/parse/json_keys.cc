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

// Whether JSON writes it otherwise than it is.
bool IsEscaped(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

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
  repeated_ = false;
  ++line_;
  if (bytes_ <= kMaxBytes) return;
  places_.clear();
  names_.clear();
  bytes_ = 0;
}

bool JsonKeys::Guess(const char* written, size_t place, JsonKey* key, std::string_view* name) {
  if (place >= places_.size()) return false;
  Place& here = places_[place];
  for (size_t i = 0; i < here.count; ++i) {
    size_t at = (here.last + i) % here.count;
    const std::string& known = here.keys[at]->first;
    if (std::memcmp(known.data(), written, known.size()) != 0 || written[known.size()] != '"') continue;
    here.last = at;
    *key = Take(here.keys[at], name);
    return true;
  }
  return false;
}

JsonKey JsonKeys::Find(size_t place, std::string_view* name) {
  Names::value_type* known = FindOrAdd(*name);
  bool plain = known->first.size() < kReadable && std::none_of(known->first.begin(), known->first.end(), IsEscaped);
  if (plain) {
    if (place >= places_.size()) places_.resize(place + 1);
    Place& here = places_[place];
    here.last = here.count < kPerPlace ? here.count++ : (here.last + 1) % kPerPlace;
    here.keys[here.last] = known;
  }
  return Take(known, name);
}

JsonKey JsonKeys::Take(Names::value_type* known, std::string_view* name) {
  repeated_ = repeated_ || known->second.line == line_;
  known->second.line = line_;
  *name = known->first;
  return known->second.key;
}

JsonKeys::Names::value_type* JsonKeys::FindOrAdd(std::string_view name) {
  auto found = names_.find(name);
  if (found == names_.end()) {
    found = names_.emplace(std::string(name), Known{KeyOf(name)}).first;
    bytes_ += name.size() + sizeof(Names::value_type);
  }
  return &*found;
}

}  // namespace rankscope::parse
