#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "model/record_batch.h"
#include "parse/json_keys.h"
#include "parse/json_value.h"

namespace rankscope::parse {

// The record that the keys and values of one JSON object make: json_record.h says how. One thread.
class JsonRecordFiller {
 public:
  // `any`: records may be of other projects and jobs.
  JsonRecordFiller(std::string project, std::string job, bool any);

  // A new record.
  void Begin();
  // False: error() says why, or is ok where a number is none. The value's text lives until Add.
  bool Take(JsonKey key, std::string_view name, const JsonValue& value);
  // After the last key. False: error() says why.
  bool End();
  // `repeated`: a key came twice.
  base::Status Add(base::TimeNs arrival, uint64_t seq, bool repeated, model::RecordBatchBuilder* batch);
  const base::Status& error() const { return error_; }

 private:
  bool TakeText(JsonKey key, std::string_view name, std::string_view text);
  bool TakeField(std::string_view name, const JsonValue& value);
  bool TakeTime(std::string_view name, const JsonValue& value);
  template <typename T>
  bool TakeInteger(std::string_view name, std::string_view text, T* out);
  bool SetJob(std::string_view name, std::string_view text);
  bool SetTime(std::string_view name, model::FieldView* field);
  bool SetStream(std::string_view name, std::string_view text);
  bool NoTime(std::string_view name, std::string_view text);
  bool Wrong(std::string_view name, std::string_view text, const std::string& why);
  bool TakeAliases();
  bool TakeJobAlias();
  bool TakeTimeAlias();
  const model::FieldView* FindLast(std::string_view name) const;
  std::optional<model::FieldView> TakeOut(std::string_view name);
  void RemoveDuplicates();

  const std::string project_, job_;
  const bool any_;
  base::Status error_;
  model::Origin origin_;
  model::RecordView record_;
  std::string_view host_;
  std::string level_;
  bool has_time_ = false, has_text_ = false, has_job_ = false;
  bool has_time_alias_ = false, has_text_alias_ = false, has_job_alias_ = false;  // fields of such names
  std::vector<size_t> sorted_;
};

}  // namespace rankscope::parse
