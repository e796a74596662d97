#pragma once

#include <string_view>

#include "model/record.h"

namespace rankscope::parse {

// One function and one file per shape of metric line. Each adds fields and says whether the line was of its shape;
// the list that names them all is in line_record.cc. `plain` has no ANSI sequences.

// {'loss': 2.15, 'grad_norm': 0.5, …}: Hugging Face Trainer, TRL, ms-swift, LLaMA-Factory, axolotl.
bool ParsePythonDictLine(std::string_view plain, model::Fields* fields);

// key: value | key: value (Megatron-LM, NeMo), key=value, … (DeepSpeed), step:1 - actor/lr:1e-06 (verl),
// step:  5  loss:  7.98 (torchtitan), iter 100: loss 3.23 (nanoGPT).
bool ParseKeyValueLine(std::string_view plain, model::Fields* fields);

// What a progress bar tells: "81/800 [02:11<19:20,  1.71s/it" (tqdm), "4/411 [....]" (Keras).
void AddProgressBar(std::string_view plain, model::Fields* fields);

}  // namespace rankscope::parse
