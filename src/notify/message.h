#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "notify/update.h"

namespace rankscope::notify {

// One incident in a message, in the state that is told.
struct Entry {
  std::shared_ptr<const Update> update;
  uint32_t round = 0;      // how often this state was told before
  bool seen = false;       // whether the channel was told of the incident before
  bool overflow = false;   // it is told, or was, as one of an overflow incident
  size_t transitions = 0;  // of a flapping one: how often it changed in the last half hour
};

// What one channel is told at once. Plain data: the same message has the same id and gives the same bytes.
struct Message {
  enum class Form : uint8_t {
    kGroup,     // the incidents of one group
    kDigest,    // of several, as there were too many messages
    kOverflow,  // for channels that want one each: the incidents of one project, as one
    kTest       // of `rankscope notify test`
  };
  std::string id;  // a UUID; receivers know a message that comes again by it
  std::string channel;
  Form form = Form::kGroup;
  std::string group_key;
  Labels group_labels;
  std::string reason;   // as Alertmanager says it
  std::string project;  // of an overflow
  base::TimeNs at = 0;
  std::vector<Entry> entries;  // open ones first, worst first
};

// Whether anything in the message is trouble that goes on, or a failure.
bool IsFiring(const Message& message);
Severity WorstOf(const Message& message);
// The id that the content gives.
std::string MessageId(const Message& message);

}  // namespace rankscope::notify
