#include "base/host_port.h"

#include <gtest/gtest.h>

namespace rankscope::base {
namespace {

TEST(HostPort, IsReadAndWritten) {
  for (const char* text : {"127.0.0.1:7070", "node-17.cluster:0", "[::1]:65535"}) {
    auto address = ParseHostPort(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(FormatHostPort(*address), text);
  }
  EXPECT_EQ(ParseHostPort("[fe80::2]:7071")->host, "fe80::2");
}

TEST(HostPort, WhatIsNoneIsNamed) {
  for (const char* text : {"", "host", ":7070", "host:", "host:x", "host:-1", "host:70700", "::1:7070",
                           "http://host:7070", "host:7070/", "a b:1", "host: 1", "[]:1"}) {
    auto address = ParseHostPort(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().message(), "\"" + std::string(text) + "\" is not HOST:PORT or [IPV6]:PORT");
  }
}

}  // namespace
}  // namespace rankscope::base
