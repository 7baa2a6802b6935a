#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "experiments/common/palette.hpp"
#include "experiments/common/panel.hpp"

namespace eqp {
namespace {

class Curves : public Panel {
 public:
  Curves(std::string title, std::vector<Series> series, const CurveOptions& options)
      : Panel(std::move(title)), series_(std::move(series)), options_(options) {
    for (const Series& one : series_)
      if (one.x.size() != one.y.size())
        throw std::invalid_argument("curves panel: series " + one.name + " has " +
                                    std::to_string(one.x.size()) + " x and " +
                                    std::to_string(one.y.size()) + " y");
  }
  double width() const override { return 400.0; }
  double height() const override { return 230.0; }
  Margins margins() const override { return {58, 20 + legend_width(), 44}; }

  std::string commands(const Slot& slot) const override {
    std::string text =
        "set border 3\nset grid ytics lt 1 lc rgb '#e4e4e4' lw 0.6\n"
        "set autoscale\nset autoscale xfix\nset xtics autofreq format '%g'\nset ytics autofreq "
        "format '%g'\n"
        "set key at screen " +
        number(slot.right + (slot.right - slot.left) * 12.0 / width()) + ", screen " +
        number(slot.top) +
        " left top vertical Left reverse samplen 1.2 spacing 1.25 font ',9' textcolor rgb "
        "'#333333'\n";
    text += "set xlabel " + quoted(options_.x_label) + "\nset ylabel " + quoted(options_.y_label);
    text += options_.log_y ? "\nset logscale y\n" : "\n";
    if (!any_point()) text += "set xrange [0:1]\nset yrange [0.1:1]\n";
    std::string data;
    const char* separator = "plot ";
    if (options_.reference) {
      text += separator + number(*options_.reference) +
              " with lines lw 1.2 dt (12,8) lc rgb '#333333' title " +
              quoted(options_.reference_name);
      separator = ", ";
    }
    for (std::size_t i = 0; i < series_.size(); ++i) {
      const Series& one = series_[i];
      text += separator + ("'-' with lines lw 1.7 lc rgb '" + series_color(one.color.value_or(i))) +
              "' title " + quoted(one.name);
      separator = ", ";
      for (std::size_t k = 0; k < one.x.size(); ++k) {
        data += number(one.x[k]) + " " + (shows(one.y[k]) ? number(one.y[k]) : "NaN") + "\n";
      }
      data += "e\n";
    }
    return text + "\n" + data;
  }

 private:
  bool shows(double y) const { return std::isfinite(y) && !(options_.log_y && y <= 0.0); }
  /// gnuplot finds no range for axes without any; such a panel stays empty.
  bool any_point() const {
    return std::ranges::any_of(series_, [&](const Series& one) {
      return std::ranges::any_of(one.y, [&](double y) { return shows(y); });
    });
  }
  double legend_width() const {
    std::size_t longest = options_.reference ? options_.reference_name.size() : 0;
    for (const Series& one : series_) longest = std::max(longest, one.name.size());
    return 40.0 + 7.0 * static_cast<double>(longest);
  }

  std::vector<Series> series_;
  CurveOptions options_;
};

}  // namespace

PanelPtr curves(std::string title, std::vector<Series> series, const CurveOptions& options) {
  return std::make_shared<Curves>(std::move(title), std::move(series), options);
}

}  // namespace eqp
