#pragma once

#include <stdexcept>
#include <string>

// What an error says, as a value to compare.
namespace eqp::test {

/// The what() of the Error that f throws; empty if it throws nothing.
template <class Error = std::exception, class F>
std::string message(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// The line with which f refuses its arguments; empty if it does not.
template <class F>
std::string refusal(F f) {
  return message<std::invalid_argument>(f);
}

}  // namespace eqp::test
