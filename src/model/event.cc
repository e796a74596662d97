#include "model/event.h"

#include <utility>

namespace rankscope::model {

Record MakeEvent(std::string_view name, base::TimeNs time, std::string text) {
  Record event;
  event.stream = Stream::kEvent;
  event.time = time;
  event.text = std::move(text);
  event.fields.emplace_back("event", std::string(name));
  return event;
}

}  // namespace rankscope::model
