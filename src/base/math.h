#pragma once

#include <concepts>

namespace quire {

template <std::integral T>
constexpr T ceil_div(T a, T b) {
  return (a + b - 1) / b;
}

template <std::integral T>
constexpr T round_up(T a, T multiple) {
  return ceil_div(a, multiple) * multiple;
}

template <std::integral T>
constexpr bool is_power_of_two(T a) {
  return a > 0 && (a & (a - 1)) == 0;
}

}  // namespace quire
