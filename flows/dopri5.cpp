#include "flows/dopri5.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"

namespace eqp::flows {
namespace {

constexpr std::size_t kStages = 7;
// Dormand & Prince 1980, table 2. The last stage is the first of the next step.
constexpr std::array<double, kStages> kTimes{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
constexpr double kWeights[kStages][kStages - 1] = {
    {},
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};
// What the result of order 5 is more than that of order 4.
constexpr std::array<double, kStages> kError{71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                             -17253. / 339200, 22. / 525, -1. / 40};

// One block of rows, whose state is (x, log_det).
class Block {
 public:
  Block(const ad::Batched& field, const AdaptiveOptions& o, Direction direction, ad::ConstView x,
        ad::ConstView context, std::size_t first_row)
      : o_(o),
        sign_(direction == Direction::forward ? 1 : -1),
        first_row_(first_row),
        n_(x.rows()),
        d_(x.shape[1]),
        at_(field.workspace(n_)),
        state_(n_ * (d_ + 1)),
        next_(state_.size()),
        step_(n_, std::min(o.first_step, 1.0)),
        time_(n_, 0) {
    for (auto& k : slopes_) k.resize(state_.size());
    for (std::size_t i = 0; i < n_; ++i) std::ranges::copy(x.row(i), row(state_, i));
    if (context.data) std::ranges::copy(context.flat(), at_.in(2).data);
  }

  void run() {
    evaluate(state_, 0, 0);
    for (std::size_t k = 0; !done(); ++k) {
      if (k == o_.max_steps) fail("more than " + std::to_string(k) + " steps", unfinished());
      for (std::size_t s = 1; s < kStages; ++s) {
        advance(s);
        evaluate(next_, kTimes[s], s);
      }
      for (std::size_t i = 0; i < n_; ++i) judge(i);
    }
  }

  void write(ad::View x, std::span<double> log_det, std::size_t& accepted,
             std::size_t& rejected) const {
    for (std::size_t i = 0; i < n_; ++i) {
      const double* from = state_.data() + i * (d_ + 1);
      std::copy_n(from, d_, x.row(i).begin());
      log_det[i] = from[d_];
    }
    accepted = accepted_, rejected = rejected_;
  }

 private:
  double* row(std::vector<double>& state, std::size_t i) const { return &state[i * (d_ + 1)]; }
  bool finished(std::size_t i) const { return time_[i] >= 1; }
  std::size_t unfinished() const {
    std::size_t i = 0;
    while (i < n_ && finished(i)) ++i;
    return i;
  }
  bool done() const { return unfinished() == n_; }

  [[noreturn]] void fail(const std::string& what, std::size_t i) const {
    throw std::runtime_error("dopri5: row " + std::to_string(first_row_ + i) + " at time " +
                             std::to_string(flow_time(time_[i])) + ": " + what +
                             "; need a smoother velocity or a larger tolerance");
  }

  // Time runs from 0 to 1 in either direction here.
  double flow_time(double t) const { return sign_ > 0 ? t : 1 - t; }

  void evaluate(const std::vector<double>& state, double stage, std::size_t s) {
    for (std::size_t i = 0; i < n_; ++i) {
      std::copy_n(&state[i * (d_ + 1)], d_, at_.in(0).row(i).begin());
      at_.in(1).data[i] = Real(flow_time(time_[i] + stage * step_[i]));
    }
    at_.run();
    for (std::size_t i = 0; i < n_; ++i) {
      double* to = row(slopes_[s], i);
      for (std::size_t j = 0; j < d_; ++j) to[j] = sign_ * double(at_.out(0).row(i)[j]);
      to[d_] = sign_ * double(at_.out(1).data[i]);
    }
  }

  void advance(std::size_t s) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = i * (d_ + 1); j < (i + 1) * (d_ + 1); ++j) {
        double slope = 0;
        for (std::size_t r = 0; r < s; ++r) slope += kWeights[s][r] * slopes_[r][j];
        next_[j] = state_[j] + step_[i] * slope;
      }
    }
  }

