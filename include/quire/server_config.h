#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

// Every wish a user can have of the server, in the names of vLLM's flags where it has one.
struct ServerConfig {
  // Where it listens.
  std::optional<std::string> host;  // default: all addresses
  int port = 8000;  // 0: any free one
  std::optional<std::string> uds;  // path of a unix socket, instead of host and port
  int api_server_count = 1;  // threads that serve connections, each with its own listening socket
  std::optional<std::string> ssl_keyfile;
  std::optional<std::string> ssl_certfile;
  std::optional<std::string> ssl_ca_certs;
  int ssl_cert_reqs = 0;  // 0: none, 1: optional, 2: required, as in Python's ssl
  std::optional<std::string> ssl_ciphers;
  std::optional<std::string> root_path;  // prefix that a proxy puts before all paths

  // Who may call it.
  std::vector<std::string> api_key;  // any of them; empty: everybody
  bool allow_credentials = false;
  std::vector<std::string> allowed_origins = {"*"};
  std::vector<std::string> allowed_methods = {"*"};
  std::vector<std::string> allowed_headers = {"*"};
  bool enable_request_id_headers = false;
  bool enable_dev_endpoints = false;  // VLLM_SERVER_DEV_MODE=1 does the same
  bool disable_fastapi_docs = false;  // no /openapi.json and /docs

  // Limits. Times in seconds.
  int64_t max_body_size = 64 << 20;  // bytes
  int h11_max_incomplete_event_size = 64 << 10;  // bytes of a request's head
  int h11_max_header_count = 256;
  double timeout_header = 10.0;  // for the whole head of a request
  double timeout_body = 60.0;
  double timeout_keep_alive = 5.0;  // between requests; VLLM_HTTP_TIMEOUT_KEEP_ALIVE
  double timeout_write = 60.0;  // a client that takes nothing for so long is dropped
  double shutdown_timeout = 0.0;  // after SIGTERM, for requests that run; 0: they are aborted
  int max_queue_size = 0;  // waiting requests before 429; 0: no limit
  int64_t max_pending_tokens = 0;  // prompt tokens of waiting requests before 429; 0: no limit
  double watchdog_timeout = 60.0;  // no progress with work for so long: unhealthy; 0: off
  std::optional<std::string> watchdog_action;  // abort-requests, exit; default: only /health tells

  // What it answers.
  std::vector<std::string> served_model_name;  // default: the model as given
  std::string chat_template_content_format = "auto";  // auto, string, openai
  bool trust_request_chat_template = false;  // a request may bring its own template
  std::optional<std::string> default_chat_template_kwargs;  // JSON object
  std::string response_role = "assistant";
  bool return_tokens_as_token_ids = false;  // "token_id:5" for tokens in logprobs
  bool enable_auto_tool_choice = false;  // needs tool_call_parser
  bool exclude_tools_when_tool_choice_none = false;
  std::optional<std::string> tool_call_parser;
  std::optional<std::string> reasoning_parser;
  bool enable_prompt_tokens_details = false;
  bool enable_force_include_usage = false;
  bool enable_server_load_tracking = false;
  bool enable_tokenizer_info_endpoint = false;

  // What it logs.
  bool disable_uvicorn_access_log = false;
  std::optional<std::string> disable_access_log_for_endpoints;  // paths, comma between
  bool enable_log_requests = false;
  bool enable_log_outputs = false;
  std::optional<int> max_log_len;  // characters of a prompt in the log
  std::string log_format = "text";  // text, json

  // Throws InvalidArgument with the field of a value that no server could work with.
  void validate() const;
};

}  // namespace quire
