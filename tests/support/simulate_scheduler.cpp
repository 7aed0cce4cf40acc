// simulate_scheduler FIRST_SEED [NUM_SEEDS [NUM_ACTIONS]]: runs the simulator from these seeds. One
// seed prints its schedule; a failure ends the program with the seed that replays it.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "support/scheduler_simulator.h"

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: %s FIRST_SEED [NUM_SEEDS [NUM_ACTIONS]]\n", argv[0]);
    return 2;
  }
  const uint64_t first = std::strtoull(argv[1], nullptr, 10);
  const uint64_t num_seeds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const int num_actions = argc > 3 ? std::atoi(argv[3]) : 300;
  try {
    for (uint64_t seed = first; seed < first + num_seeds; ++seed) {
      const auto result = quire::test::simulate({.seed = seed, .num_actions = num_actions});
      if (num_seeds == 1) std::fputs(result.schedule.c_str(), stdout);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
