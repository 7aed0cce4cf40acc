#include "v0/evictor.h"

#include <tuple>

#include "base/check.h"

namespace quire::v0 {

bool Evictor::Entry::operator<(const Entry& other) const {
  return std::tuple(last_accessed, -num_hashed_tokens, block_id) <
         std::tuple(other.last_accessed, -other.num_hashed_tokens, other.block_id);
}

void Evictor::add(int block_id, int num_hashed_tokens, int64_t last_accessed) {
  const Entry entry{last_accessed, num_hashed_tokens, block_id};
  QUIRE_CHECK(entries_.emplace(block_id, entry).second, "block {} is there already", block_id);
  blocks_.insert(entry);
}

void Evictor::update(int block_id, int64_t last_accessed) {
  Entry entry = entries_.at(block_id);
  remove(block_id);
  add(block_id, entry.num_hashed_tokens, last_accessed);
}

void Evictor::remove(int block_id) {
  const auto found = entries_.find(block_id);
  QUIRE_CHECK(found != entries_.end(), "block {} is not in the evictor", block_id);
  blocks_.erase(found->second);
  entries_.erase(found);
}

int Evictor::evict() {
  QUIRE_CHECK(!blocks_.empty(), "there is nothing to evict");
  const int block_id = blocks_.begin()->block_id;
  remove(block_id);
  return block_id;
}

}  // namespace quire::v0
