#pragma once

namespace rankscope::base {

// How often a test does again what it draws by seed: `usual` times, and a tenth of that where a sanitizer makes each
// time ten times as long.
template <typename Count>
constexpr Count Repetitions(Count usual) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return usual / 10 + 1;
#else
  return usual;
#endif
}

}  // namespace rankscope::base
