#include "monitor/incident_news.h"

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kMostAtOnce = 500;

}  // namespace

IncidentNews::IncidentNews(catalog::Incidents* incidents, const std::vector<diagnose::IncidentListener*>& listeners,
                           std::function<void(const std::string&)> say)
    : incidents_(incidents), say_(std::move(say)) {
  for (diagnose::IncidentListener* listener : listeners) readers_.push_back({listener});
}

void IncidentNews::Expect() {
  for (Reader& reader : readers_) reader.expects = true;
}

void IncidentNews::Tell() {
  if (!known_) {
    std::vector<std::string> names;
    for (const Reader& reader : readers_) names.push_back(reader.listener->name());
    known_ = incidents_->SetListeners(names).ok();
  }
  int64_t now = base::MonotonicNow();
  for (Reader& reader : readers_) {
    if (!known_ || !reader.expects || now < reader.retry_at) continue;
    auto more = TellSome(reader.listener);
    reader.expects = !more.ok() || *more;
    if (!more.ok()) reader.retry_at = now + base::kNsPerSecond;
  }
}

base::Result<bool> IncidentNews::TellSome(diagnose::IncidentListener* listener) {
  ASSIGN_OR_RETURN(auto news, incidents_->NewsFor(listener->name(), kMostAtOnce));
  std::vector<diagnose::Incident> incidents;
  for (const auto& version : news.versions) {
    auto incident = diagnose::IncidentFromJson(version.json);
    if (!incident.ok()) {
      PassOver(version, incident.status());
      continue;
    }
    incidents.push_back(std::move(*incident));
  }
  if (!incidents.empty()) RETURN_IF_ERROR(listener->Take(incidents));
  RETURN_IF_ERROR(incidents_->NoteTold(listener->name(), news.upto));
  return news.versions.size() >= static_cast<size_t>(kMostAtOnce);
}

// It will not become readable: waiting for it would keep all that follows from everybody.
void IncidentNews::PassOver(const catalog::Incidents::News::Version& version, const base::Status& why) {
  if (!unreadable_.insert(version.name).second) return;
  say_("an incident's " + version.name + " cannot be read, and nobody is told of it (" +
       std::to_string(unreadable_.size()) + " so far): " + why.message());
}

}  // namespace rankscope::monitor
