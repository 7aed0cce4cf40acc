#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Options whose value is JSON.
namespace quire::cli {

enum class JsonShape : uint8_t { kNone, kObject, kTextList };

// What JSON the option takes; `name` has underscores. A list may also be given as words.
JsonShape json_shape(std::string_view name);

// A value inside the object of an option: --name.path value, or --name.path+ a,b.
struct JsonPart {
  std::string path;  // keys with dots between
  std::string text;  // JSON, else a text
  bool appends = false;  // `text` has elements for the list there, commas between them
};

// `object` (may be empty) with the parts put in, later ones over earlier ones. Throws
// InvalidArgument, with the option's name, for text that is no JSON object.
std::string merge_json(
    const std::string& option, const std::string& object, const std::vector<JsonPart>& parts
);

// The elements of a JSON list of texts. Throws InvalidArgument.
std::vector<std::string> parse_text_list(const std::string& option, const std::string& json);

}  // namespace quire::cli
