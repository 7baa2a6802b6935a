#include "mcmc/metropolis.hpp"

#include <sstream>
#include <stdexcept>

namespace eqp::mcmc {

ad::Batched value(const Energy& energy, std::size_t dim) {
  return {{ad::Shape{dim}},
          [energy](std::span<const ad::Var> in) -> ad::Vars { return {energy(in[0])}; }};
}

ad::Batched value_and_grad(const Energy& energy, std::size_t dim) {
  return {{ad::Shape{dim}}, [energy](std::span<const ad::Var> in) -> ad::Vars {
            const ad::Var u = energy(in[0]);
            return {u, ad::grad(u, in[0])};
          }};
}

ad::Batched grad(const Energy& energy, std::size_t dim) {
  return {{ad::Shape{dim}}, [energy](std::span<const ad::Var> in) -> ad::Vars {
            return {ad::grad(energy(in[0]), in[0])};
          }};
}

double checked_step_size(const char* kernel, double h) {
  if (h > 0 && std::isfinite(h)) return h;
  std::ostringstream text;
  text << kernel << ": step_size " << h << "; need a finite number above 0";
  throw std::invalid_argument(text.str());
}

ad::Workspace workspace_for(const char* kernel, const ad::Batched& program, std::size_t dim,
                            ad::ConstView x0) {
  if (x0.shape.rank() != 2 || x0.rows() == 0 || x0.shape[1] != dim) {
    throw std::invalid_argument(std::string(kernel) + ": x0 is " + ad::str(x0.shape) +
                                "; need (n, " + std::to_string(dim) + ") with n >= 1 chains");
  }
  return program.workspace(x0.rows());
}

void check_start(const char* kernel, const ad::Workspace& at,
                 std::initializer_list<const char*> names, std::size_t first_chain) {
  std::size_t output = 0;
  for (const char* name : names) {
    const ad::ConstView out = at.out(output++);
    for (std::size_t i = 0; i < out.rows(); ++i) {
      for (const Real v : out.row(i)) {
        if (std::isfinite(v)) continue;
        std::ostringstream text;
        text << kernel << ": chain " << first_chain + i << " starts at " << name << " "
             << (std::isnan(v) ? std::abs(v) : v) << "; start it where that is finite";
        throw std::invalid_argument(text.str());
      }
    }
  }
}

namespace {

constexpr const char* kParametersMoved = "lower the learning rate or clip the gradient";

/// What run_checked finds, in this row if there is one, after `what` and before what to try; empty
/// if it finds nothing.
std::optional<ad::NonFinite> explanation(const std::string& what, ad::Workspace& at,
                                         std::optional<std::size_t> row, const char* input_advice,
                                         const char* advice) {
  try {
    at.run_checked(row);
  } catch (const ad::NonFinite& e) {
    using enum ad::NonFinite::Origin;
    const char* hint = e.origin == parameter ? kParametersMoved
                       : e.origin == input   ? input_advice
                                             : advice;
    return ad::NonFinite(what + ": " + e.what() + "; " + hint, e.origin, row ? row : e.row);
  }
  return std::nullopt;
}

}  // namespace

void check_refreshed(const char* kernel, ad::Workspace& at) {
  for (std::size_t k = 0; k < at.n_outputs(); ++k) {
    if (ad::all_finite(at.out(k).flat())) continue;
    const auto found =
        explanation(std::string(kernel) + ": a chain is where the energy is not finite", at,
                    std::nullopt, "check the positions the chains were set to",
                    "check the positions the chains were set to or, in training, lower the "
                    "learning rate or clip the gradient");
    if (found) throw *found;
  }
}

void stop_at_position(const char* kernel, ad::Workspace& at, ad::ConstView position) {
  const auto bad = [](Real v) { return !std::isfinite(v); };
  const std::size_t element =
      std::size_t(std::ranges::find_if(position.flat(), bad) - position.flat().begin());
  const std::size_t row = element / position.cols();
  const std::string what = std::string(kernel) + ": the position is no longer finite";
  constexpr const char* kAdvice = "lower the step size or bound the chain";
  const auto found =
      explanation(what, at, row, "check the positions the chains were set to", kAdvice);
  if (found) throw *found;
  std::ostringstream text;
  text << what << ": from " << at.in(0)[element] << " by a gradient of " << at.out(1)[element]
       << "; " << kAdvice;
  throw ad::NonFinite(text.str(), ad::NonFinite::Origin::operation, row);
}

bool NanProposals::too_many(std::size_t proposals, std::uint64_t nan) {
  const bool all = nan == proposals;
  steps_ = all ? steps_ + 1 : 0;
  in_a_row_ = all ? in_a_row_ + proposals : 0;
  return steps_ >= kSteps && in_a_row_ >= kProposals;
}

void NanProposals::stop(const char* kernel, ad::Workspace& at, const char* advice) const {
  const std::string what =
      std::string(kernel) + ": the last " + std::to_string(in_a_row_) + " proposals were all nan";
  // One row explains them all, and blames no chain more than the others.
  const auto found = explanation(what, at, 0, advice, advice);
  throw ad::NonFinite(found ? found->what() : what + "; " + advice,
                      found ? found->origin : ad::NonFinite::Origin::operation);
}

}  // namespace eqp::mcmc
