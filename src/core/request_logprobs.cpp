#include "core/request_logprobs.h"

#include <algorithm>
#include <iterator>

namespace quire {

RequestLogprobs* find_rows(std::vector<RequestLogprobs>& rows, int req_idx) {
  const auto found = std::ranges::lower_bound(rows, req_idx, {}, &RequestLogprobs::req_idx);
  return found != rows.end() && found->req_idx == req_idx ? &*found : nullptr;
}

void take_prompt_logprobs(
    Request& request,
    const ScheduledRequest& scheduled,
    std::vector<TokenLogprobs>& positions,
    EngineCoreOutput& told
) {
  const int num_rows = static_cast<int>(positions.size());
  const int num_known =
      std::clamp(request.num_prompt_logprobs - scheduled.num_computed_tokens, 0, num_rows);
  told.new_prompt_logprobs.assign(
      std::make_move_iterator(positions.begin() + num_known),
      std::make_move_iterator(positions.end())
  );
  request.num_prompt_logprobs += num_rows - num_known;
}

}  // namespace quire
