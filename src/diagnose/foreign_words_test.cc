#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

struct Words {
  const char* failure;
  const char* text;
};

const Words kWords[] = {
    {"host_oom_killed",
     "OSError: [WinError 1455] Die Auslagerungsdatei ist zu klein. Error loading \"C:\\venv\\c.dll\""},
    {"disk_full", "OSError: [WinError 112] There is not enough space on the disk: 'D:\\\\runs'"},
    {"permission_denied", "OSError: [WinError 1314] A required privilege is not held by the client"},
    {"driver_or_library_mismatch",
     "OSError: [WinError 127] Error loading \"C:\\venv\\lib\\shm.dll\" or one of its parts"},
    {"rendezvous_failed", "OSError: [WinError 10048] Only one usage of each socket address is permitted"},
    {"rendezvous_failed", "OSError: [Errno 98] Die Adresse wird bereits verwendet"},
    {"segfault_sigsegv", "subprocess.CalledProcessError: Command 'train.py' returned non-zero exit status 3221225477."},
    {"segfault_sigsegv", "Process finished with exit code -1073741819 (0xC0000005)"},
    {"segfault_sigsegv", "Process finished with exit code -1073740791 (0xC0000409)"},
    {"sigterm_preempted", "Process finished with exit code -1073741510 (0xC000013A: interrupted by Ctrl+C)"},
    {"host_oom_killed", "[>>>>>   ] 321/384, 4.0 task/s, ETA: 15s已杀死"},
    {"host_oom_killed", "run.sh: Zeile 3:  4711 Getötet                python train.py"},
    {"segfault_sigsegv", "段错误 (核心已转储)"},
    {"segfault_sigsegv", "Speicherzugriffsfehler (Speicherabzug geschrieben)"},
    {"segfault_sigsegv", "Ошибка сегментирования (стек памяти сброшен на диск)"},
    {"disk_full", "cp: write error: 设备上没有空间"},
    {"permission_denied", "bash: ./train.sh: 权限不够"},
    {"too_many_open_files", "OSError: 打开的文件过多"},
    {"host_oom_killed", "OSError: [Errno 12] 无法分配内存"},
    {"missing_dependency_import_error", "bash: torchrun: 未找到命令"},
};

TEST(ForeignWords, AreKnownByTheirNumbersAndTranslations) {
  for (const Words& words : kWords) {
    Verdict verdict = JudgeLog(std::string("loading the model\n") + words.text + "\n");
    EXPECT_EQ(verdict.failure, words.failure) << words.text << "\n  root: " << verdict.root_line;
  }
}

TEST(ForeignWords, OfWhatGoesOnAreNone) {
  for (const char* text :
       {"reserved memory 3221225495 bytes", "dataset size 3221225794 bytes", "段错误: 0", "他已放弃了计划",
        "权限不够的样本", "Beendet: Training nach 400 Schritten", "Ucciso il processo vecchio",
        "page 3221225477 of the corpus", "loss scale 0xC0000005",
        "[W socket.cpp:663] [c10d] The client socket has failed to connect "
        "to [host]:29500 (system error: 10049 - The requested address is not valid in its context.).",
        "样本: 他已杀死了龙"}) {
    EXPECT_TRUE(JudgeLog(Steps(1, 4) + text + "\n" + Steps(5, 9)).healthy) << text;
  }
}

TEST(ForeignWords, ServicesTellHowTheirJobsEnded) {
  for (const char* text : {"job 7 of ann: training failed: ValueError", "run 7 moves on, run_status: failed",
                           "phase: Failed", "run.pl: 3 / 32 failed, log is in exp/stats.*.log"}) {
    EXPECT_EQ(JudgeLog(Steps(1, 4) + text + "\n").failure, "python_exception_one_rank") << text;
  }
  for (const char* text :
       {"status: finished", "trial status: running", "Rewards: 12/64 failed verification", "status: failed=0 ok=8",
        "state - failed: 0, running: 8", "notify_on: [status: failed, status: finished]", "previous run state: failed",
        "0 of 4 jobs failed", "run.pl: 0 / 32 failed"}) {
    EXPECT_TRUE(JudgeLog(Steps(1, 4) + text + "\n").healthy) << text;
  }
}

TEST(ForeignWords, AMeasuredWaitForDataIsNoBottleneck) {
  EXPECT_TRUE(JudgeLog(Steps(1, 9) + "epoch 1 took 6.8 s, of which waiting for data took 0.4 s\n").healthy);
  for (const char* text : {"waiting for next batch: 0.004s", "waiting for batch, 0.2 ms", "waiting for data: 3 ms",
                           "waiting for data from queue avg 0.01"})
    EXPECT_TRUE(JudgeLog(Steps(1, 9) + text + "\n").healthy) << text;
  EXPECT_EQ(JudgeLog(Steps(1, 9) + "step 9: waiting for data from rank 3\n").failure, "data_loading_bottleneck");
  EXPECT_EQ(JudgeLog(Steps(1, 9) + "GPUs idle, waiting for data\n").failure, "data_loading_bottleneck");
}

}  // namespace
}  // namespace rankscope::diagnose
