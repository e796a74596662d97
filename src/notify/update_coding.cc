#include "base/coding.h"
#include "notify/update.h"

namespace rankscope::notify {
namespace {

constexpr uint8_t kVersion = 1;  // of the coding; a later one may add fields at the end

void PutNodes(std::string* out, const std::vector<int32_t>& nodes) {
  base::PutVarint(out, nodes.size());
  for (int32_t node : nodes) base::PutSigned(out, node);
}

void TakeNodes(base::ByteReader* reader, std::vector<int32_t>* nodes) {
  for (uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    nodes->push_back(static_cast<int32_t>(reader->Signed()));
  }
}

template <typename Enum>
Enum TakeEnum(base::ByteReader* reader, Enum last) {
  uint8_t byte = reader->Byte();
  if (byte > static_cast<uint8_t>(last)) reader->Fail();
  return static_cast<Enum>(byte);
}

// The texts of an update, in the order in which they are kept.
template <typename AnUpdate, typename Function>
void EachText(AnUpdate& update, Function take) {
  for (auto* text :
       {&update.incident, &update.subject, &update.project, &update.job, &update.incident_class, &update.ranks,
        &update.title, &update.evidence, &update.link, &update.superseded_by, &update.not_to}) {
    take(*text);
  }
}

void Put(std::string* out, const Acknowledgement& acknowledgement) {
  base::PutString(out, acknowledgement.by);
  base::PutString(out, acknowledgement.note);
  base::PutSigned(out, acknowledgement.until);
  out->push_back(static_cast<char>(acknowledgement.severity));
  base::PutSigned(out, acknowledgement.rank_count);
  PutNodes(out, acknowledgement.nodes);
}

Acknowledgement TakeAcknowledgement(base::ByteReader* reader) {
  Acknowledgement acknowledgement;
  acknowledgement.by = reader->String();
  acknowledgement.note = reader->String();
  acknowledgement.until = reader->Signed();
  acknowledgement.severity = TakeEnum(reader, Severity::kCritical);
  acknowledgement.rank_count = reader->Signed();
  TakeNodes(reader, &acknowledgement.nodes);
  return acknowledgement;
}

void PutLists(std::string* out, const Update& update) {
  base::PutVarint(out, update.labels.size());
  for (const auto& [name, value] : update.labels) {
    base::PutString(out, name);
    base::PutString(out, value);
  }
  base::PutVarint(out, update.text.size());
  for (const std::string& line : update.text) base::PutString(out, line);
  PutNodes(out, update.nodes);
}

void TakeLists(base::ByteReader* reader, Update* update) {
  for (uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) {
    std::string name(reader->String());
    update->labels[name] = reader->String();
  }
  for (uint64_t left = reader->Varint(); left > 0 && reader->ok(); --left) update->text.emplace_back(reader->String());
  TakeNodes(reader, &update->nodes);
}

}  // namespace

std::string Encode(const Update& update) {
  std::string out(1, static_cast<char>(kVersion));
  base::PutVarint(&out, update.version);
  out.push_back(static_cast<char>(update.kind));
  out.push_back(static_cast<char>(update.severity));
  EachText(update, [&](const std::string& text) { base::PutString(&out, text); });
  for (int64_t number : {update.rank_count, update.world_size, update.started, update.ended}) {
    base::PutSigned(&out, number);
  }
  PutLists(&out, update);
  uint8_t present = (update.step ? 1 : 0) | (update.probability ? 2 : 0) | (update.acknowledgement ? 4 : 0) |
                    (update.also_to.empty() ? 0 : 8);
  out.push_back(static_cast<char>(present));
  if (update.step) base::PutSigned(&out, *update.step);
  if (update.probability) base::PutDouble(&out, *update.probability);
  if (update.acknowledgement) Put(&out, *update.acknowledgement);
  if (!update.also_to.empty()) {
    base::PutVarint(&out, update.also_to.size());
    for (const std::string& channel : update.also_to) base::PutString(&out, channel);
  }
  return out;
}

base::Result<Update> Decode(std::string_view bytes) {
  base::ByteReader reader(bytes);
  if (reader.Byte() != kVersion) return base::Status::Corrupt("a kept update is of a version that is not known");
  Update update;
  update.version = reader.Varint();
  update.kind = TakeEnum(&reader, Kind::kStalled);
  update.severity = TakeEnum(&reader, Severity::kCritical);
  EachText(update, [&](std::string& text) { text = reader.String(); });
  for (int64_t* number : {&update.rank_count, &update.world_size, &update.started, &update.ended}) {
    *number = reader.Signed();
  }
  TakeLists(&reader, &update);
  uint8_t present = reader.Byte();
  if (present & 1) update.step = reader.Signed();
  if (present & 2) update.probability = reader.Double();
  if (present & 4) update.acknowledgement = TakeAcknowledgement(&reader);
  uint64_t channels = present & 8 ? reader.Varint() : 0;
  for (; channels > 0 && reader.ok(); --channels) update.also_to.emplace_back(reader.String());
  if (!reader.ok()) return base::Status::Corrupt("a kept update is damaged");
  return update;
}

}  // namespace rankscope::notify
