#pragma once

#include <cstdint>
#include <string>

namespace quire {

enum class ProgressUnit : uint8_t {
  kItems,  // 3/8, 2.51it/s
  kBytes,  // 3.1M/8.0M, 2.5MB/s
};

// What a bar shows: "Processed prompts:  37%|███▋      | 3/8 [00:01<00:02,  2.51it/s, postfix]".
struct ProgressLine {
  std::string description;
  int64_t done = 0;
  int64_t total = 1;
  double elapsed = 0.0;  // seconds
  ProgressUnit unit = ProgressUnit::kItems;
  std::string postfix;

  std::string to_string(int bar_width = 20) const;
};

// A line on stderr that is drawn over and over, as tqdm draws it, while work goes on. Shows nothing
// unless stderr is a terminal.
class ProgressBar {
 public:
  ProgressBar(
      std::string description, int64_t total, bool enabled, ProgressUnit unit = ProgressUnit::kItems
  );
  ~ProgressBar();  // leaves the last state on the screen
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  bool is_shown() const { return is_shown_; }
  double elapsed() const;  // seconds since the start
  void set_total(int64_t total) { line_.total = total; }
  // Draws at most ten times a second.
  void update(int64_t done, std::string postfix = "");

 private:
  void draw();

  bool is_shown_;
  double start_time_;
  double last_draw_time_ = 0.0;
  ProgressLine line_;
};

}  // namespace quire
