#include "autodiff/grad.hpp"
#include "benchmarks/evaluation.hpp"
#include "benchmarks/model.hpp"

// W9: second derivatives of the network's energy.
namespace eqp::bench {

std::unique_ptr<Workload> hvp(const Case& c) {
  const auto model = std::make_shared<Model>(c.d, c.width, kWeights);
  const auto f = [=](std::span<const ad::Var> in) -> ad::Vars {
    return {ad::hvp(model->energy(in[0]), in[0], in[1])};
  };
  return std::make_unique<Evaluation>(
      c, Question{.f = f,
                  .in = {{"in.x", ad::normal({c.rows, c.d}, kData)},
                         {"in.v", ad::normal({c.rows, c.d}, kNoise)}},
                  .out = {"out.hvp"},
                  .write = [=](ad::Params& file) { put_all(file, model->params); }});
}

std::unique_ptr<Workload> laplacian(const Case& c) {
  const auto model = std::make_shared<Model>(c.d, c.width, kWeights);
  const auto f = [=](std::span<const ad::Var> in) -> ad::Vars {
    return {ad::laplacian(model->energy(in[0]), in[0])};
  };
  return std::make_unique<Evaluation>(
      c, Question{.f = f,
                  .in = {{"in.x", ad::normal({c.rows, c.d}, kData)}},
                  .out = {"out.laplacian"},
                  .write = [=](ad::Params& file) { put_all(file, model->params); }});
}

}  // namespace eqp::bench
