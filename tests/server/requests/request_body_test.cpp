// Bodies in the style of paths. Pydantic's style is that of the OpenAI endpoints, whose tests show
// it.
#include "server/requests/request_body.h"

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "quire/error.h"
#include "server/api_error.h"
#include "support/captured_log.h"

namespace quire::server {
namespace {

// What `read` is told: "field: sentence".
std::string refusal(const std::string& text, const std::function<void(const RequestValue&)>& read) {
  try {
    const JsonBody json(text, BodyStyle::kPath);
    read(json.value());
  } catch (const InvalidArgument& error) {
    return error.field() + ": " + error.what();
  }
  return "accepted";
}

TEST(PathStyleTest, ValuesHaveTheirType) {
  const char* const text = R"({"a": {"b": ["x", true]}, "n": 5, "f": 5.0, "t": "5", "z": null})";
  const JsonBody json(text, BodyStyle::kPath);
  const RequestValue body = json.value();
  EXPECT_EQ(body.integer("n", 0, 9), 5);
  EXPECT_EQ(body.integer("f", 0, 9), 5);
  EXPECT_EQ(body.number("n", 0, 9), 5.0);
  EXPECT_EQ(body.text("t"), "5");
  EXPECT_EQ(body.object("a")->array("b")->size(), 2u);
  EXPECT_FALSE(body.text("z")) << "null counts as not given";
  EXPECT_FALSE(body.boolean("missing"));

  using Value = const RequestValue&;
  const std::pair<const char*, std::function<void(Value)>> cases[] = {
      {"n: n must be a string", [](Value v) { v.text("n"); }},
      {"n: n must be true or false", [](Value v) { v.boolean("n"); }},
      {"t: t must be an integer", [](Value v) { v.integer("t", 0, 9); }},
      {"n: n must be between 6 and 9, got 5", [](Value v) { v.integer("n", 6, 9); }},
      {"f: f must be between 6 and 9, got 5", [](Value v) { v.number("f", 6, 9); }},
      {"t: t must be a number", [](Value v) { v.number("t", 0, 9); }},
      {"n: n must be a list", [](Value v) { v.array("n"); }},
      {"n: n must be an object", [](Value v) { v.object("n"); }},
      {"z: z is required", [](Value v) { v.required("z"); }},
      {"q: q is required and must be a string", [](Value v) { v.required_text("q"); }},
      {"a.b: a.b must be a string", [](Value v) { v.object("a")->text("b"); }},
  };
  for (const auto& [told, read] : cases)
    EXPECT_EQ(refusal(text, read), told);
}

TEST(PathStyleTest, ErrorsNameThePlaceOfAnEntry) {
  const auto read = [](const RequestValue& body) {
    const RequestValue item(body.array("items")->at(1).value(), "items", 1, body);
    const RequestValue part(item.array("parts")->at(0).value(), "parts", 0, item);
    part.required_text("text");
  };
  EXPECT_EQ(
      refusal(R"({"items": [{}, {"parts": [{"text": 1}]}]})", read),
      "items[1].parts[0].text: items[1].parts[0].text must be a string"
  );
  EXPECT_EQ(
      refusal(R"({"items": [{}, {"parts": [7]}]})", read),
      "items[1].parts[0]: items[1].parts[0] must be an object"
  );
}

TEST(PathStyleTest, LargeNumbersAreNoIntegers) {
  const auto read = [](const RequestValue& body) { body.integer("n", 0, 9); };
  EXPECT_EQ(refusal(R"({"n": 99999999999999999999})", read), "n: n must be an integer");
  EXPECT_EQ(refusal(R"({"n": 5.5})", read), "n: n must be an integer");
}

TEST(JsonBodyTest, RefusesWhatIsNoObject) {
  const auto read_nothing = [](const RequestValue&) {};
  EXPECT_EQ(refusal("[]", read_nothing), "body: body must be an object");
  EXPECT_EQ(refusal("5", read_nothing), "body: body must be an object");
  for (const std::string text : {"", "{", "{\"a\": \"\xff\"}"}) {
    EXPECT_THAT(
        refusal(text, read_nothing), ::testing::StartsWith("body: The body is not valid JSON: ")
    );
    EXPECT_THROW(JsonBody{text}, ApiError) << "in pydantic's style";
  }
}

TEST(JsonBodyTest, RefusesDeepNesting) {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  const auto read_nothing = [](const RequestValue&) {};
  EXPECT_EQ(refusal(nested(kMaxJsonDepth - 2), read_nothing), "accepted");
  EXPECT_EQ(
      refusal(nested(kMaxJsonDepth + 1), read_nothing),
      "body: The body is nested too deeply: 128 levels are allowed"
  );
}

TEST(UnknownFieldsTest, AreEachLoggedOnceWithTheFieldThatTheyStandIn) {
  const test::CapturedLog log;
  UnknownFields unknown_fields;
  const JsonBody json(R"({"reasoning": {"effort": "low", "efort": "high"}})", BodyStyle::kPath);
  constexpr std::string_view kKnown[] = {"effort", "summary"};
  for (int i = 0; i < 2; ++i)
    unknown_fields.add_members(*json.value().object("reasoning"), kKnown);
  EXPECT_EQ(unknown_fields.count(), 1u);
  const std::string told = log.text();
  EXPECT_THAT(told, ::testing::HasSubstr("field 'reasoning.efort', which is unknown and ignored"));
  EXPECT_EQ(std::ranges::count(told, '\n'), 1);
}

}  // namespace
}  // namespace quire::server
