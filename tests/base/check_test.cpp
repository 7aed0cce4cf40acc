#include "base/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Check, AFailureNamesPlaceExpressionAndValues) {
  const int num_blocks = 3;
  try {
    QUIRE_CHECK(num_blocks == 4, "num_blocks={}", num_blocks);
    FAIL() << "nothing was thrown";
  } catch (const InternalError& error) {
    EXPECT_THAT(
        error.what(),
        AllOf(HasSubstr("check_test.cpp:"), HasSubstr("num_blocks == 4"), HasSubstr("num_blocks=3"))
    );
  }
}

TEST(Check, ValuesAreNotComputedWhenTheConditionHolds) {
  int num_calls = 0;
  const auto describe = [&] { return ++num_calls; };
  QUIRE_CHECK(true, "{}", describe());
  EXPECT_EQ(num_calls, 0);
}

TEST(Check, AUsersMistakeCarriesTheFieldsName) {
  const InvalidArgument error("max_tokens", "max_tokens must be at least 1");
  EXPECT_EQ(error.field(), "max_tokens");
  EXPECT_STREQ(error.what(), "max_tokens must be at least 1");
}

}  // namespace
}  // namespace quire
