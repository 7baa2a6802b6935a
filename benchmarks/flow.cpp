#include <map>

#include "benchmarks/flow_workload.hpp"
#include "flows/maf.hpp"
#include "flows/neural_spline.hpp"
#include "flows/realnvp.hpp"

// W6 and the flows of ./bench --flows: densities, draws and maximum likelihood.
namespace eqp::bench {
namespace {

using Model = std::shared_ptr<FlowModel>;

template <flows::Networks networks>
Model realnvp(std::size_t d) {
  return std::make_shared<FlowModel>(0.05, [=](ad::Params& params) {
    const flows::RealNvpOptions options{.blocks = 4,
                                        .hidden = {128, 128},
                                        .form = flows::CouplingForm::plain,
                                        .networks = networks};
    return flows::realnvp(params, "flow", d, options, kWeights);
  });
}

// The spline's parameters are to be far from 0, where it is the identity. With 0.2 and d = 64 its
// bins get so steep that normflows, in f32, finds no inverse.
Model neural_spline(std::size_t d) {
  return std::make_shared<FlowModel>(0.1, [=](ad::Params& params) {
    return flows::neural_spline(params, "flow", d, {.blocks = 2, .hidden = {64, 64}}, kWeights);
  });
}

Model maf(std::size_t d) {
  return std::make_shared<FlowModel>(0.05, [=](ad::Params& params) {
    return flows::maf(params, "flow", d, {.transforms = 5, .hidden = {64, 64}}, kWeights);
  });
}

}  // namespace

std::unique_ptr<Workload> flow(const Case& c) {
  static const std::map<std::string, Model (*)(std::size_t d)> models{
      {"W6", realnvp<flows::Networks::two>},
      {"F-realnvp", realnvp<flows::Networks::one>},
      {"F-nsf", neural_spline},
      {"F-maf", maf},
  };
  using Make = std::unique_ptr<Workload> (*)(const Case&, Model);
  static const std::map<std::string, Make> operations{
      {"logprob", flow_log_prob}, {"sample", flow_sample}, {"fit", flow_fit}};
  const std::size_t dash = c.workload.rfind('-');
  const Model model = models.at(c.workload.substr(0, dash))(c.d);
  return operations.at(c.workload.substr(dash + 1))(c, model);
}

}  // namespace eqp::bench
