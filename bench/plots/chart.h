#pragma once

#include <string>
#include <utility>
#include <vector>

namespace quire::bench {

struct Axis {
  std::string title;
  double min = 0.0;
  double max = 1.0;  // > min
  bool is_log = false;  // then min > 0
  bool has_ticks = true;
};

// Colours of the two engines and of the two kinds of tokens.
inline constexpr const char* kGrey = "#8c8c8c";
inline constexpr const char* kBlue = "#1f6fb4";
inline constexpr const char* kOrange = "#e08214";

// A plot as an SVG image. What lies beyond the axes is cut off.
class Chart {
 public:
  Chart(std::string title, Axis x, Axis y);

  // All coordinates are values of the axes.
  void add_line(const std::vector<std::pair<double, double>>& points, const char* color);
  void add_rectangle(double x_min, double x_max, double y_min, double y_max, const char* color);
  void add_label(double x, double y, const std::string& text);  // above the point
  void add_x_label(double x, const std::string& text);  // under the axis
  void add_legend(const std::string& name, const char* color);

  std::string svg() const;

 private:
  double x_of(double value) const;  // in pixels
  double y_of(double value) const;
  void add_axes();

  std::string title_;
  Axis x_;
  Axis y_;
  std::string body_;
  std::string legend_;
  double legend_end_;
};

// Round numbers between the ends of an axis.
std::vector<double> axis_ticks(const Axis& axis);

}  // namespace quire::bench
