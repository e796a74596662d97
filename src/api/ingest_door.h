#pragma once

#include "api/http_server.h"
#include "ingest/ingest.h"

namespace rankscope::api {

// POST /api/v1/ingest/jsonline?job_id=&project=[&producer=&seq=]: records in their JSON form, one a line, of any
// number, with Content-Encoding gzip or zstd if so. docs/ingest.md says what is stored of a request that ends badly.
// Answers everything else with null. REQUIRES `ingest` outlives the server.
HttpServer::BodyHandler MakeIngestDoor(ingest::Ingest* ingest);

}  // namespace rankscope::api
