#include "bench/plots/chart.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"

namespace quire::bench {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 300;
constexpr double kLeft = 64;
constexpr double kRight = 16;
constexpr double kTop = 48;
constexpr double kBottom = 44;
constexpr double kNumTicks = 6;
constexpr double kCharWidth = 6.6;

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text) {
  return fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escape(text)
  );
}

std::string line_from_to(double x1, double y1, double x2, double y2, const char* color) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n",
      x1,
      y1,
      x2,
      y2,
      color
  );
}

// 1, 2 or 5 times a power of ten, at least `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10.0 * power;
}

// Where a value lies between the ends of its axis: 0 to 1.
double place(const Axis& axis, double value) {
  value = std::clamp(value, axis.min, axis.max);
  if (!axis.is_log) return (value - axis.min) / (axis.max - axis.min);
  return std::log(value / axis.min) / std::log(axis.max / axis.min);
}

}  // namespace

std::vector<double> axis_ticks(const Axis& axis) {
  std::vector<double> ticks;
  if (!axis.has_ticks) return ticks;
  if (axis.is_log) {
    for (double power = std::pow(10.0, std::floor(std::log10(axis.min))); power <= axis.max;
         power *= 10.0) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double tick = factor * power;
        if (tick >= axis.min * (1 - 1e-9) && tick <= axis.max * (1 + 1e-9)) ticks.push_back(tick);
      }
    }
    return ticks;
  }
  const double step = round_step((axis.max - axis.min) / kNumTicks);
  const double slack = 1e-9 * (axis.max - axis.min);
  for (double i = std::ceil((axis.min - slack) / step); i * step <= axis.max + slack; ++i)
    ticks.push_back(i * step + 0.0);  // no -0
  return ticks;
}

Chart::Chart(std::string title, Axis x, Axis y)
    : title_(std::move(title)), x_(std::move(x)), y_(std::move(y)), legend_end_(kLeft) {
  QUIRE_CHECK(x_.max > x_.min && y_.max > y_.min, "an axis of {} is empty", title_);
  QUIRE_CHECK((!x_.is_log || x_.min > 0) && (!y_.is_log || y_.min > 0));
  add_axes();
}

double Chart::x_of(double value) const {
  return kLeft + place(x_, value) * (kWidth - kLeft - kRight);
}

double Chart::y_of(double value) const {
  return kHeight - kBottom - place(y_, value) * (kHeight - kTop - kBottom);
}

void Chart::add_axes() {
  const double bottom = kHeight - kBottom;
  for (const double tick : axis_ticks(y_)) {
    body_ += line_from_to(kLeft, y_of(tick), kWidth - kRight, y_of(tick), "#e4e4e4");
    body_ += text_at(kLeft - 6, y_of(tick) + 4, "end", fmt::format("{:.6g}", tick));
  }
  for (const double tick : axis_ticks(x_)) {
    body_ += line_from_to(x_of(tick), bottom, x_of(tick), bottom + 4, "#444444");
    body_ += text_at(x_of(tick), bottom + 17, "middle", fmt::format("{:.6g}", tick));
  }
  body_ += line_from_to(kLeft, bottom, kWidth - kRight, bottom, "#444444");
  body_ += text_at((kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", x_.title);
  body_ += fmt::format(
      "<text transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      (kTop + bottom) / 2,
      escape(y_.title)
  );
}

void Chart::add_line(const std::vector<std::pair<double, double>>& points, const char* color) {
  std::string places;
  for (const auto& [x, y] : points)
    places += fmt::format("{:.1f},{:.1f} ", x_of(x), y_of(y));
  body_ += fmt::format(
      "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", places, color
  );
}

void Chart::add_rectangle(
    double x_min, double x_max, double y_min, double y_max, const char* color
) {
  const double width = x_of(x_max) - x_of(x_min);
  const double height = y_of(y_min) - y_of(y_max);
  if (width <= 0.0 || height <= 0.0) return;
  body_ += fmt::format(
      "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"{:.1f}\" fill=\"{}\"/>\n",
      x_of(x_min),
      y_of(y_max),
      width,
      height,
      color
  );
}

void Chart::add_label(double x, double y, const std::string& text) {
  body_ += text_at(x_of(x), y_of(y) - 5, "middle", text);
}

void Chart::add_legend(const std::string& name, const char* color) {
  legend_ += fmt::format(
      "<rect x=\"{:.1f}\" y=\"30\" width=\"10\" height=\"10\" fill=\"{}\"/>\n", legend_end_, color
  );
  legend_ += text_at(legend_end_ + 15, 39, "start", name);
  legend_end_ += 33 + kCharWidth * static_cast<double>(name.size());
}

void Chart::add_x_label(double x, const std::string& text) {
  body_ += text_at(x_of(x), kHeight - kBottom + 17, "middle", text);
}

std::string Chart::svg() const {
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222222\">\n",
      kWidth,
      kHeight
  );
  out += fmt::format("<rect width=\"{}\" height=\"{}\" fill=\"#ffffff\"/>\n", kWidth, kHeight);
  out += fmt::format(
      "<text x=\"{}\" y=\"19\" font-size=\"14\" font-weight=\"bold\">{}</text>\n",
      kLeft,
      escape(title_)
  );
  return out + legend_ + body_ + "</svg>\n";
}

}  // namespace quire::bench
