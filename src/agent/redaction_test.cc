#include "agent/redaction.h"

#include <gtest/gtest.h>

namespace rankscope::agent {
namespace {

TEST(Redaction, EnvironmentKeepsNamesAndLosesSecrets) {
  const char* environment[] = {
      "RANK=3", "WANDB_API_KEY=0123456789", "HF_TOKEN=x", "odd", "PROXY=http://me:hunter22@proxy:3128", "EMPTY_TOKEN=",
      nullptr};
  EXPECT_EQ(RedactedEnvironment(environment),
            R"({"EMPTY_TOKEN":"","HF_TOKEN":"[REDACTED]","PROXY":"http://me:[REDACTED]@proxy:3128","RANK":"3",)"
            R"("WANDB_API_KEY":"[REDACTED]"})");
}

TEST(Redaction, EnvironmentLosesSecretsWhateverTheCaseOfTheirNames) {
  const char* environment[] = {"hf_token=x", "Wandb_Api_Key=0123456789", "ARGS=--lr 1 --Password hunter2", nullptr};
  EXPECT_EQ(RedactedEnvironment(environment),
            R"({"ARGS":"--lr 1 --Password [REDACTED]","Wandb_Api_Key":"[REDACTED]","hf_token":"[REDACTED]"})");
}

TEST(Redaction, CommandLosesSecretsWhateverTheCaseOfTheirNames) {
  EXPECT_EQ(RedactedCommand({"train.py", "--hf_token", "abc", "--API-KEY=def", "--Password", "two words", "--lr", "1"}),
            "train.py --hf_token [REDACTED] --API-KEY=[REDACTED] --Password [REDACTED] --lr 1");
  EXPECT_EQ(RedactedCommand({"train.py", "++logger.api_key=abc", "Access_Key=d e f"}),
            "train.py ++logger.api_key=[REDACTED] Access_Key=[REDACTED]");
}

TEST(Redaction, CommandLosesSecretsOfTheCommandWithin) {
  EXPECT_EQ(RedactedCommand({"sh", "-c", "export hf_token=abc; train.py --secret 'd e' --lr 1"}),
            "sh -c 'export hf_token=[REDACTED]; train.py --secret [REDACTED] --lr 1'");
}

TEST(Redaction, ArgumentsThatAreSeveralWordsOrNoneAreQuoted) {
  EXPECT_EQ(RedactedCommand({"sh", "-c", "echo 'it is' \"so\" it's  so=; exit", "", "b c"}),
            "sh -c 'echo '\\''it is'\\'' \"so\" it'\\''s  so=; exit' '' 'b c'");
}

TEST(Redaction, LabelsLoseSecretsToo) {
  EXPECT_EQ(RedactedLabel("data", "https://h/x?access_token=abc&x=1"), "https://h/x?access_token=[REDACTED]&x=1");
  EXPECT_EQ(RedactedLabel("hub_token", "abc"), "[REDACTED]");
  EXPECT_EQ(RedactedLabel("team", "vision & speech"), "vision & speech");
}

TEST(Redaction, CommandKeepsWhatOnlyLooksAlike) {
  for (std::vector<std::string> command : {
           std::vector<std::string>{"train.py", "--tokenizer", "gpt2", "--max_tokens=4096", "--image_key", "jpg"},
           {"train.py", "--token", "--lr=1", "token", "value", "a=b=c", "--data", "/data/secret/file"},
       }) {
    std::string text;
    for (const std::string& argument : command) text += (text.empty() ? "" : " ") + argument;
    EXPECT_EQ(RedactedCommand(command), text);
  }
}

}  // namespace
}  // namespace rankscope::agent
