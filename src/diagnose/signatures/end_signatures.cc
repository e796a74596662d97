#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {
namespace {

using enum Role;

// The launcher or the scheduler of actors says that one of its processes failed: enough to know that, and no more.
constexpr int kEndedSomehow = 38;

// How services that run jobs note that one failed.
constexpr std::string_view kNotedByServices =
    R"(: [1-9]\d* ?/ ?\d+ failed, log is in\b)"
    R"(|(?i:\b(?:training|run|job|trial|task)) (?:has )?(?:failed|crashed): (?:[\w.]+\.)?[A-Z]\w*(?:Error|Exception)\b)"
    R"(|(?i:\b(?:job|run|trial|task|training|experiment|workflow|pod)?[_ ]?(?:status|state|phase)\b\W{1,4}(?:event\W{1,3})?(?:failed|crashed)["'}\s.]*$))";

constexpr std::string_view kRaisedByLaunchers =
    R"(ChildFailedError|CalledProcessError|ProcessRaisedException|ProcessExitedException|Killing subprocess|FAILED \()"
    R"(|RayTaskError|RayActorError|ActorDiedError|WorkerCrashedError|Root Cause \(first observed failure\))"
    R"(|ExecuteUserScriptError|AlgorithmError: |[Tt]raining job failed|Job '\S+' failed|entrypoint command failed)"
    R"(|Error executing job with overrides)";

// How it ended: schedulers, launchers, signals, exit codes. The codes' tables are read by exits.h.
constexpr Signature kTable[] = {
    {"sigterm_preempted", "preempted", kCause, 90,
     R"(DUE TO PREEMPTION|(?i:\bpreempted\b(?:[^,]|$)|preemption (?:notice|signal|detected|requested)|spot (?:instance )?(?:interrupt|reclaim|terminat)\w*|instance .*will be (?:reclaimed|terminated)|termination is imminent|power key pressed|maintenance event|node .*(?:is being |will be )?drain))"},
    {"sigterm_preempted", "preempted", kCause, 90,
     R"(^\S+ +\d+/\d+ +Evicted\b|(?:[Rr]eason|Status): +Evicted\b|\b(?:[Pp]od|[Nn]ode|[Jj]ob|[Ii]nstance|[Cc]ontainer)\b.{0,40} evicted\b)"},
    {"sigterm_preempted", "time limit", kCause, 90,
     R"(DUE TO TIME LIMIT|DUE TO JOB REQUEUE|(?i:wall ?time (?:limit )?(?:exceeded|reached)|time limit (?:reached|exceeded)|reached (?:the )?time limit|exiting (?:program )?after \d+(?:\.\d+)? minutes)|TERM_RUNLIMIT|DeadlineExceeded)"},
    {"sigterm_preempted", "time limit", kCause, 90,
     R"((?i)exceeded its time limit|allocation has been revoked|walltime \d+ exceeded limit)"},
    // LSF's words, and PBS's.
    {"sigterm_preempted", "preempted", kCause, 90, R"(\bTERM_PREEMPT\b)"},
    {"sigterm_preempted", "cancelled", kCause, 84,
     R"(\bTERM_(?:OWNER|ADMIN|FORCE_\w+): |PBS: job \S+ deleted by|^[Jj]ob \d\S* deleted by \S+@)"},
    {"sigterm_preempted", "cancelled", kCause, 84,
     R"(slurmstepd: error: \*\*\* (?:JOB|STEP) \S+ .*CANCELLED|CANCELLED AT|DUE TO NODE FAILURE|job .*(?:was )?cancell?ed by|scancel)"},
    {"sigterm_preempted", "launcher signalled", kSymptom, 66,
     R"(SignalException: Process \d+ got(?: signal: (?:1|2|15)\b| ?\w*$)|got signal: (?:1|2|15)\b|Received (?:Signals\.SIG(?:TERM|INT|HUP)|\d+) death signal|Received death signal)"},
    {"sigterm_preempted", "signal", kSymptom, 64,
     R"((?i)(?:received|receiving|caught|got|trapped|intercepted|handling) (?:signal )?(?:SIGTERM|SIGUSR[12]|SIGINT|SIGHUP|signal 15|signal 1[02]|termination signal|terminate signal)|SIG(?:TERM|USR[12]|HUP)\b.{0,20}(?:received|caught|handler)|signal handler called with signal|Bypassing SIGTERM|Handling (?:auto-requeue )?signal|received signal: (?:15|Terminated))"},
    {"sigterm_preempted", "interrupt", kSymptom, 46, R"(^KeyboardInterrupt\b|Detected KeyboardInterrupt)"},
    {"sigterm_preempted", "terminated", kOutcome, 40,
     R"(^\S+: line \d+: +\d+ Terminated\b|^Terminated(?:$|[^ \w]|  +\S)|srun: error: \S+: tasks? [\d,-]+: Terminated\b|^the command ended: SIG(?:TERM|INT|HUP)\b|Signal 15 \(SIGTERM\)|exit ?code *(?::|=)? ?(?:-15|143)\b|return code (?:= )?(?:-15|143)\b)"},
    {"sigterm_preempted", "closing", kCascade, 20, R"(Sending process \d+ closing signal|closing signal SIG)"},
    {"sigterm_preempted", "forced", kCascade, 20, R"(forcefully exiting via Signals\.SIGKILL)"},

    {"host_oom_killed", "sigkill_unexplained", kOutcome, 58,
     R"(Signal 9 \(SIGKILL\)|exit ?code *(?::|=)? ?(?:-9|137)\b|(?:^|[^h] |(?:[^s]|[^e]s) with )return code (?:= )?(?:-9|137)\b|exit(?:ed)? (?:with )?(?:status code|status|code) (?:-9|137)\b|signal: ?9\b|on signal 9\b|[Ss]ignal 9\b|died with <Signals\.SIGKILL|received SIGKILL|\bSIGKILL\b)"},
    {"host_oom_killed", "sigkill_unexplained", kOutcome, 60,
     R"(^\S+: line \d+: +\d+ Killed\b|^\d{2,} Killed {2,}\S|^Killed(?:$|[^ \w]|  +\S)|srun: error: \S+: tasks? [\d,-]+: Killed\b|PE RANK \d+ exit signal Killed\b)"},

    // Python ends with 1 after any exception; another code is the program's own doing.
    {"python_exception_one_rank", "exit code", kOutcome, 50,
     R"((?:srun: error: .*: Exited with exit code |process \d+ terminated with exit code |^ *Exit code: +|failed \(exitcode: ?|^exitcode +: )(?:[2-9]|[1-9]\d|2\d\d)\b)"},
    // Of torchelastic's table; what stands above it tells more, if it is not cut off.
    {"python_exception_one_rank", "exit code", kOutcome, 36, R"(^exitcode +: 1\b)"},
    // As the keeper says it.
    {"python_exception_one_rank", "exit code", kOutcome, 50, R"(\brank \d+ ended: exit (?:[2-9]|[1-9]\d|2\d\d)\b)"},
    {"python_exception_one_rank", "exit code", kOutcome, 38, R"(\brank \d+ ended: exit 1\b)"},
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(failed \(exitcode: ?\d+\)|exit ?code ?: ?[1-9]\d*\b|terminated with exit code [1-9]|^ *Exit code: +[1-9]|exits with return code = [1-9]|[Ee]xited with (?:exit )?code [1-9]|non-zero exit (?:status|code))"},
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(Process finished with exit code -?[1-9]|A worker died or was killed while executing a task|trainer process with rank=\[[\d, ]+\] was aborted|exit(?:ed)? (?:with )?status (?:code )?[1-9]|torchelastic\.worker\.status\.FAILED)"},
    // vLLM's and text-generation-inference's.
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(Worker proc \S+ died unexpectedly|\bShard \d+ failed to start)"},
    // Composer's launcher, Paddle's, MPICH's, ColossalAI's and Monarch's.
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"([Rr]ank \d+ (?:\(PID \d+\) )?(?:crashed|exited) with (?:exit )?code [1-9]|Container rank \d+ status failed|exit status of rank \d+: return code [1-9])"},
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(Failed to launch worker processes|failed to run torchrun|Unhandled mesh failure)"},
    {"python_exception_one_rank", "exit code", kOutcome, 38, R"(srun: error: Task launch for \S+ failed)"},
    // SkyPilot's: "[137, 1] (A Worker failed with return code 1, SkyPilot cleaned up the processes on other nodes".
    {"python_exception_one_rank", "exit code", kOutcome, 38, R"(\bJob \d+ failed with return code list: *\[)"},
    // Flux's.
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(\brank \d+ on (?:host )?\S+ (?:failed and exit-on-error is set|exited and exit-timeout=\S+ has expired))"},
    {"python_exception_one_rank", "exit code", kOutcome, 38, kNotedByServices},
    {"host_oom_killed", "sigkill_unexplained", kOutcome, 58, R"(status failed cmd .* code -9\b)"},
    // Lightning's launcher, Open MPI and MPICH.
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(Child process with PID \d+ terminated with code [1-9])"},
    {"host_oom_killed", "sigkill_unexplained", kOutcome, 58,
     R"(Child process with PID \d+ terminated with code -9\b|KILLED BY SIGNAL: 9\b|^= +EXIT CODE: (?:9|137)\b)"},
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(MPI_ABORT was invoked on rank \d+|application called MPI_Abort\(|BAD TERMINATION OF ONE OF YOUR APPLICATION)"},
    {"python_exception_one_rank", "exit code", kOutcome, 38,
     R"(Horovod has been shut down\. This (?:was|has been) ca)"},
    {"python_exception_one_rank", "launcher", kCascade, kEndedSomehow,
     R"(its worker process has died|MPI communication peer process has unexpectedly disconnected)"},
    {"python_exception_one_rank", "launcher", kCascade, kEndedSomehow, kRaisedByLaunchers},
    // As mp.spawn of before 1.8 has it.
    {"python_exception_one_rank", "launcher", kCascade, kEndedSomehow,
     R"(^Exception: *(?:$|-- Process \d+ terminated with))", R"(multiprocessing/spawn\.py)"},
};

}  // namespace

std::span<const Signature> EndSignatures() { return kTable; }

}  // namespace rankscope::diagnose
