#pragma once

#include <optional>
#include <string>

#include "experiments/common/figure.hpp"

// Inside of figures: what a panel asks of the page, and how it writes itself in gnuplot's language.
namespace eqp {

/// The frame a panel was given on the page.
struct Slot {
  /// "screen" coordinates as gnuplot wants them: fractions of the page.
  double left, right, bottom, top;
  /// Whether this panel writes its tics, or leaves that to a neighbour that has the same box.
  bool x_tics, y_tics;
  /// The largest value among the row's density panels.
  double brightest;
};

/// Space around a frame, in pixels.
struct Margins {
  double left, right, bottom;
};

class Panel {
 public:
  explicit Panel(std::string title) : title_(std::move(title)) {}
  virtual ~Panel() = default;

  const std::string& title() const { return title_; }
  /// Size of the frame in pixels.
  virtual double width() const = 0;
  virtual double height() const = 0;
  /// What the panel writes outside its frame.
  virtual Margins margins() const { return {8, 8, 8}; }
  /// The axes, if panels beside and below can share them.
  virtual std::optional<train::Box> box() const { return std::nullopt; }
  /// The largest value of a density.
  virtual double brightest() const { return 0.0; }
  /// Everything after the frame is set: axes, then the plot command with its data.
  virtual std::string commands(const Slot& slot) const = 0;

 private:
  std::string title_;
};

/// Text as a gnuplot string.
std::string quoted(const std::string& text);
/// A number for gnuplot: 7 digits, "NaN" if it is not finite.
std::string number(double value);

}  // namespace eqp
