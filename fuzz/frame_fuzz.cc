// Bytes as they come from the network or a spool: refused or decoded, never trusted.
#include "model/record_batch.h"
#include "wire/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto frame = rankscope::wire::DecodeFrame(bytes);
  if (frame.ok() && rankscope::wire::CheckFrame(*frame).ok()) (void)rankscope::wire::OpenFrame(*frame, "").ok();
  (void)rankscope::model::DecodeRecords(bytes).ok();
  return 0;
}
