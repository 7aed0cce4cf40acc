#pragma once

#include <optional>
#include <vector>

#include "engine/completion_state.h"

namespace quire {

// The outputs of a delta stream that wait for its reader, in order. When there are too many, a
// completion's newest takes in what follows.
class PendingOutputs {
 public:
  explicit PendingOutputs(int max_outputs) : max_outputs_(static_cast<size_t>(max_outputs)) {}

  void add(const OutputEnd& end);
  std::optional<OutputEnd> take();  // the oldest
  bool empty() const { return next_ == ends_.size(); }

 private:
  // The newest that waits of completion `index`; nullptr: none.
  OutputEnd* find_newest(int index);

  const size_t max_outputs_;
  std::vector<OutputEnd> ends_;  // [next_, end) wait; keeps its memory
  size_t next_ = 0;
};

}  // namespace quire
