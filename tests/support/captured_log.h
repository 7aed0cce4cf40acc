#pragma once

#include <memory>
#include <sstream>
#include <string>

#include <spdlog/sinks/ostream_sink.h>

#include "base/log.h"

namespace quire::test {

// What the process logs while this lives, as text. Made before and read after the threads that log.
class CapturedLog {
 public:
  CapturedLog() {
    init_logging();
    spdlog::get("quire")->sinks().push_back(std::make_shared<spdlog::sinks::ostream_sink_mt>(text_)
    );
    set_log_format(LogFormat::kText);
  }
  ~CapturedLog() { spdlog::get("quire")->sinks().pop_back(); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

}  // namespace quire::test
