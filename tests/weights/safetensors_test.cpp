#include "weights/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "support/safetensors_writer.h"

namespace quire {
namespace {

using test::safetensors_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<SafetensorsEntry> parse(std::string_view file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "dir/model.safetensors");
}

// The text of the error that parsing throws; "" when it throws none.
std::string error_of(std::string_view file) {
  try {
    parse(file);
    return "";
  } catch (const InvalidArgument& error) {
    return error.what();
  }
}

std::string error_of_header(std::string_view header, size_t data_bytes) {
  return error_of(safetensors_file(header, std::string(data_bytes, '\0')));
}

TEST(SafetensorsTest, EntriesComeInTheOrderOfTheirData) {
  const auto entries = parse(safetensors_file(
      R"({"__metadata__":{"format":"pt"},)"
      R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("none":{"dtype":"F32","shape":[0,7],"data_offsets":[16,16]}}   )",
      std::string(16, 'x')
  ));
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].dtype, DType::kFloat32);
  EXPECT_THAT(entries[0].shape, ElementsAre());
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(entries[1].dtype, DType::kBFloat16);
  EXPECT_THAT(entries[1].shape, ElementsAre(2, 3));
  EXPECT_EQ(entries[1].end - entries[1].begin, 12u);
  EXPECT_EQ(entries[2].begin, entries[2].end);
}

TEST(SafetensorsTest, ATruncatedFileIsRefused) {
  EXPECT_THAT(error_of("abc"), AllOf(HasSubstr("dir/model.safetensors"), HasSubstr("3 bytes")));
  EXPECT_THAT(error_of(""), HasSubstr("0 bytes"));
  const std::string whole =
      safetensors_file({{"a", "F32", {4}, std::string(16, 'x')}, {"b", "U8", {2}, "xy"}});
  ASSERT_EQ(error_of(whole), "");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error_of(whole.substr(0, size)), "") << size << " bytes of " << whole.size();
  }
}

TEST(SafetensorsTest, AHeaderLongerThanTheFileOrTheLimitIsRefused) {
  std::string file = safetensors_file("{}", "");
  EXPECT_EQ(error_of(file), "");
  file[0] = 3;
  EXPECT_THAT(error_of(file), HasSubstr("a header of 3 bytes does not fit (the file has 2 more"));
  file.replace(0, 8, 8, '\xFF');
  EXPECT_THAT(error_of(file), HasSubstr("18446744073709551615"));
  file.replace(0, 8, std::string("\x01\xE1\xF5\x05\0\0\0\0", 8));  // 100,000,001
  EXPECT_THAT(error_of(file + std::string(100'000'010, ' ')), HasSubstr("the limit is 100000000"));
}

TEST(SafetensorsTest, AHeaderThatIsNoJsonObjectIsRefused) {
  EXPECT_THAT(error_of_header("{", 0), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of_header("[]", 0), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of_header("{\"a\xFF\":1}", 0), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of_header(std::string(100'000, '['), 0), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of_header(R"({"a":1})", 0), HasSubstr("entry of tensor a"));
}

TEST(SafetensorsTest, AnUnknownDtypeIsNamedWithTheKnownOnes) {
  EXPECT_THAT(
      error_of_header(R"({"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1),
      AllOf(HasSubstr("tensor w has dtype F8_E4M3"), HasSubstr("F32, BF16, F16, I64, I32, U8, I8"))
  );
}

TEST(SafetensorsTest, MissingOrMistypedFieldsAreNamed) {
  EXPECT_THAT(
      error_of_header(R"({"w":{"shape":[1],"data_offsets":[0,1]}})", 1), HasSubstr("w has no dtype")
  );
  EXPECT_THAT(
      error_of_header(R"({"w":{"dtype":"U8","data_offsets":[0,1]}})", 1),
      HasSubstr("w has no shape")
  );
  for (const char* shape : {"[-1]", "[1.5]", "[\"1\"]", "[18446744073709551615]"}) {
    const std::string header =
        fmt::format(R"({{"w":{{"dtype":"U8","shape":{},"data_offsets":[0,1]}}}})", shape);
    EXPECT_THAT(error_of_header(header, 1), HasSubstr("dimension 0 of its shape")) << shape;
  }
  for (const char* offsets : {"[0]", "[0,1,2]", "[0,-1]", "[0,0.5]", "7"}) {
    const std::string header =
        fmt::format(R"({{"w":{{"dtype":"U8","shape":[1],"data_offsets":{}}}}})", offsets);
    EXPECT_THAT(error_of_header(header, 1), HasSubstr("data_offsets are not two sizes")) << offsets;
  }
}

TEST(SafetensorsTest, RangesOutsideTheDataAreRefusedWithTheNumbers) {
  EXPECT_THAT(
      error_of_header(R"({"w":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 8),
      HasSubstr("tensor w: data_offsets [0, 9] lie outside the 8 bytes of data")
  );
  EXPECT_THAT(
      error_of_header(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[5,4]}})", 8),
      HasSubstr("[5, 4]")
  );
}

TEST(SafetensorsTest, AShapeThatDoesNotFillItsRangeIsRefused) {
  EXPECT_THAT(
      error_of_header(R"({"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,8]}})", 8),
      HasSubstr("shape [2, 2] of float32 needs 16 bytes, data_offsets give 8")
  );
  // 2^32 * 2^32 elements: the product wraps to 0.
  EXPECT_THAT(
      error_of_header(
          R"({"w":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0
      ),
      HasSubstr("needs more than 2^64 bytes")
  );
  // 2^62 elements of 4 bytes wrap too.
  EXPECT_THAT(
      error_of_header(
          R"({"w":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0
      ),
      HasSubstr("needs more than 2^64 bytes")
  );
}

TEST(SafetensorsTest, GapsAndOverlapsAreRefused) {
  EXPECT_THAT(
      error_of_header(
          R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
          R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
          6
      ),
      HasSubstr("tensor b starts at byte 2 of the data, where the one before it ends at 4")
  );
  EXPECT_THAT(
      error_of_header(
          R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
          R"("b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}})",
          6
      ),
      HasSubstr("tensor b starts at byte 5")
  );
  EXPECT_THAT(
      error_of_header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 6),
      HasSubstr("tensors cover 4 of 6 bytes")
  );
}

TEST(SafetensorsTest, ANameThatComesTwiceIsRefused) {
  EXPECT_THAT(
      error_of_header(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
          R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2
      ),
      HasSubstr("names tensor a twice")
  );
}

}  // namespace
}  // namespace quire
