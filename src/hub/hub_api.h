#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/http_client.h"

namespace quire {

struct RepoInfo {
  std::string commit;  // what the revision stands for now
  std::vector<std::string> files;
};

// The hub's answer about a repository. Throws EnvironmentError when it is no such answer or lists a
// file outside the repository's folder.
RepoInfo parse_repo_info(std::string_view json, const std::string& url_for_errors);

// What must be known of a file before it is downloaded.
struct RemoteFile {
  std::string name;
  std::string url;
  std::string etag;  // names the blob; of a large file the SHA-256 of its content
  std::optional<int64_t> num_bytes;
};

// The part of the hub's interface that a download needs. Failures of the connection are thrown as
// ConnectionError, answers that say no as InvalidArgument or EnvironmentError.
class HubApi {
 public:
  HubApi(std::string endpoint, std::string repo, std::optional<std::string> token);

  RepoInfo repo_info(const std::string& revision);
  RemoteFile file_info(const std::string& commit, const std::string& file);
  HttpClient& http() { return http_; }

  // What an answer with an error status means for `url`.
  [[noreturn]] void fail(const HttpResponse& response, const std::string& url) const;

 private:
  std::string endpoint_;  // without a slash at its end
  std::string repo_;
  bool has_token_;
  std::string revision_;  // the last one asked for, for messages
  HttpClient http_;
};

}  // namespace quire
