#include "store/inspect.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "store/manifest.h"
#include "store/segment.h"
#include "store/template_dictionary.h"

namespace rankscope::store {
namespace {

class Inspection {
 public:
  Inspection(std::string folder, bool every_byte) : folder_(std::move(folder)), every_byte_(every_byte) {}

  base::Result<StoreReport> Run() {
    std::string path = folder_ + "/MANIFEST";
    if (access(path.c_str(), F_OK) != 0) return base::Status::NotFound(folder_ + " holds no store");
    do {
      auto manifest = Manifest::Load(path);
      if (!manifest.ok()) {
        report_.damage.push_back(manifest.status().message() + ": which segments live is not known");
        return std::move(report_);
      }
      LookAll(manifest->segments);
      again_ = true;
    } while (has_gone_);
    for (auto& [name, job] : jobs_) report_.jobs.push_back(std::move(job.stats));
    return std::move(report_);
  }

 private:
  struct Job {
    JobStats stats;
    uint64_t template_bytes = 0;
    std::string unread;  // what of its templates cannot be read
  };

  // A server that goes on meanwhile merges segments: those that are not there, and no newer manifest names, are no
  // damage, and what it names instead is looked at.
  void LookAll(const std::vector<std::string>& names) {
    has_gone_ = false;
    for (const std::string& name : names) {
      auto [seen, added] = seen_.try_emplace(name);
      if (added) seen->second = Look(name);
      if (!added && !seen->second.ok()) report_.damage.push_back(std::exchange(seen->second, {}).message());
    }
  }

  // kNotFound: no such file.
  base::Status Look(const std::string& name) {
    std::string path = folder_ + "/" + name;
    auto opened = Segment::Open(path, &headers_);
    if (opened.status().code() == base::Code::kNotFound) {
      has_gone_ = true;
      return opened.status();
    }
    if (!opened.ok()) {
      report_.damage.push_back(opened.status().message());
      return {};
    }
    const Segment& segment = **opened;
    Job& job = jobs_[{segment.project(), segment.job()}];
    JobStats& stats = job.stats;
    if (stats.segments == 0 || (again_ && segment.templates() > stats.templates)) {
      LookAtTemplates(path.substr(0, path.rfind('/')), &job);
    }
    stats.project = segment.project();
    stats.job = segment.job();
    ++stats.segments;
    stats.records += segment.rows();
    stats.bytes += segment.file_bytes();
    stats.blocks += static_cast<uint32_t>(segment.blocks().size());
    if (segment.templates() > stats.templates) {
      report_.damage.push_back(path + " needs " + std::to_string(segment.templates()) + " templates of job " +
                               segment.job() + "; " + (job.unread.empty() ? "their file is gone" : job.unread));
    }
    for (size_t block = 0; every_byte_ && block < segment.blocks().size(); ++block) {
      if (auto bytes = segment.ReadBlock(block); !bytes.ok()) report_.damage.push_back(bytes.status().message());
    }
    return {};
  }

  // Again where a segment that came meanwhile has more.
  void LookAtTemplates(const std::string& folder, Job* job) {
    auto dictionary = TemplateDictionary::Open(folder + "/templates");
    if (!dictionary.ok()) {
      report_.damage.push_back(dictionary.status().message());
      return;
    }
    job->stats.templates = (*dictionary)->size();
    job->unread = (*dictionary)->unread();
    job->stats.bytes -= job->template_bytes;
    job->template_bytes = access((folder + "/templates").c_str(), F_OK) == 0 ? (*dictionary)->file_bytes() : 0;
    job->stats.bytes += job->template_bytes;
  }

  const std::string folder_;
  const bool every_byte_;
  HeaderCache headers_;
  std::map<std::string, base::Status> seen_;  // segments; not OK: not there, and not yet said
  bool has_gone_ = false, again_ = false;     // some in this look at all; it is not the first
  std::map<std::pair<std::string, std::string>, Job> jobs_;
  StoreReport report_;
};

}  // namespace

base::Result<StoreReport> InspectStore(const std::string& folder) { return Inspection(folder, false).Run(); }
base::Result<StoreReport> VerifyStore(const std::string& folder) { return Inspection(folder, true).Run(); }

}  // namespace rankscope::store
