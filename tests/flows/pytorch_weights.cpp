#include "flows/realnvp.hpp"
#include "tests/nn/reference.hpp"

// The names are those of docs/weights.md.
using namespace eqp;
using namespace eqp::nn::test;

BOOST_AUTO_TEST_CASE(a_realnvp_of_pytorch_loads_in_either_form) {
  for (const auto& [file, form] : {std::pair("realnvp_plain", flows::CouplingForm::plain),
                                   std::pair("realnvp_capped", flows::CouplingForm::capped)}) {
    ad::Params params;
    const flows::Flow flow =
        flows::realnvp(params, "flow", 5, {.blocks = 2, .hidden = {8}, .form = form}, {1, 0});
    load_stored(file, params,
                [](const std::string& name) { return "couplings." + name.substr(5); });
    check_stored(file, {"z"}, [&](auto in) {
      const flows::Mapped x = flow.forward(in[0]);
      return ad::Vars{concat(ad::Vars{x.y, reshape(x.log_det, {x.log_det.shape()[0], 1})}, 1)};
    });
  }
}
