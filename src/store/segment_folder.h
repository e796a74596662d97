#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/manifest.h"
#include "store/segment.h"
#include "store/texts/template_dictionary.h"

namespace rankscope::store {

// A segment that the manifest names.
struct LiveSegment {
  std::string name;  // of its file, below the store's folder
  std::shared_ptr<const Segment> segment;
  std::shared_ptr<TemplateDictionary> templates;  // of its job

  const std::string& job() const { return segment->job(); }
};

// The files of a store: the manifest and, per job, segments and templates. What the manifest does not name does not
// count and is removed. One thread at a time; outlives the segments that it opened.
class SegmentFolder {
 public:
  // Opens what the manifest names; `damage` gets a sentence per file that cannot be read.
  static base::Result<std::unique_ptr<SegmentFolder>> Open(const std::string& path, const std::string& project,
                                                           std::vector<std::string>* damage);

  // Those that could be read when it was opened, in order of arrival; once.
  std::vector<LiveSegment> TakeOpened() { return std::move(opened_); }
  // Those that could not, by name, and why; once.
  std::map<std::string, base::Status> TakeUnreadable() { return std::move(unreadable_); }
  uint64_t journal_position() const { return manifest_.journal_position; }

  // The job's, empty where it has none; makes its folder.
  base::Result<std::shared_ptr<TemplateDictionary>> TemplatesOf(const std::string& job);
  // A new segment of what `fill` adds, durable, that nobody sees until it is published.
  base::Result<LiveSegment> Write(const std::string& job, const std::function<base::Status(SegmentWriter*)>& fill);
  // Removes what was written. REQUIRES it was never to be published.
  void Discard(const std::vector<LiveSegment>& written) const;

  // In one step that a crash does not divide: the segments named `gone` go, `added` come in the place of the first of
  // them (at the end where none goes), and everything before the journal position, if one is given, is in segments.
  // After an error it may have happened or not: the next Write or Publish makes sure that it has not.
  base::Status Publish(const std::vector<std::string>& gone, const std::vector<LiveSegment>& added,
                       std::optional<uint64_t> journal_position = {});
  // Names of the job's segments, the unreadable ones too.
  std::vector<std::string> NamesOf(const std::string& job) const;
  // Removes the job's templates. REQUIRES it has no segments.
  void ForgetTemplates(const std::string& job);

 private:
  SegmentFolder(std::string path, std::string project) : path_(std::move(path)), project_(std::move(project)) {}
  base::Status OpenSegment(const std::string& name, std::vector<std::string>* damage);
  void RemoveLeftovers() const;
  void RemoveFile(const std::string& name) const;

  const std::string path_, project_;
  HeaderCache headers_;
  Manifest manifest_;
  std::map<std::string, std::shared_ptr<TemplateDictionary>> templates_;  // by job
  std::map<std::string, base::Status> unreadable_;
  std::vector<std::string> doubtful_;  // a failed Publish may have named them
  std::vector<LiveSegment> opened_;
};

}  // namespace rankscope::store
