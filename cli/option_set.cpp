#include "cli/option_set.h"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/fixed_options.h"
#include "cli/option_names.h"
#include "cli/refused_options.h"
#include "cli/suggest.h"
#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr int kMaxWords = 1 << 20;
constexpr std::string_view kNegation = "--no-";

std::string declaration(const OptionInfo& option) {
  const std::string flag = option.flag();
  std::string text = option.short_flag.empty() ? flag : option.short_flag + "," + flag;
  if (option.kind == OptionKind::kSwitch) text += ",!--no-" + flag.substr(2);
  return text;
}

// A switch in a file may be any of YAML's truth values.
std::string truth_word(const std::string& word) {
  std::string lower = word;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return "true";
  if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return "false";
  return word;
}

std::string negated(const std::string& word) {
  if (word == "true") return "false";
  return word == "false" ? "true" : word;
}

}  // namespace

std::string OptionInfo::flag() const {
  return flag_of(name);
}

OptionSet::OptionSet(std::string command, std::string description)
    : command_(std::move(command)),
      description_(std::move(description)),
      app_(std::make_unique<CLI::App>(description_, command_)) {
  app_->set_help_flag();  // read here
  app_->allow_extras();
}

OptionSet::~OptionSet() = default;

void OptionSet::add(OptionInfo option) {
  const bool is_switch = option.kind == OptionKind::kSwitch;
  const bool is_list = option.kind == OptionKind::kList || option.kind == OptionKind::kTextList;
  const std::string help = option.help;  // const: CLI11 would write values into another string
  CLI::Option* parser = is_switch ? app_->add_flag(declaration(option), help)
                                  : app_->add_option(declaration(option), help);
  if (is_list) {
    // Not "any number": then CLI11 would take [a,b] apart.
    parser->expected(1, kMaxWords);
  } else {
    parser->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  parsers_.emplace_back(option.name, parser);
  options_.push_back(std::move(option));
}

const OptionInfo* OptionSet::find(std::string_view flag) const {
  for (const OptionInfo& option : options_) {
    if (flag == option.flag() || (!option.short_flag.empty() && flag == option.short_flag)) {
      return &option;
    }
    if (option.kind == OptionKind::kSwitch && flag.starts_with(kNegation) &&
        flag.substr(kNegation.size()) == std::string_view(option.flag()).substr(2)) {
      return &option;
    }
  }
  return nullptr;
}

bool OptionSet::take_help(const std::string& word) {
  constexpr std::string_view kHelp = "--help";
  const bool is_help = word == "-h" || word == kHelp || word.starts_with("--help=");
  if (!is_help) return false;
  help_wish_ = word.size() > kHelp.size() ? word.substr(kHelp.size() + 1) : "";
  return true;
}

// Takes the words of --name.path value from `i` on; returns how many they are.
size_t OptionSet::take_json_part(const Words& words, size_t i) {
  const auto split = split_option_word(words[i]);
  const OptionInfo* option = split ? find(split->name) : nullptr;
  if (option == nullptr || (split->path.empty() && !split->appends)) return 0;
  if (option->fixed != nullptr) {
    throw InvalidArgument(split->name, fmt::format("not supported: {}", option->fixed->instead));
  }
  if (option->kind != OptionKind::kJson) {
    throw InvalidArgument(split->name, "It takes no JSON object, which could have parts.");
  }
  if (!split->value && i + 1 == words.size()) {
    throw InvalidArgument(words[i], "A value must follow.");
  }
  parts_[option->name].push_back(
      {split->path, split->value ? *split->value : words[i + 1], split->appends}
  );
  return split->value ? 1 : 2;
}

// The words as the parser knows them: dashes for the underscores of names, long names for short
// ones. Values stay as they are; parts of JSON values and --help are taken out.
Words OptionSet::prepared(const Words& words) {
  Words out;
  Words rest = words;
  for (size_t i = 0; i < rest.size(); ++i) {
    std::string& word = rest[i];
    const std::string name = word.substr(0, word.find('='));
    const bool is_own = find(with_dashes(name)) != nullptr;
    if (const auto longer = long_form(word); takes_long_forms_ && longer && !is_own) {
      word = *longer;
    }
    if (take_help(word)) continue;
    if (const size_t count = take_json_part(rest, i); count > 0) {
      i += count - 1;
      continue;
    }
    const auto split = split_option_word(word);
    const OptionInfo* option = find(split ? split->name : word);
    if (option == nullptr) {
      out.push_back(word);
      continue;
    }
    const bool has_value = split && split->value;
    if (split) out.push_back(split->name + (has_value ? "=" + *split->value : ""));
    if (!split) out.push_back(word);
    const bool takes_next = !has_value && option->kind != OptionKind::kSwitch;
    if (takes_next && i + 1 < rest.size()) out.push_back(rest[++i]);
  }
  return out;
}

void OptionSet::read(const Words& words) {
  given_.clear();
  parts_.clear();
  help_wish_.reset();
  Words reversed = prepared(words);
  if (help_wish_) return;
  std::reverse(reversed.begin(), reversed.end());  // the parser takes them from the back
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();
    throw InvalidArgument(text.substr(0, text.find(':')), "A value must follow.");
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument("", error.what());  // names the option itself
  }
  for (const auto& [name, parser] : parsers_) {
    if (parser->count() > 0) given_[name] = {parser->results(), flag_of(name)};
  }
  take_leftovers(app_->remaining());
}

