#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"
#include "train/objective.hpp"

// Models of one parameter, data of a known law, and means with their standard errors.
namespace eqp::train {

/// A (1)-shaped parameter.
inline ad::Param scalar(ad::Params& params, const std::string& name, double value) {
  return params.add(name, {1}, [=](std::span<Real> v) { v[0] = Real(value); });
}

/// U(x) = a |x|^2 / 2
inline mcmc::Energy quadratic(ad::Param a) {
  return [=](ad::Var x) { return 0.5 * a.on(*x.tape) * sum(square(x), 1); };
}

/// Rows of N(mean, variance I), fresh at every step.
inline DataSource gaussian_data(std::vector<double> mean, double variance, ad::Key key) {
  return [=](std::uint32_t t, ad::View out) {
    ad::BlockRng{key, t}.normal(out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = Real(mean[i % mean.size()] + std::sqrt(variance) * double(out[i]));
    }
  };
}

struct Mean {
  double sum = 0, squares = 0, n = 0;

  void add(double v) {
    sum += v;
    squares += v * v;
    ++n;
  }
  double value() const { return sum / n; }
  double error() const {
    return std::sqrt(std::max(0.0, squares / n - value() * value()) / (n - 1));
  }
  /// Distance from the expected value, in standard errors.
  double off(double expected) const { return std::abs(value() - expected) / error(); }
};

/// Keeps the gradient and moves nothing.
class Probe final : public Optimiser {
 public:
  explicit Probe(std::vector<double>& gradient) : gradient_(gradient) {}
  void step(std::span<Real>, std::span<const Real> g, double) override {
    gradient_.assign(g.begin(), g.end());
  }

  void archive(ad::Archive&) override {}

 private:
  std::vector<double>& gradient_;
};

/// Loss and gradient of an objective while its parameters stay where they are.
struct AtRest {
  Mean loss;
  std::vector<Mean> gradient;
};
inline AtRest at_rest(ad::Params& params, const Objective& objective, std::uint32_t steps) {
  AtRest result{{}, std::vector<Mean>(params.size())};
  std::vector<double> gradient;
  fit(params, objective, std::make_unique<Probe>(gradient), {.steps = steps},
      [&](std::uint32_t, const StepLog& log) {
        result.loss.add(log.loss);
        for (std::size_t i = 0; i < gradient.size(); ++i) result.gradient[i].add(gradient[i]);
        return true;
      });
  return result;
}

struct Rates {
  double learning_rate;
  std::uint32_t burn, steps;  // the last `steps` are averaged
};
/// The parameters that training by plain gradient descent hovers around; the standard errors are
/// those of 20 windows, each longer than the descent remembers.
inline std::vector<Mean> trained(ad::Params& params, const Objective& objective, Rates rates) {
  std::vector<Mean> result(params.size());
  std::vector<double> window(params.size());
  const std::uint32_t width = rates.steps / 20;
  fit(params, objective, sgd(),
      {.steps = rates.burn + 20 * width, .learning_rate = constant(rates.learning_rate)},
      [&](std::uint32_t t, const StepLog&) {
        if (t <= rates.burn) return true;
        for (std::size_t i = 0; i < window.size(); ++i) window[i] += params.values()[i];
        if ((t - rates.burn) % width == 0) {
          for (std::size_t i = 0; i < window.size(); ++i) {
            result[i].add(std::exchange(window[i], 0) / width);
          }
        }
        return true;
      });
  return result;
}

/// The inputs of an objective's loss, as fit would lay them out.
struct Inputs {
  std::vector<ad::Tensor> tensors;
  std::vector<ad::View> views;

  explicit Inputs(const Objective& objective) {
    for (const ad::Shape& row : objective.row_shapes) {
      tensors.emplace_back(ad::batch_shape(objective.batch, row));
    }
    views.assign(tensors.begin(), tensors.end());
  }
  StepLog feed(const Objective& objective, std::uint32_t t) {
    StepLog log;
    objective.feed(t, views, log);
    return log;
  }
  std::vector<ad::ConstView> read() const { return {views.begin(), views.end()}; }
};

}  // namespace eqp::train
