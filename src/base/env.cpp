#include "base/env.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "quire/error.h"

extern char** environ;

namespace quire::env {
namespace {

char to_upper(char c) {
  return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
}

std::optional<std::string> read(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

std::optional<std::string> read_either(const char* own, const char* other) {
  auto value = read(own);
  return value ? value : read(other);
}

int64_t parse_int(const char* name, const std::string& value, int64_t low, int64_t high) {
  int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc{} || stop != end || number < low || number > high) {
    throw InvalidArgument(
        name,
        std::string(name) + "='" + value + "' is not a whole number from " + std::to_string(low) +
            " to " + std::to_string(high) + "."
    );
  }
  return number;
}

constexpr int64_t kMaxSeconds = 7 * 24 * 3600;

double parse_seconds(const char* name, const std::string& value) {
  double seconds = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, seconds);
  const bool is_number = error == std::errc{} && stop == end;
  if (is_number && seconds > 0 && seconds <= static_cast<double>(kMaxSeconds)) return seconds;
  throw InvalidArgument(
      name, std::string(name) + "='" + value + "' is not a time in seconds above 0."
  );
}

bool read_bool(const char* name) {
  auto value = read(name);
  return value && parse_bool(name, *value);
}

std::filesystem::path home() {
  return read("HOME").value_or(".");
}

std::filesystem::path hf_home() {
  if (auto value = read("HF_HOME")) return *value;
  if (auto value = read("XDG_CACHE_HOME")) return std::filesystem::path(*value) / "huggingface";
  return home() / ".cache" / "huggingface";
}

}  // namespace

bool parse_bool(const char* name, const std::string& value) {
  std::string upper = value;
  std::transform(upper.begin(), upper.end(), upper.begin(), to_upper);
  if (upper == "1" || upper == "TRUE" || upper == "YES" || upper == "ON") return true;
  if (upper == "0" || upper == "FALSE" || upper == "NO" || upper == "OFF") return false;
  throw InvalidArgument(name, std::string(name) + "='" + value + "' is not a switch: use 1 or 0.");
}

const std::vector<Variable>& variables() {
  static const std::vector<Variable> list = {
      {"QUIRE_LOGGING_LEVEL", "VLLM_LOGGING_LEVEL", "DEBUG, INFO, WARNING or ERROR; default INFO"},
      {"QUIRE_MODEL_ALIASES",
       nullptr,
       "name=folder,…: what is loaded when a model of that name is asked for"},
      {"QUIRE_CPU_ISA", nullptr, "kernel set like --cpu-isa: auto, avx2, avx512, generic"},
      {"VLLM_BATCH_INVARIANT", nullptr, "1: like --batch-invariant, which always holds on the CPU"},
      {"VLLM_CPU_KVCACHE_SPACE", nullptr, "GiB of KV cache on the CPU, unless an option says it"},
      {"VLLM_ALLOW_LONG_MAX_MODEL_LEN",
       nullptr,
       "1: accept a --max-model-len beyond what config.json states"},
      {"VLLM_USE_V1", nullptr, "0: the V0 scheduler; 1: V1; unset: V1, unless only V0 can do it"},
      {"VLLM_MAX_N_SEQUENCES", nullptr, "largest n of a request; default 16384"},
      {"VLLM_API_KEY", nullptr, "what callers of the server must send, unless --api-key says it"},
      {"VLLM_SERVER_DEV_MODE", nullptr, "1: like --enable-dev-endpoints of the server"},
      {"VLLM_ENABLE_RESPONSES_API_STORE",
       nullptr,
       "1: /v1/responses keeps its last responses, for previous_response_id and GET"},
      {"VLLM_HTTP_TIMEOUT_KEEP_ALIVE",
       nullptr,
       "seconds, like --timeout-keep-alive of the server; default 5"},
      {"VLLM_LOG_STATS_INTERVAL", nullptr, "seconds between two log lines of speed; default 10"},
      {"VLLM_KEEP_ALIVE_ON_ENGINE_DEATH",
       nullptr,
       "1: the server goes on to answer, with errors, when the engine has died"},
      {"PYTHONHASHSEED",
       nullptr,
       "root of the block hashes, 0 to 4294967295; unset or random: another one per process"},
      {"OPENAI_API_KEY",
       nullptr,
       "key that chat, complete and bench serve send, unless --api-key says it"},
      {"VLLM_NO_USAGE_STATS", "DO_NOT_TRACK", "taken: quire never reports its use to anybody"},
      {"PAGER", nullptr, "program that shows --help=page; default less -R"},
      {"SSL_CERT_FILE", nullptr, "certificates that HTTPS trusts; default: this system's"},
      {"HF_HOME", nullptr, "folder of the Hugging Face cache; default ~/.cache/huggingface"},
      {"HF_HUB_CACHE", nullptr, "folder of the downloaded repositories; default HF_HOME/hub"},
      {"HF_ENDPOINT", nullptr, "address of the hub, for a mirror or a test server"},
      {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "1: never download, use what the cache holds"},
      {"HF_TOKEN", nullptr, "access token for gated repositories; else HF_HOME/token"},
  };
  return list;
}

std::vector<std::pair<std::string, std::string>> set_variables() {
  std::vector<std::pair<std::string, std::string>> set;
  for (const Variable& variable : variables()) {
    for (const char* name : {variable.name, variable.also}) {
      if (name == nullptr) continue;
      auto value = read(name);
      if (!value) continue;
      const bool is_secret =
          std::strstr(name, "TOKEN") != nullptr || std::strstr(name, "KEY") != nullptr;
      set.emplace_back(name, is_secret ? "(hidden)" : std::move(*value));
    }
  }
  return set;
}

