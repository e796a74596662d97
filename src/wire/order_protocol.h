#pragma once

#include "model/job_order.h"
#include "rankscope/v1/ingest.pb.h"
#include "wire/ingest_service.h"

// Inside this room only: commands, orders and their answers as protobuf messages.
namespace rankscope::wire {

void ToProto(const Command& from, v1::Command* to);
Command FromProto(const v1::Command& from);

void ToProto(const model::JobAnswer& from, v1::Answer* to);
model::JobAnswer FromProto(const v1::Answer& from);

}  // namespace rankscope::wire
