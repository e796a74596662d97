#include "monitor/incident_news.h"

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kMostAtOnce = 500;

}  // namespace

IncidentNews::IncidentNews(catalog::Incidents* incidents, const std::vector<diagnose::IncidentListener*>& listeners)
    : incidents_(incidents) {
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
  for (const std::string& json : news.incidents) {
    ASSIGN_OR_RETURN(diagnose::Incident incident, diagnose::IncidentFromJson(json));
    incidents.push_back(std::move(incident));
  }
  if (!incidents.empty()) RETURN_IF_ERROR(listener->Take(incidents));
  RETURN_IF_ERROR(incidents_->NoteTold(listener->name(), news.upto));
  return incidents.size() >= static_cast<size_t>(kMostAtOnce);
}

}  // namespace rankscope::monitor
