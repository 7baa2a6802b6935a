#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdlib>
#include <functional>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

// Every way to the heap counts, since aligned arrays bypass operator new. The address sanitizer
// owns malloc; there, its own hook counts.
namespace {
std::atomic<std::size_t> allocations = 0;
}

#ifdef __SANITIZE_ADDRESS__
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*));
namespace {
[[maybe_unused]] const int kHooked = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
}
#else
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) noexcept {
  ++allocations;
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) noexcept {
  ++allocations;
  return __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) noexcept {
  ++allocations;
  return __libc_realloc(p, n);
}
void* memalign(std::size_t alignment, std::size_t n) noexcept {
  ++allocations;
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
  return memalign(alignment, n);
}
int posix_memalign(void** p, std::size_t alignment, std::size_t n) noexcept {
  *p = memalign(alignment, n);
  return *p ? 0 : ENOMEM;
}
}
#endif

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

template <class F>
std::size_t allocations_of(F f) {
  const std::size_t before = allocations;
  f();
  return allocations - before;
}

struct Row {
  const char* name;
  std::vector<Shape> shapes;
  Var (*f)(Args);
};

const std::vector<Row> kRows{
    {"arithmetic",
     {{5, 7}, {7}},
     [](Args x) { return (x[0] + x[1]) * x[0] / (2.0 - x[1]) - pow(exp(x[0]), x[1]); }},
    {"functions",
     {{5, 7}},
     [](Args x) { return erf(sin(x[0])) + log(1.5 + cos(x[0])) + expm1(x[0]) + sqrt(exp(x[0])); }},
    {"powers",
     {{37}},
     [](Args x) {
       return pow(exp(x[0]), 2.5) + polynomial(x[0], {1, 2, 3});
     }},
    {"activations",
     {{5, 7}},
     [](Args x) { return tanh(x[0]) + sigmoid(x[0]) + softplus(x[0]) + silu(x[0]) + gelu(x[0]); }},
    {"choices",
     {{5, 7}},
     [](Args x) {
       return relu(x[0]) + leaky_relu(x[0]) + abs(x[0]) + clamp(x[0], -1, 1) +
              maximum(x[0], sin(x[0])) + where(greater(x[0], cos(x[0])), x[0], exp(x[0]));
     }},
    {"reductions",
     {{5, 7}},
     [](Args x) {
       return mean(x[0], 0) + logsumexp(x[0], 0) + max(x[0], 0) + sum(cumsum(square(x[0]), 0), 0);
     }},
    {"movements",
     {{4, 6}},
     [](Args x) {
       const Var p = permute(reshape(x[0], {2, 3, 4}), {2, 0, 1});
       const Var g = scatter_add(gather(transpose(x[0]), 0, {3, 3, 1}), 0, {0, 2, 0}, 3);
       return concat({reshape(p * p, {24}), reshape(pad(slice(g * g, 1, 0, 2), 0, 1, 1), {10})}, 0);
     }},
    {"permute of rank 4",
     {{2, 3, 2, 5}},
     [](Args x) {
       return square(permute(x[0], {3, 1, 0, 2}));
     }},
    {"thin products",
     {{9, 4}, {4, 1}, {1, 6}},
     [](Args x) { return matmul(square(matmul(x[0], x[1])), x[2]); }},
    {"small products",
     {{32, 40}, {40, 24}, {24}},
     [](Args x) { return silu(affine(x[0], x[1], x[2])); }},
    {"large products",
     {{3, 400}, {400, 300}, {300}},
     [](Args x) { return tanh(affine(x[0], x[1], x[2])); }},
    {"batched products",
     {{3, 8, 5}, {3, 8, 6}},
     [](Args x) { return square(matmul(x[0], x[1], {.a = true})); }},
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_count_sees_every_way_to_the_heap) {
  const auto seen = [](const std::function<void*()>& f) {
    void* p = nullptr;
    const std::size_t n = allocations_of([&] { p = f(); });
    std::free(p);
    return n;
  };
  BOOST_TEST(seen([] { return std::malloc(10); }) == 1u);
  BOOST_TEST(seen([] { return std::calloc(10, 10); }) == 1u);
  BOOST_TEST(seen([] { return std::realloc(nullptr, 10); }) == 1u);
  BOOST_TEST(seen([] { return std::aligned_alloc(64, 64); }) == 1u);
  BOOST_TEST(seen([] { return aligned_array(3).release(); }) == 1u);
  BOOST_TEST(seen([] {
               void* p = nullptr;
               return posix_memalign(&p, 64, 64) == 0 ? p : nullptr;
             }) == 1u);
  BOOST_TEST(allocations_of([] { std::make_shared<std::string>(100, 'x'); }) == 2u);
}

BOOST_AUTO_TEST_CASE(a_run_allocates_nothing) {
  for (const Row& row : kRows) {
    const auto f = [&](Args x) {
      const Vars in(x.begin(), x.end());
      const Var y = row.f(x), first = sum(sin(y));
      Vars out = grad(first, in);
      const Vars second = grad(sum(square(out[0])), in);
      out.insert(out.end(), second.begin(), second.end());
      out.push_back(y);
      return out;
    };
    Workspace ws = compile(row.shapes, f).workspace();
    for (std::size_t i = 0; i < row.shapes.size(); ++i) BlockRng{{1}, 2, 3}.normal(ws.in(i));
    for (const char* run : {"first", "second"}) {
      const std::size_t n = allocations_of([&] { ws.run(); });
      BOOST_TEST(n == 0u, row.name << ": " << n << " allocations in the " << run << " run");
    }
  }
}

BOOST_AUTO_TEST_CASE(an_update_of_the_parameters_allocates_nothing) {
  Params params;
  const Param w =
      params.add("w", {8, 8}, [](std::span<Real> v) { std::ranges::fill(v, Real(0.1)); });
  const auto f = [&](Args x) {
    return Vars{matmul(x[0], transpose(square(w.on(*x[0].tape))), {})};
  };
  Workspace ws = compile({{4, 8}}, f).workspace();
  const std::size_t n = allocations_of([&] {
    params.mutate()[3] = 2;
    ws.run();
  });
  BOOST_TEST(n == 0u);
}

BOOST_AUTO_TEST_CASE(drawing_random_numbers_allocates_nothing) {
  Tensor t({100, 7});
  const std::size_t n = allocations_of([&] {
    const BlockRng rng{{1, 2}, 3, 4};
    rng.normal(t);
    rng.fork(3).normal(t);
    t[0] = Real(rng.uniform(4));
  });
  BOOST_TEST(n == 0u);
}
