#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace quire::test {

struct HubRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
};

struct HubFile {
  std::string content;
  // A large file: its address redirects to storage under another host name, as the hub does, and
  // its ETag is the SHA-256 of the content.
  bool is_large = false;
  std::string announced_etag;  // instead of the true one; empty: the true one
  size_t announced_size = 0;  // of a large file, instead of the true one; 0: the true one
};

// A hub with one repository, on a port of 127.0.0.1, until it is destroyed. Faults are set before
// the client starts.
class LoopbackHub {
 public:
  LoopbackHub();
  ~LoopbackHub();
  LoopbackHub(const LoopbackHub&) = delete;
  LoopbackHub& operator=(const LoopbackHub&) = delete;

  std::string endpoint() const;  // http://127.0.0.1:port

  std::string repo = "org/tiny";
  std::string commit = "0123456789abcdef0123456789abcdef01234567";
  std::set<std::string> revisions = {"main"};  // that stand for `commit`
  std::map<std::string, HubFile> files;
  std::string required_token;  // empty: public
  std::vector<std::string> extra_names;  // listed, though no such file exists

  std::atomic<int> num_drops = 0;  // this many answers from the storage break off half way
  std::atomic<int> num_busy = 0;  // this many requests are answered 503
  std::atomic<bool> ignores_range = false;

  std::vector<HubRequest> requests() const;  // so far, in order
  size_t num_requests(const std::string& method, const std::string& part_of_target) const;

 private:
  struct Answer;
  void serve();
  void handle(int client);
  Answer answer(const HubRequest& request);
  Answer list_files(const std::string& revision) const;
  Answer describe(const HubRequest& request, const std::string& name) const;
  Answer content(const HubRequest& request, const HubFile& file) const;
  void send_answer(int client, const HubRequest& request, const Answer& answer);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<HubRequest> requests_;
  std::thread thread_;
};

std::string sha256_hex(const std::string& content);

}  // namespace quire::test
