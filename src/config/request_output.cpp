#include "quire/request_output.h"

#include "base/check.h"

namespace quire {

const char* finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAbort:
      return "abort";
    case FinishReason::kError:
      return "error";
    case FinishReason::kRepetition:
      return "repetition";
  }
  QUIRE_CHECK(false, "unknown finish reason {}", static_cast<int>(reason));
}

}  // namespace quire
