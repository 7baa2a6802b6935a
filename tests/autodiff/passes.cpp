#include <array>
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/parallel.hpp"
#include "autodiff/plan.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

void fill_normal(std::span<Real> v) { BlockRng{{71}}.normal({v.data(), {1, v.size()}}); }

// A layer of a network in PyTorch's layout, and one output.
struct Net {
  Params params;
  Param w1 = params.add("w1", {5, 3}, fill_normal), b1 = params.add("b1", {5}, fill_normal);
  Param w2 = params.add("w2", {4, 5}, fill_normal), b2 = params.add("b2", {4}, fill_normal);

  Var operator()(Var x) const {
    Tape& t = *x.tape;
    const Var h = silu(affine(x, w1.on(t), b1.on(t), {.b = true}));
    return sum(silu(affine(h, w2.on(t), b2.on(t), {.b = true})), 1);
  }
};

std::map<std::string, int> count(const std::vector<Step>& steps) {
  std::map<std::string, int> n;
  for (const Step& step : steps) ++n[step.op->name];
  return n;
}
std::map<std::string, int> block_ops(const Program& p) { return count(p.plan().steps); }
std::map<std::string, int> hoisted_ops(const Program& p) { return count(p.plan().hoisted); }
using Ops = std::map<std::string, int>;

std::vector<Tensor> results(const Program& program) {
  Workspace ws = program.workspace();
  for (std::size_t i = 0; i < program.plan().inputs.size(); ++i) {
    BlockRng{{72}, std::uint32_t(i)}.normal(ws.in(i));
  }
  ws.run();
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < ws.n_outputs(); ++i) out.emplace_back(ws.out(i));
  return out;
}

void check_close(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  const double tolerance = sizeof(Real) == 4 ? 2e-5 : 1e-13;
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    double largest = 0, difference = 0;
    for (std::size_t k = 0; k < a[i].size(); ++k) {
      largest = std::max(largest, std::abs(double(a[i][k])));
      difference = std::max(difference, std::abs(double(a[i][k]) - double(b[i][k])));
    }
    BOOST_TEST(difference <= tolerance * (1 + largest), "output " << i << ": " << difference);
  }
}

// With only one pass on beside the layout, against none.
const Passes kNone{.merge = false,
                   .dead_code = false,
                   .simplify = false,
                   .share = false,
                   .fold = false,
                   .hoist = false,
                   .reuse = false};

}  // namespace

BOOST_AUTO_TEST_CASE(each_pass_off_and_all_off_agree_to_rounding) {
  const Net net;
  const auto f = [&](Args in) {
    const Var u = net(in[0]), g = grad(u, in[0]);
    const Var loss = 0.5 * sum(square(in[1] - g), 1) + 0.1 * u;
    return Vars{u, g, grad(loss, net.params)};
  };
  const std::vector<Shape> shapes{{7, 3}, {7, 3}};
  const auto all = results(compile(shapes, f));
  bool Passes::*const switches[] = {&Passes::merge, &Passes::dead_code, &Passes::simplify,
                                    &Passes::share, &Passes::fold,      &Passes::hoist,
                                    &Passes::reuse};
  for (const auto off : switches) {
    Passes passes, alone = kNone;
    passes.*off = false;
    alone.*off = true;
    check_close(all, results(compile(shapes, f, passes)));
    check_close(all, results(compile(shapes, f, alone)));
  }
  check_close(all, results(compile(shapes, f, kNone)));
}

BOOST_AUTO_TEST_CASE(equal_expressions_are_computed_once) {
  const auto f = [](Args in) { return Vars{exp(in[0]) * sin(in[0]) + exp(in[0])}; };
  const Passes apart{.merge = false};
  BOOST_TEST(block_ops(compile({{4}}, f)).at("exp") == 1);
  BOOST_TEST(block_ops(compile({{4}}, f, apart)).at("exp") == 2);
}

BOOST_AUTO_TEST_CASE(what_no_output_needs_is_dropped) {
  const auto f = [](Args in) {
    static_cast<void>(cos(in[0]));
    return Vars{sin(in[0])};
  };
  BOOST_TEST((block_ops(compile({{4}}, f)) == Ops{{"sin", 1}}));
  BOOST_TEST((block_ops(compile({{4}}, f, {.dead_code = false})) == Ops{{"sin", 1}, {"cos", 1}}));
}

