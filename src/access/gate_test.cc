#include "access/gate.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "access/token_file.h"
#include "base/file.h"

namespace rankscope::access {
namespace {

using Kind = Gate::Verdict::Kind;

class GateTest : public testing::Test {
 protected:
  GateTest() {
    std::string pattern = testing::TempDir() + "/gate-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    file_ = folder_ + "/tokens";
  }
  ~GateTest() override { std::filesystem::remove_all(folder_); }

  std::string Create(Role role, const std::string& project) {
    IssuedToken issued = IssueToken(role, project, "made by a test", 7);
    EXPECT_TRUE(AddToken(file_, issued.token).ok());
    id_ = issued.token.id;
    return issued.text;
  }

  std::string folder_, file_, id_;
};

TEST_F(GateTest, LoopbackNeedsNoTokenAndNamesAnyProject) {
  Gate gate(file_, Gate::Openness::kLoopback);
  EXPECT_EQ(gate.Admit("", "", Action::kRead).project, "default");
  EXPECT_EQ(gate.Admit("", "llm", Action::kIngest).project, "llm");
  EXPECT_EQ(gate.Admit("", "../llm", Action::kRead).kind, Kind::kForbidden);
}

TEST_F(GateTest, OtherAddressesAdmitNobodyWithoutToken) {
  Gate gate(file_, Gate::Openness::kTokens);
  EXPECT_EQ(gate.Admit("", "", Action::kRead).kind, Kind::kUnknown);
  EXPECT_EQ(gate.Admit("guess", "", Action::kRead).kind, Kind::kUnknown);
}

TEST_F(GateTest, TokenOpensItsOwnProjectForItsRoleOnly) {
  std::string writer = Create(Role::kWriter, "llm"), viewer = Create(Role::kViewer, "llm");
  Gate gate(file_, Gate::Openness::kTokens);
  EXPECT_EQ(gate.Admit(writer, "", Action::kIngest).project, "llm");
  EXPECT_EQ(gate.Admit(writer, "", Action::kRead).kind, Kind::kForbidden);
  EXPECT_EQ(gate.Admit(viewer, "llm", Action::kRead).kind, Kind::kAdmitted);
  EXPECT_EQ(gate.Admit(viewer, "default", Action::kRead).kind, Kind::kForbidden);
  EXPECT_EQ(gate.Admit(viewer, "", Action::kControl).kind, Kind::kForbidden);
}

TEST_F(GateTest, RevokedTokenIsRefusedAtTheNextCall) {
  std::string text = Create(Role::kAdmin, "llm");
  Gate gate(file_, Gate::Openness::kTokens);
  ASSERT_EQ(gate.Admit(text, "", Action::kControl).kind, Kind::kAdmitted);
  ASSERT_TRUE(RevokeToken(file_, id_).ok());
  EXPECT_EQ(gate.Admit(text, "", Action::kControl).kind, Kind::kUnknown);
  EXPECT_EQ(RevokeToken(file_, id_).code(), base::Code::kNotFound);
}

TEST_F(GateTest, TokenOfAnotherServerWithTheSameIdIsRefused) {
  Create(Role::kAdmin, "llm");
  IssuedToken other = IssueToken(Role::kAdmin, "llm", "", 7);
  Token planted = other.token;
  planted.hash = HashSecret("another secret");
  ASSERT_TRUE(AddToken(file_, planted).ok());
  EXPECT_EQ(Gate(file_, Gate::Openness::kTokens).Admit(other.text, "", Action::kRead).kind, Kind::kUnknown);
}

TEST_F(GateTest, DamagedFileAdmitsNobodyAndIsNamed) {
  std::string text = Create(Role::kAdmin, "llm");
  auto content = base::ReadWholeFile(file_);
  ASSERT_TRUE(content.ok());
  content->replace(content->find("admin"), 5, "Admin");
  std::ofstream(file_) << *content;
  auto verdict = Gate(file_, Gate::Openness::kTokens).Admit(text, "", Action::kRead);
  EXPECT_EQ(verdict.kind, Kind::kUnknown);
  EXPECT_NE(verdict.message.find(file_), std::string::npos);
}

TEST_F(GateTest, FileHoldsNoSecretAndOnlyItsOwnerReadsIt) {
  std::string text = Create(Role::kWriter, "llm");
  auto content = base::ReadWholeFile(file_);
  ASSERT_TRUE(content.ok());
  auto parts = ParseToken(text);
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(content->find(parts->secret), std::string::npos);
  auto tokens = ReadTokens(file_);
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ((*tokens)[0].note, "made by a test");
  EXPECT_EQ(std::filesystem::status(file_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace rankscope::access
