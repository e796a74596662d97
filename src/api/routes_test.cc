#include "api/routes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

namespace rankscope::api {
namespace {

// Method and path of each operation of the description, by its indentation.
std::set<std::pair<std::string, std::string>> DescribedRoutes() {
  std::ifstream file(OPENAPI_FILE);
  std::set<std::pair<std::string, std::string>> described;
  std::string path;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("  /")) path = line.substr(2, line.find_last_of(':') - 2);
    if (line.starts_with("    get:")) described.emplace("GET", path);
    if (line.starts_with("    delete:")) described.emplace("DELETE", path);
    if (line.starts_with("    post:")) described.emplace("POST", path);
  }
  return described;
}

TEST(OpenApi, DescribesExactlyTheRoutesThatAreServed) {
  auto routes = ListRoutes();
  routes.emplace_back("POST", "/api/v1/ingest/jsonline");  // the door of records, ingest_door.h
  EXPECT_EQ(DescribedRoutes(), (std::set<std::pair<std::string, std::string>>(routes.begin(), routes.end())));
}

}  // namespace
}  // namespace rankscope::api
