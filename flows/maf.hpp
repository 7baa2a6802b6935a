#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flows/autoregressive.hpp"
#include "flows/flow.hpp"

namespace eqp::flows {

struct MafOptions {
  std::size_t transforms = 5;
  std::vector<std::size_t> hidden = {64, 64};
  /// What moves a coordinate: affine_map() makes it MAF or IAF, rational_quadratic() the
  /// autoregressive neural spline flow.
  std::shared_ptr<const Monotone> family = affine_map();
  /// The direction that is fast; forward makes it an inverse autoregressive flow.
  OnePass one_pass = OnePass::inverse;
  nn::Activation activation = ad::relu;
  /// Of the base N(0, base_variance I).
  double base_variance = 1;
  /// Columns of a context that every network sees.
  std::size_t context_dim = 0;
};

/// Masked autoregressive flow (Papamakarios et al. 2017): transforms `<name>.<i>` with the order of
/// the coordinates reversed between them. It begins as such a reversal or as the identity. Throws
/// std::invalid_argument for dim 0 or no transforms.
Flow maf(ad::Params& params, const std::string& name, std::size_t dim, const MafOptions& options,
         ad::Key key);

}  // namespace eqp::flows
