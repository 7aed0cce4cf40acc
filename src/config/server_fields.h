#pragma once

#include "quire/server_config.h"

// The options of the server, declared once like those of field_visitor.h: name, member, group,
// help. The groups of one kind of option begin alike, with vLLM's name for all of them.
namespace quire {

template <class Config, class Visitor>
void visit_listening_fields(Config& c, Visitor& v) {
  const char* group = "Frontend";
  v("host", c.host, group, "Address or name to listen on. Default: all addresses.");
  v("port", c.port, group, "Port to listen on; 0: any that is free.");
  v("uds", c.uds, group, "Path of a unix socket to listen on, instead of a host and a port.");
  v("api_server_count",
    c.api_server_count,
    group,
    "Threads that serve connections, each with a listening socket of its own.");
  v("root_path", c.root_path, group, "Path that a proxy puts before all others, such as /llm.");
  v("ssl_keyfile", c.ssl_keyfile, group, "File with the key of the TLS certificate (PEM).");
  v("ssl_certfile", c.ssl_certfile, group, "File with the TLS certificate and its chain (PEM).");
  v("ssl_ca_certs",
    c.ssl_ca_certs,
    group,
    "File with the authorities whose client certificates are taken (PEM).");
  v("ssl_cert_reqs",
    c.ssl_cert_reqs,
    group,
    "Whether clients need a certificate: 0 no, 1 it is checked if there is one, 2 yes.");
  v("ssl_ciphers", c.ssl_ciphers, group, "Ciphers for TLS up to 1.2, as OpenSSL lists them.");
}

template <class Config, class Visitor>
void visit_access_fields(Config& c, Visitor& v) {
  const char* group = "FrontendAccess";
  v("api_key",
    c.api_key,
    group,
    "Keys, one of which callers of /v1, /v2 and /inference must send. Default: VLLM_API_KEY, else "
    "none.");
  v("allow_credentials", c.allow_credentials, group, "CORS: let pages send cookies.");
  v("allowed_origins", c.allowed_origins, group, "CORS: JSON list of the origins; [\"*\"]: all.");
  v("allowed_methods", c.allowed_methods, group, "CORS: JSON list of the methods; [\"*\"]: all.");
  v("allowed_headers", c.allowed_headers, group, "CORS: JSON list of the headers; [\"*\"]: all.");
  v("enable_request_id_headers",
    c.enable_request_id_headers,
    group,
    "Give each answer an X-Request-Id, the caller's if there is one.");
  v("enable_dev_endpoints",
    c.enable_dev_endpoints,
    group,
    "Serve /reset_prefix_cache, /pause, /sleep and the others for development. "
    "VLLM_SERVER_DEV_MODE=1 does the same.");
  v("disable_fastapi_docs", c.disable_fastapi_docs, group, "Serve no /openapi.json and no /docs.");
}

template <class Config, class Visitor>
void visit_limit_fields(Config& c, Visitor& v) {
  const char* group = "FrontendLimits";
  v("max_body_size", c.max_body_size, group, "Longest body of a request, in bytes.");
  v("h11_max_incomplete_event_size",
    c.h11_max_incomplete_event_size,
    group,
    "Longest head of a request, in bytes.");
  v("h11_max_header_count", c.h11_max_header_count, group, "Most headers of a request.");
  v("timeout_header", c.timeout_header, group, "Seconds for the whole head of a request.");
  v("timeout_body", c.timeout_body, group, "Seconds for its body.");
  v("timeout_keep_alive",
    c.timeout_keep_alive,
    group,
    "Seconds that a connection may wait between two requests. VLLM_HTTP_TIMEOUT_KEEP_ALIVE is its "
    "default.");
  v("timeout_write",
    c.timeout_write,
    group,
    "Seconds after which a client that takes nothing is dropped.");
  v("shutdown_timeout",
    c.shutdown_timeout,
    group,
    "Seconds after SIGTERM for requests that run; 0: they are aborted at once.");
  v("max_queue_size",
    c.max_queue_size,
    group,
    "Requests that may wait; more get status 429. 0: no limit.");
  v("max_pending_tokens",
    c.max_pending_tokens,
    group,
    "Prompt tokens of the requests that may wait; more get status 429. 0: no limit.");
  v("watchdog_timeout",
    c.watchdog_timeout,
    group,
    "Seconds without progress, with work to do, after which /health answers 503. 0: never.");
  v("watchdog_action",
    c.watchdog_action,
    group,
    "What happens then besides: abort-requests or exit. Default: nothing.");
}

template <class Config, class Visitor>
void visit_answer_fields(Config& c, Visitor& v) {
  const char* group = "FrontendAnswers";
  v("served_model_name",
    c.served_model_name,
    group,
    "Names that requests may give the model; answers have the first. Default: the model as given.");
  v("chat_template_content_format",
    c.chat_template_content_format,
    group,
    "How templates see a message's content: string, openai (a list of parts), or auto: seen from "
    "the template.");
  v("trust_request_chat_template",
    c.trust_request_chat_template,
    group,
    "Let a request bring a chat template of its own.");
  v("default_chat_template_kwargs",
    c.default_chat_template_kwargs,
    group,
    "JSON object: variables of the chat template, unless a request sets them.");
  v("response_role", c.response_role, group, "Role of the messages that are answered.");
  v("return_tokens_as_token_ids",
    c.return_tokens_as_token_ids,
    group,
    "Write tokens in logprobs as token_id:5 instead of their text.");
  v("enable_auto_tool_choice",
    c.enable_auto_tool_choice,
    group,
    "Let the model call tools when it wants to. Needs --tool-call-parser.");
  v("tool_call_parser",
    c.tool_call_parser,
    group,
    "How the model writes tool calls: hermes, llama3_json, mistral …");
  v("exclude_tools_when_tool_choice_none",
    c.exclude_tools_when_tool_choice_none,
    group,
    "Leave the tools out of the prompt when tool_choice is none.");
  v("reasoning_parser",
    c.reasoning_parser,
    group,
    "How the model writes its thoughts: deepseek_r1, qwen3, granite. Default: they are not told "
    "apart.");
  v("enable_prompt_tokens_details",
    c.enable_prompt_tokens_details,
    group,
    "Tell in usage how many prompt tokens came from the prefix cache.");
  v("enable_force_include_usage",
    c.enable_force_include_usage,
    group,
    "End every stream with its usage, asked for or not.");
  v("enable_server_load_tracking",
    c.enable_server_load_tracking,
    group,
    "Count the requests in work for /load.");
  v("enable_tokenizer_info_endpoint",
    c.enable_tokenizer_info_endpoint,
    group,
    "Serve /tokenizer_info, chat template included.");
}

template <class Config, class Visitor>
void visit_log_fields(Config& c, Visitor& v) {
  const char* group = "FrontendLogs";
  v("log_format", c.log_format, group, "text, or json: one object a line.");
  v("disable_uvicorn_access_log",
    c.disable_uvicorn_access_log,
    group,
    "Log no line for each request.");
  v("disable_access_log_for_endpoints",
    c.disable_access_log_for_endpoints,
    group,
    "Paths without such lines, with commas between: /health,/metrics");
  v("enable_log_requests", c.enable_log_requests, group, "Log each request's prompt and parameters."
  );
  v("enable_log_outputs",
    c.enable_log_outputs,
    group,
    "Log each output too. Needs --enable-log-requests.");
  v("max_log_len",
    c.max_log_len,
    group,
    "Longest piece of a prompt or an output in the log, in characters. Default: all of it.");
}

template <class Config, class Visitor>
void visit_server_fields(Config& c, Visitor&& v) {
  visit_listening_fields(c, v);
  visit_access_fields(c, v);
  visit_limit_fields(c, v);
  visit_answer_fields(c, v);
  visit_log_fields(c, v);
}

}  // namespace quire
