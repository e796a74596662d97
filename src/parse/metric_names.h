#pragma once

#include <string_view>

#include "model/record.h"

namespace rankscope::parse {

// Adds a printed value under its canonical name (DESIGN.md section 3), converted to the canonical unit, and under its
// own where that differs. A name seen before keeps its first value.
void AddMetric(std::string_view name, double value, model::Fields* fields);

// What a name by which frameworks print a training metric stands for; empty: it is none.
std::string_view CanonicalName(std::string_view name);

// Whether it is one of a device's memory in use, whatever a framework calls it: "mem_alloc", "gpu_mem", "VRAM". With a
// unit AddMetric takes it for gpu_memory_gib.
bool NamesGpuMemory(std::string_view name);

// "GiB", "MB", "G", "bytes"; of a name, that which it ends with: "mem_alloc_gb", "memory (MiB)"; empty: none.
bool IsUnitOfMemory(std::string_view unit);
std::string_view UnitOfName(std::string_view name);

// By the unit, else by the size of the number (bytes, MiB, GiB).
double Gibibytes(double value, std::string_view unit);

// Whether some metric's name begins with the word (or is it): a quick look that spares most words CanonicalName.
bool BeginsName(std::string_view word);

}  // namespace rankscope::parse
