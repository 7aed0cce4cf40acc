#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace quire {

struct HubProgress {
  std::string file;  // being downloaded now
  int64_t done_bytes = 0;  // of all files together
  int64_t total_bytes = 0;  // of all files together, what the hub announced
};

struct HubOptions {
  std::optional<std::string> revision;  // branch, tag or commit; default "main"
  std::optional<std::filesystem::path> download_dir;  // cache folder; default HF_HUB_CACHE
  std::optional<std::string> token;  // for gated and private repositories; default HF_TOKEN
  bool tokenizer_only = false;  // no weights: the repository is used for its tokenizer
  std::function<void(const HubProgress&)> on_progress;  // called often while downloading

  // A broken connection is tried again this many times without a new byte, each wait twice as long.
  int max_retries = 5;
  std::chrono::milliseconds retry_delay{500};
};

// The folder that holds `model`: an existing folder (with config.json) as it is, else a repository
// of the Hugging Face hub ("org/name" or "name"), from the local cache or downloaded into it. The
// cache's layout is huggingface_hub's, so both programs share it; an interrupted download is
// resumed. QUIRE_MODEL_ALIASES may name another folder or repository for `model`.
//
// Throws InvalidArgument, with `tokenizer` for the field `model` if tokenizer_only is set: neither
// a folder nor a repository that the hub knows; a folder without config.json (tokenizer.json), or
// with a revision; an unknown revision; a gated repository without a token; no safetensors weights.
// EnvironmentError: offline and not in the cache, no connection, disk full, damaged download.
std::filesystem::path resolve_model_dir(const std::string& model, const HubOptions& options = {});

}  // namespace quire
