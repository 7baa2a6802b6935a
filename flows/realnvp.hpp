#pragma once

#include <string>
#include <vector>

#include "flows/affine_coupling.hpp"
#include "flows/flow.hpp"

namespace eqp::flows {

/// What a coupling has: a network for log-scales and one for shifts, as published, or one for both,
/// as in zuko, normflows and flowjax, which is faster.
enum class Networks { two, one };

struct RealNvpOptions {
  /// Pairs of couplings with complementary halves.
  std::size_t blocks = 4;
  /// Hidden widths of every network.
  std::vector<std::size_t> hidden = {16};
  CouplingForm form = CouplingForm::capped;
  /// One is of the plain form only: `<name>.<k>`, (d_copied + context, hidden..., 2 d_moved), the
  /// log-scales first.
  Networks networks = Networks::two;
  nn::Activation activation = ad::relu;
  /// Of the base N(0, variance I). A capped flow stretches a coordinate by at most e in either
  /// direction, so choose it near the largest variance of the data.
  double base_variance = 1;
  /// Columns of a context that every coupling depends on (the plain form only).
  std::size_t context_dim = 0;
};

/// RealNVP (Dinh et al. 2017): `blocks` pairs of affine couplings on N(0, base_variance I). It
/// begins as the identity up to 1e-6.
///
/// Layers are named `<name>.0`, `<name>.1`, ...; layer 0 moves the first half. The capped form uses
/// c = 2 / (number of couplings), so that the log-scales of one coordinate sum to at most 1; for
/// dim 2, 4 blocks and hidden {16} it has 1312 parameters. The plain form uses c = 2 throughout.
/// Throws std::invalid_argument for dim < 2, no blocks, a base_variance that is not positive, or
/// one network in the capped form.
Flow realnvp(ad::Params& params, const std::string& name, std::size_t dim,
             const RealNvpOptions& options, ad::Key key);

}  // namespace eqp::flows
