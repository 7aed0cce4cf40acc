#include "hub/hub_api.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "hub/hub_cache.h"
#include "hub/model_files.h"

namespace quire {
namespace {

constexpr long kTooManyRequests = 429;

bool is_error(const HttpResponse& response) {
  return response.status >= 400;
}

// Servers that are overloaded or being restarted: worth another try.
bool is_temporary(long status) {
  return status == kTooManyRequests || status >= 500;
}

// W/"abc" -> abc
std::string strip_etag(std::string etag) {
  if (etag.starts_with("W/")) etag.erase(0, 2);
  std::erase(etag, '"');
  return etag;
}

bool is_safe_etag(const std::string& etag) {
  return !etag.empty() && etag.front() != '.' &&
         std::all_of(etag.begin(), etag.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

std::optional<int64_t> parse_size(const std::optional<std::string>& text) {
  int64_t size = 0;
  if (!text) return std::nullopt;
  const auto result = std::from_chars(text->data(), text->data() + text->size(), size);
  if (result.ec != std::errc() || size < 0) return std::nullopt;
  return size;
}

}  // namespace

RepoInfo parse_repo_info(std::string_view json, const std::string& url_for_errors) {
  RepoInfo info;
  try {
    simdjson::dom::parser parser;
    const simdjson::padded_string padded(json);
    const simdjson::dom::element root = parser.parse(padded);
    info.commit = std::string(std::string_view(root["sha"]));
    for (const simdjson::dom::element sibling : root["siblings"].get_array()) {
      info.files.emplace_back(std::string_view(sibling["rfilename"]));
    }
  } catch (const simdjson::simdjson_error& error) {
    throw EnvironmentError(fmt::format("{} gave no list of files: {}", url_for_errors, error.what())
    );
  }
  if (!is_commit(info.commit)) {
    throw EnvironmentError(fmt::format("{} gave no commit but '{}'", url_for_errors, info.commit));
  }
  for (const std::string& file : info.files) {
    if (!is_safe_file_name(file)) {
      throw EnvironmentError(
          fmt::format("{} lists a file outside the folder: '{}'", url_for_errors, file)
      );
    }
  }
  return info;
}

HubApi::HubApi(std::string endpoint, std::string repo, std::optional<std::string> token)
    : endpoint_(std::move(endpoint)),
      repo_(std::move(repo)),
      has_token_(token.has_value()),
      http_(std::move(token)) {
  while (endpoint_.ends_with('/'))
    endpoint_.pop_back();
}

RepoInfo HubApi::repo_info(const std::string& revision) {
  revision_ = revision;
  const std::string url =
      fmt::format("{}/api/models/{}/revision/{}", endpoint_, repo_, url_encode(revision));
  const HttpResponse response = http_.get(url);
  if (is_error(response)) fail(response, url);
  return parse_repo_info(response.body, url);
}

RemoteFile HubApi::file_info(const std::string& commit, const std::string& file) {
  RemoteFile remote;
  remote.name = file;
  remote.url = fmt::format("{}/{}/resolve/{}/{}", endpoint_, repo_, commit, url_encode(file, "/"));
  const HttpResponse response = http_.head(remote.url);
  if (is_error(response)) fail(response, remote.url);

  // A large file's answer redirects to its storage; X-Linked-… describe the file behind it.
  const auto linked_etag = response.header("x-linked-etag");
  remote.etag = strip_etag(linked_etag ? *linked_etag : response.header("etag").value_or(""));
  if (!is_safe_etag(remote.etag)) {
    throw EnvironmentError(
        fmt::format("{} has no usable ETag, so it cannot be cached ('{}')", remote.url, remote.etag)
    );
  }
  remote.num_bytes = parse_size(response.header("x-linked-size"));
  if (!remote.num_bytes && response.status == 200) {
    remote.num_bytes = parse_size(response.header("content-length"));
  }
  return remote;
}

void HubApi::fail(const HttpResponse& response, const std::string& url) const {
  const std::string code = response.header("x-error-code").value_or("");
  if (is_temporary(response.status)) {
    throw ConnectionError(fmt::format("{} answered {}", url, response.status));
  }
  if (code == "RevisionNotFound") {
    throw InvalidArgument(
        "revision",
        fmt::format("Repository {} has no branch, tag or commit '{}'.", repo_, revision_)
    );
  }
  const bool may_not = response.status == 401 || response.status == 403;
  if (code == "GatedRepo" || (may_not && code != "RepoNotFound")) {
    throw InvalidArgument(
        "hf_token",
        fmt::format(
            "Repository {} is gated or private ({}). {} at {}/{} and set HF_TOKEN (or --hf-token) "
            "to a token of that account.",
            repo_,
            response.status,
            has_token_ ? "The token given may not read it: ask for access" : "Ask for access",
            endpoint_,
            repo_
        )
    );
  }
  if (code == "RepoNotFound" || (response.status == 404 && code != "EntryNotFound")) {
    throw InvalidArgument(
        "model",
        fmt::format(
            "There is no folder '{}' here and no such repository at {}. Check the spelling; a "
            "private repository needs HF_TOKEN (or --hf-token).",
            repo_,
            endpoint_
        )
    );
  }
  throw EnvironmentError(fmt::format("{} answered {} {}", url, response.status, code));
}

}  // namespace quire
