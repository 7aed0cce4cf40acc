#include "bench/serve/soak/soak_exchange.h"

#include <algorithm>

#include <fmt/format.h>
#include <simdjson.h>

namespace quire::bench {
namespace {

constexpr size_t kMaxShownBytes = 160;

std::string shown(std::string_view text) {
  return std::string(text.substr(0, kMaxShownBytes));
}

}  // namespace

SoakExchange::SoakExchange(
    SoakCall call, const SoakReference* reference, OnDone on_done, OnPiece on_piece
)
    : call_(std::move(call)),
      reference_(reference),
      on_done_(std::move(on_done)),
      on_piece_(std::move(on_piece)),
      texts_(static_cast<size_t>(call_.num_choices)),
      finish_reasons_(texts_.size()) {}

void SoakExchange::on_body(
    const client::HttpResponseParser& response, std::string_view piece, double /*now*/
) {
  ++num_pieces_;
  if (response.is_event_stream()) {
    scanner_.feed(piece, [this](const client::SseEvent& event) { take_event(event.data); });
  } else {
    body_ += piece;
  }
  on_piece_(*this);
}

void SoakExchange::take_event(std::string_view data) {
  if (is_done_ && broken_event_.empty()) broken_event_ = "an event follows [DONE]";
  if (data == "[DONE]") {
    is_done_ = true;
    return;
  }
  const auto chunk = reader_.read(data);
  const bool is_right = chunk && !chunk->error && chunk->index >= 0 &&
                        chunk->index < call_.num_choices && chunk->num_choices <= 1;
  if (!is_right) {
    if (broken_event_.empty()) broken_event_ = "a wrong event: " + shown(data);
    return;
  }
  if (chunk->usage) usage_ = chunk->usage;
  if (chunk->num_choices == 0) return;
  const auto index = static_cast<size_t>(chunk->index);
  texts_[index] += chunk->text;
  if (!chunk->finish_reason.empty()) finish_reasons_[index] = chunk->finish_reason;
}

void SoakExchange::on_end(
    const client::HttpResponseParser& response, const std::string& error, double /*now*/
) {
  status_ = response.has_head() ? response.status() : 0;
  on_done_(*this, problem(response, error));
}

std::string SoakExchange::problem(
    const client::HttpResponseParser& response, const std::string& error
) {
  if (!response.has_head() && call_.may_be_cut) return "";
  // Of what was refused unread the rest may be cut off.
  if (!error.empty() && !call_.may_be_cut) return error;
  if (std::ranges::find(call_.statuses, response.status()) == call_.statuses.end()) {
    return fmt::format("status {}: {}", response.status(), shown(body_));
  }
  if (reference_ == nullptr) return "";
  if (response.is_event_stream() != call_.is_stream) return "the kind of answer is wrong";
  return call_.is_stream ? problem_of_stream() : problem_of_whole();
}

std::string SoakExchange::problem_of_stream() {
  if (!broken_event_.empty()) return broken_event_;
  if (!is_done_ || scanner_.has_rest()) return "the stream has no end";
  return problem_of_texts();
}

std::string SoakExchange::problem_of_whole() {
  simdjson::dom::parser parser;
  simdjson::dom::array choices;
  if (parser.parse(body_)["choices"].get(choices) != simdjson::SUCCESS) return "no choices";
  if (choices.size() != texts_.size()) return fmt::format("{} choices", choices.size());
  for (const simdjson::dom::element choice : choices) {
    int64_t index = -1;
    std::string_view text;
    std::string_view reason;
    const bool has_all = choice["index"].get(index) == simdjson::SUCCESS && index >= 0 &&
                         index < call_.num_choices &&
                         choice["finish_reason"].get(reason) == simdjson::SUCCESS &&
                         (choice["text"].get(text) == simdjson::SUCCESS ||
                          choice["message"]["content"].get(text) == simdjson::SUCCESS);
    if (!has_all) return "a broken choice";
    texts_[static_cast<size_t>(index)] = text;
    finish_reasons_[static_cast<size_t>(index)] = reason;
  }
  if (const auto answer = reader_.read(body_)) usage_ = answer->usage;
  return problem_of_texts();
}

std::string SoakExchange::problem_of_texts() const {
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (texts_[i] != reference_->text) {
      return fmt::format(
          "choice {} is '{}', not '{}'", i, shown(texts_[i]), shown(reference_->text)
      );
    }
    if (finish_reasons_[i] != "length") {
      return fmt::format("choice {} ended with '{}'", i, finish_reasons_[i]);
    }
  }
  const int64_t expected = int64_t{call_.num_tokens} * call_.num_choices;
  if (!usage_ || usage_->completion_tokens != expected) {
    return fmt::format("usage tells {} tokens", usage_ ? usage_->completion_tokens : -1);
  }
  return "";
}

}  // namespace quire::bench
