#include "server/openai/tokenization.h"

#include "base/json_writer.h"
#include "quire/error.h"
#include "quire/tokenizer.h"
#include "server/api_error.h"
#include "server/openai/chat_request.h"
#include "server/openai/choice_json.h"

namespace quire::server {
namespace {

// The body of POST /tokenize: a prompt, or what a chat has that tokens come from.
struct TokenizeRequest {
  std::string model;
  std::optional<std::string> prompt;
  std::optional<bool> add_special_tokens;  // default: for a prompt alone
  bool return_token_strs = false;
};

bool read_tokenize_field(TokenizeRequest& request, const RequestValue& value) {
  if (value.name() == "model") {
    if (!value.is_null()) value.read(request.model);
  } else if (value.name() == "prompt") {
    value.read(request.prompt);
  } else if (value.name() == "add_special_tokens") {
    value.read(request.add_special_tokens);
  } else if (value.name() == "return_token_strs") {
    if (!value.is_null()) value.read(request.return_token_strs);
  } else {
    return false;
  }
  return true;
}

const Tokenizer& tokenizer_of(const std::shared_ptr<const Tokenizer>& tokenizer) {
  if (tokenizer) return *tokenizer;
  throw ApiError(501, "NotImplementedError", "The server was started with --skip-tokenizer-init.");
}

std::vector<int32_t> tokens_of_chat(
    const ServerState& state, const HttpRequest& http, UnknownFields& unknown_fields
) {
  const ChatRequest request =
      parse_chat_request(http.body, state.default_sampling_params, unknown_fields);
  ChatCall call = make_chat_call(request, "");
  call.may_call_tools = false;  // nothing is generated
  return render_messages(state, call).token_ids;
}

void write_token_strs(
    JsonWriter& writer, const Tokenizer& tokenizer, const std::vector<int32_t>& token_ids
) {
  writer.begin_array();
  for (const int32_t id : token_ids)
    writer.value(tokenizer.id_to_token(id).value_or(""));
  writer.end_array();
}

void write_special_token(
    JsonWriter& writer, const char* name, const Tokenizer& tokenizer, std::optional<int32_t> id
) {
  writer.key(name);
  const auto token = id ? tokenizer.id_to_token(*id) : std::nullopt;
  token ? writer.value(*token) : writer.null();
}

}  // namespace

HttpResponse tokenize(
    const ServerState& state, const HttpRequest& http, UnknownFields& unknown_fields
) {
  const auto shared_tokenizer = state.engine.tokenizer();
  const Tokenizer& tokenizer = tokenizer_of(shared_tokenizer);
  const JsonBody json(http.body);
  TokenizeRequest request;
  bool has_messages = false;
  for (const auto [name, value] : json.fields()) {
    has_messages = has_messages || name == "messages";
    const bool is_known = read_tokenize_field(request, {value, name});
    if (!is_known && request.prompt) unknown_fields.add(name);
  }
  check_model(state, request.model);
  if (!request.prompt && !has_messages) {
    throw_validation_error("missing", "'prompt'", "Field required", "{}", "", "prompt");
  }
  const std::vector<int32_t> token_ids =
      request.prompt ? tokenizer.encode(*request.prompt, request.add_special_tokens.value_or(true))
                     : tokens_of_chat(state, http, unknown_fields);
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  writer.begin_object().field("count", static_cast<int64_t>(token_ids.size()));
  writer.field("max_model_len", state.engine.max_model_len()).key("tokens");
  write_token_ids(writer, token_ids);
  writer.key("token_strs");
  request.return_token_strs ? write_token_strs(writer, tokenizer, token_ids) : (void)writer.null();
  writer.end_object();
  return response;
}

HttpResponse detokenize(
    const ServerState& state, const HttpRequest& http, UnknownFields& unknown_fields
) {
  const auto shared_tokenizer = state.engine.tokenizer();
  const Tokenizer& tokenizer = tokenizer_of(shared_tokenizer);
  const JsonBody json(http.body);
  std::string model;
  std::optional<std::vector<int32_t>> token_ids;
  for (const auto [name, json_value] : json.fields()) {
    const RequestValue value(json_value, name);
    if (name == "model") {
      if (!value.is_null()) value.read(model);
    } else if (name == "tokens") {
      read_token_ids(value, token_ids.emplace());
    } else {
      unknown_fields.add(name);
    }
  }
  check_model(state, model);
  if (!token_ids) {
    throw_validation_error("missing", "'tokens'", "Field required", "{}", "", "tokens");
  }
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  writer.begin_object().field("prompt", tokenizer.decode(*token_ids)).end_object();
  return response;
}

HttpResponse tokenizer_info(const ServerState& state) {
  const auto shared_tokenizer = state.engine.tokenizer();
  const Tokenizer& tokenizer = tokenizer_of(shared_tokenizer);
  HttpResponse response;
  JsonWriter writer(response.body, JsonSpacing::kCompact);
  writer.begin_object().field("tokenizer_class", "PreTrainedTokenizerFast");
  writer.field("vocab_size", tokenizer.vocab_size());
  writer.field("model_max_length", state.engine.max_model_len());
  write_special_token(writer, "bos_token", tokenizer, tokenizer.bos_token_id());
  write_special_token(writer, "eos_token", tokenizer, tokenizer.eos_token_id());
  write_special_token(writer, "pad_token", tokenizer, tokenizer.pad_token_id());
  write_special_token(writer, "unk_token", tokenizer, tokenizer.unk_token_id());
  writer.key("chat_template");
  try {
    writer.value(state.engine.chat_template().source());
  } catch (const InvalidArgument&) {  // the model has none
    writer.null();
  }
  writer.end_object();
  return response;
}

}  // namespace quire::server
