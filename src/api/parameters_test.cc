#include "api/parameters.h"

#include <gtest/gtest.h>

namespace rankscope::api {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond;

Request Post(const std::string& type, const std::string& body) {
  Request request;
  request.method = "POST";
  request.headers["content-type"] = type;
  request.body = body;
  return request;
}

TEST(Parameters, ComeFromTheUrlAndTheBody) {
  EXPECT_EQ(Parameters::Of(Post("application/x-www-form-urlencoded", "query=a+%22b%22&limit=3"))->Text("query"),
            "a \"b\"");
  EXPECT_EQ(*Parameters::Of(Post("application/json; charset=utf-8", "{\"query\":\"x\",\"limit\":3}"))->Integer("limit"),
            3);
  EXPECT_EQ(Parameters::Of(Post("text/plain", "job:j | limit 1"))->Text("query"), "job:j | limit 1");
  EXPECT_FALSE(Parameters::Of(Post("application/json", "[1]")).ok());
}

TEST(Parameters, OneThatNobodyKnowsIsNamedAndNotIgnored) {
  Request request;
  request.query = {{"query", "x"}, {"project", "p"}};
  EXPECT_TRUE(Parameters::Of(request)->CheckNames("query start").ok());
  request.query["strat"] = "1h";
  EXPECT_EQ(Parameters::Of(request)->CheckNames("query start").message(), "unknown parameter strat (nearest: start)");
  EXPECT_FALSE(Parameters::Of(request)->CheckNames("").ok());
  EXPECT_FALSE(Parameters::Of(Post("application/json", R"({"querry":"x"})"))->CheckNames("query").ok());
}

TEST(Parameters, OneThatIsThereTwiceIsNamedAndNeitherIsTaken) {
  Request both = Post("text/plain", "job:a");
  both.query["query"] = "job:b";
  EXPECT_EQ(Parameters::Of(both).status().message(), "parameter query is there twice");
  Request form = Post("application/x-www-form-urlencoded", "limit=3&query=x&limit=4");
  EXPECT_EQ(Parameters::Of(form).status().message(), "parameter limit is there twice");
}

TEST(Parameters, AFormWithAnEscapeThatIsNoneIsRefused) {
  auto parameters = Parameters::Of(Post("application/x-www-form-urlencoded", "query=50%&limit=3"));
  EXPECT_NE(parameters.status().message().find("parameter query: "), std::string::npos);
}

TEST(Parameters, JsonThatCallsItselfAFormIsNotTakenForAMissingParameter) {
  auto parameters = Parameters::Of(Post("application/x-www-form-urlencoded", R"({"query":"x"})"));
  EXPECT_NE(parameters.status().message().find("application/json"), std::string::npos);
}

TEST(Parameters, TimesComeInManyForms) {
  Request request;
  request.query = {{"a", "2026-11-01T00:00:00Z"}, {"b", "1793491200"}, {"c", "1793491200000"},
                   {"d", "1793491200000000000"},  {"e", "10m"},        {"f", "yesterday"},
                   {"g", "1793491200.5"}};
  auto parameters = Parameters::Of(request);
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_EQ(*parameters->Time(name, 0), 1'793'491'200 * kSecond) << name;
  }
  EXPECT_EQ(*parameters->Time("e", 1000 * kSecond), 400 * kSecond);
  EXPECT_EQ(*parameters->Time("g", 0), 1'793'491'200 * kSecond + kSecond / 2);
  EXPECT_FALSE(parameters->Time("absent", 0)->has_value());
  auto wrong = parameters->Time("f", 0);
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("parameter f"), std::string::npos);
}

}  // namespace
}  // namespace rankscope::api
