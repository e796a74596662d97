#include "store/texts/template_dictionary.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/coding.h"
#include "base/file.h"
#include "store/columns/compression.h"

namespace rankscope::store {
namespace {

constexpr std::string_view kMagic = "RSTPL\0\0\1";
constexpr size_t kMagicBytes = 8;
constexpr size_t kHeadBytes = 20;  // u32 size, u32 raw size, u32 count, u64 checksum of what is before and behind it
constexpr uint32_t kMaxRawBytes = 512 << 20;

std::string_view Magic() { return {kMagic.data(), kMagicBytes}; }

uint64_t ChunkChecksum(std::string_view head, std::string_view body) {
  return base::Checksum(body, base::Checksum(head));
}

}  // namespace

base::Result<std::shared_ptr<TemplateDictionary>> TemplateDictionary::Open(const std::string& path) {
  std::shared_ptr<TemplateDictionary> dictionary(new TemplateDictionary(path));
  auto bytes = base::ReadWholeFile(path);
  if (bytes.ok()) {
    dictionary->Load(*bytes);
  } else if (bytes.status().code() != base::Code::kNotFound) {
    return bytes.status();
  }
  return dictionary;
}

void TemplateDictionary::Load(std::string_view bytes) {
  size_t whole = bytes.size();
  auto end = [&] {
    unread_ = path_ + ": bytes " + std::to_string(whole - bytes.size()) + " to " + std::to_string(whole) +
              " are damaged: texts made of templates from " + std::to_string(size_) + " on cannot be read";
  };
  if (!bytes.starts_with(Magic())) return bytes.empty() ? void() : end();
  bytes.remove_prefix(kMagicBytes);
  saved_bytes_ = kMagicBytes;
  while (!bytes.empty()) {
    base::ByteReader in(bytes);
    uint32_t size = in.Fixed32(), raw_size = in.Fixed32(), count = in.Fixed32();
    uint64_t checksum = in.Fixed64();
    std::string_view body = in.Bytes(size);
    std::string raw;
    bool good = in.ok() && checksum == ChunkChecksum(bytes.substr(0, 12), body) && raw_size <= kMaxRawBytes &&
                size_ + count <= kMaxTemplates && ReadCompressed(body, raw_size, &raw);
    if (!good) return end();
    base::ByteReader forms(raw);
    for (uint32_t i = 0; i < count; ++i) {
      std::string_view form = forms.String();
      (void)Append(form, HashOf(form));
    }
    bytes.remove_prefix(kHeadBytes + size);
    saved_bytes_ += kHeadBytes + size;
    saved_ = size_;
  }
}

uint32_t TemplateDictionary::Find(std::string_view wanted, uint64_t hash) const {
  uint32_t id = ids_.Find(hash);
  return id != HashIndex::kNone && form(id) == wanted ? id : kNone;
}

uint32_t TemplateDictionary::Add(std::string_view form) {
  uint64_t hash = HashOf(form);
  if (size_ == kMaxTemplates || ids_.Find(hash) != HashIndex::kNone) return kNone;
  return Append(form, hash);
}

uint32_t TemplateDictionary::Append(std::string_view form, uint64_t hash) {
  uint32_t id = size_;
  auto& chunk = chunks_[id / kChunk];
  if (!chunk) chunk = std::make_unique<std::string[]>(kChunk);
  chunk[id % kChunk] = form;
  (void)ids_.At(hash, id);
  size_.store(id + 1, std::memory_order_release);
  return id;
}

uint32_t TemplateDictionary::NoteSeen(uint64_t hash, uint32_t times) {
  if (candidates_.size() >= kMaxCandidates) candidates_.Clear();
  return candidates_.At(hash, 0) += times;
}

base::Status TemplateDictionary::Save() {
  if (saved_ == size_) return {};
  std::string raw;
  for (uint32_t id = saved_; id < size_; ++id) base::PutString(&raw, form(id));
  std::string body;
  PutCompressed(raw, kTextLevel, &body);
  std::string chunk;
  if (saved_bytes_ == 0) chunk = Magic();
  size_t head = chunk.size();
  base::PutFixed32(&chunk, static_cast<uint32_t>(body.size()));
  base::PutFixed32(&chunk, static_cast<uint32_t>(raw.size()));
  base::PutFixed32(&chunk, size_ - saved_);
  base::PutFixed64(&chunk, ChunkChecksum(std::string_view(chunk).substr(head), body));
  chunk += body;
  bool fresh = saved_bytes_ == 0;
  ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path_, O_WRONLY | O_CREAT));
  // What an earlier, failed call left behind goes.
  RETURN_IF_ERROR(base::Truncate(fd.get(), saved_bytes_, path_));
  RETURN_IF_ERROR(base::WriteFully(fd.get(), chunk).WithContext(path_));
  RETURN_IF_ERROR(base::SyncFile(fd.get(), path_));
  if (fresh) {
    RETURN_IF_ERROR(base::SyncDirectory(path_.substr(0, path_.rfind('/'))));
  }
  saved_bytes_ += chunk.size();
  saved_ = size_;
  return {};
}

}  // namespace rankscope::store