  // Takes the step of row i or not, and chooses the next.
  void judge(std::size_t i) {
    if (finished(i)) return;
    double square = 0;
    for (std::size_t j = i * (d_ + 1); j < (i + 1) * (d_ + 1); ++j) {
      double error = 0;
      for (std::size_t s = 0; s < kStages; ++s) error += kError[s] * slopes_[s][j];
      const double size = std::max(std::abs(state_[j]), std::abs(next_[j]));
      square += std::pow(step_[i] * error / (o_.absolute + o_.relative * size), 2);
    }
    const double error = std::sqrt(square / double(d_ + 1));
    if (error <= 1) {
      ++accepted_;
      time_[i] += step_[i];
      std::copy_n(row(next_, i), d_ + 1, row(state_, i));
      std::copy_n(row(slopes_.back(), i), d_ + 1, row(slopes_[0], i));
    } else {
      ++rejected_;
      if (step_[i] < 1e-9) fail("steps below 1e-9", i);
    }
    // An error that is not finite asks for the smallest factor.
    const double factor = error > 0 ? 0.9 * std::pow(error, -0.2) : 5;
    step_[i] *= std::isfinite(error) ? std::clamp(factor, 0.2, 5.0) : 0.2;
    // The last step ends at 1 to the last bit.
    if (time_[i] + step_[i] > 1 - 1e-12) step_[i] = 1 - time_[i];
    if (time_[i] > 1 - 1e-12) time_[i] = 1, step_[i] = 0;
  }

  const AdaptiveOptions& o_;
  double sign_;
  std::size_t first_row_, n_, d_;
  ad::Workspace at_;
  std::vector<double> state_, next_, step_, time_;
  std::array<std::vector<double>, kStages> slopes_;
  std::size_t accepted_ = 0, rejected_ = 0;
};

ad::Batched field_of(const Continuous& flow, bool with_context) {
  std::vector<ad::Shape> rows{{flow.dim()}, {1}};
  if (with_context) rows.push_back({flow.context_dim()});
  return {rows, [velocity = flow.velocity(),
                 divergence = flow.options().divergence](std::span<const ad::Var> in) {
            const ad::Var f = velocity(in[0], in[1], in.size() > 2 ? in[2] : ad::Var{});
            return ad::Vars{f, divergence(f, in[0])};
          }};
}

}  // namespace

Solution solve(const Continuous& flow, Direction direction, const ad::Tensor& x,
               const ad::Tensor& context, const AdaptiveOptions& options) {
  const bool conditional = flow.context_dim() > 0;
  if (x.shape().rank() != 2 || x.shape()[1] != flow.dim() ||
      (conditional && context.shape() != ad::Shape{x.rows(), flow.context_dim()})) {
    throw std::invalid_argument("dopri5: " + str(x.shape()) +
                                (conditional ? " with context " + str(context.shape()) : "") +
                                "; need rows of " + std::to_string(flow.dim()) +
                                (conditional ? " and " + std::to_string(flow.context_dim()) : ""));
  }
  // Written so that a NaN fails.
  if (!(options.first_step > 0 && options.absolute > 0 && options.relative >= 0)) {
    throw std::invalid_argument("dopri5: first step " + std::to_string(options.first_step) +
                                ", tolerances " + std::to_string(options.relative) + " and " +
                                std::to_string(options.absolute) +
                                "; need a step and an absolute tolerance above 0");
  }
  const ad::Batched field = field_of(flow, conditional);
  const ad::Blocks blocks{x.rows(), field.block(x.rows())};
  Solution result{ad::Tensor(x.shape()), std::vector<double>(x.rows())};
  std::vector<std::size_t> accepted(blocks.count()), rejected(blocks.count());
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    const std::size_t first = blocks.first(b), n = blocks.size(b);
    Block block(field, options, direction, x.view().slice(first, n),
                conditional ? context.view().slice(first, n) : ad::ConstView{}, first);
    block.run();
    block.write(result.x.view().slice(first, n), std::span(result.log_det).subspan(first, n),
                accepted[b], rejected[b]);
  });
  for (std::size_t b = 0; b < blocks.count(); ++b) {
    result.accepted += accepted[b];
    result.rejected += rejected[b];
  }
  return result;
}

}  // namespace eqp::flows
