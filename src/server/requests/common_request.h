#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "quire/sampling_params.h"
#include "server/requests/request_body.h"
#include "server/requests/truncation.h"

namespace quire::server {

// What one request may ask for at most, where the engine has no limit of its own.
inline constexpr size_t kMaxStopStrings = 256;
inline constexpr size_t kMaxBadWords = 1024;
inline constexpr size_t kMaxMessages = 10'000;
inline constexpr size_t kMaxTools = 1024;
inline constexpr size_t kMaxRequestIdBytes = 256;

struct StreamOptions {
  bool include_usage = false;
  bool continuous_usage_stats = false;
};

// What completions and chats have in common. null counts as not given.
struct CommonRequest {
  std::string model;  // empty: the first that is served
  std::string request_id;  // empty: none of its own
  std::optional<int> max_tokens;
  SamplingParams params;
  bool stream = false;
  std::optional<StreamOptions> stream_options;
  bool echo = false;
  bool add_special_tokens = true;
  Truncation truncation;
  bool return_token_ids = false;
  std::optional<bool> return_tokens_as_token_ids;  // default: the server's
  std::string cache_salt;
  int priority = 0;
  std::optional<int> best_of;
};

// Throws InvalidArgument `name` when a list has more than `max` entries.
void check_count(std::string_view name, size_t count, size_t max);

// Reads one field that both endpoints know; false: it is none. Members of it that mean nothing go
// to `unknown_fields`, such as "stream_options.usage". Throws ApiError or InvalidArgument for a
// wrong value, and for what is not supported.
bool read_common_field(
    CommonRequest& request, const RequestValue& value, UnknownFields& unknown_fields
);

// After all fields: throws InvalidArgument for combinations that cannot be.
// `default_max_tokens`: where the request has none.
void finish_common_request(CommonRequest& request, std::optional<int> default_max_tokens);

}  // namespace quire::server
