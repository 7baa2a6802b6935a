#include "autodiff/profile.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

// exp(x) w in a layer, where w is 3 by 5; the transpose of w runs once per update.
struct Layer {
  Params params;
  Param w = params.add("layer.w", {5, 3}, [](std::span<Real> v) { std::ranges::fill(v, Real(1)); });

  Program program() const {
    return compile({{4, 3}}, [this](Args in) {
      const Scope scope(*in[0].tape, "layer");
      return Vars{matmul(exp(in[0]), transpose(w.on(*in[0].tape)))};
    });
  }
};

double total(const std::map<std::string, Profile::Entry>& entries) {
  double seconds = 0;
  for (const auto& [name, entry] : entries) seconds += entry.seconds;
  return seconds;
}

std::vector<std::string> lines(const Profile& profile) {
  std::stringstream text;
  profile.print(text);
  std::vector<std::string> all;
  for (std::string line; std::getline(text, line);) all.push_back(line);
  return all;
}

// n ops in n layers, layer 7 on a thousand times as many elements.
Program deep(std::size_t n) {
  return compile({{30}, {30000}}, [n](Args in) {
    Var x = in[0], wide = in[1];
    for (std::size_t i = 0; i < n; ++i) {
      const Scope scope(*x.tape, "layer." + std::to_string(i));
      Var& y = i == 7 ? wide : x;
      y = sin(y);
    }
    return n > 7 ? Vars{x, wide} : Vars{x};
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(profile)

BOOST_AUTO_TEST_CASE(calls_and_flops_of_gone_and_live_workspaces_add_up) {
  Layer layer;
  const Profile profile;
  const Program program = layer.program();
  Workspace live = program.workspace();
  for (int i = 0; i < 7; ++i) live.run();
  {
    Workspace gone = program.workspace();
    for (int i = 0; i < 5; ++i) gone.run();
  }
  const Profile::Summary s = profile.summary();
  BOOST_TEST(s.ops.at("exp").calls == 12);
  BOOST_TEST(s.ops.at("exp").flops == 0);
  BOOST_TEST(s.ops.at("matmul").calls == 12);
  BOOST_TEST(s.ops.at("matmul").flops == 12 * 2.0 * 4 * 3 * 5);
  BOOST_TEST(s.layers.at("layer").calls == 24);  // two ops
  BOOST_TEST(s.layers.at("layer").flops == s.ops.at("matmul").flops);
  BOOST_TEST(s.layers.at("(once per update)").calls == 0);  // the workspaces began with it
  BOOST_TEST(s.seconds > 0);
  BOOST_TEST(s.seconds < s.elapsed);  // one thread
  BOOST_TEST(std::abs(total(s.ops) - s.seconds) < 1e-12);
  BOOST_TEST(std::abs(total(s.layers) - s.seconds) < 1e-12);
  layer.params.mutate();
  for (int i = 0; i < 3; ++i) live.run();
  BOOST_TEST(profile.summary().ops.at("exp").calls == 15);
  BOOST_TEST(profile.summary().ops.at("(once per update)").calls == 1);
}

BOOST_AUTO_TEST_CASE(workspaces_made_before_a_profile_are_not_in_it) {
  const Program program = deep(1);
  Workspace before = program.workspace();
  const Profile profile;
  before.run();
  BOOST_TEST(profile.summary().ops.empty());
  BOOST_TEST(lines(profile).back().starts_with("layer"));
}

BOOST_AUTO_TEST_CASE(a_workspace_may_outlive_its_parameters) {
  const Profile profile;
  {
    Workspace ws;
    const Layer layer;
    ws = layer.program().workspace();
    ws.run();
  }
  BOOST_TEST(profile.summary().ops.at("matmul").flops == 2.0 * 4 * 3 * 5);
}

BOOST_AUTO_TEST_CASE(there_is_one_profile_at_a_time) {
  {
    const Profile first;
    BOOST_CHECK_THROW(Profile(), std::logic_error);
    BOOST_CHECK_THROW(Profile(), std::logic_error);  // the failure did not end the first
  }
  const Profile next;
}

BOOST_AUTO_TEST_CASE(tables_have_the_longest_first_and_an_end) {
  const Program program = deep(40);
  const Profile profile;
  Workspace ws = program.workspace();
  for (int i = 0; i < 100; ++i) ws.run();
  const std::vector<std::string> text = lines(profile);
  BOOST_REQUIRE(text.size() == 2 + 2 + 1 + 1 + 26);
  BOOST_TEST(text[2].starts_with("op "));
  BOOST_TEST(text[3].starts_with("sin"));
  BOOST_TEST(text[3].find("100.0%") != std::string::npos);
  BOOST_TEST(text[3].find("4000") != std::string::npos);
  BOOST_TEST(text[5].starts_with("layer "));
  BOOST_TEST(text.back().starts_with("15 more "));
  BOOST_TEST(text.back().find("1500") != std::string::npos);
  BOOST_TEST(text[6].starts_with("layer.7 "));
  double last = 1e9;
  for (std::size_t i = 6; i < 31; ++i) {
    const double seconds = std::stod(text[i].substr(text[i].find(' ')));
    BOOST_TEST(seconds <= last);
    last = seconds;
  }
}

BOOST_AUTO_TEST_CASE(derivatives_are_told_from_the_layers_they_are_of) {
  const Profile profile;
  const Program program = compile({{2}}, [](Args in) {
    const Var y = [&] {
      const Scope scope(*in[0].tape, "net.0");
      return exp(sin(in[0]));
    }();
    return Vars{y, grad(y, in[0])};
  });
  Workspace ws = program.workspace();
  ws.run();
  const auto layers = profile.summary().layers;
  BOOST_TEST(layers.size() == 2);
  BOOST_TEST(layers.contains("net.0"));
  BOOST_TEST(layers.contains("gradient of net.0"));
}

BOOST_AUTO_TEST_SUITE_END()
