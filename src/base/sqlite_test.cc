#include "base/sqlite.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"

namespace rankscope::base {
namespace {

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() : path_(testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    for (const char* ending : {"", "-wal"}) std::filesystem::remove(path_ + ending);
    Open();
    EXPECT_TRUE(file_->Execute("CREATE TABLE entry(name TEXT UNIQUE, value)").ok());
  }
  void Open() {
    file_.reset();
    auto file = Sqlite::Open(path_, {"all of it is then gone"});
    ASSERT_TRUE(file.ok()) << file.status().message();
    file_ = *std::move(file);
  }
  Status Put(std::string_view name, const SqliteValue& value) {
    return file_->Run("INSERT INTO entry VALUES(?, ?)", {name, value});
  }
  std::vector<std::string> Names() {
    return *file_->All("SELECT name FROM entry ORDER BY name", {}, [](const SqliteRow& row) { return row.Bytes(0); });
  }
  template <typename Make>
  auto ValueOf(std::string_view name, Make make) {
    return **file_->First("SELECT value FROM entry WHERE name = ?", {name}, make);
  }

  std::string path_;
  std::unique_ptr<Sqlite> file_;
};

TEST_F(SqliteTest, ValuesOfEachKindComeBackAfterAReopening) {
  const std::string bytes("\0\xFF损", 5);
  ASSERT_TRUE(Put("bytes", bytes).ok());
  ASSERT_TRUE(Put("empty", std::string_view()).ok());
  ASSERT_TRUE(Put("integer", INT64_MIN).ok());
  ASSERT_TRUE(Put("real", 0.1).ok());
  ASSERT_TRUE(Put("none", OrNull(std::optional<int32_t>())).ok());
  ASSERT_TRUE(Put("some", OrNull(std::optional<int32_t>(-7))).ok());
  Open();
  auto bytes_of = [](const SqliteRow& row) { return row.Bytes(0); };
  auto is_null = [](const SqliteRow& row) { return row.IsNull(0); };
  EXPECT_EQ(ValueOf("bytes", bytes_of), bytes);
  EXPECT_EQ(ValueOf("empty", bytes_of), "");
  EXPECT_FALSE(ValueOf("empty", is_null));
  EXPECT_EQ(ValueOf("integer", [](const SqliteRow& row) { return row.Integer(0); }), INT64_MIN);
  EXPECT_EQ(ValueOf("real", [](const SqliteRow& row) { return row.Real(0); }), 0.1);
  EXPECT_TRUE(ValueOf("none", is_null));
  EXPECT_EQ(ValueOf("some", [](const SqliteRow& row) { return row.Integer(0); }), -7);
}

TEST_F(SqliteTest, ValueThatIsNotGivenAgainIsNotThatOfTheCallBefore) {
  ASSERT_TRUE(file_->Run("INSERT INTO entry VALUES(?, ?)", {"a", int64_t{1}}).ok());
  ASSERT_TRUE(file_->Run("INSERT INTO entry VALUES(?, ?)", {"b"}).ok());
  EXPECT_TRUE(ValueOf("b", [](const SqliteRow& row) { return row.IsNull(0); }));
}

TEST_F(SqliteTest, TransactionThatFailsLeavesNothing) {
  ASSERT_TRUE(Put("a", {}).ok());
  auto status = file_->Transaction([&]() -> Status {
    RETURN_IF_ERROR(Put("b", {}));
    return Put("a", {});
  });
  EXPECT_EQ(status.message(), path_ + ": cannot write: UNIQUE constraint failed: entry.name");
  EXPECT_EQ(Names(), std::vector<std::string>{"a"});
  ASSERT_TRUE(file_->Transaction([&] { return Put("c", {}); }).ok());
  EXPECT_EQ(Names(), (std::vector<std::string>{"a", "c"}));
}

TEST_F(SqliteTest, StatementIsGoodForATableThatWasMadeAnew) {
  ASSERT_TRUE(Put("a", {}).ok());
  ASSERT_TRUE(file_->Execute("DROP TABLE entry; CREATE TABLE entry(name TEXT, value, another)").ok());
  EXPECT_EQ(Put("b", {}).message(), path_ + ": cannot write: table entry has 3 columns but 2 values were supplied");
  EXPECT_TRUE(Names().empty());
}

TEST_F(SqliteTest, FullDiskIsNoReasonToGiveUp) {
  ASSERT_TRUE(file_->Execute("PRAGMA max_page_count = 4").ok());
  Status status = Put("large", std::string(1 << 20, 'x'));
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), path_ + ": cannot write: database or disk is full");
  ASSERT_TRUE(file_->Execute("PRAGMA max_page_count = 4000").ok());
  EXPECT_TRUE(Put("large", std::string(1 << 20, 'x')).ok());
}

TEST_F(SqliteTest, DamagedFileIsNamedWithWhatIsLost) {
  file_.reset();
  ASSERT_TRUE(WriteFileAtomically(path_, std::string(8192, 'x')).ok());
  Status status = Sqlite::Open(path_, {"all of it is then gone"}).status();
  EXPECT_EQ(status.code(), Code::kCorrupt);
  EXPECT_EQ(status.message(),
            path_ + " is damaged (file is not a database): move it away and start again: all of it is then gone");
}

TEST_F(SqliteTest, DamageIsFoundInAFileThatNobodyHasOpen) {
  ASSERT_TRUE(Put("a", {}).ok());
  EXPECT_EQ(FindSqliteDamage(path_).status().code(), Code::kUnavailable);
  file_.reset();
  EXPECT_TRUE(FindSqliteDamage(path_)->empty());
  ASSERT_TRUE(WriteFileAtomically(path_, std::string(8192, 'x')).ok());
  EXPECT_EQ(*FindSqliteDamage(path_), std::vector<std::string>{path_ + " is damaged: file is not a database"});
}

TEST_F(SqliteTest, FileThatCannotBeMadeIsNamed) {
  Status status = Sqlite::Open(path_ + "/no/folder", {}).status();
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_EQ(status.message(), path_ + "/no/folder: cannot open: unable to open database file");
}

TEST_F(SqliteTest, NewFileHasThePagesThatWereAskedFor) {
  auto small = Sqlite::Open(path_ + ".small", {"", 1024});
  auto size = (*small)->First("PRAGMA page_size", {}, [](const SqliteRow& row) { return row.Integer(0); });
  EXPECT_EQ(**size, 1024);
}

}  // namespace
}  // namespace rankscope::base
