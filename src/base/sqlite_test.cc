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

class SqliteLogTest : public SqliteTest {
 protected:
  // As a crash leaves it, after so many commits.
  void Crash(int commits) {
    for (int i = 0; i < commits; ++i) ASSERT_TRUE(Put(std::to_string(++keys_), std::string(3000, 'x')).ok());
    for (const char* end : {"", "-wal"})
      ASSERT_TRUE(WriteFileAtomically(copy_ + end, *ReadWholeFile(path_ + end)).ok());
  }
  std::vector<std::string> DamageWithFlipAt(size_t place) {
    std::string log = *ReadWholeFile(path_ + "-wal");
    log[place] = static_cast<char>(log[place] ^ 1);
    EXPECT_TRUE(WriteFileAtomically(copy_ + "-wal", log).ok());
    return *FindSqliteDamage(copy_);
  }
  const std::string copy_ = path_ + ".copy";

 private:
  int keys_ = 0;
};

TEST_F(SqliteLogTest, DamageBeforeWhatWasCommittedIsFoundInTheLog) {
  Crash(9);
  EXPECT_TRUE(FindSqliteDamage(copy_)->empty());
  const size_t size = ReadWholeFile(path_ + "-wal")->size();
  for (size_t place : {size_t{3}, size_t{9}, size_t{25}, size_t{33}, size_t{50}, size / 2, size / 2 + 4200}) {
    std::vector<std::string> damage = DamageWithFlipAt(place);
    ASSERT_EQ(damage.size(), 1u) << place;
    EXPECT_TRUE(damage[0].starts_with(copy_ + "-wal is damaged: ")) << damage[0];
  }
}

TEST_F(SqliteLogTest, EndThatACrashLeftHalfWrittenIsNoDamage) {
  Crash(9);
  const std::string log = *ReadWholeFile(path_ + "-wal");
  for (size_t cut : {size_t{0}, size_t{20}, size_t{32}, log.size() / 3, log.size() - 1}) {
    ASSERT_TRUE(WriteFileAtomically(copy_ + "-wal", log.substr(0, cut)).ok());
    EXPECT_TRUE(FindSqliteDamage(copy_)->empty()) << cut;
  }
  EXPECT_TRUE(DamageWithFlipAt(log.size() - 1).empty());
}

TEST_F(SqliteLogTest, FramesOfTheLogBeforeAreNoDamage) {
  Crash(9);
  const size_t whole = ReadWholeFile(path_ + "-wal")->size();
  ASSERT_TRUE(file_->Execute("PRAGMA wal_checkpoint(RESTART)").ok());
  Crash(1);
  ASSERT_EQ(ReadWholeFile(path_ + "-wal")->size(), whole);
  EXPECT_TRUE(FindSqliteDamage(copy_)->empty());
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
