#include "experiments/common/table.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>

using namespace eqp;

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(numbers_have_three_significant_digits) {
  const std::vector<std::pair<double, std::string>> cases = {
      {0.0, "0.00"},       {0.5, "0.500"},      {12.345, "12.3"},    {1234.5, "1234"},
      {-0.06, "-0.0600"},  {0.01234, "0.0123"}, {0.00123, "0.0012"}, {2.5e-6, "2.50e-06"},
      {1.5e9, "1.50e+09"}, {999.0, "999"},      {-3.14159, "-3.14"}};
  for (const auto& [value, text] : cases) BOOST_TEST(shown(value) == text);
}

BOOST_AUTO_TEST_CASE(other_values_are_shown_as_they_are) {
  BOOST_TEST(shown(1234567) == "1234567");
  BOOST_TEST(shown("text") == "text");
  BOOST_TEST(shown(true) == "yes");
  BOOST_TEST(shown(nullptr) == "-");
  BOOST_TEST(shown(std::numeric_limits<double>::quiet_NaN()) == "-");
}

BOOST_AUTO_TEST_CASE(columns_are_aligned_numbers_to_the_right) {
  Table table("Errors");
  table.add({{"method", "cd"}, {"mode_error", 0.25}, {"n", 7}});
  table.add({{"method", "größer"}, {"mode_error", 12.0}, {"ess", nullptr}});
  BOOST_TEST(table.text() ==
             "Errors\n"
             "method  mode error  n  ess\n"
             "------  ----------  -  ---\n"
             "cd           0.250  7    -\n"
             "größer        12.0  -    -\n");
}

BOOST_AUTO_TEST_CASE(html_has_the_same_cells_escaped) {
  Table table("a < b");
  table.add({{"name", "x & <y>"}, {"w2", 0.5}});
  const std::string html = table.html();
  for (const char* part : {"<caption>a &lt; b</caption>", "<td>x &amp; &lt;y&gt;</td>",
                           "<td class=\"number\">0.500</td>", "<th class=\"number\">w2</th>"})
    BOOST_TEST(html.find(part) != html.npos, part);
}

BOOST_AUTO_TEST_CASE(a_row_must_be_an_object) {
  BOOST_CHECK_THROW(Table("t").add(Row::array({1, 2})), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
