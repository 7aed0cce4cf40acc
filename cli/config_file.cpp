#include "cli/config_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/utf8.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr size_t kMaxDepth = 32;

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;  // of a scalar
  bool is_plain = false;  // written without quotes: may mean a number or a truth value
  int line = 0;
  std::vector<Node> items;  // of a list; keys and values in turn of a map
};

[[noreturn]] void fail(const std::string& file, int line, const std::string& what) {
  throw InvalidArgument("--config", fmt::format("{}:{}: {}", file, line, what));
}

// Builds the tree of one document. Nothing is shared or repeated in it, so a small file stays
// small.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  const Node& root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(Node::Kind::kNull, mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(file_, line_of(mark), "An alias (*name) is not supported: write the value out.");
  }
  void OnScalar(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      const std::string& value
  ) override {
    Node& node = add(Node::Kind::kScalar, mark, anchor);
    node.text = value;
    node.is_plain = tag == "?";
  }
  void OnSequenceStart(
      const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value
  ) override {
    open(add(Node::Kind::kList, mark, anchor));
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(
      const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value
  ) override {
    open(add(Node::Kind::kMap, mark, anchor));
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  static int line_of(const YAML::Mark& mark) { return mark.line + 1; }

  Node& add(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) {
      fail(file_, line_of(mark), "An anchor (&name) is not supported: write the value out.");
    }
    Node& node = open_.empty() ? root_ : open_.back()->items.emplace_back();
    node.kind = kind;
    node.line = line_of(mark);
    return node;
  }

  // The pointers hold: a list grows only while it is the innermost open one.
  void open(Node& node) {
    if (open_.size() == kMaxDepth) fail(file_, node.line, "The values are nested too deeply.");
    open_.push_back(&node);
  }

  const std::string& file_;
  Node root_;
  std::vector<Node*> open_;
};

// YAML 1.1's words, which Python's parser knows too.
std::optional<bool> truth_value(const Node& node) {
  if (!node.is_plain) return std::nullopt;
  constexpr std::array kTrue = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"};
  constexpr std::array kFalse = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"};
  if (std::ranges::find(kTrue, node.text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, node.text) != kFalse.end()) return false;
  return std::nullopt;
}

std::optional<double> number(const Node& node) {
  if (!node.is_plain) return std::nullopt;
  double value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, value);
  if (error != std::errc() || rest != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> whole_number(const Node& node) {
  if (!node.is_plain) return std::nullopt;
  int64_t value = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

void write_scalar(const Node& node, JsonWriter& json) {
  if (const auto flag = truth_value(node)) {
    json.value(*flag);
  } else if (const auto whole = whole_number(node)) {
    json.value(*whole);
  } else if (const auto value = number(node)) {
    json.value(*value);
  } else {
    json.value(node.text);
  }
}

const Node& key_of(const std::string& file, const Node& map, size_t i) {
  const Node& key = map.items[i];
  if (key.kind != Node::Kind::kScalar) fail(file, key.line, "A key is a text.");
  return key;
}

// Not deep: TreeBuilder saw to that.
void write_json(const std::string& file, const Node& node, JsonWriter& json) {
  switch (node.kind) {
    case Node::Kind::kNull:
      json.null();
      return;
    case Node::Kind::kScalar:
      write_scalar(node, json);
      return;
    case Node::Kind::kList:
      json.begin_array();
      for (const Node& item : node.items)
        write_json(file, item, json);
      json.end_array();
      return;
    case Node::Kind::kMap:
      json.begin_object();
      for (size_t i = 0; i + 1 < node.items.size(); i += 2) {
        json.key(key_of(file, node, i).text);
        write_json(file, node.items[i + 1], json);
      }
      json.end_object();
      return;
  }
}

std::string word_of(const std::string& file, const Node& node) {
  if (node.kind == Node::Kind::kScalar) return node.text;
  std::string json;
  JsonWriter writer(json);
  write_json(file, node, writer);
  return json;
}

ConfigEntry entry_of(const std::string& file, const Node& key, const Node& value) {
  ConfigEntry entry;
  entry.name = key.text;
  entry.line = key.line;
  entry.is_list = value.kind == Node::Kind::kList;
  entry.is_object = value.kind == Node::Kind::kMap;
  if (entry.is_list && !value.items.empty()) {
    for (const Node& item : value.items)
      entry.words.push_back(word_of(file, item));
  } else {
    entry.words.push_back(word_of(file, value));
  }
  return entry;
}

Node parse_tree(const std::string& file, std::string_view text) {
  if (text.size() > kMaxBytes) {
    fail(file, 1, fmt::format("A file of options has at most {} bytes.", kMaxBytes));
  }
  if (find_invalid_utf8(text)) fail(file, 1, "The file is not valid UTF-8.");
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(file);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return {};
    TreeBuilder second(file);
    if (parser.HandleNextDocument(second)) fail(file, 1, "The file has more than one document.");
  } catch (const YAML::Exception& error) {
    fail(file, error.mark.line + 1, fmt::format("This is not YAML: {}.", error.msg));
  }
  return builder.root();
}

}  // namespace

std::vector<ConfigEntry> parse_config(const std::string& file, std::string_view text) {
  const Node root = parse_tree(file, text);
  if (root.kind == Node::Kind::kNull) return {};
  if (root.kind != Node::Kind::kMap) {
    fail(file, root.line, "The file must be a map: one `option: value` a line.");
  }
  std::vector<ConfigEntry> entries;
  std::set<std::string> names;
  for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
    const Node& key = key_of(file, root, i);
    std::string name = key.text;
    std::replace(name.begin(), name.end(), '_', '-');
    if (!names.insert(std::move(name)).second) {
      fail(file, key.line, fmt::format("{} stands here a second time.", key.text));
    }
    const Node& value = root.items[i + 1];
    if (value.kind != Node::Kind::kNull) entries.push_back(entry_of(file, key, value));
  }
  return entries;
}

std::vector<ConfigEntry> read_config_file(const std::string& path) {
  return parse_config(path, read_file(path));
}

}  // namespace quire::cli
