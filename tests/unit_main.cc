// The main of every room's test program: what tests write below testing::TempDir() lies in a folder of this
// process's own, so that the tests of one fixture, or of two checkouts, can run at the same time. The folder goes
// when the tests have ended.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::string folder = testing::TempDir() + "/rankscope-test-XXXXXX";
  if (!mkdtemp(folder.data()) || setenv("TEST_TMPDIR", folder.c_str(), 1)) {
    std::perror(folder.c_str());
    return 1;
  }
  int failed = RUN_ALL_TESTS();
  std::error_code stays;  // a folder that cannot be removed fails no test
  std::filesystem::remove_all(folder, stays);
  return failed;
}
