#include "benchmarks/flow_workload.hpp"

#include "benchmarks/arrays.hpp"
#include "benchmarks/evaluation.hpp"
#include "benchmarks/training.hpp"
#include "train/flow_ml.hpp"

namespace eqp::bench {

FlowModel::FlowModel(double sd, const std::function<flows::Flow(ad::Params&)>& make)
    : flow(make(params)) {
  ad::Draws draws(kWeights);
  for (Real& v : params.mutate()) v = Real(sd * draws.normal());
}

std::unique_ptr<Workload> flow_log_prob(const Case& c, std::shared_ptr<FlowModel> model) {
  const auto log_prob = [=](std::span<const ad::Var> in) -> ad::Vars {
    return {model->flow.log_prob(in[0])};
  };
  return std::make_unique<Evaluation>(
      c, Question{.f = log_prob,
                  .in = {{"in.x", ad::normal({c.rows, c.d}, kData)}},
                  .out = {"out.log_prob"},
                  .write = [=](ad::Params& file) { put_all(file, model->params); }});
}

std::unique_ptr<Workload> flow_sample(const Case& c, std::shared_ptr<FlowModel> model) {
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

std::unique_ptr<Workload> flow_fit(const Case& c, std::shared_ptr<FlowModel> model) {
  const train::DataSource data = same_batch(ad::normal({c.rows, c.d}, kData));
  const auto objective = [=] { return train::flow_ml(model->flow, data, c.rows); };
  return std::make_unique<Training>(c, Method{{model, &model->params}, objective});
}

}  // namespace eqp::bench
