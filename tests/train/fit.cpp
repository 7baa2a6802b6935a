#include <boost/test/unit_test.hpp>

#include "tests/message.hpp"
#include "tests/train/support.hpp"

using namespace eqp;
using namespace eqp::train;

namespace {

// theta^2 / 2 - theta t: the gradient at step t is theta - t. Rows tell the step.
struct Model {
  ad::Params params;
  ad::Param theta = scalar(params, "theta", 1);
  std::vector<std::string> calls;
  Objective objective{.name = "model",
                      .batch = 5,
                      .row_shapes = {{1}},
                      .loss =
                          [this](std::span<const ad::Var> in) {
                            const ad::Var p = theta.on(*in[0].tape);
                            return sum(0.5 * square(p) - p * in[0], 1);
                          },
                      .feed =
                          [this](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
                            BOOST_TEST((in.size() == 1 && in[0].shape == ad::Shape{5, 1}));
                            std::ranges::fill(in[0].flat(), Real(t));
                            calls.push_back("feed " + std::to_string(t));
                          },
                      .after = {}};

  double value() const { return params.values()[0]; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(fit_steps_down_the_gradient_with_the_scheduled_rate) {
  Model m;
  std::vector<double> losses, norms, path{1};
  const std::uint32_t done =
      fit(m.params, m.objective, sgd(),
          {.steps = 6, .learning_rate = [](std::uint32_t t) { return 0.5 / (1 + t); }},
          [&](std::uint32_t step, const StepLog& log) {
            BOOST_TEST(step == path.size());
            BOOST_TEST((std::isnan(log.acceptance) && std::isnan(log.flow_loss)));
            losses.push_back(log.loss);
            norms.push_back(log.gradient_norm);
            path.push_back(m.value());
            return true;
          });
  BOOST_TEST(done == 6);
  double theta = 1;
  for (std::size_t t = 0; t < 6; ++t) {
    const double gradient = theta - double(t);
    BOOST_TEST(std::abs(losses[t] - theta * (theta / 2 - double(t))) < 1e-5);
    BOOST_TEST(std::abs(norms[t] - std::abs(gradient)) < 1e-5);
    theta -= 0.5 / double(1 + t) * gradient;
    BOOST_TEST(std::abs(path[t + 1] - theta) < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(fit_stops_where_on_step_says_so) {
  Model m;
  const auto stop_at_3 = [](std::uint32_t step, const StepLog&) { return step < 3; };
  BOOST_TEST(fit(m.params, m.objective, sgd(), {.steps = 10}, stop_at_3) == 3);
  BOOST_TEST(m.calls.size() == 3);
  BOOST_TEST(fit(m.params, m.objective, sgd(), {.steps = 0}) == 0);
}

BOOST_AUTO_TEST_CASE(after_sees_the_same_inputs_when_the_parameters_have_moved) {
  Model m;
  double before = m.value();
  m.objective.after = [&](std::uint32_t t, std::span<const ad::View> in, StepLog& log) {
    BOOST_TEST(m.calls.back() == "feed " + std::to_string(t));
    BOOST_TEST(in[0][4] == Real(t));
    BOOST_TEST(m.value() != before);
    before = m.value();
    log.flow_loss = 7;
  };
  fit(m.params, m.objective, sgd(), {.steps = 3}, [](std::uint32_t, const StepLog& log) {
    BOOST_TEST(log.flow_loss == 7);
    return true;
  });
}

BOOST_AUTO_TEST_CASE(the_average_replaces_the_parameters_at_the_end) {
  for (const std::uint32_t stop : {6, 4}) {  // also when stopped early
    Model m;
    double average = 1;
    fit(m.params, m.objective, sgd(), {.steps = 6, .learning_rate = constant(0.3), .ema = 0.75},
        [&](std::uint32_t step, const StepLog&) {
          average = 0.75 * average + 0.25 * m.value();
          return step < stop;
        });
    BOOST_TEST(std::abs(m.value() - average) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(the_average_warms_up_as_told) {
  Model m;
  double average = 1;
  fit(m.params, m.objective, sgd(),
      {.steps = 3, .learning_rate = constant(0.3), .ema = 0.75, .ema_warmup = true},
      [&](std::uint32_t step, const StepLog&) {
        const double keep = double(1 + step) / double(10 + step);
        average = keep * average + (1 - keep) * m.value();
        return true;
      });
  BOOST_TEST(std::abs(m.value() - average) < 1e-6);
}

BOOST_AUTO_TEST_CASE(fit_clips_and_cuts_as_told) {
  for (const FitOptions& clip : {FitOptions{.clip_norm = 0.25}, FitOptions{.clip_value = 0.25}}) {
    Model m;
    FitOptions options = clip;
    options.steps = 1;
    options.learning_rate = constant(1);
    options.block = 2;
    fit(m.params, m.objective, sgd(), options);
    BOOST_TEST(m.value() == 0.75);
  }
}

BOOST_AUTO_TEST_CASE(errors_name_the_step_wherever_they_arise) {
  const auto message = [](Model& m) {
    return eqp::test::message<std::runtime_error>(
        [&] { fit(m.params, m.objective, sgd(), {.steps = 5}); });
  };
  Model loss;
  loss.objective.feed = [](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
    in[0][3] = t == 2 ? std::numeric_limits<Real>::infinity() : Real(1);
  };
  BOOST_TEST(message(loss).starts_with("step 2: model"));
  BOOST_TEST(std::isfinite(loss.value()));

  const auto fail = [](std::uint32_t t, std::span<const ad::View>, StepLog&) {
    if (t == 3) throw std::runtime_error("flow: overflow");
  };
  Model feed, after;
  feed.objective.feed = fail;
  BOOST_TEST(message(feed) == "step 3: flow: overflow");
  after.objective.after = fail;
  BOOST_TEST(message(after) == "step 3: flow: overflow");
}

BOOST_AUTO_TEST_CASE(fit_refuses_batches_of_no_rows) {
  Model m;
  m.objective.batch = 0;
  BOOST_CHECK_EXCEPTION(fit(m.params, m.objective, sgd(), {}), std::invalid_argument,
                        [](const auto& e) { return std::string(e.what()).starts_with("model"); });
}
