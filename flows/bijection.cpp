#include "flows/bijection.hpp"

#include <stdexcept>

namespace eqp::flows {

void check_batch(const std::string& who, ad::Var x, std::size_t dim) {
  if (x.shape().rank() == 2 && x.shape()[1] == dim) return;
  throw std::invalid_argument(who + ": " + str(x.shape()) + "; need (n, " + std::to_string(dim) +
                              ")");
}

Bijection::Bijection(std::string name, std::size_t dim, std::size_t context_dim)
    : name_(std::move(name)), dim_(dim), context_dim_(context_dim) {
  if (dim_ == 0) throw std::invalid_argument(name_ + ": dim 0; need at least 1");
}

void Bijection::check(ad::Var x, ad::Var context) const {
  check_batch(name_, x, dim_);
  if (context_dim_ == 0) return;
  const std::size_t n = x.shape()[0];
  if (context && context.shape() == ad::Shape{n, context_dim_}) return;
  throw std::invalid_argument(name_ + ": " +
                              (context ? "context " + str(context.shape()) : "no context") +
                              "; need " + str(ad::Shape{n, context_dim_}));
}

Mapped Bijection::forward(ad::Var z, ad::Var context) const {
  check(z, context);
  const ad::Scope scope(*z.tape, name_);
  return push(z, context);
}

Mapped Bijection::inverse(ad::Var x, ad::Var context) const {
  check(x, context);
  const ad::Scope scope(*x.tape, name_);
  return pull(x, context);
}

}  // namespace eqp::flows
