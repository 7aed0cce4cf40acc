#include "weights/weight_scope.h"

#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "quire/error.h"

namespace quire {

WeightScope WeightScope::operator/(std::string_view name) const {
  return WeightScope(*source_, full_name(name));
}

WeightScope WeightScope::operator/(int index) const {
  return *this / std::to_string(index);
}

Tensor WeightScope::take(std::string_view name, std::initializer_list<int64_t> shape) const {
  return source_->take(full_name(name), shape);
}

bool WeightScope::has(std::string_view name) const {
  return source_->has(full_name(name));
}

void WeightScope::ignore(std::string_view name) const {
  source_->ignore(full_name(name));
}

std::string WeightScope::full_name(std::string_view name) const {
  return prefix_.empty() ? std::string(name) : fmt::format("{}.{}", prefix_, name);
}

void WeightScope::finish() const {
  constexpr size_t kMaxListed = 10;
  const std::vector<std::string> leftover = source_->leftover();
  if (leftover.empty()) {
    source_->drop_pages();
    return;
  }
  const auto listed = std::span(leftover).first(std::min(leftover.size(), kMaxListed));
  const size_t unlisted = leftover.size() - listed.size();
  throw InvalidArgument(
      "model",
      fmt::format(
          "the checkpoint has {} tensor(s) that the architecture of config.json does not use: "
          "{}{}; "
          "check that config.json and the weights belong together",
          leftover.size(),
          fmt::join(listed, ", "),
          unlisted > 0 ? fmt::format(" and {} more", unlisted) : ""
      )
  );
}

}  // namespace quire
