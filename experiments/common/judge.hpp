#pragma once

#include <span>
#include <string>
#include <vector>

#include "experiments/common/contender.hpp"
#include "experiments/common/table.hpp"
#include "train/data/rows.hpp"
#include "train/metrics/quadrature.hpp"

// What a model of a known law in the plane is worth: its samples beside fresh data, and its density
// beside the exact one, each with what exact draws would have.
namespace eqp {

struct JudgeOptions {
  std::size_t points = 60000;           // for training
  std::size_t samples = 1000;           // per model and reference
  std::uint32_t langevin_steps = 4000;  // of the chains that sample a model, from a broad start
  train::QuadratureOptions quadrature = {.tolerance = 1e-4, .mass_tolerance = 1e-3};
};

/// A model's numbers, its density at the centres of the cells of a picture, and its samples.
struct Judgement {
  Row row;
  std::vector<double> picture;
  ad::Tensor samples;
  std::string doubt;  // about log Z; empty: none
};

/// "eight_gaussians" and "two_moons", with equal weights, and "..._unequal": weights 1 to 8, and
/// 0.2 and 0.8.
const std::vector<std::string>& judged_names();

/// A data set and all that models of it are compared with. Distances are means over a few
/// references, the same for all models.
class Judge {
 public:
  static constexpr std::size_t kPicture = 160;  // cells per axis

  /// Throws std::invalid_argument for a name that is none of judged_names().
  Judge(const std::string& name, const JudgeOptions& options, ad::Key key);

  const ContenderOptions& contender() const { return contender_; }
  ContenderOptions& contender() { return contender_; }
  const train::Rows& data() const { return data_; }
  const train::Box& frame() const { return frame_; }
  const ad::Tensor& reference() const { return references_.front(); }
  /// The exact density on the picture.
  std::vector<double> picture() const;
  /// What fresh draws of the data have, on average.
  const Row& floor() const { return floor_; }

  /// Distances of Langevin samples from a broad start (w2, sliced_w2, mmd, energy_distance), the
  /// largest deviation of a mode's count among them in standard errors of the multinomial (mode_z),
  /// W2 of chains from data and of exact draws of the model (w2_from_data, w2_exact), the root mean
  /// squared error of its mode masses (weight_error), their largest one in standard errors of as
  /// many draws as there are samples (weight_z), and density_error's log_density_error and kl.
  /// Throws std::runtime_error if log Z is not finite or a chain explodes.
  Judgement judge(const mcmc::Energy& energy, ad::Key key) const;

 private:
  Row of_samples(ad::ConstView x) const;
  template <class Distance>
  double distance(ad::ConstView x, const Distance& d) const;
  ad::Tensor broad_start(ad::Key key) const;
  ad::Tensor langevin(const mcmc::Energy& energy, ad::ConstView start, std::uint32_t steps,
                      ad::Key key) const;
  std::vector<double> picture(const train::LogDensity& log_p) const;

  JudgeOptions options_;
  ContenderOptions contender_;
  double langevin_step_ = 0;
  train::Box frame_, box_;
  train::Rows data_;
  std::vector<double> mean_, sd_;  // of the data
  std::vector<ad::Tensor> references_;
  std::vector<double> bandwidths_;
  ad::Tensor test_;
  std::vector<double> log_true_;
  Row floor_;
};

/// The mean of every number over rows of the same columns; others stay away.
Row mean_of(std::span<const Row> rows);
/// The median, likewise.
Row median_of(std::span<const Row> rows);
/// The standard deviation of a column; NaN for one row.
double sd_of(std::span<const Row> rows, const std::string& column);

}  // namespace eqp
