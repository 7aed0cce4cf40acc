#include "base/ca_bundle.h"

#include "base/env.h"

namespace quire {
namespace {

constexpr const char* kPlaces[] = {
    "etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Arch
    "etc/pki/tls/certs/ca-bundle.crt",  // Fedora, Red Hat
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // the same, newer
    "etc/ssl/ca-bundle.pem",  // SUSE
    "etc/ssl/cert.pem",  // Alpine
};

}  // namespace

std::optional<std::string> ca_bundle(const std::filesystem::path& root) {
  if (auto file = env::ssl_cert_file()) return file;
  for (const char* place : kPlaces) {
    std::error_code error;  // a folder that cannot be read has none for us
    if (std::filesystem::is_regular_file(root / place, error)) return (root / place).string();
  }
  return std::nullopt;
}

}  // namespace quire
