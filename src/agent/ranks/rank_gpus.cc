#include "agent/ranks/rank_gpus.h"

#include <algorithm>
#include <sstream>

#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr size_t kUuidBytes = 40;  // "GPU-" and 36 more; a MIG UUID likewise

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> entries;
  std::istringstream in(list);
  for (std::string entry; std::getline(in, entry, ',');) entries.push_back(entry);
  return entries;
}

bool IsIndex(const std::string& entry) {
  return !entry.empty() && entry.size() < 6 && entry.find_first_not_of("0123456789") == std::string::npos;
}

// One entry of CUDA_VISIBLE_DEVICES.
std::string Resolve(const std::string& entry, const std::vector<std::string>& uuids) {
  if (IsIndex(entry)) {
    size_t index = std::stoul(entry);
    return index < uuids.size() ? uuids[index] : "";
  }
  if (entry.size() >= kUuidBytes || entry.starts_with("MIG-")) return entry;
  auto match =
      std::find_if(uuids.begin(), uuids.end(), [&](const std::string& uuid) { return uuid.starts_with(entry); });
  return !entry.empty() && match != uuids.end() ? *match : "";
}

model::Record GpuEvent(const model::Record& start, const std::string& uuid) {
  model::Record event = model::MakeEvent("rank_gpu", start.time,
                                         "rank " + std::to_string(start.origin.rank.value_or(-1)) + " has " + uuid);
  event.origin = start.origin;
  event.level = "info";
  event.fields.emplace_back("gpu_uuid", uuid);
  return event;
}

bool IsRankStart(const model::Record& record) {
  const auto* event = model::FindField(record.fields, "event");
  return record.origin.rank && event && *event == model::FieldValue(std::string("rank_start"));
}

std::optional<std::string> VisibleTo(const model::Record& start) {
  const auto* field = model::FindField(start.fields, "gpu");
  const auto* text = field ? std::get_if<std::string>(field) : nullptr;
  return text ? std::optional(*text) : std::nullopt;
}

}  // namespace

std::string GpuOf(const std::optional<std::string>& visible, int32_t local_rank,
                  const std::vector<std::string>& uuids) {
  auto at = static_cast<size_t>(std::max(local_rank, 0));
  if (!visible) return at < uuids.size() ? uuids[at] : "";
  std::vector<std::string> entries = Split(*visible);
  if (entries.size() == 1) at = 0;  // the launcher gave each rank its own
  return at < entries.size() ? Resolve(entries[at], uuids) : "";
}

void RankGpus::Complete(const std::vector<std::string>& uuids, std::vector<model::Record>* records) {
  for (const model::Record& record : *records) {
    if (IsRankStart(record)) starts_.push_back(record);
  }
  std::erase_if(starts_, [&](const model::Record& start) {
    std::string uuid = GpuOf(VisibleTo(start), start.origin.local_rank.value_or(0), uuids);
    if (!uuid.empty()) records->push_back(GpuEvent(start, uuid));
    return !uuid.empty() || !uuids.empty();
  });
}

}  // namespace rankscope::agent
