#include "server/responses/response_store.h"

namespace quire::server {

void ResponseStore::put(StoredResponse response) {
  const std::lock_guard lock(mutex_);
  if (const auto known = by_id_.find(response.head.id); known != by_id_.end()) {
    remove(known->second);
  }
  num_bytes_ += response.num_bytes();
  entries_.push_front(std::move(response));
  by_id_[entries_.front().head.id] = entries_.begin();
  while (entries_.size() > max_responses_ || (num_bytes_ > max_bytes_ && entries_.size() > 1))
    remove(std::prev(entries_.end()));
}

std::optional<StoredResponse> ResponseStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return *found->second;
}

size_t ResponseStore::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

void ResponseStore::remove(Entries::iterator entry) {
  num_bytes_ -= entry->num_bytes();
  by_id_.erase(entry->head.id);
  entries_.erase(entry);
}

}  // namespace quire::server
