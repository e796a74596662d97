#pragma once

#include <string>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/slowness/topology.h"

namespace rankscope::diagnose {

// A port whose counter of errors, discards or congestion rose as those of the others did not.
struct HotLink {
  std::string device;  // the switch or the host
  std::string port;    // of the switch, or of the host "mlx5_0/1", "eth0"
  bool of_switch = false;
  std::string counter;  // "symbol_errors"
  double rise = 0;      // of it, over the case
  double others = 0;    // the median rise of the same counter of the other ports
  size_t line = 0;      // where it was last read
};

// From records that carry counters with labels: `switch` and `port` of a switch, `host` or `node` and `device`, and
// perhaps `port`, of a node. Counters count up; a restart at 0 is no fall. The hottest first.
std::vector<HotLink> FindHotLinks(const Case& read);

// How many ports tell such counters more than once: of fewer nobody knows whether they rose.
size_t CountPorts(const Case& read);

// Whether the link is a part of the element, by name.
bool IsOf(const HotLink& link, const Element& element);

}  // namespace rankscope::diagnose
