#pragma once

#include <memory>
#include <string>

#include "api/http_server.h"
#include "api/parameters.h"
#include "api/server_metrics.h"
#include "base/budget.h"
#include "query/log_source.h"
#include "query/query.h"
#include "query/series.h"

namespace rankscope::api {

// The routes that read records. All take query=, start=, end= (a half-open range of times), job_id= and timeout=; a
// query that names no project asks this one. Each answer is NDJSON, streamed; the client's leaving stops the work.
//
// An answer that met a limit ends with the line {"_partial":{"limit":"memory|time|rows","message":…}}; one that failed
// under way, or lacks what is damaged, with {"error":…}.
class QueryRoutes {
 public:
  QueryRoutes(query::LogSource* source, std::string project, base::Budget::Limits limits, ServerMetrics* metrics)
      : source_(source), project_(std::move(project)), limits_(limits), metrics_(metrics) {}

  // limit=N: the first N rows.
  void Query(const Request& request, const std::shared_ptr<Responder>& reply) const;
  // metric=, by=rank|node_rank|host|job, from_step=, to_step=, points=, x=step|time: a line a series, columns as
  // arrays.
  void Series(const Request& request, const std::shared_ptr<Responder>& reply) const;
  // limit=N: the N most frequent patterns.
  void Patterns(const Request& request, const std::shared_ptr<Responder>& reply) const;
  // sample=N: of the N newest records; a line a field.
  void Fields(const Request& request, const std::shared_ptr<Responder>& reply) const;

  // The request's query and terms of its other parameters.
  base::Result<query::Query> QueryOf(const Parameters& parameters) const;

 private:
  class Answering;
  base::Result<query::SeriesRequest> SeriesOf(const Parameters& parameters) const;
  // Streams the query's rows; not ok: nothing was answered.
  base::Status Answer(const Parameters& parameters, query::Query query, const std::shared_ptr<Responder>& reply) const;
  base::Result<query::Query> FilterOf(const Parameters& parameters, std::string_view route) const;
  base::Result<std::shared_ptr<base::Budget>> BudgetOf(const Parameters& parameters) const;

  query::LogSource* source_;
  const std::string project_;
  const base::Budget::Limits limits_;
  ServerMetrics* metrics_;
};

}  // namespace rankscope::api
