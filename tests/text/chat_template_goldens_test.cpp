#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "quire/chat_template.h"
#include "quire/error.h"
#include "support/test_paths.h"
#include "text/test_data.h"

// Every template and expression of tests/data/text/templates.jsonl (made by
// tools/make_template_goldens.py) renders as Jinja2 3.1.6 renders it, but for the listed ones.
namespace quire {
namespace {

namespace dom = simdjson::dom;

struct Case {
  std::string name;
  std::string source;
  std::string context;  // JSON
  std::optional<std::string> expected;  // nullopt: Jinja2 raises
};

struct Goldens {
  std::vector<Case> cases;
  int num_without_source = 0;  // templates that only the external data folder has
  int64_t now = 0;
};

// The cases that differ, with the reason; docs/chat-templates.md explains them.
constexpr const char* kMarkup = "a safe string makes Jinja escape the text that is joined to it";
constexpr const char* kGenerator = "a filter's result is a list here, in Jinja a generator";
constexpr const char* kSyntax = "minijinja's parser does not know it";
constexpr const char* kUnknown = "not there";
constexpr const char* kMacro = "macros have no varargs, kwargs and arguments";
constexpr const char* kOrder = "true and false are not sorted among the numbers";

struct KnownDifference {
  std::string_view name;  // how the case's name begins
  const char* reason;
};
constexpr KnownDifference kKnownDifferences[] = {
    {"llama.cpp/llama-cpp-deepseek-r1.jinja with tools", kGenerator},
    {"llama.cpp/llama-cpp-deepseek-r1.jinja with two_calls", kGenerator},
    {"llama.cpp/meetkai-functionary-medium-v3.1.jinja with two_calls", kMarkup},
    {"mistral-common/v3.jinja with tools", kMarkup},
    {"mistral-common/v3_spm.jinja with tools", kMarkup},
    {"mistral-common/v7.jinja with tools", kMarkup},
    {"mistral-common/v7_spm.jinja with tools", kMarkup},
    {"unit/UNARY_SIGN_EXPRESSIONS", kSyntax},
    {"unit/FILTER_OPERATOR_4:", kGenerator},
    {"unit/FILTER_OPERATOR_11", kGenerator},
    {"unit/FILTER_OPERATOR_12", kGenerator},
    {"unit/SORT_MIXED_BOOL_NUM", kOrder},
    {"unit/CONTEXT_KEYWORDS:", kSyntax},
    {"expression: {{ +n }}", kSyntax},
    {"expression: {{ '%s-%d' %", kSyntax},
    {"expression: {{ u | urlencode }}", kUnknown},
    {"expression: {{ s | wordwrap", kUnknown},
    {"expression: {{ raise_exception is callable }}", kUnknown},
    {"expression: {{ lipsum is defined }}", kUnknown},
    {"expression: {% macro m(a) %}[{{ a }}{{ varargs", kMacro},
    {"expression: {% macro m(x) %}{{ x }}{% endmacro %}{{ m.arguments", kMacro},
};

const KnownDifference* known_difference(const std::string& name) {
  const auto found = std::ranges::find_if(kKnownDifferences, [&](const KnownDifference& known) {
    return name.starts_with(known.name);
  });
  return found == std::end(kKnownDifferences) ? nullptr : &*found;
}

std::optional<std::string> text_or_null(dom::element element) {
  if (element.is_null()) return std::nullopt;
  return std::string(std::string_view(element));
}

// `file` is given instead of a source where the repository may not carry the template.
std::optional<std::string> source_of(dom::element line) {
  std::string_view source;
  if (line["template"].get(source) == simdjson::SUCCESS) return std::string(source);
  const auto data = test::external_text_data();
  if (!data) return std::nullopt;
  const std::filesystem::path file = *data / std::string_view(line["file"]);
  if (file.extension() != ".json") return test::read_file(file);
  dom::parser parser;
  return std::string(std::string_view(parser.load(file.string())["chat_template"]));
}

Goldens read_goldens() {
  Goldens goldens;
  dom::parser parser;
  std::vector<std::pair<std::string, std::string>> contexts;
  const std::string file = (test::test_data_dir() / "text/templates.jsonl").string();
  const simdjson::padded_string text = simdjson::padded_string::load(file);
  dom::document_stream lines = parser.parse_many(text, 1 << 20);
  for (dom::element line : lines) {
    dom::object named;
    if (line["contexts"].get(named) == simdjson::SUCCESS) {
      for (auto [name, context] : named)
        contexts.emplace_back(name, simdjson::minify(context));
      goldens.now = int64_t(line["now"]);
      continue;
    }
    const std::string name{std::string_view(line["name"])};
    const std::optional<std::string> source = source_of(line);
    if (!source) {
      ++goldens.num_without_source;
      continue;
    }
    dom::object results;
    if (line["results"].get(results) != simdjson::SUCCESS) {
      goldens.cases.push_back(
          {name + ": " + *source,
           *source,
           simdjson::minify(dom::element(line["context"])),
           text_or_null(line["result"])}
      );
      continue;
    }
    for (const auto& [context_name, context] : contexts) {
      goldens.cases.push_back(
          {name + " with " + context_name, *source, context, text_or_null(results[context_name])}
      );
    }
  }
  return goldens;
}

std::optional<std::string> render(const Case& c, int64_t now, std::string& error) {
  try {
    return ChatTemplate::from_source(c.source)->render(c.context, now);
  } catch (const InvalidArgument& e) {
    error = e.what();
    return std::nullopt;
  }
}

TEST(ChatTemplateGoldens, EqualJinja2ButForTheListedDifferences) {
  setenv("TZ", "UTC", 1);
  tzset();
  const Goldens goldens = read_goldens();
  ASSERT_GT(goldens.cases.size(), 1300u);
  int num_rendered = 0;
  size_t num_different = 0;
  for (const Case& c : goldens.cases) {
    std::string error;
    const std::optional<std::string> text = render(c, goldens.now, error);
    num_rendered += text.has_value();
    if (const KnownDifference* known = known_difference(c.name)) {
      EXPECT_NE(text, c.expected) << c.name << " is no longer different: " << known->reason;
      ++num_different;
    } else {
      EXPECT_EQ(text, c.expected) << c.name << '\n' << error;
    }
  }
  EXPECT_GT(num_rendered, 1000);
  EXPECT_EQ(num_different, std::size(kKnownDifferences));
}

TEST(ChatTemplateGoldens, CoverTheTemplatesThatAreNotInTheRepository) {
  if (!test::external_text_data()) GTEST_SKIP() << "QUIRE_TEST_DATA does not name the data folder";
  EXPECT_EQ(read_goldens().num_without_source, 0);
}

}  // namespace
}  // namespace quire
