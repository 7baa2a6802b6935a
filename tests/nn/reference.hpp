#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <string>

#include "autodiff/npy.hpp"
#include "autodiff/program.hpp"
#include "autodiff/safetensors.hpp"

// What tests/nn/reference/make_weights.py has stored: weights, inputs and outputs of networks of
// PyTorch.
namespace eqp::nn::test {

inline std::filesystem::path stored(const std::string& file) {
  return std::filesystem::path(EQP_SOURCE_DIR) / "tests/nn/reference" / file;
}

inline ad::Tensor stored_array(const std::string& name) {
  return ad::read_npy(stored(name + ".npy"));
}

/// A network's weights, under the names PyTorch gave them.
inline void load_stored(const std::string& name, ad::Params& params,
                        const ad::Rename& rename = {}) {
  ad::load_safetensors(stored(name + ".safetensors"), params, rename);
}

/// Checks f of the stored inputs against the stored output. The weights are the same bits in either
/// precision and PyTorch's outputs are in double, so that only roundings differ: in f32 the graph
/// networks of PyTorch itself are up to 2e-5 from theirs in double.
inline void check_stored(const std::string& name, const std::vector<std::string>& inputs,
                         const ad::Function& f) {
  std::vector<ad::Tensor> in;
  for (const std::string& input : inputs) in.push_back(stored_array(name + "." + input));
  const ad::Tensor y = ad::evaluate(f, in)[0], expected = stored_array(name + ".y");
  const double tolerance = sizeof(Real) == 8 ? 1e-10 : 5e-5;
  BOOST_REQUIRE_EQUAL(str(y.shape()), str(expected.shape()));
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double error = std::abs(double(y[i]) - expected[i]);
    BOOST_TEST(error < tolerance * std::max(1.0, std::abs(double(expected[i]))),
               name << " element " << i << ": " << y[i] << ", expected " << expected[i]);
  }
}

}  // namespace eqp::nn::test
