#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// What trainers themselves say of the numbers. The curves are judged by curves.h.
constexpr Signature kTable[] = {
    {"nan_or_inf_loss", "check", kCause, 88,
     R"((?i)found (?:a )?nan in|\b(?:rank \d+: )?found nan|non-?finite (?:loss|grad|value|norm)|(?:loss|grad\w*(?: norm)?|norm|logits|output|activation|weight|param\w*|tensor|value)s?\b.{0,30}\b(?:is|are|was|were|became|become|becomes|went|contain\w*|has|have|includes?|got|turned)\s*\(?'?(?:an? )?(?:nan|inf|-inf|infinite|infinity|not finite|non-?finite)\b|\bnans?\b.{0,30}\b(?:detected|encountered|found|in (?:the )?(?:loss|grad\w*|output|forward|backward|logits))|detected (?:a )?(?:nan|inf)\b|contains? (?:nan|inf)\b|nan (?:or inf )?loss|loss (?:was|is) NaN)",
     "", Life::kGoesOn},
    {"nan_or_inf_loss", "check", kCause, 88, R"([Ff]ound (?:NaN|Inf) in local (?:grad|forward))"},
    {"nan_or_inf_loss", "consequence", kCause, 88,
     R"(probability tensor contains either|returned nan values in its|is non-finite, so it cannot be clipped|satisfy the constraint .* but found invalid values|FloatingPointError|diverged with loss = NaN|Invalid loss, terminating training)"},
    {"nan_or_inf_loss", "check", kCause, 86,
     R"(^(?:[\w.]+\.)?\w*(?:Error|Exception): .*(?:[Ee]ncountered `?(?:nan|inf)\b|(?:NaN|Inf)s? (?:values? )?(?:detected|encountered|found)|non-finite))"},
    {"nan_or_inf_loss", "printed", kSymptom, 70,
     R"(^(?:[\w ]*[Ll]oss\w*\W{0,3})?tensor\(\[?nan\b|(?:^|[\s,|(])(?:L|objf|[Tt]otal[ _]?[Ll]oss)\s*[:=]\s*\[?(?:nan|-?inf)\b)"},
    {"grad_overflow_loss_scale", "minimum", kCause, 93,
     R"((?i)loss scale (?:is )?already at minimum|minimum loss scale (?:reached|\()|reached the minimum loss scale|(?:cannot|can't) (?:decrease|lower) (?:the )?(?:loss )?scale|loss scale.{0,30}(?:below|underflow|too small|reached 0|dropped to 0)|consecutive (?:overflow|skipped))"},
    // DeepSpeed's scale cannot fall below 1, and it says so with each step that it skips.
    {"grad_overflow_loss_scale", "minimum", kCause, 93,
     R"(loss scale(?: from|:) 1(?:\.0)?,?(?: reducing)? to 1(?:\.0)?\b)", "", Life::kGoesOn},
    {"loss_spike_or_divergence", "message", kCause, 80,
     R"((?i)loss (?:has )?(?:spike|diverg|explod|blew|blow)|(?:spike|divergence|explosion) (?:detected )?in (?:the )?(?:loss|grad)|(?:loss|gradient|training) (?:is |has |norm )?(?:divergence|diverged|exploding|explosion|spiked?))",
     "", Life::kGoesOn},
    {"data_loading_bottleneck", "message", kCause, 76,
     R"((?i)data.?load(?:er|ing)?\b.{0,60}(?:bottleneck|too slow|is slow|starv|dominates|waiting|stall)|\b(?:input|io|i/o|data)[- ]bound\b|GPU(?:s)? (?:is|are) (?:starv|idle|waiting).{0,30}(?:data|input)|waiting for (?:the )?(?:next )?(?:batch|data)(?:$|[^ \w]| (?:from|to|of|in|at)\b)|prefetch (?:queue|buffer).{0,20}empty)",
     "", Life::kGoesOn},
    {"throughput_decay", "message", kCause, 74,
     R"((?i)(?:throughput|tokens/s\w*|samples/s\w*|MFU|iteration time|step time|speed)\b.{0,40}(?:decay|degrad|dropp|declin|decreas|regress|slow(?:ed|ing) down)|(?:slow(?:ed|ing|s) down|getting slower|slower and slower))",
     "", Life::kGoesOn},
};

}  // namespace

std::span<const Signature> TrainingSignatures() { return kTable; }

}  // namespace rankscope::diagnose
