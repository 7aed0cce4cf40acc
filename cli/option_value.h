#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What the user typed for an option, as the type of the field it sets. Each throws InvalidArgument
// with the option's name for text that is no such value.
namespace quire::cli {

using Words = std::vector<std::string>;  // the arguments of one option, at least one

void parse_value(const std::string& option, const Words& words, std::string& value);
void parse_value(const std::string& option, const Words& words, bool& value);
// Whole numbers may have a unit: k, M, G (thousands; also 25.6k) or Ki, Mi, Gi (1024).
void parse_value(const std::string& option, const Words& words, int& value);
void parse_value(const std::string& option, const Words& words, int64_t& value);
void parse_value(const std::string& option, const Words& words, double& value);
void parse_value(const std::string& option, const Words& words, std::vector<std::string>& value);
// Words and commas separate them: 5 6 or 5,6.
void parse_value(const std::string& option, const Words& words, std::vector<int32_t>& value);

// "none" takes a value back.
template <class T>
void parse_value(const std::string& option, const Words& words, std::optional<T>& value) {
  if (words.size() == 1 && (words.front() == "none" || words.front() == "None")) {
    value.reset();
    return;
  }
  parse_value(option, words, value.emplace());
}

// Throws InvalidArgument for text that is not UTF-8.
void check_utf8(const std::string& option, std::string_view text);

// How --help shows a type and a default.
std::string type_name(const std::string&);
std::string type_name(bool);
std::string type_name(int);
std::string type_name(int64_t);
std::string type_name(double);
std::string type_name(const std::vector<std::string>&);
std::string type_name(const std::vector<int32_t>&);
template <class T>
std::string type_name(const std::optional<T>&) {
  return type_name(T{});
}

std::string default_text(const std::string& value);
std::string default_text(bool value);
std::string default_text(int value);
std::string default_text(int64_t value);
std::string default_text(double value);
std::string default_text(const std::vector<std::string>& value);
std::string default_text(const std::vector<int32_t>& value);
template <class T>
std::string default_text(const std::optional<T>& value) {
  return value ? default_text(*value) : "";
}

template <class T>
inline constexpr bool kIsSwitch = false;
template <>
inline constexpr bool kIsSwitch<bool> = true;
template <>
inline constexpr bool kIsSwitch<std::optional<bool>> = true;

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsList<std::optional<std::vector<T>>> = true;

}  // namespace quire::cli
