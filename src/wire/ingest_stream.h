#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <string>
#include <utility>

#include "rankscope/v1/ingest.pb.h"
#include "wire/ingest_service.h"
#include "wire/job_streams.h"
#include "wire/read_budget.h"

// Inside this room only: the server's end of one agent's stream.
namespace rankscope::wire {

// What all streams of a server share. It outlives them.
struct StreamsShare {
  StreamsShare(FrameReceiver* to, std::string our_version) : receiver(to), version(std::move(our_version)) {}

  FrameReceiver* const receiver;
  const std::string version;
  std::atomic<int> open{0};
  JobStreams jobs;
  ReadBudget budget{IngestServer::kMaxUnacknowledgedTotal};
};

// Serves a stream that has just come. What is returned, for gRPC, owns itself.
grpc::ServerBidiReactor<v1::Envelope, v1::Envelope>* ServeStream(StreamsShare* share);

}  // namespace rankscope::wire
