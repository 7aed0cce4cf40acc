#include "hub/sha256.h"

#include <array>
#include <fstream>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace quire {

std::string sha256_of_file(const std::filesystem::path& path) {
  constexpr size_t kPieceBytes = size_t{1} << 20;
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(
      EVP_MD_CTX_new(), EVP_MD_CTX_free
  );
  QUIRE_CHECK(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);

  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(kPieceBytes);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    EVP_DigestUpdate(context.get(), piece.data(), static_cast<size_t>(file.gcount()));
  }
  if (!file.eof()) throw EnvironmentError(fmt::format("cannot read {}", path.string()));

  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned num_bytes = 0;
  QUIRE_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), &num_bytes) == 1);
  std::string text;
  for (unsigned i = 0; i < num_bytes; ++i)
    text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace quire
