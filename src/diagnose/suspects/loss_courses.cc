#include "diagnose/suspects/loss_courses.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

bool IsLost(const std::optional<double>& value) { return value && !std::isfinite(*value); }

// A loss by a name that no parser knows: "loss train: nan".
bool SaysLostLoss(std::string_view text) {
  static const re2::RE2 kLost(R"((?i)\b(?:train(?:ing)?[_ ])?loss(?: train(?:ing)?)?\s*[:=]\s*\[?(?:nan|-?inf)\b)");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kLost);
}

// Hugging Face shows a loss of 0 where it was no number; then the norm or the other metrics of the line are nan.
bool IsLost(const Reading& reading, const Point& point) {
  if (IsLost(point.loss)) return true;
  if (!point.loss && SaysLostLoss(reading.text(point.line))) return true;
  if (IsLost(point.gradient_norm)) return !point.loss_scale || *point.loss_scale <= 1;
  return point.loss && *point.loss == 0 && reading.text(point.line).find(": nan") != std::string_view::npos;
}

bool HasNumbers(const Reading& reading, const Point& point) {
  return point.loss || point.gradient_norm || SaysLostLoss(reading.text(point.line));
}

// From where on a rank's numbers are lost for good, or for more than a skipped step.
struct LostNumbers {
  const Point* first = nullptr;  // none: they are not
  int reports = 0, finite = 0;
};

LostNumbers FindLostNumbers(const Reading& reading, const PointSeries& series) {
  const Point* begin = nullptr;
  LostNumbers lost;
  int run = 0;
  for (const Point* point : series) {
    if (!HasNumbers(reading, *point)) continue;
    if (!IsLost(reading, *point)) {
      run = 0;
      ++lost.finite;
      continue;
    }
    if (run++ == 0) begin = point;
    if (run <= lost.reports) continue;
    lost.reports = run;
    lost.first = begin;
  }
  const bool at_the_end = run > 0;
  if (at_the_end) lost.first = begin;
  if (lost.reports < 2 && !at_the_end) lost.first = nullptr;
  return lost;
}

std::string Counted(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Whether it is one rank's or all ranks', as far as they report.
std::string TellWhose(const std::map<int32_t, LostNumbers>& of_ranks) {
  const auto losers = static_cast<size_t>(
      std::count_if(of_ranks.begin(), of_ranks.end(), [](const auto& of) { return of.second.first != nullptr; }));
  if (of_ranks.size() == 1) return "only one rank reports its numbers, so that whose were lost first is not known";
  if (losers == 1) {
    return "of one rank alone, while those of " + Counted(of_ranks.size() - 1, "other", "others") +
           " stayed finite: look at its data and its GPU";
  }
  return "of " + std::to_string(losers) + " of the " + std::to_string(of_ranks.size()) + " ranks that report";
}

void AddLostNumbers(const Reading& reading, const std::map<int32_t, PointSeries>& ranks, std::vector<Suspect>* found) {
  std::map<int32_t, LostNumbers> of_ranks;  // that report numbers
  for (const auto& [rank, series] : ranks) {
    LostNumbers lost = FindLostNumbers(reading, series);
    if (lost.first || lost.finite > 0) of_ranks[rank] = lost;
  }
  for (const auto& [rank, lost] : of_ranks) {
    if (!lost.first) continue;
    const auto& step = lost.first->step;
    std::string why = "not a number" + (step ? " from step " + std::to_string(*step) + " on" : std::string()) +
                      ", in " + Counted(static_cast<size_t>(lost.reports), "report", "reports in a row") + "; " +
                      Counted(static_cast<size_t>(lost.finite), "report was finite", "reports were finite");
    why += "; " + TellWhose(of_ranks);
    found->push_back(Course(*lost.first, "nan_or_inf_loss", "metrics", 86, std::move(why)));
  }
}

constexpr size_t kReportsOfRise = 3;
constexpr double kLeavesCourse = 3;

// Hugging Face's Trainer shows a loss that is no number as nothing at all. One that falls to nothing from one report to
// the next, and stays there, was none.
constexpr double kStillLoss = 0.1;
constexpr std::ptrdiff_t kFewestLosses = 4;
// From so high a loss no training comes to nothing at once, however few reports there are before.
constexpr double kHighLoss = 2;

// "loss: 0.00": with so many digits a small one is shown so, too.
bool IsRounded(std::string_view text) {
  static const re2::RE2 kRounded(R"((?i)loss\W{1,4}0\.00)");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kRounded);
}

