#pragma once

#include <string>
#include <vector>

#include "autodiff/params.hpp"
#include "flows/flow.hpp"
#include "nn/mlp.hpp"

// Affine coupling: one half of the coordinates is scaled and shifted by functions of the other
// half, which is copied (Dinh et al. 2017, "Density estimation using Real NVP", eqs. 7-8).
namespace eqp::flows {

/// The coordinates that a coupling moves: the first d/2 (rounded down) or the others.
enum class Half { first, second };

/// A batch (n, d) as its two halves: (n, d/2) and (n, d - d/2).
struct Halves {
  ad::Var first, second;
};

/// The result of a coupling on the halves of a batch, and its log_det (n).
struct MappedHalves {
  Halves y;
  ad::Var log_det;
};

enum class CouplingForm {
  /// s = c tanh(net_s), t = c net_t, y = (x + t) exp(s): log_det of a coupling within +-c per
  /// moved coordinate (flowMC-EBM's RealNVP).
  ///
  /// The networks are (d, hidden..., d) as published, where they read the masked vector and their
  /// output is masked. Here only the columns that the masks leave are computed: the same map and
  /// the same parameters, and the weights at masked places, which no value depends on, get
  /// gradient exactly 0.
  capped,
  /// s = c tanh(net_s / c), t = net_t, y = x exp(s) + t: Dinh's map, log-scale kept within +-c for
  /// stability. The networks are (d_copied, hidden..., d_moved).
  plain,
};

struct CouplingOptions {
  std::vector<std::size_t> hidden = {16};
  CouplingForm form = CouplingForm::capped;
  /// c of the form.
  double cap = 2;
  nn::Activation activation = ad::relu;
};

/// One affine coupling with networks `<name>.s` and `<name>.t`. As a Bijection it is a
/// CouplingChain, which splits and joins for it.
///
/// It begins as the identity: the plain form exactly, by a last layer of zeros; the capped form up
/// to 1e-6, with weights N(0, 1e-12 / fan in) and biases 0, as published.
class AffineCoupling {
 public:
  /// Throws std::invalid_argument when dim < 2 or the cap is not finite and positive.
  AffineCoupling(ad::Params& params, const std::string& name, std::size_t dim, Half moved,
                 const CouplingOptions& options, ad::Key key);

  std::size_t dim() const { return dim_; }
  MappedHalves forward(const Halves& z) const;
  MappedHalves inverse(const Halves& x) const;

 private:
  struct ScaleShift {
    ad::Var log_scale, shift;
  };
  // `sign` times the log-scale, and the shift, from the copied half (n, copied).
  ScaleShift scale_shift(ad::Var copied, double sign) const;
  ad::Var copied(const Halves& x) const { return moved_ == Half::first ? x.second : x.first; }
  ad::Var moved(const Halves& x) const { return moved_ == Half::first ? x.first : x.second; }
  Halves with_moved(Halves x, ad::Var moved) const;

  std::string name_;
  std::size_t dim_;
  Half moved_;
  CouplingForm form_;
  double cap_;
  nn::Mlp s_, t_;
};

}  // namespace eqp::flows
