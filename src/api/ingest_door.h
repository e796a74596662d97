#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "access/gate.h"
#include "api/http_server.h"
#include "ingest/ingest.h"

namespace rankscope::api {

constexpr std::string_view kIngestPath = "/api/v1/ingest/jsonline";

// POST /api/v1/ingest/jsonline?[job_id=&]project=[&producer=&seq=]: records in their JSON form, one a line, of any
// number, with Content-Encoding gzip or zstd if so. docs/ingest.md says what is stored of a request that ends badly.
// Answers everything else with null. The token decides as everywhere whether and to which project records may come.
using IngestOfProject = std::function<base::Result<ingest::Ingest*>(const std::string& project)>;
HttpServer::BodyHandler MakeIngestDoor(access::Gate* gate, IngestOfProject ingest_of);

// How the names begin under which ingest knows the producers that send to the job through this door.
std::string ProducersOfJob(const std::string& job);

}  // namespace rankscope::api
