#include "server/monitoring.h"

namespace quire::server {
namespace {

Watchdog::Config watchdog_config(const ServerConfig& config) {
  return {
      .timeout = config.watchdog_timeout,
      .action = parse_watchdog_action(config.watchdog_action),
  };
}

}  // namespace

Monitoring::Monitoring(AsyncEngine& the_engine, const ServerConfig& the_config)
    : engine(the_engine),
      config(the_config),
      admission(the_config, the_engine.max_num_seqs()),
      watchdog(the_engine, watchdog_config(the_config)) {}

std::optional<std::string> health_problem(const Monitoring& monitoring) {
  if (const auto reason = monitoring.engine.dead_reason()) return "The engine is dead: " + *reason;
  return monitoring.watchdog.reason();
}

}  // namespace quire::server