bool HasFallen(const Reading& reading, PointSeries::const_iterator first, PointSeries::const_iterator last) {
  if (*(*(last - 1))->loss > kHighLoss && !IsRounded(reading.text((*last)->line))) return true;
  auto lives = [](const Point* point) { return *point->loss > kStillLoss; };
  return last - first >= kFewestLosses && std::all_of(last - kFewestLosses, last, lives);
}

void FindVanishedLoss(const Reading& reading, const PointSeries& series, std::vector<Suspect>* found) {
  PointSeries losses;
  for (const Point* point : series) {
    if (point->loss) losses.push_back(point);
  }
  size_t zeros = 0;
  while (zeros < losses.size() && *losses[losses.size() - 1 - zeros]->loss == 0) ++zeros;
  const size_t real = losses.size() - zeros;
  if (zeros < 2 || real == 0) return;
  auto last = losses.begin() + static_cast<std::ptrdiff_t>(real);
  if (!HasFallen(reading, losses.begin(), last)) return;
  found->push_back(Course(**last, "nan_or_inf_loss", "vanished", 72,
                          "the loss was " + Figure(*(*(last - 1))->loss) + " and is nothing at all in " +
                              Counted(zeros, "report", "reports") + " since: a loss that is no number is shown so"));
}

constexpr double kAboveAll = 1.2;

double MedianLoss(const PointSeries& losses, size_t count) {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i) values.push_back(*losses[i]->loss);
  return MedianOf(std::move(values));
}

constexpr int kJump = 74, kClimb = 60;
// Losses of reinforcement learning begin with nothing, and grow while they are small.
constexpr double kSmallJump = 0.1, kSmallClimb = 1;

Suspect DivergenceAt(const PointSeries& losses, size_t at, int score) {
  return Course(
      *losses[at], "loss_spike_or_divergence", "metrics", score,
      "loss " + Figure(*losses[at]->loss) + " against a median of " + Figure(MedianLoss(losses, at)) + " before");
}

bool TellsReward(std::string_view text) {
  static const re2::RE2 kReward(R"((?i)reward|\b(?:mean_|episode_)?returns?\b)");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kReward);
}

// Little by little, so that no report is far above the one before it: the last ones are far above the first half.
// Losses of reinforcement learning begin with nothing, and may grow while they are small; those of a critic grow with
// the rewards that it learns to foretell.
void FindClimb(const Reading& reading, const PointSeries& losses, std::vector<Suspect>* found) {
  constexpr std::ptrdiff_t kLast = 8;
  const auto count = static_cast<std::ptrdiff_t>(losses.size());
  if (count < 2 * kLast || TellsReward(reading.text(losses.back()->line))) return;
  auto less = [](const Point* a, const Point* b) { return *a->loss < *b->loss; };
  const auto half = losses.begin() + count / 2;
  const double bound = kAboveAll * *(*std::max_element(losses.begin(), half, less))->loss;
  auto from = losses.end();
  while (from != half && *(*(from - 1))->loss > bound) --from;
  if (bound <= 0 || losses.end() - from < kLast) return;
  const auto at = static_cast<size_t>(from - losses.begin());
  const double lowest = *(*std::min_element(losses.end() - kLast, losses.end(), less))->loss;
  if (lowest > std::max(kSmallClimb, kLeavesCourse * MedianLoss(losses, at)))
    found->push_back(DivergenceAt(losses, at, kClimb));
}

