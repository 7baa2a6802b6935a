#include "experiments/common/judge.hpp"

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "experiments/common/findings.hpp"
#include "mcmc/chains.hpp"
#include "mcmc/ula.hpp"
#include "train/data/standardise.hpp"
#include "train/data/two_moons.hpp"
#include "train/metrics/density_error.hpp"
#include "train/metrics/grid_draws.hpp"
#include "train/metrics/kernel_distances.hpp"
#include "train/metrics/wasserstein.hpp"

namespace eqp {
namespace {

constexpr std::uint32_t kReferences = 3, kFloors = 6;
constexpr std::size_t kSampling = 400;  // cells per axis, for exact draws

ContenderOptions settings(const std::string& name) {
  if (std::ranges::find(judged_names(), name) == judged_names().end()) {
    throw std::invalid_argument("--data " + name + ": no such data set");
  }
  const bool unequal = name.ends_with("unequal");
  if (name.starts_with("eight_gaussians")) {
    std::vector<double> weights(8, 1);
    if (unequal) std::iota(weights.begin(), weights.end(), 1);
    return ContenderOptions{
        .truth = train::eight_gaussians({.radius = 2, .std = 0.2, .weights = weights})};
  }
  const double upper = unequal ? 0.2 : 0.5;
  return ContenderOptions{.truth = train::two_moons({.weights = {upper, 1 - upper}}),
                          .langevin_step = 0.001,
                          .pcd_steps = 40,
                          .discrepancy_time = 0.1};
}

double largest_z(std::span<const double> masses, std::span<const double> weights, std::size_t n) {
  double largest = 0;
  for (std::size_t k = 0; k < masses.size(); ++k) {
    const double w = weights[k];
    largest = std::max(largest, std::abs(masses[k] - w) / std::sqrt(w * (1 - w) / double(n)));
  }
  return largest;
}

}  // namespace

const std::vector<std::string>& judged_names() {
  static const std::vector<std::string> names{"eight_gaussians", "eight_gaussians_unequal",
                                              "two_moons", "two_moons_unequal"};
  return names;
}

Judge::Judge(const std::string& name, const JudgeOptions& options, ad::Key key)
    : options_(options), contender_(settings(name)) {
  const train::Distribution& truth = contender_.truth;
  const bool moons = truth.modes.count == 2;
  langevin_step_ = moons ? 0.001 : 0.0025;
  frame_ = moons ? train::Box{-1.6, 2.6, -1.2, 1.7} : train::Box{-3, 3, -3, 3};
  const double half = 7 * std::sqrt(truth.base_variance);
  box_ = {-half, half, -half, half};
  contender_.bound = half;
  data_ = train::Rows(train::draw(truth, options.points, key.fork(0)));
  const train::Standardisation moments = train::standardisation(data_);
  mean_ = moments.mean, sd_ = moments.sd;
  for (std::uint32_t k = 0; k < kReferences; ++k) {
    references_.push_back(train::draw(truth, options.samples, key.fork(1).fork(k)));
  }
  const double median = train::median_distance(references_.front());
  bandwidths_ = {median / 8, median / 2};
  test_ = train::draw(truth, 10000, key.fork(2));
  log_true_ = train::log_prob(truth, test_);
  std::vector<Row> floors;
  for (std::uint32_t k = 0; k < kFloors; ++k) {
    floors.push_back(of_samples(train::draw(truth, options.samples, key.fork(3).fork(k))));
  }
  floor_ = mean_of(floors);
}

std::vector<double> Judge::picture() const { return picture(log_density(contender_.truth)); }

std::vector<double> Judge::picture(const train::LogDensity& log_p) const {
  return train::normalised(train::evaluate_grid(log_p, frame_, kPicture, kPicture));
}

Judgement Judge::judge(const mcmc::Energy& energy, ad::Key key) const {
  const train::Distribution& truth = contender_.truth;
  const train::LogDensity model = log_density(energy, 2);
  const train::Quadrature z = train::integrate(model, box_, truth.modes, options_.quadrature);
  if (!std::isfinite(z.log_z)) {
    throw std::runtime_error("its end: log Z of the trained energy is " + std::to_string(z.log_z));
  }
  const ad::Tensor data = train::draw(truth, options_.samples, key.fork(1));
  Judgement out{.doubt = doubt(z)};
  out.samples = langevin(energy, broad_start(key.fork(0)), options_.langevin_steps, key.fork(2));
  const ad::Tensor nearby = langevin(energy, data, options_.langevin_steps / 4, key.fork(3));
  const train::Grid fine = train::evaluate_grid(model, box_, kSampling, kSampling);
  const ad::Tensor exact = train::draw_from_grid(fine, options_.samples, key.fork(4));
  const train::DensityError error =
      train::density_error(train::evaluate(model, test_), z.log_z, log_true_);
  out.picture = picture(model);
  out.row = of_samples(out.samples);
  out.row["w2_from_data"] = distance(nearby, train::w2);
  out.row["w2_exact"] = distance(exact, train::w2);
  out.row["weight_error"] = train::weight_error(z.masses, truth.weights).rmse;
  out.row["weight_z"] = largest_z(z.masses, truth.weights, options_.samples);
  out.row["log_density_error"] = error.median_squared;
  out.row["kl"] = error.kl;
  return out;
}

Row Judge::of_samples(ad::ConstView x) const {
  const train::Distribution& truth = contender_.truth;
  const auto counts = train::mode_counts(x, truth.modes);
  const auto sliced = [](ad::ConstView a, ad::ConstView b) { return train::sliced_w2(a, b); };
  const auto mmd = [&](ad::ConstView a, ad::ConstView b) { return train::mmd(a, b, bandwidths_); };
  return {{"w2", distance(x, train::w2)},
          {"sliced_w2", distance(x, sliced)},
          {"mmd", distance(x, mmd)},
          {"energy_distance", distance(x, train::energy_distance)},
          {"mode_z", train::weight_error(counts, x.rows(), truth.weights).max_z}};
}

template <class Distance>
double Judge::distance(ad::ConstView x, const Distance& d) const {
  double sum = 0;
  for (const ad::Tensor& y : references_) sum += d(x, y);
  return sum / double(references_.size());
}

// N(mean, (1.5 sd)^2): no chain begins in a mode because data are there.
ad::Tensor Judge::broad_start(ad::Key key) const {
  ad::Tensor x = ad::normal({options_.samples, 2}, key);
  const std::span<Real> v = x.flat();
  for (std::size_t i = 0; i < v.size(); ++i) {
    v[i] = Real(mean_[i % 2] + 1.5 * sd_[i % 2] * double(v[i]));
  }
  return x;
}

ad::Tensor Judge::langevin(const mcmc::Energy& energy, ad::ConstView start, std::uint32_t steps,
                           ad::Key key) const {
  const mcmc::Ula kernel(energy, 2, {.step_size = langevin_step_, .bound = contender_.bound});
  mcmc::Chains chains(kernel, start);
  chains.advance(kernel, 0, steps, key);
  return chains.positions();
}

namespace {

// A number of every column of numbers, from its values.
Row by_column(std::span<const Row> rows, const std::function<double(std::vector<double>)>& f) {
  Row result = Row::object();
  for (const auto& [column, first] : rows.front().items()) {
    if (!first.is_number()) continue;
    std::vector<double> values;
    for (const Row& row : rows) values.push_back(row.at(column).get<double>());
    result[column] = f(values);
  }
  return result;
}

}  // namespace

Row mean_of(std::span<const Row> rows) {
  return by_column(rows, [](const std::vector<double>& v) {
    return std::accumulate(v.begin(), v.end(), 0.0) / double(v.size());
  });
}

Row median_of(std::span<const Row> rows) {
  return by_column(rows, [](std::vector<double> v) {
    std::ranges::sort(v);
    return (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
  });
}

double sd_of(std::span<const Row> rows, const std::string& column) {
  const double n = double(rows.size()), mean = mean_of(rows).at(column).get<double>();
  double square = 0;
  for (const Row& row : rows) square += std::pow(row.at(column).get<double>() - mean, 2);
  return n < 2 ? std::nan("") : std::sqrt(square / (n - 1));
}

}  // namespace eqp
