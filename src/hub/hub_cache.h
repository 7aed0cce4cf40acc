#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace quire {

// One repository in the Hugging Face cache layout:
//   models--org--name/refs/<branch or tag>        text: the commit
//   models--org--name/blobs/<etag>                the contents; <etag>.incomplete while downloading
//   models--org--name/snapshots/<commit>/<file>   links to blobs
class HubCache {
 public:
  // `repo` is "org/name" or "name". Nothing is created before it is needed.
  HubCache(const std::filesystem::path& cache_dir, const std::string& repo);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path snapshot(const std::string& commit) const;
  std::filesystem::path blob(const std::string& etag) const;
  std::filesystem::path lock_file(const std::string& etag) const;

  // The commit that `revision` (branch, tag or commit) stood for when it was last downloaded.
  std::optional<std::string> commit_of(const std::string& revision) const;
  void set_commit_of(const std::string& revision, const std::string& commit) const;

  bool has_file(const std::string& commit, const std::string& file) const;
  void link_file(const std::string& commit, const std::string& file, const std::string& etag) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path locks_;
};

bool is_commit(const std::string& revision);  // 40 hexadecimal digits

// What a snapshot lacks, as names or patterns for a message; empty: it can be loaded.
std::vector<std::string> missing_files(const std::filesystem::path& snapshot, bool tokenizer_only);

}  // namespace quire
