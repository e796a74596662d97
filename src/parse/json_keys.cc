#include "parse/json_keys.h"

#include <algorithm>
#include <bit>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

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
  if (here.count == 0) return false;
  if (!IsWritten(*here.keys[here.last], written)) {
    size_t at = 0;
    while (at < here.count && !IsWritten(*here.keys[at], written)) ++at;
    if (at == here.count) return false;
    here.last = at;
  }
  *key = Take(here.keys[here.last], name);
  return true;
}

bool JsonKeys::IsWritten(const Names::value_type& known, const char* written) {
  const std::string& name = known.first;
#ifdef __AVX2__
  if (name.size() < kShort) {
    __m256i ours = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(known.second.written.data()));
    __m256i theirs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(written));
    auto equal = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(ours, theirs)));
    return static_cast<size_t>(std::countr_one(equal)) > name.size();
  }
#endif
  return std::memcmp(name.data(), written, name.size()) == 0 && written[name.size()] == '"';
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
    Known known{KeyOf(name)};
    std::copy_n(name.begin(), std::min(name.size(), kShort), known.written.begin());
    if (name.size() < kShort) known.written[name.size()] = '"';
    found = names_.emplace(std::string(name), known).first;
    bytes_ += name.size() + sizeof(Names::value_type);
  }
  return &*found;
}

}  // namespace rankscope::parse
