#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/record.h"

namespace rankscope::model {

// Appends the JSON form of the record (one flat object, no newline): timestamp, project, job_id, attempt,
// node_rank, rank, local_rank, host, stream, seq, step, level, msg, then the fields. Absent means not known.
// NaN and infinities are the strings "NaN", "Infinity", "-Infinity"; bytes that are not UTF-8 become U+FFFD.
void AppendJson(const Record& record, std::string* out);

// Appends a JSON string literal with its quotes.
void AppendJsonString(std::string_view text, std::string* out);

// Appends the number, or one of the strings above for those that JSON has not.
void AppendJsonNumber(double value, std::string* out);

// RFC 3339 in UTC with nanoseconds: 2026-11-24T10:20:30.123456789Z.
std::string FormatTime(base::TimeNs time);
void AppendTime(base::TimeNs time, std::string* out);
// The same straight into place, where kTimeBytes fit; its end.
constexpr size_t kTimeBytes = 30;
char* WriteTime(base::TimeNs time, char* at);

}  // namespace rankscope::model
