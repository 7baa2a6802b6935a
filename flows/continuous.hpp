#pragma once

#include <functional>
#include <string>

#include "autodiff/random.hpp"
#include "flows/bijection.hpp"

// Continuous flows: the map is the solution of an ordinary differential equation, its log_det the
// integral of the divergence along it (Chen et al. 2018, "Neural ordinary differential equations",
// theorem 1).
namespace eqp::flows {

/// dx/dt at x (n, d) and t (n, 1), given a context (n, c) or an empty Var -> (n, d). Row i of the
/// result depends on row i of the arguments alone.
using Velocity = std::function<ad::Var(ad::Var x, ad::Var t, ad::Var context)>;

struct Divergence {
  /// 0: exact, at the price of d forward passes per evaluation. Else the number of Hutchinson's
  /// probes (Grathwohl et al. 2019, "FFJORD"): vectors of signs, the same for all rows and at every
  /// time, drawn from the key once. log_det is then an estimate, unbiased over keys.
  std::size_t probes = 0;
  ad::Key key = {};

  /// Of the field f, as recorded from x.  f, x (n, d) -> (n)
  ad::Var operator()(ad::Var f, ad::Var x) const;
};

struct ContinuousOptions {
  /// Of the classical fourth-order Runge-Kutta method, equal in length.
  std::size_t steps = 20;
  Divergence divergence = {};
  std::size_t context_dim = 0;
  /// Whether derivatives compute every step once more instead of keeping what is inside it: memory
  /// for the states alone, at half again the time.
  bool checkpoint = false;
};

/// x(1) from z = x(0) and back, in fixed steps on the tape: derivatives are those of what is
/// computed, whatever the step. The two directions undo each other up to the error of the method,
/// of order steps^-4.
class Continuous : public Bijection {
 public:
  /// Throws std::invalid_argument for 0 steps.
  Continuous(std::string name, std::size_t dim, Velocity velocity,
             const ContinuousOptions& options = {});

  const Velocity& velocity() const { return velocity_; }
  const ContinuousOptions& options() const { return options_; }

 private:
  Mapped push(ad::Var z, ad::Var context) const override;
  Mapped pull(ad::Var x, ad::Var context) const override;
  Mapped integrate(ad::Var x, ad::Var context, double from, double to) const;

  Velocity velocity_;
  ContinuousOptions options_;
};

}  // namespace eqp::flows
