#include "monitor/people.h"

#include <algorithm>
#include <vector>

#include "monitor/incident_update.h"

namespace rankscope::monitor {
namespace {

constexpr std::string_view kIncident = "i-";  // as ids of incidents begin: other updates have one of their own

// Of an incident that the catalog does not have any more.
notify::Update Forgotten(const notify::Update& told, base::TimeNs now) {
  notify::Update end = told;
  ++end.version;
  end.kind = notify::Kind::kResolved;
  end.ended = now;
  end.text.emplace_back("The job was deleted");
  end.link.clear();
  end.acknowledgement.reset();
  return end;
}

base::Status NotOpen() { return base::Status::Unavailable("nobody can be told now: the delivery log is not open"); }

}  // namespace

base::Status People::Take(std::span<const diagnose::Incident> incidents) {
  auto notifier = notifier_->Get();
  if (!notifier) return NotOpen();
  std::vector<notify::Update> updates;
  updates.reserve(incidents.size());
  for (const diagnose::Incident& incident : incidents) {
    if (is_past_(incident.job)) continue;
    updates.push_back(UpdateOf(incident, notifier.config()->external_url));
  }
  return notifier->Take(updates);
}

base::Status People::CloseEnded(base::TimeNs now) {
  if (closed_) return {};
  auto notifier = notifier_->Get();
  if (!notifier) return NotOpen();
  std::vector<notify::Update> ends;
  for (const auto& told : notifier->Open(project_)) {
    if (!told->incident.starts_with(kIncident)) continue;
    ASSIGN_OR_RETURN(auto end, EndOf(*told, notifier.config()->external_url, now));
    if (end) ends.push_back(*std::move(end));
  }
  if (!ends.empty()) RETURN_IF_ERROR(notifier->Take(ends));
  closed_ = true;
  return {};
}

// Nothing: it goes on.
base::Result<std::optional<notify::Update>> People::EndOf(const notify::Update& told, const std::string& external_url,
                                                          base::TimeNs now) const {
  auto row = incidents_->Get(told.incident);
  if (row.status().code() == base::Code::kNotFound) return std::optional(Forgotten(told, now));
  RETURN_IF_ERROR(row.status());
  ASSIGN_OR_RETURN(auto incident, diagnose::IncidentFromJson(row->json));
  if (incident.open()) return std::optional<notify::Update>();
  notify::Update end = UpdateOf(incident, external_url);
  end.version = std::max(end.version, told.version + 1);
  return std::optional(std::move(end));
}

}  // namespace rankscope::monitor
