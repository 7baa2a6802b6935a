#include "tests/autodiff/safetensors.hpp"

using namespace eqp;
using namespace eqp::ad::test;

// Files that are broken, or another model's.
BOOST_AUTO_TEST_SUITE(safetensors_refused)

BOOST_AUTO_TEST_CASE(a_file_for_another_model_is_refused) {
  const auto with_header = [](const std::string& h) { return complaint(file_of(h, kData)); };
  BOOST_TEST(contains(with_header(replaced(kHeader, "\"a\"", "\"c\"")), R"(no tensor "a")"));
  BOOST_TEST(contains(with_header(replaced(kHeader, "[2,2]", "[4]")),
                      R"("a" has shape [4], expected (2, 2))"));
  BOOST_TEST(contains(with_header(replaced(kHeader, "[2,2]", "[1,1,2,1,2]")),
                      R"("a" has shape [1,1,2,1,2], expected (2, 2))"));
  BOOST_TEST(contains(with_header(replaced(kHeader, "F32", "I32")), R"(has dtype "I32")"));
  const std::string extra = R"(,"z\n":{"dtype":"F32","shape":[1],"data_offsets":[20,24]}})";
  BOOST_TEST(contains(complaint(file_of("{" + kHeaderA + "," + kHeaderB + extra, kData + "0123")),
                      R"(the tensor "z\n" has no counterpart)"));
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_is_refused) {
  const std::string whole = file_of(kHeader, kData);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    BOOST_TEST_CONTEXT("cut to " << n) { BOOST_TEST(!complaint(whole.substr(0, n)).empty()); }
  }
  BOOST_TEST(contains(complaint(whole.substr(0, 7)), "shorter than 8 bytes"));
  BOOST_TEST(contains(complaint(whole.substr(0, 20)), "is truncated: a header of"));
  BOOST_TEST(contains(complaint(whole.substr(0, whole.size() - 1)),
                      "is truncated: 19 of 20 bytes of data"));
  BOOST_TEST(contains(complaint(whole + "x"), "has 1 bytes after the last tensor"));
}

BOOST_AUTO_TEST_CASE(a_broken_header_is_refused) {
  const auto with = [](const std::string& from, const std::string& to) {
    return complaint(file_of(replaced(kHeader, from, to), kData));
  };
  const std::string malformed = R"(the header's entry "a" is malformed: )";
  const std::string no_counts = " is missing or no list of whole numbers from 0";
  const std::string no_shape = malformed + "\"shape\"" + no_counts;
  BOOST_TEST(contains(complaint(file_of("[1, 2]", "")), "not a JSON object"));
  BOOST_TEST(contains(with("{\"a\"", "{\"a"), "not a JSON object"));
  BOOST_TEST(contains(with(kHeaderA.substr(4), "3"), malformed + "it is no object"));
  BOOST_TEST(contains(with("\"shape\"", "\"sharp\""), no_shape));
  BOOST_TEST(contains(with("[2,2]", "4"), no_shape));
  BOOST_TEST(contains(with("[2,2]", "[-2,-2]"), no_shape));
  BOOST_TEST(contains(with("[2,2]", "[2.5,2]"), no_shape));
  BOOST_TEST(contains(with("[0,16]", "[0]"), malformed + R"("data_offsets" is no pair)"));
  BOOST_TEST(
      contains(with("[0,16]", "{\"0\":0,\"1\":16}"), malformed + "\"data_offsets\"" + no_counts));
  BOOST_TEST(contains(with("\"F32\"", "32"), malformed + R"("dtype" is missing or no string)"));
  BOOST_TEST(contains(complaint(file_of(R"({"__metadata__":{"a":1}})", "")),
                      R"(entry "__metadata__" is malformed: "a" is missing or no string)"));
  BOOST_TEST(contains(complaint(raw(std::uint64_t(1) << 63) + kHeader),
                      "a header of 9223372036854775808 bytes"));
}

// Whatever stands where something else is needed, of a header and of every part of it.
BOOST_AUTO_TEST_CASE(values_of_another_kind_are_refused_in_one_line) {
  const std::string parts[] = {kHeader, kHeaderA.substr(4), "\"F32\"", "[2,2]",
                               "2,2",   "[0,16]",           "16"};
  for (const char* other : {"null", "true", "-1", "7", "1.5", "1e30", "18446744073709551616",
                            "\"x\"", "[]", "{}", "[null]", "[[]]", "{\"dtype\":1}"}) {
    BOOST_TEST_CONTEXT(other) {
      for (const std::string& part : parts) {
        BOOST_TEST(complaint(file_of(replaced(kHeader, part, other), kData)) != "", part);
      }
      if (other == std::string("{}")) continue;
      const std::string metadata = std::string("\"__metadata__\":") + other;
      BOOST_TEST(contains(complaint(file_of("{" + metadata + "}", "")), "__metadata__"));
    }
  }
}

BOOST_AUTO_TEST_CASE(offsets_that_overlap_leave_gaps_or_disagree_are_refused) {
  const auto with = [](const std::string& from, const std::string& to,
                       const std::string& bytes = kData) {
    return complaint(file_of(replaced(kHeader, from, to), bytes));
  };
  BOOST_TEST(contains(with("[16,20]", "[12,16]"), R"("b" begins at byte 12 of the data)"));
  BOOST_TEST(contains(with("[16,20]", "[20,24]", kData + "0123"), R"("b" begins at byte 20)"));
  BOOST_TEST(contains(with("[0,16]", "[0,12]"), "[0, 12], expected 16 bytes"));
  BOOST_TEST(contains(with("[0,16]", "[16,0]"), "[16, 0], expected 16 bytes"));
  BOOST_TEST(contains(with("[2,2]", "[4294967296,4294967296]"), "overflows"));
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused) {
  const Folder folder;
  Model model;
  BOOST_CHECK_THROW(ad::load_safetensors(folder.file(), model.params), std::invalid_argument);
  BOOST_CHECK_THROW(ad::load_safetensors(folder.path, model.params), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
