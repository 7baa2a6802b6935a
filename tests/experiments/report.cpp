#include "experiments/common/report.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/experiments/support.hpp"

using namespace eqp;
using namespace eqp::test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report)

BOOST_AUTO_TEST_CASE(everything_is_escaped_and_nothing_is_fetched) {
  const Scratch scratch;
  write(scratch.path / "a.png", "picture");
  const std::string evil = "<script>\"&";
  Table table(evil);
  table.add({{evil, evil}});
  Report report(evil, evil);
  report.verdict(Level::bad, evil);
  report.warning(evil);
  report.section(evil);
  report.paragraph(evil);
  report.table(table);
  report.figure({true, ""}, scratch.path / "a.png", evil);
  report.configuration({{evil, evil}, {"options", {{evil, evil}}}});
  const std::string html = report.html();
  BOOST_TEST(!contains(html, "<script"));
  for (const char* link : {"http:", "https:", "//", "href", "@import", "url("})
    BOOST_TEST(!contains(html, link), link);
  std::size_t escaped = 0;
  for (std::size_t i = 0; (i = html.find("&lt;script&gt;&quot;&amp;", i)) != html.npos; ++i)
    ++escaped;
  // Title twice, description, verdict, warning, section, paragraph, caption, column, cell, picture
  // twice, and two settings of a name and a value.
  BOOST_TEST(escaped == 16u);
}

BOOST_AUTO_TEST_CASE(pictures_are_inside_the_page) {
  const Scratch scratch;
  // The test vectors of RFC 4648, section 10.
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, base64] : cases) {
    write(scratch.path / "a.png", bytes);
    Report report("", "");
    report.figure({true, ""}, scratch.path / "a.png", "");
    BOOST_TEST(contains(report.html(), "src=\"data:image/png;base64," + base64 + "\""));
  }
}

BOOST_AUTO_TEST_CASE(a_picture_that_was_not_drawn_is_a_warning) {
  Report report("title", "");
  report.figure({false, "a.png was not drawn: no gnuplot"}, "a.png", "caption");
  const std::string html = report.html();
  BOOST_TEST(contains(html, "a.png was not drawn: no gnuplot</li>"));
  BOOST_TEST(!contains(html, "<img"));
}

BOOST_AUTO_TEST_CASE(verdicts_say_how_good_the_news_is) {
  Report report("title", "");
  report.verdict(Level::good, "one");
  report.verdict(Level::bad, "two");
  const std::string html = report.html();
  BOOST_TEST(contains(html, "<li class=\"good\"><span class=\"mark\">Good</span>one</li>"));
  BOOST_TEST(contains(html, "<li class=\"bad\"><span class=\"mark\">Bad</span>two</li>"));
}

BOOST_AUTO_TEST_SUITE_END()
