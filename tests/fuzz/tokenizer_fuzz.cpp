// tokenizer.json and tokenizer_config.json: the input up to a NUL is the one, the rest the other.

#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "quire/error.h"
#include "quire/tokenizer.h"

namespace {

constexpr std::string_view kText = "a abc <|end|> b\xC3\xA9 \xF0\x9F\x99\x82 12\n";
constexpr int32_t kMaxIds = 64;

void require(bool condition) {
  if (!condition) std::abort();
}

// Whatever the files say, ids stay within the vocabulary and text stays UTF-8.
void use(const quire::Tokenizer& tokenizer) {
  for (const int32_t id : tokenizer.encode(kText)) {
    require(id >= 0 && id < tokenizer.vocab_size());
  }
  std::vector<int32_t> ids(std::min(tokenizer.vocab_size() + 1, kMaxIds));
  std::iota(ids.begin(), ids.end(), 0);
  require(!quire::find_invalid_utf8(tokenizer.decode(ids)));
  for (const int32_t id : ids)
    require(!quire::find_invalid_utf8(tokenizer.token_text(id)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string_view config = input.substr(std::min(end + 1, input.size()));
  for (const auto backend :
       {quire::TokenizerBackend::kAuto, quire::TokenizerBackend::kHuggingFace}) {
    try {
      use(*quire::Tokenizer::from_json(input.substr(0, end), config, backend));
    } catch (const quire::InvalidArgument&) {
    } catch (const quire::InternalError& error) {
      // A contradictory file may make a backend panic on some text: caught, and no request but its
      // own suffers.
      require(std::string_view(error.what()).find("panicked") != std::string_view::npos);
    }
  }
  return 0;
}
