#include "agent/ranks/ring_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/launch.h"
#include "agent/pidfd.h"
#include "embed/launcher_variables.h"
#include "embed/rankscope_embed.h"
#include "parse/line_record.h"
#include "parse/metric_names.h"

namespace rankscope::agent {
namespace {

template <typename T>
T Load(const T& field) {
  return __atomic_load_n(&field, __ATOMIC_ACQUIRE);
}

// A struct from the front of `bytes`, which it leaves behind; false: too short.
template <typename T>
bool Take(std::string_view* bytes, T* out) {
  if (bytes->size() < sizeof(T)) return false;
  std::memcpy(out, bytes->data(), sizeof(T));
  bytes->remove_prefix(sizeof(T));
  return true;
}

// Adds the value as a printed one would be; a statistic of it (`suffix`) under the canonical name only.
void AddStatistic(const std::string& name, double value, const char* suffix, model::Fields* fields) {
  model::Fields mapped;
  parse::AddMetric(name, value, &mapped);
  if (*suffix) mapped.resize(1);
  for (auto& [mapped_name, mapped_value] : mapped) {
    std::string full = mapped_name + suffix;
    if (!model::FindField(*fields, full)) fields->emplace_back(std::move(full), std::move(mapped_value));
  }
}

model::FieldValue ToFieldValue(const nlohmann::json& value) {
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  parse::RedactSecrets(&text);
  return text;
}

}  // namespace

base::Result<std::unique_ptr<RingReader>> RingReader::Open(const std::string& path) {
  ASSIGN_OR_RETURN(base::UniqueFd fd, base::OpenFile(path, O_RDWR));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return base::Status::FromErrno("cannot read " + path, errno);
  auto size = static_cast<size_t>(info.st_size);
  if (size < sizeof(rankscope_ring)) return base::Status::Corrupt(path + " is not a metric ring: too short");
  void* map = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (map == MAP_FAILED) return base::Status::FromErrno("cannot map " + path, errno);
  std::unique_ptr<RingReader> reader(new RingReader);
  reader->ring_ = static_cast<rankscope_ring*>(map);
  reader->bytes_ = size;
  if (Load(reader->ring_->magic) != RANKSCOPE_RING_MAGIC) {
    return base::Status::Corrupt(path + " is not a metric ring of this version");
  }
  reader->header_bytes_ = reader->ring_->header_bytes;
  reader->data_bytes_ = reader->ring_->data_bytes;
  bool power_of_two = reader->data_bytes_ != 0 && (reader->data_bytes_ & (reader->data_bytes_ - 1)) == 0;
  if (reader->header_bytes_ < sizeof(rankscope_ring) || !power_of_two ||
      uint64_t{reader->header_bytes_} + reader->data_bytes_ > size) {
    return base::Status::Corrupt(path + ": the sizes in its header are wrong");
  }
  reader->position_ = Load(reader->ring_->tail);
  reader->pid_ = static_cast<pid_t>(reader->ring_->pid);
  reader->process_ = OpenPidfd(reader->pid_);
  reader->ReadIdentity();
  return reader;
}

RingReader::~RingReader() {
  if (ring_) munmap(ring_, bytes_);
}

void RingReader::ReadIdentity() {
  size_t bytes = std::min<size_t>(ring_->environment_bytes, RANKSCOPE_ENVIRONMENT_BYTES);
  std::string block(ring_->environment, bytes);
  block.push_back('\0');
  std::map<std::string, std::string> variables;
  is_alone_ = true;
  for (size_t at = 0; at < bytes; at += std::strlen(&block[at]) + 1) {
    std::string variable = &block[at];
    size_t equals = std::min(variable.find('='), variable.size() - 1);
    is_alone_ = is_alone_ && variable.starts_with("RANKSCOPE_");
    variables.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  Environment environment = [&](const char* name) -> const char* {
    auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  const char* owner = environment(RANKSCOPE_WORKER_OF_VARIABLE);
  owner_ = owner ? static_cast<pid_t>(std::atoi(owner)) : pid_;
  const char* launcher = environment(RANKSCOPE_LAUNCHER_VARIABLE);
  is_alone_ = is_alone_ && !(launcher && std::atoi(launcher) == owner_);
  Identity identity = IdentityFrom(environment);
  const char* lone = environment(RANKSCOPE_LONE_RANK_VARIABLE);
  if (lone && std::atoi(lone) == owner_) identity.rank = identity.local_rank = 0;
  origin_.rank = identity.rank;
  origin_.local_rank = identity.local_rank;
  origin_.node_rank = identity.node_rank;
  origin_.attempt = identity.attempt;
}

void RingReader::Seek(uint64_t position, uint64_t last_window) {
  position_ = std::max(position_, position);
  last_window_ = last_window;
}

bool RingReader::writer_gone() const {
  if (Load(ring_->closed) != 0 || !process_.valid()) return true;
  pollfd ended{process_.get(), POLLIN, 0};
  return poll(&ended, 1, 0) == 1;
}

uint64_t RingReader::dropped() const { return Load(ring_->dropped); }

void RingReader::Release(uint64_t position) { __atomic_store_n(&ring_->tail, position, __ATOMIC_RELEASE); }

void RingReader::SetLogIntervalSteps(uint32_t steps) {
  __atomic_store_n(&ring_->log_interval_steps, steps, __ATOMIC_RELAXED);
}

void RingReader::Signal(int number) const {
  if (process_.valid()) SignalProcess(process_.get(), number);
}

base::Result<std::optional<model::Record>> RingReader::Next() {
  while (true) {
    uint64_t head = Load(ring_->head);
    if (position_ == head) return std::optional<model::Record>();
    uint64_t at = position_ & (data_bytes_ - 1);
    uint64_t available = std::min<uint64_t>(head - position_, data_bytes_ - at);
    std::string_view bytes(reinterpret_cast<const char*>(ring_) + header_bytes_ + at, available);
    std::string_view rest = bytes;
    rankscope_record_header header{};
    bool sound = head - position_ <= data_bytes_ && Take(&rest, &header) && header.length >= sizeof header &&
                 header.length % RANKSCOPE_RECORD_ALIGN == 0 && header.length <= available;
    position_ = sound ? position_ + header.length : head;
    std::optional<model::Record> record;
    if (sound) record = Decode(header.kind, bytes.substr(sizeof header, header.length - sizeof header));
    if (record) return record;
    if (sound && header.kind == RANKSCOPE_PADDING) continue;
    return base::Status::Corrupt("the metric ring of process " + std::to_string(ring_->pid) +
                                 " holds a malformed record");
  }
}

std::optional<model::Record> RingReader::Decode(uint32_t kind, std::string_view payload) {
  if (kind == RANKSCOPE_WINDOW) return DecodeWindow(payload);
  if (kind == RANKSCOPE_JSON) return DecodeJson(payload);
  return std::nullopt;
}

model::Record RingReader::NewRecord(model::Stream stream, int64_t time, int64_t step) const {
  model::Record record;
  record.origin = origin_;
  record.stream = stream;
  record.time = time;
  if (step != RANKSCOPE_NO_STEP) record.step = step;
  return record;
}

std::optional<model::Record> RingReader::DecodeWindow(std::string_view payload) {
  rankscope_window_record window{};
  if (!Take(&payload, &window)) return std::nullopt;
  model::Record record = NewRecord(model::Stream::kMetric, window.time_ns, window.step);
  for (uint32_t i = 0; i < window.fields; ++i) {
    rankscope_window_entry entry{};
    if (!Take(&payload, &entry) || entry.field >= RANKSCOPE_MAX_FIELDS) return std::nullopt;
    AddField(entry.field, entry.values, &record.fields);
  }
  if (window.steps > 1) record.fields.emplace_back("window_steps", static_cast<int64_t>(window.steps));
  last_window_ = window.window;
  return record;
}

void RingReader::AddField(uint32_t field, const rankscope_window_field& values, model::Fields* fields) const {
  const char* text = ring_->names[field];
  std::string name(text, strnlen(text, RANKSCOPE_NAME_BYTES));
  AddStatistic(name, values.last, "", fields);
  if (values.nonfinite > 0) AddStatistic(name, values.nonfinite, "_nonfinite", fields);
  if (values.count + values.nonfinite <= 1 || values.count == 0) return;
  AddStatistic(name, values.min, "_min", fields);
  AddStatistic(name, values.max, "_max", fields);
  AddStatistic(name, values.sum / values.count, "_mean", fields);
}

std::optional<model::Record> RingReader::DecodeJson(std::string_view payload) const {
  rankscope_json_record header{};
  if (!Take(&payload, &header)) return std::nullopt;
  if (uint64_t{header.stream_bytes} + header.json_bytes > payload.size()) return std::nullopt;
  auto stream = model::ParseStream(payload.substr(0, header.stream_bytes));
  auto json = nlohmann::json::parse(payload.substr(header.stream_bytes, header.json_bytes), nullptr, false);
  if (!stream || !json.is_object()) return std::nullopt;
  model::Record record = NewRecord(*stream, header.time_ns, header.step);
  for (const auto& [name, value] : json.items()) {
    if (value.is_null()) continue;
    model::FieldValue field = ToFieldValue(value);
    const auto* text = std::get_if<std::string>(&field);
    if (name == "msg" && text) {
      record.text = *text;
    } else if (name == "level" && text) {
      record.level = *text;
    } else {
      record.fields.emplace_back(name, std::move(field));
    }
  }
  return record;
}

std::optional<model::Record> RingReader::TakeOpenWindow() {
  if (ring_->window_steps == 0 || ring_->window <= last_window_) return std::nullopt;
  last_window_ = ring_->window;
  model::Record record = NewRecord(model::Stream::kMetric, ring_->window_time_ns, ring_->step);
  for (uint32_t i = 0; i < std::min<uint32_t>(Load(ring_->field_count), RANKSCOPE_MAX_FIELDS); ++i) {
    const rankscope_window_field& values = ring_->window_fields[i];
    if (values.count + values.nonfinite > 0) AddField(i, values, &record.fields);
  }
  if (ring_->window_steps > 1) record.fields.emplace_back("window_steps", static_cast<int64_t>(ring_->window_steps));
  if (record.fields.empty()) return std::nullopt;
  return record;
}

}  // namespace rankscope::agent
