#pragma once

#include <utility>

#include "tensor/stream.h"

namespace quire {

// Calls the function of the stream's device. Both have the same signature; a missing kernel is a
// link error.
template <class Function, class... Args>
decltype(auto) dispatch(const Stream& stream, Function* cpu, Function* cuda, Args&&... args) {
  return stream.device.type == DeviceType::kCuda ? cuda(stream, std::forward<Args>(args)...)
                                                 : cpu(stream, std::forward<Args>(args)...);
}

}  // namespace quire
