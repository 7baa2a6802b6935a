#include "nn/egnn.hpp"
#include "nn/mlp.hpp"
#include "nn/spectral_norm.hpp"
#include "nn/time_mlp.hpp"
#include "tests/nn/reference.hpp"

// The names are those of docs/weights.md.
using namespace eqp;
using namespace eqp::nn::test;

namespace {

std::string without_net(const std::string& name) { return name.substr(4); }

}  // namespace

BOOST_AUTO_TEST_SUITE(pytorch_weights)

BOOST_AUTO_TEST_CASE(a_sequential_of_linear_layers_is_an_mlp) {
  ad::Params params;
  const nn::Mlp net(params, "net", {3, 16, 16, 2}, ad::silu, {1, 0});
  load_stored("mlp", params, without_net);
  check_stored("mlp", {"x"}, [&](auto in) { return ad::Vars{net(in[0])}; });
}

BOOST_AUTO_TEST_CASE(a_perceptron_with_time_skips_keeps_its_names) {
  ad::Params params;
  const nn::TimeMlp net(params, "net", {.inputs = 3, .width = 16, .outputs = 2}, {1, 0});
  load_stored("time_mlp", params, without_net);
  check_stored("time_mlp", {"t", "x"}, [&](auto in) { return ad::Vars{net(in[0], in[1])}; });
}

BOOST_AUTO_TEST_CASE(the_equivariant_graph_network_keeps_its_names) {
  for (const auto& [name, geometry] : {std::pair("egnn_torus", nn::PairGeometry::nearest_image),
                                       std::pair("egnn_space", nn::PairGeometry::euclidean)}) {
    ad::Params params;
    const nn::Egnn net(
        params, "egnn",
        {.species = {0, 0, 1, 1, 1}, .geometry = geometry, .box = 2.5, .width = 16, .layers = 3},
        {1, 0});
    load_stored(name, params);
    check_stored(name, {"t", "x"}, [&](auto in) { return ad::Vars{net(in[0], in[1])}; });
  }
}

BOOST_AUTO_TEST_CASE(spectrally_normalised_layers_keep_their_original_weights) {
  ad::Params params;
  const nn::Mlp net(params, "net", {3, 16, 2}, ad::tanh, {1, 0},
                    {.map = nn::spectral_normalisation(300)});
  load_stored("spectral", params, [](const std::string& name) {
    const std::string layer = name.substr(4, 1);
    return layer + (name.ends_with(".bias") ? ".bias" : ".parametrizations.weight.original");
  });
  check_stored("spectral", {"x"}, [&](auto in) { return ad::Vars{net(in[0])}; });
}

BOOST_AUTO_TEST_SUITE_END()
