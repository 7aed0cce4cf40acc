#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// Every environment variable that quire reads. A QUIRE_ name wins over vLLM's name for the same
// thing. None of them changes results; docs/environment.md is the list for users.
namespace quire::env {

struct Variable {
  const char* name;  // the QUIRE_ name or the foreign one
  const char* also;  // vLLM's or another tool's name for the same thing; nullptr: none
  const char* help;
};
const std::vector<Variable>& variables();  // the whole list, in the order of the docs

// Those that are set, with their values; "(hidden)" for tokens.
std::vector<std::pair<std::string, std::string>> set_variables();

// "1", "true", "on", "yes" or their opposites; throws InvalidArgument for others.
bool parse_bool(const char* name, const std::string& value);

std::string logging_level();  // QUIRE_LOGGING_LEVEL, VLLM_LOGGING_LEVEL; default "INFO"
std::optional<std::string> cpu_isa();  // QUIRE_CPU_ISA: like --cpu-isa
bool batch_invariant();  // VLLM_BATCH_INVARIANT: like --batch-invariant
std::optional<int64_t> cpu_kv_cache_space_gib();  // VLLM_CPU_KVCACHE_SPACE
std::filesystem::path hf_hub_cache();  // HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface
std::string hf_endpoint();  // HF_ENDPOINT; default the public hub
// QUIRE_MODEL_ALIASES: the folder or repository that stands for the model of this name.
std::optional<std::string> model_alias(const std::string& name);
bool hf_hub_offline();  // HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE
std::optional<std::string> hf_token();  // HF_TOKEN, else the token file of HF_HOME
bool allow_long_max_model_len();  // VLLM_ALLOW_LONG_MAX_MODEL_LEN
std::optional<bool> use_v1();  // VLLM_USE_V1: which scheduler runs
int max_n_sequences();  // VLLM_MAX_N_SEQUENCES; default 16384
// Of the server.
std::optional<std::string> api_key();  // VLLM_API_KEY: what callers send, unless --api-key says it
// VLLM_ENABLE_RESPONSES_API_STORE: /v1/responses keeps its last responses.
bool enable_responses_api_store();
bool server_dev_mode();  // VLLM_SERVER_DEV_MODE: like --enable-dev-endpoints
// VLLM_HTTP_TIMEOUT_KEEP_ALIVE: seconds, unless --timeout-keep-alive says it
std::optional<int> http_timeout_keep_alive();
double log_stats_interval();  // VLLM_LOG_STATS_INTERVAL: seconds; default 10
bool keep_alive_on_engine_death();  // VLLM_KEEP_ALIVE_ON_ENGINE_DEATH: default false
std::optional<std::string> openai_api_key();  // OPENAI_API_KEY: sent to other servers
std::optional<std::string> ssl_cert_file();  // SSL_CERT_FILE: certificates that HTTPS trusts
std::string pager();  // PAGER; default "less -R"
// PYTHONHASHSEED, a number as it is written: root of the block hashes; nullopt: unset or "random".
std::optional<std::string> hash_seed();

// VLLM_* names that are set but mean nothing here: worth a warning.
std::vector<std::string> unknown_vllm_variables();

}  // namespace quire::env
