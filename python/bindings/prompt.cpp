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

// The keys of a prompt's dict, made once: thousands of prompts are read in a call.
struct Keys {
  nb::object prompt{nb::str("prompt")};
  nb::object prompt_token_ids{nb::str("prompt_token_ids")};
  nb::object cache_salt{nb::str("cache_salt")};
  nb::object absent[3]{
      nb::str("prompt_embeds"), nb::str("multi_modal_data"), nb::str("encoder_prompt")};

  static const Keys& get() {
    static const Keys* const keys = new Keys();
    return *keys;
  }
};

// The value of a key; invalid: there is none.
nb::handle find(const nb::dict& dict, const nb::object& key) {
  PyObject* value = PyDict_GetItemWithError(dict.ptr(), key.ptr());
  if (value == nullptr && PyErr_Occurred() != nullptr) throw nb::python_error();
  return value;
}

bool is_given(nb::handle value) {
  return value.is_valid() && !value.is_none();
}

Prompt read_dict(const nb::dict& dict) {
  const Keys& keys = Keys::get();
  Prompt prompt;
  for (const nb::object& absent : keys.absent) {
    if (!is_given(find(dict, absent))) continue;
    throw nb::value_error("Only text models run here: give `prompt` or `prompt_token_ids`.");
  }
  const nb::handle text = find(dict, keys.prompt);
  const nb::handle ids = find(dict, keys.prompt_token_ids);
  const nb::handle cache_salt = find(dict, keys.cache_salt);
  if (!text.is_valid() && !ids.is_valid()) raise_type_error("prompt", kForms, dict);
  if (ids.is_valid()) read_value("prompt_token_ids", ids, prompt.token_ids);
  if (is_given(text)) read_value("prompt", text, prompt.text);
  if (is_given(cache_salt)) read_value("cache_salt", cache_salt, prompt.cache_salt);
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
