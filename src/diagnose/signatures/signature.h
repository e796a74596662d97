#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace rankscope::diagnose {

// What a line says about the failure.
enum class Role : uint8_t {
  kCause,     // it began here
  kSymptom,   // something of its own went wrong, and the cause may lie elsewhere
  kCascade,   // a victim's words: another rank, or the launcher, ended it
  kOutcome,   // how it ended: exit codes, signals, launchers' summaries
  kHarmless,  // sounds ill and is not: hides the signatures on its line up to its weight
};
std::string_view RoleName(Role role);

// Whether it still counts when training goes on after it.
enum class Life : uint8_t { kEnds, kGoesOn };

// How frameworks, CUDA, NCCL, kernels and schedulers word one kind of failure.
//
// To add one: a line in the table of its family (*_signatures.cc). `weight` says how specific it is: from 90 on it
// proves its class whatever else is there, from 70 on it names it, below 50 it only counts when nothing better is
// found.
struct Signature {
  std::string_view failure;  // the class, a name of docs/failures/
  std::string_view kind;     // the subclass
  Role role = Role::kCause;
  int weight = 0;
  std::string_view pattern;  // RE2, searched in a line. A group `rank` names the rank it speaks of
  // Searched in the frames of the traceback that ends with the line; empty: it need not end one.
  std::string_view frames = {};
  Life life = Life::kEnds;
};

// The families. Each table stands in a file of its name.
std::span<const Signature> GpuSignatures();
std::span<const Signature> CollectiveSignatures();
std::span<const Signature> HostSignatures();
std::span<const Signature> StorageSignatures();
std::span<const Signature> DataSignatures();
std::span<const Signature> SoftwareSignatures();
std::span<const Signature> CompilerSignatures();
std::span<const Signature> ConfigSignatures();
std::span<const Signature> TensorSignatures();
std::span<const Signature> TrainingSignatures();
std::span<const Signature> EndSignatures();
std::span<const Signature> ForeignSignatures();
std::span<const Signature> HarmlessSignatures();

}  // namespace rankscope::diagnose
