#include "agent/samples/port_sampler.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/file.h"

namespace rankscope::agent {
namespace {

std::vector<std::string> NamesIn(const std::string& folder) {
  auto names = base::ListDirectory(folder);
  return names.ok() ? *std::move(names) : std::vector<std::string>();
}

// A counter's file holds one whole number; those that the hardware lacks say "N/A (no PMA)" or cannot be read.
std::optional<double> CounterIn(const std::string& path) {
  auto text = base::ReadWholeFile(path);
  if (!text.ok()) return std::nullopt;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  bool whole = end == text->data() + text->size() || *end == '\n';
  return error == std::errc() && whole ? std::optional(static_cast<double>(value)) : std::nullopt;
}

bool IsPort(const std::string& name) {
  constexpr std::string_view kVirtual[] = {"lo", "veth", "docker", "br-", "virbr", "cali", "tun", "tap", "dummy"};
  return std::none_of(std::begin(kVirtual), std::end(kVirtual),
                      [&](std::string_view prefix) { return name.starts_with(prefix); });
}

std::string Below(std::string folder, std::string_view name) {
  folder += '/';
  folder += name;
  return folder;
}

model::Record NewRecord(base::TimeNs now, const std::string& device) {
  model::Record record;
  record.stream = model::Stream::kHost;
  record.time = now;
  record.fields.emplace_back("device", device);
  return record;
}

bool HasCounters(const model::Record& record, size_t labels) { return record.fields.size() > labels; }

}  // namespace

std::vector<model::Record> PortSampler::Sample(base::TimeNs now) const {
  std::vector<model::Record> records;
  AddInfiniband(now, &records);
  AddEthernet(now, &records);
  return records;
}

void PortSampler::AddCounters(const std::string& folder, model::Record* record) const {
  for (const std::string& name : NamesIn(folder)) {
    if (auto value = CounterIn(Below(folder, name))) record->fields.emplace_back(name, *value);
  }
}

void PortSampler::AddInfiniband(base::TimeNs now, std::vector<model::Record>* records) const {
  const std::string devices = root_ + "/sys/class/infiniband";
  for (const std::string& device : NamesIn(devices)) {
    const std::string ports = Below(Below(devices, device), "ports");
    for (const std::string& port : NamesIn(ports)) {
      const std::string folder = Below(ports, port);
      model::Record record = NewRecord(now, device);
      auto layer = base::ReadWholeFile(folder + "/link_layer");
      bool roce = layer.ok() && layer->starts_with("Ethernet");
      record.fields.emplace_back("port", port);
      record.fields.emplace_back("link", std::string(roce ? "roce" : "infiniband"));
      const size_t labels = record.fields.size();
      AddCounters(folder + "/counters", &record);
      AddCounters(folder + "/hw_counters", &record);
      if (HasCounters(record, labels)) records->push_back(std::move(record));
    }
  }
}

void PortSampler::AddEthernet(base::TimeNs now, std::vector<model::Record>* records) const {
  const std::string devices = root_ + "/sys/class/net";
  for (const std::string& device : NamesIn(devices)) {
    if (!IsPort(device)) continue;
    model::Record record = NewRecord(now, device);
    record.fields.emplace_back("link", std::string("ethernet"));
    const size_t labels = record.fields.size();
    AddCounters(Below(Below(devices, device), "statistics"), &record);
    if (HasCounters(record, labels)) records->push_back(std::move(record));
  }
}

}  // namespace rankscope::agent
