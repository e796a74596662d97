#include "store/inspect.h"

#include <unistd.h>

#include <map>
#include <utility>
#include <vector>

#include "store/manifest.h"
#include "store/segment.h"
#include "store/texts/template_dictionary.h"

namespace rankscope::store {
namespace {

class Inspection {
 public:
  Inspection(std::string folder, bool every_byte) : folder_(std::move(folder)), every_byte_(every_byte) {}

  base::Result<StoreReport> Run() {
    std::string path = folder_ + "/MANIFEST";
    if (access(path.c_str(), F_OK) != 0) return base::Status::NotFound(folder_ + " holds no store");
    do {
      report_ = {};
      has_gone_ = false;
      auto manifest = Manifest::Load(path);
      if (!manifest.ok()) {
        report_.damage.push_back(manifest.status().message() + ": which segments live is not known");
        break;
      }
      Report(manifest->segments);
    } while (has_gone_);
    return std::move(report_);
  }

 private:
  struct Seen {
    std::string path;
    JobStats part;                    // of its job's; the templates are those that it needs
    base::Status gone;                // not OK: no such file
    std::vector<std::string> damage;  // of its own
    bool missed = false;              // it, or templates that it needs, were not there
  };

  // A server that goes on meanwhile merges and removes segments: only those that the last manifest names count.
  void Report(const std::vector<std::string>& names) {
    std::map<std::pair<std::string, std::string>, std::vector<Seen*>> jobs;
    for (const std::string& name : names) {
      auto [at, added] = seen_.try_emplace(name);
      Seen& seen = at->second;
      if (added) Look(folder_ + "/" + name, &seen);
      if (!seen.gone.ok()) Miss(seen.gone.message(), &seen);
      report_.damage.insert(report_.damage.end(), seen.damage.begin(), seen.damage.end());
      if (seen.part.segments > 0) jobs[{seen.part.project, seen.part.job}].push_back(&seen);
    }
    for (const auto& [job, segments] : jobs) AddJob(segments);
  }

  // No damage unless a manifest names the segment that was read after it, or its templates, were found missing.
  void Miss(const std::string& what, Seen* seen) {
    if (std::exchange(seen->missed, true)) {
      report_.damage.push_back(what);
    } else {
      has_gone_ = true;
    }
  }

  void Look(const std::string& path, Seen* seen) {
    seen->path = path;
    auto opened = Segment::Open(path, &headers_);
    if (opened.status().code() == base::Code::kNotFound) {
      seen->gone = opened.status();
      return;
    }
    if (!opened.ok()) {
      seen->damage.push_back(opened.status().message());
      return;
    }
    const Segment& segment = **opened;
    seen->part = {.project = segment.project(),
                  .job = segment.job(),
                  .records = segment.rows(),
                  .bytes = segment.file_bytes(),
                  .segments = 1,
                  .blocks = static_cast<uint32_t>(segment.blocks().size()),
                  .templates = segment.templates()};
    for (size_t block = 0; every_byte_ && block < segment.blocks().size(); ++block) {
      if (auto bytes = segment.ReadBlock(block); !bytes.ok()) seen->damage.push_back(bytes.status().message());
    }
  }

  void AddJob(const std::vector<Seen*>& segments) {
    JobStats sum{.project = segments[0]->part.project, .job = segments[0]->part.job};
    for (const Seen* seen : segments) {
      sum.records += seen->part.records;
      sum.bytes += seen->part.bytes;
      sum.segments += seen->part.segments;
      sum.blocks += seen->part.blocks;
    }
    AddTemplates(segments, &sum);
    report_.jobs.push_back(std::move(sum));
  }

  // After the segments, which need no more templates than there are by then.
  void AddTemplates(const std::vector<Seen*>& segments, JobStats* sum) {
    const std::string path = segments[0]->path.substr(0, segments[0]->path.rfind('/')) + "/templates";
    auto dictionary = TemplateDictionary::Open(path);
    if (!dictionary.ok()) {
      report_.damage.push_back(dictionary.status().message());
      return;
    }
    sum->templates = (*dictionary)->size();
    if (access(path.c_str(), F_OK) == 0) sum->bytes += (*dictionary)->file_bytes();
    const std::string& unread = (*dictionary)->unread();
    for (Seen* seen : segments) {
      if (seen->part.templates <= sum->templates) continue;
      Miss(seen->path + " needs " + std::to_string(seen->part.templates) + " templates of job " + sum->job + "; " +
               (unread.empty() ? "their file is gone" : unread),
           seen);
    }
  }

  const std::string folder_;
  const bool every_byte_;
  HeaderCache headers_;
  std::map<std::string, Seen> seen_;  // segments by name
  bool has_gone_ = false;             // something in this look, for the first time
  StoreReport report_;
};

}  // namespace

base::Result<StoreReport> InspectStore(const std::string& folder) { return Inspection(folder, false).Run(); }
base::Result<StoreReport> VerifyStore(const std::string& folder) { return Inspection(folder, true).Run(); }

}  // namespace rankscope::store
