#include "server/ready_list.h"

#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

namespace quire::server {
namespace {

struct CountingSleeper final : Sleeper {
  void wake() override {
    ++num_wakes;
    if (fails) throw std::runtime_error("It does not wake.");
  }
  int num_wakes = 0;
  bool fails = false;
};

TEST(ReadyListTest, WakesTheOthersAndGoesOnAfterASleeperThatThrows) {
  asio::io_context io(1);
  const auto list = std::make_shared<ReadyList>(io);
  CountingSleeper failing;
  failing.fails = true;
  CountingSleeper well;
  const auto failing_entry = std::make_shared<ReadyList::Entry>(&failing);
  const auto well_entry = std::make_shared<ReadyList::Entry>(&well);
  for (int round = 1; round <= 3; ++round) {
    list->add(failing_entry);
    list->add(well_entry);
    io.restart();
    io.run();
    EXPECT_EQ(failing.num_wakes, round);
    EXPECT_EQ(well.num_wakes, round);
  }
  list->close();
}

}  // namespace
}  // namespace quire::server
