#include "autodiff/tape.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace eqp::ad {

const Op kInput{.name = "input"};
const Op kConstant{.name = "constant"};
const Op kParameter{.name = "parameter"};
const Op kPlaceholder{.name = "placeholder"};

namespace {

std::size_t mix(std::size_t seed, std::size_t v) {
  return seed ^ (v + 0x9e3779b97f4a7c15ull + (seed << 6) + (seed >> 2));
}

std::size_t hash(const Node& n) {
  std::size_t h = std::hash<const void*>{}(n.op);
  for (auto i : n.in) h = mix(h, i);
  for (double s : n.attr.scalar) h = mix(h, std::hash<double>{}(s));
  for (auto i : n.attr.index) h = mix(h, i);
  for (auto i : n.attr.shape.dims()) h = mix(h, i);
  for (double c : n.attr.coefficients) h = mix(h, std::hash<double>{}(c));
  for (auto i : n.attr.table) h = mix(h, i);
  return mix(h, std::hash<const void*>{}(n.params));
}

// Layers are named in full, as their parameters are: a name that says its outer layer's already is
// not put behind it once more.
std::string nested(const std::string& outer, const std::string& name) {
  const bool has_path = outer.empty() || name == outer || name.starts_with(outer + ".");
  return has_path ? name : outer + "." + name;
}

}  // namespace

const Shape& Var::shape() const {
  if (!tape) throw std::logic_error("shape of an empty Var");
  return tape->node(id).shape;
}

Var Tape::push(Node node) {
  nodes_.push_back(std::move(node));
  return {this, static_cast<std::uint32_t>(nodes_.size() - 1)};
}

Var Tape::input(const Shape& shape) {
  return push({.op = &kInput, .in = {}, .attr = {}, .shape = shape, .scope = scope_, .value = {}});
}

Var Tape::placeholder(const Shape& shape) {
  return push(
      {.op = &kPlaceholder, .in = {}, .attr = {}, .shape = shape, .scope = scope_, .value = {}});
}

Var Tape::constant(Tensor value) {
  auto shared = std::make_shared<const Tensor>(std::move(value));
  return push({.op = &kConstant,
               .in = {},
               .attr = {},
               .shape = shared->shape(),
               .scope = scope_,
               .value = shared});
}

Var Tape::parameter(const Params& params, std::size_t offset, const Shape& shape) {
  Node node{.op = &kParameter,
            .in = {},
            .attr = {.index = {offset}, .shape = shape},
            .shape = shape,
            .scope = scope_,
            .params = &params,
            .value = {}};
  const std::size_t key = hash(node);
  if (const Var old = find(key, node)) return old;
  const Var v = push(std::move(node));
  index_.emplace(key, v.id);
  return v;
}

Var Tape::record(const Op& op, std::span<const Var> in, Attr attr) {
  Node node{
      .op = &op, .in = {}, .attr = std::move(attr), .shape = {}, .scope = scope_, .value = {}};
  for (Var v : in) {
    if (v.tape != this) {
      throw std::logic_error(std::string(op.name) + ": inputs live on different tapes");
    }
    node.in.push_back(v.id);
  }
  const std::size_t key = merge_ ? hash(node) : 0;
  if (merge_) {
    if (const Var old = find(key, node)) return old;
  }
  node.shape = op.shape(in, node.attr);
  const Var v = push(std::move(node));
  if (merge_) index_.emplace(key, v.id);
  return v;
}

Var Tape::find(std::size_t key, const Node& node) {
  for (auto [it, end] = index_.equal_range(key); it != end; ++it) {
    const Node& old = nodes_[it->second];
    if (old.op == node.op && old.in == node.in && old.attr == node.attr &&
        old.params == node.params) {
      return {this, it->second};
    }
  }
  return {};
}

Var Tape::copy(const Tape& from, std::uint32_t id, std::span<const Var> in) {
  const Node& node = from.node(id);
  if (node.op == &kParameter) return parameter(*node.params, node.attr.index[0], node.shape);
  if (node.op->shape) return record(*node.op, in, node.attr);
  Node leaf = node;
  leaf.scope = scope_;
  return push(std::move(leaf));
}

Scope::Scope(Tape& tape, const std::string& name)
    : Scope(tape, nested(tape.scopes_[tape.scope_], name), absolute) {}

Scope::Scope(Tape& tape, const std::string& name, Absolute) : tape_(tape), outer_(tape.scope_) {
  if (name != tape.scopes_.back()) tape.scopes_.push_back(name);
  tape.scope_ = static_cast<std::uint32_t>(tape.scopes_.size() - 1);
}

Scope::Scope(Tape& tape, const Tape& from, const Node& node)
    : Scope(tape, std::string(from.scopes_[node.scope]), absolute) {}

Var record(const Op& op, std::span<const Var> in, Attr attr) {
  for (Var v : in) {
    if (!v) throw std::logic_error(std::string(op.name) + ": an input is an empty Var");
  }
  return in[0].tape->record(op, in, std::move(attr));
}

Var record(const Op& op, std::initializer_list<Var> in, Attr attr) {
  return record(op, std::span(in.begin(), in.size()), std::move(attr));
}

}  // namespace eqp::ad
