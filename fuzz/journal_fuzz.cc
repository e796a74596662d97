// A journal file of any bytes: what is sound is read, the rest is reported, and it can be appended to.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "journal/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using rankscope::journal::Journal;
  static const std::string folder =
      std::filesystem::temp_directory_path() / ("rankscope-journal-fuzz-" + std::to_string(getpid()));
  std::filesystem::remove_all(folder);
  {
    rankscope::journal::Recovery recovery;
    auto fresh = Journal::Open(folder, {}, &recovery);
    if (!fresh.ok() || !(*fresh)->Append("sound").ok()) std::abort();
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename() == "LOCK") continue;
    std::ofstream(entry.path(), std::ios::app).write(reinterpret_cast<const char*>(data), static_cast<long>(size));
  }
  rankscope::journal::Recovery recovery;
  auto journal = Journal::Open(folder, {}, &recovery);
  if (!journal.ok()) std::abort();
  auto reader = (*journal)->Read(0);
  Journal::Reader::Entry entry;
  bool sound = false;
  while (true) {
    auto more = reader.Next(&entry);
    if (!more.ok() || !*more) break;
    sound = sound || entry.payload == "sound";
  }
  if (!sound || !(*journal)->Append("more").ok()) std::abort();
  return 0;
}
