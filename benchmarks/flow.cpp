#include "flows/realnvp.hpp"

#include "benchmarks/arrays.hpp"
#include "benchmarks/evaluation.hpp"
#include "benchmarks/training.hpp"
#include "train/flow_ml.hpp"

// W6: densities, draws and maximum likelihood of a RealNVP.
namespace eqp::bench {
namespace {

struct Nvp {
  explicit Nvp(std::size_t d)
      : flow(flows::realnvp(params, "flow", d,
                            {.blocks = 4, .hidden = {128, 128}, .form = flows::CouplingForm::plain},
                            kWeights)) {
    // It begins as the identity, of which a check would see nothing.
    ad::Draws draws(kWeights);
    for (Real& v : params.mutate()) v = Real(0.05 * draws.normal());
  }

  ad::Params params;
  flows::Flow flow;
};

}  // namespace

std::unique_ptr<Workload> flow_log_prob(const Case& c) {
  const auto model = std::make_shared<Nvp>(c.d);
  const auto log_prob = [=](std::span<const ad::Var> in) -> ad::Vars {
    return {model->flow.log_prob(in[0])};
  };
  return std::make_unique<Evaluation>(
      c, Question{.f = log_prob,
                  .in = {{"in.x", ad::normal({c.rows, c.d}, kData)}},
                  .out = {"out.log_prob"},
                  .write = [=](ad::Params& file) { put_all(file, model->params); }});
}

std::unique_ptr<Workload> flow_sample(const Case& c) {
  const auto model = std::make_shared<Nvp>(c.d);
  const auto sample = [=](std::span<const ad::Var> in) -> ad::Vars {
    const auto [x, log_prob] = model->flow.sample(in[0]);
    return {x, log_prob};
  };
  return std::make_unique<Evaluation>(
      c,
      Question{.f = sample,
               .in = {{"noise.0", ad::normal({c.rows, c.d}, kNoise)}},
               .out = {"out.x", "out.log_prob"},
               .write = [=](ad::Params& file) { put_all(file, model->params); }},
      Evaluation::Inputs::fresh_normals);
}

std::unique_ptr<Workload> flow_fit(const Case& c) {
  const auto model = std::make_shared<Nvp>(c.d);
  const train::DataSource data = same_batch(ad::normal({c.rows, c.d}, kData));
  const auto objective = [=] { return train::flow_ml(model->flow, data, c.rows); };
  return std::make_unique<Training>(c, Method{{model, &model->params}, objective});
}

}  // namespace eqp::bench
