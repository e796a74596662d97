#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "model/record_json.h"
#include "random_case.h"

// The pipes of a random query, and what they make of rows of JSON.
namespace rankscope {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A JSON value as a number; the three that JSON has not are strings there.
bool AsNumber(const Json& json, long double* number) {
  if (json.is_number_integer()) return *number = static_cast<long double>(json.get<int64_t>()), true;
  if (json.is_number_float()) return *number = static_cast<long double>(json.get<double>()), true;
  if (json == "NaN") return *number = std::nan(""), true;
  if (json == "Infinity" || json == "-Infinity") return *number = json == "Infinity" ? kInfinity : -kInfinity, true;
  return false;
}

int Compare(const Json* a, const Json* b) {
  auto kind = [](const Json* json) {
    long double number = 0;
    return !json ? 0 : AsNumber(*json, &number) ? 1 : 2;
  };
  if (kind(a) != kind(b)) return kind(a) - kind(b);
  if (kind(a) == 0) return 0;
  if (kind(a) == 2) return a->get<std::string>().compare(b->get<std::string>());
  long double x = 0, y = 0;
  AsNumber(*a, &x);
  AsNumber(*b, &y);
  if (std::isnan(x) || std::isnan(y)) return static_cast<int>(std::isnan(x)) - static_cast<int>(std::isnan(y));
  return x < y ? -1 : x > y ? 1 : 0;
}

const Json* Member(const Json& row, const std::string& name) {
  auto found = row.find(name);
  return found == row.end() ? nullptr : &*found;
}

// Equal for values of one group.
std::string Identity(const Json* json) {
  long double number = 0;
  if (!json) return "-";
  if (!AsNumber(*json, &number)) return "t" + json->dump();
  if (std::isnan(number)) return "nan";
  char text[64];
  std::snprintf(text, sizeof text, "%.25Lg", number == 0 ? 0 : number);
  return text;
}

Json FromNumber(double value) {
  std::string text;
  model::AppendJsonNumber(value, &text);
  return Json::parse(text);
}

// The first of the values that is the number: integers stay exact.
const Json* Extreme(const std::vector<const Json*>& values, long double wanted) {
  return *std::find_if(values.begin(), values.end(), [&](const Json* value) {
    long double number = 0;
    return AsNumber(*value, &number) && number == wanted;
  });
}

// What one aggregate makes of the rows of a group; null: no value.
Json AggregateOf(const std::string& function, const std::string& field, const Rows& rows) {
  if (function == "count" && field.empty()) return rows.size();
  std::vector<const Json*> there;
  std::vector<long double> numbers;
  for (const Json& row : rows) {
    const Json* value = Member(row, field);
    if (!value) continue;
    there.push_back(value);
    if (long double number = 0; AsNumber(*value, &number)) numbers.push_back(number);
  }
  if (function == "count") return there.size();
  if (function == "count_distinct") {
    std::set<std::string> seen;
    for (const Json* value : there) seen.insert(Identity(value));
    return seen.size();
  }
  if (function == "nonfinite") {
    return std::count_if(numbers.begin(), numbers.end(), [](long double n) { return !std::isfinite(n); });
  }
  if (function == "first") return there.empty() ? Json() : *there.front();
  if (function == "last") return there.empty() ? Json() : *there.back();
  if (numbers.empty()) return {};
  if (function == "sum" || function == "avg") {
    long double sum = 0;
    for (long double number : numbers) sum += number;
    if (function == "avg") sum /= static_cast<long double>(numbers.size());
    // As a double: compared but for its last digits.
    return std::isfinite(sum) ? Json(static_cast<double>(sum)) : FromNumber(static_cast<double>(sum));
  }
  bool only_nan = std::all_of(numbers.begin(), numbers.end(), [](long double n) { return std::isnan(n); });
  if (only_nan) return function == "median" ? Json() : Json("NaN");
  std::erase_if(numbers, [](long double n) { return std::isnan(n); });
  std::sort(numbers.begin(), numbers.end());
  if (function != "median") return *Extreme(there, function == "min" ? numbers.front() : numbers.back());
  size_t middle = (numbers.size() - 1) / 2;
  double low = static_cast<double>(numbers[middle]);
  if (numbers.size() % 2 == 1 || numbers[middle] == numbers[middle + 1]) return FromNumber(low);
  return FromNumber(low + (static_cast<double>(numbers[middle + 1]) - low) / 2);
}

// Moves the row's time, if it has one, to the start of its bucket of so many seconds.
void FloorTime(size_t bucket, Json* row) {
  if (!row->contains("timestamp")) return;
  std::string text = row->at("timestamp");  // 2026-11-01T00:00:59.123456789Z
  size_t second = std::stoul(text.substr(17, 2)) / bucket * bucket;
  (*row)["timestamp"] = text.substr(0, 17) + (second < 10 ? "0" : "") + std::to_string(second) + ".000000000Z";
}

constexpr int64_t kStepsOfABucket = 100;

// The same of its step.
void FloorStep(Json* row) {
  if (row->contains("step")) (*row)["step"] = row->at("step").get<int64_t>() / kStepsOfABucket * kStepsOfABucket;
}

std::string GroupText(const std::string& name, size_t seconds) {
  if (name == "timestamp") return "_time:" + std::to_string(seconds) + "s";
  return name == "step" ? "step:" + std::to_string(kStepsOfABucket) : name;
}

}  // namespace

