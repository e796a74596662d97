#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// What NCCL warns of. The first is above what a retry hides.
constexpr std::string_view kGaveUp = R"(NCCL WARN .*exceeded error retry count)";
constexpr std::string_view kCallFailed =
    R"(NCCL WARN .*(?:[Cc]onnect to \S+ (?:failed|returned)|Call to \w+ (?:\w+ )?failed))";
constexpr std::string_view kNoDriver = R"(NCCL WARN Failed to (?:open|load) (?:libcuda|CUDA driver|libnvidia-ml))";
constexpr std::string_view kNcclVersion =
    R"(Mismatched NCCL version detected|NCCL library is not backwards compatible)";
constexpr std::string_view kNcclArgument =
    R"(NCCL WARN .*(?:[Ii]nvalid (?:root|rank|type|device|reduction operation|config|NCCL_\w+)\b|is not a valid pointer|not allowed in the same group|with NCCL device \d))";
constexpr std::string_view kNcclWarning =
    R"(NCCL WARN .*(?:[Ff]ail\w*|[Ee]rror|[Uu]nable|[Cc]ould not|[Cc]annot|corrupted|not working|Bootstrap Root : (?:rank|mismatch)))";

// What libraries raise about ranks that differ or do not come.
constexpr std::string_view kRanksDiffer =
    R"((?:Error|Exception)(?:: |\().*(?:[Mm]ismatch\w*|[Dd]iverge\w*|[Dd]iffer(?:s|ent)?|[Ii]nconsistent|[Ii]dentical|not (?:equal|the same))\b.{0,40}\b(?:across|between|among)(?: all)?(?: \w+)? ranks?(?:$|[^ \w]))";
constexpr std::string_view kNotJoined =
    R"((?:Error|Exception)(?:: |\().*(?:[Tt]imed? ?out|[Tt]imeout|[Ff]ailed)\b.{0,40}\b(?:waiting for|connect\w* to|setting up|to set up|to join|to resolve)\b.{0,40}\b(?:ranks?|peers?|workers|nodes?|members|coordinator|master|rendezvous|process group|hosts?|socket)\b(?:$|[^ \w]| (?:to (?:join|connect|register)|at|on|in|after|within)\b))";
constexpr std::string_view kNotReached =
    R"((?:Error|Exception)(?:: |\().*(?:[Cc]annot resolve (?:host|address|master)|[Gg]et available port .* failed|(?:host|node)\S* (?:was |is )?not reachable via ssh|could not connect to some hosts))";

constexpr std::string_view kNoProgress =
    R"((?i)no (?:training )?progress (?:for|in|since)|(?:seems?|appears?|is|are|process(?:es)?|job|training) (?:to be )?(?:hung|hanging|stuck|stalled|deadlocked)|(?:process(?:es)?|job|training|ranks?(?: \d+)?) (?:(?:is|are|seems?|appears?) (?:to be )?)?frozen(?:$|[^ \w])|(?:hang|deadlock) (?:detected|suspected)|stalled for \d+|not responding for|NCCL WARN .*\bmay (?:be )?hang)";

constexpr std::string_view kSlowCollective =
    R"((?i)(?:all.?reduce|all.?gather|reduce.?scatter|collectives?|bus.?bandwidth|busbw|comm(?:unication)? time)\b.{0,50}\b(?:slow|degraded|took \d|dropped|took longer|high latency|regressed)|slow (?:all.?reduce|all.?gather|collective|network|link|communication)|NET/(?:IB|Socket).*(?:slow|fallback|falling back))";

constexpr std::string_view kStraggler =
    R"((?i)stragglers?\b.{0,60}(?:detect|found|rank|node|gpu|identified)|(?:detected|found|identified|possible|suspected) stragglers?|slow (?:rank|node|worker|gpu)s?\b|slowest (?:rank|node|worker|gpu)s?\b.{0,60}[^.\d](?:1\.[2-9]\d*|[2-9](?:\.\d+)?|[1-9]\d+(?:\.\d+)?) ?x\b|rank \d+ is (?:\d+(?:\.\d+)?x |\d+ ?% |much |significantly )?slow)";

