#include "base/progress_bar.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

TEST(ProgressLineTest, LooksLikeTqdm) {
  ProgressLine line;
  line.description = "Processed prompts";
  line.done = 3;
  line.total = 8;
  line.elapsed = 1.2;
  line.postfix = "output: 50.00 toks/s";
  EXPECT_EQ(
      line.to_string(10),
      "Processed prompts:  37%|███▊      | 3/8 [00:01<00:02,  2.50it/s, output: 50.00 toks/s]"
  );
}

TEST(ProgressLineTest, ShowsNoSpeedBeforeTheFirstItem) {
  ProgressLine line;
  line.description = "Loading";
  line.total = 8;
  EXPECT_EQ(line.to_string(4), "Loading:   0%|    | 0/8 [00:00<?, ?it/s]");
}

TEST(ProgressLineTest, IsFullAtTheEnd) {
  ProgressLine line;
  line.description = "Loading";
  line.done = 2;
  line.total = 2;
  line.elapsed = 3725;
  EXPECT_EQ(line.to_string(4), "Loading: 100%|████| 2/2 [1:02:05<00:00,  0.00it/s]");
}

TEST(ProgressLineTest, CountsBytesInThousands) {
  ProgressLine line;
  line.description = "Loading weights";
  line.done = 1'500'000;
  line.total = 3'000'000'000;
  line.elapsed = 1;
  line.unit = ProgressUnit::kBytes;
  EXPECT_EQ(line.to_string(1), "Loading weights:   0%| | 1.5M/3.0G [00:01<33:19, 1.5MB/s]");
}

TEST(ProgressLineTest, AnEmptyTotalIsDone) {
  ProgressLine line;
  line.total = 0;
  EXPECT_NE(line.to_string(1).find("100%"), std::string::npos);
}

}  // namespace
}  // namespace quire
