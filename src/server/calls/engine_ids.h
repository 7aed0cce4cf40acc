#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quire::server {

// Which requests of the engine serve an answer, where its id is not theirs: an answer to several
// prompts has several, and an id that is in use already gets a longer one.
class EngineIds : public std::enable_shared_from_this<EngineIds> {
 private:
  using Ids = std::multimap<std::string, std::string>;  // by the answer's

 public:
  // Keeps one pair known while it lives.
  class Entry {
   public:
    Entry(std::shared_ptr<EngineIds> ids, Ids::iterator place)
        : ids_(std::move(ids)), place_(place) {}
    ~Entry() { ids_->remove(place_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    const std::shared_ptr<EngineIds> ids_;
    const Ids::iterator place_;
  };

  [[nodiscard]] std::unique_ptr<Entry> add(std::string answer_id, std::string engine_id);
  std::vector<std::string> of_answer(const std::string& answer_id) const;

 private:
  void remove(Ids::iterator place);

  mutable std::mutex mutex_;
  Ids ids_;  // guarded by mutex_
};

}  // namespace quire::server
