#include "diagnose/slowness/link_counters.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "diagnose/reading/sample_records.h"

namespace rankscope::diagnose {
namespace {

using Json = nlohmann::json;

// What a network counts when it does not do well: InfiniBand, RoCE, Ethernet, switches.
bool IsOfTrouble(std::string_view name) {
  constexpr std::string_view kWords[] = {"err",     "discard", "drop",     "downed", "recover", "retr",
                                         "cnp",     "ecn",     "congest",  "pause",  "_wait",   "marked",
                                         "timeout", "rnr_nak", "sequence", "crc"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

struct Port {
  std::string device, port;
  bool of_switch = false;
  bool operator<(const Port& other) const {
    return std::tie(device, port, of_switch) < std::tie(other.device, other.port, other.of_switch);
  }
};

std::optional<Port> PortOf(const Json& object) {
  std::string port = LabelIn(object, "port");
  std::string fabric = LabelIn(object, "switch");
  if (!fabric.empty()) return port.empty() ? std::nullopt : std::optional(Port{fabric, port, true});
  std::string host = LabelIn(object, "host").empty() ? LabelIn(object, "node") : LabelIn(object, "host");
  std::string device = LabelIn(object, "device");
  if (host.empty() || (device.empty() && port.empty())) return std::nullopt;
  return Port{host, device.empty() ? port : port.empty() ? device : device + "/" + port, false};
}

// One counter of one port, read again and again.
struct Counted {
  std::optional<double> last;
  double rise = 0;
  size_t line = 0, readings = 0;
};

using Rises = std::map<std::string, std::map<Port, Counted>>;  // by counter

void Take(const Json& object, const Port& port, size_t line, Rises* rises) {
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number() || !IsOfTrouble(name)) continue;
    Counted& counter = (*rises)[name][port];
    double now = value.get<double>();
    bool is_rate = name.ends_with("_per_s");
    if (is_rate) {
      counter.rise += now;
    } else if (counter.last) {
      counter.rise += now >= *counter.last ? now - *counter.last : now;
    }
    counter.last = now;
    counter.line = line;
    ++counter.readings;
  }
}

// Beyond what the other ports count, and more than a few.
constexpr double kTimesOthers = 8;
constexpr double kFew = 50;

void FindHot(const std::string& counter, const std::map<Port, Counted>& ports, std::vector<HotLink>* hot) {
  std::vector<double> all;
  all.reserve(ports.size());
  for (const auto& [port, reading] : ports) all.push_back(reading.rise);
  // The lower median: of two nodes, or two switches, one half may be in trouble.
  auto middle = all.begin() + static_cast<std::ptrdiff_t>((all.size() - 1) / 2);
  std::nth_element(all.begin(), middle, all.end());
  const double usual = *middle;
  for (const auto& [port, reading] : ports) {
    if (reading.rise < kFew + kTimesOthers * usual) continue;
    hot->push_back({port.device, port.port, port.of_switch, counter, reading.rise, usual, reading.line});
  }
}

Rises FindRises(const Case& read) {
  Rises rises;
  auto take = [&](const Json& object, size_t line) {
    if (object.contains("gpu_uuid")) return;
    if (auto port = PortOf(object)) Take(object, *port, line, &rises);
  };
  EachSample(read, "port", take);
  EachSample(read, "device", [&](const Json& object, size_t line) {
    if (!object.contains("port")) take(object, line);
  });
  return rises;
}

}  // namespace

std::vector<HotLink> FindHotLinks(const Case& read) {
  const Rises rises = FindRises(read);
  std::vector<HotLink> hot;
  for (const auto& [counter, ports] : rises) FindHot(counter, ports, &hot);
  std::stable_sort(hot.begin(), hot.end(), [](const HotLink& a, const HotLink& b) {
    return a.rise / (a.others + 1) > b.rise / (b.others + 1);
  });
  return hot;
}

size_t CountPorts(const Case& read) {
  std::set<Port> ports;
  for (const auto& [counter, of] : FindRises(read)) {
    for (const auto& [port, counted] : of) {
      if (counted.readings > 1) ports.insert(port);
    }
  }
  return ports.size();
}

bool IsOf(const HotLink& link, const Element& element) {
  switch (element.kind) {
    case Element::Kind::kPort:
      return link.of_switch && element.name == link.device + "/" + link.port;
    case Element::Kind::kSwitch:
      return link.of_switch && element.name == link.device;
    case Element::Kind::kNode:
      return !link.of_switch && element.name == link.device;
    case Element::Kind::kRail:
    case Element::Kind::kRack:
      return false;
  }
  return false;
}

}  // namespace rankscope::diagnose
