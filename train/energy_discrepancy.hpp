#pragma once

#include "autodiff/random.hpp"
#include "mcmc/energy.hpp"
#include "train/objective.hpp"

namespace eqp::train {

struct EnergyDiscrepancyOptions {
  std::size_t dim = 0;
  std::size_t batch = 256;
  double time = 0.1;         // t: variance of a perturbation, in units of x squared
  std::size_t samples = 16;  // M: perturbed points per data point
  double stabilisation = 1;  // w
  ad::Key key;
};

/// Energy discrepancy (Schroeder, Ou, Lim, Li, Vollmer & Duncan 2023, eq. 12), the energies of data
/// against those of points around them, with no chain and no derivative by x:
///   log(w / M + 1 / M sum_j exp(U(x) - U(x + sqrt(t) e + sqrt(t) e_j))),  e, e_j ~ N(0, I).
/// For w = 0 and large M it is E[U(x)] - E[U_t(y)] of the data x and the blurred data y, with the
/// energy U_t = -log(exp(-U) * N(0, t I)): as t -> 0, t times the loss of score matching; as
/// t -> infinity, maximum likelihood up to a constant. Few samples estimate the logarithm from
/// below; w > 0 keeps it from minus infinity, and the energy from making use of that. Throws
/// std::invalid_argument unless t > 0, M >= 1 and w >= 0.
inline Objective energy_discrepancy(mcmc::Energy energy, DataSource data,
                                    EnergyDiscrepancyOptions o) {
  const auto need = [](bool met, const char* name, double value, const char* what) {
    if (met && std::isfinite(value)) return;
    throw std::invalid_argument(std::string("energy_discrepancy: ") + name + " " +
                                std::to_string(value) + ": need " + what);
  };
  need(o.time > 0, "time", o.time, "above 0");
  need(o.stabilisation >= 0, "stabilisation", o.stabilisation, "at least 0");
  need(o.samples > 0, "samples", double(o.samples), "at least 1");
  const std::size_t m = o.samples;
  return {
      .name = "energy_discrepancy",
      .batch = o.batch,
      .row_shapes = {{o.dim}, {m + 1, o.dim}},
      .loss =
          [=](std::span<const ad::Var> in) {
            const std::size_t n = in[0].shape()[0];
            const double scale = std::sqrt(o.time);
            const ad::Var centre = reshape(in[0], {n, 1, o.dim}) + scale * slice(in[1], 1, 0, 1);
            const ad::Var around = centre + scale * slice(in[1], 1, 1, m + 1);
            const ad::Var others = reshape(energy(reshape(around, {n * m, o.dim})), {n, m});
            ad::Var log_ratios = reshape(energy(in[0]), {n, 1}) - others;
            if (o.stabilisation > 0) {
              const ad::Var w = ad::full(*in[0].tape, {n, 1}, std::log(o.stabilisation));
              log_ratios = ad::concat({log_ratios, w}, 1);
            }
            return ad::logsumexp(log_ratios, 1) - std::log(double(m));
          },
      .feed =
          [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
            data(t, in[0]);
            ad::BlockRng{o.key, t}.normal(in[1]);
          },
  };
}

}  // namespace eqp::train
