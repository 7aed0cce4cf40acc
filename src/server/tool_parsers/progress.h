#pragma once

#include <cstddef>
#include <string_view>

namespace quire::server {

constexpr std::string_view kWhitespace = " \t\r\n";

enum class Verdict {
  kMore,  // wants more text; what it did not take is offered again, with more behind it
  kCallEnd,  // one call is complete, others may follow
  kEnd,  // what was to be read is complete
  kReject,  // the text behind `taken` cannot stand here
};

struct Progress {
  size_t taken = 0;  // bytes from the front of the text
  Verdict verdict = Verdict::kMore;
};

enum class Match { kNo, kPartial, kYes };

// Whether `text` begins with `tag`; kPartial: it may, once more text is there.
inline Match match_prefix(std::string_view text, std::string_view tag) {
  if (text.starts_with(tag)) return Match::kYes;
  return tag.starts_with(text) ? Match::kPartial : Match::kNo;
}

// Index of the first byte at or behind `pos` that is no whitespace, text.size() if there is none.
inline size_t skip_whitespace(std::string_view text, size_t pos) {
  const size_t found = text.find_first_not_of(kWhitespace, pos);
  return found == text.npos ? text.size() : found;
}

// Reads on with step(rest of the text) as long as it takes something or changes `state`.
template <typename State, typename Step>
Progress run_steps(std::string_view text, const State& state, Step step) {
  size_t taken = 0;
  while (taken < text.size()) {
    const State before = state;
    const Progress progress = step(text.substr(taken));
    taken += progress.taken;
    if (progress.verdict != Verdict::kMore) return {taken, progress.verdict};
    if (progress.taken == 0 && state == before) break;
  }
  return {taken, Verdict::kMore};
}

}  // namespace quire::server
