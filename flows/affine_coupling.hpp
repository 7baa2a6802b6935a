#pragma once

#include "flows/coupling.hpp"
#include "nn/mlp.hpp"

// Affine coupling: the moved half is scaled and shifted (Dinh et al. 2017, eqs. 7-8).
namespace eqp::flows {

enum class CouplingForm {
  /// s = c tanh(net_s), t = c net_t, y = (x + t) exp(s): log_det of a coupling within +-c per
  /// moved coordinate (flowMC-EBM's RealNVP).
  ///
  /// The networks are (d, hidden..., d) as published, where they read the masked vector and their
  /// output is masked. Here only the columns that the masks leave are computed: the same map and
  /// the same parameters, and the weights at masked places, which no value depends on, get
  /// gradient exactly 0. It takes no context.
  capped,
  /// s = c tanh(net_s / c), t = net_t, y = x exp(s) + t: Dinh's map, log-scale kept within +-c for
  /// stability. The networks are (d_copied + context, hidden..., d_moved).
  plain,
};

struct CouplingOptions {
  std::vector<std::size_t> hidden = {16};
  CouplingForm form = CouplingForm::capped;
  /// c of the form.
  double cap = 2;
  nn::Activation activation = ad::relu;
  std::size_t context_dim = 0;
};

/// One affine coupling with networks `<name>.s` and `<name>.t`.
///
/// It begins as the identity: the plain form exactly, by a last layer of zeros; the capped form up
/// to 1e-6, with weights N(0, 1e-12 / fan in) and biases 0, as published.
class AffineCoupling : public Coupling {
 public:
  /// Throws std::invalid_argument when dim < 2, the cap is not finite and positive, or the capped
  /// form is to take a context.
  AffineCoupling(ad::Params& params, const std::string& name, std::size_t dim, Half moved,
                 const CouplingOptions& options, ad::Key key);

  MappedHalves forward(const Halves& z, ad::Var context) const override;
  MappedHalves inverse(const Halves& x, ad::Var context) const override;

 private:
  struct ScaleShift {
    ad::Var log_scale, shift;
  };
  // `sign` times the log-scale, and the shift.
  ScaleShift scale_shift(ad::Var condition, double sign) const;

  CouplingForm form_;
  double cap_;
  nn::Mlp s_, t_;
};

}  // namespace eqp::flows
