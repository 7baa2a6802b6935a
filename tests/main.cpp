#define BOOST_TEST_MODULE equipoise
#include <boost/test/unit_test.hpp>
