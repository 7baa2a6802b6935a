#pragma once

#include <optional>

#include "experiments/common/problems.hpp"

// What Grenioux, Moulines & Gabrie (2023, arXiv 2306.00684) did and found, in appendix C and tables
// 1 to 3. Its ULA-EBM is pcd here, its flowMC-EBM adaptive_flow.
namespace eqp {

/// The methods the paper compares.
const std::vector<std::string>& published_methods();

/// Its data sets in the plane: those of figure 1, table 3 and table 1.
const std::vector<std::string>& published_planes();

/// Batch, number of points and epochs.
void use_published_sizes(Problem& problem);

/// The network, what its output is measured in, and the base of the flow.
EbmOptions published_model(const Problem& problem, const std::string& method);

/// A published method's sampler, bank and learning rates, which are constant. Of adaptive_flow's
/// 128 moves per update in C.3, which are no whole number of its cycles of 25, 125 are made.
MethodSettings published_settings(const Problem& problem, const std::string& method,
                                  MethodSettings settings);

/// A number of the paper by the name it has in a row of results; none: it has no such number.
std::optional<double> published_number(const std::string& dataset, const std::string& method,
                                       const std::string& quantity);

}  // namespace eqp
