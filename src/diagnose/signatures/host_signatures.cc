#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// The node's memory, shared memory, descriptors and threads, and processes that crash by themselves.
constexpr Signature kTable[] = {
    {"host_oom_killed", "kernel", kCause, 94,
     R"([Oo]ut of memory: Kill(?:ed)? process|oom-kill:|oom_reaper|Memory cgroup out of memory|invoked oom-killer)"},
    {"host_oom_killed", "evicted", kCause, 93, R"(node was low on resource: memory\b)"},
    {"host_oom_killed", "cgroup", kCause, 93,
     R"((?i)oom[_-]?kill(?:ed)? event|\bOOMKilled\b|\bOUT_OF_MEMORY|TERM_MEMLIMIT|exceeded (?:job |step )?memory limit|job killed: [vp]?mem \d+\w* exceeded|srun: error: \S+ tasks? [\d,-]+: out of memory|killed by the (?:kernel )?oom.?killer|oom[ -]killer|Some of your processes may have been killed by the cgroup out-of-memory handler)"},
    {"host_oom_killed", "python", kCause, 83, R"(\bMemoryError\b|Unable to allocate [\d.]+ (?:[KMGT]i?B|bytes))"},
    {"host_oom_killed", "cpu allocator", kCause, 88,
     R"(DefaultCPUAllocator: (?:can't allocate|not enough) memory|DefaultCPUAllocator.*allocate)"},
    {"host_oom_killed", "allocation", kCause, 80, R"(\[Errno 12\]|std::bad_alloc|\bbad_alloc\b)"},
    {"host_oom_killed", "allocation", kCause, 74, R"([Cc]annot allocate memory|memory allocation of \d+ bytes failed)"},
    {"host_oom_killed", "ray", kCause, 90,
     R"(killed due to (?:the node running low on memory|memory pressure)|node running low on memory|workers? killed .*(?:OOM|memory)|ray\.exceptions\.OutOfMemoryError|memory on (?:the )?node .* (?:was|is) [\d.]+GB / )"},

    {"dataloader_worker_killed", "worker", kCause, 80,
     R"(DataLoader worker \(pid(?:\(s\))? ?[\d, ]+\) (?:is killed by signal|exited unexpectedly|has been killed))"},
    {"dataloader_worker_killed", "worker", kCause, 72,
     R"(Pin memory thread exited unexpectedly|[Dd]ata ?[Ll]oader (?:worker|process).*(?:killed|died|exited|crash)|DataLoader \d+ workers exit unexpectedly|background workers are no longer alive|Abort event was set\. So someone died|unable to start DataLoader worker)"},
    // torch's own handler of signals says it in a worker, and nowhere else.
    {"dataloader_worker_killed", "worker", kCause, 80,
     R"(Unexpected (?:segmentation fault|floating-point exception) encountered in worker)"},
    {"dataloader_worker_killed", "worker", kCause, 72,
     R"((?:Error|Exception)\b.*(?:[Dd]ata ?[Ll]oad\w*|[Pp]refetch\w*|[Pp]reprocess\w*|[Dd]ata worker)\b.{0,40}\b(?:worker|process|thread)\w*\b.{0,40}\b(?:died|dead|exited|crashed|was killed))"},
    {"dataloader_worker_killed", "silent", kSymptom, 66,
     R"(Error\b.*(?:DataLoader timed out after \d+ seconds|[Dd]ata ?[Ll]oad\w* worker timed out))"},
    {"dataloader_worker_killed", "preprocessing", kCause, 72,
     R"(One of the subprocesses has abruptly died|process in the process pool was terminated abruptly|BrokenProcessPool)"},
    {"dataloader_worker_killed", "sharing lost", kSymptom, 68,
     R"(ConnectionResetError|EOFError|ConnectionRefusedError|FileNotFoundError: \[Errno 2\] No such file or directory$)",
     R"(rebuild_storage|torch/multiprocessing/reductions|resource_sharer|_utils/pin_memory|rebuild_connection)"},

    {"shared_memory_exhausted", "bus error", kCause, 92,
     R"([Ii]nsufficient shared memory|is killed by signal: Bus error|out of shared memory|Bus error.*(?:shared memory|shm))"},
    {"shared_memory_exhausted", "allocation", kCause, 86,
     R"(unable to (?:allocate|open|write to|resize|mmap|create) (?:shared memory|(?:\d+ bytes from )?file <?/?torch)|unable to open shared memory object|Error while (?:creating|attaching to) shared memory|shm_open.*(?:fail|No space)|could not (?:unlink|create) (?:the )?shared memory)"},
    {"shared_memory_exhausted", "no space", kCause, 90,
     R"(/dev/shm.*(?:No space left|full|insufficient|exhausted|too small)|No space left.*(?:/dev/shm|shared memory|shm)|increase .*(?:shm|shared memory))"},
    {"shared_memory_exhausted", "semaphore", kCause, 90, R"(No space left on device|\[Errno 28\])",
     R"(multiprocessing/(?:synchronize|shared_memory|heap|popen)|SemLock|_multiprocessing)"},

    {"too_many_open_files", "descriptors", kCause, 91, R"(Too many open files|\bEMFILE\b|\bENFILE\b)"},
    {"too_many_open_files", "descriptors", kCause, 88, R"(received \d+ items of ancdata)"},
    {"too_many_open_files", "threads", kCause, 84,
     R"(can't start new thread|[Pp]thread_create (?:failed|returned)|pthread_create.*Resource temporarily|unable to create (?:new native )?thread|Thread creation failed|libgomp: .*[Tt]hread)"},
    {"too_many_open_files", "processes", kCause, 76, R"(Resource temporarily unavailable|\[Errno 11\])"},

    {"segfault_sigsegv", "SIGSEGV", kCause, 78,
     R"(Fatal Python error: Segmentation fault|Segmentation fault|Segfault encountered|Caught signal 11|Unexpected segmentation fault|segfault at [0-9a-f]+)"},
    {"segfault_sigsegv", "SIGSEGV", kOutcome, 62,
     R"(SIGSEGV|\b[Ss]ignal 11\b|(?:exit ?|with )code *(?::|=)? ?(?:-11|139)\b|return code (?:= )?(?:-11|139)\b|\((?:-11|139)\))"},
    {"segfault_sigsegv", "SIGSEGV", kOutcome, 62, R"(status failed cmd .* code -11\b|^= +EXIT CODE: (?:11|139)\b)"},
    {"segfault_sigsegv", "SIGABRT", kSymptom, 60,
     R"(malloc\.c:\d+: \w+: Assertion|^\S+: \S+\.(?:c|cc|cpp|cxx|cuh?|h|hpp):\d+: .*: Assertion .*' failed\.$)"},
    // glog and what came after it abort with a line of level F.
    {"segfault_sigsegv", "SIGABRT", kSymptom, 60,
     R"(\bF\d{4} \d\d:\d\d:\d[\d.:]* +\d+ \S+\.(?:cc|cpp|cxx|cu|cuh|h|hpp):\d+\] |\bF (?:\./)?(?:tensorflow|external|xla)/\S+:\d+\] )"},
    {"segfault_sigsegv", "SIGABRT", kSymptom, 46, R"(status failed cmd .* code -6\b|^= +EXIT CODE: (?:6|134)\b)"},
    {"segfault_sigsegv", "SIGBUS", kCause, 64, R"(status failed cmd .* code -7\b)"},
    {"segfault_sigsegv", "SIGABRT", kCause, 80,
     R"(double free or corruption|free\(\): invalid|malloc\(\):|munmap_chunk\(\)|corrupted (?:size|double-linked)|stack smashing detected|realloc\(\): invalid|pure virtual method called|malloc_consolidate)"},
    {"segfault_sigsegv", "SIGABRT", kSymptom, 46,
     R"(Fatal Python error: Aborted|Signal: Aborted|SIGABRT|\b[Ss]ignal 6\b|(?:exit ?|with )code *(?::|=)? ?(?:-6|134)\b|return code (?:= )?(?:-6|134)\b|Aborted +\(core dumped\)|^Aborted$|srun: error: .*: Aborted|terminate called (?:after throwing|without an active|recursively))"},
    {"segfault_sigsegv", "SIGBUS", kCause, 64,
     R"(Fatal Python error: Bus error|Signal: Bus error|SIGBUS|\b[Ss]ignal 7\b|(?:exit ?|return |with )code *(?::|=)? ?(?:-7|135)\b|(?:^|srun: error: .*: |: line \d+: +\d+ )Bus error)"},
    {"segfault_sigsegv", "SIGFPE", kCause, 68,
     R"(Fatal Python error: Floating point exception|SIGFPE|\b[Ss]ignal 8\b|(?:exit ?|return |with )code *(?::|=)? ?(?:-8|136)\b|Floating[- ]point exception)"},
    {"segfault_sigsegv", "SIGILL", kCause, 70,
     R"(Fatal Python error: Illegal instruction|SIGILL|\b[Ss]ignal 4\b|(?:exit ?|return |with )code *(?::|=)? ?(?:-4|132)\b|Illegal instruction)"},
};

}  // namespace

std::span<const Signature> HostSignatures() { return kTable; }

}  // namespace rankscope::diagnose
