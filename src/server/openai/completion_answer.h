#pragma once

#include <memory>
#include <optional>

#include "server/calls/logprobs_json.h"
#include "server/handler.h"
#include "server/openai/choice_json.h"

namespace quire::server {

// How a completion is answered.
struct CompletionShape {
  AnswerHead head;
  TokenTexts texts;
  int num_prompts = 1;  // streams; choice index = prompt * n + completion
  int n = 1;
  bool has_echo = false;
  bool is_prompt_only = false;  // the output is not shown
  std::optional<int> logprobs;
  bool has_token_ids = false;  // return_token_ids
  bool has_usage = false;  // of a stream: one more event with the usage
  bool has_continuous_usage = false;  // of a stream: every event has the usage so far
  bool has_prompt_tokens_details = false;
};

// One response, from outputs of RequestOutputKind::kFinalOnly.
std::unique_ptr<Answer> make_completion_answer(CompletionShape shape);

// Server-sent events, from outputs of RequestOutputKind::kDelta.
std::unique_ptr<Answer> make_completion_stream(CompletionShape shape);

}  // namespace quire::server
