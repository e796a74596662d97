#include "store/segment_folder.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "store/job_folder.h"

namespace rankscope::store {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

base::Result<std::unique_ptr<SegmentFolder>> SegmentFolder::Open(const std::string& path, const std::string& project,
                                                                 std::vector<std::string>* damage) {
  std::unique_ptr<SegmentFolder> folder(new SegmentFolder(path, project));
  RETURN_IF_ERROR(base::MakeDirectories(path));
  ASSIGN_OR_RETURN(folder->manifest_, Manifest::Load(path + "/MANIFEST"));
  for (const std::string& name : folder->manifest_.segments) RETURN_IF_ERROR(folder->OpenSegment(name, damage));
  folder->RemoveLeftovers();
  return folder;
}

base::Status SegmentFolder::OpenSegment(const std::string& name, std::vector<std::string>* damage) {
  auto segment = Segment::Open(path_ + "/" + name, &headers_);
  if (segment.ok() && (*segment)->project() != project_) {
    segment = base::Status::Corrupt(path_ + "/" + name + ": of project " + (*segment)->project() +
                                    ", in the store of project " + project_);
  }
  if (!segment.ok()) {
    damage->push_back(segment.status().message());
    unreadable_[name] = segment.status();
    return {};
  }
  ASSIGN_OR_RETURN(auto templates, TemplatesOf((*segment)->job()));
  if (templates->size() < (*segment)->templates()) {
    damage->push_back(
        name + " lacks templates: " + (templates->unread().empty() ? "their file is gone" : templates->unread()));
  }
  opened_.push_back({name, *std::move(segment), std::move(templates)});
  return {};
}

base::Result<std::shared_ptr<TemplateDictionary>> SegmentFolder::TemplatesOf(const std::string& job) {
  auto& templates = templates_[job];
  if (templates) return templates;
  std::string folder = path_ + "/" + FolderOfJob(job);
  RETURN_IF_ERROR(base::MakeDirectories(folder));
  ASSIGN_OR_RETURN(templates, TemplateDictionary::Open(folder + "/templates"));
  return templates;
}

base::Result<LiveSegment> SegmentFolder::Write(const std::string& job,
                                               const std::function<base::Status(SegmentWriter*)>& fill) {
  if (!doubtful_.empty()) RETURN_IF_ERROR(Publish({}, {}));
  ASSIGN_OR_RETURN(auto templates, TemplatesOf(job));
  std::string name = FolderOfJob(job) + "/" + std::to_string(manifest_.next_segment++) + ".segment";
  std::string path = path_ + "/" + name;
  auto write = [&]() -> base::Result<std::shared_ptr<const Segment>> {
    ASSIGN_OR_RETURN(auto writer, SegmentWriter::Create(path, project_, job));
    RETURN_IF_ERROR(fill(writer.get()));
    RETURN_IF_ERROR(templates->Save());
    RETURN_IF_ERROR(writer->Finish(templates->size()));
    return Segment::Open(path, &headers_);
  };
  auto segment = write();
  if (!segment.ok()) {
    RemoveFile(name);  // a disk that is full has no room for attempts
    return segment.status();
  }
  return LiveSegment{name, *std::move(segment), std::move(templates)};
}

base::Status SegmentFolder::Publish(const std::vector<std::string>& gone, const std::vector<LiveSegment>& added,
                                    std::optional<uint64_t> journal_position) {
  Manifest next = manifest_;
  if (journal_position) next.journal_position = *journal_position;
  auto goes = [&](const std::string& name) { return Contains(gone, name); };
  auto at = std::find_if(next.segments.begin(), next.segments.end(), goes);
  for (const LiveSegment& live : added) at = next.segments.insert(at, live.name) + 1;
  std::erase_if(next.segments, goes);
  if (auto status = next.Save(path_ + "/MANIFEST"); !status.ok()) {
    for (const LiveSegment& live : added) doubtful_.push_back(live.name);
    return status;
  }
  manifest_ = std::move(next);
  // Readers have the files open; one that stays behind is removed at the next start.
  for (const std::string& name : gone) RemoveFile(name);
  for (const std::string& name : std::exchange(doubtful_, {})) RemoveFile(name);
  return {};
}

void SegmentFolder::Discard(const std::vector<LiveSegment>& written) const {
  for (const LiveSegment& live : written) RemoveFile(live.name);
}

std::vector<std::string> SegmentFolder::NamesOf(const std::string& job) const {
  std::vector<std::string> names;
  std::string folder = FolderOfJob(job) + "/";
  for (const std::string& name : manifest_.segments) {
    if (name.starts_with(folder)) names.push_back(name);
  }
  return names;
}

void SegmentFolder::ForgetTemplates(const std::string& job) {
  templates_.erase(job);
  RemoveFile(FolderOfJob(job) + "/templates");
  rmdir((path_ + "/" + FolderOfJob(job)).c_str());
}

void SegmentFolder::RemoveFile(const std::string& name) const { unlink((path_ + "/" + name).c_str()); }

// Files that no manifest names: the server was killed between a segment and its manifest, or between a manifest and
// the removal of what it no longer names.
void SegmentFolder::RemoveLeftovers() const {
  std::set<std::string> files(manifest_.segments.begin(), manifest_.segments.end()), folders;
  for (const std::string& name : files) folders.insert(name.substr(0, name.rfind('/')));
  std::error_code error;
  std::filesystem::recursive_directory_iterator entries(path_, error), end;
  std::vector<std::filesystem::path> gone;
  for (; !error && entries != end; entries.increment(error)) {
    std::string name = entries->path().lexically_relative(path_).string();
    bool segment = entries->path().extension() == ".segment" && !files.contains(name);
    bool templates = entries->path().filename() == "templates" &&
                     !folders.contains(entries->path().parent_path().lexically_relative(path_).string());
    if (segment || templates) gone.push_back(entries->path());
  }
  for (const auto& path : gone) {
    std::filesystem::remove(path, error);
    std::filesystem::remove(path.parent_path(), error);  // if nothing is left in it
  }
}

}  // namespace rankscope::store