BOOST_AUTO_TEST_CASE(constants_are_computed_at_compile_time) {
  const auto f = [](Args in) {
    Tensor two({2});
    std::ranges::copy(std::array<Real, 2>{1, 2}, two.flat().begin());
    const Var c = exp(in[0].tape->constant(std::move(two)));
    return Vars{in[0] * slice(concat({c, c}, 0), 0, 1, 3)};
  };
  BOOST_TEST((block_ops(compile({{2}}, f)) == Ops{{"multiply", 1}}));
  BOOST_TEST(hoisted_ops(compile({{2}}, f)).empty());
  BOOST_TEST(hoisted_ops(compile({{2}}, f, {.fold = false})).contains("exp"));
  check_close(results(compile({{2}}, f)), results(compile({{2}}, f, kNone)));
}

BOOST_AUTO_TEST_CASE(algebra_finds_cheaper_forms) {
  Params params;
  const Param first = params.add("first", {4, 6}, fill_normal);
  const Param second = params.add("second", {4, 6}, fill_normal);
  const std::vector<Shape> shapes{{5, 6}, {5, 4}};
  const struct {
    const char* name;
    Var (*f)(Args in, Var w, Var v);
    Ops ops;
  } rows[] = {
      {"the transpose of a product",
       [](Args in, Var, Var) { return transpose(matmul(in[0], in[1], {.a = true})); },
       {{"matmul", 1}}},
      {"a weight in PyTorch's layout",
       [](Args in, Var w, Var) { return matmul(in[0], w, {.b = true}); },
       {{"matmul", 1}}},
      {"a product that adds to a sum",
       [](Args in, Var w, Var v) { return matmul(in[1], w) + matmul(exp(in[1]), v); },
       {{"exp", 1}, {"matmul", 1}, {"add_product", 1}}},
      {"a sum of equals", [](Args in, Var, Var) { return in[0] + in[0]; }, {{"scale", 1}}},
      {"scales in a row", [](Args in, Var, Var) { return -(3.0 * in[0]); }, {{"scale", 1}}},
      {"the sum of a broadcast",
       [](Args in, Var, Var) {
         return sum_to(broadcast_to(sum(in[0]), {5, 6}), {});
       },
       {{"sum_to", 1}, {"scale", 1}}},
      {"a product with ones from the left",
       [](Args in, Var, Var) {
         return matmul(full(*in[0].tape, {5, 3}, 2), in[0], {.a = true});
       },
       {{"sum_to", 1}, {"scale", 1}, {"broadcast_to", 1}}},
      {"a product with ones from the right",
       [](Args in, Var, Var) {
         return matmul(in[0], full(*in[0].tape, {6, 1}, 3));
       },
       {{"sum_to", 1}, {"scale", 1}}},
      {"a product of equal rows",
       [](Args in, Var w, Var) {
         return matmul(broadcast_to(sum_to(in[1], {1, 4}), {9, 4}), w);
       },
       {{"sum_to", 1}, {"matmul", 1}, {"broadcast_to", 1}}},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto f = [&](Args in) {
        return Vars{row.f(in, first.on(*in[0].tape), second.on(*in[0].tape))};
      };
      const Program program = compile(shapes, f);
      BOOST_TEST((block_ops(program) == row.ops), program.print());
      check_close(results(program), results(compile(shapes, f, kNone)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_column_of_the_height_of_a_row_is_not_taken_for_it) {
  const auto f = [](Args in) {
    return Vars{sum_to(broadcast_to(sum_to(in[0], {4, 1}), {4, 4}), {1, 4})};
  };
  check_close(results(compile({{4, 4}}, f)), results(compile({{4, 4}}, f, kNone)));
}

BOOST_AUTO_TEST_CASE(silu_and_its_derivatives_share_one_pass_and_the_bias) {
  const Net net;
  const auto f = [&](Args in) {
    const Var u = net(in[0]), g = grad(u, in[0]);
    return Vars{grad(sum(square(g)), net.params)};
  };
  const Program program = compile({{6, 3}}, f);
  const Ops ops = block_ops(program);
  BOOST_TEST(!ops.contains("silu"));
  BOOST_TEST(!ops.contains("affine"));
  BOOST_TEST(ops.at("silu_orders") == 2);
  check_close(results(program), results(compile({{6, 3}}, f, kNone)));
}

BOOST_AUTO_TEST_CASE(a_layer_whose_value_is_wanted_itself_keeps_its_bias) {
  const Net net;
  const auto f = [&](Args in) {
    Tape& t = *in[0].tape;
    const Var z = affine(in[0], net.w1.on(t), net.b1.on(t), {.b = true});
    return Vars{silu(z), grad(silu(z), in[0]), z};
  };
  check_close(results(compile({{6, 3}}, f)), results(compile({{6, 3}}, f, kNone)));
}

BOOST_AUTO_TEST_CASE(what_depends_on_parameters_only_runs_once_for_all_blocks) {
  Net net;
  const auto f = [&](Args in) { return Vars{net(in[0]), grad(net(in[0]), in[0])}; };
  const Program program = compile({{6, 3}}, f);
  BOOST_TEST(hoisted_ops(program).at("transpose") == 2);
  BOOST_TEST(!block_ops(program).contains("transpose"));
  BOOST_TEST(program.shared_bytes() > 0u);

  std::vector<Workspace> blocks;
  for (int b = 0; b < 16; ++b) blocks.push_back(program.workspace());
  for (int update = 0; update < 20; ++update) {
    for (Real& w : net.params.mutate()) w *= Real(0.95);
    with_threads(4, [&] {
      parallel_for(blocks.size(), [&](std::size_t b) {
        BlockRng{{73}}.normal(blocks[b].in(0));
        blocks[b].run();
      });
      return 0;
    });
    Workspace fresh = compile({{6, 3}}, f).workspace();
    BlockRng{{73}}.normal(fresh.in(0));
    fresh.run();
    for (const Workspace& block : blocks) {
      for (std::size_t i : {0, 1}) {
        BOOST_TEST(std::ranges::equal(block.out(i).flat(), fresh.out(i).flat()));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parameters_that_are_added_later_do_not_mislead_a_program) {
  Params params;
  const Param w = params.add("w", {2}, fill_normal);
  const auto f = [&](Args in) { return Vars{in[0] * exp(w.on(*in[0].tape)) + w.on(*in[0].tape)}; };
  Workspace ws = compile({{2}}, f).workspace();
  params.add("more", {100000}, fill_normal);
  std::ranges::fill(params.mutate(), Real(2));
  std::ranges::fill(ws.in(0).flat(), Real(0));
  ws.run();
  BOOST_TEST(ws.out(0)[0] == 2);
}

BOOST_AUTO_TEST_CASE(a_gradient_is_written_where_it_belongs) {
  const Net net;
  const auto f = [&](Args in) { return Vars{grad(net(in[0]), net.params)}; };
  const Ops ops = block_ops(compile({{6, 3}}, f));
  BOOST_TEST(!ops.contains("concat"));
  BOOST_TEST(!ops.contains("copy"));
  BOOST_TEST(!ops.contains("transpose"));
}

BOOST_AUTO_TEST_CASE(a_plan_prints_as_one_line_per_kernel) {
  Params params;
  const Param w = params.add("net.weight", {4, 3}, fill_normal);
  const auto f = [&](Args in) {
    const Scope net(*in[0].tape, "net");
    return Vars{sum(exp(matmul(in[0], w.on(*in[0].tape), {.b = true})))};
  };
  const std::size_t r = sizeof(Real);
  const auto bytes = [&](std::size_t n) { return std::to_string(n * r) + " B"; };
  const std::string text = compile({{2, 3}}, f).print();
  for (const std::string& part :
       {std::string("input    %0 (2, 3)"),
        "hoisted  %2 (3, 4) = transpose(net.weight)  " + bytes(12),
        "block    %3 (2, 4) = matmul(%0, %2)  " + bytes(8), std::string("exp(%3)"),
        std::string("sum_to(%4)"), std::string("  net\n"),
        std::string("1 kernels once per parameter update")}) {
    BOOST_TEST(text.find(part) != text.npos, part << " is not in\n" << text);
  }
}
