#include "train/data/table.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <stdexcept>

#include "autodiff/npy.hpp"
#include "tests/train/files.hpp"

namespace eqp::train {
namespace {

namespace fs = std::filesystem;

Table from_text(const std::string& text, const std::string& label = "") {
  const Folder folder;
  return read_table(folder.file("a.csv", text), {.label = label});
}

void is(const Table& t, const std::vector<std::string>& columns, const std::vector<Real>& values) {
  BOOST_TEST(t.columns == columns, boost::test_tools::per_element());
  BOOST_TEST_REQUIRE(t.values.cols() == columns.size());
  BOOST_TEST(t.values.flat() == values, boost::test_tools::per_element());
}

/// Reading fails with "<path><rest>", or with a message that contains `rest`.
void refuses(const fs::path& path, const std::string& rest, const std::string& label = "") {
  BOOST_CHECK_EXCEPTION(
      read_table(path, {.label = label}), std::invalid_argument, [&](const std::exception& e) {
        const std::string what = e.what();
        BOOST_TEST_MESSAGE(what);
        const bool good = what.starts_with(path.string()) && what.find(rest) != std::string::npos &&
                          what.find('\n') == std::string::npos;
        if (!good) BOOST_TEST_INFO(what);
        return good;
      });
}
void refuses_text(const std::string& text, const std::string& rest, const std::string& label = "") {
  const Folder folder;
  refuses(folder.file("a.csv", text), rest, label);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(data_table)

BOOST_AUTO_TEST_CASE(every_separator_is_recognised) {
  const std::vector<std::string> columns{"0", "1", "2"};
  const std::vector<Real> values{1, Real(-2.5), Real(3e2), 4, 5, 6};
  is(from_text("1,-2.5,3e2\n4,5,6\n"), columns, values);
  is(from_text("1;-2.5;3e2\n4;5;6\n"), columns, values);
  is(from_text("1\t-2.5\t3e2\n4\t5\t6\n"), columns, values);
  is(from_text("  1   -2.5 3e2\n4 5  6  \n"), columns, values);
  is(from_text("1 , -2.5, +3E2\r\n\r\n4,5,6"), columns, values);
  is(from_text("\xef\xbb\xbf# written by numpy.savetxt\n1,-2.5,\"3e2\"\n4,5,6\n\n"), columns,
     values);
}

BOOST_AUTO_TEST_CASE(a_first_row_without_numbers_is_a_header) {
  is(from_text("x,\"y, in m\"\n1,2\n3,4\n"), {"x", "y, in m"}, {1, 2, 3, 4});
  is(from_text("a b\n1 2\n3 4\n"), {"a", "b"}, {1, 2, 3, 4});
}

BOOST_AUTO_TEST_CASE(a_label_column_is_taken_out) {
  const std::string text = "x,class,y\n1,7,2\n3,8,4\n";
  for (const char* label : {"class", "1"}) {
    const Table t = from_text(text, label);
    is(t, {"x", "y"}, {1, 2, 3, 4});
    BOOST_TEST(t.labels == (std::vector<double>{7, 8}), boost::test_tools::per_element());
  }
  const Table last = from_text(text, "last");
  is(last, {"x", "class"}, {1, 7, 3, 8});
  BOOST_TEST(last.labels == (std::vector<double>{2, 4}), boost::test_tools::per_element());
  // A name goes before a number.
  BOOST_TEST(from_text("5,6,7\n1,2,3\n", "0").labels[0] == 5);
  BOOST_TEST(from_text("a,last,c\n1,2,3\n1,2,3\n", "last").labels[0] == 2);
  BOOST_TEST(from_text(text).labels.empty());
}

BOOST_AUTO_TEST_CASE(mistakes_in_the_text_are_placed) {
  refuses_text("1,2,3\n4,5,6\n7,8,abc\n", ":3: column 3 is \"abc\", expected a number");
  refuses_text("x,y\n\n1,2\n3,1.5x\n", ":4: column 2 is \"1.5x\", expected a number");
  refuses_text("1,two\n3,4\n", ":1: column 2 is \"two\", expected a number");
  refuses_text("1,2\n3,\n", ":2: column 2 is empty, expected a number");
  refuses_text("1,2\n3,nan\n", ":2: column 2 is nan, expected a finite number");
  refuses_text("1,2\n-inf,4\n", ":2: column 1 is -inf, expected a finite number");
  refuses_text("1,2\n1e999,4\n", ":2: column 1 is 1e999, expected a finite number");
  refuses_text("1,2\n3,4,5\n", ":2: 3 columns, expected 2 as on line 1");
  refuses_text("x,y\n1,2\n3\n", ":3: 1 columns, expected 2 as on line 1");
  refuses_text("1,5;2,5\n1,5;2,5\n", ":2: column 1 is \"1,5\", expected a number");
  refuses_text("", ": 0 rows of data, need at least 2");
  refuses_text("\n\n", ": 0 rows of data, need at least 2");
  refuses_text("x,y\n", ": 0 rows of data, need at least 2");
  refuses_text("x,y\n1,2\n", ": 1 rows of data, need at least 2");
  refuses_text("x,y\n1,2\n3,4\n",
               "no label column \"z\"; need last, a number from 0 to 1 or a name: x, y", "z");
  refuses_text("1,2\n3,4\n", "no label column \"2\"; need last, a number from 0 to 1", "2");
  refuses_text("1\n3\n", "no column beside the label", "last");
  if constexpr (sizeof(Real) == 4) {
    refuses_text("x,y\n1,2\n3,1e300\n", "line 3: column 2 is too large for single precision");
  }
}

BOOST_AUTO_TEST_CASE(files_of_other_kinds_are_refused) {
  const Folder folder;
  refuses(folder.path / "none.csv", ": no such file");
  fs::create_directories(folder.path / "folder.csv");
  refuses(folder.path / "folder.csv", ": not a file");
  refuses(folder.file("a.xlsx", "1,2\n3,4\n"), ": unknown kind of file");
  refuses(folder.file("a.npy.gz", "1,2\n3,4\n"), ": unknown kind of file");
}

BOOST_AUTO_TEST_CASE(gzip_is_read_and_a_truncated_one_refused) {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 2000; ++i)
    text += std::to_string(i * 7919 % 1009) + "," + std::to_string(i) + "\n";
  const std::string bytes = gzipped(text);
  const Table t = read_table(folder.file("a.csv.gz", bytes));
  BOOST_TEST(t.values.rows() == 2000u);
  BOOST_TEST(t.values(1999, 1) == 1999);
  for (const std::size_t keep :
       {std::size_t(0), std::size_t(5), bytes.size() / 2, bytes.size() - 9, bytes.size() - 1}) {
    BOOST_TEST_CONTEXT("first " << keep << " bytes of " << bytes.size()) {
      refuses(folder.file("b.csv.gz", bytes.substr(0, keep)), ": not a whole gzip file");
    }
  }
  std::string damaged = bytes;
  damaged[bytes.size() / 2] ^= 0x55;
  refuses(folder.file("c.csv.gz", damaged), ": not a whole gzip file");
  refuses(folder.file("d.csv.gz", text), ": not a whole gzip file");
}

BOOST_AUTO_TEST_CASE(arrays_are_read) {
  const Folder folder;
  ad::Tensor x({3, 2});
  for (std::size_t i = 0; i < 6; ++i) x[i] = Real(i) / 4;
  ad::write_npy(folder.path / "x.npy", x);
  is(read_table(folder.path / "x.npy"), {"0", "1"}, {x.flat().begin(), x.flat().end()});
  const Table labelled = read_table(folder.path / "x.npy", {.label = "last"});
  is(labelled, {"0"}, {x[0], x[2], x[4]});
  BOOST_TEST(labelled.labels[2] == 1.25);

  x(2, 1) = std::numeric_limits<Real>::quiet_NaN();
  ad::write_npy(folder.path / "nan.npy", x);
  refuses(folder.path / "nan.npy", ": row 2, column 1 (from 0) is nan, expected a finite number");
  ad::write_npy(folder.path / "line.npy", ad::Tensor({4}));
  refuses(folder.path / "line.npy", ": an array of shape (4); need two axes");
  ad::write_npy(folder.path / "one.npy", ad::Tensor({1, 4}));
  refuses(folder.path / "one.npy", ": 1 rows of data, need at least 2");
  refuses(folder.file("text.npy", "1,2\n3,4\n"), ": not a npy file");
}

// The class counts of the test set, as UCI states them.
BOOST_AUTO_TEST_CASE(the_digits_are_all_there) {
  const fs::path root = fs::path(__FILE__).parent_path().parent_path().parent_path();
  const Table t = read_table(root / "experiments/data/digits.csv.gz", {.label = "last"});
  BOOST_TEST(t.values.rows() == 1797u);
  BOOST_TEST(t.values.cols() == 64u);
  std::vector<int> counts(10);
  for (const double label : t.labels) ++counts.at(std::size_t(label));
  const std::vector<int> expected{178, 182, 177, 183, 181, 182, 181, 179, 174, 180};
  BOOST_TEST(counts == expected, boost::test_tools::per_element());
  BOOST_TEST(std::ranges::min(t.values.flat()) == 0);
  BOOST_TEST(std::ranges::max(t.values.flat()) == 16);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace eqp::train
