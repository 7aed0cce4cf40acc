#include "base/mailbox.h"

#include <memory>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Mailbox, TheReaderTakesEverythingInOrder) {
  Mailbox<int> mailbox;
  EXPECT_TRUE(mailbox.put(1));
  EXPECT_TRUE(mailbox.put(2));
  std::vector<int> messages = {9};
  mailbox.drain(messages);
  EXPECT_THAT(messages, ElementsAre(1, 2));
  mailbox.drain(messages);
  EXPECT_THAT(messages, IsEmpty());
}

TEST(Mailbox, MessagesAreMovedThrough) {
  Mailbox<std::unique_ptr<int>> mailbox;
  ASSERT_TRUE(mailbox.put(std::make_unique<int>(7)));
  std::vector<std::unique_ptr<int>> messages;
  mailbox.drain(messages);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(*messages[0], 7);
}

TEST(Mailbox, AClosedMailboxTakesNothingButIsDrained) {
  Mailbox<int> mailbox;
  EXPECT_TRUE(mailbox.put(1));
  mailbox.close();
  EXPECT_TRUE(mailbox.closed());
  EXPECT_FALSE(mailbox.put(2));
  std::vector<int> messages;
  EXPECT_TRUE(mailbox.wait_drain(messages));
  EXPECT_THAT(messages, ElementsAre(1));
  EXPECT_FALSE(mailbox.wait_drain(messages));
}

TEST(Mailbox, ClosingWakesAReaderThatWaits) {
  Mailbox<int> mailbox;
  bool had_messages = true;
  std::thread reader([&] {
    std::vector<int> messages;
    had_messages = mailbox.wait_drain(messages);
  });
  mailbox.close();
  reader.join();
  EXPECT_FALSE(had_messages);
}

TEST(Mailbox, NothingOfManyWritersIsLostAndEachWritersOrderStays) {
  constexpr int kNumWriters = 4;
  constexpr int kNumMessages = 2'000;
  Mailbox<std::pair<int, int>> mailbox;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kNumWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kNumMessages; ++i)
        EXPECT_TRUE(mailbox.put({writer, i}));
    });
  }
  std::vector<int> next(kNumWriters, 0);
  std::vector<std::pair<int, int>> messages;
  for (int received = 0; received < kNumWriters * kNumMessages;) {
    ASSERT_TRUE(mailbox.wait_drain(messages));
    for (const auto& [writer, i] : messages)
      EXPECT_EQ(i, next[writer]++);
    received += static_cast<int>(messages.size());
  }
  for (auto& writer : writers)
    writer.join();
}

}  // namespace
}  // namespace quire
