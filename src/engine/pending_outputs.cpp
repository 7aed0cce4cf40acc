#include "engine/pending_outputs.h"

namespace quire {

void PendingOutputs::add(const OutputEnd& end) {
  if (ends_.size() - next_ >= max_outputs_) {
    if (OutputEnd* newest = find_newest(end.index)) {
      *newest = end;
      return;
    }
  }
  // Room that was read already is used before more is taken.
  if (ends_.size() == ends_.capacity() && next_ > 0) {
    ends_.erase(ends_.begin(), ends_.begin() + static_cast<ptrdiff_t>(next_));
    next_ = 0;
  }
  ends_.push_back(end);
}

std::optional<OutputEnd> PendingOutputs::take() {
  if (empty()) return std::nullopt;
  const OutputEnd oldest = ends_[next_++];
  if (empty()) {
    ends_.clear();
    next_ = 0;
  }
  return oldest;
}

OutputEnd* PendingOutputs::find_newest(int index) {
  for (size_t i = ends_.size(); i > next_; --i) {
    if (ends_[i - 1].index == index) return &ends_[i - 1];
  }
  return nullptr;
}

}  // namespace quire
