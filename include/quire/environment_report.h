#pragma once

#include <string>
#include <vector>

#include "quire/api.h"

namespace QUIRE_API quire {

struct ReportSection {
  std::string title;
  std::vector<std::pair<std::string, std::string>> entries;  // name, value
};

// What a bug report should tell: machine, kernels in use, libraries, environment variables (never
// the value of a token).
std::vector<ReportSection> environment_report();

}  // namespace quire