void OptionSet::take_leftovers(const Words& words) {
  const auto is_option = [](const std::string& word) {
    return word.size() > 1 && word.front() == '-';
  };
  const auto option = std::ranges::find_if(words, is_option);
  if (option != words.end()) refuse(*option, option->substr(0, option->find('=')));
  if (words.empty()) return;
  if (positional_.empty()) refuse(words.front(), words.front());
  if (words.size() > 1) refuse(words[1], words[1]);
  const Given* other = given(positional_);
  if (other != nullptr && other->words.back() != words.front()) {
    throw InvalidArgument(
        words.front(), fmt::format("{} says '{}'.", other->where, other->words.back())
    );
  }
  given_[positional_] = {words, flag_of(positional_)};
}

void OptionSet::refuse(const std::string& word, const std::string& where) const {
  const bool is_option = word.front() == '-';
  const std::string name = with_dashes(word.substr(0, word.find('=')));
  if (const char* place = place_of_option(name); is_option && place != nullptr) {
    throw InvalidArgument(where, place);
  }
  if (const char* instead = refusal_of_option(name); is_option && instead != nullptr) {
    throw InvalidArgument(where, fmt::format("not supported: {}", instead));
  }
  Words known;
  for (const OptionInfo& option : options_) {
    known.push_back(option.flag());
    if (option.kind == OptionKind::kSwitch) known.push_back("--no-" + option.flag().substr(2));
  }
  throw InvalidArgument(
      where,
      fmt::format(
          "{} of quire {}.{} See quire {} --help.",
          is_option ? "This is no option" : "This is no argument",
          command_,
          did_you_mean(name, known),
          command_
      )
  );
}

void OptionSet::read(const std::vector<ConfigEntry>& entries, const std::string& path) {
  std::map<std::string, std::vector<JsonPart>, std::less<>> parts_of_words;
  parts_of_words.swap(parts_);
  const auto given_by_words = given_;
  for (const ConfigEntry& entry : entries) {
    take_entry(entry, path);
  }
  for (const auto& [name, value] : given_by_words) {
    given_[name] = value;
    parts_.erase(name);
  }
  for (auto& [name, parts] : parts_of_words)
    parts_[name].insert(parts_[name].end(), parts.begin(), parts.end());
}

void OptionSet::take_entry(const ConfigEntry& entry, const std::string& path) {
  std::string flag = flag_of("--" + entry.name);
  if (const auto longer = long_form(flag); takes_long_forms_ && longer) flag = *longer;
  const std::string where = fmt::format("{} ({}:{})", flag, path, entry.line);
  const auto split = split_option_word(flag);
  const OptionInfo* option = split ? find(split->name) : nullptr;
  if (option == nullptr || split->value) refuse(flag, where);
  if (option->name == "config" || option->name == "help") {
    throw InvalidArgument(where, "It belongs on the command line.");
  }
  if (!split->path.empty() || split->appends) {
    if (option->kind != OptionKind::kJson) {
      throw InvalidArgument(where, "It takes no JSON object, which could have parts.");
    }
    parts_[option->name].push_back({split->path, entry.words.back(), split->appends});
    return;
  }
  const bool takes_list =
      option->kind == OptionKind::kList || option->kind == OptionKind::kTextList;
  if (entry.is_list && !takes_list) throw InvalidArgument(where, "It takes one value, not a list.");
  if (entry.is_object && option->kind != OptionKind::kJson) {
    throw InvalidArgument(where, "It takes no object.");
  }
  const bool is_empty = entry.is_list && entry.words.size() == 1 && entry.words[0] == "[]";
  if (is_empty && option->kind == OptionKind::kList) return;
  Words words = entry.words;
  if (option->kind == OptionKind::kSwitch) {
    words = {truth_word(words.back())};
    if (split->name != option->flag()) words = {negated(words.back())};
  }
  given_[option->name] = {std::move(words), where};
}

void OptionSet::finish() {
  for (const OptionInfo& option : options_) {
    if (option.kind == OptionKind::kJson) {
      const Given* value = given(option.name);
      const auto parts = parts_.find(option.name);
      const bool is_none = value != nullptr && value->words.back() == "none";
      if (parts == parts_.end() && (value == nullptr || is_none)) continue;
      const std::string where = value != nullptr ? value->where : option.flag();
      const std::string object = value == nullptr || is_none ? "" : value->words.back();
      const auto added = parts != parts_.end() ? parts->second : std::vector<JsonPart>();
      given_[option.name] = {{merge_json(where, object, added)}, where};
      continue;
    }
    const auto value = given_.find(option.name);
    if (value == given_.end()) continue;
    Words& words = value->second.words;
    if (option.kind == OptionKind::kTextList && words.size() == 1 && words[0].starts_with('[')) {
      words = parse_text_list(value->second.where, words[0]);
    }
    if (option.fixed != nullptr) check_fixed(*option.fixed, words.back(), value->second.where);
  }
}

const Given* OptionSet::given(std::string_view name) const {
  const auto value = given_.find(name);
  return value != given_.end() ? &value->second : nullptr;
}

}  // namespace quire::cli
