#include "hub/model_dir.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/env.h"
#include "base/log.h"
#include "config/safetensors_index.h"
#include "hub/download.h"
#include "hub/file_lock.h"
#include "hub/hub_api.h"
#include "hub/hub_cache.h"
#include "hub/model_files.h"

namespace quire {
namespace fs = std::filesystem;
namespace {

bool is_repo_name_part(std::string_view part) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  };
  return !part.empty() && part.front() != '.' && part.front() != '-' && part.back() != '.' &&
         std::all_of(part.begin(), part.end(), is_plain) &&
         part.find("..") == std::string_view::npos && part.find("--") == std::string_view::npos;
}

// "org/name" or "name"
bool is_repo_name(std::string_view name) {
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) return is_repo_name_part(name);
  return is_repo_name_part(name.substr(0, slash)) && is_repo_name_part(name.substr(slash + 1));
}

// The file that makes a folder one of a model, or of a tokenizer.
const char* main_file(const HubOptions& options) {
  return options.tokenizer_only ? "tokenizer.json" : "config.json";
}

// Folders inside `dir` that hold `file`, a few of them, for an error message.
std::vector<std::string> folders_with(const fs::path& dir, const char* file) {
  constexpr size_t kMaxShown = 3;
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(dir, ignored)) {
    if (fs::exists(entry.path() / file, ignored)) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  if (found.size() > kMaxShown) found.resize(kMaxShown);
  return found;
}

// A folder is taken as it is.
void check_folder(const std::string& model, const HubOptions& options) {
  if (options.revision) {
    throw InvalidArgument(
        "revision",
        fmt::format(
            "'{}' is a folder, which has no revisions. Leave the revision '{}' out, or give the "
            "name of a repository.",
            model,
            *options.revision
        )
    );
  }
  std::error_code ignored;
  const char* file = main_file(options);
  if (fs::exists(fs::path(model) / file, ignored)) return;
  const auto others = folders_with(model, file);
  throw InvalidArgument(
      "model",
      fmt::format(
          "The folder '{}' has no {}. Give the folder that holds it{}{}.",
          model,
          file,
          others.empty() ? "" : ", such as ",
          fmt::join(others, " or ")
      )
  );
}

void check_names(const std::string& model, const std::string& revision, const char* file) {
  std::error_code ignored;
  if (fs::exists(model, ignored)) {
    throw InvalidArgument(
        "model", fmt::format("'{}' is a file. Give the folder that holds {}.", model, file)
    );
  }
  if (!is_repo_name(model)) {
    throw InvalidArgument(
        "model",
        fmt::format(
            "There is no folder '{}', and it is no repository name like org/name. Give the folder "
            "that holds {}.",
            model,
            file
        )
    );
  }
  if (!is_safe_file_name(revision)) {
    throw InvalidArgument(
        "revision", fmt::format("'{}' is no branch, tag or commit of {}.", revision, model)
    );
  }
}

// One repository at one revision, on its way into the cache.
class Repository {
 public:
  Repository(const std::string& name, const HubOptions& options)
      : name_(name),
        revision_(options.revision.value_or("main")),
        options_(options),
        retries_{options.max_retries, options.retry_delay},
        cache_(options.download_dir.value_or(env::hf_hub_cache()), name),
        hub_(env::hf_endpoint(), name, options.token ? options.token : env::hf_token()) {}

  fs::path find_offline() const;
  fs::path find();

 private:
  std::optional<fs::path> complete_snapshot() const;
  fs::path download(const RepoInfo& info);
  void fetch_all(const std::string& commit, const std::vector<std::string>& names);
  void fetch(const std::string& commit, const RemoteFile& file, HubProgress& progress);
  std::vector<std::string> wanted_weights(const RepoInfo& info) const;
  std::string missing_text() const;

  std::string name_;
  std::string revision_;
  const HubOptions& options_;
  RetryPolicy retries_;
  HubCache cache_;
  HubApi hub_;
};

std::optional<fs::path> Repository::complete_snapshot() const {
  const auto commit = cache_.commit_of(revision_);
  if (!commit) return std::nullopt;
  const fs::path snapshot = cache_.snapshot(*commit);
  if (!missing_files(snapshot, options_.tokenizer_only).empty()) return std::nullopt;
  return snapshot;
}

std::string Repository::missing_text() const {
  const auto commit = cache_.commit_of(revision_);
  if (!commit) {
    return fmt::format("{} has no revision '{}' there", cache_.folder().string(), revision_);
  }
  const auto missing = missing_files(cache_.snapshot(*commit), options_.tokenizer_only);
  return fmt::format("{} lacks {}", cache_.snapshot(*commit).string(), fmt::join(missing, ", "));
}

