#include "engine/reader_callback.h"

#include <exception>

#include "base/log.h"

namespace quire {

void ReaderCallback::call() {
  if (!function_) return;
  std::lock_guard lock(mutex_);
  if (is_detached_) return;
  try {
    function_();
  } catch (const std::exception& error) {
    QUIRE_LOG_ERROR(
        "The reader of a request failed when it was told of an output: {}", error.what()
    );
  }
}

void ReaderCallback::detach() {
  if (!function_) return;
  std::lock_guard lock(mutex_);
  is_detached_ = true;
}

}  // namespace quire
