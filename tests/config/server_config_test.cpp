#include "quire/server_config.h"

#include <string>

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

std::string refused_field(const ServerConfig& config) {
  try {
    config.validate();
  } catch (const InvalidArgument& error) {
    return error.field();
  }
  return "";
}

TEST(ServerConfig, TheKeyMayStandInTheCertificatesFile) {
  EXPECT_EQ(refused_field({.ssl_certfile = "both.pem"}), "");
  EXPECT_EQ(refused_field({.ssl_keyfile = "key.pem", .ssl_certfile = "chain.pem"}), "");
  EXPECT_EQ(refused_field({.ssl_keyfile = "key.pem"}), "ssl_certfile");
}

TEST(ServerConfig, NoConnectionWaitsForNoTime) {
  EXPECT_EQ(refused_field({}), "");
  EXPECT_EQ(refused_field({.timeout_header = 0}), "timeout_header");
  EXPECT_EQ(refused_field({.timeout_body = 0}), "timeout_body");
  EXPECT_EQ(refused_field({.timeout_keep_alive = 0}), "timeout_keep_alive");
  EXPECT_EQ(refused_field({.timeout_write = 0}), "timeout_write");
}

}  // namespace
}  // namespace quire