fs::path Repository::find_offline() const {
  if (auto snapshot = complete_snapshot()) return *snapshot;
  throw EnvironmentError(fmt::format(
      "Repository {} is not in the cache, and HF_HUB_OFFLINE forbids a download: {}. Unset "
      "HF_HUB_OFFLINE once, copy the cache folder from a machine that has it, or give a folder.",
      name_,
      missing_text()
  ));
}

fs::path Repository::find() {
  // A commit never changes, so what the cache holds of it is all there is.
  if (is_commit(revision_)) {
    if (auto snapshot = complete_snapshot()) return *snapshot;
  }
  RepoInfo info;
  try {
    // One try is enough where the cache can stand in.
    retry(complete_snapshot() ? RetryPolicy{.max_retries = 0} : retries_, [&] {
      info = hub_.repo_info(revision_);
      return true;
    });
  } catch (const ConnectionError& error) {
    if (auto snapshot = complete_snapshot()) {
      QUIRE_LOG_WARN("The hub cannot be reached ({}); using {}", error.what(), snapshot->string());
      return *snapshot;
    }
    throw EnvironmentError(fmt::format(
        "The hub cannot be reached ({}), and the cache does not hold {}: {}. Check the connection "
        "and HF_ENDPOINT, or give a folder.",
        error.what(),
        name_,
        missing_text()
    ));
  }
  return download(info);
}

std::vector<std::string> Repository::wanted_weights(const RepoInfo& info) const {
  const fs::path index = cache_.snapshot(info.commit) / kSafetensorsIndexFile;
  auto weights = weight_files(
      info.files,
      fs::exists(index) ? shard_files(read_safetensors_index(index)) : std::vector<std::string>()
  );
  if (weights.empty()) {
    throw InvalidArgument(
        "model",
        fmt::format(
            "Repository {} has no .safetensors weights, the only format that quire reads.", name_
        )
    );
  }
  return weights;
}

fs::path Repository::download(const RepoInfo& info) {
  // The small files first: the index among them says which weights belong to the model.
  fetch_all(info.commit, text_files(info.files, options_.tokenizer_only));
  if (!options_.tokenizer_only) fetch_all(info.commit, wanted_weights(info));

  const fs::path snapshot = cache_.snapshot(info.commit);
  const auto missing = missing_files(snapshot, options_.tokenizer_only);
  if (!missing.empty()) {
    throw InvalidArgument(
        "model",
        fmt::format("Repository {} has no {} for quire to load.", name_, fmt::join(missing, ", "))
    );
  }
  cache_.set_commit_of(revision_, info.commit);
  return snapshot;
}

void Repository::fetch_all(const std::string& commit, const std::vector<std::string>& names) {
  std::vector<RemoteFile> files;
  HubProgress progress;
  for (const std::string& name : names) {
    if (cache_.has_file(commit, name)) continue;
    retry(retries_, [&] {
      files.push_back(hub_.file_info(commit, name));
      return true;
    });
    progress.total_bytes += files.back().num_bytes.value_or(0);
  }
  for (const RemoteFile& file : files)
    fetch(commit, file, progress);
}

void Repository::fetch(const std::string& commit, const RemoteFile& file, HubProgress& progress) {
  const FileLock lock(cache_.lock_file(file.etag));
  const fs::path blob = cache_.blob(file.etag);
  const int64_t done_before = progress.done_bytes;
  progress.file = file.name;
  if (!fs::exists(blob)) {
    download_file(hub_, file, blob, retries_, [&](int64_t file_bytes_done) {
      progress.done_bytes = done_before + file_bytes_done;
      if (options_.on_progress) options_.on_progress(progress);
    });
  }
  progress.done_bytes = done_before + file.num_bytes.value_or(0);
  if (options_.on_progress) options_.on_progress(progress);
  cache_.link_file(commit, file.name, file.etag);
}

fs::path find_folder(const std::string& model, const HubOptions& options) {
  std::error_code ignored;
  if (fs::is_directory(model, ignored)) {
    check_folder(model, options);
    return model;
  }
  check_names(model, options.revision.value_or("main"), main_file(options));
  Repository repository(model, options);
  return env::hf_hub_offline() ? repository.find_offline() : repository.find();
}

// The tokenizer has options of its own.
std::string option_of(const std::string& field, const HubOptions& options) {
  if (!options.tokenizer_only) return field;
  if (field == "model") return "tokenizer";
  return field == "revision" ? "tokenizer_revision" : field;
}

}  // namespace

fs::path resolve_model_dir(const std::string& model, const HubOptions& options) {
  try {
    return find_folder(env::model_alias(model).value_or(model), options);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(option_of(error.field(), options), error.what());
  } catch (const fs::filesystem_error& error) {
    throw EnvironmentError(error.what());
  }
}

}  // namespace quire
