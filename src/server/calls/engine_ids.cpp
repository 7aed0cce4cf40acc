#include "server/calls/engine_ids.h"

#include <utility>

namespace quire::server {

std::unique_ptr<EngineIds::Entry> EngineIds::add(std::string answer_id, std::string engine_id) {
  std::lock_guard lock(mutex_);
  const auto place = ids_.emplace(std::move(answer_id), std::move(engine_id));
  return std::make_unique<Entry>(shared_from_this(), place);
}

std::vector<std::string> EngineIds::of_answer(const std::string& answer_id) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> engine_ids;
  const auto [begin, end] = ids_.equal_range(answer_id);
  for (auto it = begin; it != end; ++it)
    engine_ids.push_back(it->second);
  return engine_ids;
}

void EngineIds::remove(Ids::iterator place) {
  std::lock_guard lock(mutex_);
  ids_.erase(place);
}

}  // namespace quire::server
