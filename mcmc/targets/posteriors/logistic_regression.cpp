#include "mcmc/targets/posteriors/logistic_regression.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mcmc/targets/posteriors/data_file.hpp"
#include "mcmc/targets/posteriors/terms.hpp"

namespace eqp::mcmc {

Posterior logistic_regression(const std::string& name, const LogisticRegression& model) {
  if (model.features.shape().rank() != 2 || model.labels.size() != model.features.rows()) {
    throw std::invalid_argument(name + ": features " + str(model.features.shape()) + " and " +
                                std::to_string(model.labels.size()) +
                                " labels; need (n, k) and n labels");
  }
  ad::Tensor signed_features = model.features;
  for (std::size_t i = 0; i < signed_features.rows(); ++i) {
    const Real y = model.labels[i];
    if (std::abs(y) != 1) {
      throw std::invalid_argument(name + ": label " + std::to_string(y) + " of row " +
                                  std::to_string(i) + "; need 1 or -1");
    }
    for (Real& v : signed_features.row(i)) v *= y;
  }
  const auto names = element_names("beta", signed_features.cols());
  Posterior p{.name = name, .parameters = names, .quantities = names};
  p.energy = [x = std::move(signed_features)](ad::Var beta) {
    const ad::Var margin = matmul(beta, beta.tape->constant(x), {.b = true});
    return sum(softplus(-margin), 1) + normal_energy(beta, 1);
  };
  p.report = [](std::span<const Real> x, std::span<Real> q) { std::ranges::copy(x, q.begin()); };
  return p;
}

LogisticRegression read_german_credit(const std::filesystem::path& path) {
  const CsvFile file = read_csv(path);
  const std::size_t n = file.rows, d = file.columns;
  LogisticRegression model{ad::Tensor({n, d}), ad::Tensor({n})};
  for (std::size_t i = 0; i < n; ++i) {
    const double label = file.values[i * d + d - 1];
    if (label != 1 && label != 2) {
      throw std::invalid_argument(path.string() + ": class of row " + std::to_string(i) +
                                  " is not 1 (good) or 2 (bad)");
    }
    model.labels[i] = label == 1 ? 1 : -1;
    model.features(i, 0) = 1;
  }
  for (std::size_t j = 0; j + 1 < d; ++j) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < n; ++i) mean += file.values[i * d + j] / double(n);
    for (std::size_t i = 0; i < n; ++i) {
      variance += std::pow(file.values[i * d + j] - mean, 2) / double(n);
    }
    if (!(variance > 1e-20 * mean * mean)) {
      throw std::invalid_argument(path.string() + ": column " + std::to_string(j) +
                                  " has one value only and cannot be scaled");
    }
    for (std::size_t i = 0; i < n; ++i) {
      model.features(i, j + 1) = Real((file.values[i * d + j] - mean) / std::sqrt(variance));
    }
  }
  return model;
}

}  // namespace eqp::mcmc
