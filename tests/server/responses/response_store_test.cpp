#include "server/responses/response_store.h"

#include <gtest/gtest.h>

namespace quire::server {
namespace {

StoredResponse response(const std::string& id, size_t num_bytes = 1) {
  StoredResponse stored;
  stored.head.id = id;
  stored.response_json = std::string(num_bytes, 'x');
  return stored;
}

TEST(ResponseStoreTest, ForgetsWhatNobodyAskedForTheLongest) {
  ResponseStore store(2, 1000);
  store.put(response("a"));
  store.put(response("b"));
  EXPECT_TRUE(store.find("a"));
  store.put(response("c"));
  EXPECT_FALSE(store.find("b"));
  EXPECT_TRUE(store.find("a"));
  EXPECT_TRUE(store.find("c"));
  EXPECT_EQ(store.size(), 2u);
}

TEST(ResponseStoreTest, KeepsToItsBytes) {
  ResponseStore store(100, 100);
  store.put(response("a", 60));
  store.put(response("b", 60));
  EXPECT_FALSE(store.find("a"));
  store.put(response("b", 10));
  store.put(response("c", 80));
  EXPECT_TRUE(store.find("b")) << "a response that is put again counts once";
}

TEST(ResponseStoreTest, TheLastOneStaysHoweverLarge) {
  ResponseStore store(100, 100);
  store.put(response("a", 500));
  EXPECT_TRUE(store.find("a"));
}

}  // namespace
}  // namespace quire::server
