#include "store/inspect.h"

#include <unistd.h>

#include <map>

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
    auto manifest = Manifest::Load(path);
    if (!manifest.ok()) {
      report_.damage.push_back(manifest.status().message() + ": which segments live is not known");
      return std::move(report_);
    }
    for (const std::string& name : manifest->segments) Look(name);
    for (auto& [job, stats] : jobs_) report_.jobs.push_back(std::move(stats));
    return std::move(report_);
  }

 private:
  void Look(const std::string& name) {
    std::string path = folder_ + "/" + name;
    auto opened = Segment::Open(path, &headers_);
    if (!opened.ok()) {
      report_.damage.push_back(opened.status().message());
      return;
    }
    const Segment& segment = **opened;
    JobStats& stats = jobs_[{segment.project(), segment.job()}];
    if (stats.segments == 0) LookAtTemplates(path.substr(0, path.rfind('/')), &stats);
    stats.project = segment.project();
    stats.job = segment.job();
    ++stats.segments;
    stats.records += segment.rows();
    stats.bytes += segment.file_bytes();
    stats.blocks += static_cast<uint32_t>(segment.blocks().size());
    if (segment.templates() > stats.templates) {
      report_.damage.push_back(path + " needs " + std::to_string(segment.templates()) + " templates of job " +
                               segment.job() + "; " + (unread_.empty() ? "their file is gone" : unread_));
    }
    for (size_t block = 0; every_byte_ && block < segment.blocks().size(); ++block) {
      if (auto bytes = segment.ReadBlock(block); !bytes.ok()) report_.damage.push_back(bytes.status().message());
    }
  }

  void LookAtTemplates(const std::string& folder, JobStats* stats) {
    auto dictionary = TemplateDictionary::Open(folder + "/templates");
    if (!dictionary.ok()) {
      report_.damage.push_back(dictionary.status().message());
      return;
    }
    stats->templates = (*dictionary)->size();
    unread_ = (*dictionary)->unread();
    if (access((folder + "/templates").c_str(), F_OK) == 0) stats->bytes += (*dictionary)->file_bytes();
  }

  const std::string folder_;
  const bool every_byte_;
  HeaderCache headers_;
  std::map<std::pair<std::string, std::string>, JobStats> jobs_;
  StoreReport report_;
  std::string unread_;  // of the last job's templates
};

}  // namespace

base::Result<StoreReport> InspectStore(const std::string& folder) { return Inspection(folder, false).Run(); }
base::Result<StoreReport> VerifyStore(const std::string& folder) { return Inspection(folder, true).Run(); }

}  // namespace rankscope::store
