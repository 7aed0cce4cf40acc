#include "bench/plots/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire::bench {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ChartTest, TicksAreRoundNumbersWithinTheAxis) {
  EXPECT_THAT(
      axis_ticks({.title = "", .min = 0.0, .max = 1.0}),
      ElementsAre(0.0, 0.2, 0.4, DoubleNear(0.6, 1e-12), 0.8, 1.0)
  );
  EXPECT_THAT(
      axis_ticks({.title = "", .min = 0.4, .max = 12.0, .is_log = true}),
      ElementsAre(0.5, 1.0, 2.0, 5.0, 10.0)
  );
}

TEST(ChartTest, DrawsWhatIsAddedAndEscapesText) {
  Chart chart("a < b", {.title = "x", .min = 0, .max = 10}, {.title = "y", .min = 0, .max = 1});
  chart.add_line({{0, 0}, {10, 1}}, kBlue);
  chart.add_rectangle(2, 4, 0, 0.5, kOrange);
  chart.add_legend("one & two", kGrey);
  const std::string svg = chart.svg();
  EXPECT_THAT(svg, HasSubstr("a &lt; b"));
  EXPECT_THAT(svg, HasSubstr("one &amp; two"));
  EXPECT_THAT(svg, HasSubstr("<polyline points=\"64.0,256.0 704.0,48.0 \""));
  EXPECT_THAT(svg, HasSubstr("x=\"192.00\" y=\"152.0\" width=\"128.00\" height=\"104.0\""));
}

TEST(ChartTest, CutsOffWhatLiesBeyondTheAxes) {
  Chart chart("", {.title = "", .min = 0, .max = 10}, {.title = "", .min = 0, .max = 1});
  chart.add_rectangle(20, 30, 0, 1, kOrange);
  EXPECT_THAT(chart.svg(), Not(HasSubstr(kOrange)));
}

TEST(ChartTest, AnEmptyAxisIsABug) {
  EXPECT_THROW(
      Chart("", {.title = "", .min = 1, .max = 1}, {.title = "", .min = 0, .max = 1}), InternalError
  );
}

}  // namespace
}  // namespace quire::bench
