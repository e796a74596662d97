#pragma once

#include <utility>

#include "base/coding.h"
#include "rankscope/v1/ingest.pb.h"
#include "wire/frame.h"
#include "wire/ingest_service.h"

// Inside this room only: protobuf messages to and from the plain structs.
namespace rankscope::wire {

constexpr uint32_t kProtocolVersion = 1;

inline Hello FromProto(const v1::Hello& from) {
  Hello to;
  to.producer = from.producer();
  to.epoch = from.epoch();
  to.project = from.project();
  to.job = from.job();
  to.token = from.token();
  to.host = from.host();
  to.version = from.version();
  to.first_seq = from.first_seq();
  to.next_seq = from.next_seq();
  to.acked_seq = from.acked_seq();
  return to;
}

inline void ToProto(const Hello& from, v1::Hello* to) {
  to->set_protocol(kProtocolVersion);
  to->set_producer(from.producer);
  to->set_epoch(from.epoch);
  to->set_project(from.project);
  to->set_job(from.job);
  to->set_token(from.token);
  to->set_host(from.host);
  to->set_version(from.version);
  to->set_first_seq(from.first_seq);
  to->set_next_seq(from.next_seq);
  to->set_acked_seq(from.acked_seq);
}

// Takes the payload out of `from`.
inline Frame FromProto(v1::Frame* from) {
  Frame to;
  to.first_seq = from->first_seq();
  to.count = from->count();
  to.raw_bytes = from->raw_bytes();
  to.checksum = from->checksum();
  to.clock_offset_ns = from->clock_offset_ns();
  to.payload = std::move(*from->mutable_payload());
  return to;
}

inline void ToProto(const Frame& from, v1::Frame* to) {
  to->set_first_seq(from.first_seq);
  to->set_count(from.count);
  to->set_raw_bytes(from.raw_bytes);
  to->set_checksum(from.checksum);
  to->set_clock_offset_ns(from.clock_offset_ns);
  to->set_payload(from.payload);
}

template <typename Message>
v1::Envelope Seal(const Message& message) {
  v1::Envelope envelope;
  message.SerializeToString(envelope.mutable_message());
  envelope.set_checksum(base::Checksum(envelope.message()));
  return envelope;
}

// False when a bit was flipped on the way.
template <typename Message>
bool Unseal(const v1::Envelope& envelope, Message* message) {
  return base::Checksum(envelope.message()) == envelope.checksum() && message->ParseFromString(envelope.message());
}

}  // namespace rankscope::wire
