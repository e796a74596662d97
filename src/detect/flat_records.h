#pragma once

#include <string>
#include <vector>

#include "model/record_view.h"

namespace rankscope::detect {

// The evidence that a detector sends along: a JSON array of flat objects in the JSON form of records, each a `metric`
// record; what an object does not say is the event's. At most five; none where the text is not such an array.
std::vector<model::Record> FlatRecords(const std::string& json, const model::RecordView& event);

}  // namespace rankscope::detect
