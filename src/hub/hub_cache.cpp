#include "hub/hub_cache.h"

#include <algorithm>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "config/safetensors_index.h"
#include "hub/model_files.h"
#include "quire/error.h"

namespace quire {
namespace fs = std::filesystem;
namespace {

std::string folder_name(std::string repo) {
  for (size_t slash = repo.find('/'); slash != std::string::npos; slash = repo.find('/')) {
    repo.replace(slash, 1, "--");
  }
  return "models--" + repo;
}

// Where a file is written before it is renamed: a reader never sees half of it.
fs::path aside_of(const fs::path& path) {
  return fs::path(path) += fmt::format(".{}-{}", getpid(), gettid());
}

// One part of a path that stays where it is put.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

}  // namespace

bool is_commit(const std::string& revision) {
  return revision.size() == 40 &&
         revision.find_first_not_of("0123456789abcdef") == std::string::npos;
}

HubCache::HubCache(const fs::path& cache_dir, const std::string& repo)
    : folder_(cache_dir / folder_name(repo)), locks_(cache_dir / ".locks" / folder_name(repo)) {}

fs::path HubCache::snapshot(const std::string& commit) const {
  return folder_ / "snapshots" / commit;
}

fs::path HubCache::blob(const std::string& etag) const {
  return folder_ / "blobs" / etag;
}

fs::path HubCache::lock_file(const std::string& etag) const {
  return locks_ / (etag + ".lock");
}

std::optional<std::string> HubCache::commit_of(const std::string& revision) const {
  if (is_commit(revision)) return revision;
  std::ifstream file(folder_ / "refs" / revision);
  std::string commit;
  // A cache made by hand may name its snapshots as it likes.
  if (!(file >> commit)) commit = revision;
  if (is_commit(commit)) return commit;
  if (!is_plain_name(commit) || !fs::is_directory(snapshot(commit))) return std::nullopt;
  return commit;
}

void HubCache::set_commit_of(const std::string& revision, const std::string& commit) const {
  if (commit_of(revision) == commit) return;
  const fs::path path = folder_ / "refs" / revision;
  fs::create_directories(path.parent_path());
  const fs::path aside = aside_of(path);
  std::ofstream file(aside);
  file << commit;
  file.close();
  if (!file) throw EnvironmentError(fmt::format("Cannot write {}.", aside.string()));
  fs::rename(aside, path);
}

bool HubCache::has_file(const std::string& commit, const std::string& file) const {
  return fs::exists(snapshot(commit) / file);
}

void HubCache::link_file(
    const std::string& commit, const std::string& file, const std::string& etag
) const {
  const fs::path link = snapshot(commit) / file;
  fs::create_directories(link.parent_path());
  const fs::path target = fs::relative(blob(etag), link.parent_path());
  const fs::path aside = aside_of(link);
  fs::create_symlink(target, aside);
  fs::rename(aside, link);
}

std::vector<std::string> missing_files(const fs::path& snapshot, bool tokenizer_only) {
  std::vector<std::string> missing;
  if (tokenizer_only) {
    if (!fs::exists(snapshot / "tokenizer.json")) missing.emplace_back("tokenizer.json");
    return missing;
  }
  if (!fs::exists(snapshot / "config.json")) missing.emplace_back("config.json");

  std::vector<std::string> names;
  if (fs::is_directory(snapshot)) {
    for (const auto& entry : fs::directory_iterator(snapshot)) {
      if (fs::exists(entry.path())) names.push_back(entry.path().filename());
    }
  }
  const auto index = snapshot / kSafetensorsIndexFile;
  const auto shards =
      fs::exists(index) ? shard_files(read_safetensors_index(index)) : std::vector<std::string>();
  const auto weights = weight_files(names, shards);
  if (weights.empty()) missing.emplace_back("*.safetensors");
  for (const std::string& name : weights) {
    if (std::find(names.begin(), names.end(), name) == names.end()) missing.push_back(name);
  }
  return missing;
}

}  // namespace quire
