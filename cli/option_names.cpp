#include "cli/option_names.h"

#include <algorithm>

namespace quire::cli {
namespace {

struct Alias {
  std::string_view name;
  std::string_view flag;
};

// -n and -r are vLLM's too: a command line that has options of these names keeps them.
constexpr Alias kAliases[] = {
    {"-tp", "--tensor-parallel-size"},
    {"-pp", "--pipeline-parallel-size"},
    {"-dp", "--data-parallel-size"},
    {"-dpn", "--data-parallel-rank"},
    {"-dpr", "--data-parallel-start-rank"},
    {"-dpl", "--data-parallel-size-local"},
    {"-dpa", "--data-parallel-address"},
    {"-dpp", "--data-parallel-rpc-port"},
    {"-dpb", "--data-parallel-backend"},
    {"-dph", "--data-parallel-hybrid-lb"},
    {"-dpe", "--data-parallel-external-lb"},
    {"-dpm", "--data-parallel-multi-port-external-lb"},
    {"-ep", "--enable-expert-parallel"},
    {"-dcp", "--decode-context-parallel-size"},
    {"-pcp", "--prefill-context-parallel-size"},
    {"-n", "--nnodes"},
    {"-r", "--node-rank"},
    {"-q", "--quantization"},
    {"-sc", "--speculative-config"},
    {"-cc", "--compilation-config"},
    {"-ac", "--attention-config"},
    {"-asc", "--api-server-count"},
    {"-O", "--optimization-level"},
    {"--disable-log-requests", "--no-enable-log-requests"},
    {"--no-disable-log-requests", "--enable-log-requests"},
};

}  // namespace

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string flag_of(const std::string& name) {
  return name.starts_with('-') ? with_dashes(name) : "--" + with_dashes(name);
}

std::optional<OptionWord> split_option_word(std::string_view word) {
  if (!word.starts_with("--") || word.size() == 2) return std::nullopt;
  OptionWord out;
  const size_t equals = word.find('=');
  if (equals != std::string_view::npos) out.value = word.substr(equals + 1);
  std::string_view name = word.substr(0, equals);
  if (name.ends_with('+')) {
    out.appends = true;
    name.remove_suffix(1);
  }
  const size_t dot = name.find('.');
  if (dot != std::string_view::npos) out.path = name.substr(dot + 1);
  out.name = with_dashes(std::string(name.substr(0, dot)));
  return out;
}

std::optional<std::string> long_form(std::string_view word) {
  const std::string_view name = word.substr(0, word.find_first_of(".="));
  for (const Alias& alias : kAliases) {
    if (with_dashes(std::string(name)) == alias.name) {
      return std::string(alias.flag) + std::string(word.substr(name.size()));
    }
  }
  const bool is_level =
      word.size() == 3 && word.starts_with("-O") && word[2] >= '0' && word[2] <= '9';
  if (is_level) return "--optimization-level=" + std::string(1, word[2]);
  return std::nullopt;
}

std::string short_names(std::string_view flag) {
  std::string names;
  for (const Alias& alias : kAliases) {
    if (alias.flag != flag || alias.name.starts_with("--")) continue;
    names += (names.empty() ? "" : ", ") + std::string(alias.name);
  }
  return names;
}

}  // namespace quire::cli
