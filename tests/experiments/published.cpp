#include "experiments/common/published.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace eqp;

BOOST_AUTO_TEST_SUITE(published)

BOOST_AUTO_TEST_CASE(every_number_of_the_paper_belongs_to_a_problem_a_method_and_a_quantity) {
  std::size_t found = 0;
  for (const std::string& name : problem_names()) {
    for (const std::string& method : published_methods()) {
      for (const char* quantity : {"late_mean", "log_density_error", "max_rhat", "start_mse",
                                   "negatives_mse", "model_mse"}) {
        found += published_number(name, method, quantity).has_value();
      }
    }
  }
  BOOST_TEST(found == 2u + 8u + 12u + 12u);
  BOOST_TEST(published_number("rings", "adaptive_flow", "log_density_error").value() == 0.40);
  BOOST_TEST(published_number("corners_64", "pcd", "max_rhat").value() == 90.90);
  BOOST_TEST(!published_number("two_moons", "pcd", "late_mean"));
}

// From the tables of appendix C.
BOOST_AUTO_TEST_CASE(settings_are_those_of_the_appendix) {
  struct Case {
    const char* data;
    std::uint32_t updates, langevin, latent, states;
    std::size_t batch, bank, particles;
    double flow_rate, langevin_step, start_within;
    std::uint32_t pretraining, coop_steps;
    double coop_step;
    train::Negatives negatives;
  };
  using enum train::Negatives;
  const double nijkamp = 0.125 * 0.125 / 2;
  for (const Case& c :
       {Case{"two_modes", 19200, 10, 10, 10, 64, 1024, 32, 1e-2, 0.01, 0, 1024, 10, 0.01, last},
        Case{"four_modes", 23438, 512, 128, 125, 256, 8192, 64, 1e-3, nijkamp, 4, 1024, 256, 5e-4,
             all},
        Case{"rings", 23438, 512, 128, 128, 256, 8192, 64, 1e-3, nijkamp, 4.8, 1024, 256, 5e-4,
             subsample},
        Case{"corners_32", 58594, 512, 128, 144, 128, 8192, 128, 1e-3, 1e-3, 0, 512, 256, 1e-4,
             all}}) {
    BOOST_TEST_CONTEXT(c.data) {
      const Problem p = make_problem(c.data, Protocol::published);
      const EbmOptions of_pcd = p.tuned_model("pcd"), of_latent = p.tuned_model("nt_ebm");
      BOOST_TEST(of_pcd.activation == "leaky_relu");
      BOOST_TEST((of_pcd.hidden == std::vector<std::size_t>{32, 64, 64, 64}));
      BOOST_TEST(of_pcd.temperature == 0.0078125);
      BOOST_TEST(of_pcd.base_variance == p.truth.base_variance);
      BOOST_TEST(of_latent.temperature == 1);
      BOOST_TEST(of_latent.base_variance == (p.planar() ? 1 : p.truth.base_variance));
      const MethodSettings pcd = p.tuned("pcd"), latent = p.tuned("nt_ebm"),
                           flow = p.tuned("adaptive_flow");
      BOOST_TEST(pcd.steps == c.updates);
      BOOST_TEST(pcd.langevin_steps == c.langevin);
      BOOST_TEST(latent.latent_steps == c.latent);
      BOOST_TEST(flow.cycles * (flow.global_steps + flow.local_steps) == c.states);
      BOOST_TEST(flow.batch == c.batch);
      BOOST_TEST(flow.bank == c.bank);
      BOOST_TEST(flow.particles == c.particles);
      BOOST_TEST(flow.learning_rate == c.flow_rate);
      BOOST_TEST(flow.final_flow_learning_rate == c.flow_rate);
      BOOST_TEST(pcd.learning_rate == 1e-2);
      BOOST_TEST(latent.final_learning_rate == 1e-2);
      BOOST_TEST(pcd.langevin_step == c.langevin_step);
      BOOST_TEST(pcd.start_within == c.start_within);
      BOOST_TEST(latent.pretraining == c.pretraining);
      BOOST_TEST((flow.negatives == c.negatives));
      if (c.negatives == train::Negatives::subsample) BOOST_TEST(flow.per_chain == 4u);
      const MethodSettings coop = p.tuned("coop_flow");
      BOOST_TEST(coop.langevin_steps == c.coop_steps);
      BOOST_TEST(coop.langevin_step == c.coop_step);
      BOOST_TEST(coop.learning_rate == c.flow_rate);
      BOOST_TEST(coop.pretraining == c.pretraining);
      BOOST_TEST(coop.frozen == 0.05);
      BOOST_TEST((pcd.sgd && latent.sgd && !flow.sgd && !coop.sgd));
    }
  }
}

// nt_ebm, cd, dsm, nce and adaptive_flow have no untilted form to be judged in.
BOOST_AUTO_TEST_CASE(untilted_are_the_methods_that_can_be) {
  for (const Protocol source : {Protocol::ours, Protocol::published}) {
    Problem p = make_problem("four_modes", source);
    for (const std::string& method : method_names()) BOOST_TEST(p.tuned(method).tilted, method);
    p.settings.tilted = false;
    for (const std::string& method : method_names())
      BOOST_TEST(p.tuned(method).tilted == (method != "pcd" && method != "coop_flow"), method);
  }
}

BOOST_AUTO_TEST_CASE(the_main_job_trains_the_two_modes_by_the_published_pcd) {
  const Problem p = make_problem("two_modes", Protocol::ours);
  const MethodSettings pcd = p.tuned("pcd");
  BOOST_TEST(pcd.sgd);
  BOOST_TEST(pcd.regulariser == 0);
  BOOST_TEST(pcd.final_learning_rate == 1e-2);
  BOOST_TEST(p.tuned_model("pcd").temperature == 0.0078125);
  BOOST_TEST(p.tuned_model("pcd").activation == p.tuned_model("cd").activation);
  BOOST_TEST(p.tuned_model("cd").temperature == 1);
  BOOST_TEST(!make_problem("eight_gaussians", Protocol::ours).tuned("pcd").sgd);
}

BOOST_AUTO_TEST_CASE(a_share_of_the_first_rates_replaces_the_last_ones) {
  for (const Protocol source : {Protocol::ours, Protocol::published}) {
    Problem p = make_problem("two_modes", source);
    p.final_rate = 0.02;
    for (const char* method : {"cd", "pcd", "adaptive_flow"}) {
      const MethodSettings s = p.tuned(method);
      BOOST_TEST(s.final_learning_rate == 0.02 * s.learning_rate);
      BOOST_TEST(s.final_flow_learning_rate == 0.02 * s.flow_learning_rate);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
