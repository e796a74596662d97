#pragma once

#include <string_view>

#include "model/record.h"

namespace rankscope::parse {

// Epoch and step that stand before a line's metrics without names of their own: "Epoch [1][2400/7517]" (mmdet),
// "Epoch: [1][ 10/500]" (torchvision), "Epoch: [1]  [ 10/500]" (MAE), "Train: [0/300][4050/5004]" (Swin), "Iter(train)
// [ 50/8000]" (mmengine), "1|37|Loss: 0.91" (torchtune).
void AddStepPrefix(std::string_view text, model::Fields* fields);

}  // namespace rankscope::parse
