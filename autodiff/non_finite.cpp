#include "autodiff/non_finite.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace eqp::ad {
namespace {

// Without the sign some machines give a NaN.
std::string number(Real v) {
  if (std::isnan(v)) return "nan";
  std::ostringstream text;
  text << v;
  return text.str();
}

std::string range_of(ConstView v) {
  Real low = INFINITY, high = -INFINITY;
  std::size_t bad = 0;
  for (Real x : v.flat()) {
    if (!std::isfinite(x)) {
      ++bad;
    } else {
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  std::ostringstream text;
  text << str(v.shape);
  if (low <= high) text << " in [" << low << ", " << high << "]";
  if (bad) text << (low <= high ? " and " : " with ") << bad << " not finite";
  return text.str();
}

std::size_t row_of(ConstView v, std::size_t element) {
  return element / std::max<std::size_t>(v.cols(), 1);
}

std::string place(ConstView v, std::size_t element) {
  return number(v[element]) + " in row " + std::to_string(row_of(v, element)) + " of " +
         str(v.shape);
}

bool holds(ConstView v, const Real* at) { return at >= v.data && at < v.data + v.size(); }

/// Walks from a bad output to where it comes from. A value follows from a bad operand if the op
/// gives a bad one there when that operand alone is bad; so a -inf that a later logsumexp absorbs
/// is never blamed.
class Search {
 public:
  explicit Search(const Run& run) : run_(run) {}

  /// The value at this address once `done` steps have run; `row` is that of the inputs, if known.
  [[noreturn]] void explain(const Real* at, std::size_t done, std::optional<std::size_t> row) {
    if (const auto [calls, s] = writer(at, done); calls) {
      // What came before may have been overwritten since.
      if (calls == &run_.steps) {
        for (std::size_t before = 0; before < s; ++before) run_.steps.run(before);
      }
      follow(*calls, s, at, row);
    }
    for (std::size_t i = 0; i < run_.inputs.size(); ++i) {
      const ConstView input = run_.inputs[i];
      if (!holds(input, at)) continue;
      const std::size_t element = std::size_t(at - input.data);
      throw NonFinite("input " + std::to_string(i) + ": " + place(input, element),
                      NonFinite::Origin::input, row_of(input, element));
    }
    const auto [name, value] = *parameter(at);
    throw NonFinite("parameter " + name + ": " + place(value, std::size_t(at - value.data)),
                    NonFinite::Origin::parameter, row);
  }

  /// `row` if the outputs are bad when every row of the inputs is that row: a value inside of a run
  /// may have as many rows as the inputs and yet other ones.
  std::optional<std::size_t> blamed(std::size_t row) {
    std::vector<Tensor> kept;
    for (const View& in : run_.inputs) {
      if (in.rows() != run_.inputs[0].rows()) return std::nullopt;
      const Tensor& copy = kept.emplace_back(ConstView(in));
      for (std::size_t i = 0; i < in.rows(); ++i) {
        std::ranges::copy(copy.row(row), in.row(i).begin());
      }
    }
    for (std::size_t s = 0; s < run_.steps.size(); ++s) run_.steps.run(s);
    const bool finite =
        std::ranges::all_of(run_.outputs, [](ConstView v) { return all_finite(v.flat()); });
    for (std::size_t i = 0; i < kept.size(); ++i) {
      std::ranges::copy(kept[i].flat(), run_.inputs[i].data);
    }
    for (std::size_t s = 0; s < run_.steps.size(); ++s) run_.steps.run(s);
    return finite ? std::nullopt : std::optional(row);
  }

 private:
  struct Bad {
    std::size_t operand, element;
  };
  struct Writer {
    const Calls* calls = nullptr;
    std::size_t step = 0;
  };

  /// Who wrote there last, once `done` steps have run; nobody for a leaf.
  Writer writer(const Real* at, std::size_t done) const {
    for (std::size_t s = done; s-- > 0;) {
      if (holds(run_.steps.out(s), at)) return {&run_.steps, s};
    }
    for (std::size_t s = run_.hoisted.size(); s-- > 0;) {
      if (holds(run_.hoisted.out(s), at)) return {&run_.hoisted, s};
    }
    return {};
  }

  [[noreturn]] void follow(const Calls& calls, std::size_t s, const Real* at,
                           std::optional<std::size_t> row) {
    const std::size_t element = std::size_t(at - calls.out(s).data);
    if (const Real* from = cause(calls, s, element)) {
      explain(from, &calls == &run_.steps ? s : 0, row);
    }
    const Step& step = calls.step(s);
    const Tensor result = recomputed(calls, s);
    std::ostringstream text;
    text << step.op->name << (step.scope.empty() ? "" : " in " + step.scope) << ": "
         << place(result, element);
    const char* before = ", from ";
    for (const ConstView& in : calls.in(s)) {
      const std::string known = name(in);
      text << before << (known.empty() ? "input" : known) << " " << range_of(in);
      before = "; ";
    }
    const bool rows = &calls == &run_.steps && result.rows() == run_.inputs[0].rows();
    if (!row && rows) row = blamed(row_of(result, element));
    throw NonFinite(text.str(), NonFinite::Origin::operation, row);
  }

  // Beside its place: an op in place would overwrite its input.
  static Tensor recomputed(const Calls& calls, std::size_t s) {
    Tensor result(calls.out(s).shape);
    calls.step(s).op->forward(calls.in(s), result, calls.step(s).attr);
    return result;
  }

  /// A bad operand that element `at` of a step's result follows from; null if the step itself makes
  /// it bad, or a constant does. Of a pair that is bad only together, one.
  const Real* cause(const Calls& calls, std::size_t s, std::size_t at) const {
    const Step& step = calls.step(s);
    const std::span<const ConstView> original = calls.in(s);
    std::vector<Tensor> in;
    std::vector<Bad> bad;
    for (const ConstView& v : original) {
      Tensor& copy = in.emplace_back(v);
      for (std::size_t i = 0; i < v.size(); ++i) {
        if (std::isfinite(v[i])) continue;
        bad.push_back({in.size() - 1, i});
        copy[i] = 1;
      }
    }
    Tensor result(calls.out(s).shape);
    const auto with = [&](std::span<const Bad> kept) {
      for (const Bad& b : kept) in[b.operand][b.element] = original[b.operand][b.element];
      const std::vector<ConstView> operands(in.begin(), in.end());
      step.op->forward(operands, result, step.attr);
      for (const Bad& b : kept) in[b.operand][b.element] = 1;
      return result[at];
    };
    if (bad.empty() || !std::isfinite(with({}))) return nullptr;
    // Where the op keeps rows, the culprit is in the same one.
    std::ranges::stable_partition(bad, [&](const Bad& b) {
      const ConstView v = original[b.operand];
      return v.rows() == result.rows() && row_of(v, b.element) == row_of(result, at);
    });
    const bool nan = std::isnan(with(bad));
    const auto same = [&](Real v) { return nan ? std::isnan(v) : !std::isfinite(v); };
    std::span<const Bad> suspects = bad;
    while (suspects.size() > 1) {
      const auto first = suspects.first(suspects.size() / 2);
      const auto second = suspects.subspan(first.size());
      if (same(with(first))) {
        suspects = first;
      } else if (same(with(second))) {
        suspects = second;
      } else {
        break;
      }
    }
    const Real* found = &original[suspects[0].operand][suspects[0].element];
    return constant(found, &calls == &run_.steps ? s : 0) ? nullptr : found;
  }

  bool constant(const Real* at, std::size_t done) const {
    if (const auto [calls, s] = writer(at, done); calls) return calls->in(s).empty();
    const auto is_in = [&](ConstView v) { return holds(v, at); };
    return !parameter(at) && std::ranges::none_of(run_.inputs, is_in);
  }

  std::optional<std::pair<std::string, ConstView>> parameter(const Real* at) const {
    for (const Params* params : run_.plan.params) {
      for (const Params::Entry& e : params->entries()) {
        if (holds(params->view(e), at)) return {{e.name, params->view(e)}};
      }
    }
    return std::nullopt;
  }

  /// "net.0.weight", "transpose of net.0.weight"; empty for what is made in every run.
  std::string name(ConstView v) const {
    if (const auto found = parameter(v.data)) return found->first;
    const auto [calls, s] = writer(v.data, 0);
    std::string text;
    for (const ConstView& in : calls ? calls->in(s) : std::span<const ConstView>()) {
      const std::string part = name(in);
      if (!part.empty()) text += (text.empty() ? "" : " and ") + part;
    }
    return text.empty() ? "" : calls->step(s).op->name + (" of " + text);
  }

  const Run& run_;
};

// A NaN before an infinity, which may well be meant.
std::optional<std::size_t> first_bad(std::span<const Real> x) {
  for (const auto bad :
       {+[](Real v) { return std::isnan(v); }, +[](Real v) { return !std::isfinite(v); }}) {
    const auto it = std::ranges::find_if(x, bad);
    if (it != x.end()) return std::size_t(it - x.begin());
  }
  return std::nullopt;
}

}  // namespace

// Counting what fails a comparison is a loop that compilers vectorise; leaving it early is not.
bool all_finite(std::span<const Real> values) {
  unsigned bad = 0;
  for (const Real v : values) bad |= !(std::abs(v) <= std::numeric_limits<Real>::max());
  return bad == 0;
}

void explain_non_finite(const Run& run, std::optional<std::size_t> row) {
  for (const ConstView& out : run.outputs) {
    const bool rows = !run.inputs.empty() && out.rows() == run.inputs[0].rows();
    const std::size_t first = rows && row ? *row * out.cols() : 0;
    const auto bad = first_bad(rows && row ? out.row(*row) : out.flat());
    if (!bad) continue;
    // An output may have as many rows as the inputs and yet other ones.
    if (rows && !row) row = Search(run).blamed(row_of(out, *bad));
    const std::optional<std::size_t> known = rows ? row : std::nullopt;
    Search(run).explain(&out[first + *bad], run.steps.size(), known);
  }
}

}  // namespace eqp::ad
