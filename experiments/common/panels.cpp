#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "experiments/common/palette.hpp"
#include "experiments/common/panel.hpp"

namespace eqp {
namespace {

constexpr double kSide = 170.0;
constexpr double kLogFloor = 1e-4;

/// About four steps over the length, of size 1, 2 or 5 times a power of ten.
double tic_step(double length) {
  const double rough = length / 4.0, power = std::pow(10.0, std::floor(std::log10(rough)));
  const double lead = rough / power;
  return power * (lead < 1.5 ? 1.0 : lead < 3.5 ? 2.0 : lead < 7.5 ? 5.0 : 10.0);
}

std::string axes(const train::Box& box, const Slot& slot) {
  const auto tics = [](const char* axis, bool written, double length) {
    return std::string("set ") + axis + "tics " + number(tic_step(length)) + " format " +
           (written ? "'%g'" : "''") + "\n";
  };
  return "set xrange [" + number(box.x_min) + ":" + number(box.x_max) + "]\nset yrange [" +
         number(box.y_min) + ":" + number(box.y_max) + "]\n" +
         tics("x", slot.x_tics, box.x_max - box.x_min) +
         tics("y", slot.y_tics, box.y_max - box.y_min);
}

/// A plot command with an image of colours: nx pixels in a row, ny rows from below.
std::string image(const train::Box& box, std::size_t ny, std::size_t nx, const std::string& rgb) {
  const double dx = (box.x_max - box.x_min) / static_cast<double>(nx);
  const double dy = (box.y_max - box.y_min) / static_cast<double>(ny);
  return "plot '-' binary array=(" + std::to_string(nx) + "," + std::to_string(ny) +
         ") dx=" + number(dx) + " dy=" + number(dy) + " origin=(" + number(box.x_min + dx / 2) +
         "," + number(box.y_min + dy / 2) + ") format='%uchar' with rgbimage notitle\n" + rgb +
         "\n";
}

class BoxPanel : public Panel {
 public:
  BoxPanel(std::string title, const train::Box& box) : Panel(std::move(title)), box_(box) {}
  double width() const override { return kSide * std::min(1.0, aspect()); }
  double height() const override { return kSide / std::max(1.0, aspect()); }
  Margins margins() const override { return {9, 9, 4}; }
  std::optional<train::Box> box() const override { return box_; }

 protected:
  train::Box box_;

 private:
  double aspect() const { return (box_.x_max - box_.x_min) / (box_.y_max - box_.y_min); }
};

class Density : public BoxPanel {
 public:
  Density(std::string title, const train::Box& box, std::size_t ny, std::size_t nx,
          std::vector<double> values, Scale scale, double top)
      : BoxPanel(std::move(title), box),
        ny_(ny),
        nx_(nx),
        values_(std::move(values)),
        scale_(scale) {
    if (values_.size() != ny * nx || values_.empty())
      throw std::invalid_argument("density panel: " + std::to_string(values_.size()) +
                                  " values, need " + std::to_string(ny) + " x " +
                                  std::to_string(nx));
    for (double& v : values_) v = std::min(v, top);
  }
  double brightest() const override { return *std::ranges::max_element(values_); }
  std::string commands(const Slot& slot) const override {
    std::string rgb;
    for (const double value : values_) {
      double u = value / slot.brightest;
      if (scale_ == Scale::log) u = 1.0 - std::log(std::max(u, kLogFloor)) / std::log(kLogFloor);
      for (const unsigned char part : density_color(u)) rgb += static_cast<char>(part);
    }
    return axes(box_, slot) + image(box_, ny_, nx_, rgb);
  }

 private:
  std::size_t ny_, nx_;
  std::vector<double> values_;
  Scale scale_;
};

class Scatter : public BoxPanel {
 public:
  Scatter(std::string title, const train::Box& box, ad::ConstView points)
      : BoxPanel(std::move(title), box) {
    if (points.cols() < 2)
      throw std::invalid_argument("scatter panel: points need at least 2 columns, got " +
                                  std::to_string(points.cols()));
    for (std::size_t i = 0; i < points.rows(); ++i) {
      const double x = points(i, 0), y = points(i, 1);
      if (x > box.x_min && x < box.x_max && y > box.y_min && y < box.y_max)
        points_ += number(x) + " " + number(y) + "\n";
    }
  }
  std::string commands(const Slot& slot) const override {
    // A point outside the range keeps gnuplot content when there is none inside.
    return axes(box_, slot) + "plot '-' with points pt 7 ps 0.22 lc rgb '#90205080' notitle\n" +
           points_ + number(box_.x_max + 1.0) + " " + number(box_.y_max + 1.0) + "\ne\n";
  }

 private:
  std::string points_;
};

class Images : public Panel {
 public:
  Images(std::string title, ad::ConstView pixels, const ImageGrid& grid)
      : Panel(std::move(title)), grid_(grid) {
    if (pixels.cols() != grid.image_height * grid.image_width ||
        pixels.rows() < grid.rows * grid.columns)
      throw std::invalid_argument("images panel: pixels are " + std::to_string(pixels.rows()) +
                                  " x " + std::to_string(pixels.cols()) + ", need at least " +
                                  std::to_string(grid.rows * grid.columns) + " rows of " +
                                  std::to_string(grid.image_height * grid.image_width));
    pixels_ = ad::Tensor(pixels.slice(0, grid.rows * grid.columns));
  }
  double width() const override { return pixel() * static_cast<double>(across()); }
  double height() const override { return pixel() * static_cast<double>(down()); }
  std::string commands(const Slot&) const override {
    const double top =
        std::max(1e-30, static_cast<double>(*std::ranges::max_element(pixels_.flat())));
    std::string rgb(3 * across() * down(), '\xff');
    for (std::size_t i = 0; i < pixels_.rows(); ++i)
      for (std::size_t p = 0; p < pixels_.cols(); ++p) {
        const std::size_t row =
            i / grid_.columns * (grid_.image_height + 1) + p / grid_.image_width;
        const std::size_t column =
            i % grid_.columns * (grid_.image_width + 1) + p % grid_.image_width;
        const double ink = std::clamp(pixels_(i, p) / top, 0.0, 1.0);
        const auto grey = static_cast<char>(std::lround(240.0 - 220.0 * ink));
        rgb.replace(3 * ((down() - 1 - row) * across() + column), 3, 3, grey);
      }
    const train::Box box{0.0, static_cast<double>(across()), 0.0, static_cast<double>(down())};
    return axes(box, {}) + "unset tics\nunset border\n" + image(box, down(), across(), rgb);
  }

 private:
  double pixel() const { return grid_.image_width > 16 ? 2.0 : 4.0; }
  // One white pixel between images.
  std::size_t across() const { return grid_.columns * (grid_.image_width + 1) - 1; }
  std::size_t down() const { return grid_.rows * (grid_.image_height + 1) - 1; }

  ImageGrid grid_;
  ad::Tensor pixels_;
};

}  // namespace

PanelPtr density(std::string title, const train::Box& box, std::size_t ny, std::size_t nx,
                 std::vector<double> values, Scale scale, double top) {
  return std::make_shared<Density>(std::move(title), box, ny, nx, std::move(values), scale, top);
}

PanelPtr scatter(std::string title, const train::Box& box, ad::ConstView points) {
  return std::make_shared<Scatter>(std::move(title), box, points);
}

PanelPtr images(std::string title, ad::ConstView pixels, const ImageGrid& grid) {
  return std::make_shared<Images>(std::move(title), pixels, grid);
}

}  // namespace eqp
