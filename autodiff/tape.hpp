#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "autodiff/tensor.hpp"

// Recording. A tape holds what is to be computed, never a value: recording checks shapes, and only
// a compiled Program computes. Derivatives are recorded too, as the ops they are made of.
namespace eqp::ad {

class Tape;
class Params;
struct Node;
struct Rewriting;  // autodiff/passes/graph.hpp

/// One recorded value: a cheap handle, meaningless once its tape is gone. Empty when default-made.
struct Var {
  Tape* tape = nullptr;
  std::uint32_t id = 0;

  explicit operator bool() const { return tape != nullptr; }
  /// Throws std::logic_error when empty.
  const Shape& shape() const;
  bool operator==(const Var&) const = default;
};
using Vars = std::vector<Var>;

/// What an op needs besides its inputs, fixed when it is recorded.
struct Attr {
  std::array<double, 2> scalar{};
  std::array<std::size_t, 4> index{};
  Shape shape;
  std::vector<double> coefficients;
  std::vector<std::size_t> table;
  bool operator==(const Attr&) const = default;
};

/// What a derivative rule sees: the op's inputs and output, and the cotangent g of the output.
struct Vjp {
  std::span<const Var> in;
  Var out;
  Var g;
  const Attr& attr;
};

using In = std::span<const ConstView>;
using Out = const View&;

/// Everything the library knows about one operation.
struct Op {
  const char* name;
  /// The output's shape. Throws std::invalid_argument naming the op and the shapes.
  Shape (*shape)(std::span<const Var> in, const Attr&) = nullptr;
  /// Writes all of out; allocates nothing.
  void (*forward)(In in, Out out, const Attr&) = nullptr;
  /// Records the cotangent of each input (an empty Var: none). Null: the gradient is zero
  /// everywhere.
  Vars (*vjp)(const Vjp&) = nullptr;
  /// Floating-point operations of one forward, for profiles; null: not counted.
  double (*flops)(In in, const Attr&) = nullptr;
  /// Records something cheaper of the same value once the whole function is known; empty: no.
  Var (*simplify)(const Rewriting&) = nullptr;
  /// Element i of the output depends on element i of each input alone, all of one size. Such an op
  /// may write over any of its inputs.
  bool elementwise = false;
  /// forward may write over the first input, which is of the output's size.
  bool in_place = false;
  /// Where in the input's memory, in elements, the output is; empty, or null: in its own.
  std::optional<std::size_t> (*view)(const Shape& in, const Attr&) = nullptr;
  /// Whether the output's memory is that of the inputs, one after the other.
  bool (*joins)(const Shape& out, const Attr&) = nullptr;
};

/// A recorded operation or leaf.
struct Node {
  const Op* op;
  std::vector<std::uint32_t> in;
  Attr attr;
  Shape shape;
  std::uint32_t scope;                  // index into Tape::scopes
  const Params* params = nullptr;       // of a parameter leaf, which starts at attr.index[0]
  std::shared_ptr<const Tensor> value;  // of a constant leaf
};

class Tape {
 public:
  /// Common sub-expressions are recorded once; without `merge`, every time.
  explicit Tape(bool merge = true) : merge_(merge) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A value supplied at each run.
  Var input(const Shape& shape);
  /// A value fixed now.
  Var constant(Tensor value);
  /// The `size(shape)` parameters that start at `offset`.
  Var parameter(const Params& params, std::size_t offset, const Shape& shape);
  /// A stand-in that derivatives may refer to while recording but no compiled program may need.
  Var placeholder(const Shape& shape);
  /// Records op(in); an equal record already on the tape is returned instead.
  Var record(const Op& op, std::span<const Var> in, Attr attr = {});
  /// Records what node `id` of another tape is, on these inputs.
  Var copy(const Tape& from, std::uint32_t id, std::span<const Var> in);

  const Node& node(std::uint32_t id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }
  const std::string& scope_name(std::uint32_t scope) const { return scopes_[scope]; }
  bool merges() const { return merge_; }

 private:
  friend class Scope;
  Var push(Node node);
  /// The equal record that is there already, else empty.
  Var find(std::size_t key, const Node& node);

  std::deque<Node> nodes_;  // never moved: rules hold on to shapes while they record
  std::unordered_multimap<std::size_t, std::uint32_t> index_;  // hash -> node, for equal records
  std::vector<std::string> scopes_{""};
  std::uint32_t scope_ = 0;
  bool merge_;
};

/// Names the layer that records while it lives: error reports say "in net.0". Scopes nest, but a
/// name that begins with the outer one's is the whole path already.
class Scope {
 public:
  Scope(Tape& tape, const std::string& name);
  /// Nests in none.
  static constexpr struct Absolute {
  } absolute = {};
  Scope(Tape& tape, const std::string& name, Absolute);
  /// The layer of a node of another tape.
  Scope(Tape& tape, const Tape& from, const Node& node);
  ~Scope() { tape_.scope_ = outer_; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Tape& tape_;
  std::uint32_t outer_;
};

/// Records op on the inputs' tape. Throws std::logic_error when they are on different tapes.
Var record(const Op& op, std::initializer_list<Var> in, Attr attr = {});
Var record(const Op& op, std::span<const Var> in, Attr attr = {});

/// The leaves. They have no forward; a program binds them to memory.
extern const Op kInput, kConstant, kParameter, kPlaceholder;

}  // namespace eqp::ad
