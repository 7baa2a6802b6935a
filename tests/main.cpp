// Boost's own main() would be of this header with a macro before it, which precompiled headers do
// not allow.
#include <boost/test/unit_test.hpp>

int main(int argc, char** argv) {
  const auto name_suite = [] {
    boost::unit_test::framework::master_test_suite().p_name.value = "equipoise";
    return true;
  };
  return boost::unit_test::unit_test_main(name_suite, argc, argv);
}
