#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <span>
#include <sstream>
#include <string>
#include <vector>

// The posteriors once more, written out in plain double precision, row by row: log p(data, x) over
// the unconstrained parameters x.
namespace eqp::mcmc::test {

using Point = std::span<const double>;

inline const std::filesystem::path kPosteriorData =
    std::filesystem::path(EQP_SOURCE_DIR) / "mcmc/targets/posteriors/data";

inline double log_normal(double x, double mean, double sd) {
  const double z = (x - mean) / sd;
  return -0.5 * z * z - std::log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}
inline double log_half_cauchy(double x, double scale) {
  return std::log(2 / (std::numbers::pi * scale * (1 + x * x / (scale * scale))));
}
inline nlohmann::json json(const char* file) {
  return nlohmann::json::parse(std::ifstream(kPosteriorData / file));
}

inline double eight_schools(Point x, bool centered) {
  const auto data = json("eight_schools.json");
  const double mu = x[8], tau = std::exp(x[9]);
  double sum = log_normal(mu, 0, 5) + log_half_cauchy(tau, 5) + x[9];
  for (std::size_t j = 0; j < 8; ++j) {
    const double theta = centered ? x[j] : mu + tau * x[j];
    sum += log_normal(data["y"][j], theta, data["sigma"][j]);
    sum += centered ? log_normal(theta, mu, tau) : log_normal(x[j], 0, 1);
  }
  return sum;
}

inline double kidscore(Point x) {
  const auto data = json("kidiq.json");
  const double sigma = std::exp(x[2]);
  double sum = log_half_cauchy(sigma, 2.5) + x[2];
  for (std::size_t i = 0; i < 434; ++i) {
    sum += log_normal(data["kid_score"][i], x[0] + x[1] * data["mom_iq"][i].get<double>(), sigma);
  }
  return sum;
}

inline double autoregression(Point x) {
  const auto y = json("arK.json")["y"].get<std::vector<double>>();
  const double sigma = std::exp(x[6]);
  double sum = log_half_cauchy(sigma, 2.5) + x[6];
  for (std::size_t k = 0; k <= 5; ++k) sum += log_normal(x[k], 0, 10);
  for (std::size_t t = 5; t < 200; ++t) {
    double mean = x[0];
    for (std::size_t k = 1; k <= 5; ++k) mean += x[k] * y[t - k];
    sum += log_normal(y[t], mean, sigma);
  }
  return sum;
}

inline double blr(Point x) {
  const auto data = json("sblrc.json");
  const double sigma = std::exp(x[5]);
  double sum = std::log(2) + log_normal(sigma, 0, 10) + x[5];
  for (std::size_t k = 0; k < 5; ++k) sum += log_normal(x[k], 0, 10);
  for (std::size_t i = 0; i < 100; ++i) {
    double mean = 0;
    for (std::size_t k = 0; k < 5; ++k) mean += x[k] * data["X"][i][k].get<double>();
    sum += log_normal(data["y"][i], mean, sigma);
  }
  return sum;
}

inline double german_credit(Point x) {
  static const std::vector<std::vector<double>> rows = [] {
    std::ifstream in(kPosteriorData / "german_credit.csv");
    std::string line, entry;
    std::getline(in, line);
    std::vector<std::vector<double>> all;
    while (std::getline(in, line)) {
      std::istringstream entries(line);
      all.emplace_back();
      while (std::getline(entries, entry, ',')) all.back().push_back(std::stod(entry));
    }
    return all;
  }();
  std::vector<double> logits(rows.size(), x[0]);
  double sum = log_normal(x[0], 0, 1);
  for (std::size_t j = 0; j < 24; ++j) {
    double total = 0, squares = 0;
    for (const auto& row : rows) total += row[j], squares += row[j] * row[j];
    const double n = double(rows.size()), mean = total / n,
                 sd = std::sqrt(squares / n - mean * mean);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      logits[i] += x[j + 1] * (rows[i][j] - mean) / sd;
    }
    sum += log_normal(x[j + 1], 0, 1);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sum -= std::log1p(std::exp(rows[i][24] == 1 ? -logits[i] : logits[i]));
  }
  return sum;
}

}  // namespace eqp::mcmc::test
