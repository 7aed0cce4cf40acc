#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace quire {

// The file of the certificates that HTTPS trusts: SSL_CERT_FILE, else this system's. libcurl knows
// only the place on the system that it was built on, and a Python wheel brings its libcurl along.
// nullopt: none found; libcurl decides. `root`: where the system lies.
std::optional<std::string> ca_bundle(const std::filesystem::path& root = "/");

}  // namespace quire