std::string logging_level() {
  const std::string wish =
      read_either("QUIRE_LOGGING_LEVEL", "VLLM_LOGGING_LEVEL").value_or("INFO");
  std::string level = wish;
  std::transform(level.begin(), level.end(), level.begin(), to_upper);
  for (const char* known : {"DEBUG", "INFO", "WARNING", "ERROR"}) {
    if (level == known) return level;
  }
  throw InvalidArgument(
      "QUIRE_LOGGING_LEVEL",
      "QUIRE_LOGGING_LEVEL='" + wish + "' is not a level: use DEBUG, INFO, WARNING or ERROR."
  );
}

std::optional<std::string> cpu_isa() {
  return read("QUIRE_CPU_ISA");
}

bool batch_invariant() {
  return read_bool("VLLM_BATCH_INVARIANT");
}

std::optional<int64_t> cpu_kv_cache_space_gib() {
  auto value = read("VLLM_CPU_KVCACHE_SPACE");
  if (!value) return std::nullopt;
  const int64_t gib = parse_int("VLLM_CPU_KVCACHE_SPACE", *value, 0, 1 << 20);
  if (gib == 0) return std::nullopt;
  return gib;
}

std::filesystem::path hf_hub_cache() {
  if (auto value = read("HF_HUB_CACHE")) return *value;
  return hf_home() / "hub";
}

std::string hf_endpoint() {
  return read("HF_ENDPOINT").value_or("https://huggingface.co");
}

std::optional<std::string> ssl_cert_file() {
  return read("SSL_CERT_FILE");
}

std::optional<std::string> model_alias(const std::string& name) {
  const std::string aliases = read("QUIRE_MODEL_ALIASES").value_or("");
  for (size_t begin = 0; begin < aliases.size();) {
    const size_t end = std::min(aliases.find(',', begin), aliases.size());
    const std::string alias = aliases.substr(begin, end - begin);
    const size_t equals = alias.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == alias.size()) {
      throw InvalidArgument(
          "QUIRE_MODEL_ALIASES", "QUIRE_MODEL_ALIASES: '" + alias + "' is not name=folder."
      );
    }
    if (alias.substr(0, equals) == name) return alias.substr(equals + 1);
    begin = end + 1;
  }
  return std::nullopt;
}

bool hf_hub_offline() {
  return read_bool("HF_HUB_OFFLINE") || read_bool("TRANSFORMERS_OFFLINE");
}

std::optional<std::string> hf_token() {
  if (auto value = read("HF_TOKEN")) return value;
  std::ifstream file(hf_home() / "token");
  std::string token;
  if (file >> token) return token;
  return std::nullopt;
}

bool allow_long_max_model_len() {
  return read_bool("VLLM_ALLOW_LONG_MAX_MODEL_LEN");
}

std::optional<bool> use_v1() {
  const auto value = read("VLLM_USE_V1");
  if (!value) return std::nullopt;
  return parse_bool("VLLM_USE_V1", *value);
}

int max_n_sequences() {
  auto value = read("VLLM_MAX_N_SEQUENCES");
  return value ? static_cast<int>(parse_int("VLLM_MAX_N_SEQUENCES", *value, 1, 1 << 20)) : 16384;
}

std::optional<std::string> api_key() {
  return read("VLLM_API_KEY");
}

bool enable_responses_api_store() {
  return read_bool("VLLM_ENABLE_RESPONSES_API_STORE");
}

bool server_dev_mode() {
  return read_bool("VLLM_SERVER_DEV_MODE");
}

std::optional<int> http_timeout_keep_alive() {
  const auto value = read("VLLM_HTTP_TIMEOUT_KEEP_ALIVE");
  if (!value) return std::nullopt;
  return static_cast<int>(parse_int("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", *value, 0, kMaxSeconds));
}

double log_stats_interval() {
  constexpr double kDefault = 10.0;
  const auto value = read("VLLM_LOG_STATS_INTERVAL");
  if (!value) return kDefault;
  return parse_seconds("VLLM_LOG_STATS_INTERVAL", *value);
}

bool keep_alive_on_engine_death() {
  return read_bool("VLLM_KEEP_ALIVE_ON_ENGINE_DEATH");
}

std::optional<std::string> openai_api_key() {
  return read("OPENAI_API_KEY");
}

std::string pager() {
  return read("PAGER").value_or("less -R");
}

std::optional<std::string> hash_seed() {
  const auto value = read("PYTHONHASHSEED");
  if (!value || *value == "random") return std::nullopt;
  constexpr int64_t kMaxSeed = 4294967295;  // Python's limit
  (void)parse_int("PYTHONHASHSEED", *value, 0, kMaxSeed);
  return value;
}

std::vector<std::string> unknown_vllm_variables() {
  std::vector<std::string> unknown;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name(*entry, std::strcspn(*entry, "="));
    if (name.rfind("VLLM_", 0) != 0) continue;
    const bool known = std::any_of(variables().begin(), variables().end(), [&](const Variable& v) {
      return name == v.name || (v.also != nullptr && name == v.also);
    });
    if (!known) unknown.push_back(name);
  }
  return unknown;
}

}  // namespace quire::env
