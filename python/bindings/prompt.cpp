#include "python/bindings/prompt.h"

#include <nanobind/stl/string.h>

#include "base/json_writer.h"
#include "python/bindings/convert.h"
#include "quire/request_json.h"
#include "quire/tokenizer.h"

namespace quire::python {
namespace {

constexpr const char* kForms =
    "a str, a list of token ids, or a dict with prompt or prompt_token_ids";

bool is_list(nb::handle value) {
  return PyList_Check(value.ptr()) || PyTuple_Check(value.ptr());
}

bool is_token_list(nb::handle value) {
  return is_list(value) && nb::len(value) > 0 && PyLong_Check(nb::object(value[0]).ptr());
}

Prompt read_dict(const nb::dict& dict) {
  Prompt prompt;
  for (const char* absent : {"prompt_embeds", "multi_modal_data", "encoder_prompt"}) {
    if (!dict.contains(absent) || dict[absent].is_none()) continue;
    throw nb::value_error("Only text models run here: give `prompt` or `prompt_token_ids`.");
  }
  const bool has_ids = dict.contains("prompt_token_ids");
  if (!has_ids && !dict.contains("prompt")) raise_type_error("prompt", kForms, dict);
  if (has_ids) read_value("prompt_token_ids", dict["prompt_token_ids"], prompt.token_ids);
  if (dict.contains("prompt") && !dict["prompt"].is_none())
    read_value("prompt", dict["prompt"], prompt.text);
  if (dict.contains("cache_salt") && !dict["cache_salt"].is_none())
    read_value("cache_salt", dict["cache_salt"], prompt.cache_salt);
  return prompt;
}

}  // namespace

Prompt read_prompt(nb::handle prompt) {
  if (PyUnicode_Check(prompt.ptr())) return {.text = to_utf8(prompt)};
  if (PyDict_Check(prompt.ptr())) return read_dict(nb::borrow<nb::dict>(prompt));
  if (!is_list(prompt)) raise_type_error("prompt", kForms, prompt);
  Prompt ids;
  read_value("prompt_token_ids", prompt, ids.token_ids);
  return ids;
}

std::vector<Prompt> read_prompts(nb::handle prompts) {
  if (!is_list(prompts) || is_token_list(prompts)) return {read_prompt(prompts)};
  std::vector<Prompt> all;
  all.reserve(nb::len(prompts));
  for (const nb::handle prompt : nb::iter(prompts))
    all.push_back(read_prompt(prompt));
  return all;
}

std::pair<std::string, std::vector<int32_t>> render_chat_request(
    const AsyncEngine& engine,
    const std::string& request,
    const std::optional<std::string>& chat_template
) {
  ParsedRequest parsed = parse_request_json(request, engine.default_sampling_params());
  std::shared_ptr<const ChatTemplate> own;
  if (chat_template) {
    own = ChatTemplate::from_source(*chat_template, engine.tokenizer().get());
    parsed.chat.chat_template = own.get();
  }
  Prompt prompt = make_prompt(engine, parsed);
  return {std::move(prompt.text), std::move(prompt.token_ids)};
}

}  // namespace quire::python
