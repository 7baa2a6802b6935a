#pragma once

#include "autodiff/plan.hpp"

namespace eqp::ad {

/// The steps of a plan bound to memory: what running a program goes through.
class Calls {
 public:
  Calls() = default;
  /// `run` and `hoisted` are the memories of those homes.
  Calls(const Plan& plan, const std::vector<Step>& steps, Real* run, Real* hoisted);

  /// Follows parameters that moved to other memory, as Params::add makes them.
  void follow(const Plan& plan);

  void run(std::size_t i) const {
    const Call& c = calls_[i];
    c.op->forward({operands_.data() + c.first, c.n}, c.out, *c.attr);
  }

  std::size_t size() const { return calls_.size(); }
  const Step& step(std::size_t i) const { return *calls_[i].step; }
  std::span<const ConstView> in(std::size_t i) const {
    return {operands_.data() + calls_[i].first, calls_[i].n};
  }
  ConstView out(std::size_t i) const { return calls_[i].out; }

 private:
  struct Call {
    const Op* op;
    const Attr* attr;
    std::size_t first, n;  // operands
    View out;
    const Step* step;
  };
  struct ParameterOperand {
    std::size_t operand, params, offset;
  };

  std::vector<Call> calls_;
  std::vector<ConstView> operands_;
  std::vector<ParameterOperand> parameters_;
  std::vector<const Real*> bases_;  // of each Params, when last bound
};

}  // namespace eqp::ad