// The report up to `last` from which on all are furthest above all before it: few reports before a jump prove none, and
// where it is proven they still tell where it was.
size_t WidestGap(const PointSeries& losses, const std::vector<double>& lowest, size_t last) {
  size_t at = last;
  double highest = *losses[0]->loss, widest = 0;
  for (size_t i = 1; i <= last; ++i) {
    if (highest > 0 && lowest[i] / highest > widest) {
      widest = lowest[i] / highest;
      at = i;
    }
    highest = std::max(highest, *losses[i]->loss);
  }
  return at;
}

// From where on all reports lie far above what was usual before.
std::optional<size_t> FindJump(const PointSeries& losses) {
  // Lowest of the reports from each on: one below the old heights ends a rise.
  std::vector<double> lowest(losses.size() + 1, std::numeric_limits<double>::infinity());
  for (size_t i = losses.size(); i-- > 0;) lowest[i] = std::min(lowest[i + 1], *losses[i]->loss);
  double highest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i + kReportsOfRise <= losses.size(); ++i) {
    const bool above = i >= kFewestReports - kReportsOfRise && highest > 0 && lowest[i] > kAboveAll * highest;
    if (above && lowest[i] > std::max(kSmallJump, kLeavesCourse * MedianLoss(losses, i)))
      return WidestGap(losses, lowest, i);
    highest = std::max(highest, *losses[i]->loss);
  }
  return std::nullopt;
}

// What is trained is another from then on, and so is its loss.
bool SaysNewPhase(std::string_view text) {
  static const re2::RE2 kPhase(
      R"((?i)\bcurriculum\b|\b(?:stage|phase)\W{1,3}\d|\bunfr(?:ee|o)z|\b(?:switching|switched|moving on) (?:to|from)\b)");
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kPhase);
}

bool IsAnnounced(const Reading& reading, const Point& before, const Point& at) {
  for (size_t line = before.line + 1; line < at.line; ++line) {
    if (SaysNewPhase(reading.bodies[line].text)) return true;
  }
  return false;
}

void FindDivergence(const Reading& reading, const PointSeries& series, std::vector<Suspect>* found) {
  PointSeries losses;
  for (const Point* point : series) {
    // A loss of nothing at all is one that was no number.
    if (point->loss && std::isfinite(*point->loss) && *point->loss != 0) losses.push_back(point);
  }
  while (losses.size() >= kFewestReports) {
    const std::optional<size_t> jump = FindJump(losses);
    if (!jump) break;
    if (!IsAnnounced(reading, *losses[*jump - 1], *losses[*jump])) {
      found->push_back(DivergenceAt(losses, *jump, kJump));
      return;
    }
    losses.erase(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(*jump));
  }
  if (reading.finished.empty()) FindClimb(reading, losses, found);
}

constexpr int kSkipsInARow = 8;

// Steps are skipped one after the other and the scale falls below 1: no scale fits.
void FindFallingScale(const Reading& reading, std::vector<Suspect>* found) {
  static const re2::RE2 kSkip(R"((?i)(?:overflow).*?(?:reducing (?:loss scale )?to|loss scale:?) ?([\d.eE+-]+))");
  int skips = 0;
  double scale = 1;
  std::optional<size_t> first, below;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    std::string_view text = reading.bodies[i].text;
    std::string digits;
    if (!re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kSkip, &digits)) continue;
    if (!first) first = i;
    ++skips;
    scale = std::atof(digits.c_str());
    if (scale < 1 && !below) below = i;
  }
  if (skips < kSkipsInARow || !below) return;
  found->push_back({*below, "grad_overflow_loss_scale", "metrics", Role::kCause, 82, reading.ranks[*below],
                    Traceback::kNone, std::to_string(skips) + " skipped steps, the scale fell to " + Figure(scale)});
}

}  // namespace

void FindLossCourses(const Reading& reading, const std::map<int32_t, PointSeries>& ranks, std::vector<Suspect>* found) {
  AddLostNumbers(reading, ranks, found);
  for (const auto& [rank, series] : ranks) {
    FindVanishedLoss(reading, series, found);
    FindDivergence(reading, series, found);
  }
  FindFallingScale(reading, found);
}

}  // namespace rankscope::diagnose
