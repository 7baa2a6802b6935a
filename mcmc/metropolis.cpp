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

}  // namespace eqp::mcmc
