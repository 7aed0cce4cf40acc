#pragma once

#include <string>
#include <string_view>

#include "base/check.h"
#include "quire/error.h"
#include "quire_text.h"

// What every face of the Rust library needs: owned buffers and statuses turned into exceptions.
namespace quire {

class NativeBuffer {
 public:
  NativeBuffer() = default;
  ~NativeBuffer() { quire_buffer_free(buffer_); }
  NativeBuffer(const NativeBuffer&) = delete;
  NativeBuffer& operator=(const NativeBuffer&) = delete;

  quire_buffer* out() { return &buffer_; }
  bool is_null() const { return buffer_.data == nullptr; }
  std::string_view view() const { return {buffer_.data, buffer_.size}; }
  std::string str() const { return std::string(view()); }

 private:
  quire_buffer buffer_{};
};

// A panic is a bug; an error about the input is handed to `on_invalid`, which throws.
template <class OnInvalid>
void check_status(quire_status status, const NativeBuffer& error, OnInvalid&& on_invalid) {
  if (status == QUIRE_OK) [[likely]]
    return;
  QUIRE_CHECK(status != QUIRE_PANIC, "the text library panicked: {}", error.view());
  if (status == QUIRE_ENVIRONMENT) throw EnvironmentError(error.str());
  on_invalid(error.view());
  QUIRE_CHECK(false, "an error of the text library was not turned into an exception");
}

}  // namespace quire
