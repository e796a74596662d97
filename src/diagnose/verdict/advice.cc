#include "diagnose/verdict/advice.h"

#include <algorithm>
#include <string>

#include "diagnose/verdict/failure_class.h"

namespace rankscope::diagnose {
namespace {

struct KindAdvice {
  std::string_view failure, kind, text;
};

// Where the subclass is known to ask for something else first than its class.
constexpr KindAdvice kOnKinds[] = {
    {"cuda_oom", "one extreme sample", "take that sample out, or cap its size, before the next start; batch by tokens"},
    {"cuda_oom", "leak",
     "look for what holds on to tensors: losses kept with their graph (append loss.item()), caches without a limit"},
    {"cuda_oom", "fragmentation",
     "where reserved memory is unused: PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True (before PyTorch 2.1: "
     "max_split_size_mb:128)"},
    {"cuda_oom", "evaluation",
     "evaluate in smaller batches, under no_grad, and keep no logits (eval_accumulation_steps)"},
    {"cuda_oom", "model too large",
     "the weights alone do not fit: shard them (FSDP, ZeRO-3, device_map), quantise, or free the GPU of other "
     "processes"},
    {"cuda_oom", "other process",
     "nvidia-smi names the other process on that GPU: end it, or give each rank a device of its own"},
    {"cuda_oom", "kv cache",
     "a shorter context, or a larger share of the GPU for the cache (vLLM: max_model_len, "
     "gpu_memory_utilization; SGLang: --mem-fraction-static)"},
    {"nccl_system_error", "interface",
     "name an interface that the other nodes reach, on every node: NCCL_SOCKET_IFNAME (ip -br addr lists them)"},
    {"nccl_system_error", "infiniband",
     "look at the link of the device named, on both sides: ibstat, perfquery -x; twice in a day: drain the node"},
    {"nccl_system_error", "shared memory segment",
     "give the container more shared memory (--shm-size=16g, or an emptyDir of medium Memory)"},
    {"too_many_open_files", "threads",
     "raise the limit of processes (ulimit -u, the container's pids limit), or start fewer threads: OMP_NUM_THREADS"},
    {"too_many_open_files", "processes",
     "raise the limit of processes (ulimit -u, the container's pids limit), or start fewer workers"},
    {"checkpoint_save_failed", "path",
     "make the folder before saving, on every node that saves (os.makedirs(folder, exist_ok=True)), and check that it "
     "is mounted there"},
    {"checkpoint_save_failed", "in the way",
     "another run's checkpoint lies there: take another folder, or resume from it"},
    {"checkpoint_save_failed", "shared tensors",
     "save by the model's own save_pretrained, or by safetensors.torch.save_model: tied weights are one tensor"},
    {"checkpoint_load_failed", "keys or sizes",
     "compare the keys and sizes listed: another model, a resized vocabulary, or a wrapper's prefix (module., "
     "_orig_mod., base_model.model.)"},
    {"checkpoint_load_failed", "world size",
     "load it with as many ranks as saved it, or convert it to a format that is sharded anew on loading"},
    {"checkpoint_load_failed", "optimizer",
     "resume with the same parameter groups (frozen layers, adapters, weight decay) as when it was saved"},
    {"rendezvous_failed", "port in use",
     "ss -ltnp on that node names who holds the port: end it, or take another port (torchrun --standalone on one "
     "node, --master-port or --rdzv-endpoint on several)"},
    {"rendezvous_failed", "members missing",
     "look at the node that did not come: did it start, and with the same --nnodes, --rdzv-id and endpoint?"},
    {"rendezvous_failed", "resolve",
     "getent hosts NAME on every node has to give one address that all reach, not 127.0.0.1 or 127.0.1.1"},
    {"sigterm_preempted", "time limit",
     "ask for more time, or save before the limit (sbatch --signal=USR1@300) and requeue"},
    {"sigterm_preempted", "interrupt", "somebody pressed Ctrl-C: if it stood still before, that is why it failed"},
    {"config_error", "missing file", "look on the node named whether the path is there: spelling, mount, folder"},
    {"config_error", "one gpu twice",
     "give each rank a device of its own: torch.cuda.set_device(local_rank) before anything else"},
    {"config_error", "devices",
     "start as many ranks per node as it has GPUs (nvidia-smi -L), and sizes that divide the number of ranks"},
    {"triton_or_kernel_compile_error", "compiler",
     "install what the message misses (gcc, python3-dev, nvcc), or take an image that has it"},
    {"triton_or_kernel_compile_error", "shared memory",
     "smaller blocks or fewer num_stages: the kernel asks for more than this GPU has"},
    {"driver_or_library_mismatch", "no device",
     "look whether nvidia-smi works where it runs: the container's --gpus all, the driver's modules"},
    {"hub_auth_or_download_error", "no network",
     "download once where there is a network, and set HF_HUB_OFFLINE=1 on the nodes"},
    {"unused_parameters_ddp", "ready twice",
     "with checkpointing: use_reentrant=False or static_graph=True; find_unused_parameters makes it worse"},
    {"permission_denied", "tracker",
     "check the tracker's token and the project's rights; without it: WANDB_MODE=offline"},
    {"permission_denied", "object store", "renew the credentials: those of a session expire while a job runs"},
};

}  // namespace

std::string_view AdviceOnKind(std::string_view failure, std::string_view kind) {
  const auto* found = std::find_if(std::begin(kOnKinds), std::end(kOnKinds),
                                   [&](const KindAdvice& one) { return one.failure == failure && one.kind == kind; });
  return found == std::end(kOnKinds) ? std::string_view() : found->text;
}

std::vector<Advice> AdviceOn(std::string_view failure, std::string_view kind) {
  const FailureClass* known = FindFailureClass(failure);
  if (!known) return {};
  const std::string page = "docs/failures/" + std::string(failure) + ".md";
  std::vector<Advice> all;
  if (std::string_view first = AdviceOnKind(failure, kind); !first.empty()) all.push_back({std::string(first), page});
  for (std::string_view text : known->advice) {
    if (all.empty() || all.front().text != text) all.push_back({std::string(text), page});
  }
  return all;
}

}  // namespace rankscope::diagnose
