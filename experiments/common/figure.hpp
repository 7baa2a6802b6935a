#pragma once

#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/tensor.hpp"
#include "train/metrics/grid.hpp"

// Pictures as rows of panels, drawn by gnuplot. The same panels give the same bytes.
namespace eqp {

class Panel;
using PanelPtr = std::shared_ptr<const Panel>;

/// Linear: colours from 0 to the largest value. Log: from 1e-4 of the largest value.
enum class Scale { linear, log };

/// A heat map of a density at the centres of ny x nx cells of the box: values[i * nx + j] at the
/// i-th y from below and the j-th x. All density panels of a row share one colour scale; values
/// above `top` count as it, so that a model with a spike does not leave the others in the dark.
/// Throws std::invalid_argument on a wrong number of values.
PanelPtr density(std::string title, const train::Box& box, std::size_t ny, std::size_t nx,
                 std::vector<double> values, Scale scale = Scale::linear,
                 double top = std::numeric_limits<double>::infinity());

/// The rows of points (n, >= 2) as dots at columns 0 and 1. Points outside the box are left out.
PanelPtr scatter(std::string title, const train::Box& box, ad::ConstView points);

/// One named line of a curves panel. Values that are not finite leave a gap.
struct Series {
  std::string name;
  std::vector<double> x, y;
  /// Place in the palette; by default the series' place in its panel.
  std::optional<std::size_t> color = std::nullopt;
};

struct CurveOptions {
  std::string x_label = {}, y_label = {};
  /// A dashed horizontal line at this height.
  std::optional<double> reference = std::nullopt;
  std::string reference_name = "exact";
  bool log_y = false;
};

/// Lines with a legend at the right. Throws std::invalid_argument if x and y differ in length.
PanelPtr curves(std::string title, std::vector<Series> series, const CurveOptions& options = {});

struct ImageGrid {
  std::size_t image_height, image_width, rows, columns;
};

/// The first rows * columns rows of pixels (n, height * width) as small grey images, dark where
/// large, on one scale from 0 to the largest value. Throws std::invalid_argument on a wrong shape.
PanelPtr images(std::string title, ad::ConstView pixels, const ImageGrid& grid);

/// One row of a figure, with its name written at the left if it has one.
struct PanelRow {
  std::string name;
  std::vector<PanelPtr> panels;
};

/// What became of a picture: `message` says why there is none.
struct Drawn {
  bool ok;
  std::string message;
  explicit operator bool() const { return ok; }
};

/// Draws the rows into a PNG file at `path`, whose folder exists. Without a working gnuplot there
/// is no file and the answer says so: a run goes on without its pictures.
Drawn draw(const std::filesystem::path& path, const std::vector<PanelRow>& rows);

}  // namespace eqp
