#include "core/request.h"

#include <algorithm>

#include "base/check.h"

namespace quire {

FinishReason finish_reason_of(RequestStatus status) {
  switch (status) {
    case RequestStatus::kFinishedStopped:
      return FinishReason::kStop;
    case RequestStatus::kFinishedLengthCapped:
    case RequestStatus::kFinishedIgnored:
      return FinishReason::kLength;
    case RequestStatus::kFinishedAborted:
      return FinishReason::kAbort;
    case RequestStatus::kFinishedError:
      return FinishReason::kError;
    case RequestStatus::kFinishedRepetition:
      return FinishReason::kRepetition;
    case RequestStatus::kWaiting:
    case RequestStatus::kWaitingForStreamingReq:
    case RequestStatus::kRunning:
    case RequestStatus::kPreempted:
      break;
  }
  QUIRE_CHECK(false, "status {} is not a finished one", static_cast<int>(status));
}

int Request::max_num_tokens(int max_model_len) const {
  if (!sampling_params.max_tokens) return std::max(max_model_len, num_tokens());
  const int64_t wanted = int64_t{num_prompt_tokens} + *sampling_params.max_tokens;
  return static_cast<int>(
      std::clamp<int64_t>(wanted, num_tokens(), std::max(max_model_len, num_tokens()))
  );
}

}  // namespace quire
