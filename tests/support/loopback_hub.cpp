#include "support/loopback_hub.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/sha.h>
#include <sys/socket.h>
#include <unistd.h>

namespace quire::test {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

HubRequest parse_request(const std::string& head) {
  HubRequest request;
  std::istringstream lines(head);
  std::string line;
  std::getline(lines, line);
  std::istringstream(line) >> request.method >> request.target;
  while (std::getline(lines, line) && line.size() > 1) {
    const auto colon = line.find(": ");
    if (colon == std::string::npos) continue;
    request.headers[lower(line.substr(0, colon))] = line.substr(colon + 2, line.size() - colon - 3);
  }
  return request;
}

void send_all(int client, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the client has gone
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

std::string etag_of(const HubFile& file) {
  if (!file.announced_etag.empty()) return file.announced_etag;
  const std::string digest = sha256_hex(file.content);
  return file.is_large ? digest : digest.substr(0, 40);
}

size_t announced_size_of(const HubFile& file) {
  return file.announced_size > 0 ? file.announced_size : file.content.size();
}

}  // namespace

struct LoopbackHub::Answer {
  int status = 200;
  std::vector<std::string> headers;
  std::string body;
  bool may_break_off = false;
};

std::string sha256_hex(const std::string& content) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  std::string text;
  for (const unsigned char byte : digest)
    text += fmt::format("{:02x}", byte);
  return text;
}

LoopbackHub::LoopbackHub() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen on the loopback");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

LoopbackHub::~LoopbackHub() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);  // wakes accept()
  thread_.join();
  close(listener_);
}

std::string LoopbackHub::endpoint() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<HubRequest> LoopbackHub::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t LoopbackHub::num_requests(const std::string& method, const std::string& part_of_target)
    const {
  const auto all = requests();
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), [&](const HubRequest& request) {
    return request.method == method && request.target.find(part_of_target) != std::string::npos;
  }));
}

void LoopbackHub::serve() {
  while (!stopping_) {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) continue;
    handle(client);
    close(client);
  }
}

void LoopbackHub::handle(int client) {
  std::string head;
  std::array<char, 4096> piece{};
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t received = recv(client, piece.data(), piece.size(), 0);
    if (received <= 0) return;
    head.append(piece.data(), static_cast<size_t>(received));
  }
  const HubRequest request = parse_request(head);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  send_answer(client, request, answer(request));
}

LoopbackHub::Answer LoopbackHub::answer(const HubRequest& request) {
  if (num_busy > 0) {
    --num_busy;
    return {503, {}, "busy"};
  }
  const std::string storage = "/storage/";
  if (request.target.starts_with(storage)) {
    return content(request, files.at(request.target.substr(storage.size())));
  }
  const auto token = request.headers.find("authorization");
  if (!required_token.empty() &&
      (token == request.headers.end() || token->second != "Bearer " + required_token)) {
    return {401, {"X-Error-Code: GatedRepo"}, "gated"};
  }
  const std::string api = "/api/models/" + repo + "/revision/";
  if (request.target.starts_with(api)) return list_files(request.target.substr(api.size()));
  const std::string resolve = "/" + repo + "/resolve/" + commit + "/";
  if (request.target.starts_with(resolve)) {
    return describe(request, request.target.substr(resolve.size()));
  }
  return {404, {"X-Error-Code: RepoNotFound"}, "no such repository"};
}

LoopbackHub::Answer LoopbackHub::list_files(const std::string& revision) const {
  if (revision != commit && !revisions.contains(revision)) {
    return {404, {"X-Error-Code: RevisionNotFound"}, "no such revision"};
  }
  std::vector<std::string> names = extra_names;
  for (const auto& [name, file] : files)
    names.push_back(name);
  std::string siblings;
  for (const std::string& name : names) {
    siblings += fmt::format("{}{{\"rfilename\": \"{}\"}}", siblings.empty() ? "" : ", ", name);
  }
  const std::string body = fmt::format("{{\"sha\": \"{}\", \"siblings\": [{}]}}", commit, siblings);
  return {200, {"Content-Type: application/json"}, body};
}

LoopbackHub::Answer LoopbackHub::describe(const HubRequest& request, const std::string& name)
    const {
  const auto found = files.find(name);
  if (found == files.end()) return {404, {"X-Error-Code: EntryNotFound"}, "no such file"};
  const HubFile& file = found->second;
  if (file.is_large) {
    return {
        302,
        {"X-Repo-Commit: " + commit,
         fmt::format("X-Linked-Etag: \"{}\"", etag_of(file)),
         fmt::format("X-Linked-Size: {}", announced_size_of(file)),
         fmt::format("Location: http://localhost:{}/storage/{}", port_, name)},
        "moved"};
  }
  Answer answer = content(request, file);
  answer.headers.push_back("X-Repo-Commit: " + commit);
  answer.headers.push_back(fmt::format("ETag: W/\"{}\"", etag_of(file)));
  return answer;
}

LoopbackHub::Answer LoopbackHub::content(const HubRequest& request, const HubFile& file) const {
  const auto range = request.headers.find("range");
  if (range == request.headers.end() || ignores_range)
    return {200, {}, file.content, file.is_large};
  const size_t first = std::stoul(range->second.substr(std::string("bytes=").size()));
  const size_t size = file.content.size();
  if (first >= size) return {416, {fmt::format("Content-Range: bytes */{}", size)}, ""};
  const std::string content_range =
      fmt::format("Content-Range: bytes {}-{}/{}", first, size - 1, size);
  return {206, {content_range}, file.content.substr(first), file.is_large};
}

void LoopbackHub::send_answer(int client, const HubRequest& request, const Answer& answer) {
  std::string head = fmt::format("HTTP/1.1 {} X\r\nConnection: close\r\n", answer.status);
  for (const std::string& header : answer.headers)
    head += header + "\r\n";
  head += fmt::format("Content-Length: {}\r\n\r\n", answer.body.size());
  send_all(client, head);
  if (request.method == "HEAD") return;
  std::string_view body = answer.body;
  if (answer.may_break_off && num_drops > 0) {
    --num_drops;
    body = body.substr(0, body.size() / 2);
  }
  send_all(client, body);
}

}  // namespace quire::test
