#include "parse/line_record.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::parse {
namespace {

model::Record Understood(std::string text) {
  model::Record record;
  record.text = std::move(text);
  UnderstandLine(&record);
  return record;
}

double Value(const model::Record& record, std::string_view name) {
  const auto* value = model::FindField(record.fields, name);
  return value ? model::AsNumber(*value).value_or(-1) : -12345;
}

TEST(UnderstandLine, HuggingFaceDict) {
  auto record = Understood("{'loss': 1.2345, 'grad_norm': nan, 'learning_rate': '5e-05', 'epoch': 0.1}");
  EXPECT_EQ(Value(record, "loss"), 1.2345);
  EXPECT_TRUE(std::isnan(Value(record, "gradient_norm")));
  EXPECT_EQ(Value(record, "learning_rate"), 5e-05);
  EXPECT_EQ(Value(record, "epoch"), 0.1);
  EXPECT_TRUE(model::FindField(record.fields, "grad_norm"));
}

TEST(UnderstandLine, ReadsTheNanThatLightningPads) {
  auto record = Understood("Epoch 0:  25%|##        | 250/1000 [00:15<05:10,  3.10it/s, v_num=7, train_loss=nan.0]");
  EXPECT_TRUE(std::isnan(Value(record, "loss")));
}

TEST(UnderstandLine, SwiftDictHasStepTotalAndSpeed) {
  auto record = Understood(
      "{'loss': 1.5, 'learning_rate': 2e-06, 'global_step/max_steps': '5/94', 'memory(GiB)': 4.5, "
      "'train_speed(iter/s)': 0.25}");
  EXPECT_EQ(record.step, 5);
  EXPECT_EQ(Value(record, "total_steps"), 94);
  EXPECT_EQ(Value(record, "gpu_memory_gib"), 4.5);
  EXPECT_EQ(Value(record, "step_time_s"), 4);
}

TEST(UnderstandLine, SwiftsLoggingFileSaysTheSameAsItsLines) {
  auto record = Understood(
      R"({"loss": 1.5, "grad_norm": NaN, "learning_rate": 2e-06, "global_step/max_steps": "5/94", "elapsed_time": "3s"})");
  EXPECT_EQ(record.step, 5);
  EXPECT_EQ(Value(record, "loss"), 1.5);
  EXPECT_TRUE(std::isnan(Value(record, "gradient_norm")));
}

TEST(UnderstandLine, ALoggersNameBehindItsLevelIsNoPartOfTheStepsName) {
  EXPECT_EQ(Understood("2026-01-01 00:00:00,120 INFO trainer step 30/900 loss 3.25 lr 1e-05").step, 30);
  EXPECT_EQ(Understood("2026-01-01 00:00:00,120 - INFO - __main__ - step 30 loss 3.25 lr 1e-05").step, 30);
  EXPECT_EQ(Understood("INFO eval step 30 loss 3.25 lr 1e-05").step, std::nullopt);
  EXPECT_EQ(Understood("the inner step 30 loss 3.25 lr 1e-05").step, std::nullopt);
}

TEST(UnderstandLine, ItCountsStepsBesideALossAlone) {
  EXPECT_EQ(Understood("[rank 1] it 249 loss 2.55").step, 249);
  EXPECT_EQ(Understood("it 2 times, 3.10 it/s, lr 0.1").step, std::nullopt);
}

TEST(UnderstandLine, MemoryMayStandBeforeTheWordForIt) {
  for (const char* text : {"34.5 GiB allocated, 60.1 GiB reserved", "(34.5GB used)", "[GPU: 34.5 GiB peak]",
                           "2.5 GiB free, 34.5 GiB allocated", "mem: 34.5 GB used"}) {
    EXPECT_EQ(Value(Understood("step 30 loss 3.25 lr 1e-05 " + std::string(text)), "gpu_memory_gib"), 34.5) << text;
  }
  for (const char* text : {"34.5 GiB free", "RAM: 34.5 GB used", "34.5 GB/s", "34.5 GiB cached", "34.5 peak"}) {
    EXPECT_EQ(Value(Understood("step 30 loss 3.25 lr 1e-05 " + std::string(text)), "gpu_memory_gib"), -12345) << text;
  }
}

TEST(UnderstandLine, MegatronLine) {
  auto record = Understood(
      " [2026-01-01 00:00:00] iteration       30/     900 | consumed samples: 64 | elapsed time per iteration (ms): "
      "1500.0 | learning rate: 1.5E-05 | global batch size: 8 | lm loss: 3.25E+00 | loss scale: 1.0 | grad norm: 0.75 "
      "|");
  EXPECT_EQ(record.step, 30);
  EXPECT_EQ(Value(record, "total_steps"), 900);
  EXPECT_EQ(Value(record, "step_time_s"), 1.5);
  EXPECT_EQ(Value(record, "loss"), 3.25);
  EXPECT_EQ(Value(record, "learning_rate"), 1.5e-05);
  EXPECT_EQ(Value(record, "gradient_norm"), 0.75);
}

TEST(UnderstandLine, ColouredKeyValues) {
  auto record = Understood("\x1b[31mstep:  5  \x1b[32mloss:  7.98652  grad_norm:  1.25  tps: 7,123\x1b[39m");
  EXPECT_EQ(record.step, 5);
  EXPECT_EQ(Value(record, "loss"), 7.98652);
  EXPECT_EQ(Value(record, "throughput_tokens_per_sec"), 7123);
}

TEST(UnderstandLine, ProseIsNoMetric) {
  for (const char* text : {"line 3:7 loss is 0.123456", "step: 3 of the guide", "{'name': 'x', 'count': 3}",
                           "listening on 127.0.0.1:8080", "Epoch finished"}) {
    EXPECT_TRUE(Understood(text).fields.empty()) << text;
  }
}

TEST(UnderstandLine, Levels) {
  EXPECT_EQ(Understood("[rank0]: RuntimeError: boom").level, "error");
  EXPECT_EQ(Understood("[WARNING] slow").level, "warning");
  EXPECT_EQ(Understood("[rank0]:[E1103 14:05:02.123456 ProcessGroupNCCL.cpp:629] [Rank 0] Watchdog").level, "error");
  EXPECT_EQ(Understood("W1103 14:05:02.123456 140 socket.cpp:752] retry").level, "warning");
  EXPECT_EQ(Understood("[F1103 14:05:02.1 a.cc:1] gone").level, "critical");
  EXPECT_EQ(Understood("node1:123:456 [0] NCCL WARN NET/IB : no completion").level, "warning");
  EXPECT_EQ(Understood("I1103 14:05:02.123456 140 socket.cpp:752] listening").level, "info");
  for (const char* text :
       {"2026-10-01 12:00:00,1 INFO a", "[INFO] b", "INFO:root:f", "x - INFO - y", "[INFO|trainer.py:7] z",
        "2026-10-01 | INFO     | loguru", "node1:123:456 [0] NCCL INFO Bootstrap"}) {
    EXPECT_EQ(Understood(text).level, "info") << text;
  }
  for (const char* text : {"DEBUG e", "[DEBUG] x", "DEBUG:root:f", "[DEBUG/MainProcess] x"})
    EXPECT_EQ(Understood(text).level, "debug") << text;
  for (const char* text : {"INFORMATION about x", "for your info", "NCCL_DEBUG=INFO"}) {
    EXPECT_EQ(Understood(text).level, "") << text;
  }
  EXPECT_EQ(Understood("E1103 is a part number").level, "");
  EXPECT_EQ(Understood("plain").level, "");
}

TEST(RedactSecrets, KeepsThePrefixAndNothingElse) {
  std::string secret(36, 'a');
  for (std::string text : {"token hf_" + secret, "ghp_" + secret, "AKIA" + std::string(16, 'B'),
                           std::string("https://user:pa55word@host/x"), std::string("MY_PASSWORD=hunter2x")}) {
    EXPECT_TRUE(RedactSecrets(&text));
    EXPECT_NE(text.find("[REDACTED]"), std::string::npos);
    for (const char* leaked : {"aaaa", "BBBB", "pa55", "hunter"})
      EXPECT_EQ(text.find(leaked), std::string::npos) << text;
  }
}

TEST(RedactSecrets, NamesTellInAnyCaseAndNotation) {
  for (const char* line : {"password=hunter2horse", "db_password: hunter2horse", "PASSWORD = hunter2horse",
                           "Config(passwd='hunter2 horse')", R"({"api_key": "0123456789", "password": "12345678"})",
                           R"("{\"secret\": \"hunter2horse\"}")", "Authorization: Bearer sk_live_hunter2horse",
                           "curl -H 'authorization: Basic aHVudGVyMmhvcnNl'", "got Bearer sk_live_hunter2horse4711",
                           "hub_token=hunter2horsehunter2", "AWS_SECRET_ACCESS_KEY: hunter2horse",
                           "https://host/?apiKey=hunter2horse", "MY_SECRET_NAME=12345678", "MY_SECRET_2=12345678",
                           "WANDB_API_KEY_10=hunter2horse", "OPENAI_API_KEY_prod=hunter2horse"}) {
    std::string text = line;
    EXPECT_TRUE(RedactSecrets(&text)) << line;
    for (const char* leaked : {"hunter2", "horse", "123456", "aHVudGVy", "sk_live"})
      EXPECT_EQ(text.find(leaked), std::string::npos) << text;
  }
}

TEST(RedactSecrets, ParametersOfUrlsEndWhereTheNextBegins) {
  for (auto [line, redacted] : {std::pair("GET https://h/x?access_token=hunter2hunter2hunter2&x=1 200",
                                          "GET https://h/x?access_token=[REDACTED]&x=1 200"),
                                {"https://h/x?x=1&token=hunter%2F2&y=2", "https://h/x?x=1&token=[REDACTED]&y=2"},
                                {"https://h/x?api_key=hunter2&hunter2", "https://h/x?api_key=[REDACTED]"},
                                {"{'password': 'hunter2&x=1'}", "{'password': '[REDACTED]'}"}}) {
    std::string text = line;
    EXPECT_TRUE(RedactSecrets(&text)) << line;
    EXPECT_EQ(text, redacted);
  }
}

TEST(RedactSecrets, AnAmpersandEndsNoVariablesValue) {
  for (auto [line, redacted] : {std::pair("DB_PASSWORD=p4ss&w0rd=x1", "DB_PASSWORD=[REDACTED]"),
                                {"env DB_PASSWORD=p4ss&w0rd=x1 python", "env DB_PASSWORD=[REDACTED] python"},
                                {"password: p4ss&w0rd=x1", "password: [REDACTED]"}}) {
    std::string text = line;
    EXPECT_TRUE(RedactSecrets(&text)) << line;
    EXPECT_EQ(text, redacted);
  }
}

TEST(RedactSecrets, LeavesMetricsAndTokenizersAlone) {
  for (const char* line :
       {"token: 0.5123456", "tokens=512", "num_tokens: 10241024", "password_loss: 0.1234567", "password: 0.12345678",
        "eos_token: <|endoftext|>", "{'pad_token': '<|im_end|>', 'token': 'unexpected'}", "secret::Manager: loaded",
        "invalid token: expected_identifier", "monkey: business-as-usual", "next_token=1024000000000000000"}) {
    std::string text = line;
    EXPECT_FALSE(RedactSecrets(&text)) << text;
    EXPECT_EQ(text, line);
  }
}

TEST(RedactSecrets, LeavesOrdinaryLinesAlone) {
  for (std::string text : {std::string("tokens/s: 78400 hf_model loaded from https://host/a:b@c"),
                           std::string("sk-short"), std::string("{'loss': 1.0, 'num_tokens': 1024}")}) {
    std::string before = text;
    EXPECT_FALSE(RedactSecrets(&text));
    EXPECT_EQ(text, before);
  }
}

TEST(LineRecord, StepThatIsNoCountIsNone) {
  for (const char* step : {"nan", "inf", "-3", "1e300"}) {
    model::Record record;
    record.text = std::string("step: ") + step + " loss: 1.5 lr: 0.1";
    UnderstandLine(&record);
    EXPECT_FALSE(record.step) << step;
  }
}

TEST(LineRecord, ProgressBarsTellTheStep) {
  model::Record record;
  record.text = "{'loss': 1.25, 'epoch': 0.5}  20%|##        | 40/200 [01:00<04:00,  1.50s/it]";
  UnderstandLine(&record);
  EXPECT_EQ(record.step, 40);
  EXPECT_EQ(*model::FindField(record.fields, "total_steps"), model::FieldValue(200.0));
  EXPECT_EQ(*model::FindField(record.fields, "step_time_s"), model::FieldValue(1.5));
}

TEST(LineRecord, BarsOfLoadingAndMappingAreNoSteps) {
  for (const char* label : {"Loading weights: ", "Map: ", "Fetching 3 files: "}) {
    model::Record record;
    record.text = std::string(label) + "100%|##########| 15/15 [00:00<00:00, 16439.66it/s]";
    UnderstandLine(&record);
    EXPECT_FALSE(record.step) << label;
  }
  for (const char* label : {"Train: ", " ", "Epoch 2: ", "Steps: "}) {
    model::Record record;
    record.text = std::string(label) + "100%|##########| 15/15 [00:00<00:00, 16439.66it/s]";
    UnderstandLine(&record);
    EXPECT_EQ(record.step, 15) << label;
  }
}

TEST(LineRecord, WordBeforeTheNameMakesItAnother) {
  model::Record record;
  record.text = "step 10 | val loss 2.5 | aux loss 0.1 | lr 0.001";
  UnderstandLine(&record);
  EXPECT_EQ(model::FindField(record.fields, "loss"), nullptr);
}

TEST(LineRecord, NumberedNamesBeforeALossAreOtherLosses) {
  auto record = Understood("iteration 7/ 90 | mtp_1 loss: 9.5 | lm loss: 8.25 | learning rate: 1.0E-04 |");
  EXPECT_EQ(Value(record, "loss"), 8.25);
  EXPECT_EQ(Value(Understood("epoch 2 step 40 loss 1.5"), "loss"), 1.5);
}

TEST(LineRecord, AnNllLossIsTheLossWhereNoOtherStandsBeforeIt) {
  EXPECT_EQ(Value(Understood("epoch 2 | step 40 | nll_loss 3.25 | lr 0.5"), "loss"), 3.25);
  EXPECT_EQ(Value(Understood("epoch 2 | step 40 | loss 4.5 | nll_loss 3.25 | lr 0.5"), "loss"), 4.5);
  EXPECT_EQ(model::FindField(Understood("epoch 2 | step 40 | valid_nll_loss 3.25 | lr 0.5").fields, "loss"), nullptr);
}

TEST(LineRecord, NamesBehindASlashThatEndsAValueCount) {
  auto record = Understood("epoch=1/micro_step=80/global_step=20, RunningAvgSamplesPerSec=7.5, MemAllocated=3.5GB");
  EXPECT_EQ(record.step, 20);
  EXPECT_FALSE(Understood("critic/vf_2/loss=0.5 critic/vf_2/lr=0.1 epoch=3").step);
  EXPECT_EQ(model::FindField(Understood("critic/vf_2/loss=0.5 epoch=3 step=4").fields, "loss"), nullptr);
}

TEST(LineRecord, BracketsBehindALabelTellEpochAndStep) {
  for (const char* line : {"Epoch(train)  [3][  40/500]  lr: 0.5  loss: 1.25", "Epoch: [3][  40/500]\tLoss 1.25 (1.5)",
                           "INFO Train: [3/90][40/500] lr 0.5 loss 1.25 (1.5)",
                           "[07:08:09] Epoch: [3]  [ 40/500]  eta: 0:01:02  lr: 0.5  loss: 1.25 (1.5)"}) {
    auto record = Understood(line);
    EXPECT_EQ(record.step, 40) << line;
    EXPECT_EQ(Value(record, "total_steps"), 500) << line;
    EXPECT_EQ(Value(record, "epoch"), 3) << line;
    EXPECT_EQ(Value(record, "loss"), 1.25) << line;
  }
  EXPECT_EQ(Understood("Iter(train) [   40/8000]  lr: 0.5  loss: 1.25").step, 40);
  EXPECT_FALSE(Understood("Epoch(val)  [3][  40/500]  lr: 0.5  loss: 1.25").step);
}

TEST(LineRecord, DictsOfOtherTrainersAreMetrics) {
  auto logged = Understood(R"({"current_steps": 35, "total_steps": 900, "loss": 0.75, "lr": 0.5})");
  EXPECT_EQ(logged.step, 35);
  auto quoted =
      Understood(R"(| INFO | train | {"epoch": 2, "train_loss": "5.5", "train_lr": "0.5", "train_gnorm": "1.25"})");
  EXPECT_EQ(Value(quoted, "loss"), 5.5);
  EXPECT_EQ(Value(quoted, "gradient_norm"), 1.25);
}

TEST(LineRecord, PlansSummariesAndAddressesAreNoMetrics) {
  for (const char* text :
       {"config: {'learning_rate': 5e-05, 'max_steps': -1}", "{'train_runtime': 8.5, 'train_loss': 1.5, 'epoch': 3.0}",
        "wandb: Run summary: train/loss 1.5", "wandb:   train/learning_rate 0.5",
        "Resuming from epoch 3, step 450, lr 0.5", "http://host:80/metrics?step=10&loss=2&epoch=1",
        "Test Epoch: 3 [10/100 (10%)] Loss: 0.5", "cpu 12 mem 34 step 5 time 3",
        "validation | step 50 | loss 2.5 | ppl 12.5", "[eval] step: 50 loss: 2.5", "Evaluation: loss=2.5 step=50",
        "2026-01-02 | INFO | valid | epoch 003 | loss 2.5 | num_updates 50"}) {
    EXPECT_TRUE(Understood(text).fields.empty()) << text;
  }
  EXPECT_EQ(Value(Understood("{'lr': 0.5, 'global_step': 4}"), "learning_rate"), 0.5);
  EXPECT_EQ(Understood("step=150, skipped=3, lr=[0.5, 0.5], mom=[(0.9, 0.95)]").step, 150);
}

TEST(LineRecord, NamesThatBeginLikeAnEvaluationTellNothing) {
  for (const char* line :
       {"[test-7b] step: 50 loss: 2.5", "step: 50 - val/acc:0.5 - loss: 2.5", "step: 50 | loss: 2.5, val: n/a",
        "step: 50 | loss: 2.5 | val: 2.75", "step 50 - loss: 2.5 - test: 0.75"}) {
    EXPECT_EQ(Value(Understood(line), "loss"), 2.5) << line;
  }
}

TEST(LineRecord, NumbersOfNumpyAndThoseThatAreNoneAreValues) {
  auto record = Understood("step:8 - actor/grad_norm:np.float64(0.25) - actor/lr:np.float64(1e-06)");
  EXPECT_EQ(Value(record, "gradient_norm"), 0.25);
  EXPECT_EQ(Value(record, "learning_rate"), 1e-06);
  EXPECT_TRUE(std::isinf(Value(Understood("step 4 loss nan grad_norm inf lr 0.5"), "gradient_norm")));
}

TEST(LineRecord, MemoryIsInGibibytesWhateverItsUnit) {
  for (const char* memory :
       {"mem 2.00 GiB", "memory: 2048MB", "peak_memory_usage: 2147483648", "max mem 2.0GB", "mem_alloc 2.0 GiB",
        "gpu_mem=2GB", "VRAM: 2.0/80 GB", "vram 2.0 / 80.0 GiB", "max_memory_allocated 2.0G", "memory (MiB) 2048",
        "GPU memory used: 2.0 GiB", "mem_allocated(GiB): 2.0", "cuda memory allocated 2147483648 bytes",
        "device_mem_gb=2", "peak_alloc_mib: 2048"}) {
    model::Record record;
    record.text = std::string("step 3 loss 1.5 ") + memory;
    UnderstandLine(&record);
    EXPECT_EQ(record.step, 3) << memory;
    const auto* value = model::FindField(record.fields, "gpu_memory_gib");
    ASSERT_NE(value, nullptr) << memory;
    EXPECT_DOUBLE_EQ(*model::AsNumber(*value), 2) << memory;
  }
}

TEST(LineRecord, MemoryOfTheHostOrThatIsLeftOrWithoutAUnitIsNotTheGpus) {
  for (const char* memory : {"cpu_mem 2.0 GiB", "host memory: 2.0 GB", "free mem 2.0 GiB", "mem_total=2GB",
                             "gpu_mem_limit: 2.0 GB", "mem_alloc 2.0", "memory_efficient 1", "shm_mem 2.0G"}) {
    auto record = Understood(std::string("step: 3 | loss: 1.5 | lr: 0.1 | ") + memory);
    EXPECT_EQ(model::FindField(record.fields, "gpu_memory_gib"), nullptr) << memory;
  }
  EXPECT_EQ(Value(Understood("{'loss': 1.5, 'step': 3, 'max_memory_allocated_gb': 2.0}"), "gpu_memory_gib"), 2);
}

}  // namespace
}  // namespace rankscope::parse
