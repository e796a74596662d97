#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// Lines of healthy runs that sound ill, and advice that is printed below any error. They hide the signatures on their
// line up to their own weight, and of a line that says that it went on, those that would have ended it.
constexpr Signature kTable[] = {
    {"", "advice", kHarmless, 80,
     R"(might be (?:asynchronously reported|caused by)|may be caused by|CUDA_LAUNCH_BLOCKING|TORCH_USE_CUDA_DSA|For debugging consider passing|expandable_segments|This is typically caused by.*hanging\b$|you can enable desync debug|torch\.autograd\.set_detect_anomaly)",
     "", Life::kGoesOn},
    {"", "retried", kHarmless, 91,
     R"((?i)\b(?:retry(?:ing)?|will retry|retried|attempt \d+ ?(?:/|of) ?\d+|trying again|falling back|fall back|fallback|using .* instead|ignoring|ignored|skipping|skipped|recovered)\b.*$)"},
    {"", "went on", kHarmless, 93,
     R"((?i)attempting to recover|[;,] (?:using|reverting to|continuing)\b|switching to|will be retrained|proceeding without|[.;] ?(?:truncating|resizing|left-truncating)\b|training will start from|\b(?:trying|binding to|uses?) (?:a |the )?(?:\w+ ){0,2}port\b)"},
    {"", "one batch skipped", kHarmless, 89,
     R"((?i)may lead to nan|\b(?:nan|inf|overflow)\b.{0,60}\bskip(?:ping|ped)?\b|\bskip(?:ping|ped)\b.{0,60}\b(?:nan|inf)\b|\bnan\b.{0,60}\bsanitized\b)",
     "", Life::kGoesOn},
    {"", "not plotted", kHarmless, 89, R"(NaN or Inf found in input tensor)", "", Life::kGoesOn},
    {"", "a measured wait", kHarmless, 80,
     R"((?i)waiting for (?:the )?(?:next )?(?:batch|data)(?: from (?:the )?\w+)?[,:=]?(?: (?:took|avg|mean))?[ :=]{0,3}\d+(?:\.\d+| ?(?:ms|s|sec\w*)\b))",
     "", Life::kGoesOn},
    {"", "checked for nan", kHarmless, 93,
     R"((?i)\bno nans? (?:detected|found)\b|\bnans?\b(?: (?:found|detected))?\s*[:=]\s*0(?:[^\w.]|$)|\bif (?:an? |any )?nans? (?:is |are )?(?:detected|found)\b|\bnon-?finite\b.{0,40}(?:[,;:.(] ?|\b(?:is|are|was|were) )skip(?:ping|ped)?\b|\bskip(?:ping|ped)\b.{0,60}\bnon-?finite\b)",
     "", Life::kGoesOn},
    {"", "as planned", kHarmless, 84, R"((?i)within (?:the )?(?:tolerance|limits?|budget)|may be a bottleneck)", "",
     Life::kGoesOn},
    {"", "printed sample", kHarmless, 96,
     R"((?i)^\W*(?:prompt|completion|response|generat(?:ed|ion)|question|answer|sample|instruction|user|assistant)s?\b[ \d#]*[:=|])",
     "", Life::kGoesOn},
    {"", "counters at nought", kHarmless, 98,
     R"((?i)\b(?:uncorrect\w*|double.?bit|ecc errors?|xids?(?: errors?)?)\W{1,4}(?:0|none|n/a)\b)", "", Life::kGoesOn},
    {"", "nvidia-smi's head", kHarmless, 90,
     R"((?:^|, ?)(?:temperature\.gpu|power\.draw|clocks\.\w+|utilization\.gpu|clocks_(?:throttle|event)_reasons\.\w+)(?: \[\w+\])?(?:,|$))",
     "", Life::kGoesOn},
    {"", "autotune", kHarmless, 100, R"(ignoring this choice|Benchmark.*out of resource|autotun.*(?:OutOf|out of))", "",
     Life::kGoesOn},
    {"", "ipv6", kHarmless, 100, R"(errno: 97|Address family not supported by protocol)", "", Life::kGoesOn},
    // TensorFlow's and Transformer Engine's optional libraries, and an allocator that tries again.
    {"", "optional library", kHarmless, 100,
     R"(Could not load dynamic library|Could not load symbol|The caller indicates that this is not a failure)", "",
     Life::kGoesOn},
    {"", "offloaded", kHarmless, 90, R"(on the meta device because they were offloaded)", "", Life::kGoesOn},
    // The errno of a network's completion queue is no file system's.
    {"", "mpi's transport", kHarmless, 91, R"(MPIDI_\w+\(\d+\)|\bOFI \w+ failed)", "", Life::kGoesOn},
    {"", "from scratch", kHarmless, 88,
     R"((?i)(?:training|starts?|starting|begin\w*) from (?:scratch|random)|^=> no checkpoint found)", "",
     Life::kGoesOn},
    // Of a helper process that is to end.
    {"", "no driver asked", kHarmless, 47,
     R"(NCCL WARN .*(?:NET/Plugin|NET/OFI|libibverbs|libnccl|[Tt]opology|NUMA|/proc/|MSCCL))", "", Life::kGoesOn},
    {"", "another job's end", kHarmless, 60,
     R"((?i)\b(?:previous|prior|last|notify\w*|on|restart\w*)\b.{0,30}\b(?:status|state|phase)\b)", "", Life::kGoesOn},
    {"", "patience", kHarmless, 61, R"((?i)no progress .*\bpatience\b)", "", Life::kGoesOn},
    {"", "signal sent", kHarmless, 59,
     R"(\b(?:did not (?:exit|stop|end)|still (?:alive|running)|stale|helper|orphan\w*)\b.*\b[Ss]en(?:t|d\w*) SIGKILL\b|\b[Ss]en(?:t|d\w*) SIGKILL to (?:its |the |a )?(?:stale|helper|orphan))",
     "", Life::kGoesOn},
    {"", "nccl settings", kHarmless, 60, R"(NCCL_\w*TIMEOUT\w*(?: ?[=:]| set ))", "", Life::kGoesOn},
    // Of a communicator that is taken down, also after a good end; what goes wrong is a WARN.
    {"", "nccl takes down", kHarmless, 43, R"(NCCL INFO .*Connection closed)", "", Life::kGoesOn},
    {"", "weights", kHarmless, 100,
     R"(Could not estimate the number of tokens|Some weights of .* were not (?:initialized|used)|should probably TRAIN this model)",
     "", Life::kGoesOn},
    {"", "long sequence", kHarmless, 100, R"(Token indices sequence length is longer than)", "", Life::kGoesOn},
    {"", "teardown", kHarmless, 88,
     R"(Exception ignored in|destroy_process_group\(\) was not called|process group has NOT been destroyed|leaked (?:semaphore|shared_memory)|resource_tracker|during interpreter shutdown|sys\.meta_path is None)",
     "", Life::kGoesOn},
    {"", "duplicate plugins", kHarmless, 88,
     R"(Unable to register cu\w+ factory|TF-TRT Warning|Attempting to register factory|computation placer already registered|computation_placer|cpu_feature_guard)",
     "", Life::kGoesOn},
    {"", "ddp notes", kHarmless, 100,
     R"(did not find any unused parameters|Grad strides do not match bucket view|find_unused_parameters=True was specified)",
     "", Life::kGoesOn},
    {"", "nccl probes", kHarmless, 90,
     R"(NET/Plugin.*(?:No plugin|Could not find|could not)|NET/IB : No device found|No such file or directory.*lib(?:nccl-net|nccl-tuner|nccl-profiler)|libnccl-(?:net|tuner|profiler)\S*\.so|NCCL INFO .*(?:cudaDriverVersion|Could not (?:get|find|read|load)|NET/|Failed to open lib|Plugin))",
     "", Life::kGoesOn},
    {"", "optional package", kHarmless, 86,
     R"((?i)(?:warn\w*|info)\b.*(?:not installed|No module named|could not import|unavailable|not available|not found)|(?:is|are) not (?:installed|available)[,;. ]+(?:(?:so )?(?:will|using|skip|disab|fall|default)|.*(?:disabled|skipp|default|slower))|(?:xformers|flash.?attn|apex|triton|bitsandbytes|deepspeed|transformer.?engine)\b.{0,30}(?:not (?:installed|available|found)|unavailable))"},
    {"", "warning class", kHarmless, 90,
     R"(\b(?:Future|Deprecation|User|Runtime|Resource|Pending\w*|Import|Experimental|Insecure\w*|Syntax|Possible\w*)Warning:)",
     "", Life::kGoesOn},
    {"", "no stragglers", kHarmless, 80, R"((?i)\bno stragglers?\b|stragglers?\b ?[:=] ?(?:0|none|\[\]))", "",
     Life::kGoesOn},
    {"", "shell", kHarmless, 91,
     R"(^(?:rm|rmdir|ls|kill|pkill|tcsetattr): |(?:nvidia-smi|lsb_release|module|git): (?:command )?not found)", "",
     Life::kGoesOn},
    // nvidia-smi -q lists all that may slow a GPU down.
    {"", "not throttled", kHarmless, 90,
     R"((?i)(?:slowdown|power cap|power brake|throttl\w*|violation)[\w ]*[:=] *(?:not active|inactive|no\b|none\b|false\b|0\b))",
     "", Life::kGoesOn},
    // Of what may come, and of what an earlier run met.
    {"", "preemption elsewhere", kHarmless, 92,
     R"((?i)\b(?:may|might|can|could|if|when|not) (?:\w+ )?(?:be |get |is )?preempted|\bresum\w* .{0,60}\b(?:after|from)\b.{0,40}\bpreempt)",
     "", Life::kGoesOn},
    // An inference engine's requests, not the job.
    {"", "preempted request", kHarmless, 92, R"(PreemptionMode\.|not enough KV cache space)", "", Life::kGoesOn},
    {"", "counted none", kHarmless, 86,
     R"((?i)(?:re-?transmi\w*|packet (?:loss|drops?)|out.of.sequence|rx_discards|(?:retry|fail\w*|error|timeout) (?:count|num))\W{1,3}0(?:\.0+)?(?:[ ,;)%\]]|$))",
     "", Life::kGoesOn},
    {"", "nothing found", kHarmless, 86,
     R"((?i)no (?:errors|error (?:found|detected)|failures?|nans?|stragglers?|stalls?|hangs?|problems?|xids?)\b|(?:errors?|failures?|overflows?|nan\w*|stragglers?|stalls?|hangs?)\b ?[:=] ?(?:0|none|false|\[\])\b|0 (?:errors?|failures?))"},
};

}  // namespace

std::span<const Signature> HarmlessSignatures() { return kTable; }

}  // namespace rankscope::diagnose