constexpr std::string_view kNotConnected =
    R"(Gloo connectFullMesh failed|gloo.*(?:connect|handshake).*(?:fail|timed? ?out)|rank \d+ did not (?:show up|connect)|Unable to find (?:address|interface)|ifa != nullptr|/gloo/\S+\.(?:cc|h):\d+\].*(?:Connect timeout|Connection refused|No route to host|Network is unreachable))";

constexpr std::string_view kOutOfStep =
    R"((?i)ranks? (?:are |is )?(?:not in sync|out of sync|desync)|disagreement between rank ?\d|different number of (?:batches|steps|iterations|collectives) (?:on|across|per) ranks?|uneven (?:inputs|number of batches)|Detected at least one rank that exhausted inputs)";

// NCCL, gloo, torch.distributed's stores and launch.
constexpr Signature kTable[] = {
    // Watchdogs speak of the collective that did not end: its rank waited, another one is to blame.
    {"nccl_timeout", "watchdog", kSymptom, 60, R"(Watchdog caught collective)"},
    {"nccl_timeout", "watchdog", kSymptom, 56,
     R"(caught collective operation timeout|collective operation timeout: WorkNCCL)"},
    {"nccl_timeout", "blocking wait", kSymptom, 58,
     R"(WorkNCCL\(.*timed out in blocking wait|timed out in blocking wait)"},
    {"nccl_timeout", "watchdog", kCascade, 40,
     R"((?:error or timeout\) detected by watchdog|failure detected by watchdog))"},
    {"nccl_timeout", "watchdog", kSymptom, 54, R"(Timeout at NCCL work: \d)"},
    {"nccl_timeout", "taken down", kCascade, 38,
     R"(NCCL operations have failed or timed out|To avoid data inconsistency|taking the entire process down)"},
    {"nccl_timeout", "dump signal", kCascade, 40, R"(dump signal due to a collective timeout)"},
    {"nccl_timeout", "dump signal", kCascade, 36,
     R"(dump signal from|signal(?:ing|s)? dumping|Flight [Rr]ecorder dump)"},
    {"nccl_timeout", "message", kSymptom, 50, R"((?i)nccl.{0,40}\btime(?:d )?.?out|\bNCCL_TIMEOUT\b)"},
    {"nccl_timeout", "aborted", kCascade, 34,
     R"(NCCL communicator (?:was|has been) aborted|ncclCommAbort|Work was aborted)"},

    // Ascend's collectives, by another name.
    {"nccl_timeout", "hccl", kSymptom, 62,
     R"(EI0002|EI0006|[Ss]tream sync(?:hronize)? timeout|Getting socket times out|wait execution of the Notify register times out|hccl \w+ task timeout occurred)"},
    {"nccl_system_error", "hccl", kSymptom, 60,
     R"(HCCL (?:function )?error|hccl api failed|\bHccl\w+(?:, error code| fail(?:ed)?\b)|EI000[1345]\b)"},

    {"nccl_system_error", "network", kCause, 78,
     R"((?:NCCL|\.h:\d+) WARN .*(?:Call to|call to) (?:connect|recv|send|bind|listen|accept|socket|ibv_\w+|getaddrinfo|poll)\b.*(?:fail|error|returned))"},
    {"nccl_system_error", "infiniband", kCause, 80,
     R"(NET/IB\w{0,2} ?: ?(?:[^ ]+ )?(?:Got completion|.*async fatal event)|ibv_\w+ failed|[Ff]ailed to modify QP|NCCL WARN .*(?:IB|ibv|RoCE|GID).*(?:fail|error|down)|port .* went down)"},
    {"nccl_system_error", "infiniband", kCause, 80, R"(mlx\d: \S+ got completion with error)"},
    // Below an exception: plugins say so too where they fall back, and libraries as they are torn down.
    {"nccl_system_error", "libfabric", kSymptom, 51, R"(NCCL WARN NET/OFI .*(?:completed with error|RC: -?\d))"},
    {"nccl_system_error", "ucx", kSymptom, 51, R"(UCX +ERROR)"},
    {"nccl_system_error", "socket", kSymptom, 60, R"(NCCL WARN ncclSocket\w+)"},
    {"nccl_system_error", "interface", kCause, 79,
     R"(Bootstrap : no socket interface found|NET/Socket : no (?:usable )?(?:interface|socket)|NCCL WARN .*no (?:usable )?(?:socket )?interface|network \S+ not found)"},
    {"nccl_system_error", "socket", kSymptom, 60,
     R"(NCCL WARN .*(?:socketProgress|socketStartConnect|socketPollConnect|socketTryAccept|socketFinalize|Net : |NET/Socket|Timeout waiting|[Cc]onnection (?:refused|reset|timed out)))"},
    {"nccl_system_error", "peer closed", kCascade, 36, R"(Connection closed by remote peer)"},
    {"nccl_system_error", "shared memory segment", kCause, 72,
     R"(NCCL WARN .*(?:shared memory|shm_open|shm segment|/dev/shm|posix_fallocate))"},
    {"nccl_system_error", "system", kSymptom, 66, R"(ncclSystemError|unhandled system error)"},
    {"nccl_system_error", "network", kCause, 92, kGaveUp},
    {"nccl_system_error", "network", kSymptom, 66, kCallFailed},
    {"driver_or_library_mismatch", "library", kSymptom, 57, kNoDriver},
    {"driver_or_library_mismatch", "versions", kCause, 84, kNcclVersion},
    {"config_error", "invalid usage", kSymptom, 57, kNcclArgument},
    {"nccl_system_error", "warning", kSymptom, 46, kNcclWarning},
    // The way that an error took through NCCL, by its number.
    {"nccl_system_error", "call trace", kSymptom, 54, R"(NCCL INFO [\w/]+\.(?:cc|cu|h):\d+ -> 2\b)"},
    {"nccl_system_error", "call trace", kSymptom, 43, R"(NCCL INFO [\w/]+\.(?:cc|cu|h):\d+ -> 3\b)"},
    {"nccl_cuda_error", "call trace", kSymptom, 53, R"(NCCL INFO [\w/]+\.(?:cc|cu|h):\d+ -> 1\b)"},
    {"nccl_system_error", "remote", kSymptom, 44,
     R"(ncclRemoteError|remote process exited or there was a network error)"},
    // MPI's words for its transport; what it was asked for wrongly it says.
    {"nccl_system_error", "remote", kSymptom, 46,
     R"(Fatal error in P?MPI_\w+: Other MPI error|\bMPI_ERR_PROC_FAILED|OFI \w+ failed \(ofi_)"},
    {"nccl_system_error", "internal", kSymptom, 62, R"(ncclInternalError|NCCL error.*internal error)"},
    {"config_error", "one gpu twice", kCause, 84, R"(Duplicate GPU detected)"},
    {"config_error", "invalid usage", kSymptom, 58,
     R"(ncclInvalidUsage|ncclInvalidArgument|NCCL error.*'invalid (?:usage|argument)\b)"},
    {"nccl_cuda_error", "unhandled", kSymptom, 70, R"(ncclUnhandledCudaError|unhandled cuda error)"},
    {"nccl_cuda_error", "failure", kSymptom, 69,
     R"(NCCL WARN (?:.*\] )?Cuda failure|Cuda failure \d*|NCCL WARN .*failed to open CUDA IPC handle)"},
    {"nccl_cuda_error", "failure", kSymptom, 64, R"(NCCL error.*[Cc]uda (?:error|failure))"},

    {"collective_mismatch_hang", "report", kCause, 92,
     R"((?i)mismatch between collective|mismatched collective|Rank (?P<rank>\d+) is running collective|running (?:a )?(?:different|inconsistent) collectives?|collectives? (?:\w+ )?(?:differ|mismatch|are not the same|desync)|collective.*not match)"},
    {"collective_mismatch_hang", "parameters differ", kCause, 90,
     R"(appears not to match (?:sizes|strides) of the same param|DDP expects same model across all ranks|has \d+ params, while rank \d+ has inconsistent)"},
    {"collective_mismatch_hang", "shapes differ", kCause, 90,
     R"(Cannot apply desired operation due to shape mismatches|All shapes across devices must be valid)"},
    {"collective_mismatch_hang", "gloo sizes", kCause, 93,
     R"(op\.preamble\.length <= op\.nbytes|Received data size doesn't match expected size)"},
    {"collective_mismatch_hang", "truncated", kCause, 82, R"(MPI_ERR_TRUNCATE|Message truncated)"},
    {"collective_mismatch_hang", "order", kCause, 80, kOutOfStep},

    {"collective_mismatch_hang", "order", kCause, 80, kRanksDiffer},
    {"collective_mismatch_hang", "order", kCause, 80, R"(loss log variables are different across GPUs)"},
    // Bytes of a peer, read as if it had sent an object.
    {"collective_mismatch_hang", "objects", kSymptom, 81, R"(UnpicklingError|invalid load key)",
     R"(, in (?:\w*gather\w*|\w*broadcast\w*|scatter_object\w*|recv_object\w*|_tensor_to_object)\b)"},
    {"collective_mismatch_hang", "stalled", kSymptom, 66,
     R"(submitted to be reduced, gathered or broadcasted by (?:a )?subset of ranks|\[missing ranks: ?\d)"},
    {"collective_mismatch_hang", "stalled", kSymptom, 64, R"(^(?:Stalled (?:ops|ranks)|Missing ranks):)"},
    {"collective_mismatch_hang", "shapes differ", kCause, 90, R"(Shape mismatch in the collective instance)"},

    {"gloo_error", "connect", kSymptom, 66, kNotConnected},
    {"gloo_error", "timeout", kSymptom, 50,
     R"(Timed out waiting \d+ms for (?:recv|send) operation|/gloo/\S+\] Timed out waiting *$|Application timeout caused pair closure)"},
    {"gloo_error", "barrier", kSymptom, 68,
     R"(Ranks? (?P<rank>\d+)[\d, ]* failed to pass monitoredBarrier|monitoredBarrier|failed to call.*monitored_barrier)"},
    {"gloo_error", "peer closed", kCascade, 36,
     R"(gloo/transport/\S+\] (?:Connection closed by peer|Read error|Write error|Connection reset))"},
    {"gloo_error", "peer closed", kCascade, 34, R"(Connection closed by peer)"},
    {"gloo_error", "enforce", kSymptom, 37,
     R"(gloo::(?:EnforceNotMet|IoException|TimeoutException)|\[enforce fail at \S*gloo)"},
    {"gloo_error", "transport", kSymptom, 33, R"(\[\S*/gloo/\S+\.(?:cc|h):\d+\])"},

    {"rendezvous_failed", "port in use", kCause, 86,
     R"(EADDRINUSE|[Aa]ddress already in use|[Pp]ort \d+ is (?:already )?in use|another process is utilizing it|failed to listen on any local network address|failed to bind to)"},
    {"rendezvous_failed", "port in use", kCause, 86, R"([Pp]ort:? \d+ already in use|because it's already occupied)"},
    {"rendezvous_failed", "members missing", kCause, 78, R"(timed out waiting for all \d+ members)"},
    {"rendezvous_failed", "rendezvous", kCause, 78,
     R"(Rendezvous(?:Timeout|Connection|Closed|State|Graceful\w*)\w*Error|rendezvous.*(?:timed out|failed|closed)|Timed out after \d+ seconds waiting for clients)"},
    {"rendezvous_failed", "store barrier", kCause, 78,
     R"(Timed out initializing process group in store based barrier)"},
    {"rendezvous_failed", "store unreachable", kCause, 78,
     R"(client socket has (?:timed out|failed)|TCP client failed to connect|Failed to connect to .*(?:store|master)|(?:store|master).*(?:connection refused|unreachable))"},
    {"rendezvous_failed", "coordination service", kCause, 78,
     R"(DEADLINE_EXCEEDED: .*(?:Barrier timed out|PjRT_Client_Connect|coordination)|Barrier timed out\. (?:Barrier_i|I)d: |cluster registration failed)"},
    {"rendezvous_failed", "coordination service", kCause, 78,
     R"(Deadline [Ee]xceeded: Failed to connect|Failed to connect to (?:remote server|Ray cluster))"},
    {"rendezvous_failed", "members missing", kCause, 76, kNotJoined},
    {"rendezvous_failed", "resolve", kCause, 76, kNotReached},
    {"rendezvous_failed", "store timeout", kSymptom, 64, R"(get the NCCLUniqueID from the store)"},
    {"rendezvous_failed", "store timeout", kSymptom, 64,
     R"(torch\.distributed\.Dist(?:Store|Network)Error|wait timeout after \d+ms, keys|Socket Timeout|Timeout waiting for key|store->get\(|DistStoreError)"},
    {"rendezvous_failed", "resolve", kCause, 72,
     R"(\[c10d\].*(?:hostname|address|getaddrinfo).*(?:cannot|could not|failed)|MASTER_ADDR.*(?:resolve|invalid)|(?:Name or service not known|Temporary failure in name resolution|No address associated))",
     R"(rendezvous|distributed_c10d|init_process_group|TCPStore)"},
    {"rendezvous_failed", "refused", kCause, 74,
     R"(Connection refused|No route to host|Network is unreachable|[Tt]imed? ?out|Error: (?:\[Errno 104\] )?Connection reset by peer$)",
     R"(rendezvous|init_process_group|TCPStore|init_distributed)"},
    {"rendezvous_failed", "store barrier", kSymptom, 66, R"(Timed out|timed out|[Tt]imeout)",
     R"(store_based_barrier|_store_based_barrier|barrier.*store)"},
    {"rendezvous_failed", "store lost", kCascade, 30,
     R"(TCPStore.*(?:Broken pipe|[Cc]onnection (?:reset|closed|was likely))|failed to check the .?should dump.? flag|sendBytes failed|recvValue failed|Connection was likely closed|While waitForInput, poolFD failed|failed to (?:recv|send), got)"},
    // A traceback that is cut off while ranks find each other.
    {"rendezvous_failed", "joining", kSymptom, 66, R"(^RuntimeError: $)",
     R"((?:init_process_group|distributed_init|init_distributed|_store_based_barrier)\([^\n]*\n*$)"},
    {"config_error", "environment", kCause, 74,
     R"(environment variable (?:RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT|LOCAL_RANK) expected, but not set)"},

    {"process_hung", "heartbeat", kSymptom, 58,
     R"(watchdog got stuck for \d+ seconds|detected no heartbeat of its watchdog|due to ProcessGroupNCCL watchdog hang|Heartbeat monitor timed out|heartbeat.*(?:stopped|timed out|timeout))"},
    {"process_hung", "heartbeat", kSymptom, 58, R"((?:[Tt]asks?\b|/task:\d+).{0,80}stopped sending heartbeats)"},
    {"process_hung", "gil", kSymptom, 57, R"(Could not acquire GIL within|GIL induced hang)"},
    {"process_hung", "no progress", kSymptom, 60, kNoProgress, "", Life::kEnds},
    {"process_hung", "stack dump", kSymptom, 54,
     R"(^Timeout \(\d+:\d+:\d+\)!|(?:[Tt]hread 0x[0-9a-fA-F]+.*|^Stack )\(most recent call first\)|py-spy (?:dump|top)|^Thread (?:0x)?[0-9a-fA-F]+ \((?:idle|active)|^\*? *\d+ +Thread 0x[0-9a-f]+ \(LWP \d+\))"},
    // The kernel calls it INFO, whose weight that lowers.
    {"process_hung", "kernel", kSymptom, 88, R"(task \S+:\d+ blocked for more than \d+ seconds)"},

    {"network_degraded", "link", kCause, 76,
     R"((?i)\blink (?:flap|down|is down|up\b.*down|speed.*(?:degrad|down))|symbol errors?.{0,30}\d|\bports?\b.{0,20}\b(?:flap|down\b)|lanes? (?:degrad|down)|carrier (?:lost|changes))",
     "", Life::kGoesOn},
    {"network_degraded", "link", kCause, 82, R"(Got non-fatal async event)", "", Life::kGoesOn},
    {"network_degraded", "retries", kCause, 76,
     R"((?i)re-?transmi|packet (?:loss|drops?)|rdma.*retr|out.of.sequence|rx_discards|pfc.{0,20}(?:storm|pause)|congest|ECN.marked|retry (?:count|exceeded|exc))",
     "", Life::kGoesOn},
    {"network_degraded", "slow collectives", kCause, 74, kSlowCollective, "", Life::kGoesOn},
    {"straggler", "report", kCause, 76, kStraggler, "", Life::kGoesOn},
};

}  // namespace

std::span<const Signature> CollectiveSignatures() { return kTable; }

}  // namespace rankscope::diagnose
