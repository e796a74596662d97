#include "model/record_json.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace rankscope::model {
namespace {

// The length of the UTF-8 sequence at the start of `text`, or 0 when it is not one.
size_t SequenceLength(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  bool surrogate = lead == 0xed && byte(1) > 0x9f;
  bool beyond = lead == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

// Whether one of eight bytes does not stand for itself in JSON: a control, one from 0x7f on, a quote or a backslash.
bool AnySpecial(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101u, kHighs = kOnes << 7;
  auto zero_in = [](uint64_t bytes) { return (bytes - kOnes) & ~bytes; };  // high bits of bytes that are 0
  uint64_t control = (eight - kOnes * 0x20) & ~eight;
  uint64_t special =
      control | eight | zero_in(eight ^ kOnes * 0x7f) | zero_in(eight ^ kOnes * '"') | zero_in(eight ^ kOnes * '\\');
  return special & kHighs;
}

// How many bytes at the start stand for themselves.
size_t PlainLength(std::string_view text) {
  size_t length = 0;
  for (uint64_t eight; length + sizeof eight <= text.size(); length += sizeof eight) {
    std::memcpy(&eight, text.data() + length, sizeof eight);
    if (AnySpecial(eight)) break;
  }
  while (length < text.size() && text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' &&
         text[length] != '\\') {
    ++length;
  }
  return length;
}

void AppendControl(unsigned char byte, std::string* out) {
  switch (byte) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default: {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
      *out += escaped;
    }
  }
}

void AppendKey(std::string_view name, std::string* out) {
  if (out->back() != '{') out->push_back(',');
  AppendJsonString(name, out);
  out->push_back(':');
}

void AppendText(std::string_view name, std::string_view text, std::string* out) {
  if (text.empty()) return;
  AppendKey(name, out);
  AppendJsonString(text, out);
}

template <typename T>
void AppendInteger(std::string_view name, const std::optional<T>& value, std::string* out) {
  if (!value) return;
  AppendKey(name, out);
  *out += std::to_string(*value);
}

constexpr size_t kDateBytes = 10;

// As 2026-11-24, from days since 1970; until this thread asks again. Most that are asked for one after the other are
// of one day.
const char* DateOf(int64_t day) {
  thread_local int64_t last = INT64_MIN;
  thread_local char text[kDateBytes + 1];
  if (day == last) return text;
  last = day;
  std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  auto put = [](char* end, uint32_t value, int digits) {
    for (; digits > 0; --digits, value /= 10) *--end = static_cast<char>('0' + value % 10);
  };
  std::memcpy(text, "0000-00-00", kDateBytes);
  put(text + 4, static_cast<uint32_t>(static_cast<int>(date.year())), 4);
  put(text + 7, static_cast<unsigned>(date.month()), 2);
  put(text + kDateBytes, static_cast<unsigned>(date.day()), 2);
  return text;
}

struct FieldWriter {
  std::string* out;
  void operator()(double value) const { AppendJsonNumber(value, out); }
  void operator()(int64_t value) const { *out += std::to_string(value); }
  void operator()(const std::string& value) const { AppendJsonString(value, out); }
};

}  // namespace

std::string FormatTime(base::TimeNs time) {
  std::string text;
  AppendTime(time, &text);
  return text;
}

void AppendTime(base::TimeNs time, std::string* out) {
  char text[kTimeBytes];
  out->append(text, WriteTime(time, text));
}

char* WriteTime(base::TimeNs time, char* at) {
  constexpr int64_t kDaySeconds = 86400;
  int64_t seconds = time / base::kNsPerSecond, nanos = time % base::kNsPerSecond;
  if (nanos < 0) {
    nanos += base::kNsPerSecond;
    --seconds;
  }
  int64_t day = seconds / kDaySeconds, of_day = seconds % kDaySeconds;
  if (of_day < 0) {
    of_day += kDaySeconds;
    --day;
  }
  std::memcpy(at, "0000-00-00T00:00:00.000000000Z", kTimeBytes);
  auto put = [at](size_t place, uint32_t value) {
    at[place] = static_cast<char>('0' + value / 10);
    at[place + 1] = static_cast<char>('0' + value % 10);
  };
  std::memcpy(at, DateOf(day), kDateBytes);
  auto clock = static_cast<uint32_t>(of_day);
  put(11, clock / 3600);
  put(14, clock / 60 % 60);
  put(17, clock % 60);
  auto fraction = static_cast<uint32_t>(nanos);
  for (size_t end = kTimeBytes - 1; fraction > 0; fraction /= 10) at[--end] = static_cast<char>('0' + fraction % 10);
  return at + kTimeBytes;
}

void AppendJsonNumber(double value, std::string* out) {
  if (std::isnan(value)) {
    *out += "\"NaN\"";
  } else if (std::isinf(value)) {
    *out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else {
    char text[32];
    auto end = std::to_chars(text, text + sizeof text, value).ptr;
    out->append(text, end);
    if (value == 0 && std::signbit(value)) *out += ".0";  // "-0" would be read as the integer 0
  }
}

void AppendJsonString(std::string_view text, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    if (size_t plain = PlainLength(text); plain > 0) {
      out->append(text.substr(0, plain));
      text.remove_prefix(plain);
      continue;
    }
    auto byte = static_cast<unsigned char>(text.front());
    size_t length = SequenceLength(text);
    if (length == 0) {
      *out += "\xef\xbf\xbd";
      length = 1;
    } else if (byte < 0x20 || byte == 0x7f) {
      AppendControl(byte, out);
    } else {
      if (byte == '"' || byte == '\\') out->push_back('\\');
      out->append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  out->push_back('"');
}

void AppendJson(const Record& record, std::string* out) {
  const Origin& origin = record.origin;
  out->push_back('{');
  *out += "\"timestamp\":\"";
  AppendTime(record.time, out);
  out->push_back('"');
  AppendText("project", origin.project, out);
  AppendText("job_id", origin.job, out);
  AppendInteger("attempt", std::optional<int32_t>(origin.attempt), out);
  AppendInteger("node_rank", origin.node_rank, out);
  AppendInteger("rank", origin.rank, out);
  AppendInteger("local_rank", origin.local_rank, out);
  AppendText("host", origin.host, out);
  AppendText("stream", StreamName(record.stream), out);
  AppendInteger("seq", std::optional<uint64_t>(record.seq), out);
  AppendInteger("step", record.step, out);
  AppendText("level", record.level, out);
  if (!record.text.empty() || record.fields.empty()) {
    AppendKey("msg", out);
    AppendJsonString(record.text, out);
  }
  for (const auto& [name, value] : record.fields) {
    if (name == "step" && record.step) continue;
    AppendKey(name, out);
    std::visit(FieldWriter{out}, value);
  }
  out->push_back('}');
}

}  // namespace rankscope::model
