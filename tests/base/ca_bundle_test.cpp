#include "base/ca_bundle.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace quire {
namespace {

class CaBundle : public testing::Test {
 protected:
  CaBundle() {
    unsetenv("SSL_CERT_FILE");
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_);
  }
  ~CaBundle() override {
    unsetenv("SSL_CERT_FILE");
    std::filesystem::remove_all(root_);
  }

  std::string add(const std::string& place) {
    const std::filesystem::path file = root_ / place;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << "certificates";
    return file.string();
  }

  const std::filesystem::path root_ = testing::TempDir() + "quire_ca_bundle";
};

TEST_F(CaBundle, IsFoundWhereOtherSystemsKeepIt) {
  EXPECT_EQ(ca_bundle(root_), std::nullopt);
  const std::string fedoras = add("etc/pki/tls/certs/ca-bundle.crt");
  EXPECT_EQ(ca_bundle(root_), fedoras);
}

TEST_F(CaBundle, IsNoFolder) {
  std::filesystem::create_directories(root_ / "etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(ca_bundle(root_), std::nullopt);
}

TEST_F(CaBundle, IsWhatTheEnvironmentNames) {
  add("etc/ssl/certs/ca-certificates.crt");
  setenv("SSL_CERT_FILE", "/own/certificates.pem", 1);
  EXPECT_EQ(ca_bundle(root_), "/own/certificates.pem");
}

}  // namespace
}  // namespace quire
