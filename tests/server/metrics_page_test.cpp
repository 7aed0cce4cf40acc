// docs/metrics.md lists every metric, with its type.
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "engine/engine_metrics.h"
#include "server/http_metrics.h"

namespace quire::server {
namespace {

using NamesAndTypes = std::set<std::pair<std::string, std::string>>;

NamesAndTypes find_all(const std::string& text, const std::string& pattern) {
  NamesAndTypes found;
  const std::regex regex(pattern);
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
    found.emplace((*match)[1], (*match)[2]);
  return found;
}

// Everything that any configuration shows.
std::string all_metrics() {
  EngineMetrics engine(
      {.model_name = "m", .max_model_len = 100, .uses_v0 = true, .has_kv_block_lives = true}
  );
  EngineStats stats;
  stats.num_drafts = 1;
  stats.num_accepted_tokens_per_pos = {1};
  HttpMetrics http;
  http.record(http.add_handler("POST", "/v1/completions"), {});
  return engine.text(stats) + http.text();
}

TEST(MetricsPageTest, ListsWhatMetricsShows) {
  std::ifstream file(QUIRE_DOCS_DIR "/metrics.md");
  ASSERT_TRUE(file);
  std::stringstream page;
  page << file.rdbuf();
  const auto documented = find_all(page.str(), R"(\| `((?:vllm:|http_)\w+)` \| (\w+) \|)");
  const auto shown = find_all(all_metrics(), R"(# TYPE ([\w:]+) (\w+)\n)");
  EXPECT_GT(shown.size(), 40u);
  EXPECT_EQ(documented, shown);
}

TEST(MetricsPageTest, TheDashboardAsksForWhatThereIs) {
  std::ifstream file(QUIRE_DOCS_DIR "/grafana/quire.json");
  ASSERT_TRUE(file);
  std::stringstream dashboard;
  dashboard << file.rdbuf();
  const auto asked = find_all(dashboard.str(), R"(((?:vllm:|http_)\w+)()\{)");
  EXPECT_GT(asked.size(), 15u);
  const std::string metrics = all_metrics();
  for (const auto& [name, nothing] : asked)
    EXPECT_NE(metrics.find("\n" + name), std::string::npos) << name;
}

}  // namespace
}  // namespace quire::server
