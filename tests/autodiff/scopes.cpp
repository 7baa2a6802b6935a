#include <boost/test/unit_test.hpp>

#include "autodiff/ops.hpp"

using namespace eqp::ad;

BOOST_AUTO_TEST_CASE(scopes_nest_unless_a_name_is_the_whole_path_already) {
  Tape tape;
  const Var x = tape.input({2});
  const auto scope_of = [&](Var v) { return tape.scope_name(tape.node(v.id).scope); };
  const Scope net(tape, "net");
  const auto inside = [&](const char* name, Var (*f)(Var)) {
    const Scope scope(tape, name);
    return scope_of(f(x));
  };
  BOOST_TEST(inside("0", exp) == "net.0");
  BOOST_TEST(inside("net.0", log) == "net.0");
  BOOST_TEST(inside("net", sin) == "net");
  BOOST_TEST(inside("network", cos) == "net.network");
  BOOST_TEST(scope_of(erf(x)) == "net");
}
