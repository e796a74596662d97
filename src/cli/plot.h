#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rankscope::cli {

// What a plot draws: at each x the span from low to high (equal: a point); nothing where there is no number.
struct PlotLine {
  struct Point {
    int64_t x;
    std::optional<double> low, high;
    bool bad = false;  // NaN or infinite: a mark under the axis
  };
  std::vector<Point> points;
};

// All lines on one canvas of braille dots, with its axes. `width` and `height` are in cells, without the axes.
std::string Plot(const std::vector<PlotLine>& lines, size_t width, size_t height);

// ▁▂▃▄▅▆▇█, a blank for nothing.
std::string Sparkline(const std::vector<std::optional<double>>& values);

}  // namespace rankscope::cli
