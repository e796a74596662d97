#include "cli/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace rankscope::cli {
namespace {

constexpr size_t kDotsAcross = 2, kDotsDown = 4;  // of a braille cell
constexpr size_t kLabelWidth = 10;

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string Padded(const std::string& text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

struct Extent {
  double low = HUGE_VAL, high = -HUGE_VAL;        // drawn
  double lowest = HUGE_VAL, highest = -HUGE_VAL;  // there is
  size_t below = 0, above = 0;                    // points that are not drawn at their height
  int64_t first = INT64_MAX, last = INT64_MIN;
};

// A few values far out do not flatten the rest: they are counted instead.
void ClipOutliers(const std::vector<double>& sorted, Extent* extent) {
  constexpr double kShare = 0.005, kFarOut = 3;
  auto skipped = static_cast<size_t>(static_cast<double>(sorted.size()) * kShare) + 1;
  if (sorted.size() < 4 * skipped) return;
  double low = sorted[skipped], high = sorted[sorted.size() - 1 - skipped];
  double range = std::max(high - low, std::abs(high) * 0.01);
  extent->high = *std::prev(std::upper_bound(sorted.begin(), sorted.end(), high + kFarOut * range));
  extent->low = *std::lower_bound(sorted.begin(), sorted.end(), low - kFarOut * range);
}

Extent ExtentOf(const std::vector<PlotLine>& lines) {
  Extent extent;
  std::vector<double> values;
  for (const PlotLine& line : lines) {
    for (const auto& point : line.points) {
      extent.first = std::min(extent.first, point.x);
      extent.last = std::max(extent.last, point.x);
      for (const auto& value : {point.low, point.high}) {
        if (value && std::isfinite(*value)) values.push_back(*value);
      }
    }
  }
  if (values.empty()) return extent;
  std::sort(values.begin(), values.end());
  extent.lowest = extent.low = values.front();
  extent.highest = extent.high = values.back();
  ClipOutliers(values, &extent);
  return extent;
}

void CountOutside(const std::vector<PlotLine>& lines, Extent* extent) {
  for (const PlotLine& line : lines) {
    for (const auto& point : line.points) {
      if (point.high && *point.high > extent->high) ++extent->above;
      if (point.low && *point.low < extent->low) ++extent->below;
    }
  }
}

std::string Outside(const Extent& extent) {
  std::string out;
  std::string indent(kLabelWidth + 2, ' ');
  if (extent.above > 0) {
    out += indent + std::to_string(extent.above) + " above, up to " + Number(extent.highest) + "\n";
  }
  if (extent.below > 0) {
    out += indent + std::to_string(extent.below) + " below, down to " + Number(extent.lowest) + "\n";
  }
  return out;
}

class Canvas {
 public:
  Canvas(size_t width, size_t height) : width_(width), height_(height), cells_(width * height), bad_(width, false) {}

  void Draw(const PlotLine& line, const Extent& extent) {
    for (const auto& point : line.points) {
      size_t x = Across(point.x, extent);
      if (point.bad) bad_[x / kDotsAcross] = true;
      if (!point.low || !point.high) continue;
      size_t low = Up(*point.low, extent), high = Up(*point.high, extent);
      for (size_t y = low; y <= high; ++y) Set(x, y);
    }
  }

  std::string Row(size_t row) const {
    std::string out;
    for (size_t column = 0; column < width_; ++column) {
      unsigned cell = 0x2800 + cells_[row * width_ + column];
      out += {static_cast<char>(0xe0 | cell >> 12), static_cast<char>(0x80 | (cell >> 6 & 0x3f)),
              static_cast<char>(0x80 | (cell & 0x3f))};
    }
    return out;
  }

  // A mark where a value was NaN or infinite; empty when none was.
  std::string BadLane() const {
    if (std::find(bad_.begin(), bad_.end(), true) == bad_.end()) return "";
    std::string lane;
    for (bool bad : bad_) lane += bad ? "×" : " ";
    return lane;
  }

 private:
  size_t Across(int64_t x, const Extent& extent) const {
    double share = extent.last > extent.first
                       ? static_cast<double>(x - extent.first) / static_cast<double>(extent.last - extent.first)
                       : 0;
    return static_cast<size_t>(share * static_cast<double>(width_ * kDotsAcross - 1));
  }
  size_t Up(double value, const Extent& extent) const {
    double share = extent.high > extent.low ? (value - extent.low) / (extent.high - extent.low) : 0.5;
    return static_cast<size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(height_ * kDotsDown - 1));
  }
  void Set(size_t x, size_t y) {
    constexpr std::array<std::array<uint8_t, 4>, 2> kDots = {{{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}}};
    size_t row = height_ - 1 - y / kDotsDown;
    cells_[row * width_ + x / kDotsAcross] |= kDots[x % kDotsAcross][y % kDotsDown];
  }

  const size_t width_, height_;
  std::vector<uint8_t> cells_;
  std::vector<bool> bad_;
};

}  // namespace

std::string Plot(const std::vector<PlotLine>& lines, size_t width, size_t height) {
  Extent extent = ExtentOf(lines);
  if (extent.first > extent.last) return "";
  CountOutside(lines, &extent);
  Canvas canvas(width, height);
  for (const PlotLine& line : lines) canvas.Draw(line, extent);
  std::string out;
  bool numbers = extent.low <= extent.high;
  for (size_t row = 0; row < height; ++row) {
    std::string label;
    if (numbers && row == 0) label = Number(extent.high);
    if (numbers && row + 1 == height) label = Number(extent.low);
    out += Padded(label, kLabelWidth) + " ┤" + canvas.Row(row) + "\n";
  }
  if (std::string lane = canvas.BadLane(); !lane.empty()) out += Padded("NaN, Inf", kLabelWidth) + "  " + lane + "\n";
  std::string first = std::to_string(extent.first), last = std::to_string(extent.last);
  size_t gap = width > first.size() + last.size() ? width - first.size() - last.size() : 1;
  return out + std::string(kLabelWidth + 2, ' ') + first + std::string(gap, ' ') + last + "\n" + Outside(extent);
}

std::string Sparkline(const std::vector<std::optional<double>>& values) {
  constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (const auto& value : values) {
    if (!value || !std::isfinite(*value)) continue;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
  std::string out;
  for (const auto& value : values) {
    if (!value) {
      out += " ";
      continue;
    }
    double share = high > low ? std::clamp((*value - low) / (high - low), 0.0, 1.0) : 0;
    out += kBlocks[static_cast<size_t>(share * 7)];
  }
  return out;
}

}  // namespace rankscope::cli