void RandomCase::AddPipes(RandomQuery* query) {
  for (size_t pipes = Below(3); pipes > 0; --pipes) {
    switch (Below(5)) {
      case 0:
        AddLimit(query);
        break;
      case 1:
        AddSort(query);
        break;
      case 2:
        AddFirst(query);
        break;
      case 3:
        AddFields(query);
        break;
      default:
        return AddStats(query);
    }
  }
}

void RandomCase::AddLimit(RandomQuery* query) {
  size_t limit = Below(12);
  query->text += " | limit " + std::to_string(limit);
  query->pipes.emplace_back([=](Rows rows) {
    if (rows.size() > limit) rows.resize(limit);
    return rows;
  });
}

void RandomCase::AddSort(RandomQuery* query) {
  std::string name = Pick(std::vector<std::string>{"rank", "loss", "x", "name", "host", "step"});
  bool down = Chance(50);
  query->text += " | sort " + name + (down ? " desc" : "");
  query->pipes.emplace_back([=](Rows rows) {
    std::stable_sort(rows.begin(), rows.end(), [&](const Json& a, const Json& b) {
      int order = Compare(Member(a, name), Member(b, name));
      return down ? order > 0 : order < 0;
    });
    return rows;
  });
}

void RandomCase::AddFirst(RandomQuery* query) {
  std::string name = Pick(std::vector<std::string>{"rank", "loss", "x", "job_id"});
  size_t count = 1 + Below(2);
  query->text += " | first " + std::to_string(count) + " by (" + name + ")";
  query->pipes.emplace_back([=](const Rows& rows) {
    std::map<std::string, size_t> seen;
    Rows first;
    for (const Json& row : rows) {
      if (seen[Identity(Member(row, name))]++ < count) first.push_back(row);
    }
    return first;
  });
}

void RandomCase::AddFields(RandomQuery* query) {
  std::vector<std::string> names = {"rank", Pick(kFieldNames), "msg", "job_id"};
  query->text += " | fields rank, " + names[1] + ", msg, job_id";
  query->pipes.emplace_back([=](const Rows& rows) {
    Rows chosen;
    for (const Json& row : rows) {
      Json out = Json::object();
      for (const std::string& name : names) {
        if (const Json* value = Member(row, name)) out[name] = *value;
      }
      chosen.push_back(std::move(out));
    }
    return chosen;
  });
}

void RandomCase::AddStats(RandomQuery* query) {
  static const std::vector<std::string> kFunctions = {"count", "count_distinct", "sum",   "avg",  "min",
                                                      "max",   "median",         "first", "last", "nonfinite"};
  struct Wanted {
    std::string function, field, column;
  };
  std::vector<Wanted> wanted = {{"count", "", "n"}};
  std::string text = "count() as n";
  for (size_t i = Below(4); i > 0; --i) {
    Wanted next{Pick(kFunctions), Pick(kFieldNames), "c" + std::to_string(i)};
    text += next.function == "median" ? ", quantile(0.5, " : ", " + next.function + "(";
    text += next.field + ") as " + next.column;
    wanted.push_back(next);
  }
  std::vector<std::string> groups;
  for (const char* name : {"rank", "loss", "job_id", "stream"}) {
    if (Chance(30)) groups.emplace_back(name);
  }
  bool by_step = Chance(30);
  if (by_step) groups.emplace_back("step");
  // Seconds, of which there are whole buckets in a minute.
  size_t bucket = Chance(50) ? 60 : 20;
  if (Chance(40)) groups.emplace_back("timestamp");
  std::string by;
  for (const std::string& name : groups) by += (by.empty() ? "" : ", ") + GroupText(name, bucket);
  query->text += " | stats " + text + (by.empty() ? "" : " by (" + by + ")");
  query->pipes.emplace_back([=](Rows rows) {
    if (!groups.empty() && groups.back() == "timestamp") {
      for (Json& row : rows) FloorTime(bucket, &row);
    }
    if (by_step) std::for_each(rows.begin(), rows.end(), [](Json& row) { FloorStep(&row); });
    std::map<std::string, Rows> members;
    if (groups.empty()) members[""] = {};
    for (const Json& row : rows) {
      std::string identity;
      for (const std::string& name : groups) identity += Identity(Member(row, name)) + "|";
      members[identity].push_back(row);
    }
    Rows table;
    for (const auto& [identity, group] : members) {
      Json out = Json::object();
      for (const std::string& name : groups) {
        if (const Json* value = Member(group.front(), name)) out[name] = *value;
      }
      for (const Wanted& one : wanted) {
        Json value = AggregateOf(one.function, one.field, group);
        if (!value.is_null()) out[one.column] = value;
      }
      table.push_back(std::move(out));
    }
    std::stable_sort(table.begin(), table.end(), [&](const Json& a, const Json& b) {
      for (const std::string& name : groups) {
        if (int order = Compare(Member(a, name), Member(b, name)); order != 0) return order < 0;
      }
      return false;
    });
    return table;
  });
}

}  // namespace rankscope
