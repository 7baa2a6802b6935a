// copy IN OUT: reads the tensors "layer.0.weight" (3, 4), "layer.0.bias" (3), "scalar" () and one
// with an odd name (2, 1, 2), and writes them again. tests/safetensors/official.py runs it.
#include <iostream>

#include "autodiff/safetensors.hpp"

int main(int argc, char** argv) {
  using namespace eqp::ad;
  if (argc != 3) return 2;
  try {
    Params params;
    const auto nothing = [](std::span<eqp::Real>) {};
    params.add("layer.0.weight", {3, 4}, nothing);
    params.add("layer.0.bias", {3}, nothing);
    params.add("scalar", {}, nothing);
    params.add("\"odd\" näme", {2, 1, 2}, nothing);
    const Metadata metadata = load_safetensors(argv[1], params);
    save_safetensors(argv[2], params, metadata);
  } catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
